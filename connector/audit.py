"""The audit: one JSON line for each thing that happened to an account, to standard output or to a file.

A line never holds a password, a key, a hash, an INE, an address, nor what somebody typed as their login: people type
their password there. JSON escapes every line break, so nobody can write a line of their own. docs/audit.md tells the
events; a disk that is full costs lines, with a complaint in the log, and stops nobody.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from io import TextIOWrapper
from logging.handlers import SysLogHandler, WatchedFileHandler
from pathlib import Path

from connector import metrics
from connector.clock import Clock
from connector.errors import DirectoryError, MonCompteError, SessionStale, SettingsInvalid
from connector.model import Caller
from connector.wording import _, reason

_LOG = logging.getLogger(__name__)
STANDARD_OUTPUT = "-"
SYSLOG = "syslog"
LOCAL = Caller()
_SYSTEM_LOG = Path("/dev/log")
_MODE = 0o640  # the portal writes, its group reads


class Event(Enum):
    """What can happen, ``subject:thing:verb``; docs/audit.md explains each, and a test holds the two together."""

    PORTAL_STARTED = "portal:process:start"
    PORTAL_STOPPED = "portal:process:stop"
    SESSION_OPENED = "account:session:open"
    SESSION_LOST = "account:session:lose"
    SESSION_CLOSED = "account:session:close"
    KEY_ASKED = "account:key:ask"
    KEY_REDEEMED = "account:key:redeem"
    CREDENTIALS_CHANGED = "account:credentials:change"
    KEY_ISSUED = "operator:key:issue"
    REMINDED = "operator:account:remind"
    KEY_MAILED = "outbox:key:mail"
    NOTICE_MAILED = "outbox:notice:mail"
    FILE_IMPORTED = "records:file:import"
    ACCOUNT_CREATED = "records:account:create"
    ACCOUNT_CORRECTED = "records:account:correct"
    FORM_REFUSED = "visitor:form:forge"
    ACCOUNT_SHOWN = "operator:account:show"
    ACCOUNT_UNLOCKED = "operator:account:unlock"
    KEY_REVOKED = "operator:key:revoke"
    KEYS_PURGED = "operator:key:purge"
    RESCUE_SET = "operator:rescue:set"
    OPERATOR_SIGNED_IN = "operator:session:open"
    OPERATOR_LOST = "operator:session:lose"
    OPERATOR_SIGNED_OUT = "operator:session:close"
    OPERATOR_CONFIRMED = "operator:session:confirm"
    OPERATOR_OFFERED = "operator:factor:offer"
    FACTOR_SHOWN = "operator:factor:show"
    OPERATOR_ENROLLED = "operator:factor:enrol"
    OPERATOR_RESET = "operator:factor:reset"
    ACCOUNTS_SEARCHED = "operator:account:search"
    SLIP_PRINTED = "operator:key:print"
    KEY_SENT = "operator:key:send"
    CODE_ASKED = "account:rescue:ask"
    RESCUE_PROVED = "account:rescue:prove"
    RESCUE_FROZEN = "account:rescue:freeze"
    RESCUE_BOUNCED = "outbox:rescue:bounce"
    CODE_MAILED = "outbox:code:mail"
    HELP_ASKED = "visitor:help:ask"
    HELP_MAILED = "outbox:help:mail"
    HELP_TAKEN = "operator:help:take"
    CHARTER_ACCEPTED = "account:charter:accept"


class Outcome(Enum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"  # by a rule of ours; the reason says which
    FAILED = "failed"  # something broke
    PUT_OFF = "put-off"  # a mail, for later
    GIVEN_UP = "given-up"  # a mail, for good


@dataclass(slots=True)
class Line:
    """What is found out about an event while it happens. ``actor`` and ``account`` are logins, or one of our words."""

    account: str | None = None
    actor: str = "visitor"
    outcome: Outcome = Outcome.DONE
    reason: str = ""
    details: dict[str, str | list[str]] = field(default_factory=dict)

    def done_by(self, uid: str, **details: str | list[str]) -> None:
        """Somebody who proved to be ``uid`` did it, to their own account."""
        self.actor = self.account = uid
        self.details = details


class Audit:
    """Writes to ``file``: a path, ``-`` (standard output) or ``syslog``. Raises SettingsInvalid for a bad path."""

    def __init__(self, file: str, clock: Clock) -> None:
        self._clock = clock
        self._handler = _opened(file)
        self._handler.handleError = _complain  # type: ignore[method-assign,assignment]

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # a full disk: said already
            self._handler.close()

    def write(self, event: Event, line: Line, caller: Caller = LOCAL) -> None:
        """One line: when, what, how it ended and why, who did it to whose account, from where, in which request."""
        facts = {
            "time": self._clock().isoformat(),
            "event": event.value,
            "outcome": line.outcome.value,
            "reason": line.reason,
            "actor": line.actor,
            "account": line.account,
            "source": caller.source,
            "request": caller.request,
        }
        self._emit(json.dumps(facts | line.details))
        metrics.of(metrics.AUDIT_EVENTS, event.value, line.outcome.value).inc()

    def _emit(self, text: str) -> None:
        self._handler.handle(logging.makeLogRecord({"msg": text, "levelname": "INFO"}))

    @contextmanager
    def watch(self, event: Event, caller: Caller, account: str | None = None) -> Iterator[Line]:
        """Write a line for the block, whatever becomes of it. ``account``: whose session it is, and so who acts."""
        line = Line(account, account or "visitor")
        try:
            yield line
        except MonCompteError as error:
            line.outcome = Outcome.FAILED if isinstance(error, DirectoryError) else Outcome.REFUSED
            line.reason, line.account = error.word, error.uid or line.account
            if isinstance(error, SessionStale):
                line.actor = "visitor"  # whoever has that cookie
            raise
        except BaseException as error:
            line.outcome, line.reason = Outcome.FAILED, type(error).__name__
            raise
        finally:
            self.write(event, line, caller)


class _File(WatchedFileHandler):
    """The file, made if need be with its mode, and anew when logrotate has moved it away."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_open_for_us)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line. What goes wrong with moving and opening, logging itself would let through to the request."""
        try:
            super().emit(record)
        except OSError:
            stream, self.stream = self.stream, None  # opened again by the next line
            if stream:
                with suppress(OSError):
                    stream.close()
            self.handleError(record)


def _open_for_us(path: str, flags: int) -> int:
    """Made by root, at a command, it is given to the folder's owner: or the portal could not write its own audit.

    But root follows no link that the folder's owner may have put there: whoever got hold of the portal's user would be
    given any file that is not there yet, such as one below /etc/cron.d.
    """
    folder, is_root = Path(path).parent.stat(), os.geteuid() == 0
    if is_root and folder.st_uid:
        flags |= os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags | os.O_EXCL, _MODE)
    except FileExistsError:
        return os.open(path, flags, _MODE)
    if is_root:
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def _opened(file: str) -> logging.Handler:
    if file == STANDARD_OUTPUT:
        return logging.StreamHandler(sys.stdout)
    if file == SYSLOG:
        return _system_log()
    try:
        return _File(file)
    except OSError as error:
        said = _("[audit] file: %(file)s cannot be written: %(reason)s", file=file, reason=reason(error))
        raise SettingsInvalid([said]) from None


def _system_log() -> logging.Handler:
    """The system's log (syslog, journald), as authentication messages; standard error where there is none."""
    if not _SYSTEM_LOG.is_socket():
        return logging.StreamHandler()
    handler = SysLogHandler(str(_SYSTEM_LOG), SysLogHandler.LOG_AUTHPRIV)
    handler.ident = "moncompte: "
    return handler


def _complain(_record: logging.LogRecord) -> None:
    """Better a portal without its audit than no portal on the day the disk is full; but not in silence."""
    _LOG.error("the audit cannot be written: %s", sys.exc_info()[1])
