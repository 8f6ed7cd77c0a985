"""How the directory, the outbox and the mail server are just now, for probes and for Prometheus.

However many ask, each is asked once in some seconds, in a thread of its own, and nobody waits long: a directory that
hangs is told as one that does not answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from math import inf
from typing import Generic, TypeVar

from connector import metrics
from connector.clock import elapsed_seconds
from connector.directory.entries import is_due
from connector.errors import DirectoryMisconfigured, DirectoryUnavailable
from connector.portal import Portal

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
_FRESH_SECONDS = 5
_PATIENCE_SECONDS = 2  # Prometheus waits for ten, a load balancer for less


class Word(Enum):
    """How a part is."""

    OK = "ok"
    DOWN = "down"
    MISCONFIGURED = "misconfigured"  # it answers, and refuses
    LATE = "late"  # a mail has been overdue for too long
    UNKNOWN = "unknown"  # what could tell does not answer


@dataclass(frozen=True, slots=True)
class Vitals:
    """Each part's word; of the outbox, how many mails are owed and for how long the oldest has been overdue."""

    directory: Word
    outbox: Word
    smtp: Word
    mails: int | None = None
    oldest: timedelta | None = None

    def words(self) -> dict[str, str]:
        """By the names that ``[observe] ready_needs`` uses."""
        return {"directory": self.directory.value, "outbox": self.outbox.value, "smtp": self.smtp.value}

    def gauges(self) -> dict[str, float]:
        """``metrics.ASKED``; what is not known is absent."""
        known: dict[str, float] = {metrics.DIRECTORY_UP: self.directory is Word.OK}
        if self.mails is not None and self.oldest is not None:
            known |= {metrics.OUTBOX_MAILS: self.mails, metrics.OUTBOX_OLDEST: self.oldest.total_seconds()}
        return known


class Pulse:
    """Takes the vitals of one process's portal."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._directory = _Question(self._ask_directory)
        self._smtp = _Question(portal.outbox.reaches_server)

    def take(self) -> Vitals:
        """The vitals, a few seconds old at most; within two seconds."""
        for question in (self._directory, self._smtp):
            question.ask()
        until = elapsed_seconds() + _PATIENCE_SECONDS
        word, dues = self._directory.answer(until) or (Word.DOWN, None)
        smtp = {True: Word.OK, False: Word.DOWN, None: Word.UNKNOWN}[self._smtp.answer(until)]
        return Vitals(word, Word.UNKNOWN, smtp) if dues is None else self._with_outbox(word, smtp, dues)

    def _with_outbox(self, word: Word, smtp: Word, dues: list[datetime]) -> Vitals:
        now = self._portal.now()
        oldest = max((now - due for due in dues if is_due(due, now)), default=timedelta(0))
        longest = timedelta(minutes=self._portal.settings.observe.outbox_minutes)
        outbox = Word.LATE if oldest > longest else Word.OK
        return Vitals(word, outbox, smtp, len(dues), max(oldest, timedelta(0)))

    def _ask_directory(self) -> tuple[Word, list[datetime] | None]:
        directory = self._portal.directory
        try:
            dues = directory.dues()
            if self._portal.settings.assistance.mailbox:
                dues += [request.due for request in directory.requests.all() if not request.is_given_up]
        except DirectoryUnavailable:
            return Word.DOWN, None
        except DirectoryMisconfigured as error:
            _LOG.error("%s", error)
            return Word.MISCONFIGURED, None
        return Word.OK, dues


class _Question(Generic[T]):
    """A question that may take long: asked by one thread at a time, and again once the answer is old."""

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._answer: T | None = None
        self._answered = -inf

    def ask(self) -> None:
        """See that it is asked, unless the answer is fresh or somebody is asking."""
        with self._lock:
            if not self._is_fresh and not (self._thread and self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="vitals", daemon=True)
                self._thread.start()

    def answer(self, until: float) -> T | None:
        """The answer; None if there is none ``until`` then, on the clock of ``elapsed_seconds``."""
        if thread := self._thread:
            thread.join(max(0, until - elapsed_seconds()))
        return self._answer if self._is_fresh else None

    @property
    def _is_fresh(self) -> bool:
        return elapsed_seconds() - self._answered < _FRESH_SECONDS

    def _run(self) -> None:
        try:
            answer = self._question()
        except Exception:
            _LOG.exception("the vitals cannot be taken")
            return
        with self._lock:
            self._answer, self._answered = answer, elapsed_seconds()
