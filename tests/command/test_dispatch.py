"""``moncompte dispatch``: one round, or a service."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from connector.clock import utc_now
from connector.demo.mailbox import Mailbox
from connector.portal import Portal
from connector.settings import Settings
from tests.portal_fixtures import MovingClock, audited, key_in
from tests.shell_fixtures import Typed

COMMAND = str(Path(sys.executable).with_name("moncompte"))


def test_one_round_mails_what_is_overdue_and_says_how_much(
    typed: Typed, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    assert typed("dispatch", "--once").stdout == "0 mailed, 0 put off, 0 given up\n"
    portal.request_key("jmartin001")
    assert typed("dispatch", "--once").stdout == "0 mailed, 0 put off, 0 given up\n"  # the lease is the portal's
    clock.forward(seconds=120)
    assert json.loads(typed("dispatch", "--once", "--json").stdout) == {"done": 1, "put_off": 0, "given_up": 0}
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[0]))


def test_a_dry_run_tells_what_is_owed_and_mails_nothing(
    typed: Typed, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")
    assert typed("dispatch", "--dry-run").stdout == "0 keys and 0 notices would be mailed; 1 mails wait for later\n"
    typed("set-rescue", "emercier", "elodie@nouveau.example")
    clock.forward(seconds=120)
    told = json.loads(typed("dispatch", "--dry-run", "--json").stdout)
    assert told == {"keys": 1, "notices": 2, "later": 0}
    assert mailbox.mails == []
    assert json.loads(typed("dispatch", "--once", "--json").stdout)["done"] == 3


def test_a_mail_that_is_put_off_is_not_as_asked(
    typed: Typed, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")
    clock.forward(seconds=120)
    mailbox.refuse(451)
    assert typed("dispatch", "--once", code=1).stdout == "0 mailed, 1 put off, 0 given up\n"


def test_a_mail_server_that_is_down_is_told_and_nothing_is_lost(
    typed: Typed, portal: Portal, mailbox: Mailbox, settings: Settings, settings_file: Path, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")
    clock.forward(seconds=120)
    good = settings_file.read_text()
    settings_file.write_text(good.replace(f"port = {settings.mail.port}\n", "port = 1\n"))
    assert "the mail server does not answer" in typed("dispatch", "--once", code=69).stderr
    settings_file.write_text(good)
    assert typed("dispatch", "--once").stdout == "1 mailed, 0 put off, 0 given up\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_mails_what_is_owed_until_a_signal_ends_it(
    settings_file: Path,
    portal: Portal,
    mailbox: Mailbox,
    clock: MovingClock,
    audit_file: Path,
    number: signal.Signals,
) -> None:
    """Asked for an hour ago, by the clock on the wall, which is the service's."""
    clock.instant = utc_now() - timedelta(hours=1)
    portal.request_key("jmartin001")
    with subprocess.Popen(
        [COMMAND, "dispatch", "--settings", str(settings_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        mail = mailbox.wait_for(lambda caught: True, timeout_seconds=30)
        service.send_signal(number)
        out, complaints = service.communicate(timeout=30)
    assert (out, complaints, service.returncode) == ("", "", 0)
    assert key_in(mail)
    events = [line["event"] for line in audited(audit_file) if line["actor"] != "visitor"]
    assert events == ["portal:process:start", "outbox:key:mail", "portal:process:stop"]
