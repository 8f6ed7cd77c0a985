"""A portal on the real slapd, with a real mailbox and a clock that tests move; loaded by tests/conftest.py."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector import keys
from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import CaughtMail, Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.model import Account, Origin, Proof, RescueProved, Uid
from connector.portal import Portal
from connector.settings import Settings, Throttle
from connector.throttle import LIMITS

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT_ONCE = {"ask_step_ms": 0, "refusal_step_ms": 0}  # thousands of refusals in a test
SHOWN_CODE = re.compile(r"^ *(\d{6})$", re.MULTILINE)
OPPOSITION = re.compile(r"/pas-moi#identifiant=\S+&code=([0-9A-Z-]+)")
SHOWN_KEY = re.compile(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}\b")


class MovingClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.instant = START

    def __call__(self) -> datetime:
        return self.instant

    def forward(self, **duration: int) -> None:
        self.instant += timedelta(**duration)


class WallClock:
    """The clock that ``limits`` reads, moved by a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seconds = time.time()
        monkeypatch.setattr(time, "time", lambda: self._seconds)

    def forward(self, **duration: float) -> None:
        self._seconds += timedelta(**duration).total_seconds()


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    return WallClock(monkeypatch)


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="session")
def session_mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    mailbox.start()
    yield mailbox
    mailbox.stop()


@pytest.fixture
def mailbox(session_mailbox: Mailbox) -> Iterator[Mailbox]:
    """The mailbox, empty and well-behaved."""
    session_mailbox.clear()
    yield session_mailbox
    session_mailbox.refuse(None)
    session_mailbox.hold(False)


@pytest.fixture
def settings(slapd: PrivateSlapd, mailbox: Mailbox, audit_file: Path) -> Settings:
    """The demo's, with limits that no other test than theirs reaches."""
    usual = demo_settings(slapd, mailbox, 8080, str(audit_file))
    generous = dict.fromkeys(LIMITS, "1000000/second") | AT_ONCE
    return usual.model_copy(update={"throttle": usual.throttle.model_copy(update=generous)})


@pytest.fixture
def audit_file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def audited(file: Path) -> list[dict[str, Any]]:
    """The audit's lines so far."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def portal(settings: Settings, people: dict[str, str], clock: MovingClock) -> Iterator[Portal]:
    """A portal whose outbox runs only when a test says so (``portal.outbox.send_handed()``)."""
    portal = Portal(settings, clock)
    portal.directory.prepare()
    yield portal
    portal.stop()


@pytest.fixture
def limited(settings: Settings, people: dict[str, str], clock: MovingClock, wall: WallClock) -> Iterator[Portal]:
    """A portal with the limits that it has out of the box."""
    portal = Portal(settings.model_copy(update={"throttle": Throttle(**AT_ONCE)}), clock)
    portal.directory.prepare()
    yield portal
    portal.stop()


def account(portal: Portal, uid: str) -> Account:
    """The account of a test person, read afresh."""
    found = portal.directory.find([Uid(uid)])
    assert found is not None
    return found


def issue(portal: Portal, uid: str, origin: Origin = Origin.LETTER) -> str:
    """A fresh key for a test person, as it is shown."""
    return keys.show(portal.activation.issue_key(account(portal, uid), origin, portal.now()))


def mailed_key(portal: Portal, mailbox: Mailbox, identifier: str) -> str:
    """Ask for a key as a visitor does, let the outbox work, and read it in the mail."""
    before = len(mailbox.mails)
    portal.request_key(identifier)
    portal.outbox.send_handed()
    return key_in(mailbox.mails[before])


def key_in(mail: CaughtMail) -> str:
    """The key that a mail carries."""
    found = SHOWN_KEY.search(mail.text)
    assert found is not None
    return found[0]


def code_in(mail: CaughtMail) -> str:
    """The six digits that a mail carries, on a line of their own."""
    found = SHOWN_CODE.search(mail.text)
    assert found is not None
    return found[1]


def opposition_in(mail: CaughtMail) -> str:
    """The code that says *it was not me*, as the link of a notice carries it."""
    found = OPPOSITION.search(mail.text)
    assert found is not None
    return found[1]


def enter_code(portal: Portal, mailbox: Mailbox, proof: Proof | None) -> RescueProved:
    """Let the outbox work, and type the code of the newest mail that brings one."""
    assert proof is not None
    portal.outbox.send_handed()
    code = next(code_in(mail) for mail in reversed(mailbox.mails) if SHOWN_CODE.search(mail.text))
    return portal.prove_rescue(proof.account.uid, proof.by, proof.mark, code)


def other_key(key: str) -> str:
    """A sound key that is not ``key``."""
    return next(candidate for candidate in iter(lambda: keys.show(keys.mint()), "") if candidate != key)


def slip(key: str) -> str:
    """``key`` with one wrong character."""
    return key[:2] + ("A" if key[2] != "A" else "B") + key[3:]
