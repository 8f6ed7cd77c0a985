"""The use case of who never activated and has a rescue address: a mail that their account waits for them.

It carries no key. A key would live for a day, in place of the letter's, which lives for weeks; instead, the mail tells
how to ask for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.campaign import LeftOut, why_missed
from connector.clock import Clock
from connector.directory import Directory
from connector.model import Account, Happened, Notice

LONGEST = timedelta(hours=20)
"""Mails due a day ahead are taken for those of a clock that ran ahead (``directory.entries.FARTHEST``)."""


@dataclass(frozen=True, slots=True)
class Reminders:
    """``again_after``: how long nobody is reminded again."""

    directory: Directory
    clock: Clock
    again_after: timedelta

    def chosen(self, ldap_filter: str, missed: Callable[[LeftOut], None]) -> Iterator[Account]:
        """Those to remind; why another is not is told to ``missed``. Raises SettingsInvalid for what is no filter."""
        now = self.clock()
        for account in self.directory.accounts(ldap_filter):
            if why := self._objection(account, now):
                missed(why)
            else:
                yield account

    def owe(self, accounts: Iterable[Account], each: timedelta) -> Iterator[tuple[Account, LeftOut | None]]:
        """Owe everybody a reminder, due one ``each`` after the other; of each, why not, if not.

        Raises DirectoryUnavailable, DirectoryMisconfigured; nobody is owed two, so it may be done again.
        """
        now = self.clock()
        owed = ((account, _reminder(account, now + place * each)) for place, account in enumerate(accounts))
        for account, error in self.directory.owe_reminders(owed, now):
            yield account, why_missed(error) if error else None

    def _objection(self, account: Account, now: datetime) -> LeftOut | None:
        if not account.is_eligible(now):
            return LeftOut.CLOSED
        if not account.was_never_activated:
            return LeftOut.ACTIVATED
        if not account.rescue:
            return LeftOut.NO_RESCUE
        is_late = account.reminded is None or now - account.reminded >= self.again_after
        return None if is_late else LeftOut.REMINDED


def _reminder(account: Account, due: datetime) -> Notice:
    return Notice((Happened.AWAITED,), account.rescue or "", due)
