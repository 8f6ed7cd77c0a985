"""A cohort sorted, on disk where there are many: their logins for the plan, their accounts for the keys.

The file has no name and is gone with the process: SQLite's temporary database, which it keeps to itself.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from types import TracebackType
from typing import Self

from connector.identifiers import folded
from connector.model import Account

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -16000;
CREATE TABLE people (uid TEXT UNIQUE, login TEXT, place TEXT, account TEXT);
CREATE TABLE logins (login TEXT PRIMARY KEY, entries INTEGER) WITHOUT ROWID;
"""
_COUNT = "INSERT INTO logins VALUES (?, 1) ON CONFLICT (login) DO UPDATE SET entries = entries + 1"
_BY_PLACE = "SELECT uid, account, entries FROM people LEFT JOIN logins USING (login) ORDER BY place, uid"


class SortBy(Enum):
    """What a paper is sorted by, in the order given."""

    PROGRAMME = "programme"
    NAME = "name"
    LOGIN = "login"


class Roll:
    """People in the ``order`` asked for, accents and case aside, each once; use it in a ``with``.

    ``logins`` are those of everybody, folded: who shares theirs with another entry is nobody, since the portal treats
    them so.
    """

    def __init__(self, accounts: Iterable[Account], logins: Iterable[str], order: Sequence[SortBy]) -> None:
        self._scratch = sqlite3.connect("")
        self._scratch.executescript(_TABLES)
        rows = ((one.uid, folded(one.uid), _place(one, order), one.packed) for one in accounts)
        self._scratch.executemany("INSERT OR IGNORE INTO people VALUES (?, ?, ?, ?)", rows)
        self._scratch.executemany(_COUNT, ((login,) for login in logins))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scratch.close()

    def uids(self) -> Iterator[str]:
        """The logins, in order."""
        return (uid for (uid,) in self._scratch.execute("SELECT uid FROM people ORDER BY place, uid"))

    def people(self, unpacked: Callable[[str], Account | None]) -> Iterator[tuple[str, Account | None]]:
        """Login and account, in the same order, as they were read; None for who shares a login.

        The accounts must have been packed; ``unpacked`` makes them again.
        """
        for uid, packed, entries in self._scratch.execute(_BY_PLACE):
            yield uid, unpacked(packed) if entries == 1 else None


def _place(account: Account, order: Sequence[SortBy]) -> str:
    texts = {
        SortBy.PROGRAMME: ", ".join(account.programmes),
        SortBy.NAME: f"{account.surname}\1{account.name}",
        SortBy.LOGIN: account.uid,
    }
    return "\1".join(_plain(texts[by]) for by in order)


def _plain(text: str) -> str:
    """Without accents and case."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text)
    return "".join(char for char in letters if not unicodedata.combining(char)).casefold()
