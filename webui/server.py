"""A WSGI application served over HTTP by waitress, in a thread of its own; it stops without losing a request."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask, WSGITask

from connector.clock import elapsed_seconds

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_CONNECTIONS = 1000  # a hundred that drip a byte now and then must not keep everybody out
_IDLE_SECONDS = 30
_HEAD_BYTES = 32 * 1024  # as nginx's; a list in it (Accept, Accept-Language) costs a thread its time
_BODY_BYTES = 128 * 1024  # beyond it the connection ends; the application's own, lower bound has a page
STOP_SECONDS = 20
"""At most, when the server stops, for requests in hand: longer than they wait for the directory."""
_SILENT_SECONDS = 1  # then, for who has connected and said nothing yet
_TURN_SECONDS = 0.02
_WAITING = 100  # connections that come in yet


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (port 0: a free one). Raises OSError when the port is taken or not ours to take."""
    listener = socket.create_server((host, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


Headers = Iterable[tuple[str, str]]


class WebServer:
    """Serve ``app`` on a socket that listens already, with so many threads.

    ``scheme`` is what browsers speak: https where a proxy in front does, whatever the proxy speaks to us.
    ``headers`` are put on what waitress refuses by itself: what is no HTTP, a body without end.
    """

    def __init__(
        self, app: WSGIApplication, listener: socket.socket, threads: int, scheme: str = "http", headers: Headers = ()
    ) -> None:
        self.port: int = listener.getsockname()[1]
        self._app, self._listener, self._threads, self._scheme = app, listener, threads, scheme
        self._headers = headers

    def start(self) -> None:
        """Serve."""
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            self._app,
            map=self._sockets,
            sockets=[self._listener],
            threads=self._threads,
            url_scheme=self._scheme,
            clear_untrusted_proxy_headers=False,  # the application knows how many proxies to believe
            ident=None,
            connection_limit=_CONNECTIONS,
            asyncore_use_poll=True,
            channel_timeout=_IDLE_SECONDS,
            max_request_header_size=_HEAD_BYTES,
            max_request_body_size=_BODY_BYTES,
        )
        self._is_stopping = threading.Event()
        self._server.channel_class = _channel_with(self._headers, self._is_stopping)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Accept nobody any more, answer every request that came, close; no thread and no socket is left."""
        self._is_stopping.set()
        trigger = self._server.trigger
        with trigger.lock:  # or the loop might close the pipe between the two halves of waitress's pull_trigger
            trigger._physical_pull()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            self._turn(1)
        self._let_in()
        self._server.del_channel()
        self._server.socket.close()
        until = elapsed_seconds() + STOP_SECONDS
        while self._is_busy(until - elapsed_seconds()):
            self._turn(_TURN_SECONDS)
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets)

    def _let_in(self) -> None:
        """Whoever waits at the door by now; a socket that others serve too has no end of them."""
        for _ in range(_WAITING):
            if not select.select([self._listener], [], [], 0)[0]:
                return
            self._turn(0)

    def _turn(self, seconds: float) -> None:
        """One turn of waitress's loop, which waits so long for something to happen."""
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._sockets, count=1)

    def _is_busy(self, seconds_left: float) -> bool:
        """Whether somebody has an answer to come, or may be about to ask."""
        channels = list(self._server.active_channels.values())
        is_patient = seconds_left > STOP_SECONDS - _SILENT_SECONDS
        return seconds_left > 0 and any(one.is_owed or (is_patient and one.is_new) for one in channels)


class _WholeAnswer(WSGITask):  # type: ignore[misc]
    """Sends head and body at once: by themselves each is a packet, and between them waitress's loop turns in vain."""

    def write(self, data: bytes) -> None:
        with self.channel.gathering():
            super().write(data)


class _WholeChannel(HTTPChannel):  # type: ignore[misc]
    _gathered: list[bytes] | None = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """What is written in the block is sent at its end."""
        parts: list[bytes] = []
        self._gathered = parts
        try:
            yield
        finally:
            self._gathered = None
            self.write_soon(b"".join(parts))

    def write_soon(self, data: bytes) -> int:
        if self._gathered is None:
            return int(super().write_soon(data))
        self._gathered.append(data)
        return len(data)


def _channel_with(headers: Headers, is_stopping: threading.Event) -> type[HTTPChannel]:
    class Refusal(ErrorTask):  # type: ignore[misc]
        def execute(self) -> None:
            self.response_headers.extend([*headers, ("Cache-Control", "no-store")])
            super().execute()

    class Answer(_WholeAnswer):
        def execute(self) -> None:
            if is_stopping.is_set():
                self.request.headers["CONNECTION"] = "close"  # and the answer will say so
            super().execute()

    class Channel(_WholeChannel):
        task_class = Answer
        error_task_class = Refusal
        is_new = True
        """Nothing was received yet."""

        @property
        def is_owed(self) -> bool:
            """Whether there is a request here, whole or begun, or an answer that is not sent yet."""
            return bool(self.requests or self.request or self.total_outbufs_len)

        def received(self, data: bytes) -> bool:
            self.is_new = False
            return bool(super().received(data))

    return Channel
