"""TOML files as editors leave them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from connector.wording import _


def read_toml(file: Path) -> dict[str, Any]:
    """What the file says; the byte-order mark that editors on Windows put in front is no part of it.

    Raises OSError, and ValueError that says why it is no TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(_("line %(line)s is not UTF-8; save the file in that encoding", line=line)) from None
