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
from connector.intake.plan import Plan, Planner
from connector.intake.records import Reader, Record
from connector.settings import Settings

__all__ = ["Addition", "Amendment", "BadLine", "Intake", "Register", "Report", "Written"]

BATCH = 100
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

    @property
    def bad_lines(self) -> int:
        """How many lines are bad, each with one fault or several."""
        return len({each.line for each in self.bad})


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
        for record, plan in self._plans(self._good(self._rows(report), report, progress)):
            if isinstance(plan, list):
                report.bad += plan
            elif plan is None:
                report.unchanged += 1
            else:
                (report.to_create if isinstance(plan, Addition) else report.to_change).add(record.line)
        report.bad.sort(key=lambda each: each.line)
        return report

    def names(self, uid: str) -> bool:
        """Whether a line of the file has this login; known after ``check``."""
        return self._reader.has_seen(uid)

    def plans(self, report: Report) -> Iterator[tuple[Record, Plan]]:
        """What is to be written, compared afresh; what has become a bad line since, or needs nothing more."""
        wanted = report.to_create | report.to_change
        rows = (row for row in self.export.rows() if isinstance(row, Row) and row.line in wanted)
        reader = Reader(self._settings, self._schema)
        return self._plans(record for row in rows if isinstance(record := reader.read(row), Record))

    def write(self, report: Report, progress: Progress) -> Iterator[Written]:
        """Write what is to be written; what became of each line. Raises DirectoryUnavailable: run it again.

        The first goes alone: were the settings to make people outside the population, it is one, not a hundred.
        """
        for batch in _batches(self.plans(report), first=1):
            yield from self._write(batch)
            progress(len(batch))

    def _write(self, batch: list[tuple[Record, Plan]]) -> Iterator[Written]:
        writes = [(record, plan) for record, plan in batch if isinstance(plan, Addition | Amendment)]
        refused = self._register.write([plan for _, plan in writes])
        added = [record.uid for record, plan in writes if isinstance(plan, Addition)]
        inside = self._register.inside(added) if added else set()
        for place, (record, plan) in enumerate(writes):
            done = _written(record, plan)
            if place in refused:
                done = replace(done, bad=BadLine(record.line, Fault.REFUSED, detail=refused[place]))
            elif isinstance(plan, Addition) and folded(record.uid) not in inside:
                done = replace(done, bad=self._take_back(record, plan))
            yield done
        for record, why in batch:
            if isinstance(why, list):
                yield Written(record.line, record.uid, is_new=False, bad=why[0])

    def _take_back(self, record: Record, plan: Addition) -> BadLine:
        is_gone = self._register.take_back(plan.dn)
        return BadLine(record.line, Fault.OUTSIDE if is_gone else Fault.LEFT_OUTSIDE, detail=plan.dn)

    def _plans(self, records: Iterable[Record]) -> Iterator[tuple[Record, Plan]]:
        for batch in _batches(records):
            yield from self._planner.plans(batch)

    def _rows(self, report: Report) -> Iterator[Row]:
        for row in self.export.rows():
            report.lines += 1
            if isinstance(row, BadLine):
                report.bad.append(row)
            else:
                yield row

    def _good(self, rows: Iterable[Row], report: Report, progress: Progress) -> Iterator[Record]:
        for row in rows:
            progress(1)
            record = self._reader.read(row)
            if isinstance(record, Record):
                yield record
            else:
                report.bad += record


def _written(record: Record, plan: Addition | Amendment) -> Written:
    if isinstance(plan, Addition):
        return Written(record.line, record.uid, is_new=True)
    return Written(record.line, record.uid, is_new=False, changed=tuple(plan.changes))


def _batches(items: Iterable[T], first: int = BATCH) -> Iterator[list[T]]:
    """Lists of ``first``, then of a hundred."""
    waiting, size = iter(items), first
    while batch := list(islice(waiting, size)):
        yield batch
        size = BATCH
