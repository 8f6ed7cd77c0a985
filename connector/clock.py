"""The one door to the clock. Everything else is given ``now`` as an argument, so that tests can move it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def elapsed_seconds() -> float:
    """Seconds on a clock that nobody sets; only differences mean anything. For how old a connection is."""
    return time.monotonic()


def wall_seconds() -> float:
    """Seconds since 1970 on the clock that ``limits`` reads, to tell how long a limit has still to last."""
    return time.time()


def utc_now() -> datetime:
    """The present instant, aware, in UTC, cut to the whole second as the directory writes it."""
    return datetime.now(UTC).replace(microsecond=0)
