"""Use cases of the activation key: issue one, redeem one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector import keys
from connector.choices import TURNS, Judge, notices, with_code
from connector.directory import Directory
from connector.errors import ChangeRefused, Conflict, DirectoryUnavailable, KeyDead, SessionStale
from connector.model import Account, By, Change, DeadKeyReason, Done, Origin, PendingKey, Status, Uid
from connector.selfcare import Selfcare
from connector.settings import Keys
from connector.wording import _


@dataclass(frozen=True, slots=True)
class Activation:
    """A key comes into being and is turned into a password."""

    directory: Directory
    selfcare: Selfcare
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

        A key that came by mail proves the address it was mailed to. A new address waits for its code where the present
        one is proved; else it is set, to be proved (see ``Done``). A freeze ends.

        Raises ChangeRefused (every reason at once), KeyDead (expired, redeemed or replaced meanwhile), SessionStale
        (the account was closed meanwhile).
        """
        for _turn in range(TURNS):
            account = self._proved(uid, mark, now)
            change = self._judged(account, password, rescue, now)
            activated = account.state.status is Status.TO_ACTIVATE
            owed = notices(account, change, self.selfcare.outbox.lease(now), now, activated=activated)
            try:
                new_mark = self.directory.redeem(account, change.owing(owed), now)
            except Conflict:
                continue  # with what was proved, or with the password policy's own notes: the next look tells
            except ChangeRefused:
                # Of two clicks with one password, slapd tells the second that the password is not new, before it looks
                # at the key.
                self._proved(uid, mark, now)
                raise
            return self.selfcare.done(account, change, owed, new_mark, activated=activated)
        raise DirectoryUnavailable(_("somebody else was first, again and again"))

    def _judged(self, account: Account, password: str, rescue: str | None, now: datetime) -> Change:
        """The Change to write, and what it proves. A former address in force proves itself alone."""
        key, is_proof = account.key, False
        if key and key.origin is Origin.MAIL and key.issued and account.rescue:
            is_proof = account.key_address(key.issued) == account.rescue
        change = self.judge.change(account, password, rescue)
        change = with_code(account, change, now, is_proved=is_proof or account.rescue_verified is not None)
        return replace(change, is_proof=is_proof)

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
