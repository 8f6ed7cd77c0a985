"""What ``moncompte ldif`` writes: the sample's files for the sample's settings; for others, the same promises kept.

The promises are the tests of test_config.py themselves, collected here a second time, on a slapd whose suffix, branch
of people, population and own entries are called otherwise, with blanks, accents and quotes in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.cli.demo import settings as demo_settings
from connector.demo.ldap_tools import entries_of
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import EXTERNAL, SAMPLE_SUFFIX, PrivateSlapd
from connector.errors import SettingsInvalid
from connector.ldif import files, written_for
from connector.model import By
from connector.portal import Portal
from connector.settings import Settings, config_folder, load
from tests.conftest import PEOPLE_LDIF
from tests.directory import test_config as promises
from tests.directory.test_config import (  # noqa: F401  collected here again, on the slapd below
    DATABASE,
    issued,
    person,
    test_a_key_is_redeemed_once,
    test_a_refused_password_leaves_the_key_alive,
    test_a_student_is_locked_after_ten_failures_and_a_new_password_opens,
    test_nobody_else_reads_the_secrets,
    test_other_labels_are_not_even_seen,
    test_staff_do_not_exist_for_the_portal,
    test_strangers_cannot_lock_the_portal_out,
    test_the_decoy_records_failures_never_locks_and_does_not_grow,
    test_the_decoy_takes_what_a_person_takes,
    test_the_portal_cannot_learn_a_password,
    test_the_portal_cannot_let_in_again_whom_the_administration_shut_out,
    test_the_portal_redeems_a_key_in_one_modify,
)
from tests.portal_fixtures import MovingClock, account, enter_code, mailed_key

GROUPS = {
    "MONCOMPTE_DESK__GROUP_DN": "cn=helpdesk,ou=groups,dc=universite,dc=example",
    "MONCOMPTE_DESK__COMPONENT_GROUP_DN": "cn=secretariats,ou=groups,dc=universite,dc=example",
    "MONCOMPTE_DESK__TOTP_KEY": "x" * 32,
}
SAMPLE = load(config_folder() / "moncompte.toml", GROUPS, secrets=False)
SUFFIX = "dc=lointaine,dc=example"
POPULATION = '(&(employeeType=étudiant inscrit)(!(description=du "dehors" \\28invité\\29)))'
ELSEWHERE = {
    "people_dn": f"ou=étudiants et étudiantes,{SUFFIX}",
    "bind_dn": f"cn=mon portail,ou=ses comptes,{SUFFIX}",
    "decoy_dn": f"cn=decoy,ou=ses comptes,{SUFFIX}",
    "population": POPULATION,
}


def changed(settings: Settings, section: str, **values: object) -> Settings:
    """The settings with other values in one section, judged as if they had been written in the file."""
    part = getattr(settings, section)
    return settings.model_copy(update={section: type(part)(**{**part.__dict__, **values})})


def on_slapd(settings: Settings) -> PrivateSlapd:
    """A slapd that was configured by what is printed for these settings, and by nothing else."""
    directory = settings.directory
    server = PrivateSlapd(
        suffix=directory.people_dn.partition(",")[2],
        password_hash="{SSHA}",
        config={path.name: written_for(path, settings) for path in files()},
    )
    server.people_dn, server.portal_dn, server.decoy_dn = directory.people_dn, directory.bind_dn, directory.decoy_dn
    return server


def of_elsewhere(people: str) -> str:
    """people.ldif, in the words of that university."""
    branch = people.replace(f"ou=people,{SAMPLE_SUFFIX}", ELSEWHERE["people_dn"])
    return branch.replace("eduPersonAffiliation: student", "employeeType: étudiant inscrit")


@pytest.fixture(scope="module")
def slapd() -> Iterator[PrivateSlapd]:
    with on_slapd(changed(SAMPLE, "directory", **ELSEWHERE)) as server:
        server.restart()  # what was loaded must be readable from slapd's own files too
        yield server


@pytest.fixture
def people(slapd: PrivateSlapd) -> dict[str, str]:
    old = [entry["dn"][0] for entry in slapd.search("(uid=*)", "1.1", base=slapd.people_dn)]
    gone = "".join(f"dn: {dn}\nchangetype: delete\n\n" for dn in old)
    slapd.add_ldif(gone + of_elsewhere(PEOPLE_LDIF.read_text(encoding="utf-8")))
    found = slapd.search("(uid=*)", "uid", base=slapd.people_dn)
    return {entry["uid"][0]: entry["dn"][0] for entry in found}


def values(text: str) -> list[dict[str, list[str]]]:
    """An LDIF's entries, its lines unfolded; a filter's quotes mean nothing to slapd while no blank is in it."""
    return list(entries_of(re.sub(r'filter="(\S+)"', r"filter=\1", text.replace("\n ", ""))))


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_the_sample_settings_print_the_sample_files(path: Path) -> None:
    assert values(written_for(path, SAMPLE)) == values(path.read_text(encoding="utf-8"))


def test_nothing_of_the_sample_is_left_elsewhere() -> None:
    settings = changed(SAMPLE, "directory", **ELSEWHERE | {"decoy_dn": f"cn=leurre,ou=leurres,{SUFFIX}"})
    settings = changed(settings, "desk", group_dn=f"cn=guichet,{SUFFIX}", component_group_dn="")
    printed = "".join(written_for(path, settings, "{2}mdb") for path in files())
    for sample in ("dc=universite", "ou=people", "cn=portal", "ou=moncompte", "cn=decoy", "{1}mdb", "Affiliation=st"):
        assert sample not in printed
    assert max(len(line) for line in printed.splitlines() if not line.startswith("#")) <= 120


def test_the_portal_reads_what_its_population_is_made_of(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    entry = promises.seen(slapd, slapd.as_portal, "(uid=jmartin001)", "*", "+")[0]
    assert entry["employeeType"] == ["étudiant inscrit"]
    assert {"eduPersonAffiliation", "userPassword"}.isdisjoint(entry)


def test_whom_the_population_leaves_out_does_not_exist(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    guest = 'replace: description\ndescription: du "dehors" (invité)'
    dn = people["jmartin001"]
    assert promises.modify(slapd, slapd.as_root, dn, guest) == promises.SUCCESS
    assert promises.seen(slapd, slapd.as_portal, "(uid=jmartin001)") == []
    assert promises.modify(slapd, slapd.as_portal, dn, promises.ISSUE) in {50, 32}


def test_the_population_is_indexed(slapd: PrivateSlapd) -> None:
    found = slapd.run("ldapsearch", *EXTERNAL, "-LLL", "-b", DATABASE, "-s", "base", "olcDbIndex")
    indexes = next(entries_of(found))["olcDbIndex"]
    assert {"employeeType eq", "description eq", "supannCodeINE eq"} <= set(indexes)


def test_no_index_comes_twice_and_what_must_be_there_at_all_has_one_for_it() -> None:
    path = next(path for path in files() if path.name.startswith("30"))
    settings = changed(SAMPLE, "directory", population="(&(supannEtuId=*)(employeeType=*)(uid=*)(employeeType=x))")
    settings = changed(settings, "attributes", uid="supannAliasLogin", alias="uid")
    indexes = re.findall(r"^olcDbIndex: (\S+) (\S+)$", written_for(path, settings), re.MULTILINE)
    assert indexes[:4] == [
        ("supannCodeINE", "eq"),
        ("supannAliasLogin", "eq"),
        ("supannEtuId", "pres,eq"),
        ("employeeType", "pres,eq"),
    ]
    assert len(dict(indexes)) == len(indexes)


# A directory of SUPANN 2009, and one without SUPANN

NAMES_2009 = {"rescue": "supannMailPerso", "rescue_label": "", "state": "", "state_date": ""}
NAMES_OF_NOBODY = {
    **{"ine": "", "alias": "", "student_number": "employeeNumber", "language": "", "name": "cn"},
    **{"rescue": "homePostalAddress", "rescue_label": "", "state": "", "state_date": "", "uid": "departmentNumber"},
    **{"surname": "", "programme": "ou", "address": "postalAddress"},
}


def test_forget_and_come_back_on_supann_2009_by_what_is_printed(mailbox: Mailbox, clock: MovingClock) -> None:
    with on_slapd(changed(SAMPLE, "attributes", **NAMES_2009)) as server:
        server.add_ldif(PEOPLE_LDIF.read_text(encoding="utf-8"))
        portal = Portal(changed(demo_settings(server, mailbox, 8080), "attributes", **NAMES_2009), clock)
        portal.directory.prepare()
        proof = portal.sign_in("tlambert", mailed_key(portal, mailbox, "tlambert"))
        done = portal.redeem_key("tlambert", proof.mark, "trois-pommes-42-bleues", "theo@ailleurs.example")
        enter_code(portal, mailbox, done.proof)
        assert portal.sign_in("tlambert", "trois-pommes-42-bleues").by is By.PASSWORD
        assert account(portal, "tlambert").rescue == "theo@ailleurs.example"
        portal.stop()
        for name in ("supannMailPrive", "supannRessourceEtat"):
            assert name not in promises.seen(server, server.as_portal, "(uid=lroy)", "*", "+")[0]
            change = f"replace: {name}\n{name}: {{SECOURS}}x@y.example"
            assert promises.modify(server, server.as_portal, f"uid=lroy,{server.people_dn}", change) == 50


def test_rules_without_a_state_are_numbered_without_a_gap() -> None:
    path = next(path for path in files() if path.name.startswith("60"))
    printed = written_for(path, changed(SAMPLE, "attributes", **NAMES_2009))
    rules = re.findall(r"^olcAccess: \{(\d+)\}", printed, re.MULTILINE)
    assert rules == [str(number) for number in range(17)]
    assert "# {6} and {7} Operators of the help desk" in printed
    assert "supannRessourceEtat=" not in printed
    assert "The one step of the state" not in printed
    assert " attrs=supannMailPerso\n  by " in printed


def test_a_directory_that_never_heard_of_supann_takes_it_too() -> None:
    settings = changed(SAMPLE, "attributes", **NAMES_OF_NOBODY)
    settings = changed(settings, "directory", population="(objectClass=inetOrgPerson)")
    ours = {path.name: written_for(path, settings) for path in files(full_supann=True)}  # neither file 10 nor 11
    with PrivateSlapd(password_hash="{SSHA}", config=ours) as server:
        server.add_ldif(
            f"dn: cn=x,{server.people_dn}\nobjectClass: inetOrgPerson\ncn: x\nsn: x\ndepartmentNumber: x001\n"
            "employeeNumber: 7\nhomePostalAddress: x@y.example\npostalAddress: rue X$24000 Ville\nou: Droit\n"
        )
        entry = promises.seen(server, server.as_portal, "(departmentNumber=x001)", "*")[0]
        assert {"departmentNumber", "employeeNumber", "homePostalAddress", "cn", "ou", "postalAddress"} < set(entry)
        assert "sn" not in entry


@pytest.mark.parametrize(
    "other", [{"bind_dn": "uid=portal,dc=x"}, {"decoy_dn": "cn=d,dc=x"}, {"decoy_dn": "cn=d+sn=e,ou=m,dc=x"}]
)
def test_entries_that_file_50_cannot_make_are_told(other: dict[str, str]) -> None:
    path = next(path for path in files() if path.name.startswith("50"))
    with pytest.raises(SettingsInvalid, match="file 50 cannot make it"):
        written_for(path, changed(SAMPLE, "directory", **other))
