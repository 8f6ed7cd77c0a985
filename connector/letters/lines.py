"""Texts cut into lines."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from connector.letters.fonts import Font

_GAP = re.compile(r"[ \t\r\n]+")  # not the spaces that must not break


@lru_cache(maxsize=256)
def wrap(text: str, font: Font, size: float, width: float) -> tuple[str, ...]:
    """``text`` in lines no wider than ``width``; a word that is wider by itself is broken where the line ends."""
    lines, line, length = [], "", 0.0
    space = font.width(" ", size)
    for word in _pieces(text, font, size, width):
        wide = font.width(word, size)
        if line and length + space + wide > width:
            lines.append(line)
            line, length = word, wide
        else:
            line, length = (f"{line} {word}", length + space + wide) if line else (word, wide)
    return (*lines, line) if line else tuple(lines)


def _pieces(text: str, font: Font, size: float, width: float) -> list[str]:
    pieces = []
    for word in _GAP.split(text.strip()):
        rest = word
        while len(rest) > 1 and font.width(rest, size) > width:
            fits = next(end for end in range(len(rest) - 1, 0, -1) if end == 1 or font.width(rest[:end], size) <= width)
            pieces.append(rest[:fits])
            rest = rest[fits:]
        pieces.append(rest)
    return pieces


def one_line(text: str) -> str:
    """As it can be printed: composed characters, and no line break or run of blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def told(char: str) -> str:
    """A character as a sysadmin can look it up."""
    return f"{char} (U+{ord(char):04X})" if char.isprintable() else f"U+{ord(char):04X}"
