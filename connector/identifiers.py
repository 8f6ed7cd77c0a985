"""What a person typed, read as the identifiers it may be. Pure; it refuses nothing, it only finds nothing."""

from __future__ import annotations

import re
import unicodedata

from connector.model import Identifier, Ine, StudentNumber, Uid

LONGEST = 128
_INE = re.compile(r"[0-9A-Z]{11}")
_INE_NOISE = re.compile(r"[\s.\-‐-―]+")


def candidates(typed: str, *, student_number: bool = False) -> tuple[Identifier, ...]:
    """Every identifier that ``typed`` may be: always a login, an INE if it has its form, a student number if asked.

    The INE's check key is not judged: directories hold INEs without it (FACTS §1). Nothing for an empty or over-long
    text, or one with control characters.
    """
    if len(typed) > LONGEST:  # before any work; and its beginning may not pass for the whole
        return ()
    text = unicodedata.normalize("NFKC", typed).strip()
    if not text or len(text) > LONGEST or not text.isprintable():
        return ()
    found: list[Identifier] = [Uid(text)]
    ine = _INE_NOISE.sub("", text).upper()
    if _INE.fullmatch(ine):
        found.append(Ine(ine))
    if student_number:
        found.append(StudentNumber(text))
    return tuple(found)


def canonical(typed: str) -> str:
    """One text for all the ways to type the same identifier: whatever slapd takes for equal counts as one.

    slapd compares logins without regard to case and to surplus blanks (RFC 4518), and folds ``İ`` to ``i``.
    """
    text = _tidy(typed[: LONGEST + 1])
    ine = _INE_NOISE.sub("", text).upper()
    return (ine if _INE.fullmatch(ine) else text).casefold()


def folded(login: str) -> str:
    """A login as slapd compares it; ``a-b`` and ``ab`` are two, though they may be one INE."""
    return _tidy(login).casefold()


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).replace("İ", "i").split())
