"""The use case of who forgot: ask for a fresh key by mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.directory import Directory
from connector.errors import Conflict
from connector.identifiers import candidates
from connector.model import Account, Origin
from connector.outbox import Outbox, OwedKey
from connector.settings import Keys


@dataclass(frozen=True, slots=True)
class Recovery:
    """Two LDAP operations whoever asks, one search and one Modify, and nothing that tells who exists."""

    directory: Directory
    outbox: Outbox
    lifetimes: Keys
    takes_student_number: bool

    def request_key(self, identifier: str, now: datetime) -> None:
        """Mail a fresh key to the rescue address of whom ``identifier`` names, if there is one.

        Unknown, two matches, no rescue address, closed, cooling down: the same Modify on the decoy, the same silence.
        """
        account = self.directory.find(candidates(identifier, student_number=self.takes_student_number))
        asker = account if account and self._may_be_mailed(account, now) else None
        key, pending = self.outbox.fresh_key(now)
        due = self.outbox.lease(now)
        try:
            self.directory.store_key(asker, pending, due)
        except Conflict:
            return  # asked twice in the same instant: the other one is mailed
        if asker and pending.expiry:
            self.outbox.hand_over(OwedKey(asker, key, pending.expiry, due))

    def _may_be_mailed(self, account: Account, now: datetime) -> bool:
        return bool(account.rescue) and account.is_eligible(now) and not self._is_cooling_down(account, now)

    def _is_cooling_down(self, account: Account, now: datetime) -> bool:
        key = account.key
        if key is None or key.origin is not Origin.MAIL or key.issued is None:
            return False
        return timedelta(0) <= now - key.issued < timedelta(seconds=self.lifetimes.cooldown_seconds)
