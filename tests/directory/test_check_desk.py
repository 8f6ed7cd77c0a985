"""What the doctor says of the help desk: its groups, its operators, the key of their second factors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import SAMPLE_SUFFIX, PrivateSlapd
from connector.directory import Directory, entries
from connector.doctor import Level
from connector.settings import Settings
from connector.vault import Vault
from tests.checked import (
    Edit,
    changed,
    examined,
    mended,
    only,
    with_change,
    with_rules,
    without,
    wrong,
)
from tests.conftest import GROUPS, reset_people

PEOPLE = f"ou=people,{SAMPLE_SUFFIX}"
KARIM, SYLVIE, BRIGITTE = (f"uid={uid},{PEOPLE}" for uid in ("kdesk", "sroux", "bdubois"))
HELPDESK, SECRETARIATS = (f"cn={name},ou=groups,{SAMPLE_SUFFIX}" for name in ("helpdesk", "secretariats"))
OLD, NEW = "an-older-key-" + "0" * 32, "a-newer-key-" + "1" * 32


@pytest.fixture(scope="module")
def own() -> Iterator[PrivateSlapd]:
    """A slapd of this file's own, to be broken and mended."""
    with PrivateSlapd(password_hash="{SSHA}") as server:
        server.add_ldif(GROUPS.format(base=server.base))
        yield server


@pytest.fixture
def fitting(own: PrivateSlapd, mailbox: Mailbox) -> Settings:
    reset_people(own)
    own.run("ldapdelete", *own.as_root, f"uid=afontaine2,{PEOPLE}")
    return demo_settings(own, mailbox, 8080)


def enrol(settings: Settings, uid: str, key: str) -> None:
    """A second factor for an operator, as the portal keeps it, enciphered with ``key``."""
    directory = Directory(settings)
    directory.operators.offer_enrolment(_found(directory, uid), datetime.now(UTC), "{SSHA512}x")
    sealed = Vault([key]).seal(uid, "JBSWY3DPEHPK3PXP")
    directory.operators.enrol(_found(directory, uid), sealed, 1, [])
    directory.close()


def _found(directory: Directory, uid: str):  # type: ignore[no-untyped-def]
    operator = directory.operators.find(uid)
    assert operator
    return operator


def said(settings: Settings, name: str) -> str:
    """What one line says that is ok."""
    return next(finding.what for finding in examined(settings).findings(Level.OK) if finding.name == name)


def keyed(settings: Settings, *totp_keys: str) -> Settings:
    return changed(settings, "desk", totp_key=SecretStr("\n".join(totp_keys)))


def test_a_desk_that_is_well_is_said_to_be_and_who_must_enrol_is_told(fitting: Settings) -> None:
    assert wrong(examined(fitting)) == []
    assert HELPDESK in said(fitting, "desk-groups")
    assert said(fitting, "operators") == f"2 operators, 2 not enrolled: {KARIM}; {SYLVIE}"
    for uid in ("kdesk", "sroux"):
        enrol(fitting, uid, fitting.desk.totp_keys[0])
    assert said(fitting, "operators") == "2 operators, each with a second factor"
    assert "every second factor" in said(fitting, "desk-key")


def test_where_there_is_no_desk_nothing_is_asked(fitting: Settings) -> None:
    closed = changed(fitting, "desk", group_dn="", component_group_dn="")
    assert said(closed, "desk") == "there is no help desk: [desk] names no group"
    assert not {"desk-groups", "operators"} & {finding.name for finding in examined(closed).findings()}


@pytest.mark.parametrize("name", ["group_dn", "component_group_dn"])
def test_a_group_that_is_not_there_is_named_alone(fitting: Settings, name: str) -> None:
    finding = only(examined(changed(fitting, "desk", **{name: f"cn=nobody,ou=groups,{SAMPLE_SUFFIX}"})))
    assert (finding.name, finding.level) == ("desk-groups", Level.BROKEN)
    assert "there is no group cn=nobody" in finding.what
    assert name in finding.remedy


def test_an_entry_that_has_no_members_is_no_group(fitting: Settings, own: PrivateSlapd) -> None:
    """A posixGroup names logins; whoever stands in one is no operator, and is not told so by the portal."""
    with with_rules(own, lambda rules: [rule.replace(HELPDESK, KARIM) for rule in rules]):
        finding = next(f for f in wrong(examined(changed(fitting, "desk", group_dn=KARIM))) if "member" in f.what)
    assert finding.name == "desk-groups"
    assert "groupOfNames" in finding.remedy


@pytest.mark.parametrize(
    ("edit", "name", "what"),
    [
        (without(HELPDESK), "desk-groups", "do not let the portal ask it"),
        (without(SECRETARIATS), "desk-groups", "do not let the portal ask it"),
        (without("filter=(objectClass=moncompteOperator) attrs=moncompteTotp"), "desk-rights", "moncompteRecoveryCode"),
        (
            lambda rules: [rule.replace("moncompteKeysIssued,moncompteSession", "moncompteSession") for rule in rules],
            "desk-rights",
            "KeysIssued",
        ),
        (
            lambda rules: [rule.replace("supannEntiteAffectation,pwdAccount", "pwdAccount") for rule in rules],
            "desk-rights",
            "to read supannEntiteAffectation",
        ),
    ],
)
def test_a_right_that_is_missing_is_named_and_mended(
    own: PrivateSlapd, fitting: Settings, edit: Edit, name: str, what: str
) -> None:
    with with_rules(own, edit):
        finding = only(examined(fitting))
        mended(own, fitting, name)
    assert finding.name == name
    assert what in finding.what


def test_rules_of_before_there_was_a_desk_are_told_from_a_desk_without_operators(
    own: PrivateSlapd, fitting: Settings
) -> None:
    closed = f'to dn.subtree="{PEOPLE}" by anonymous auth by * break'
    with with_rules(own, without("filter=(objectClass=moncompteOperator)")):
        assert only(examined(fitting)).name == "desk-rights"
        mended(own, fitting, "desk-rights")
    with with_rules(own, lambda rules: [closed, *without("filter=(objectClass=moncompteOperator)")(rules)]):
        assert only(examined(fitting)).name == "operators"  # strangers see nobody either: it cannot be known


def test_without_its_rights_to_people_the_desk_is_not_tried(own: PrivateSlapd, fitting: Settings) -> None:
    with with_rules(own, without("val=moncompteAccount")):
        report = examined(fitting)
    assert only(report).name == "rights"
    assert "desk" in [finding.name for finding in report.findings(Level.UNTRIED)]


def test_an_operator_in_no_group_is_named(own: PrivateSlapd, fitting: Settings) -> None:
    spoil = f"replace: member\nmember: {BRIGITTE}\n"
    with with_change(own, HELPDESK, spoil, f"replace: member\nmember: {KARIM}\n"):
        finding = only(examined(fitting))
    assert (finding.name, finding.level) == ("operators-without-group", Level.WARNING)
    assert KARIM in finding.what
    assert SYLVIE not in finding.what
    assert BRIGITTE not in str(finding)  # without the class she is not seen at all


def test_a_desk_without_operators_is_named(own: PrivateSlapd, fitting: Settings) -> None:
    for dn in (KARIM, SYLVIE):
        own.add_ldif(f"dn: {dn}\nchangetype: modify\ndelete: objectClass\nobjectClass: moncompteOperator\n")
    assert only(examined(fitting)).name == "operators"


def test_a_key_that_does_not_decipher_is_named_with_whose_factor_is_lost(fitting: Settings) -> None:
    enrol(fitting, "kdesk", OLD)
    enrol(fitting, "sroux", NEW)
    finding = only(examined(keyed(fitting, NEW)))
    assert (finding.name, finding.level) == ("desk-key", Level.BROKEN)
    assert finding.what.endswith("(1): kdesk")
    assert wrong(examined(keyed(fitting, NEW, OLD))) == []


def test_a_factor_that_was_copied_from_another_entry_is_named(own: PrivateSlapd, fitting: Settings) -> None:
    enrol(fitting, "kdesk", fitting.desk.totp_keys[0])
    (sealed,) = own.search("(uid=kdesk)", entries.TOTP_SECRET)[0][entries.TOTP_SECRET]
    own.add_ldif(f"dn: {SYLVIE}\nchangetype: modify\nreplace: {entries.TOTP_SECRET}\n{entries.TOTP_SECRET}: {sealed}\n")
    assert only(examined(fitting)).what.endswith("sroux")


def test_looking_at_the_desk_changes_nothing(own: PrivateSlapd, fitting: Settings) -> None:
    enrol(fitting, "kdesk", fitting.desk.totp_keys[0])
    options = ("-LLL", "-o", "ldif-wrap=no", "-b", PEOPLE)
    before = own.run("ldapsearch", *own.as_root, *options, "*", "+")
    assert wrong(examined(fitting)) == []
    assert own.run("ldapsearch", *own.as_root, *options, "*", "+") == before


def test_a_desk_whose_passwords_travel_in_clear_is_named(fitting: Settings) -> None:
    finding = only(examined(changed(fitting, "desk", url="http://guichet.universite.example/")))
    assert (finding.name, finding.remedy) == ("address", "[desk] url")


def test_a_key_in_a_settings_file_that_others_may_read_is_named(fitting: Settings, tmp_path: Path) -> None:
    file, secret = tmp_path / "moncompte.toml", tmp_path / "totp-key"
    file.write_text(f'[desk]\ntotp_key_file = "{secret}"\n')
    secret.write_text(OLD)
    secret.chmod(0o644)
    assert f"chmod 640 {secret}" in only(examined(fitting, path=file)).remedy
    file.write_text(f'[desk]\ntotp_key = "{OLD}"\n')
    file.chmod(0o644)
    assert "the settings file" in only(examined(fitting, path=file)).what
