"""A WSGI application served over HTTP by waitress, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

_CONNECTIONS = 1000  # a hundred that drip a byte now and then must not keep everybody out
_IDLE_SECONDS = 30
_BODY_BYTES = 128 * 1024  # beyond it the connection ends; the application's own, lower bound has a page


class WebServer:
    """Serve ``app`` on ``host:port`` (0: a free one, told by ``port`` once started) with so many threads.

    ``scheme`` is what browsers speak: https where a proxy in front does, whatever the proxy speaks to us.
    """

    def __init__(self, app: Flask, host: str, port: int, threads: int, scheme: str = "http") -> None:
        self.port = port
        self._app, self._host, self._threads, self._scheme = app, host, threads, scheme

    def start(self) -> None:
        """Listen and serve. Raises OSError when the port is taken."""
        listener = socket.create_server((self._host, self.port))  # ours: waitress, if it fails to, leaves threads
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listener.getsockname()[1]
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            self._app,
            map=self._sockets,
            sockets=[listener],
            threads=self._threads,
            url_scheme=self._scheme,
            ident=None,
            connection_limit=_CONNECTIONS,
            asyncore_use_poll=True,
            channel_timeout=_IDLE_SECONDS,
            max_request_body_size=_BODY_BYTES,
        )
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests in hand and close; no thread and no socket is left."""
        self._server.trigger.pull_trigger(self._close)
        self._thread.join()

    def _close(self) -> None:
        """In the loop's own thread, which ends when no socket is left."""
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets)
