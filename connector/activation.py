"""Use cases of the activation key: issue one, redeem one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector import keys
from connector.choices import TURNS, Judge, notices
from connector.directory import Directory
from connector.errors import ChangeRefused, Conflict, DirectoryUnavailable, KeyDead, SessionStale
from connector.model import Account, By, DeadKeyReason, Done, Origin, PendingKey, Status, Uid
from connector.outbox import Outbox
from connector.owed import OwedNotice
from connector.settings import Keys
from connector.wording import _


@dataclass(frozen=True, slots=True)
class Activation:
    """A key comes into being and is turned into a password."""

    directory: Directory
    outbox: Outbox
    judge: Judge
    lifetimes: Keys

    def issue_key(self, account: Account, origin: Origin, now: datetime) -> str:
        """Give ``account`` a fresh key that is handed over by other means than mail; returns the key, shown once.

        Raises Conflict when another key was stored since the account was read.
        """
        key, until = keys.mint(), now + self.life(origin)
        self.directory.store_key(account, PendingKey(keys.hash_key(key), now, until, origin), mail_due=None)
        return key

    def life(self, origin: Origin) -> timedelta:
        """How long a key lives that is handed over so."""
        if origin is Origin.LETTER:
            return timedelta(days=self.lifetimes.letter_days)
        return timedelta(hours=self.lifetimes.desk_hours)

    def redeem_key(self, uid: str, mark: str, password: str, rescue: str | None, now: datetime) -> Done:
        """Turn the key proved in this session into ``password``, and the account into an active one: one Modify.

        Raises ChangeRefused (every reason at once), KeyDead (expired, redeemed or replaced meanwhile), SessionStale
        (the account was closed meanwhile).
        """
        for _turn in range(TURNS):
            account = self._proved(uid, mark, now)
            change = self.judge.change(account, password, rescue)
            activated = account.state.status is Status.TO_ACTIVATE
            owed = notices(account, change, self.outbox.lease(now), activated=activated)
            try:
                self.directory.redeem(account, change.owing(owed), now)
            except Conflict:
                continue  # with what was proved, or with the password policy's own notes: the next look tells
            except ChangeRefused:
                # Of two clicks with one password, slapd tells the second that the password is not new, before it looks
                # at the key.
                self._proved(uid, mark, now)
                raise
            for notice in owed:
                self.outbox.hand_over(OwedNotice(account, notice))
            return Done(account, activated, password_changed=True, rescue_changed=change.rescue is not None)
        raise DirectoryUnavailable(_("somebody else was first, again and again"))

    def _proved(self, uid: str, mark: str, now: datetime) -> Account:
        """The account, whose key still is the one that was proved. Raises SessionStale, KeyDead."""
        account = self.directory.find([Uid(uid)])
        if account is None or not account.is_eligible(now):
            raise SessionStale
        if account.key is None or account.mark(By.KEY) != mark:
            raise KeyDead(DeadKeyReason.SPENT)
        if reason := account.key.why_dead(now, self.lifetimes.max_failures):
            raise KeyDead(reason, account.key.expiry)
        return account
