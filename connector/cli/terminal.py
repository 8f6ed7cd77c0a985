"""A wide table on a terminal of any width."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from connector.cli.shell import table

_NARROWEST = 12  # characters of a name that are left of it on a narrow terminal
Row = Sequence[object]
"""A name, and numbers."""


def fitted(rows: Sequence[Row], headings: Sequence[str], columns: int | None) -> str:
    """The table, no wider than the terminal: its names are cut with "…", and then it goes on below itself."""
    if columns is None:
        return table(rows, headings)
    text, excess = _measured(rows, headings, columns)
    if excess > 0:
        longest = max(len(str(row[0])) for row in rows)
        rows = [(_cut(str(row[0]), max(_NARROWEST, longest - excess)), *row[1:]) for row in rows]
        text, excess = _measured(rows, headings, columns)
    if excess <= 0 or len(headings) <= 2:  # noqa: PLR2004 (a name and one number)
        return text
    half = (len(headings) + 1) // 2
    left, right = slice(0, half), slice(half, None)
    parts = (
        ([row[left] for row in rows], headings[left]),
        ([(row[0], *row[right]) for row in rows], (headings[0], *headings[right])),
    )
    return "\n\n".join(fitted(part, names, columns) for part, names in parts)


def _measured(rows: Sequence[Row], headings: Sequence[str], columns: int) -> tuple[str, int]:
    text = table(rows, headings)
    return text, max(map(len, text.splitlines())) - columns


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def width() -> int | None:
    """Of the terminal, in columns; None where the output goes elsewhere, where nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
