"""Templates: what becomes of a line's columns, such as ``{LIB_PR1_IND} {LIB_NOM_PAT_IND}``. Pure.

``{COLUMN}`` stands for the field, ``{COLUMN|lower}`` for it after one of ``CONVERSIONS``; ``{{`` and ``}}`` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

from connector.wording import _

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}|]+)(?:\|([a-z0-9]+))?\}")
_DATE = re.compile(r"(?P<y>\d{4})-?(?P<m>\d\d)-?(?P<d>\d\d)|(?P<D>\d\d)/(?P<M>\d\d)/(?P<Y>\d{4})", re.ASCII)


@cache
def columns_of(template: str) -> tuple[str, ...]:
    """The columns that a template names."""
    return tuple(column for column, _ in _PIECE.findall(template) if column)


def fill(template: str, fields: Mapping[str, str]) -> str:
    """The template with a line's fields in it, single blanks only; nothing if it names columns and all are empty.

    Raises ValueError for a date that is none.
    """
    pieces: list[str] = []

    def piece(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0][0]
        field = fields[found[1]]
        pieces.append(field)
        return CONVERSIONS[found[2]](field) if found[2] and field else field

    text = _PIECE.sub(piece, template)
    return " ".join(text.split()) if any(pieces) or not pieces else ""


def check(template: str) -> str:
    """The template, if it is one; raises ValueError with a sentence."""
    if set(_PIECE.sub("", template)) & set("{}"):
        raise ValueError(
            _("%(template)s: a brace is not closed, or not opened; a brace itself is written twice", template=template)
        )
    for column, conversion in _PIECE.findall(template):
        if conversion and conversion not in CONVERSIONS:
            piece, known = f"{{{column}|{conversion}}}", ", ".join(CONVERSIONS)
            raise ValueError(
                _("%(template)s: %(piece)s: known are %(known)s", template=template, piece=piece, known=known)
            )
    return template


def _day(text: str) -> date:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    parts = found.groupdict()
    return date(*(int(parts[small] or parts[small.upper()]) for small in "ymd"))


def _capitals(text: str) -> str:
    """``LE GOFF-D'ARC`` as ``Le Goff-D'Arc``."""
    return re.sub(r"\w+", lambda word: word[0].capitalize(), text)


CONVERSIONS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "capitals": _capitals,
    "date": lambda text: f"{_day(text):%Y-%m-%d}",
    "date8": lambda text: f"{_day(text):%Y%m%d}",
}
"""A date is written ``2007-03-31``, ``20070331`` or ``31/03/2007``."""
