"""One look at everybody of the population: what is double, what contradicts itself, who is an example of what.

Octets as the directory gives them, no Account is made: it is done for each of a hundred thousand people. Kept are
counts, a few DNs of each kind, and the identifiers seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.directory import Directory, entries
from connector.errors import DirectoryError
from connector.settings import Settings
from connector.wording import _

SHOWN = 5
"""DNs that are told of each kind, at most."""
Raw = dict[str, list[bytes]]
_TIME = re.compile(rb"\d{14}Z")
_PLAIN_STATE = re.compile(rb"[AIS](:[A-Za-z]+)?")
_ORIGINS = {b"letter", b"mail", b"desk"}
_EXPIRED_AFTER = timedelta(days=1)
_LOCKED_FOR_GOOD = entries.PERMANENT_LOCK[:4].encode()  # the year 0000
_NOTED = 1000  # people
_ROUNDS = 3  # of a dispatcher, before its mails are late
ATTRIBUTES = (*entries.OURS, entries.LOCKED_SINCE, entries.PASSWORD_CHANGED, "pwdReset")


@dataclass(slots=True)
class Kind:
    """How many there are of a kind, and a few of them."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, dn: str) -> None:
        """One more."""
        self.count += 1
        if len(self.examples) < SHOWN:
            self.examples.append(dn)

    @property
    def some(self) -> str:
        """A few of them; ``and so on`` where there are more."""
        return _("; ").join([*self.examples, *([_("and so on")] if self.count > SHOWN else [])])


@dataclass(slots=True)
class Census:
    """What was found: ``kinds`` by their names (``Census.kind``), ``doubles`` by the attribute."""

    total: int = 0
    kinds: dict[str, Kind] = field(default_factory=dict)
    doubles: dict[str, Kind] = field(default_factory=dict)
    stopped: str = ""  # why not everybody was looked at
    latest_write: str = ""  # the newest instant that the directory itself wrote down

    def kind(self, name: str) -> Kind:
        """The kind of that name, empty if nobody is of it."""
        return self.kinds.get(name, Kind())

    def example(self, *names: str) -> str | None:
        """Somebody of the first of these kinds that anybody is of."""
        return next((self.kinds[name].examples[0] for name in names if name in self.kinds), None)


def take(directory: Directory, settings: Settings, now: datetime, note: Callable[[int], None]) -> Census:
    """Look at everybody; ``note`` hears how many more were seen. What stopped it is in the census, too."""
    counting = _Counting(settings, now)
    wanted = [name for name in (*counting.names, *ATTRIBUTES) if name]
    try:
        for seen, (dn, entry) in enumerate(directory.sweep("", wanted), 1):
            counting.add(dn, entry)
            if not seen % _NOTED:
                note(_NOTED)
    except DirectoryError as error:
        counting.census.stopped = str(error)
    return counting.census


class _Counting:
    def __init__(self, settings: Settings, now: datetime) -> None:
        names, mail = settings.attributes, settings.mail
        self.census = Census()
        self.names = (names.uid, names.alias, names.ine, names.rescue, names.state, names.state_date)
        self._uid, self._alias, self._ine, self._rescue, self._state, self._dated = map(str.lower, self.names)
        self._label = names.state_label.lower().encode()
        self._rescue_label = names.rescue_label.lower().encode()
        self._now = entries.to_time(now).encode()
        self._stale = entries.to_time(now - _EXPIRED_AFTER).encode()
        waited = timedelta(seconds=_ROUNDS * mail.dispatch_every_seconds + mail.lease_seconds)
        self._late = entries.to_time(now - waited).encode()
        self._seen: dict[str, dict[bytes, str]] = {"login": {}, "ine": {}}

    def add(self, dn: str, entry: Raw) -> None:
        self.census.total += 1
        state = self._look_at_state(dn, entry)
        for kind in (*self._of_key(entry, state), *self._of_rescue(entry, state), *_nonsense(entry)):
            self._add(kind, dn)
        self._remember("login", dn, [value for name in (self._uid, self._alias) for value in entry.get(name, ())])
        self._remember("ine", dn, entry.get(self._ine, []))
        if not entry.get(self._uid):
            self._add("no-login", dn)
        changed = _one(entry, "pwdchangedtime").decode("ascii", "replace")
        self.census.latest_write = max(self.census.latest_write, changed)

    def _add(self, kind: str, dn: str) -> None:
        self.census.kinds.setdefault(kind, Kind()).add(dn)

    def _remember(self, what: str, dn: str, values: list[bytes]) -> None:
        """The directory compares logins and INEs without regard to case; an alias like a login finds two people."""
        seen = self._seen[what]
        for value in values:
            first = seen.setdefault(value.lower(), dn)
            if first != dn:
                self.census.doubles.setdefault(what, Kind()).add(f"{first} and {dn}")

    def _look_at_state(self, dn: str, entry: Raw) -> str:
        """The state's letter, with ``i!`` for to-activate; who has no state is active (SUPANN 2009)."""
        is_locked = _one(entry, "pwdaccountlockedtime").startswith(_LOCKED_FOR_GOOD)
        values = [value for value in entry.get(self._state, ()) if value.lower().startswith(self._label)]
        if not values:
            self._add("locked" if is_locked else "active", dn)
            return "a"
        bare = values[0][len(self._label) :]
        letter = "i!" if bare.lower() == b"i:supanncree" else bare[:1].lower().decode("ascii", "replace")
        kind = {"i!": "to-activate", "a": "active", "s": "suspended"}.get(letter, "closed")
        self._add("locked" if is_locked else kind, dn)
        for kind in self._state_faults(entry, values, bare, letter):
            self._add(kind, dn)
        return letter

    def _state_faults(self, entry: Raw, values: list[bytes], bare: bytes, letter: str) -> Iterator[str]:
        if len(values) > 1:
            yield "several-states"
        if not _PLAIN_STATE.fullmatch(bare):
            yield "unreadable-state"
        dated = [value.lower() for value in entry.get(self._dated, ()) if value.lower().startswith(self._label)]
        if dated and not any(value.startswith(values[0].lower() + b":") for value in dated):
            yield "dated-state-differs"
        if letter == "i!" and "pwdchangedtime" in entry and "pwdreset" not in entry:
            yield "to-activate-with-password"

    def _of_key(self, entry: Raw, state: str) -> Iterator[str]:
        has_hash, expiry = "moncomptekeyhash" in entry, _one(entry, "moncomptekeyexpiry")
        if has_hash:
            yield "key"
            if not expiry:
                yield "key-without-expiry"
            elif expiry < self._stale:
                yield "expired-key"
            elif state == "a" and _one(entry, "moncomptekeyorigin").lower() == b"letter" and expiry > self._now:
                yield "active-with-letter-key"
        elif expiry:
            yield "expiry-without-key"
        yield from self._of_mail(entry, has_hash)

    def _of_mail(self, entry: Raw, has_hash: bool) -> Iterator[str]:
        due = _one(entry, "moncomptemaildue")
        notices = entry.get("moncomptenotice", ())
        if due and not has_hash:
            yield "mail-without-key"
        if due and not self._has_rescue(entry):
            yield "mail-without-rescue"
        if (due and due < self._late) or any(notice[:15] < self._late for notice in notices):
            yield "late-mail"
        if not due and not notices and _one(entry, "moncomptemailfailures").strip(b"0"):
            yield "given-up-mail"

    def _of_rescue(self, entry: Raw, state: str) -> Iterator[str]:
        if not self._has_rescue(entry):
            yield "no-rescue"
            if state == "a":
                yield "active-without-rescue"

    def _has_rescue(self, entry: Raw) -> bool:
        return any(value.lower().startswith(self._rescue_label) for value in entry.get(self._rescue, ()))


def _nonsense(entry: Raw) -> Iterator[str]:
    """Values of ours that nobody can read: somebody's hand wrote them."""
    times = [_one(entry, name) for name in ("moncomptekeyexpiry", "moncomptekeyissued", "moncomptemaildue")]
    is_odd = any(time and not _TIME.fullmatch(time) and not entries.to_instant(time.decode()) for time in times)
    origin = _one(entry, "moncomptekeyorigin").lower()
    notices = (value.decode("utf-8", "replace") for value in entry.get("moncomptenotice", ()))
    stored = _one(entry, "moncomptekeyhash")
    is_hash = not stored or stored.startswith(b"{")
    if (
        is_odd
        or (origin and origin not in _ORIGINS)
        or not is_hash
        or any(not entries.to_notice(n).address for n in notices)
    ):
        yield "unreadable"


def _one(entry: Raw, name: str) -> bytes:
    values = entry.get(name)
    return values[0] if values else b""
