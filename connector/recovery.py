"""The use case of who forgot: ask for a fresh key by mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.directory import Directory
from connector.errors import Conflict
from connector.identifiers import candidates
from connector.model import Account, Asked
from connector.outbox import Outbox
from connector.owed import OwedKey
from connector.settings import Keys

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Two LDAP operations whoever asks, one search and one Modify, and nothing that tells who exists."""

    directory: Directory
    outbox: Outbox
    lifetimes: Keys
    takes_student_number: bool

    def request_key(self, identifier: str, now: datetime) -> tuple[Asked, str | None]:
        """Mail a fresh key to the rescue address of whom ``identifier`` names, if there is one.

        Unknown, two matches, no rescue address, closed, cooling down: the same Modify on the decoy, the same silence.
        For the audit, and nobody else: what became of it, and whose login that is.
        """
        account = self.directory.find(candidates(identifier, student_number=self.takes_student_number))
        asked = self._judge(account, now)
        uid, asker = (account.uid if account else None), (account if asked is Asked.MAILED else None)
        key, pending = self.outbox.fresh_key(now)
        due = self.outbox.lease(now)
        try:
            self.directory.store_key(asker, pending, due)
        except Conflict:  # asked twice in the same instant: the other one is mailed
            return Asked.ANOTHER_WAS_FIRST, uid
        if asker and pending.expiry:
            self.outbox.hand_over(OwedKey(asker, key, pending.expiry, due))
        return asked, uid

    def mail_key(self, account: Account, now: datetime) -> None:
        """Owe a fresh key to somebody's mailbox, whoever asks for it in their stead. Raises Conflict."""
        key, pending = self.outbox.fresh_key(now)
        due = self.outbox.lease(now)
        self.directory.store_key(account, pending, due)
        if pending.expiry:
            self.outbox.hand_over(OwedKey(account, key, pending.expiry, due))

    def _judge(self, account: Account | None, now: datetime) -> Asked:
        if account is None:
            return Asked.UNKNOWN
        if not account.is_eligible(now):
            return Asked.CLOSED
        if not account.key_address(now):
            return Asked.NO_RESCUE
        ages = [now - instant for instant in account.keys_mailed if instant <= now]
        if any(age < timedelta(seconds=self.lifetimes.cooldown_seconds) for age in ages):
            return Asked.COOLING_DOWN
        is_enough = sum(age < _DAY for age in ages) >= self.lifetimes.mails_a_day
        return Asked.ENOUGH_TODAY if is_enough else Asked.MAILED
