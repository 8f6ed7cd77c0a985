"""The audit: a line for everything that happens to an account, and nothing in it that should not be."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from connector.audit import Audit, Event, Line, Outcome
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import DirectoryError, MonCompteError, SettingsInvalid, Shut, SignInRefused
from connector.model import Asked, Caller, DeadKeyReason
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, audited, issue, mailed_key, other_key, slip
from tests.web.steps import change, choose, post, sign_in, suspend, try_to_sign_in
from webui import create_app

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"
NEW_PASSWORD = "Trois-chaloupes-4-voiles"
HOME = Caller("192.0.2.7", "abc")


def lines(file: Path, event: Event) -> list[tuple[str, str, str, str | None]]:
    """Of each line of an event: outcome, reason, actor, account."""
    found = [line for line in audited(file) if line["event"] == event.value]
    return [(line["outcome"], line["reason"], line["actor"], line["account"]) for line in found]


def test_a_line_tells_when_what_how_why_who_whose_where_and_in_which_request(portal: Portal, audit_file: Path) -> None:
    portal.sign_in("jmartin001", PASSWORD, HOME)
    assert audited(audit_file) == [
        {
            "time": "2026-11-22T12:00:00+00:00",
            "event": "account:session:open",
            "outcome": "done",
            "reason": "",
            "actor": "jmartin001",
            "account": "jmartin001",
            "source": "192.0.2.7",
            "request": "abc",
            "by": "password",
        }
    ]


def test_a_refused_sign_in_says_why_to_the_sysadmin_alone(
    portal: Portal, slapd: PrivateSlapd, audit_file: Path
) -> None:
    key = issue(portal, "emercier")
    tries = [
        ("nobody", PASSWORD, "unknown", None),
        ("110000011AB", PASSWORD, "unknown", None),
        ("smoreau", PASSWORD, "closed", "smoreau"),
        ("ileroux", PASSWORD, "locked", "ileroux"),
        ("jmartin001", "not the password", "wrong-password", "jmartin001"),
        ("110 000 003 AB", "not the password", "wrong-password", "jmartin001"),
        ("emercier", other_key(key), "wrong-key", "emercier"),
        ("emercier", slip(key), "mistyped-key", "emercier"),
    ]
    for identifier, secret, _reason, _uid in tries:
        with pytest.raises(SignInRefused):
            portal.sign_in(identifier, secret, HOME)
    expected = [("refused", reason, "visitor", uid) for _identifier, _secret, reason, uid in tries]
    assert lines(audit_file, Event.SESSION_OPENED) == expected
    assert "110000003AB" not in audit_file.read_text().upper().replace(" ", "")  # an INE is personal data


def test_what_was_typed_as_a_login_is_never_written(portal: Portal, audit_file: Path) -> None:
    """People type their password there."""
    with pytest.raises(SignInRefused):
        portal.sign_in(PASSWORD, "x", HOME)
    portal.request_key(PASSWORD, HOME)
    assert PASSWORD not in audit_file.read_text()


def test_a_limit_that_stopped_somebody_is_named(limited: Portal, audit_file: Path) -> None:
    for _ in range(6):
        with pytest.raises(MonCompteError):
            limited.sign_in("jmartin001", "not the password", HOME)
    assert lines(audit_file, Event.SESSION_OPENED)[-1] == (
        "refused",
        "too-many-sign-in-per-identifier",
        "visitor",
        None,
    )


def test_what_became_of_a_request_for_a_key_is_told_to_the_sysadmin_alone(
    portal: Portal, mailbox: Mailbox, audit_file: Path
) -> None:
    issue(portal, "zpetit")
    for identifier in ("jmartin001", "jmartin001", "nobody", "zpetit", "smoreau"):
        portal.request_key(identifier, HOME)
    portal.outbox.send_handed()
    assert lines(audit_file, Event.KEY_ASKED) == [
        ("done", "mailed", "visitor", "jmartin001"),
        ("refused", "cooling-down", "visitor", "jmartin001"),
        ("refused", "unknown", "visitor", None),
        ("refused", "no-rescue-address", "visitor", "zpetit"),
        ("refused", "closed", "visitor", "smoreau"),
    ]
    assert lines(audit_file, Event.KEY_MAILED) == [("done", "", "outbox", "jmartin001")]


def test_a_whole_story_in_its_lines(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, audit_file: Path, clock: MovingClock
) -> None:
    """Activate, sign out, come back by password, change, a suspended session, a form without its token."""
    client = create_app(portal).test_client()
    sign_in(client, "emercier", issue(portal, "emercier"))
    choose(client, NEW_PASSWORD, "elodie@courriel.example")
    sign_in(client, "emercier", NEW_PASSWORD)
    change(client, "not the password", "Quatre-barques-5-rames")
    change(client, NEW_PASSWORD, "Quatre-barques-5-rames")
    sign_in(client, "emercier", "Quatre-barques-5-rames")
    post(client, "/deconnexion")
    sign_in(client, "emercier", "Quatre-barques-5-rames")
    suspend(slapd, "emercier")
    client.get("/mot-de-passe")
    client.post("/connexion", data={"identifier": "emercier", "secret": "x"})
    portal.outbox.send_handed()
    told = [(line["event"], line["outcome"], line["reason"], line["account"]) for line in audited(audit_file)]
    assert told == [
        ("account:session:open", "done", "", "emercier"),
        ("account:key:redeem", "done", "", "emercier"),
        ("account:session:close", "done", "", "emercier"),  # that in which the code could have been typed
        ("account:session:open", "done", "", "emercier"),
        ("account:credentials:change", "refused", "wrong-current-password", "emercier"),
        ("account:credentials:change", "done", "", "emercier"),
        ("account:session:open", "done", "", "emercier"),
        ("account:session:close", "done", "", "emercier"),
        ("account:session:open", "done", "", "emercier"),
        ("account:session:lose", "refused", "session-stale", "emercier"),
        ("visitor:form:forge", "refused", "no-token", None),
        ("outbox:code:mail", "done", "", "emercier"),
        *[("outbox:notice:mail", "done", "", "emercier")] * 3,  # one of them to the address that was replaced
    ]
    assert next(line for line in audited(audit_file) if line["event"] == "account:key:redeem")["changed"] == [
        "state",
        "password",
        "rescue",
    ]


def test_what_no_page_of_ours_lets_anybody_send_is_told(portal: Portal, audit_file: Path) -> None:
    client = create_app(portal).test_client()
    try_to_sign_in(client, "x" * 129, "y")
    post(client, "/oubli", identifier="x" * 70_000)
    client.get("/nulle-part")
    assert lines(audit_file, Event.FORM_REFUSED) == [
        ("refused", "too-long", "visitor", None),
        ("refused", "http-413", "visitor", None),
    ]


def test_every_line_of_one_request_has_its_name(portal: Portal, audit_file: Path) -> None:
    client = create_app(portal).test_client()
    sign_in(client, "jmartin001", PASSWORD)
    try_to_sign_in(client, "nobody", "x")
    requests = [line["request"] for line in audited(audit_file)]
    assert len(set(requests)) == 2
    assert all(re.fullmatch("[0-9a-f]{16}", request) for request in requests)
    assert {line["source"] for line in audited(audit_file)} == {"127.0.0.1"}


def test_an_outage_is_no_refusal(portal: Portal, slapd: PrivateSlapd, audit_file: Path) -> None:
    slapd.halt()
    try:
        with pytest.raises(MonCompteError):
            portal.sign_in("jmartin001", PASSWORD, HOME)
    finally:
        slapd.launch()
    assert lines(audit_file, Event.SESSION_OPENED) == [("failed", "directory-unavailable", "visitor", None)]


@pytest.mark.parametrize("nasty", ["a\nb", "a\r\n{}", "\u2028\u2029\x85", "\x00\x1b[31m", '"}\n{"event": "x"'])
def test_no_field_can_start_a_line_of_its_own(tmp_path: Path, clock: MovingClock, nasty: str) -> None:
    file = tmp_path / "a.jsonl"
    audit = Audit(str(file), clock)
    audit.write(Event.SESSION_OPENED, Line(nasty, nasty, Outcome.REFUSED, nasty, {"by": nasty}), Caller(nasty, nasty))
    audit.close()
    raw = file.read_bytes()
    assert raw.count(b"\n") == 1
    assert len(raw.decode("ascii").splitlines()) == 1  # ASCII, so no other line break either
    assert json.loads(raw)["account"] == nasty


def test_a_file_that_logrotate_moved_away_is_made_anew_and_as_private(tmp_path: Path, clock: MovingClock) -> None:
    file = tmp_path / "a.jsonl"
    audit = Audit(str(file), clock)
    audit.write(Event.PORTAL_STARTED, Line())
    file.rename(tmp_path / "a.jsonl.1")
    audit.write(Event.PORTAL_STOPPED, Line())
    audit.close()
    assert [line["event"] for line in audited(file)] == ["portal:process:stop"]
    assert file.stat().st_mode & 0o027 == 0


def test_a_file_that_cannot_be_made_anew_costs_lines_and_stops_nobody(
    tmp_path: Path, clock: MovingClock, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "a.jsonl"
    audit = Audit(str(file), clock)
    audit.write(Event.PORTAL_STARTED, Line())
    file.unlink()
    file.mkdir()  # not even root writes into that
    for _ in range(3):
        audit.write(Event.KEY_ASKED, Line())
    assert caplog.text.count("the audit cannot be written") == 3
    file.rmdir()
    audit.write(Event.PORTAL_STOPPED, Line())
    audit.close()
    assert [line["event"] for line in audited(file)] == ["portal:process:stop"]


def test_a_file_is_for_the_portal_and_its_group_alone(tmp_path: Path, clock: MovingClock) -> None:
    file = tmp_path / "a.jsonl"
    Audit(str(file), clock).close()
    assert file.stat().st_mode & 0o027 == 0


def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path: Path, clock: MovingClock) -> None:
    with pytest.raises(SettingsInvalid, match=r"\[audit\] file: .* cannot be written"):
        Audit(str(tmp_path / "nowhere" / "a.jsonl"), clock)
    with pytest.raises(SettingsInvalid, match=r"\[audit\] file: .* cannot be written"):
        Audit(str(tmp_path), clock)


def test_a_full_disk_costs_lines_with_a_complaint_and_stops_nobody(
    clock: MovingClock, caplog: pytest.LogCaptureFixture
) -> None:
    audit = Audit("/dev/full", clock)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            audit.write(Event.PORTAL_STARTED, Line())
    audit.close()
    assert caplog.text.count("the audit cannot be written: [Errno 28]") == 3


def test_the_document_explains_every_event_outcome_and_reason_and_no_other() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+:\w+:\w+)` \|", text, re.MULTILINE)) == {event.value for event in Event}
    told = set(re.findall(r"`([a-z-]+)`", text))
    assert {outcome.value for outcome in Outcome} <= told
    assert {reason.value for reason in (*Shut, *Asked)} <= told
    assert {f"key-{reason.value}" for reason in DeadKeyReason} <= told
    words = {kind.word for kind in (*MonCompteError.__subclasses__(), *DirectoryError.__subclasses__())}
    assert words - {"refused"} <= told


def test_the_mailed_key_is_nowhere_in_the_audit(portal: Portal, mailbox: Mailbox, audit_file: Path) -> None:
    key = mailed_key(portal, mailbox, "jmartin001")
    portal.sign_in("jmartin001", key, HOME)
    assert key not in audit_file.read_text()
    assert key.replace("-", "") not in audit_file.read_text()
