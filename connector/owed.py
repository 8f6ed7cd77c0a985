"""The kinds of mail that can be owed: who gets it, what it says, how it is settled in the directory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from typing import ClassVar

from connector.audit import Event
from connector.compose import Composer
from connector.directory import Directory
from connector.directory.entries import to_time
from connector.model import Account, Happened, HelpRequest, Notice


@dataclass(frozen=True, slots=True)
class OwedKey:
    """A key to be mailed before ``due``; the key itself is in no ``repr``."""

    event: ClassVar[Event] = Event.KEY_MAILED

    account: Account
    key: str
    expiry: datetime
    due: datetime
    tries: int = 0

    def __repr__(self) -> str:
        return f"OwedKey(account={self.account.uid!r}, due={self.due!r})"

    @property
    def whose(self) -> str:
        """The login of whom it is about, for the log and the audit."""
        return self.account.uid

    def address(self, now: datetime) -> str | None:
        """Where it goes."""
        return self.account.key_address(now)

    def compose(self, composer: Composer, now: datetime) -> EmailMessage:
        """The mail to send."""
        return composer.key_mail(self.account, self.key, self.expiry, now)

    def move(self, directory: Directory, new_due: datetime | None, failures: int) -> None:
        """Settle it, give it up or put it off. Raises Conflict when somebody else claimed it meanwhile."""
        directory.move_mail(self.account, to_time(self.due), new_due, failures)


@dataclass(frozen=True, slots=True)
class OwedNotice:
    """A notice to be mailed before ``notice.due``."""

    account: Account
    notice: Notice

    @property
    def event(self) -> Event:
        """What the audit calls it."""
        return Event.CODE_MAILED if Happened.CODE in self.notice.happened else Event.NOTICE_MAILED

    @property
    def due(self) -> datetime:
        """When another dispatcher may claim it."""
        return self.notice.due

    @property
    def tries(self) -> int:
        """How often sending it failed so far."""
        return self.notice.tries

    @property
    def whose(self) -> str:
        """The login of whom it is about, for the log and the audit."""
        return self.account.uid

    def address(self, _now: datetime) -> str | None:
        """Where it goes."""
        return self.notice.address

    def compose(self, composer: Composer, now: datetime) -> EmailMessage:
        """The mail to send."""
        return composer.notice_mail(self.account, self.notice, now)

    def move(self, directory: Directory, new_due: datetime | None, failures: int) -> None:
        """Settle it, give it up or put it off. Raises Conflict when somebody else claimed it meanwhile."""
        moved = replace(self.notice, due=new_due, tries=failures, raw="") if new_due else None
        directory.move_notice(self.account, self.notice, moved, 0 if new_due else failures)


@dataclass(frozen=True, slots=True)
class OwedRequest:
    """A request for help, to be mailed to the help desk before ``request.due``. It is about nobody we know."""

    event: ClassVar[Event] = Event.HELP_MAILED
    whose: ClassVar[None] = None

    request: HelpRequest

    @property
    def due(self) -> datetime:
        """When another dispatcher may claim it."""
        return self.request.due

    @property
    def tries(self) -> int:
        """How often sending it failed so far."""
        return self.request.tries

    def address(self, _now: datetime) -> str | None:
        """Nobody's rescue address."""
        return None

    def compose(self, composer: Composer, now: datetime) -> EmailMessage:
        """The mail to send."""
        return composer.request_mail(self.request, now)

    def move(self, directory: Directory, new_due: datetime | None, failures: int) -> None:
        """Settle it, put it off, or give it up: then it stays for an operator. Raises Conflict as the others."""
        if new_due or failures:
            moved = replace(self.request, due=new_due or self.due, tries=failures, is_given_up=not new_due, raw="")
            directory.requests.move(self.request, moved)
        else:
            directory.requests.move(self.request, None)


Owed = OwedKey | OwedNotice | OwedRequest
