"""A sheet of keys: a CSV (RFC 4180) for the user who makes it alone, that is gone on with where it was torn."""

from __future__ import annotations

import csv
import os
import re
from io import TextIOWrapper
from types import TracebackType
from typing import BinaryIO, Self

from connector import keys, private
from connector.errors import BatchRefused
from connector.model import Account
from connector.wording import _

HEADINGS = ("login", "name", "key", "valid until", "programme")
_FORMULA = re.compile(r"(^|; ?)(?=[=+@-])")  # a spreadsheet may take ";" for the end of a cell


class Sheet:
    """The CSV (RFC 4180, UTF-8): a row a person, written once the directory holds the key, in the order of the plan.

    ``written`` are the first cells of the rows that were there already. Raises BatchRefused for what is no such sheet.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        try:
            self.written = _first_cells(file)
        except (ValueError, csv.Error):
            file.close()
            raise BatchRefused(
                _("%(file)s: not a sheet of ours, or no more; is it the right file?", file=name)
            ) from None
        private.cut_torn_line(file)
        self._file = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._file)
        if not file.tell():
            self._writer.writerow(HEADINGS)

    def write(self, account: Account, key: str, until: str) -> None:
        """One row, on one line. What a spreadsheet would take for a formula is written as text."""
        programme = ", ".join(account.programmes)
        self._writer.writerow([cell(text) for text in (account.uid, account.name, keys.show(key), until, programme)])

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


def cell(text: str) -> str:
    """On one line; what a spreadsheet would take for a formula is written as text."""
    line = " ".join(text.split())
    return _FORMULA.sub(r"\1'", line) if _FORMULA.search(line) else line


def _first_cells(file: BinaryIO) -> list[str]:
    """Of the whole rows below the heading. Raises ValueError, csv.Error; nothing is touched."""
    file.seek(0)
    lines = [line.decode("utf-8-sig") for line in file]
    whole = lines if not lines or lines[-1].endswith("\n") else lines[:-1]
    if not whole and not ",".join(HEADINGS).startswith("".join(lines).rstrip()):
        raise ValueError
    rows = list(csv.reader(whole))
    if rows and tuple(rows[0]) != HEADINGS:
        raise ValueError
    return [row[0] for row in rows[1:] if row]
