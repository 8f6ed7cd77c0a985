"""``moncompte serve`` as a process of its own, and a crowd that asks it for keys."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path

from connector.settings import Settings
from connector.settings.effective import as_toml
from tests.faults.visitors import Visitor

_RELOADED = re.compile("the settings were read anew|the settings cannot be used")
PROGRAM = str(Path(sys.executable).with_name("moncompte"))
_COMMAND = [PROGRAM, "serve", "--settings"]


class Serving:
    """The process, as often as it takes."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.port = int(settings.web.listen.rpartition(":")[2])
        self.file, self._log = folder / "moncompte.toml", folder / "log"
        self.file.write_text(as_toml(settings), encoding="utf-8")
        self._log.touch()

    def start(self) -> None:
        """Until it listens."""
        before = self.log.count("listens on")
        with self._log.open("ab") as log:
            command = [*_COMMAND, str(self.file)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        while self.log.count("listens on") == before:
            assert self._process.poll() is None, self.log
            time.sleep(0.01)

    def kill(self) -> None:
        """With SIGKILL, all its processes at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """With SIGTERM: it finishes what it has in hand."""
        self._process.terminate()
        self._process.wait(timeout=60)

    def reload(self) -> None:
        """With SIGHUP; until other processes have taken over, or the settings are refused."""
        before, workers = len(_RELOADED.findall(self.log)), {*self.workers}
        self._process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 60
        while len(told := _RELOADED.findall(self.log)) == before or ("anew" in told[-1] and workers & {*self.workers}):
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.01)

    def wait_for_workers(self, count: int) -> None:
        """Until so many serve."""
        until = time.monotonic() + 30
        while len(self.workers) != count:
            assert time.monotonic() < until, self.log
            time.sleep(0.01)

    def wait_to_say(self, words: str) -> None:
        """Until they are in its log."""
        until = time.monotonic() + 30
        while words not in self.log:
            assert time.monotonic() < until, self.log
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        """Of the process that is the parent of the others."""
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """The process ids of those that serve."""
        return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    @property
    def log(self) -> str:
        """What it said so far, in all its lives."""
        return self._log.read_text(encoding="utf-8")


class Crowd:
    """Clients who ask for one person's key after the other, whatever happens to the server."""

    def __init__(self, port: int, identifiers: Iterable[str]) -> None:
        self._port, self._identifiers = port, iter(identifiers)
        self._news = threading.Condition()
        self.answers: dict[str, int | None] = {}
        """The status by what was typed; None: the line broke, and the client does not know what was done."""

    def ask(self) -> None:
        """One client's work, until nobody is left."""
        while (identifier := self._next()) is not None:
            status = self._ask(identifier)
            with self._news:
                self.answers[identifier] = status
                self._news.notify_all()

    def wait_for(self, count: int) -> None:
        """Until so many have asked."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.answers) >= count, timeout=60)

    def _next(self) -> str | None:
        with self._news:
            return next(self._identifiers, None)

    def _ask(self, identifier: str) -> int | None:
        """The page, then the form. A server that is gone before the form was sent is waited for."""
        while True:
            visitor = Visitor(self._port)
            try:
                visitor.get("/")
            except (OSError, HTTPException):
                time.sleep(0.01)
                continue
            try:
                return visitor.post("/oubli", identifier=identifier)
            except ConnectionRefusedError:
                continue
            except (OSError, HTTPException):
                return None
