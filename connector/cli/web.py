"""The web server of both subcommands: the portal's application, until a signal says stop."""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from urllib.parse import urlsplit

from flask import Flask

from connector import calling, metrics
from connector.portal import Portal
from connector.vitals import Pulse
from webui import create_app, observe, security
from webui.server import WebServer, listen

_OBSERVERS = 3  # threads: while a scrape waits for a directory that hangs, the process still says that it lives


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


@dataclass(frozen=True, slots=True)
class Observed:
    """What observing needs before the first process is forked: the counts of all, the socket that all inherit."""

    counts: metrics.Counts
    listener: socket.socket


@contextmanager
def observed(address: str) -> Iterator[Observed | None]:
    """Count for all processes forked in the block, to be asked at ``host:port``; None where there is no address.

    Raises OSError when the port is taken or not ours to take.
    """
    if not address:
        yield None
        return
    host, _, port = address.rpartition(":")
    with listen(host, int(port)) as listener, metrics.shared() as counts:
        yield Observed(counts, listener)


@contextmanager
def serving_observations(portal: Portal, what: Observed | None) -> Iterator[None]:
    """Answer monitoring while the block lasts, for all processes; nothing where nothing is ``observed``."""
    if what is None:
        yield
        return
    pulse, needs = Pulse(portal), portal.settings.observe.ready_needs
    server = WebServer(
        observe.application(pulse, what.counts, needs), what.listener, _OBSERVERS, headers=observe.HEADERS
    )
    server.start()
    try:
        yield
    finally:
        server.stop()


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
        """The line, every control character in it written as an escape. A traceback still has lines of its own.

        One that a request gave rise to ends with the request's name.
        """
        request = calling.caller.get().request
        line = super().formatMessage(record) + (f" [{request}]" if request else "")
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


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
