"""Limits on trying: per identifier, per source, in all; counted before any look-up, alike for known and unknown.

The library ``limits`` counts in moving windows, in this process's memory or in a Redis or Valkey server that several
share. What must be exact whatever happens to these counters is in the directory: one live key, its mails a day, its
wrong tries, and the password policy's own lock.

A key's tries are counted apart from a password's: whoever hammers at somebody's password does not shut out the key
that was mailed meanwhile. A mistyped key costs no try; it has a generous count of its own, since a password may look
like one.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from connector import keys
from connector.clock import elapsed_seconds, wall_seconds
from connector.errors import ChangeRefused, KeyMistyped, NothingToChange, ProofRefused, SignInRefused, Throttled
from connector.identifiers import canonical
from connector.settings import Throttle as ThrottleSettings

_LOG = logging.getLogger(__name__)
_MOST_COUNTERS = 20_000
"""Kept in memory; beyond it all are forgotten. A flood that fills it takes longer than the windows it would empty."""
_RETRY_SECONDS = 10  # how long a shared storage that did not answer is left alone
_PATIENCE_SECONDS = 1
_SOON_SECONDS = 1
_IPV6_PREFIX = 64  # bits
_LONGEST_SOURCE = 64  # characters
KINDS = PASSWORD, KEY, SLIP = "password", "key", "slip"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Counter:
    """One count, under all of its ``limits``; ``word`` names it in the audit."""

    word: str
    limits: Sequence[RateLimitItem]
    key: str


class Counters:
    """Counts, in the shared storage or, while that does not answer, in this process's memory."""

    def __init__(self, url: str) -> None:
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = None if url.startswith("memory:") else MovingWindowRateLimiter(_shared_storage(url))
        self._lost_at = -math.inf

    def take(self, counters: Sequence[Counter], *, unless_full: Sequence[Counter] = ()) -> None:
        """Count one try on each, if each has room, and those of ``unless_full`` too. Raises Throttled."""
        full = self._with_storage(lambda limiter: [_full(limiter, counter) for counter in (*counters, *unless_full)])
        if waits := [wait for wait in full if wait]:
            raise Throttled(*max(waits, key=lambda wait: wait[1]))
        for counter in counters:
            if not self.add(counter):  # somebody else took the last room just now
                raise Throttled(counter.word, _SOON_SECONDS)

    def add(self, counter: Counter) -> bool:
        """Count one more; whether there was room under every limit."""
        return all(self._with_storage(lambda limiter: [limiter.hit(limit, counter.key) for limit in counter.limits]))

    def clear(self, counters: Iterable[Counter]) -> None:
        """Forget what was counted."""
        every = [(limit, counter.key) for counter in counters for limit in counter.limits]

        def forget(limiter: MovingWindowRateLimiter) -> None:
            for limit, key in every:
                limiter.clear(limit, key)

        self._with_storage(forget)

    def _with_storage(self, act: Callable[[MovingWindowRateLimiter], T]) -> T:
        if self._shared and elapsed_seconds() - self._lost_at > _RETRY_SECONDS:
            try:
                return act(self._shared)
            except StorageError as error:
                why = type(error.storage_error).__name__
                _LOG.warning("[throttle] storage does not answer, limits are counted here: %s", why)
                self._lost_at = elapsed_seconds()
        self._forget_a_flood()
        return act(self._own)

    def _forget_a_flood(self) -> None:
        memory = cast("MemoryStorage", self._own.storage)
        if len(memory.events) > _MOST_COUNTERS:
            _LOG.warning("more than %d counters: all are forgotten; see docs/limits.md", _MOST_COUNTERS)
            memory.reset()


class Throttle:
    """Every limit of the settings. Methods raise Throttled, with the seconds to wait, before anything was counted."""

    def __init__(self, settings: ThrottleSettings, secret: str) -> None:
        self._secret = secret.encode()
        self._counters = Counters(settings.storage.get_secret_value())
        self._limits = {
            name: parse_many(getattr(settings, name)) for name in type(settings).model_fields if name != "storage"
        }

    @contextmanager
    def try_to_sign_in(self, source: str, identifier: str, secret: str) -> Iterator[None]:
        """Count a try at a proof; what leaves the block decides whether the source failed, or all is forgiven."""
        who, where = self._digest(canonical(identifier)), network(source)
        kind = _kind(secret)
        failures = self._counter("sign_in_failures_per_source", where)
        in_all = [self._counter("sign_in_per_source", where), self._counter("sign_in_in_all")]
        self._counters.take([*self._tries(kind, who, where), *in_all], unless_full=[failures])
        try:
            yield
        except KeyMistyped:
            raise
        except (SignInRefused, ProofRefused):
            self._counters.add(failures)
            raise
        except (ChangeRefused, NothingToChange):  # behind a right proof
            self._forgive(who, where)
            raise
        self._forgive(who, where)

    def ask_for_key(self, source: str, identifier: str) -> None:
        """Count a request for a key."""
        who, where = self._digest(canonical(identifier)), network(source)
        per_source, in_all = self._counter("ask_per_source", where), self._counter("ask_in_all")
        self._counters.take([self._counter("ask_per_identifier", who), per_source, in_all])

    def _tries(self, kind: str, who: str, where: str) -> list[Counter]:
        if kind == SLIP:
            return [self._counter("sign_in_slips_per_identifier", who)]
        return [
            self._counter("sign_in_per_identifier_and_source", kind, who, where),
            self._counter("sign_in_per_identifier", kind, who),
        ]

    def _forgive(self, who: str, where: str) -> None:
        """A right proof: the wrong ones before it were its owner's own, or did not succeed."""
        self._counters.clear(counter for kind in KINDS for counter in self._tries(kind, who, where))

    def _counter(self, name: str, *key: str) -> Counter:
        return Counter("too-many-" + name.replace("_", "-"), self._limits[name], "/".join((name, *key)))

    def _digest(self, text: str) -> str:
        """No login and no INE lies about in a counter's name."""
        return hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:32]


def network(source: str) -> str:
    """What counts as one source: an IPv4 address, a /64 of IPv6 (RFC 6177: what one site is given, at least)."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source[:_LONGEST_SOURCE]  # a proxy that names no address: its clients are one
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address.packed[:8] + bytes(8), _IPV6_PREFIX)))
    return str(address)


def _kind(secret: str) -> str:
    """Which tries this is one of; by its form alone, before anybody is looked up."""
    typed = keys.read(secret)
    if typed is None or not (typed.is_sound or typed.is_mistyped):
        return PASSWORD
    return KEY if typed.is_sound else SLIP


def _full(limiter: MovingWindowRateLimiter, counter: Counter) -> tuple[str, int] | None:
    """The counter's word and the seconds until it has room again; None while it has."""
    full = [limit for limit in counter.limits if not limiter.test(limit, counter.key)]
    if not full:
        return None
    until = max(limiter.get_window_stats(limit, counter.key).reset_time for limit in full)
    return counter.word, max(1, math.ceil(until - wall_seconds()))


def _shared_storage(url: str) -> Storage:
    """Valkey's client speaks to Redis too."""
    url = url.replace("redis", "valkey", 1) if url.startswith("redis") else url
    patience = {"socket_timeout": _PATIENCE_SECONDS, "socket_connect_timeout": _PATIENCE_SECONDS}
    return cast("Storage", storage_from_string(url, wrap_exceptions=True, **patience))
