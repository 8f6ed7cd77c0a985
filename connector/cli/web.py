"""The web server of both subcommands: the portal's application, until a signal says stop."""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from urllib.parse import urlsplit

from flask import Flask

from connector.portal import Portal
from webui import create_app, security
from webui.server import WebServer


@contextmanager
def serving(portal: Portal, listener: socket.socket, app: Flask | None = None) -> Iterator[None]:
    """The portal on a listening socket while the block lasts, with its pages ``app``, where there is one already.

    Raises DirectoryMisconfigured.
    """
    web = portal.settings.web
    headers = security.headers(web.secure_cookies).items()
    server = WebServer(app or create_app(portal), listener, web.threads, urlsplit(web.portal_url).scheme, headers)
    portal.start()
    try:
        server.start()
        try:
            yield
        finally:
            server.stop()
    finally:
        portal.stop()


@contextmanager
def until_stopped() -> Iterator[None]:
    """Ctrl-C, SIGTERM or SIGHUP end the block, which then cleans up undisturbed by a second one."""
    for number in _STOPPING:
        # SIGHUP stays ignored under nohup. Not so SIGINT, which a shell's "&" ignores on behalf of every script.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    with suppress(KeyboardInterrupt):
        yield


class LineFormatter(logging.Formatter):
    """One line a message, in UTC: what a login or a server's answer brings along cannot start a line of its own."""

    converter = staticmethod(time.gmtime)
    default_time_format, default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """The line, every control character in it written as an escape. A traceback still has lines of its own."""
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in super().formatMessage(record))


def log_to_stderr(level: int, form: str) -> None:
    """Set up the log of a command."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(form))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # or a flood has a flood of lines


_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def wait() -> None:
    """Until a signal stops the block. Not ``signal.pause``: a signal that another thread takes would not end it."""
    while True:
        time.sleep(1)


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in _STOPPING:
        signal.signal(number, _stay)
    raise KeyboardInterrupt


def _stay(_number: int, _frame: FrameType | None) -> None:
    """A second signal, while everything is being cleaned up already."""
