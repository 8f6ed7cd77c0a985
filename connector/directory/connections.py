"""Connections to the directory: opened, bound, kept, checked, bounded; ldap3's faults become ours.

Two stocks of them. *Working* connections are bound as the portal and stay so. *Proving* connections change identity at
each use: a bind as a student must never leave a working connection in that student's name. What is known of the servers
they share: a server that hangs must not cost every request a whole timeout, until every thread waits for it.
"""

from __future__ import annotations

import select
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ldap3 import SIMPLE, Connection
from ldap3.core.exceptions import LDAPException

from connector import metrics
from connector.clock import elapsed_seconds
from connector.directory.lane import INVALID_CREDENTIALS
from connector.directory.opening import close, opened
from connector.directory.servers import Breaker, Servers
from connector.errors import DirectoryMisconfigured, DirectoryUnavailable
from connector.settings import Directory as DirectorySettings
from connector.wording import _

_BUSY = {51, 52}  # busy, unavailable (RFC 4511 appendix A)
_OLDEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection, to which server, and since when."""

    connection: Connection
    uri: str
    opened: float


class Connections:
    """A bounded stock of connections, all bound alike; the last one given back is the first one lent."""

    def __init__(self, settings: DirectorySettings, servers: Servers, *, bind: bool) -> None:
        self._settings = settings
        self._servers = servers
        self._bind = bind
        self._idle: deque[_Line] = deque()
        self._is_closed = False
        self._room = threading.BoundedSemaphore(settings.connections)

    @contextmanager
    def lend(self, breaker: Breaker) -> Iterator[Connection]:
        """A connection that is ours for one operation, until the block ends; one that broke is closed, not kept.

        Raises DirectoryUnavailable when no server answers, or when every connection is busy for the whole timeout; at
        once, when ``breaker`` says so.
        """
        if not self._room.acquire(timeout=self._settings.timeout_seconds):
            raise DirectoryUnavailable(_("every connection is busy"))
        try:
            with breaker.admission(), _translated():
                line = self._take() or self._open()
                with self._watched(line), _in_use(line.uri):
                    yield line.connection
                self._give_back(line)
        finally:
            self._room.release()

    @contextmanager
    def own(self) -> Iterator[Connection]:
        """A connection for long work: not of the stock, closed at the end. Raises DirectoryUnavailable.

        Faults inside the block stay as they are: they may be of whatever else is done there.
        """
        with _translated():
            line = self._open()
        try:
            yield line.connection
        finally:
            close(line.connection)

    def close(self) -> None:
        """Close the idle ones now, and those that are lent as they come back."""
        self._is_closed = True
        while line := self._pop():
            close(line.connection)

    @contextmanager
    def _watched(self, line: _Line) -> Iterator[None]:
        began = elapsed_seconds()
        try:
            yield
        except BaseException:
            close(line.connection)
            if elapsed_seconds() - began >= self._settings.timeout_seconds:
                self._note_late(line.uri, began)
            raise
        self._servers.answered(line.uri)

    def _note_late(self, uri: str, began: float) -> None:
        self._servers.late(uri)
        if not self._servers.has_answered_since(began, uri):
            self._servers.failed(uri)  # it hangs for everybody: the next connection goes to another

    def _give_back(self, line: _Line) -> None:
        """Keep it, unless it is old: one that was opened to the second server must not keep us there for ever."""
        if self._is_closed or elapsed_seconds() - line.opened > _OLDEST_SECONDS:
            close(line.connection)
        else:
            self._idle.append(line)
            metrics.of(metrics.LDAP_CONNECTIONS, line.uri, "idle").inc()

    def _take(self) -> _Line | None:
        """The freshest idle connection that is young, whose server has neither failed nor closed it meanwhile."""
        while line := self._pop():
            is_young = elapsed_seconds() - line.opened <= _OLDEST_SECONDS
            is_good = is_young and not self._servers.has_failed_since(line.opened, line.uri)
            if is_good and not _has_news(line.connection):
                return line
            close(line.connection)
        return None

    def _pop(self) -> _Line | None:
        """The freshest idle connection, whatever has become of it."""
        try:
            line = self._idle.pop()
        except IndexError:
            return None
        metrics.of(metrics.LDAP_CONNECTIONS, line.uri, "idle").dec()
        return line

    def _open(self) -> _Line:
        """To the first server that answers."""
        failures = []
        for uri in self._servers.in_order():
            try:
                line = _Line(self._open_one(uri), uri, elapsed_seconds())
            except (LDAPException, OSError, DirectoryUnavailable) as error:
                self._servers.failed(uri)
                metrics.of(metrics.LDAP_FAILED, uri).inc()
                failures.append(f"{uri}: {error}")  # said before anything secret is sent: it may be told
            else:
                metrics.of(metrics.LDAP_OPENED, uri).inc()
                return line
        raise DirectoryUnavailable("; ".join(failures))

    def _open_one(self, uri: str) -> Connection:
        connection = opened(self._settings, uri)
        try:
            if self._bind:
                self._bind_as_portal(connection)
        except BaseException:
            close(connection)
            raise
        return connection

    def _bind_as_portal(self, connection: Connection) -> None:
        dn = self._settings.bind_dn
        result = bind(connection, dn, self._settings.password.get_secret_value())
        if result["result"] in _BUSY:
            raise DirectoryUnavailable(result["description"])  # the next server may do better
        if result["result"] != 0:
            remedy = _("check [directory] bind_dn and password_file, and that 50-entries.ldif was loaded")
            raise DirectoryMisconfigured(f"bind as {dn}: {result['description']}: {remedy}")


def bind(connection: Connection, dn: str, password: str) -> dict[str, Any]:
    """The same as ``Lane.bind``, by ldap3, which keeps in mind that it is bound; the raw result.

    The password goes as bytes: ldap3 would otherwise prepare it.
    """
    if not dn or not password:
        return {"result": INVALID_CREDENTIALS, "description": "invalidCredentials"}
    connection.user, connection.password = dn, password.encode("utf-8", "replace")
    connection.authentication = SIMPLE
    try:
        result: dict[str, Any] = connection.bind(read_server_info=False)[1]
    finally:
        connection.password = None
    return result


def _has_news(connection: Connection) -> bool:
    """Nothing ever waits on an idle connection, unless the server said goodbye or the socket is gone."""
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN)
    return bool(poll.poll(0))


@contextmanager
def _in_use(uri: str) -> Iterator[None]:
    """Counted as in use for the block."""
    in_use = metrics.of(metrics.LDAP_CONNECTIONS, uri, "in-use")
    in_use.inc()
    try:
        yield
    finally:
        in_use.dec()


@contextmanager
def _translated() -> Iterator[None]:
    """ldap3's and the socket's faults, as ours; their texts stay behind: they may quote what was sent."""
    try:
        yield
    except (LDAPException, OSError) as error:
        raise DirectoryUnavailable(type(error).__name__) from None
