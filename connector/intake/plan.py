"""What a person of the export means for the directory: an entry to make or to correct, nothing, or a bad line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from connector.directory.amend import amended
from connector.directory.register import Addition, Amendment, Holder, Register
from connector.identifiers import folded
from connector.intake.faults import BadLine, Fault
from connector.intake.records import Record
from connector.model import Identifier, Ine, StudentNumber, Uid
from connector.settings import Attributes, Settings

Plan = Addition | Amendment | list[BadLine] | None
"""None: the entry says already what the export says."""


class Planner:
    """Compares records with what the directory holds. ``today`` is when a state begins that says no day."""

    def __init__(self, settings: Settings, register: Register, today: date) -> None:
        self._rules, self._names = settings.intake, settings.attributes
        self._register = register
        self._today = today
        self._made: dict[str, int] = {}  # the line that makes each new DN
        self._updated = {name.lower() for name in self._rules.update}
        self._wanted = [
            *(name for name in self._rules.attributes if name.lower() in self._updated),
            "moncompteRescueVerified",
        ]

    def plans(self, records: list[Record]) -> Iterator[tuple[Record, Plan]]:
        """What becomes of each; all of them are looked up at once, so let it be some hundred."""
        asked = [identifier for record in records for identifier in _identifiers(record)]
        holders = _Holders(self._register.holders(asked, self._wanted), self._names) if asked else None
        for record in records:
            yield record, self._plan(record, holders) if holders else None

    def _plan(self, record: Record, holders: _Holders) -> Plan:
        found = holders.by_uid[folded(record.uid)]
        if bad := list(self._taken(record, found, holders)):
            return bad
        if not found:
            return self._new(record)
        told = {name: values for name, values in record.attributes.items() if name.lower() in self._updated}
        changes = amended(found[0].values, told, self._names)
        return Amendment(found[0].dn, changes) if changes else None

    def _taken(self, record: Record, found: list[Holder], holders: _Holders) -> Iterator[BadLine]:
        """The identifiers that somebody else has."""
        if len(found) > 1:
            yield BadLine(record.line, Fault.LOGIN_AMBIGUOUS, detail="; ".join(holder.dn for holder in found))
        elif found and not (found[0].is_inside and self._is_login_of(record.uid, found[0])):
            yield BadLine(record.line, Fault.LOGIN_TAKEN, detail=found[0].dn)
        own = {holder.dn for holder in found}
        others = [holder.dn for holder in holders.by_ine[record.ine.upper()] if holder.dn not in own]
        if record.ine and others:
            yield BadLine(record.line, Fault.INE_TAKEN, detail=others[0])
        others = [holder.dn for holder in holders.by_number[record.number] if holder.dn not in own]
        if record.number and others:
            yield BadLine(record.line, Fault.NUMBER_TAKEN, detail=others[0])

    def _is_login_of(self, uid: str, holder: Holder) -> bool:
        return folded(uid) in map(folded, holder.values.get(self._names.uid.lower(), ()))

    def _new(self, record: Record) -> Plan:
        """The entry to make, unless an earlier line makes one of the same DN (which need not be made of the login)."""
        addition = self._addition(record)
        first = self._made.setdefault(addition.dn.lower(), record.line)
        return addition if first == record.line else [BadLine(record.line, Fault.TWICE, "DN", str(first))]

    def _addition(self, record: Record) -> Addition:
        attributes = {"objectClass": self._rules.object_classes, **record.attributes, **self._state(record)}
        return Addition(self._register.dn_of(self._rules.dn, record.attributes), attributes)

    def _state(self, record: Record) -> dict[str, tuple[str, ...]]:
        """State and dated state (SUPANN 2019), where the directory keeps one."""
        if not self._names.state:
            return {}
        value = f"{self._names.state_label}{self._rules.state}"
        since = record.since or f"{self._today:%Y%m%d}"
        return {self._names.state: (value,), self._names.state_date: (f"{value}:{since}:{record.until}",)}


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


def _identifiers(record: Record) -> Iterator[Identifier]:
    yield Uid(record.uid)
    if record.ine:
        yield Ine(record.ine)
    if record.number:
        yield StudentNumber(record.number)
