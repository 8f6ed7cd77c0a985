"""What CPU does one mail cost?  ``python -m tests.bench.mails [--mails 1000]``

Composing a key mail and sending it, each beside the same of the least mail there is: a "hello" that ``EmailMessage``
composes and ``smtplib`` sends, to the same server in the same run, so that a slow machine is not mistaken for slow
mails. Ours has two languages to choose from, a text, a page of HTML, a logo, an enciphered Message-ID and a bounded
conversation. Microseconds of this process's CPU for one mail, the median of three runs. Exit code 1: ours costs more
than so many hellos (``HIGHEST``).
"""

from __future__ import annotations

import argparse
import smtplib
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from statistics import median

from connector import keys
from connector.compose import Composer
from connector.mail import Mailer
from connector.model import Account
from connector.settings import build
from connector.settings.theme import Theme
from tests.bench.rig import mail_server
from tests.unit.test_settings import minimal

HIGHEST = {"composing": 1.2, "sending": 1.8}
"""Hellos that one mail of ours may cost."""
_RUNS = 3
_NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
_SENDER, _TO = "Mon compte <ne-pas-repondre@universite.example>", "jeanne@courriel.example"
_ACCOUNT = Account("uid=jmartin001", "jmartin001", "Jeanne Martin", rescue=_TO)


@dataclass(frozen=True, slots=True)
class Kind:
    """A mail and how it is made and sent."""

    compose: Callable[[], EmailMessage]
    send: Callable[[EmailMessage], object]


def hello() -> EmailMessage:
    """The least mail there is."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = _SENDER, _TO, "Hello"
    mail.set_content("hello\n")
    return mail


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=1000, help="in each run")
    options = parser.parse_args()
    with mail_server() as port:
        settings = build(minimal(mail={"sender": _SENDER, "port": port, "tls": "none"}), "mails", {})
        composer, key = Composer(settings, Theme.load("dordogne")), keys.mint()
        with Mailer(settings).session() as session, closing(smtplib.SMTP("127.0.0.1", port)) as client:
            ours = Kind(lambda: composer.key_mail(_ACCOUNT, key, _NOW, _NOW), session.send)
            return report(measure(ours, options.mails), measure(Kind(hello, client.send_message), options.mails))


def measure(kind: Kind, number: int) -> dict[str, float]:
    """Seconds of CPU for one mail, composed and sent."""
    mail = kind.compose()
    acts: dict[str, Callable[[], object]] = {"composing": kind.compose, "sending": lambda: kind.send(mail)}
    for act in acts.values():
        _seconds(act, number // 10)  # templates, caches
    return {name: median(_seconds(act, number) for _ in range(_RUNS)) for name, act in acts.items()}


def _seconds(act: Callable[[], object], number: int) -> float:
    began = time.process_time()
    for _ in range(number):
        act()
    return (time.process_time() - began) / number


def report(ours: dict[str, float], theirs: dict[str, float]) -> int:
    """Print the table; 1 if a ratio is too high."""
    print(f"{'CPU of one mail':<16}{'ours, µs':>10}{'hello, µs':>11}{'ratio':>8}{'at most':>9}")
    for name, seconds in ours.items():
        ratio = seconds / theirs[name]
        print(f"{name:<16}{seconds * 1e6:>10.0f}{theirs[name] * 1e6:>11.0f}{ratio:>8.2f}{HIGHEST[name]:>9}")
    return int(any(seconds / theirs[name] > HIGHEST[name] for name, seconds in ours.items()))


if __name__ == "__main__":
    sys.exit(main())
