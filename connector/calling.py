"""Whose request a thread works on just now, for what is said far below it: the log's lines, the directory's.

The audit is told of its caller in so many words; nothing is ever decided by what is kept here.
"""

from __future__ import annotations

from contextvars import ContextVar

from connector.model import Caller

NOBODY = Caller()
caller: ContextVar[Caller] = ContextVar("caller", default=NOBODY)
