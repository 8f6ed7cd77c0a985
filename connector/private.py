"""Files that hold keys, or tell about them: for the user who makes them alone, also in a folder that others write to.

In a shared folder (``/tmp``) somebody may put a file, a link or a pipe under the name that we are about to use, and
read what we write there. So a new file is made by us or not at all, and an old one is gone on with only if it is ours.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from connector.errors import FileRefused
from connector.wording import _, reason

_MODE = 0o600
SECRET, UNTOUCHED = 0o077, 0o022
"""What others may not have: any right; the right to write, of a file that tells no secret."""


def exists(path: Path) -> str:
    """That a new file cannot have this name."""
    return _("%(path)s exists already: give another name, or move it away", path=path)


def create(path: Path) -> BinaryIO:
    """A new file, mode 0600, open for reading and writing. Raises FileRefused."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    except FileExistsError:
        raise FileRefused(exists(path)) from None
    except OSError as error:
        raise FileRefused(reason(error, path)) from None
    return os.fdopen(descriptor, "r+b")


def reopen(path: Path, others: int = SECRET) -> BinaryIO:
    """A file of ours as it was left, if others have none of the rights ``others``.

    Raises FileRefused; FileNotFoundError.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not hold us
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FileRefused(reason(error, path)) from None
    found = os.fstat(descriptor)
    is_ours = found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & others
    if not (is_ours and stat.S_ISREG(found.st_mode)):
        os.close(descriptor)
        raise FileRefused(
            _("%(path)s: must be a plain file of ours alone (mode 600); if somebody else made it, remove it", path=path)
        )
    return os.fdopen(descriptor, "r+b")


def cut_torn_line(file: BinaryIO) -> bytes:
    """Cut off what follows the last line break, and stay there; returns the last whole line."""
    file.seek(0)
    last, end = b"", 0
    for line in file:
        if line.endswith(b"\n"):
            last, end = line, end + len(line)
    file.truncate(end)
    file.seek(end)
    return last
