"""Use cases of the rescue address: prove it by a code that was mailed to it; say that a change of it was not one's own.

The code is kept nowhere (``connector.otp``): the directory knows whom it was mailed to, when, and how often it was
tried, so that any server takes what another one asked for. docs/rescue.md tells what each attribute says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector import otp
from connector.choices import TURNS, next_code
from connector.directory import Directory
from connector.directory.entries import former_value, rescue_code_value
from connector.errors import CodeExpired, CodeRefused, Conflict, DirectoryUnavailable, NothingToProve, OppositionRefused
from connector.identifiers import candidates
from connector.model import Account, By, Former, Happened, Notice, Proof, RescueCode, RescueProved, RescueRestored
from connector.outbox import Outbox
from connector.owed import OwedNotice
from connector.selfcare import Selfcare
from connector.settings import Rescue
from connector.throttle import Throttle
from connector.wording import _


@dataclass(frozen=True, slots=True)
class Proving:
    """A rescue address is proved, replaced, and put back."""

    directory: Directory
    outbox: Outbox
    selfcare: Selfcare
    throttle: Throttle
    rules: Rescue
    server_secrets: Sequence[str]  # the first makes codes, all are believed

    def ask_code(self, uid: str, by: By, mark: str, now: datetime) -> RescueCode:
        """Mail a fresh code to the address that waits, or to the present one that is not proved: see Account.to_prove.

        Codes mailed before are worth nothing from now on. Raises SessionStale, NothingToProve, Throttled.
        """
        for _turn in range(TURNS):
            account = self.selfcare.revisit(uid, by, mark, now)
            if account.to_prove is None:
                raise NothingToProve
            self.throttle.use("rescue_codes_per_account", uid)
            code = next_code(account, account.to_prove, now)
            code = replace(code, raw=rescue_code_value(code))
            notice = Notice((Happened.CODE,), code.address, self.outbox.lease(now))
            try:
                self.directory.ask_code(account, code, (notice,))
            except Conflict:
                continue
            self.outbox.hand_over(OwedNotice(replace(account, rescue_code=code), notice))
            return code
        raise _too_busy()

    def prove(self, uid: str, by: By, mark: str, typed: str, now: datetime) -> RescueProved:
        """Take the code that was mailed: its address is proved, and takes the place of a proved one if it waited.

        Each try is counted in the directory before it is compared. Of two right ones at once, one wins. Raises
        SessionStale, NothingToProve, CodeExpired, CodeRefused.
        """
        account, code = self._counted(uid, by, mark, now)
        if not otp.is_mailed_code(self.server_secrets, typed, account.uid, code.address, code.issued):
            raise CodeRefused(self.rules.code_tries - code.tries)
        for _turn in range(self._turns):
            try:
                return self._proved(account, by, code, now)
            except Conflict:  # another try was counted, another code was asked for, or it was entered elsewhere
                account, latest = self._awaited(uid, by, mark, now)
                if (latest.issued, latest.address) != (code.issued, code.address):
                    raise CodeExpired from None
                code = latest
        raise _too_busy()

    def restore(self, identifier: str, typed: str, now: datetime) -> RescueRestored:
        """*It was not me*: with the code of the notice that told the former address, put that address back.

        No address waits any more, a mailed key dies, every session ends, and for ``cooldown_hours`` a password alone
        changes no rescue address. Strangers, wrong codes and changes that are no longer fresh: one search, one Modify
        (on the decoy), OppositionRefused.
        """
        for _turn in range(TURNS):
            account = self.directory.find(candidates(identifier, student_number=self.selfcare.takes_student_number))
            until, former = now + self._cooldown, self._opposed(account, typed, now)
            if account is None or former is None:
                self.directory.restore_rescue(None, now, until)
                raise OppositionRefused(account.uid if account else None)
            address = former.address
            told = dict.fromkeys((address, *account.addresses(now)))
            owed = tuple(Notice((Happened.RESCUE_FROZEN,), item, self.outbox.lease(now)) for item in told)
            try:
                self.directory.restore_rescue(account, now, until, owed)
            except Conflict:
                continue
            self._hand_over(replace(account, rescue=address, former=None, frozen_until=until), owed)
            return RescueRestored(account, address, until)
        raise _too_busy()

    @property
    def _cooldown(self) -> timedelta:
        return timedelta(hours=self.rules.cooldown_hours)

    @property
    def _turns(self) -> int:
        """More than a crowd of tries can be counted."""
        return TURNS + int(self.rules.code_tries)

    def _awaited(self, uid: str, by: By, mark: str, now: datetime) -> tuple[Account, RescueCode]:
        """The account, and the code that would prove an address of it now."""
        account = self.selfcare.revisit(uid, by, mark, now)
        code = account.rescue_code
        if code is None or account.to_prove is None or code.address != account.to_prove:
            raise NothingToProve
        if not code.is_alive(now, timedelta(minutes=self.rules.code_minutes)):
            raise CodeExpired
        return account, code

    def _counted(self, uid: str, by: By, mark: str, now: datetime) -> tuple[Account, RescueCode]:
        """The same, this try counted; raises CodeRefused once there were enough."""
        for _turn in range(self._turns):
            account, code = self._awaited(uid, by, mark, now)
            if code.tries >= self.rules.code_tries:
                raise CodeRefused(0)
            try:
                return account, self.directory.count_code(account, code)
            except Conflict:
                continue
        raise _too_busy()

    def _proved(self, account: Account, by: By, code: RescueCode, now: datetime) -> RescueProved:
        """Write it. Raises Conflict."""
        if code.address == account.rescue:
            self.directory.prove_rescue(account, code, now)
            return RescueProved(account, code.address, proof=Proof(account, by, account.mark(by)))
        former = self._former(account, code.address, now)
        told = dict.fromkeys((*account.addresses(now), code.address))
        owed = tuple(Notice((Happened.RESCUE,), item, self.outbox.lease(now)) for item in told)
        mark = self.directory.replace_rescue(account, code, former, now, owed)
        self._hand_over(replace(account, rescue=code.address, former=former), owed)
        return RescueProved(account, code.address, True, former, self.selfcare.proof_after(account.uid, by, mark))

    def _former(self, account: Account, new: str, now: datetime) -> Former | None:
        """Where keys go for a while: of several changes in a row, to the first address. None: to the new one at once.

        An address that was never proved is worth no such trust; whoever comes back to the first one is where they were.
        """
        in_force = account.former_in_force(now)
        address = in_force.address if in_force else account.rescue if account.rescue_verified else None
        if address is None or address == new or not self._cooldown:
            return None
        former = Former(now + self._cooldown, address)
        return replace(former, raw=former_value(former))

    def _opposed(self, account: Account | None, typed: str, now: datetime) -> Former | None:
        """The former address, where ``typed`` is the code of a change that is fresh; compared for everybody."""
        former = account.former_in_force(now) if account and account.is_eligible(now) else None
        uid, change = (account.uid, former.raw) if account and former else ("", "")
        is_code = otp.is_opposition_code(self.server_secrets, typed, uid, change)
        return former if is_code else None

    def _hand_over(self, account: Account, owed: Sequence[Notice]) -> None:
        for notice in owed:
            self.outbox.hand_over(OwedNotice(account, notice))


def _too_busy() -> DirectoryUnavailable:
    return DirectoryUnavailable(_("somebody else was first, again and again"))
