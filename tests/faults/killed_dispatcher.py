"""Run by test_kill.py: a dispatcher that kills itself, as kill -9 would, before its Nth step into the outside world.

Usage: killed_dispatcher.py SETTINGS.json NOW_ISO STEP. Steps are counted over LDAP operations and SMTP mails, and the
calls go through to the real thing.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from connector.directory.operations import Operations
from connector.mail import MailSession
from connector.portal import Portal
from connector.settings import build

steps = count(1)


def deadly(function: Callable[..., Any], deadly_step: int) -> Callable[..., Any]:
    def counted(*arguments: Any, **named: Any) -> Any:
        if next(steps) == deadly_step:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)

    return counted


def main() -> None:
    settings_file, now_iso, step = sys.argv[1:]
    for owner, name in ((Operations, "search"), (Operations, "modify"), (MailSession, "send")):
        setattr(owner, name, deadly(getattr(owner, name), int(step)))
    now = datetime.fromisoformat(now_iso)
    portal = Portal(build(json.loads(Path(settings_file).read_text()), "test", {}), lambda: now)
    portal.outbox.dispatch(now)
    print(next(steps) - 1)  # noqa: T201 (steps taken by a run that nobody killed)


main()
