"""Use cases of an operator: look at an account, take its key back, end a lock, set the rescue address, sweep up.

Every act is one Modify a person that names the exact value it takes away. Where somebody else was first the account is
read again: what was asked for is done to the account as it is then, or refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector import rescue
from connector.choices import TURNS
from connector.directory import Directory
from connector.errors import ActRefused, ChangeRefused, Conflict, DirectoryUnavailable, Obstacle, RescueReason
from connector.identifiers import candidates
from connector.model import Account, Happened, Notice, Origin
from connector.wording import _


@dataclass(frozen=True, slots=True)
class RescueSet:
    """What became of a rescue address. ``account`` is as it was; ``is_key_dead``: a key in a mailbox died of it."""

    account: Account
    address: str | None
    is_key_dead: bool


@dataclass(frozen=True, slots=True)
class Purged:
    """How many expired keys and traces of mails given up went; ``kept``: somebody got a new one in the same instant."""

    keys: int = 0
    mails: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """What an operator does to one account, or to all of them. With ``is_dry`` nothing is written."""

    directory: Directory
    own_domains: Sequence[str]
    guard: Callable[[Account], None] = lambda _account: None
    """Told of every account that is found, before anything is done to it; raises ActRefused for what must not be."""

    def matches(self, identifier: str) -> list[tuple[str, Account | None]]:
        """Every entry that answers to ``identifier``, login, INE or student number: see ``Directory.matches``."""
        return self.directory.matches(candidates(identifier, student_number=True))

    def find(self, identifier: str) -> Account:
        """The one account that answers. Raises ActRefused."""
        found = self.matches(identifier)
        if len(found) != 1:
            why = Obstacle.SEVERAL if found else Obstacle.UNKNOWN
            raise ActRefused(why, dns=tuple(dn for dn, _account in found))
        dn, account = found[0]
        if account is None:
            raise ActRefused(Obstacle.NO_LOGIN, dns=(dn,))
        self.guard(account)
        return account

    def revoke_key(self, identifier: str, *, is_dry: bool = False) -> Account:
        """Take back the key, dead or alive, and the mail that is owed for it; the account as it was.

        Raises ActRefused.
        """

        def act(account: Account) -> None:
            if account.key is None and account.mail_due is None:
                raise ActRefused(Obstacle.NO_KEY, account.uid)
            if not is_dry:
                self.directory.revoke_key(account)

        return self._at_last(identifier, act)

    def unlock(self, identifier: str, *, is_dry: bool = False) -> Account:
        """End the password policy's temporary lock; the account as it was.

        Raises ActRefused, also for a lock for good: that is an administrator's.
        """

        def act(account: Account) -> None:
            if account.is_locked:
                raise ActRefused(Obstacle.LOCKED_FOR_GOOD, account.uid, (account.dn,))
            if account.locked_since is None:
                raise ActRefused(Obstacle.NOT_LOCKED, account.uid)
            if not is_dry:
                self.directory.unlock(account)

        return self._at_last(identifier, act)

    def set_rescue(self, identifier: str, typed: str | None, now: datetime, *, is_dry: bool = False) -> RescueSet:
        """Set the rescue address, or remove it (``typed`` None), by the form's own rules; owe a notice to old and new.

        A key that may lie in the old mailbox dies. One on paper lives: the letter is in its owner's hands, whatever the
        address was, and may be the only thing that lets them in. A human looked at who asks: the address counts at
        once, whatever an earlier change had left. Raises ActRefused, ChangeRefused.
        """
        address = None if typed is None else self._judged(typed)

        def act(account: Account) -> None:
            if address is None and not account.rescues:
                raise ActRefused(Obstacle.NO_RESCUE, account.uid)
            if address is not None and address == account.rescue and not _is_unsettled(account, now):
                raise ActRefused(Obstacle.SAME_ADDRESS, account.uid)
            if not is_dry:
                self.directory.set_rescue(account, address, _notices(account, address, now))

        account = self._at_last(identifier, act)
        return RescueSet(account, address, account.is_key_in_mailbox)

    def purge(self, now: datetime, older_than: timedelta = timedelta(0), *, is_dry: bool = False) -> Purged:
        """Sweep away keys that expired, and what mails that were given up left behind, ``older_than`` ago or more.

        Nobody loses anything: a key that is swept away is still told to be dead, and a mail that is owed stays owed.
        """
        dead = self._dead(now - older_than)
        settled = ((is_key, None) for is_key, _account in dead) if is_dry else self.directory.purge(dead)
        count: Counter[str] = Counter()
        for is_key, error in settled:
            if error and not isinstance(error, Conflict):
                raise error
            count["kept" if error else "keys" if is_key else "mails"] += 1
        return Purged(**count)

    def _dead(self, until: datetime) -> Iterator[tuple[bool, Account]]:
        """Whom there is something to sweep from, and whether it is a key."""
        for account in self.directory.with_leftovers(until):
            is_key = account.key is not None and account.key.is_expired(until)
            if is_key or _is_forgettable(account, until):
                yield is_key, account

    def _judged(self, typed: str) -> str:
        address = rescue.read(typed, self.own_domains)
        if isinstance(address, RescueReason):
            raise ChangeRefused(rescue=address)
        return address

    def _at_last(self, identifier: str, act: Callable[[Account], None]) -> Account:
        """Do it to the account as it is at that instant."""
        for _turn in range(TURNS):
            account = self.find(identifier)
            try:
                act(account)
            except Conflict:
                continue
            return account
        raise DirectoryUnavailable(_("somebody else was first, again and again"))


def _notices(account: Account, address: str | None, now: datetime) -> tuple[Notice, ...]:
    """To the old rescue address and to the new one (NIST SP 800-63B-4 §4.6); due at once, for any dispatcher."""
    word = Happened.RESCUE if account.rescue else Happened.RESCUE_FIRST
    word = word if address else Happened.RESCUE_REMOVED
    addresses = dict.fromkeys(item for item in (*account.addresses(now), address) if item)
    return tuple(Notice((word,), item, now) for item in addresses)


def _is_unsettled(account: Account, now: datetime) -> bool:
    """Whether something of an earlier change of the rescue address goes on, which setting it ends."""
    return bool(account.former_in_force(now) or account.is_frozen(now) or account.waiting_rescue)


def _is_forgettable(account: Account, until: datetime) -> bool:
    """Whether only the tries of a mail are left: the key it should have brought is gone. A notice's leave no date."""
    is_mailed = account.key is not None and account.key.origin is Origin.MAIL
    return account.mail_failures > 0 and account.mail_due is None and not is_mailed and _is_past(account, until)


def _is_past(account: Account, until: datetime) -> bool:
    """Whether no mail was asked for since."""
    return not account.keys_mailed or max(account.keys_mailed) <= until
