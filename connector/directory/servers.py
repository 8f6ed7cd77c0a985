"""Which servers of the directory answer: whom to ask first, and when not to ask at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

from connector import metrics
from connector.clock import elapsed_seconds
from connector.errors import DirectoryUnavailable
from connector.settings import Directory as DirectorySettings
from connector.wording import _

PAUSE_SECONDS = 2
"""How long nobody asks after every server let somebody wait in vain."""
_REMEMBERED_SECONDS = 60


class Servers:
    """The servers, and when each last failed us: it could not be opened, or an operation on it took too long."""

    def __init__(self, settings: DirectorySettings) -> None:
        self.timeout_seconds = settings.timeout_seconds
        self._failed = dict.fromkeys(settings.uri, -inf)
        self._answered = dict.fromkeys(settings.uri, -inf)
        self._late = dict.fromkeys(settings.uri, -inf)

    def in_order(self) -> list[str]:
        """In the order of the settings, since writes must go to one provider (FACTS §2); who failed lately comes last.

        Not for ever: the first one is to be found again when it is back.
        """
        oldest = elapsed_seconds() - _REMEMBERED_SECONDS
        return sorted(self._failed, key=lambda uri: self._failed[uri] >= oldest)

    def failed(self, uri: str) -> None:
        """It did, now."""
        self._failed[uri] = elapsed_seconds()

    def late(self, uri: str) -> None:
        """An operation on it took too long; others may have been answered meanwhile."""
        self._late[uri] = elapsed_seconds()

    def answered(self, uri: str) -> None:
        """It did, now."""
        self._answered[uri] = elapsed_seconds()

    def has_answered_since(self, instant: float, uri: str) -> bool:
        """Whether it did, to anybody: one slow operation must not send all writes to another provider."""
        return self._answered[uri] >= instant

    def has_failed_since(self, instant: float, uri: str) -> bool:
        """Whether it did: a connection that was opened before is not to be trusted."""
        return self._failed[uri] >= instant

    def have_all_failed_since(self, instant: float) -> bool:
        """Whether every one let somebody wait in vain."""
        return all(max(failed, self._late[uri]) >= instant for uri, failed in self._failed.items())


class Breaker:
    """Keeps requests from waiting for what did not come a moment ago: soon every thread would wait (a circuit breaker).

    Once every server let somebody wait for the whole timeout, nobody is let through for a pause; then one at a time is,
    as a probe, until one is answered. There is one for each kind of operation: behind a disk that hangs, slapd answers
    searches and no writes. Of servers that refuse connections it knows nothing: nobody waits for them.
    """

    def __init__(self, servers: Servers, kind: str) -> None:
        self._servers, self._kind = servers, kind
        self._answered = self._tripped = -inf  # when, on the clock of elapsed_seconds
        self._probe = threading.Lock()

    @contextmanager
    def admission(self) -> Iterator[None]:
        """Around one operation, the opening of its connection included. Raises DirectoryUnavailable, at once."""
        with self._permission():
            began = elapsed_seconds()
            try:
                yield
            except BaseException:
                self._broke_off(began)
                raise
            self._answered = elapsed_seconds()
            self._close()

    @contextmanager
    def _permission(self) -> Iterator[None]:
        if self._tripped == -inf:
            yield
            return
        if not self._probe.acquire(blocking=False):
            raise DirectoryUnavailable(_("no server answers in time; somebody is trying already"))
        try:
            if elapsed_seconds() - self._tripped < PAUSE_SECONDS:
                raise DirectoryUnavailable(_("no server answered in time a moment ago"))
            yield
        finally:
            self._probe.release()

    def _close(self) -> None:
        if self._tripped != -inf:
            self._tripped = -inf
            metrics.of(metrics.LDAP_BREAKER, self._kind).set(0)

    def _broke_off(self, began: float) -> None:
        """If others were answered meanwhile, this one was slow by itself, which must not shut everybody out."""
        now = elapsed_seconds()
        has_waited = now - began >= self._servers.timeout_seconds
        if has_waited and self._servers.have_all_failed_since(began) and self._answered <= began:
            self._tripped = now
            metrics.of(metrics.LDAP_BREAKER, self._kind).set(1)
