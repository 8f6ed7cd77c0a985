"""Counters under limits: kept by the library ``limits`` in moving windows, here or in a storage that several share."""

from __future__ import annotations

import logging
import math
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar, cast

from limits import RateLimitItem
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from connector import metrics
from connector.clock import elapsed_seconds, wall_seconds
from connector.errors import SettingsInvalid, Throttled
from connector.wording import _

_LOG = logging.getLogger(__name__)
_MOST_KEPT = 100_000
"""Counters in memory, some 40 MB; beyond it the one that was idle longest is forgotten."""
_RETRY_SECONDS = 10  # how long a shared storage that did not answer is left alone
_PATIENCE_SECONDS = 1
_SOON_SECONDS = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Counter:
    """One count, under all of its ``limits``; ``word`` names it in the audit."""

    word: str
    limits: Sequence[RateLimitItem]
    key: str


class BoundedMemory(MemoryStorage):
    """The library's storage in memory, made for attackers: bounded, without its sweeping thread, one lock for all.

    The library's own keeps an empty list for each key for ever, and its sweeper goes through all of them after each
    try, and fails when a key is cleared meanwhile (limits 5.8).
    """

    STORAGE_SCHEME = ["bounded"]  # noqa: RUF012 (the library's name)

    def __init__(self) -> None:
        super().__init__()
        self._kept: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` more under ``key`` if that makes at most ``limit`` in the last ``expiry`` seconds."""
        with self._lock:
            tries = self._recent(key, expiry)
            if len(tries) + amount > limit:
                return False
            tries += [wall_seconds()] * amount
            self._kept[key] = tries
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """The oldest try of the last ``expiry`` seconds, and how many there are."""
        with self._lock:
            tries = self._recent(key, expiry)
            return (tries[0] if tries else wall_seconds()), len(tries)

    def _recent(self, key: str, expiry: int) -> list[float]:
        """The tries that still count, oldest first; whoever asks shows that the key is not idle."""
        tries, now = self._kept.get(key, []), wall_seconds()
        del tries[bisect_right(tries, now) :]  # from before the clock was set back: or one might wait for years
        del tries[: bisect_right(tries, now - expiry)]
        if tries:
            self._kept.move_to_end(key)
        else:
            self._kept.pop(key, None)
        return tries

    def clear(self, key: str) -> None:
        """Forget what was counted under ``key``."""
        with self._lock:
            self._kept.pop(key, None)


class Counters:
    """Counts, in the shared storage or, while that does not answer, in this process's memory."""

    def __init__(self, url: str) -> None:
        self._own = MovingWindowRateLimiter(BoundedMemory())
        self._shared = None if url.startswith("memory:") else MovingWindowRateLimiter(_shared_storage(url))
        self._lost_at = -math.inf
        self._is_lost = False

    def take(self, counters: Sequence[Counter], *, unless_full: Sequence[Counter] = ()) -> None:
        """Count one try on each, if each has room, and those of ``unless_full`` too. Raises Throttled."""
        full = self._with_storage(lambda limiter: [_full(limiter, counter) for counter in (*counters, *unless_full)])
        if waits := [wait for wait in full if wait]:
            raise _full_error(*max(waits, key=lambda wait: wait[1]))
        for counter in counters:
            if not self.add(counter):  # somebody else took the last room just now
                raise _full_error(counter.word, _SOON_SECONDS)

    def add(self, counter: Counter) -> bool:
        """Count one more; whether there was room under every limit."""
        return all(self._with_storage(lambda limiter: [limiter.hit(limit, counter.key) for limit in counter.limits]))

    def has_room(self, counter: Counter) -> bool:
        """Whether one more would count; counts nothing."""
        return self._with_storage(lambda limiter: _full(limiter, counter) is None)

    def clear(self, counters: Iterable[Counter]) -> None:
        """Forget what was counted."""
        every = [(limit, counter.key) for counter in counters for limit in counter.limits]

        def forget(limiter: MovingWindowRateLimiter) -> None:
            for limit, key in every:
                limiter.clear(limit, key)

        self._with_storage(forget)

    def _with_storage(self, act: Callable[[MovingWindowRateLimiter], T]) -> T:
        if self._shared and elapsed_seconds() - self._lost_at > _RETRY_SECONDS:
            began = elapsed_seconds()
            try:
                result = act(self._shared)
            except (StorageError, TypeError, ValueError) as error:  # no answer, or one that makes no sense
                self._lost(type(getattr(error, "storage_error", error)).__name__)
            else:
                if elapsed_seconds() - began > _PATIENCE_SECONDS:  # each answer in time, and all of them too late
                    self._lost("slow")
                else:
                    self._found()
                return result
        return act(self._own)

    def _lost(self, why: str) -> None:
        """Left alone for a while; one line when it goes, one when it is back."""
        self._lost_at = elapsed_seconds()
        if not self._is_lost:
            _LOG.warning("[throttle] storage does not answer, limits are counted here: %s", why)
        self._is_lost = True

    def _found(self) -> None:
        if self._is_lost:
            _LOG.warning("[throttle] storage is back")
        self._is_lost = False


def _full(limiter: MovingWindowRateLimiter, counter: Counter) -> tuple[str, int] | None:
    """The counter's word and the seconds until it has room again; None while it has."""
    full = [limit for limit in counter.limits if not limiter.test(limit, counter.key)]
    if not full:
        return None
    until = max(limiter.get_window_stats(limit, counter.key).reset_time for limit in full)
    return counter.word, max(1, math.ceil(until - wall_seconds()))


def _full_error(word: str, retry_after: int) -> Throttled:
    metrics.limit_hit(word)
    return Throttled(word, retry_after)


def _shared_storage(url: str) -> Storage:
    """Valkey's client speaks to Redis too. Raises SettingsInvalid for what no client could use."""
    url = url.replace("redis", "valkey", 1) if url.startswith("redis") else url
    patience = {"socket_timeout": _PATIENCE_SECONDS, "socket_connect_timeout": _PATIENCE_SECONDS}
    try:
        storage = cast("Storage", storage_from_string(url, wrap_exceptions=True, **patience))
        with suppress(StorageError):  # not there now, perhaps later: the first try tells
            storage.get("moncompte")
    except (ValueError, TypeError, ConfigurationError) as error:
        # Not the error's own words: they may quote a password.
        said = _("[throttle] storage: cannot be used (%(error)s)", error=type(error).__name__)
        raise SettingsInvalid([said]) from None
    return storage
