"""Counters under limits, each in windows of its own; in memory, or in a storage that several processes share."""

from __future__ import annotations

import logging
import math
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from connector import metrics
from connector.clock import elapsed_seconds, wall_seconds
from connector.errors import SettingsInvalid, Throttled
from connector.limits import Limit, Lost, Window, Windows
from connector.wording import _

_LOG = logging.getLogger(__name__)
_MOST_KEPT = 100_000
"""Counters in memory, some 40 MB; beyond it the one that was idle longest is forgotten."""
_RETRY_SECONDS = 10  # how long a shared storage that did not answer is left alone
_PATIENCE_SECONDS = 1.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Counter:
    """One count, under all of its ``limits``; ``word`` names it in the audit."""

    word: str
    limits: Sequence[Limit]
    key: str


class Memory:
    """Windows in this process; bounded, since strangers fill it."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, counted: Sequence[Window], watched: Sequence[Window]) -> Sequence[float | None]:
        """See ``limits.Windows``."""
        with self._lock:
            now = wall_seconds()  # not before: what another thread counted meanwhile would seem to come from the future
            oldest = [self._in_the_way(window, now) for window in (*counted, *watched)]
            if any(instant is not None for instant in oldest):
                return oldest
            for window in counted:
                self.kept.setdefault(window.name, []).append(now)
            while len(self.kept) > _MOST_KEPT:
                self.kept.popitem(last=False)
        return ()

    def forget(self, windows: Sequence[Window]) -> None:
        """See ``limits.Windows``."""
        with self._lock:
            for window in windows:
                self.kept.pop(window.name, None)

    def _in_the_way(self, window: Window, now: float) -> float | None:
        """Whoever asks shows that the window is not idle."""
        tries = self.kept.get(window.name)
        if tries is None:
            return None
        del tries[bisect_right(tries, now) :]  # from before the clock was set back: or one might wait for years
        del tries[: bisect_right(tries, now - window.limit.seconds)]
        if not tries:
            del self.kept[window.name]
            return None
        self.kept.move_to_end(window.name)
        return tries[0] if len(tries) >= window.limit.tries else None


class Counters:
    """Counts, in the shared storage or, while that does not answer, in this process's memory."""

    def __init__(self, url: str) -> None:
        self.own = Memory()
        self._shared = None if url.startswith("memory:") else _shared(url)
        self._lost_at = -math.inf
        self._is_lost = False

    def take(self, counters: Sequence[Counter], *, unless_full: Sequence[Counter] = ()) -> None:
        """Count one try on each, if each has room, and those of ``unless_full`` too; or on none. Raises Throttled."""
        if waits := self._waits(counters, unless_full):
            word, seconds = max(waits, key=lambda wait: wait[1])
            metrics.limit_hit(word)
            raise Throttled(word, seconds)

    def add(self, counter: Counter) -> bool:
        """Count one more; whether there was room under every limit."""
        return not self._waits([counter], [])

    def has_room(self, counter: Counter) -> bool:
        """Whether one more would count; counts nothing."""
        return not self._waits([], [counter])

    def clear(self, counters: Iterable[Counter]) -> None:
        """Forget what was counted."""
        windows = _windows(counters)
        self._with_storage(lambda storage: storage.forget(windows))

    def _waits(self, counted: Sequence[Counter], watched: Sequence[Counter]) -> list[tuple[str, int]]:
        """What stood in the way, and for how many seconds; nothing: it was counted."""
        ours, others = _windows(counted), _windows(watched)
        oldest = self._with_storage(lambda storage: storage.take(ours, others))
        words = [(counter.word, limit.seconds) for counter in (*counted, *watched) for limit in counter.limits]
        return [
            (word, max(1, math.ceil(instant + seconds - wall_seconds())))
            for (word, seconds), instant in zip(words, oldest, strict=False)
            if instant is not None
        ]

    def _with_storage(self, act: Callable[[Windows], T]) -> T:
        if self._shared and elapsed_seconds() - self._lost_at > _RETRY_SECONDS:
            began = elapsed_seconds()
            try:
                result = act(self._shared)
            except Lost as lost:
                self._lost(str(lost))
            else:
                if elapsed_seconds() - began > _PATIENCE_SECONDS:  # in time, bit by bit, and yet too late
                    self._lost("slow")
                else:
                    self._found()
                return result
        return act(self.own)

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


def _windows(counters: Iterable[Counter]) -> list[Window]:
    return [Window(f"moncompte/{counter.key}", limit) for counter in counters for limit in counter.limits]


def _shared(url: str) -> Windows:
    """Raises SettingsInvalid for what no client could use."""
    from connector.shared import Shared  # noqa: PLC0415 (its client takes memory, which not everybody has to spend)

    try:
        return Shared(url, _PATIENCE_SECONDS)
    except (ValueError, TypeError) as error:
        # Not the error's own words: they may quote a password.
        said = _("[throttle] storage: cannot be used (%(error)s)", error=type(error).__name__)
        raise SettingsInvalid([said]) from None
