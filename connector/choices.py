"""What a person chose, password and rescue address, judged together; and whom the change must be told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector import keys, rescue
from connector.errors import ChangeRefused, RescueReason
from connector.model import Account, Change, Happened, Notice, Reason, Refusal, Strength
from connector.passwords import PasswordPolicy, Verdict

TURNS = 3
"""How often a Modify is tried while what was proved still holds: ppolicy writes into the same entry, so that whoever
binds at slapd in the same instant makes it fail as if somebody else had been first."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules in force for new passwords and rescue addresses."""

    policy: PasswordPolicy
    own_domains: Sequence[str] = ()

    def change(self, account: Account, password: str | None, rescue_typed: str | None) -> Change:
        """The Change to write. An empty or unchanged rescue address is left alone.

        Raises ChangeRefused with every reason at once.
        """
        address = self._rescue(account, rescue_typed)
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


def notices(account: Account, change: Change, due: datetime, *, activated: bool = False) -> tuple[Notice, ...]:
    """A notice of ``change`` to the old rescue address and to the new one (NIST SP 800-63B-4 §4.6)."""
    facts = {
        Happened.ACTIVATED: activated,
        Happened.PASSWORD: change.password is not None,
        Happened.RESCUE: bool(change.rescue and account.rescue),
        Happened.RESCUE_FIRST: bool(change.rescue and not account.rescue),
    }
    happened = tuple(word for word, is_true in facts.items() if is_true)
    addresses = dict.fromkeys(address for address in (account.rescue, change.rescue) if address)
    return tuple(Notice(happened, address, due) for address in addresses)
