"""What a person of the export means for the directory: an entry to make or to correct, nothing, or a bad line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from connector.directory.amend import amended
from connector.directory.entries import OF_THE_RESCUE
from connector.directory.register import Addition, Amendment, Holder, Register
from connector.identifiers import folded
from connector.intake.faults import BadLine, Fault
from connector.intake.persons import Person
from connector.model import Identifier, Ine, StudentNumber, Uid
from connector.settings import Attributes, Settings

Plan = Addition | Amendment | list[BadLine] | None
"""None: the entry says already what the export says."""


class Planner:
    """Compares persons with what the directory holds. ``today`` is when a state begins that says no day."""

    def __init__(self, settings: Settings, register: Register, today: date) -> None:
        self._rules, self._names = settings.intake, settings.attributes
        self._register = register
        self._today = today
        self._made: dict[str, int] = {}  # the line that makes each new DN
        self._updated = {name.lower() for name in self._rules.update}
        self._wanted = [
            *(name for name in self._rules.attributes if name.lower() in self._updated),
            *OF_THE_RESCUE,
        ]

    def plans(self, persons: list[Person]) -> Iterator[tuple[Person, Plan]]:
        """What becomes of each; all of them are looked up at once, so let it be some hundred."""
        asked = [identifier for person in persons for identifier in _identifiers(person)]
        holders = _Holders(self._register.holders(asked, self._wanted), self._names) if asked else None
        for person in persons:
            yield person, self._plan(person, holders) if holders else None

    def _plan(self, person: Person, holders: _Holders) -> Plan:
        found = holders.by_uid[folded(person.uid)]
        if bad := list(self._taken(person, found, holders)):
            return bad
        if not found:
            return self._new(person)
        told = {name: values for name, values in person.attributes.items() if name.lower() in self._updated}
        changes = amended(found[0].values, told, self._names)
        return Amendment(found[0].dn, changes) if changes else None

    def _taken(self, person: Person, found: list[Holder], holders: _Holders) -> Iterator[BadLine]:
        """The identifiers that somebody else has."""
        if len(found) > 1:
            yield BadLine(person.line, Fault.LOGIN_AMBIGUOUS, detail="; ".join(holder.dn for holder in found))
        elif found and not (found[0].is_inside and self._is_login_of(person.uid, found[0])):
            yield BadLine(person.line, Fault.LOGIN_TAKEN, detail=found[0].dn)
        own = {holder.dn for holder in found}
        others = [holder.dn for holder in holders.by_ine[person.ine.upper()] if holder.dn not in own]
        if person.ine and others:
            yield BadLine(person.line, Fault.INE_TAKEN, detail=others[0])
        others = [holder.dn for holder in holders.by_number[person.number] if holder.dn not in own]
        if person.number and others:
            yield BadLine(person.line, Fault.NUMBER_TAKEN, detail=others[0])

    def _is_login_of(self, uid: str, holder: Holder) -> bool:
        return folded(uid) in map(folded, holder.values.get(self._names.uid.lower(), ()))

    def _new(self, person: Person) -> Plan:
        """The entry to make, unless an earlier line makes one of the same DN (which need not be made of the login)."""
        addition = self._addition(person)
        first = self._made.setdefault(addition.dn.lower(), person.line)
        return addition if first == person.line else [BadLine(person.line, Fault.TWICE, "DN", str(first))]

    def _addition(self, person: Person) -> Addition:
        attributes = {"objectClass": self._rules.object_classes, **person.attributes, **self._state(person)}
        return Addition(self._register.dn_of(self._rules.dn, person.attributes), attributes)

    def _state(self, person: Person) -> dict[str, tuple[str, ...]]:
        """State and dated state (SUPANN 2019), where the directory keeps one."""
        if not self._names.state:
            return {}
        value = f"{self._names.state_label}{self._rules.state}"
        since = person.since or f"{self._today:%Y%m%d}"
        return {self._names.state: (value,), self._names.state_date: (f"{value}:{since}:{person.until}",)}


class _Holders:
    """Who holds which identifier."""

    def __init__(self, holders: Iterable[Holder], names: Attributes) -> None:
        self.by_uid, self.by_ine, self.by_number = (defaultdict[str, list[Holder]](list) for _ in range(3))
        for holder in holders:
            for value in {folded(each) for name in (names.uid, names.alias) for each in _held(holder, name)}:
                self.by_uid[value].append(holder)
            for value in _held(holder, names.ine):
                self.by_ine[value.upper()].append(holder)
            for value in _held(holder, names.student_number):
                self.by_number[value].append(holder)


def _held(holder: Holder, name: str) -> tuple[str, ...]:
    return tuple(holder.values.get(name.lower(), ())) if name else ()


def _identifiers(person: Person) -> Iterator[Identifier]:
    yield Uid(person.uid)
    if person.ine:
        yield Ine(person.ine)
    if person.number:
        yield StudentNumber(person.number)
