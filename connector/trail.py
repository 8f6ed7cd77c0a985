"""The audit read back: the last events of one account, from the end of the file, in constant memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

_BLOCK = 1 << 16  # octets
_LONGEST_LINE = 1 << 16  # octets; ours have a few hundred
_FARTHEST = 1 << 28  # octets of each file: a look must not take minutes
_ROTATED = ".1"  # what logrotate calls yesterday's; the older ones are compressed


def last_events(file: Path, uid: str, count: int) -> list[dict[str, Any]]:
    """The last ``count`` lines about the account ``uid``, the newest first, from the audit and the file it rotated to.

    Raises OSError for an audit that cannot be read; a rotated one that cannot be is left out.
    """
    found: list[dict[str, Any]] = []
    rotated = file.with_name(file.name + _ROTATED)
    for path in (file, rotated):
        try:
            found += _of_one_file(path, uid, count - len(found))
        except OSError:
            if path == file:
                raise
        if len(found) >= count:
            break
    return found


def _of_one_file(path: Path, uid: str, count: int) -> list[dict[str, Any]]:
    mark = json.dumps(uid).encode()  # most lines are others', and are not even parsed
    found: list[dict[str, Any]] = []
    with path.open("rb") as file:
        for line in _backwards(file):
            event = _parsed(line) if mark in line else None
            if event and event.get("account") == uid:
                found.append(event)
                if len(found) >= count:
                    break
    return found


def _backwards(file: BufferedReader) -> Iterator[bytes]:
    """The lines, the last first; one that is longer than any of ours is passed over."""
    position = end = file.seek(0, os.SEEK_END)
    rest = b""
    while position > 0 and end - position < _FARTHEST:
        size = min(_BLOCK, position)
        position -= size
        file.seek(position)
        rest, *lines = (file.read(size) + rest[:_LONGEST_LINE]).split(b"\n")
        yield from reversed(lines)
    if position == 0:
        yield rest


def _parsed(line: bytes) -> dict[str, Any] | None:
    """One event; None for a line that is cut off, or of another's hand."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
