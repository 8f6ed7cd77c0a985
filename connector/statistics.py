"""Statistics: the population counted in one pass, in all, by programme and by day. Pure counting; keeps no entry.

What is told by day, and what it rests on:

activated   the day on which the state ``A:SupannActif`` began (SUPANN 2019, ``supannRessourceEtatDate``), which the
            activation writes and no later change of the password moves. ``pwdChangedTime`` would move with each.
issued      the day of ``moncompteKeyIssued``, for keys that still are in their entries: a redeemed one left no date
expiring    the day of ``moncompteKeyExpiry``, of the same keys, be it past or to come
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache

from babel.dates import get_timezone

from connector.directory import entries
from connector.model import Account, AccountState, PendingKey, Status
from connector.settings import Settings

Attributes = Mapping[str, Sequence[bytes]]
"""Octets by lower-case attribute name, as ``Directory.sweep`` gives them with a DN."""
NO_PROGRAMME = "—"
_REMEMBERED = 20_000  # texts that were read before: states and minutes recur; a bound, so that memory has one
_MINUTE, _SECOND = slice(0, 12), slice(12, 14)  # of 20261122120000Z, as slapd and we write it
_USUAL_TIME = 15  # characters
_KEY_HASH, _KEY_FAILURES = entries.KEY_HASH.lower(), entries.KEY_FAILURES.lower()
_KEY_ISSUED, _KEY_EXPIRY = entries.KEY_ISSUED.lower(), entries.KEY_EXPIRY.lower()
_MAIL_DUE, _MAIL_FAILURES = entries.MAIL_DUE.lower(), entries.MAIL_FAILURES.lower()
_NOTICE, _BOUNCED, _CHARTER = entries.NOTICE.lower(), entries.RESCUE_BOUNCED.lower(), entries.CHARTER.lower()
_LOCKED_SINCE, _PASSWORD_CHANGED = entries.LOCKED_SINCE.lower(), entries.PASSWORD_CHANGED.lower()


class Fact(StrEnum):
    """What is counted. The second to the fifth add up to the people; the others overlap them."""

    PEOPLE = "people"
    ACTIVATED = "activated"  # open, and taken over by its owner: says the state, or a password where no state is kept
    WITH_KEY = "to_activate_with_key"  # to be activated, with a live key
    WITHOUT_KEY = "to_activate_without_key"  # to be activated, with none or a dead one
    CLOSED = "closed"  # suspended, expired, deleted, outside its dates
    EXPIRED_KEY = "expired_keys"  # not purged yet, whatever the state
    NO_RESCUE = "no_rescue"  # no rescue address, of those not closed
    LOCKED = "locked"  # for good, by an administrator, whatever the state
    RESTING = "resting"  # for a while, by the password policy
    MAILS_WAITING = "mails_waiting"  # mails and notices that are owed, not people
    MAILS_GIVEN_UP = "mails_given_up"  # people whose last mail was given up
    BOUNCED = "bounced"  # people whose rescue address mail came back from for good


class Dated(StrEnum):
    """What is counted by day."""

    ACTIVATED = "activated"
    ISSUED = "keys_issued"
    EXPIRING = "keys_expiring"


@dataclass(frozen=True, slots=True)
class Statistics:
    """The counters, which grow as the population is gone through; a fact nobody met is not in them, and counts 0.

    ``charters``: of each version of the charter, how many accepted it last.
    """

    total: Counter[Fact] = field(default_factory=Counter)
    programmes: defaultdict[str, Counter[Fact]] = field(default_factory=lambda: defaultdict(Counter))
    days: defaultdict[date, Counter[Dated]] = field(default_factory=lambda: defaultdict(Counter))
    charters: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Phase:
    """A state, what it comes to today, and the day of the activation it tells of."""

    state: AccountState
    status: Status
    activated: date | None


@dataclass(frozen=True, slots=True)
class _Moment:
    """An instant, and its day in the portal's time zone."""

    instant: datetime
    day: date


class Census:
    """Counts people as they stood at one instant, in the time zone of the settings."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        self._names = settings.attributes
        self._max_failures = settings.keys.max_failures
        self._lockout_seconds = settings.directory.lockout_seconds
        self._now = now
        self._zone: tzinfo = get_timezone(settings.web.timezone)
        self._phase = lru_cache(_REMEMBERED)(self._read_phase)
        self._minute = lru_cache(_REMEMBERED)(self._read_minute)
        self._spellings: dict[str, str] = {}

    @property
    def attributes(self) -> list[str]:
        """What the sweep must ask for."""
        names = self._names
        configured = filter(None, (names.state, names.state_date, names.rescue, names.programme))
        key = (entries.KEY_HASH, entries.KEY_ISSUED, entries.KEY_EXPIRY, entries.KEY_FAILURES)
        mails = (entries.MAIL_DUE, entries.MAIL_FAILURES, entries.NOTICE)
        rest = (entries.LOCKED_SINCE, entries.PASSWORD_CHANGED, entries.RESCUE_BOUNCED, entries.CHARTER)
        return [*configured, *key, *mails, *rest]

    def count(self, everybody: Iterable[tuple[str, Attributes]]) -> Statistics:
        """Each person once in the total, and once in each of their programmes (else in ``NO_PROGRAMME``)."""
        found = Statistics()
        state, state_date = self._names.state.lower(), self._names.state_date.lower()
        for _, entry in everybody:
            phase = self._phase(tuple(entry.get(state, ())), tuple(entry.get(state_date, ())))
            facts = list(self._facts(entry, self._status(entry, phase)))
            for counter in (found.total, *(found.programmes[name] for name in self._programmes(entry))):
                for fact in facts:
                    counter[fact] += 1
            for what, day in self._dates(entry, phase):
                found.days[day][what] += 1
            if accepted := entries.to_accepted(_first(entry, _CHARTER).decode("utf-8", "replace")):
                found.charters[accepted.version] += 1
        return found

    def _status(self, entry: Attributes, phase: _Phase) -> Status:
        if phase.state.value is not None:
            return phase.status
        password_changed = _first(entry, _PASSWORD_CHANGED).decode("ascii", "replace") or None
        account = Account("", "", "", state=phase.state, password_changed=password_changed)
        return Status.TO_ACTIVATE if account.was_never_activated else Status.ACTIVE

    def _facts(self, entry: Attributes, status: Status) -> Iterator[Fact]:
        """A fact as often as it counts."""
        key = self._key(entry)
        yield Fact.PEOPLE
        if status is Status.TO_ACTIVATE:
            yield Fact.WITH_KEY if key and not key.why_dead(self._now, self._max_failures) else Fact.WITHOUT_KEY
        else:
            yield Fact.ACTIVATED if status is Status.ACTIVE else Fact.CLOSED
        if key and key.is_expired(self._now):
            yield Fact.EXPIRED_KEY
        if status is not Status.CLOSED and not self._has_rescue(entry):
            yield Fact.NO_RESCUE
        yield from self._locks(entry)
        yield from self._mails(entry)

    def _key(self, entry: Attributes) -> PendingKey | None:
        """The key in the entry, as far as whether it is dead goes."""
        if not entry.get(_KEY_HASH):
            return None
        expiry = self._moment(_first(entry, _KEY_EXPIRY))
        failures = entries.to_count(_first(entry, _KEY_FAILURES).decode("ascii", "replace"))
        return PendingKey("", None, expiry.instant if expiry else None, None, failures)

    def _has_rescue(self, entry: Attributes) -> bool:
        values, label = entry.get(self._names.rescue.lower(), ()), self._names.rescue_label
        return any(entries.has_label(value.decode("utf-8", "replace"), label) for value in values)

    def _locks(self, entry: Attributes) -> Iterator[Fact]:
        locked_since = _first(entry, _LOCKED_SINCE).decode("ascii", "replace")
        if not locked_since:
            return
        if entries.is_locked_for_good(locked_since):
            yield Fact.LOCKED
        elif Account("", "", "", locked_since=entries.to_instant(locked_since)).is_resting(
            self._now, self._lockout_seconds
        ):
            yield Fact.RESTING

    def _mails(self, entry: Attributes) -> Iterator[Fact]:
        """A mail is given up where tries were counted and no due date is left (docs/mail.md)."""
        due = entry.get(_MAIL_DUE, ())
        for _ in (*due, *entry.get(_NOTICE, ())):
            yield Fact.MAILS_WAITING
        if not due and entries.to_count(_first(entry, _MAIL_FAILURES).decode("ascii", "replace")):
            yield Fact.MAILS_GIVEN_UP
        if entry.get(_BOUNCED):
            yield Fact.BOUNCED

    def _programmes(self, entry: Attributes) -> Iterator[str]:
        """By the spelling that was met first: slapd takes L1-Droit and l1-droit for the same (caseIgnoreMatch)."""
        for raw in entry.get(self._names.programme.lower(), ()) or (NO_PROGRAMME.encode(),):
            name = raw.decode("utf-8", "replace")
            yield self._spellings.setdefault(name.casefold(), name)

    def _dates(self, entry: Attributes, phase: _Phase) -> Iterator[tuple[Dated, date]]:
        if phase.activated:
            yield Dated.ACTIVATED, phase.activated
        if entry.get(_KEY_HASH):
            for what, name in ((Dated.ISSUED, _KEY_ISSUED), (Dated.EXPIRING, _KEY_EXPIRY)):
                if moment := self._moment(_first(entry, name)):
                    yield what, moment.day

    def _read_phase(self, values: tuple[bytes, ...], dated: tuple[bytes, ...]) -> _Phase:
        state = entries.to_state(_texts(values), _texts(dated), self._names, self._zone)
        is_activated = (state.value or "").upper() == f"{self._names.state_label}{entries.ACTIVATED}".upper()
        return _Phase(
            state=state,
            status=state.status if state.is_open(self._now) else Status.CLOSED,
            activated=state.since if is_activated else None,
        )

    def _moment(self, text: bytes) -> _Moment | None:
        """An instant and its day here; of the usual form quickly, since two of them are in the entry of each key."""
        if len(text) != _USUAL_TIME or not text[_SECOND].isdigit():
            return self._read_moment(text)
        minute, seconds = self._minute(text[_MINUTE]), timedelta(seconds=int(text[_SECOND]))
        return _Moment(minute.instant + seconds, minute.day) if minute else None

    def _read_minute(self, text: bytes) -> _Moment | None:
        return self._read_moment(text + b"00Z")

    def _read_moment(self, text: bytes) -> _Moment | None:
        instant = entries.to_instant(text.decode("ascii", "replace"))
        return _Moment(instant, instant.astimezone(self._zone).date()) if instant else None


def _first(entry: Attributes, name: str) -> bytes:
    return next(iter(entry.get(name, ())), b"")


def _texts(values: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(value.decode("utf-8", "replace") for value in values)
