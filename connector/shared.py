"""Windows that several processes share, in a Valkey or Redis server.

A window is a list of instants, latest first; no longer than its limit, and gone once the last of them has left it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from valkey import Valkey
from valkey.exceptions import ValkeyError

from connector.clock import wall_seconds
from connector.limits import Lost, Window

# KEYS: the windows. ARGV: now; how many of the windows, from the first, this try counts
# in; then the tries and the seconds of each. The answer: for each window the instant that must leave it before there is
# room, or nil; an empty list when there was room in all, and the try was counted.
_TAKE = """
local now, counted, full, oldest = ARGV[1], tonumber(ARGV[2]), false, {}
for place, key in ipairs(KEYS) do
  local tries, seconds = ARGV[2 * place + 1], ARGV[2 * place + 2]
  local instant = redis.call('LINDEX', key, tries - 1)
  oldest[place] = instant and tonumber(instant) > now - seconds and instant
  full = full or oldest[place]
end
if full then return oldest end
for place = 1, counted do
  redis.call('LPUSH', KEYS[place], now)
  redis.call('LTRIM', KEYS[place], 0, ARGV[2 * place + 1] - 1)
  redis.call('EXPIRE', KEYS[place], ARGV[2 * place + 2])
end
return {}
"""


class Shared:
    """The server at ``url``: Raises ValueError, TypeError for what is no URL of one. Methods raise Lost.

    No answer of it is waited for longer than ``patience_seconds``.
    """

    def __init__(self, url: str, patience_seconds: float) -> None:
        url = url.replace("redis", "valkey", 1) if url.startswith("redis") else url  # they speak the same
        url = url.replace("valkey+unix:", "unix:", 1)
        patience = {"socket_timeout": patience_seconds, "socket_connect_timeout": patience_seconds}
        self._server = Valkey.from_url(url, **patience)
        pool = self._server.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # what from_url takes, and no connection does, is told now
        self._script = self._server.register_script(_TAKE)

    def take(self, counted: Sequence[Window], watched: Sequence[Window]) -> Sequence[float | None]:
        """See ``limits.Windows``."""
        every = [*counted, *watched]
        figures = [figure for window in every for figure in (window.limit.tries, window.limit.seconds)]
        with _answered():
            said = self._script([window.name for window in every], [wall_seconds(), len(counted), *figures])
            return [None if instant is None else float(instant) for instant in said]

    def forget(self, windows: Sequence[Window]) -> None:
        """See ``limits.Windows``."""
        with _answered():
            self._server.delete(*(window.name for window in windows))

    def ping(self) -> None:
        """See whether it is there."""
        with _answered():
            self._server.ping()


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except (ValkeyError, OSError, TypeError, ValueError) as error:  # no answer, or one that makes no sense
        raise Lost(type(error).__name__) from None
