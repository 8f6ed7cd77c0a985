"""The web processes of ``moncompte serve``, and their parent: gunicorn's, which forks, replaces, reloads, stops them.

Each process has its own copy of the portal, on a socket that they share; waitress speaks HTTP in it. The parent makes
what is copied, so that most of it stays one copy in memory, and serves nobody: it opens no connection and runs no
thread, and so can fork at any time.

SIGTERM and Ctrl-C stop, SIGHUP reads the settings anew: new processes take over the socket, and the old ones finish
what they have in hand. Settings or a directory that cannot be used are refused then, and the old processes stay.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from connector.cli.web import Observed, serving, serving_observations
from connector.errors import DirectoryMisconfigured
from connector.portal import Portal
from connector.settings import Settings
from webui import create_app, pages
from webui.server import STOP_SECONDS

_LOG = logging.getLogger(__name__)
_BEAT_SECONDS = 1
_RETRY_SECONDS = 5
Load = Callable[[], Settings | None]
"""Reads the settings anew; None: they cannot be used, which was said."""


def serve_with_workers(
    settings: Settings, listener: socket.socket, load: Load, what: Observed | None = None
) -> NoReturn:
    """Serve ``settings`` on a socket that listens already, until a signal ends the process, with exit code 0.

    Each process answers monitoring for all of them, where that is ``observed``.
    """
    parent = _Parent(_Application(settings, load, what))
    parent.LISTENERS = [listener]
    parent.run()
    sys.exit(0)


class _Application(BaseApplication):  # type: ignore[misc]
    """What gunicorn asks for: its own settings, from ours, and how to make what a process serves."""

    def __init__(self, settings: Settings, load: Load, what: Observed | None) -> None:
        self._settings, self._load, self._what = settings, load, what
        super().__init__()

    def load_config(self) -> None:
        stopping = STOP_SECONDS + 2 * self._settings.mail.timeout_seconds + 10
        ours = {
            "workers": self._settings.web.workers,
            "worker_class": _Process,
            "graceful_timeout": stopping,
            "timeout": 2 * stopping,  # without a sign of life: the process is killed, another takes its place
            "control_socket_disable": True,
            "preload_app": True,
            "logger_class": _Log,
            "when_ready": _tell_where,
            "child_exit": self._ended,
        }
        for name, value in ours.items():
            self.cfg.set(name, value)

    def _ended(self, _parent: Arbiter, process: Worker) -> None:
        if self._what:
            self._what.counts.forget(process.pid)

    def load(self) -> tuple[Portal, Flask, Observed | None]:
        portal = Portal(self._settings)
        app = create_app(portal)
        pages.compile_all(app)
        gc.collect()
        gc.freeze()  # looking for garbage in what all share would make each write its own copy of it
        return portal, app, self._what

    def has_read_anew(self) -> bool:
        """Whether there are settings that can be used, with which to go on."""
        settings = self._load()
        if settings is None:
            _LOG.error("the settings cannot be used; the portal goes on with those it has")
            return False
        if settings.web.listen != self._settings.web.listen:
            _LOG.warning("[web] listen: another address needs a restart")
        if settings.observe.listen != self._settings.observe.listen:
            _LOG.warning("[observe] listen: another address needs a restart")
        self._settings, self.callable = settings, None
        _LOG.info("the settings were read anew")
        return True


def _tell_where(parent: Arbiter) -> None:
    """Not before: a signal that came earlier would end the process."""
    _LOG.info("Mon compte listens on http://%s:%s", *parent.LISTENERS[0].getsockname()[:2])


class _Parent(Arbiter):  # type: ignore[misc]
    def handle_int(self) -> None:
        self.handle_term()  # Ctrl-C loses no request either

    def reload(self) -> None:
        """Only then: processes that began on a directory that cannot be used would end, and the old ones be gone."""
        if self.app.has_read_anew():
            super().reload()

    def spawn_worker(self) -> None:
        """A process that is told to stop while it is being made hears of it once it can."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


class _Process(Worker):  # type: ignore[misc]
    def init_signals(self) -> None:
        """A terminal sends Ctrl-C to every process; what the parent makes of it counts."""
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def run(self) -> None:
        """Serve until the parent says stop, or is gone."""
        portal, app, what = self.wsgi
        try:
            with serving(portal, self.sockets[0], app), serving_observations(portal, what):
                while self.alive and os.getppid() == self.ppid:
                    self.notify()
                    self._wait(_BEAT_SECONDS)
        except DirectoryMisconfigured as error:  # it was right when the parent began; the next process tries again
            _LOG.error("this process cannot serve: %s", error)
            self._wait(_RETRY_SECONDS)

    def _wait(self, seconds: int) -> None:
        """So long, or until a signal comes."""
        if select.select([self.PIPE[0]], [], [], seconds)[0]:
            os.read(self.PIPE[0], 1)


class _Log(Logger):  # type: ignore[misc]
    """Only what went wrong, in our own log."""

    def setup(self, _cfg: object) -> None:
        self.error_log.parent = logging.getLogger()
        self.error_log.setLevel(logging.ERROR)

    def reopen_files(self) -> None:
        """There are none."""

    def close_on_exec(self) -> None:
        """There are none."""
