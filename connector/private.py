"""Files that nobody else on this host may read: keys on paper, people's data, what an administrator is to load."""

from __future__ import annotations

import os
from pathlib import Path

from connector.errors import FileRefused

_PRIVATE = 0o600


def create(path: Path) -> int:
    """The descriptor of a new file, mode 0600, open for reading and writing. Raises FileRefused.

    One that is there already is never written over: it may be somebody's work.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    except FileExistsError:
        raise FileRefused(f"{path} exists already: give another name, or move it away") from None
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}") from None
