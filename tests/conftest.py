"""What every folder of tests may ask for: a real slapd with config/ldap loaded, and the test people."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from connector.demo.slapd import SAMPLE_SUFFIX, PrivateSlapd
from tests.leaks import Watch

os.environ["LC_ALL"] = "C.UTF-8"  # errors are told in the shell's language: a French developer's tests read English
os.environ.pop("LANGUAGE", None)
signal.signal(signal.SIGINT, signal.default_int_handler)  # which "&" in a script ignores, for all that it starts

hypothesis.settings.register_profile("unhurried", deadline=None)  # a busy machine makes no test fail
hypothesis.settings.load_profile("unhurried")

pytest_plugins = ("tests.portal_fixtures", "tests.shell_fixtures")

PEOPLE_LDIF = Path(__file__).parent / "people.ldif"
PASSWORD = "Pont-de-Pierre-1822"  # of everyone in people.ldif who has one

GROUPS = """\
dn: ou=groups,{base}
objectClass: organizationalUnit
ou: groups

dn: cn=helpdesk,ou=groups,{base}
objectClass: groupOfNames
cn: helpdesk
member: uid=kdesk,ou=people,{base}

dn: cn=secretariats,ou=groups,{base}
objectClass: groupOfNames
cn: secretariats
member: uid=sroux,ou=people,{base}
"""

_DECOY_ATTRIBUTES = (
    "moncompteKeyHash",
    "moncompteKeyIssued",
    "moncompteKeyExpiry",
    "moncompteKeyOrigin",
    "moncompteKeyFailures",
    "moncompteMailDue",
    "moncompteMailFailures",
    "moncompteSpentHash",
    "moncompteSent",
)


@pytest.fixture(autouse=True)
def nothing_leaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Whatever a test does, no secret comes out anywhere but in the one mail that brings a key (DESIGN rule 6)."""
    watch = Watch()
    watch.hear(monkeypatch)
    root = logging.getLogger()
    root.addHandler(watch)
    yield watch
    root.removeHandler(watch)
    assert watch.leaks() == []


@pytest.fixture(scope="session")
def slapd() -> Iterator[PrivateSlapd]:
    """One slapd for the whole run; {SSHA} spares each sign-in the cost of argon2."""
    with PrivateSlapd(password_hash="{SSHA}") as server:
        make_groups(server)
        yield server


def make_groups(slapd: PrivateSlapd) -> None:
    """The groups that make operators of kdesk and sroux."""
    slapd.add_ldif(GROUPS.format(base=slapd.base))


@pytest.fixture
def people(slapd: PrivateSlapd) -> dict[str, str]:
    """The people of people.ldif, fresh for this test: their DNs by login."""
    return reset_people(slapd)


def reset_people(slapd: PrivateSlapd) -> dict[str, str]:
    """Whatever is below ou=people goes, people.ldif comes, the decoy forgets; in one command."""
    old = [entry["dn"][0] for entry in slapd.search("(uid=*)", "1.1", base=slapd.people_dn)]
    gone = "".join(f"dn: {dn}\nchangetype: delete\n\n" for dn in old)
    decoy = f"dn: {slapd.decoy_dn}\nchangetype: modify\n" + "-\n".join(f"replace: {n}\n" for n in _DECOY_ATTRIBUTES)
    fresh = PEOPLE_LDIF.read_text(encoding="utf-8").replace(SAMPLE_SUFFIX, slapd.base)
    slapd.add_ldif(f"{gone}{decoy}\n{fresh}")
    found = slapd.search("(uid=*)", "uid", base=slapd.people_dn)
    return {entry["uid"][0]: entry["dn"][0] for entry in found}
