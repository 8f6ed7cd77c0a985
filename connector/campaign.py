"""Use cases for a whole cohort: who gets a key, and keys for all of them.

Whoever is killed in the middle leaves people whose key nobody has; ``issue`` once more gives them a fresh one. Since a
key is put on paper only once the directory holds it, and a fresh one replaces the old, no two live keys of a person are
ever on paper, and at the end everybody's one live key is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from connector import keys
from connector.clock import Clock
from connector.directory import Directory
from connector.errors import Conflict, DirectoryMisconfigured, MonCompteError
from connector.identifiers import candidates
from connector.model import Account, Origin, PendingKey
from connector.settings import Keys

People = Iterable[tuple[str, Account | None]]
"""Logins, and accounts; None for who is not to be found."""
_PATIENCE = 20
"""So many refusals before the first success are the directory's fault, not single entries'."""


class LeftOut(Enum):
    """Why somebody gets no key, or no reminder."""

    UNKNOWN = "unknown"  # nobody of the population, or two people
    CLOSED = "closed"  # the state says no, or an administrator locked the account
    ACTIVATED = "activated"  # and only who never was is asked for
    NO_RESCUE = "no-rescue-address"  # to remind at
    REMINDED = "reminded-lately"
    HAS_LIVE_KEY = "has-live-key"  # and is to keep it
    UNPRINTABLE = "unprintable"  # the letter: a name that no font shows, or too long for its line
    MOVED = "changed-meanwhile"  # between the look and the write: another key, another state
    REFUSED = "refused-by-directory"  # this entry alone: it breaks the schema, or a rule of the site's


@dataclass(frozen=True, slots=True)
class Issued:
    """A key that the directory holds, to be put on paper; it is in no ``repr``."""

    account: Account
    key: str = field(repr=False)
    until: datetime


@dataclass(frozen=True, slots=True)
class Missed:
    """Somebody without one."""

    uid: str
    why: LeftOut


def anybody(_account: Account) -> bool:
    """Everybody's letter can be printed where none is."""
    return True


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who of the population gets a key at all."""

    never_activated: bool = False
    without_live_key: bool = False
    is_printable: Callable[[Account], bool] = field(default=anybody, repr=False)

    def objection(self, account: Account, now: datetime, max_failures: int) -> LeftOut | None:
        """Why this person gets none."""
        if not account.is_eligible(now):
            return LeftOut.CLOSED
        if self.never_activated and not account.was_never_activated:
            return LeftOut.ACTIVATED
        is_live = account.key is not None and account.key.why_dead(now, max_failures) is None
        if self.without_live_key and is_live:
            return LeftOut.HAS_LIVE_KEY
        return None if self.is_printable(account) else LeftOut.UNPRINTABLE


@dataclass(frozen=True, slots=True)
class Campaign:
    """Keys for many."""

    directory: Directory
    lifetimes: Keys
    clock: Clock

    def everybody(self, ldap_filter: str) -> Iterator[Account]:
        """Who matches, in the directory's order, packed. Raises SettingsInvalid for what is no filter."""
        return self.directory.packed_accounts(ldap_filter)

    def find(self, identifier: str) -> Account | None:
        """Whom it names, as a visitor types it: login, INE or student number."""
        return self.directory.find(candidates(identifier, student_number=True))

    def chosen(self, found: Iterable[Account], cohort: Cohort, missed: Callable[[LeftOut], None]) -> Iterator[Account]:
        """Those who get a key; why another does not is told to ``missed``."""
        now = self.clock()
        for account in found:
            if why := cohort.objection(account, now, self.lifetimes.max_failures):
                missed(why)
            else:
                yield account

    def read(self, uids: Iterable[str]) -> Iterator[tuple[str, Account | None]]:
        """The account of each login as it is now, in that order; None where there is none, or two."""
        return self.directory.accounts_of(uids)

    def issue(self, people: People, cohort: Cohort) -> Iterator[Issued | Missed]:
        """A fresh letter key for each, in that order; each is told once the directory holds it.

        What decided when they were read travels with the write: whose key, state or lock changed since gets none.

        Raises DirectoryUnavailable, DirectoryMisconfigured: whom it was not told of may have got a key or not.
        """
        ready: dict[int, Issued | Missed] = {}
        told = refused = stored = 0
        for issued, error in self.directory.store_keys(self._minted(people, cohort, ready)):
            place, outcome = issued
            ready[place] = outcome if error is None else Missed(outcome.account.uid, why_missed(error))
            stored += error is None
            refused += isinstance(error, DirectoryMisconfigured)
            if error and refused > _PATIENCE and not stored:
                raise error
            while told in ready:
                yield ready.pop(told)
                told += 1
        while told in ready:
            yield ready.pop(told)
            told += 1

    def _minted(
        self, people: People, cohort: Cohort, ready: dict[int, Issued | Missed]
    ) -> Iterator[tuple[tuple[int, Issued], Account, PendingKey]]:
        life = timedelta(days=self.lifetimes.letter_days)
        for place, (uid, account) in enumerate(people):
            now = self.clock()
            why = cohort.objection(account, now, self.lifetimes.max_failures) if account else LeftOut.UNKNOWN
            if account is None or why:
                ready[place] = Missed(uid, why or LeftOut.UNKNOWN)
                continue
            key, until = keys.mint(), now + life
            yield (
                (place, Issued(account, key, until)),
                account,
                PendingKey(keys.hash_key(key), now, until, Origin.LETTER),
            )


def why_missed(error: MonCompteError) -> LeftOut:
    """In a word: the entry changed meanwhile, or the directory refuses this one."""
    return LeftOut.MOVED if isinstance(error, Conflict) else LeftOut.REFUSED
