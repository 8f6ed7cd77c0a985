"""Use cases of somebody at the form: sign in with the password or the key, come back to a session, change things."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector import keys
from connector.choices import Judge, notices
from connector.directory import Directory
from connector.errors import (
    Conflict,
    DeadKeyReason,
    KeyDead,
    KeyMistyped,
    NothingToChange,
    ProofRefused,
    SessionStale,
    SignInRefused,
)
from connector.identifiers import candidates
from connector.model import Account, By, Change, Done, Proof, Status, Uid
from connector.outbox import Outbox, OwedNotice


@dataclass(frozen=True, slots=True)
class Selfcare:
    """Who may come in, and what they may change once in."""

    directory: Directory
    outbox: Outbox
    judge: Judge
    takes_student_number: bool

    def sign_in(self, identifier: str, secret: str, now: datetime) -> Proof:
        """One search, one proof, for everyone: the box takes the password or the key.

        For somebody without a password the decoy's is tried, and for a slip on one's key too: it must not count against
        the password. Raises SignInRefused for everybody who does not get in, existing or not; KeyMistyped, just as
        blindly, for what has a key's shape; KeyDead only for a key that once was right.
        """
        found = self.directory.find(candidates(identifier, student_number=self.takes_student_number))
        account = found if found and found.is_eligible(now) else None
        typed = keys.read(secret)
        if typed and typed.is_sound and account and self._is_live_key(account, typed.text, now):
            return Proof(account, By.KEY, account.mark(By.KEY))
        is_slip = _is_slip(account, typed)
        whom = account if account and account.state.status is Status.ACTIVE and not is_slip else None
        if self.directory.prove(whom, secret) and whom:
            return Proof(whom, By.PASSWORD, whom.mark(By.PASSWORD))
        if typed and typed.is_sound:
            self.directory.count_wrong_key(account)
        raise KeyMistyped if is_slip or (typed and typed.is_mistyped) else SignInRefused

    def revisit(self, uid: str, by: By, mark: str, now: datetime) -> Account:
        """The account of an open session, read afresh. Raises SessionStale once what it proved is no longer true."""
        account = self.directory.find([Uid(uid)])
        if account is None or not account.is_eligible(now) or account.mark(by) != mark:
            raise SessionStale
        if by is By.KEY and (account.key is None or account.key.is_expired(now)):
            raise SessionStale
        return account

    def change(
        self, uid: str, mark: str, current_password: str, password: str | None, rescue: str | None, now: datetime
    ) -> Done:
        """Change the password and/or the rescue address, with a fresh proof: the current password.

        Raises ProofRefused, NothingToChange, ChangeRefused (every reason at once), SessionStale.
        """
        account = self.revisit(uid, By.PASSWORD, mark, now)
        if not self.directory.prove(account, current_password):
            raise ProofRefused
        change = self.judge.change(account, password or None, rescue)
        if change == Change():
            raise NothingToChange
        owed = notices(account, change, self.outbox.lease(now))
        try:
            self.directory.change(account, change.owing(owed), now)
        except Conflict:
            raise SessionStale from None
        for notice in owed:
            self.outbox.hand_over(OwedNotice(account, notice))
        return Done(account, False, change.password is not None, change.rescue is not None)

    def _is_live_key(self, account: Account, typed: str, now: datetime) -> bool:
        """Whether ``typed`` is the account's key. Raises KeyDead for one that once was."""
        if account.key and keys.verify(typed, account.key.hash):
            if account.key.is_expired(now):
                raise KeyDead(DeadKeyReason.EXPIRED, account.key.expiry)
            return True
        if any(keys.verify(typed, spent) for spent in account.spent_hashes):
            raise KeyDead(DeadKeyReason.SPENT)
        return False


def _is_slip(account: Account | None, typed: keys.TypedKey | None) -> bool:
    """Whether what was typed is one slip away from the account's key; alike for everybody: time must not tell.

    A password that merely looks like a mistyped key is none.
    """
    live = account.key.hash if account and account.key else keys.NOBODYS_HASH
    slips = keys.corrections(typed.text) if typed and not typed.is_sound else []
    return sum(keys.verify(key, live) for key in slips) > 0
