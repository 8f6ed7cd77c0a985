"""Use cases of somebody at the form: sign in with the password or the key, come back to a session, change things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector import keys
from connector.choices import TURNS, Judge, notices, with_code
from connector.directory import Directory
from connector.errors import (
    Conflict,
    DirectoryUnavailable,
    KeyDead,
    KeyMistyped,
    NothingToChange,
    ProofRefused,
    SessionStale,
    Shut,
    SignInRefused,
)
from connector.identifiers import candidates
from connector.model import Accepted, Account, By, Change, DeadKeyReason, Done, Notice, Proof, Status, Uid
from connector.outbox import Outbox
from connector.owed import OwedNotice
from connector.throttle import Throttle
from connector.wording import _


@dataclass(frozen=True, slots=True)
class Selfcare:
    """Who may come in, and what they may change once in."""

    directory: Directory
    outbox: Outbox
    judge: Judge
    throttle: Throttle
    takes_student_number: bool
    max_failures: int  # wrong keys that a key survives
    lockout_seconds: int  # how long the password policy locks

    def sign_in(self, identifier: str, secret: str, now: datetime) -> Proof:
        """One search, one proof, for everyone: the box takes the password or the key.

        The decoy's password is tried for somebody without one; for a slip on one's key, which must not count against
        the password; for somebody whom the password policy has locked, whom slapd would refuse at once, unhashed; and
        once enough were tried at the account, by whatever name, for the policy to lock it next.

        Raises SignInRefused for everybody who does not get in, existing or not; KeyMistyped, just as blindly, for what
        has a key's shape; KeyDead only for a key that once was right.
        """
        found = self.directory.find(candidates(identifier, student_number=self.takes_student_number))
        account = found if found and found.is_eligible(now) else None
        typed = keys.read(secret)
        if typed and typed.is_sound and account and self._is_live_key(account, typed.text, now):
            return Proof(account, By.KEY, account.mark(By.KEY))
        is_slip = _is_slip(account, typed)
        may_bind = is_slip or self.throttle.may_bind(account.uid if account else identifier, secret)
        whom = None if is_slip or not may_bind else self._with_a_password(account, now)
        if self.directory.prove(whom, secret) and whom:
            return Proof(whom, By.PASSWORD, whom.mark(By.PASSWORD))
        if typed and typed.is_sound:
            self.directory.count_wrong_key(account)
        refusal = KeyMistyped if is_slip or (typed and typed.is_mistyped) else SignInRefused
        why = self._why(found, typed, now) if may_bind else Shut.ENOUGH
        raise refusal(why, found.uid if found else None)

    def revisit(self, uid: str, by: By, mark: str, now: datetime) -> Account:
        """The account of an open session, read afresh. Raises SessionStale once what it proved is no longer true."""
        account = self.directory.find([Uid(uid)])
        if account is None or not account.is_eligible(now) or account.mark(by) != mark:
            raise SessionStale
        if by is By.KEY and (account.key is None or account.key.why_dead(now, self.max_failures)):
            raise SessionStale
        return account

    def sign_out(self, uid: str, by: By, mark: str, now: datetime) -> None:
        """End this session and every other of the account's, copies of the cookie included. Raises SessionStale."""
        self.directory.end_sessions(self.revisit(uid, by, mark, now))

    def accept_charter(self, uid: str, by: By, mark: str, version: str, now: datetime) -> Account:
        """Keep that this version of the charter was accepted, once: a second click leaves the first one's date.

        Raises SessionStale.
        """
        for _turn in range(TURNS):
            account = self.revisit(uid, by, mark, now)
            if account.has_accepted(version):
                return account
            try:
                self.directory.accept_charter(account, Accepted(version, now))
            except Conflict:
                continue
            return account
        raise DirectoryUnavailable(_("somebody else was first, again and again"))

    def change(
        self,
        uid: str,
        mark: str,
        current_password: str,
        password: str | None,
        rescue: str | None,
        now: datetime,
        *,
        seen: Account | None = None,
    ) -> Done:
        """Change the password and/or the rescue address, with a fresh proof: the current password.

        ``seen`` is the account as the request in hand has read it already; what changed since, the directory refuses.
        A new address waits for its code where the present one is proved; else it is set, to be proved (see ``Done``).
        Raises ProofRefused, NothingToChange, ChangeRefused (every reason at once), SessionStale, Throttled.
        """
        account = seen or self.revisit(uid, By.PASSWORD, mark, now)
        if not self.directory.prove(account, current_password):
            raise ProofRefused
        try:
            chosen = self.judge.change(account, password or None, rescue, is_frozen=account.is_frozen(now))
            return self._change(account, mark, chosen, now)
        except Exception:
            self.throttle.forget_binds(uid)  # the proof was right, whatever came of it
            raise

    def _change(self, account: Account, mark: str, chosen: Change, now: datetime) -> Done:
        if chosen == Change():
            raise NothingToChange
        if chosen.rescue:
            self.throttle.use("rescue_changes_per_account", account.uid)  # each sends mails, to wherever one likes
        for _turn in range(TURNS):
            change = with_code(account, chosen, now, is_proved=account.rescue_verified is not None)
            owed = notices(account, change, self.outbox.lease(now), now)
            try:
                new_mark = self.directory.change(account, change.owing(owed), now)
            except Conflict:
                account = self.revisit(account.uid, By.PASSWORD, mark, now)
                continue
            return self.done(account, change, owed, new_mark)
        raise DirectoryUnavailable(_("somebody else was first, again and again"))

    def done(
        self, account: Account, change: Change, owed: Sequence[Notice], new_mark: str, *, activated: bool = False
    ) -> Done:
        """What became of ``change``, which is written: its mails are sent, its owner's session goes on."""
        told = replace(account, rescue_code=change.code) if change.code else account
        for notice in owed:
            self.outbox.hand_over(OwedNotice(told, notice))
        return Done(
            account,
            activated,
            password_changed=change.password is not None,
            rescue_changed=change.rescue is not None,
            rescue_waits=change.code is not None and change.rescue is None,
            code_address=change.code.address if change.code else None,
            proof=self.proof_after(account.uid, By.PASSWORD, new_mark) if change.code else None,
        )

    def proof_after(self, uid: str, by: By, new_mark: str) -> Proof | None:
        """The proof of whoever just changed what sessions rest on; None if somebody else has done so since."""
        account = self.directory.find([Uid(uid)])
        is_theirs = account is not None and account.session_mark == new_mark
        return Proof(account, by, account.mark(by)) if account and is_theirs else None

    def _with_a_password(self, account: Account | None, now: datetime) -> Account | None:
        """The account, if a password could open it now."""
        is_ready = account and account.state.status is Status.ACTIVE
        return account if is_ready and account and not account.is_resting(now, self.lockout_seconds) else None

    def _why(self, found: Account | None, typed: keys.TypedKey | None, now: datetime) -> Shut:
        """Why nobody came in; for the audit alone."""
        if found is None:
            return Shut.UNKNOWN
        if not found.is_eligible(now):
            return Shut.LOCKED if found.is_locked else Shut.CLOSED
        if typed and (typed.is_sound or typed.is_mistyped):
            return Shut.WRONG_KEY if typed.is_sound else Shut.MISTYPED_KEY
        return Shut.RESTING if found.is_resting(now, self.lockout_seconds) else Shut.WRONG_PASSWORD

    def _is_live_key(self, account: Account, typed: str, now: datetime) -> bool:
        """Whether ``typed`` is the account's key. Raises KeyDead for one that once was."""
        if account.key and keys.verify(typed, account.key.hash):
            if reason := account.key.why_dead(now, self.max_failures):
                raise KeyDead(reason, account.key.expiry, account.uid)
            return True
        if any(keys.verify(typed, spent) for spent in account.spent_hashes):
            raise KeyDead(DeadKeyReason.SPENT, uid=account.uid)
        return False


def _is_slip(account: Account | None, typed: keys.TypedKey | None) -> bool:
    """Whether what was typed is one slip away from the account's key; alike for everybody: time must not tell.

    A password that merely looks like a mistyped key is none.
    """
    live = account.key.hash if account and account.key else keys.NOBODYS_HASH
    slips = keys.corrections(typed.text) if typed and not typed.is_sound else []
    return sum(keys.verify(key, live) for key in slips) > 0
