"""The students' records export as a file: octets, text, lines, fields. What the fields mean is ``persons``'s.

One line is one person: a field that goes on over several lines is refused, so that one quotation mark too many spoils
one line and not the rest of the file.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from connector.intake.faults import BadLine, ExportFault, ExportRefused, Fault

AUTO = "auto"
LARGEST = 1 << 28  # octets: a million people, and some
_LONGEST_LINE = 1 << 16  # characters
_USUAL_DELIMITERS = ";,\t|"
_BLANKS = " \t\u00a0\u202f"
_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16", b"PK\x03\x04": "a spreadsheet, or a zip file"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file: its number, the heading being line 1, and its fields by column."""

    line: int
    fields: dict[str, str]


class Export:
    """The file, kept as octets: it is read twice, and must be the same both times. Raises ExportRefused."""

    def __init__(self, octets: bytes, delimiter: str, encoding: str, columns: Collection[str]) -> None:
        self._octets = octets
        self._delimiter = delimiter
        self.encoding = _encoding_of(octets, encoding)
        self._heading = self._read_heading(columns)
        self.size = max(octets.count(b"\n"), octets.count(b"\r"))
        """How many lines, more or less: for a progress bar."""
        if next(self.rows(), None) is None:
            raise ExportRefused(ExportFault.NOBODY)

    def rows(self) -> Iterator[Row | BadLine]:
        """Every line below the heading, but for blank ones."""
        width = len(self._heading)
        for line, text in self._lines():
            fields = self._fields(text)
            if line == 1 or (fields is not None and not any(fields)):
                continue
            if fields is None:
                yield BadLine(line, Fault.TOO_LONG_LINE if len(text) > _LONGEST_LINE else Fault.QUOTES)
            elif len(fields) != width:
                yield BadLine(line, Fault.FIELDS, detail=f"{len(fields)}, {width}")
            else:
                yield Row(line, dict(zip(self._heading, fields, strict=True)))

    def _lines(self) -> Iterator[tuple[int, str]]:
        text = io.TextIOWrapper(io.BytesIO(self._octets), self.encoding, newline=None)
        return ((number, line.rstrip("\n")) for number, line in enumerate(text, 1))

    def _fields(self, text: str) -> list[str] | None:
        """The fields of a line without the blanks around them; None for one that is not CSV (RFC 4180)."""
        if len(text) > _LONGEST_LINE:
            return None
        try:
            found = next(csv.reader((text,), delimiter=self._delimiter, strict=True), [])
        except csv.Error:
            return None
        return [field.strip(_BLANKS) for field in found]

    def _read_heading(self, columns: Collection[str]) -> list[str]:
        heading = self._fields(next(self._lines(), (1, ""))[1])
        if heading is None:
            raise ExportRefused(ExportFault.NOT_CSV)
        if not any(heading):
            raise ExportRefused(ExportFault.EMPTY)
        if missing := [column for column in columns if column not in heading]:
            other = self._other_delimiter(heading)
            if other:
                raise ExportRefused(ExportFault.DELIMITER, other, self._delimiter)
            raise ExportRefused(ExportFault.COLUMNS, *missing)
        if twice := [column for column, count in Counter(heading).items() if count > 1 and column in columns]:
            raise ExportRefused(ExportFault.COLUMNS_TWICE, *twice)
        return heading

    def _other_delimiter(self, heading: list[str]) -> str:
        """What seems to part the fields, if everything came out as one."""
        if len(heading) > 1:
            return ""
        return next((sign for sign in _USUAL_DELIMITERS if sign != self._delimiter and sign in heading[0]), "")


def _encoding_of(octets: bytes, asked: str) -> str:
    """The encoding in which all of it can be read.

    Whatever is UTF-8 is meant so: French in Latin-1 is never well-formed UTF-8. All else is Windows-1252, which is
    ISO-8859-1 with an œ.
    """
    if not octets.strip(b"\r\n\t ;,"):
        raise ExportRefused(ExportFault.EMPTY)
    for mark, name in _MARKS.items():
        if octets.startswith(mark):
            raise ExportRefused(ExportFault.ENCODING, name)
    if b"\0" in octets:
        raise ExportRefused(ExportFault.BINARY)
    for encoding in ("utf-8-sig", "cp1252") if asked == AUTO else (asked,):
        try:
            octets.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise ExportRefused(ExportFault.ENCODING, asked)
