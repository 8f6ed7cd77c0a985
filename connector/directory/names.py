"""People looked for by name: a filter that forgives case, accents and order, and what of its findings counts. Pure."""

from __future__ import annotations

import re
import unicodedata

from ldap3.utils.conv import escape_filter_chars

from connector.settings import Attributes

FEWEST_LETTERS = 3
_MOST_WORDS = 6
_LONGEST = 80  # characters
_UNDECOMPOSED = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "œ": "oe", "æ": "ae", "ß": "ss", "ı": "i"})


def is_name(typed: str) -> bool:
    """Whether it is enough of a name to look for: no wildcard stands in for the letters."""
    return len(typed) <= _LONGEST and sum(map(len, words(typed))) >= FEWEST_LETTERS


def name_filter(typed: str, names: Attributes) -> str:
    """Each word sounds like one of the displayed name (RFC 4511 §4.5.1.7.6): more than ``fits`` lets by."""
    parts = [escape_filter_chars(part) for part in typed.split()[:_MOST_WORDS]]
    return f"(&{''.join(f'({names.name}~={part})' for part in parts)})"


def fits(typed: str, name: str) -> bool:
    """Whether every word typed is a whole word of the name, in whatever order, accents or none."""
    return set(words(typed)) <= set(words(name))


def words(text: str) -> list[str]:
    """The words, without accents, in lower case: ``D'Almeida-Noël`` has three."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_UNDECOMPOSED))
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return re.findall(r"[^\W\d_]+", letters)
