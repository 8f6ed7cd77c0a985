"""``moncompte bounce`` as a mail server calls it: a mail on standard input, an exit code, a line in the audit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from connector.demo.mailbox import CaughtMail, Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.bouncing import report
from tests.portal_fixtures import account, audited, mailed_key
from tests.shell_fixtures import Moncompte, Typed, shown

MONCOMPTE = Path(sys.executable).parent / "moncompte"


@pytest.fixture
def mail(portal: Portal, mailbox: Mailbox) -> CaughtMail:
    mailed_key(portal, mailbox, "jmartin001")
    return mailbox.mails[0]


def handed_over(octets: bytes, settings_file: Path) -> subprocess.CompletedProcess[bytes]:
    """In a process of its own, as a pipe does."""
    command = [MONCOMPTE, "bounce", "--settings", settings_file]
    return subprocess.run(command, input=octets, capture_output=True, check=False)


def test_a_bounce_in_a_pipe_is_seen_at_the_desk(
    moncompte: Moncompte, typed: Typed, settings_file: Path, mail: CaughtMail
) -> None:
    """From the mail server's hand to what the help desk reads, and what they type next."""
    done = handed_over(report(mail), settings_file)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"the rescue address is flagged: mail to it came back for good\n"
    told = shown(typed, "jmartin001")
    assert told["rescue"]["bounced"] is not None
    (hindrance,) = [item for item in told["hindrances"] if item["what"] == "bounced"]
    assert hindrance["do"] == "moncompte set-rescue jmartin001 ADDRESS"
    assert "mail came back" in typed("show", "jmartin001").stdout
    assert "bounced" in moncompte("stats", "--by", "programme").stdout
    typed("set-rescue", "jmartin001", "jeanne@ailleurs.example")
    told = shown(typed, "jmartin001")
    assert (told["rescue"]["bounced"], [item["what"] for item in told["hindrances"]]) == (None, [])


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "no-delivery-report"),
        (b"Subject: Absence\n\nJe suis absente.\n", "no-delivery-report"),
        (b"\xff\x00" * (1 << 20), "too-large"),
        (report("<forged@moncompte.universite.example>"), "not-our-mail"),
        (report("<forged@moncompte.universite.example>", "delayed", "4.4.1"), "not-for-good"),
    ],
    ids=["empty", "vacation", "two megabytes", "forged", "late"],
)
def test_whatever_else_comes_does_nothing_and_is_never_bounced(
    people: dict[str, str], settings_file: Path, audit_file: Path, octets: bytes, reason: str
) -> None:
    done = handed_over(octets, settings_file)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"nothing done: ")
    (line,) = audited(audit_file)
    assert (line["event"], line["outcome"], line["reason"]) == ("outbox:rescue:bounce", "refused", reason)
    assert line["actor"].startswith("shell:")


def test_in_an_outage_the_mail_server_keeps_it(
    portal: Portal, settings_file: Path, mail: CaughtMail, slapd: PrivateSlapd
) -> None:
    """75 is sysexits(3)'s for later: Postfix tries again."""
    slapd.halt()
    try:
        assert handed_over(report(mail), settings_file).returncode == 75
    finally:
        slapd.launch()
    assert handed_over(report(mail), settings_file).returncode == 0
    assert account(portal, "jmartin001").bounced


def test_settings_that_are_broken_lose_no_bounce(people: dict[str, str], settings_file: Path) -> None:
    settings_file.write_text("[web\n", encoding="utf-8")
    done = handed_over(b"", settings_file)
    assert (done.returncode, done.stdout) == (75, b"")
    assert b"moncompte.toml" in done.stderr


def test_it_needs_a_file_that_is_there(tmp_path: Path) -> None:
    assert handed_over(b"", tmp_path / "none.toml").returncode == 75
