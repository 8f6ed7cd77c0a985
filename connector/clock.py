"""The one door to the clock. Everything else is given ``now`` as an argument, so that tests can move it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def elapsed_seconds() -> float:
    """Seconds on a clock that nobody sets; only differences mean anything."""
    return time.monotonic()


@contextmanager
def evened(step_milliseconds: int, only: type[Exception] | None = None) -> Iterator[None]:
    """End the block a whole number of steps after it began: its time does not tell what it did. 0: as soon as it can.

    Where ``only`` is given, that is for a block that ends with it.
    """
    began = time.monotonic()
    try:
        yield
    except Exception as error:
        if only and isinstance(error, only):
            _wait_for_step(began, step_milliseconds)
        raise
    if not only:
        _wait_for_step(began, step_milliseconds)


def _wait_for_step(began: float, step_milliseconds: int) -> None:
    if step_milliseconds:
        time.sleep((began - time.monotonic()) % (step_milliseconds / 1000))


def wall_seconds() -> float:
    """Seconds since 1970 on the clock that ``limits`` reads, to tell how long a limit has still to last."""
    return time.time()


def utc_now() -> datetime:
    """The present instant, aware, in UTC, cut to the whole second as the directory writes it."""
    return datetime.now(UTC).replace(microsecond=0)
