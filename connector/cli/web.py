"""The web server of both subcommands: waitress around the Flask application, until a signal says stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from waitress.server import create_server

from connector.portal import Portal
from webui import create_app


@contextmanager
def serving(portal: Portal, host: str, port: int) -> Iterator[None]:
    """The portal on ``host:port`` while the block lasts. Raises OSError if the port is taken."""
    server = create_server(create_app(portal), host=host, port=port, threads=portal.settings.web.threads, ident=None)
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    try:
        portal.start()
        thread.start()
        yield
    finally:
        server.close()
        portal.stop()


@contextmanager
def until_stopped() -> Iterator[None]:
    """Ctrl-C, SIGTERM or SIGHUP end the block, which then cleans up undisturbed by a second one."""
    for number in _STOPPING:
        signal.signal(number, _stop)
    with suppress(KeyboardInterrupt):
        yield


_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
