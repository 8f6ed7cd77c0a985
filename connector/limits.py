"""How often something may be tried: ``5/2 minutes; 25/day``, each a moving window, of which all hold.

Whatever one act counts is asked and counted at once: one question to where the windows are, and nobody comes between.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_LIMIT = re.compile(r"\s*([0-9]{1,9})\s*(?:/|per)\s*([0-9]{1,5})?\s*(second|minute|hour|day)s?\s*")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``tries`` within any ``seconds``."""

    tries: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Window:
    """The last tries under the name ``of``, as many as ``limit`` allows."""

    of: str
    limit: Limit

    @property
    def name(self) -> str:
        """What it is kept under."""
        return f"{self.of}/{self.limit.tries}/{self.limit.seconds}"


class Windows(Protocol):
    """Where windows are kept. Methods raise Lost."""

    def take(self, counted: Sequence[Window], watched: Sequence[Window]) -> Sequence[float | None]:
        """Count a try in each of ``counted``, if each of all has room; or else in none.

        Nothing, once it is counted; else of each the instant that must leave it first, in seconds since 1970, or None.
        """

    def forget(self, windows: Sequence[Window]) -> None:
        """Empty them."""


class Lost(Exception):
    """Nobody answers there, or nonsense."""


def read(text: str) -> tuple[Limit, ...]:
    """The limits that a setting names. Raises ValueError."""
    return tuple(map(_one, text.lower().split(";")))


def _one(text: str) -> Limit:
    read = _LIMIT.fullmatch(text)
    limit = Limit(int(read[1]), int(read[2] or 1) * _SECONDS[read[3]]) if read else Limit(0, 0)
    if not limit.tries or not limit.seconds:
        raise ValueError(text)
    return limit
