"""A WSGI application served over HTTP by waitress, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_CONNECTIONS = 1000  # a hundred that drip a byte now and then must not keep everybody out
_IDLE_SECONDS = 30
_HEAD_BYTES = 32 * 1024  # as nginx's; a list in it (Accept, Accept-Language) costs a thread its time
_BODY_BYTES = 128 * 1024  # beyond it the connection ends; the application's own, lower bound has a page


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
        self._server.channel_class = _channel_with(self._headers)
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests in hand and close; no thread and no socket is left."""
        trigger = self._server.trigger
        with trigger.lock:  # or the loop might close the pipe between the two halves of waitress's pull_trigger
            trigger.thunks.append(self._close)
            trigger._physical_pull()
        self._thread.join()

    def _close(self) -> None:
        """In the loop's own thread, which ends when no socket is left."""
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets)


def _channel_with(headers: Headers) -> type[HTTPChannel]:
    class Refusal(ErrorTask):  # type: ignore[misc]
        def execute(self) -> None:
            self.response_headers.extend([*headers, ("Cache-Control", "no-store")])
            super().execute()

    class Channel(HTTPChannel):  # type: ignore[misc]
        error_task_class = Refusal

    return Channel
