"""Kill -9 of a dispatcher between any two of its steps: the mail is sent again, with a key that works."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.model import By
from connector.portal import Portal
from connector.settings import Settings
from tests.portal_fixtures import MovingClock, key_in

SCRIPT = Path(__file__).parent / "killed_dispatcher.py"


def dispatch_and_die(
    settings: Settings, folder: Path, clock: MovingClock, step: int
) -> subprocess.CompletedProcess[str]:
    tree = settings.model_dump(mode="json")
    tree["directory"]["password"] = settings.directory.password.get_secret_value()
    tree["web"]["secret_key"] = settings.web.secret_key.get_secret_value()
    tree["desk"]["totp_key"] = settings.desk.totp_key.get_secret_value()
    del tree["throttle"]["storage"]  # a secret, masked in the dump; memory by default
    file = folder / "settings.json"
    file.write_text(json.dumps(tree))
    command = [sys.executable, str(SCRIPT), str(file), clock().isoformat(), str(step)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_whole_round_takes_six_steps(
    portal: Portal, settings: Settings, mailbox: Mailbox, clock: MovingClock, tmp_path: Path
) -> None:
    """Search, claim, mail, settle, search again, search the requests: so that the test below tries every gap."""
    portal.request_key("jmartin001")
    clock.forward(seconds=120)
    done = dispatch_and_die(settings, tmp_path, clock, step=0)
    assert (done.returncode, done.stdout.strip()) == (0, "6"), done.stderr


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6])
def test_a_dispatcher_killed_before_any_step_loses_no_mail(
    portal: Portal,
    slapd: PrivateSlapd,
    settings: Settings,
    mailbox: Mailbox,
    clock: MovingClock,
    tmp_path: Path,
    step: int,
) -> None:
    portal.request_key("jmartin001")
    clock.forward(seconds=120)
    assert dispatch_and_die(settings, tmp_path, clock, step).returncode == -signal.SIGKILL
    clock.forward(seconds=120)
    portal.outbox.dispatch(clock())
    assert mailbox.mails
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[-1])).by is By.KEY
    assert "moncompteMailDue" not in slapd.search("(uid=jmartin001)", "*")[0]
