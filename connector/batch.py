"""The record of a batch of keys: who made it, when, for whom, and how far it came; never a key.

It is beside what it is about (``letters.pdf.batch``), JSON lines: a head (who, when, for whom, which
template), the plan (every login, in the order of the paper), then what became of each. Who is killed in between leaves
a record that ``reopen`` goes on from. A lock keeps a second process from it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from connector import private, sheet
from connector.errors import BatchRefused
from connector.wording import _, reason

RECORD = ".batch"
_END_OF_PLAN = {"plan": None}


@dataclass(frozen=True, slots=True)
class Head:
    """What a batch is, as its record says in its first line. Instants are ISO 8601, UTC."""

    batch: str
    operator: str
    started: str
    out: str
    whom: str
    people_dn: str
    template: str = ""  # of letters; none: a sheet
    never_activated: bool = False


class Batch:
    """An open record. ``create`` or ``reopen`` it, in a ``with``."""

    def __init__(self, path: Path, file: BinaryIO, head: Head, *, is_new: bool) -> None:
        self.path, self.head = path, head
        self._file, self._is_new, self._has_issued = file, is_new, False

    @classmethod
    def create(cls, path: Path, head: Head, uids: Iterable[str]) -> Self:
        """A new record, which comes into being whole: head and plan, for whom, in the order of the paper.

        Killed before that, there is none, and nothing was done. Raises FileRefused when there is one already.
        """
        part = path.with_name(f".{path.name}.{os.getpid()}")
        batch = cls(path, private.create(part), head, is_new=True)
        try:
            batch._lock()
            batch.note(asdict(head))
            for uid in uids:
                batch.note({"plan": uid})
            batch.note(_END_OF_PLAN)
            batch._keep()
            _name(part, path)
        except BaseException:
            batch._file.close()
            raise
        finally:
            part.unlink()
        return batch

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """The record of a batch that was interrupted. Raises BatchRefused: none, not one, finished, or in use."""
        try:
            file = private.reopen(path, private.UNTOUCHED)
        except FileNotFoundError:
            raise BatchRefused(
                _("%(path)s: no such record; if the batch never came so far, start it anew", path=path)
            ) from None
        try:
            batch = cls(path, file, _head(file.readline()), is_new=False)
            batch._lock()
            private.cut_torn_line(file)
            batch._refuse_what_cannot_go_on()
        except (ValueError, TypeError):
            file.close()
            raise BatchRefused(_("%(path)s: not the record of a batch; its name ends in .batch", path=path)) from None
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

    def uids(self, after: Iterable[str] = ()) -> Iterator[str]:
        """The logins of the plan, in order; where ``after`` is given, a sheet's cells, only those behind the last.

        Raises BatchRefused when the cells are not of this plan, or not in its order: whoever is on the sheet already
        would get a second key.
        """
        plan = (str(line["plan"]) for line in takewhile(_END_OF_PLAN.__ne__, self._lines()) if "plan" in line)
        for cell in after:
            if not any(sheet.cell(uid) == cell for uid in plan):  # leaves the plan just behind it
                said = _(
                    "%(file)s: a row is not of this batch, or not in its place; is it the right file?",
                    file=self.head.out,
                )
                raise BatchRefused(said)
        return plan

    def paper(self) -> BinaryIO:
        """The file beside the record that the keys go to: new, or as it was left. Raises BatchRefused."""
        path = self.path.with_name(self.head.out)
        if self._is_new:
            return private.create(path)
        try:
            return private.reopen(path)
        except FileNotFoundError:
            if self._has_issued and not self.head.template:
                raise BatchRefused(
                    _(
                        "%(path)s: is gone, and there are keys on it that would die: put it back, or start a new batch",
                        path=path,
                    )
                ) from None
            return private.create(path)

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

    def _refuse_what_cannot_go_on(self) -> None:
        """A batch that is finished; one that was renamed: its keys would go to a second file, and the first's die."""
        self._file.seek(0, os.SEEK_END)
        for line in self._lines():
            if "finished" in line:
                raise BatchRefused(_("%(path)s: this batch is finished, there is nothing to resume", path=self.path))
            self._has_issued |= "issued" in line
        if self.path.name != self.head.out + RECORD:
            raise BatchRefused(
                _(
                    "%(path)s: was %(out)s%(end)s, beside %(out)s: rename both back",
                    path=self.path,
                    out=self.head.out,
                    end=RECORD,
                )
            )

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BatchRefused(_("%(path)s: another process is at work on this batch", path=self.path)) from None

    def _keep(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _name(part: Path, path: Path) -> None:
    """Give the record its name, if nothing has it. Raises BatchRefused."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise BatchRefused(private.exists(path)) from None
    except OSError as error:
        said = _("%(reason)s: is this a file system without hard links? Write to another", reason=reason(error))
        raise BatchRefused(_("%(what)s: %(said)s", what=path, said=said)) from None


def _head(line: bytes) -> Head:
    """Raises ValueError, TypeError."""
    head = Head(**json.loads(line))
    if any(type(getattr(head, field.name)).__name__ != field.type for field in fields(head)):
        raise TypeError
    return head
