"""A batch of keys on disk: its record, which never holds a key, and the sheet (CSV) that does. Both are for us alone.

The record is beside what it is about (``letters.pdf.batch``), JSON lines: a head (who, when, for whom, which
template), the plan (every login, in the order of the paper), then what became of each. Who is killed in between leaves
a record that ``reopen`` goes on from. A lock keeps a second process from it.
"""

from __future__ import annotations

import csv
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from io import TextIOWrapper
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from connector import keys
from connector.errors import BatchRefused
from connector.model import Account
from connector.private import create

HEADINGS = ("login", "name", "key", "valid until", "programme")
_END_OF_PLAN = {"plan": None}
_FORMULA = tuple("=+-@\t\r")


@dataclass(frozen=True, slots=True)
class Head:
    """What a batch is, as its record says in its first line. Instants are ISO 8601, UTC."""

    batch: str
    operator: str
    started: str
    out: str
    whom: str
    template: str = ""  # of letters; none: a sheet
    never_activated: bool = False


class Batch:
    """An open record. ``create`` or ``reopen`` it, in a ``with``."""

    def __init__(self, path: Path, file: BinaryIO, head: Head) -> None:
        self.path, self.head = path, head
        self._file = file

    @classmethod
    def create(cls, path: Path, head: Head, uids: Iterable[str]) -> Self:
        """A new record, which comes into being whole: head and plan, for whom, in the order of the paper.

        Killed before that, there is none, and nothing was done. Raises FileRefused when there is one already.
        """
        part = path.with_name(f".{path.name}.{os.getpid()}")
        batch = cls(path, os.fdopen(create(part), "r+b"), head)
        try:
            batch._lock()
            batch.note(asdict(head))
            for uid in uids:
                batch.note({"plan": uid})
            batch.note(_END_OF_PLAN)
            batch._keep()
            os.link(part, path)
        except BaseException as error:
            batch._file.close()
            if isinstance(error, FileExistsError):
                raise BatchRefused(f"{path} exists already: give another name, or move it away") from None
            raise
        finally:
            part.unlink()
        return batch

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """The record of a batch that was interrupted. Raises BatchRefused: none, not one, finished, or in use."""
        try:
            file = path.open("r+b")
        except FileNotFoundError:
            raise BatchRefused(f"{path}: no such record; if the batch never came so far, start it anew") from None
        except OSError as error:
            raise BatchRefused(f"{path}: {error.strerror}") from None
        try:
            batch = cls(path, file, Head(**json.loads(file.readline())))
            batch._lock()
            _cut_torn_line(file)
            batch._refuse_finished()
        except (ValueError, TypeError):
            file.close()
            raise BatchRefused(f"{path}: not the record of a batch; its name ends in .batch") from None
        except BatchRefused:
            file.close()
            raise
        return batch

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def uids(self, after: str | None = None) -> Iterator[str]:
        """The logins of the plan, in order; where ``after`` is given, a sheet's cell, only those behind it.

        Raises BatchRefused when the cell is nobody's of this plan.
        """
        plan = (line["plan"] for line in takewhile(_END_OF_PLAN.__ne__, self._lines()) if "plan" in line)
        if after is not None and not any(_cell(uid) == after for uid in plan):  # leaves the plan just behind it
            raise BatchRefused(f"{self.head.out}: its last row is not of this batch; is it the right file?")
        return plan

    def note(self, fact: dict[str, Any]) -> None:
        """Add a line: what became of somebody."""
        self._file.write(json.dumps(fact, ensure_ascii=False).encode() + b"\n")

    def finish(self, facts: dict[str, Any]) -> None:
        """Add the last line: it is done."""
        self.note({"finished": facts})
        self._keep()

    def _lines(self) -> Iterator[dict[str, Any]]:
        self._file.flush()
        with self.path.open("rb") as file:
            for line in file:
                yield json.loads(line)

    def _refuse_finished(self) -> None:
        self._file.seek(0, os.SEEK_END)
        if any("finished" in line for line in self._lines()):
            raise BatchRefused(f"{self.path}: this batch is finished, there is nothing to resume")

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BatchRefused(f"{self.path}: another process is at work on this batch") from None

    def _keep(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


class Sheet:
    """The CSV (RFC 4180, UTF-8): a row a person, written once the directory holds the key, in the order of the plan.

    ``last`` is the first cell of the last row that was there already, if any.
    """

    def __init__(self, file: BinaryIO) -> None:
        row = next(csv.reader([_cut_torn_line(file).decode()]), [])
        self.last = row[0] if row and tuple(row) != HEADINGS else None
        self._file = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._file)
        if not file.tell():
            self._writer.writerow(HEADINGS)

    def write(self, account: Account, key: str, until: str) -> None:
        """One row, on one line. What a spreadsheet would take for a formula is written as text."""
        programme = ", ".join(account.programmes)
        self._writer.writerow([_cell(text) for text in (account.uid, account.name, keys.show(key), until, programme)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def keep(self) -> None:
        """Onto the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())


def opened(path: Path) -> BinaryIO:
    """The file that a batch writes its keys to: as it was left, or new, mode 0600. Raises FileRefused."""
    try:
        return path.open("r+b") if path.exists() else os.fdopen(create(path), "r+b")
    except OSError as error:
        raise BatchRefused(f"{path}: {error.strerror}") from None


def _cut_torn_line(file: BinaryIO) -> bytes:
    """Cut off what follows the last line break, and stay there; returns the last whole line."""
    file.seek(0)
    last, end = b"", 0
    for line in file:
        if line.endswith(b"\n"):
            last, end = line, end + len(line)
    file.truncate(end)
    file.seek(end)
    return last


def _cell(text: str) -> str:
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(_FORMULA) else line
