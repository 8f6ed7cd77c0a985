"""The import of students' records: an export is checked whole, then people are added and corrected.

Twice through the file: once to judge every line and to compare every person with the directory, writing nothing; then,
over the lines that differ, to write. Broken off anywhere, it is run again: what was done is found unchanged. Whoever is
in the directory and not in the file is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import TypeVar

from connector.directory.register import Addition, Amendment, Register
from connector.identifiers import folded
from connector.intake.export import Export, Row
from connector.intake.faults import BadLine, Fault
from connector.intake.persons import Person, Reader
from connector.intake.plan import Plan, Planner
from connector.settings import Settings

__all__ = ["Addition", "Amendment", "BadLine", "Intake", "Register", "Report", "Written"]

AT_A_TIME = 100
"""Lines that are looked up, and written, at a time."""
T = TypeVar("T")
Progress = Callable[[int], object]


@dataclass(slots=True)
class Report:
    """What the first reading found: ``lines`` hold a person each, and are counted once below."""

    lines: int = 0
    to_create: set[int] = field(default_factory=set)
    to_change: set[int] = field(default_factory=set)
    unchanged: int = 0
    bad: list[BadLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one line; ``changed`` are the names of attributes, ``bad`` is why nothing came of it."""

    line: int
    uid: str
    is_new: bool
    changed: tuple[str, ...] = ()
    bad: BadLine | None = None


class Intake:
    """One import. Raises SettingsInvalid for settings that could make nobody, ExportRefused for a file that is none."""

    def __init__(self, settings: Settings, register: Register, octets: bytes, today: date) -> None:
        rules = settings.intake
        self._settings, self._register = settings, register
        self._schema = register.schema(rules.object_classes)
        self._reader = Reader(settings, self._schema)
        self.export = Export(octets, rules.delimiter, rules.encoding, self._reader.columns())
        self._planner = Planner(settings, register, today)

    def check(self, progress: Progress) -> Report:
        """Judge every line and compare every person; nothing is written."""
        report = Report()
        for person, plan in self._plans(self._good(self._rows(report), report, progress)):
            if isinstance(plan, list):
                report.bad += plan
            elif plan is None:
                report.unchanged += 1
            else:
                (report.to_create if isinstance(plan, Addition) else report.to_change).add(person.line)
        report.bad.sort(key=lambda each: each.line)
        return report

    def names(self, uid: str) -> bool:
        """Whether a line of the file has this login; known after ``check``."""
        return self._reader.has_seen(uid)

    def plans(self, report: Report) -> Iterator[tuple[Person, Plan]]:
        """What is to be written, compared afresh; what has become a bad line since, or needs nothing more."""
        wanted = report.to_create | report.to_change
        rows = (row for row in self.export.rows() if isinstance(row, Row) and row.line in wanted)
        reader = Reader(self._settings, self._schema)
        return self._plans(person for row in rows if isinstance(person := reader.read(row), Person))

    def write(self, report: Report, progress: Progress) -> Iterator[Written]:
        """Write what is to be written; what became of each line. Raises DirectoryUnavailable: run it again.

        The first goes alone: were the settings to make people outside the population, it is one, not a hundred.
        """
        for some in _some(self.plans(report), first=1):
            yield from self._write(some)
            progress(len(some))

    def _write(self, some: list[tuple[Person, Plan]]) -> Iterator[Written]:
        writes = [(person, plan) for person, plan in some if isinstance(plan, Addition | Amendment)]
        refused = self._register.write([plan for _, plan in writes])
        added = [person.uid for person, plan in writes if isinstance(plan, Addition)]
        inside = self._register.inside(added) if added else set()
        for place, (person, plan) in enumerate(writes):
            done = _written(person, plan)
            if place in refused:
                done = replace(done, bad=BadLine(person.line, Fault.REFUSED, detail=refused[place]))
            elif isinstance(plan, Addition) and folded(person.uid) not in inside:
                done = replace(done, bad=self._take_back(person, plan))
            yield done
        for person, why in some:
            if isinstance(why, list):
                yield Written(person.line, person.uid, is_new=False, bad=why[0])

    def _take_back(self, person: Person, plan: Addition) -> BadLine:
        is_gone = self._register.take_back(plan.dn)
        return BadLine(person.line, Fault.OUTSIDE if is_gone else Fault.LEFT_OUTSIDE, detail=plan.dn)

    def _plans(self, persons: Iterable[Person]) -> Iterator[tuple[Person, Plan]]:
        for some in _some(persons):
            yield from self._planner.plans(some)

    def _rows(self, report: Report) -> Iterator[Row]:
        for row in self.export.rows():
            report.lines += 1
            if isinstance(row, BadLine):
                report.bad.append(row)
            else:
                yield row

    def _good(self, rows: Iterable[Row], report: Report, progress: Progress) -> Iterator[Person]:
        for row in rows:
            progress(1)
            person = self._reader.read(row)
            if isinstance(person, Person):
                yield person
            else:
                report.bad += person


def _written(person: Person, plan: Addition | Amendment) -> Written:
    if isinstance(plan, Addition):
        return Written(person.line, person.uid, is_new=True)
    return Written(person.line, person.uid, is_new=False, changed=tuple(plan.changes))


def _some(items: Iterable[T], first: int = AT_A_TIME) -> Iterator[list[T]]:
    """Lists of ``first``, then of a hundred."""
    waiting, size = iter(items), first
    while some := list(islice(waiting, size)):
        yield some
        size = AT_A_TIME
