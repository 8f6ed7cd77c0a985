"""What a person chose, password and rescue address, judged together; and whom the change must be told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector import keys, rescue
from connector.errors import ChangeRefused, RescueReason
from connector.model import Account, Change, Happened, Notice, Reason, Refusal, RescueCode, Strength
from connector.passwords import PasswordPolicy, Verdict

TURNS = 3
"""How often a Modify is tried while what was proved still holds: ppolicy writes into the same entry, so that whoever
binds at slapd in the same instant makes it fail as if somebody else had been first."""


_SECOND = timedelta(seconds=1)  # what the directory's instants are written in


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules in force for new passwords and rescue addresses."""

    policy: PasswordPolicy
    own_domains: Sequence[str] = ()

    def change(
        self, account: Account, password: str | None, rescue_typed: str | None, *, is_frozen: bool = False
    ) -> Change:
        """The Change to write. An empty or unchanged rescue address is left alone; ``is_frozen``: it must be.

        Raises ChangeRefused with every reason at once.
        """
        address = self._rescue(account, rescue_typed)
        address = RescueReason.FROZEN if address and is_frozen else address
        refusals = () if password is None else self.verdict(account, password, rescue_typed).refusals
        bad_address = address if isinstance(address, RescueReason) else None
        if refusals or bad_address:
            raise ChangeRefused(refusals, bad_address)
        return Change(password, address if isinstance(address, str) else None)

    def verdict(self, account: Account, password: str, rescue_typed: str | None = None) -> Verdict:
        """What the meter shows and what decides at the end: strength, and every reason against ``password``."""
        personal = (*account.personal_words, *([rescue_typed.strip()] if rescue_typed else []))
        verdict = self.policy.verdict(password, personal)
        if _is_own_key(account, password):
            return Verdict(Strength.WEAK, (*verdict.refusals, Refusal(Reason.IS_A_KEY)))
        return verdict

    def _rescue(self, account: Account, typed: str | None) -> str | RescueReason | None:
        if typed is None or not typed.strip():
            return None
        address = rescue.read(typed, self.own_domains)
        return None if address == account.rescue else address


def _is_own_key(account: Account, password: str) -> bool:
    """The key on a letter that lies about must not become the password."""
    typed = keys.read(password)
    hashes = (*account.spent_hashes, *([account.key.hash] if account.key else []))
    return typed is not None and any(keys.verify(typed.text, stored) for stored in hashes)


def with_code(account: Account, change: Change, now: datetime, *, is_proved: bool) -> Change:
    """The same change, its new address to be proved by a code. ``is_proved``: the present one is, so that it waits."""
    if change.rescue is None:
        return change
    code = next_code(account, change.rescue, now)
    return replace(change, rescue=None if is_proved else change.rescue, code=code)


def next_code(account: Account, address: str, now: datetime) -> RescueCode:
    """A code for ``address``, asked for now: another than the one before, however soon after it."""
    last = account.rescue_code
    is_same_second = last is not None and last.issued == now
    return RescueCode(now + _SECOND if is_same_second else now, 0, address)


def notices(
    account: Account, change: Change, due: datetime, now: datetime, *, activated: bool = False
) -> tuple[Notice, ...]:
    """The code to the new rescue address, and a notice of ``change`` to old and new (NIST SP 800-63B-4 §4.6).

    While a former address is in force, it hears of everything: a thief's must not be the only one that does.
    """
    facts = {
        Happened.ACTIVATED: activated,
        Happened.PASSWORD: change.password is not None,
        Happened.RESCUE: bool(change.rescue and account.rescue),
        Happened.RESCUE_FIRST: bool(change.rescue and not account.rescue),
    }
    happened = tuple(word for word, is_true in facts.items() if is_true)
    addresses = dict.fromkeys((*account.addresses(now), *([change.rescue] if change.rescue else [])))
    code = [Notice((Happened.CODE,), change.code.address, due)] if change.code else []
    return (*code, *(Notice(happened, address, due) for address in addresses if happened))
