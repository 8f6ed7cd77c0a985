"""A private Redis server, for what several processes count together."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAMS = ("valkey-server", "redis-server", "redis-check-rdb")
"""The last is the same program: Debian's redis-tools, which wake no service, hold it."""


@contextmanager
def shared_storage(folder: Path) -> Iterator[str]:
    """The URL of its socket, in ``folder``, while the block lasts."""
    path = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    program = next(filter(None, map(shutil.which, _PROGRAMS)))
    with subprocess.Popen(command, executable=program, stdout=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 10
            while not _answers(path) and time.monotonic() < until:
                time.sleep(0.02)
            yield f"redis+unix://{path}"
        finally:
            server.terminate()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(str(path)) == 0
