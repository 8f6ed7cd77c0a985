"""What the doctor says of settings that do not fit the directory: one cause, one line, and the remedy."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.doctor import Level
from connector.settings import Settings
from tests.checked import changed, examined, names, only, wrong

BASE = "dc=universite,dc=example"
TWIN = "afontaine2"  # shares an INE on purpose


@pytest.fixture
def healthy(settings: Settings, slapd: PrivateSlapd, people: dict[str, str]) -> Settings:
    """The test people, less the one who is a fault himself."""
    slapd.run("ldapdelete", *slapd.as_root, people[TWIN])
    return settings.model_copy(update={"throttle": settings.throttle.model_copy(update=LIMITS)})


LIMITS = {"binds_per_account": "7/15 minutes", "key_like_binds_per_account": "2/15 minutes", "refusal_step_ms": 250}


@pytest.mark.parametrize("with_config", [False, True])
def test_a_healthy_directory_is_said_to_be(healthy: Settings, slapd: PrivateSlapd, with_config: bool) -> None:
    report = examined(healthy, slapd.ldapi_uri if with_config else "")
    assert wrong(report) == []
    untried = [finding.name for finding in report.findings(Level.UNTRIED)]
    assert untried == ([] if with_config else ["hashing"])  # {SSHA} of the tests is as quick as none
    assert report.is_reached


@pytest.mark.parametrize(
    ("directory", "name", "said", "remedy"),
    [
        ({"uri": ("ldap://127.0.0.1:1",)}, "server", "does not answer", "is slapd running"),
        ({"password": SecretStr("wrong")}, "sign-in", "refuses the password", "ldappasswd"),
        ({"bind_dn": f"cn=portail,ou=moncompte,{BASE}"}, "sign-in", "there is no entry cn=portail", "load this"),
        ({"people_dn": f"ou=nowhere,{BASE}"}, "people", "there is no ou=nowhere", "people_dn"),
        ({"people_dn": "ou=people,dc=autre,dc=example"}, "suffix", "holds dc=universite", "people_dn"),
        ({"decoy_dn": f"cn=nothing,ou=moncompte,{BASE}"}, "decoy", "there is no cn=nothing", "load it"),
        ({"decoy_dn": f"cn=portal,ou=moncompte,{BASE}"}, "decoy", "may not write to cn=portal", "load the rules"),
        ({"population": "(eduPersonAffiliation=martian)"}, "people", "finds nobody", "population"),
        ({"population": "(eduPersonAffiliation=staff)"}, "rights", "name other people", "load the rules anew"),
        ({"population": "(affiliation=student)"}, "schema", "does not know affiliation", "population: correct it"),
        ({"lockout_seconds": 60}, "lockout", "the settings say 60", "lockout_seconds = 900"),
    ],
)
def test_a_wrong_setting_is_named_alone(
    healthy: Settings, directory: dict[str, object], name: str, said: str, remedy: str
) -> None:
    finding = only(examined(changed(healthy, "directory", **directory)))
    assert finding.name == name
    assert said in finding.what
    assert remedy in finding.remedy


def test_what_rests_on_something_broken_is_untried(healthy: Settings) -> None:
    report = examined(changed(healthy, "directory", password=SecretStr("wrong")))
    untried = {finding.name: finding.what for finding in report.findings(Level.UNTRIED)}
    assert set(untried) >= {"rights", "no-wider", "passwords", "people"}
    assert "the portal cannot sign in" in untried["rights"]


def test_no_server_at_all_still_checks_the_rest(healthy: Settings) -> None:
    report = examined(changed(healthy, "directory", uri=("ldap://127.0.0.1:1",)))
    assert not report.is_reached
    assert "mail-server" in [finding.name for finding in report.findings(Level.OK)]


def test_one_server_of_two_that_is_down_is_named(healthy: Settings) -> None:
    report = examined(changed(healthy, "directory", uri=("ldap://127.0.0.1:1", *healthy.directory.uri)))
    assert names(report) == ["server"]
    assert {"rights", "decoy", "people"} <= {finding.name for finding in report.findings(Level.OK)}


def test_the_rootdn_is_known_by_what_it_may(healthy: Settings, slapd: PrivateSlapd) -> None:
    root = changed(healthy, "directory", bind_dn=slapd.root_dn, password=SecretStr(slapd.root_password))
    assert "above all rules" in next(f for f in wrong(examined(root)) if f.name == "no-wider").what
    report = examined(root, slapd.ldapi_uri)
    assert "rootdn" in names(report)
    assert "hashing" not in names(report)  # the policy does not hold the rootdn: that says nothing about the overlay


@pytest.mark.parametrize("name", ["rescue", "alias", "ine", "state"])
def test_an_attribute_that_is_not_in_the_schema_is_named(healthy: Settings, name: str) -> None:
    found = [
        f for f in wrong(examined(changed(healthy, "attributes", **{name: "supannMailPersso"}))) if f.name == "schema"
    ]
    assert len(found) == 1
    assert "supannMailPersso" in found[0].what
    assert name in found[0].remedy


def test_a_policy_stricter_than_the_page_is_named(healthy: Settings) -> None:
    finding = only(examined(changed(healthy, "password", min_length=8)))
    assert "min_length = 10" in finding.remedy


def test_more_binds_than_the_policy_bears_are_named(healthy: Settings) -> None:
    finding = only(examined(changed(healthy, "throttle", binds_per_account="9/15 minutes")))
    assert finding.name == "lockout"
    assert "11" in finding.what


def test_a_step_shorter_than_a_sign_in_is_named(healthy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with PrivateSlapd() as slapd:  # argon2
        uri = {"uri": (slapd.ldapi_uri,), "password": SecretStr(slapd.portal_password)}
        report = examined(changed(changed(healthy, "directory", **uri), "throttle", refusal_step_ms=1))
    assert "sign-in-cost" in names(report)


# The mail server


def test_a_mail_server_that_is_down_is_named(healthy: Settings) -> None:
    finding = only(examined(changed(healthy, "mail", port=1)))
    assert (finding.name, "refused" in finding.what) == ("mail-server", True)


def test_a_mail_server_without_starttls_is_named(healthy: Settings) -> None:
    finding = only(examined(changed(healthy, "mail", tls="starttls")))
    assert finding.name == "mail-server"
    assert "starttls" in finding.remedy


def test_a_sender_that_is_not_taken_is_named(healthy: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_refuse_sender, args=(server,), daemon=True).start()
        finding = only(examined(changed(healthy, "mail", port=server.getsockname()[1])))
    assert finding.name == "mail-sender"
    assert "553" in finding.what


def _refuse_sender(server: socket.socket) -> None:
    """A mail server that takes mail from nobody (RFC 5321 §4.2.2)."""
    line, _ = server.accept()
    with line, line.makefile("rwb") as file:
        file.write(b"220 strict\r\n")
        file.flush()
        for said in file:
            answer = b"553 not from you" if said.upper().startswith(b"MAIL") else b"250 strict"
            file.write(answer + b"\r\n")
            file.flush()
            if said.upper().startswith(b"QUIT"):
                return


def test_mails_that_travel_in_clear_are_named(healthy: Settings) -> None:
    """0.0.0.0 is this machine, and is not called so."""
    (finding,) = wrong(examined(changed(healthy, "mail", host="0.0.0.0")))  # noqa: S104 (nobody listens there)
    assert (finding.name, finding.level) == ("mail-tls", Level.WARNING)


def test_no_mail_is_sent(healthy: Settings, mailbox: Mailbox) -> None:
    examined(healthy)
    assert mailbox.mails == []


# This host


def test_a_secret_that_others_may_read_is_named(healthy: Settings, tmp_path: Path) -> None:
    secret = tmp_path / "directory-password"
    secret.write_text("x")
    secret.chmod(0o644)
    file = tmp_path / "moncompte.toml"
    file.write_text(f'[directory]\npassword_file = "{secret}"\n')
    finding = only(examined(healthy, path=file))
    assert (finding.name, finding.level) == ("secrets", Level.BROKEN)
    assert f"chmod 640 {secret}" in finding.remedy
    secret.chmod(0o640)
    assert names(examined(healthy, path=file)) == []
    file.write_text('[directory]\npassword = "x"\n')
    file.chmod(0o644)
    assert "the settings file" in only(examined(healthy, path=file)).what


@pytest.mark.parametrize(
    ("section", "values", "name"),
    [
        ("web", {"portal_url": "http://moncompte.universite.example/"}, "address"),
        ("web", {"portal_url": "https://moncompte.universite.example/", "secure_cookies": False}, "address"),
        ("audit", {"file": "/nowhere/audit.jsonl"}, "audit"),
        ("throttle", {"storage": SecretStr("redis://127.0.0.1:1/0")}, "limits"),
    ],
)
def test_a_trap_of_this_host_is_named(healthy: Settings, section: str, values: dict[str, object], name: str) -> None:
    assert only(examined(changed(healthy, section, **values))).name == name
