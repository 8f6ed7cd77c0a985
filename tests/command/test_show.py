"""``moncompte show``: everything about one account, and why its owner cannot get in."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory.entries import to_time
from connector.errors import SignInRefused
from connector.model import By, Origin
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.portal_fixtures import START, MovingClock, issue, mailed_key, other_key
from tests.shell_fixtures import Typed, shown, write

STATE = "replace: supannRessourceEtatDate\nsupannRessourceEtatDate: {COMPTE}A:SupannActif:"


def hindrances(typed: Typed, identifier: str) -> list[str]:
    return [item["what"] for item in shown(typed, identifier)["hindrances"]]


@pytest.mark.parametrize(
    "identifier", ["rbenali", "RBENALI", "110 000 005 AB", "110000005ab", "123.456.7890-D", "22500005"]
)
def test_an_account_is_found_by_whatever_its_owner_types(typed: Typed, identifier: str) -> None:
    assert shown(typed, identifier)["login"] == "rbenali"


def test_a_person_is_told_everything_in_words(typed: Typed, portal: Portal, people: dict[str, str]) -> None:
    issue(portal, "emercier")
    text = typed("show", "emercier").stdout
    assert text.startswith("Élodie Mercier (emercier)\n")
    for line in (
        people["emercier"],
        "11***AB",
        "to be activated (I:SupannCree), since 2026-09-01",
        "the letter's key, issued 2026-11-22 13:00:00 +0100, until 2026-12-13 13:00:00 +0100, 0 wrong keys tried",
        "0 in the last 24 hours; the next may be asked for now",
        "e***@c***.example, not proved",
        "CAN SIGN IN with the letter's key, until 2026-12-13 13:00:00 +0100.",
    ):
        assert line in text


def test_the_hour_that_happens_twice_is_told_apart(typed: Typed, slapd: PrivateSlapd, people: dict[str, str]) -> None:
    """At the end of summer time two o'clock comes twice; the distance from UTC says which one is meant."""
    said = []
    for instant in ("20261025003000Z", "20261025013000Z"):
        proved = f"replace: moncompteRescueVerified\nmoncompteRescueVerified: {instant}"
        write(
            slapd,
            people["jmartin001"],
            f"replace: objectClass\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\n"
            f"objectClass: supannPerson\nobjectClass: moncompteAccount\n-\n{proved}",
        )
        said.append(typed("show", "jmartin001").stdout)
    assert "proved 2026-10-25 02:30:00 +0200" in said[0]
    assert "proved 2026-10-25 02:30:00 +0100" in said[1]


def test_nobody_is_told_with_what_that_may_mean(typed: Typed, people: dict[str, str]) -> None:
    for identifier in ("nobody", "bdubois", "", "*"):  # staff exist, and not for us
        result = typed("show", identifier, code=1)
        assert "outside the population" in result.stderr
        assert "ldapsearch " in result.stderr
        assert result.stdout == ""
    assert shown(typed, "bdubois", code=1) | {"said": ""} == {"found": "unknown", "dns": [], "said": ""}


def test_what_was_typed_is_not_echoed(typed: Typed) -> None:
    """Somebody's INE, or a password that was pasted into the wrong window."""
    assert "110000099AB" not in typed("show", "110000099AB", code=1).output


def test_two_who_answer_are_nobody_and_their_dns_are_told(typed: Typed, people: dict[str, str]) -> None:
    told = shown(typed, "110000011AB", code=1)
    assert (told["found"], sorted(told["dns"])) == ("several", sorted([people["afontaine"], people["afontaine2"]]))
    assert people["afontaine"] in typed("show", "110000011AB", code=1).stderr


def test_an_entry_without_login_is_no_account(typed: Typed, slapd: PrivateSlapd) -> None:
    """Entries may be named by something else than their login, and lack one."""
    dn = f"cn=Sans Login,{slapd.people_dn}"
    classes = "objectClass: inetOrgPerson\nobjectClass: eduPerson\nobjectClass: supannPerson\n"
    slapd.add_ldif(f"dn: {dn}\n{classes}cn: Sans Login\nsn: L\neduPersonAffiliation: student\nsupannEtuId: 22600099\n")
    try:
        told = shown(typed, "22600099", code=1)
        assert (told["found"], told["dns"]) == ("no-login", [dn])
        assert "has no uid" in typed("revoke", "22600099", code=1).stderr
    finally:
        slapd.run("ldapdelete", *slapd.as_root, dn)


@pytest.mark.parametrize(
    ("uid", "expected"),
    [
        ("smoreau", "suspended"),
        ("vgarnier", "closed"),
        ("ileroux", "locked"),
        ("nfaure", "no-key"),
        ("zpetit", "no-rescue-address"),
    ],
)
def test_each_kind_of_person_is_told_what_keeps_them_out(typed: Typed, uid: str, expected: str) -> None:
    told = shown(typed, uid)
    assert told["hindrances"][0]["what"] == expected
    assert told["can_sign_in"] == (uid == "zpetit")
    assert told["may_ask_from"] is None


@pytest.mark.parametrize(("dates", "expected"), [("20261123:", "not-begun"), ("20250901:20261121", "ended")])
def test_a_state_holds_from_its_first_day_to_its_last(
    typed: Typed, slapd: PrivateSlapd, people: dict[str, str], dates: str, expected: str
) -> None:
    write(slapd, people["jmartin001"], STATE + dates)
    assert hindrances(typed, "jmartin001") == [expected]
    assert shown(typed, "jmartin001")["can_sign_in"] is False


def test_an_account_at_rest_is_opened_by_a_key_alone_and_only_until_the_rest_ends(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, people: dict[str, str], clock: MovingClock
) -> None:
    rest = f"replace: pwdAccountLockedTime\npwdAccountLockedTime: {to_time(START)}"
    write(slapd, people["jmartin001"], rest)
    told = shown(typed, "jmartin001")
    assert (told["ways"], [item["what"] for item in told["hindrances"]]) == ([], ["resting"])
    assert told["lock"]["rests_until"] == "2026-11-22T12:15:00+00:00"
    assert told["hindrances"][0]["do"] == "moncompte unlock jmartin001"
    issue(portal, "jmartin001", Origin.DESK)
    assert shown(typed, "jmartin001")["ways"] == ["key"]
    clock.forward(minutes=15)
    assert shown(typed, "jmartin001")["ways"] == ["password", "key"]


def test_a_dead_key_is_told_with_the_reason(
    typed: Typed, portal: Portal, clock: MovingClock, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    key = issue(portal, "emercier")
    with pytest.raises(SignInRefused):
        portal.sign_in("emercier", other_key(key))
    assert shown(typed, "emercier")["key"]["wrong_tries"] == 1
    write(slapd, people["emercier"], "replace: moncompteKeyFailures\nmoncompteKeyFailures: 100")
    assert (hindrances(typed, "emercier"), shown(typed, "emercier")["key"]["dead"]) == (["key-worn-out"], "worn-out")
    write(slapd, people["emercier"], "replace: moncompteKeyFailures\nmoncompteKeyFailures: 0")
    clock.forward(days=21)
    assert (hindrances(typed, "emercier"), shown(typed, "emercier")["key"]["dead"]) == (["key-expired"], "expired")
    assert shown(typed, "emercier")["can_sign_in"] is False


def test_a_mail_in_the_outbox_is_told_until_it_is_given_up(
    typed: Typed, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")
    assert hindrances(typed, "jmartin001") == ["cooling-down"]  # on its way
    clock.forward(minutes=10)
    told = shown(typed, "jmartin001")
    assert [item["what"] for item in told["hindrances"]] == ["mail-waits"]
    assert (told["outbox"]["key_due"], told["outbox"]["tries"]) == ("2026-11-22T12:02:00+00:00", 0)
    mailbox.refuse(451)
    portal.outbox.dispatch(clock())
    assert shown(typed, "jmartin001")["outbox"]["tries"] == 1
    assert hindrances(typed, "jmartin001") == ["mail-waits"]
    for _ in range(29):
        clock.forward(hours=1)
        portal.outbox.dispatch(clock())
    assert hindrances(typed, "jmartin001") == ["mail-given-up"]


def test_whoever_asked_too_often_is_told_when_the_next_may_be_asked_for(
    typed: Typed, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    """And what is told is true: a second before nothing is mailed, then it is."""
    for _ in range(5):
        mailed_key(portal, mailbox, "jmartin001")
        clock.forward(minutes=10)
    told = shown(typed, "jmartin001")
    assert [item["what"] for item in told["hindrances"]] == ["enough-today"]
    assert told["may_ask_from"] == "2026-11-23T12:00:00+00:00"
    before = len(mailbox.mails)
    clock.instant = START + timedelta(days=1, seconds=-1)
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert len(mailbox.mails) == before
    clock.forward(seconds=1)
    assert shown(typed, "jmartin001")["may_ask_from"] == "2026-11-23T12:00:00+00:00"
    mailed_key(portal, mailbox, "jmartin001")


def test_what_is_told_of_the_ways_in_is_what_the_portal_does(
    typed: Typed, portal: Portal, people: dict[str, str]
) -> None:
    """Of everybody in people.ldif whom the portal serves, with their password and with a key."""
    for uid in sorted(set(people) - {"bdubois", "kdesk", "sroux"}):
        for secret, way in ((PASSWORD, By.PASSWORD), (issue(portal, uid), By.KEY)):
            told = way.value in shown(typed, uid)["ways"]
            try:
                opened = portal.sign_in(uid, secret).by is way
            except SignInRefused:
                opened = False
            assert told == opened, (uid, way)


def test_the_rescue_address_is_shown_in_full_on_request_which_is_audited(typed: Typed, audit_file: Path) -> None:
    typed("show", "jmartin001")
    assert not audit_file.exists() or audit_file.read_text() == ""
    assert "jeanne@courriel.example" in typed("show", "jmartin001", "--reveal").stdout
    assert shown(typed, "jmartin001", "--reveal")["rescue"]["address"] == "jeanne@courriel.example"
    line = json.loads(audit_file.read_text().splitlines()[0])
    assert (line["event"], line["actor"], line["account"]) == ("operator:account:show", "shell:alice", "jmartin001")


def test_what_is_told_of_a_rescue_address_is_where_keys_go_and_what_waits(
    typed: Typed, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    values = {
        "moncompteRescueVerified": "20261101000000Z",
        "moncompteRescueCode": "20991101000000Z 2 troisieme@ailleurs.example",
        "moncompteRescueFormer": "20991101000000Z avant@ailleurs.example",
        "moncompteRescueFrozen": "20991101000000Z",
        "moncompteRescueBounced": "20261102000000Z",
    }
    lines = [f"replace: {name}\n{name}: {value}" for name, value in values.items()]
    write(slapd, people["jmartin001"], "\n-\n".join(["add: objectClass\nobjectClass: moncompteAccount", *lines]))
    told = shown(typed, "jmartin001", "--reveal")["rescue"]
    assert (told["former"]["address"], told["code"]["address"]) == (
        "avant@ailleurs.example",
        "troisieme@ailleurs.example",
    )
    assert told["code"]["tries"] == 2
    assert all(told[name] for name in ("proved", "frozen_until", "bounced"))
    text = typed("show", "jmartin001").stdout
    for said in ("keys go to a***@a***.example until", "t***@a***.example waits for its code", "mail came back"):
        assert said in text
    assert "a password alone does not change it until" in text


def test_the_last_events_are_this_accounts_newest_first(typed: Typed, portal: Portal, audit_file: Path) -> None:
    for uid in ("jmartin001", "lroy", *["jmartin001"] * 11):
        portal.sign_in(uid, PASSWORD)
    audit_file.rename(audit_file.with_name("audit.jsonl.1"))
    with pytest.raises(SignInRefused):
        portal.sign_in("jmartin001", "not the password")
    told = shown(typed, "jmartin001")["events"]
    assert [line["outcome"] for line in told] == ["refused", *["done"] * 9]
    assert {line["account"] for line in told} == {"jmartin001"}
    assert "account:session:open        refused (wrong-password), by visitor" in typed("show", "jmartin001").stdout


def test_an_audit_that_cannot_be_read_is_said(typed: Typed, settings_file: Path, audit_file: Path) -> None:
    text = settings_file.read_text().replace(json.dumps(str(audit_file)), '"syslog"')
    settings_file.write_text(text)
    assert "the audit goes to no file" in typed("show", "jmartin001").stdout


def test_what_others_wrote_into_the_directory_steers_no_terminal(
    typed: Typed, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    write(slapd, people["jmartin001"], "replace: displayName\ndisplayName:: SmVhbm5lG1sybQ==")  # "Jeanne", ESC [2m
    assert typed("show", "jmartin001").stdout.startswith("Jeanne\\x1b[2m (jmartin001)")


def test_the_line_that_ends_a_lock_for_good_works_as_printed(
    typed: Typed, slapd: PrivateSlapd, portal: Portal, settings: Settings
) -> None:
    line = shown(typed, "ileroux")["hindrances"][0]["do"]
    administrator = f"-x -D {slapd.root_dn} -y {slapd.folder / 'root.password'}"
    subprocess.run(line.replace("-x -D ADMIN_DN -W", administrator), shell=True, check=True, capture_output=True)  # noqa: S602
    assert portal.sign_in("ileroux", PASSWORD).by is By.PASSWORD


def test_the_charter_is_told_as_it_was_accepted(
    typed: Typed, portal: Portal, settings_file: Path, clock: MovingClock
) -> None:
    """Which version and when, whether another is in force, and who has accepted none; a purge leaves it."""
    assert shown(typed, "jmartin001")["charter"] is None
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.selfcare.accept_charter("jmartin001", proof.by, proof.mark, "2026-1", portal.now())
    clock.forward(days=400)
    typed("purge")
    assert shown(typed, "jmartin001")["charter"] == {"version": "2026-1", "at": "2026-11-22T12:00:00+00:00"}
    assert "charter         2026-1, accepted 2026-11-22 13:00:00 +0100\n" in typed("show", "jmartin001").stdout
    charter = '[charter]\nversion = "2027"\nurl = "https://universite.example/charte"\n'
    text = re.sub(r"\[charter\][^\[]*", "", settings_file.read_text())
    settings_file.write_text(text + charter)
    assert "+0100; the present one is 2027\n" in typed("show", "jmartin001").stdout
    assert "charter         2027, not accepted\n" in typed("show", "lroy").stdout
