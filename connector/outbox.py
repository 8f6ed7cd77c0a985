"""The outbox: mails that the directory says are owed, and the one thread that sends them.

A mail is owed from the instant of the Modify that asks for it, until the Modify that settles it. In between it has a
lease: whoever was handed the mail sends it; if they died, the lease runs out and any dispatcher, of any process on any
host, claims the mail by deleting its exact due date. A mail may so be sent twice, and never not at all.

No clear key rests anywhere: the key that was handed over lives in this process's memory for the seconds that sending
takes, and a dispatcher that claims a mail stores and sends a fresh one.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import chain, islice
from math import inf

from connector import bounces, keys, metrics
from connector.audit import Audit, Event, Line, Outcome
from connector.bounces import Bounced
from connector.clock import Clock, elapsed_seconds
from connector.compose import Composer
from connector.directory import Directory
from connector.directory.entries import is_due
from connector.errors import (
    Conflict,
    DirectoryError,
    DirectoryMisconfigured,
    MailFailed,
    MailRejected,
    MailServerDown,
    RecipientRefused,
)
from connector.mail import Mailer, MailSession
from connector.model import Account, Happened, HelpRequest, Notice, Origin, PendingKey
from connector.owed import Owed, OwedKey, OwedNotice, OwedRequest
from connector.settings import Settings

_LOG = logging.getLogger(__name__)
_ROOM = 1000
"""Mails handed over and not yet sent; beyond it they wait in the directory for a dispatcher."""
_MOMENT_SECONDS = 60  # mail servers log each conversation
_DOUBLINGS = 10  # more than it takes to reach the longest pause
_IN_A_CONVERSATION = 20
"""Handed mails that one conversation takes: relays count them, and the strictest allow so many."""
_CONVERSATION_SECONDS = 10  # then whatever is overdue has its turn
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)


class Outbox:
    """Sends what is handed over, and dispatches what the directory says is overdue.

    ``outcomes`` counts what became of the mails since the process began; ``is_server_down`` tells of the last try.
    """

    def __init__(
        self,
        directory: Directory,
        composer: Composer,
        mailer: Mailer,
        settings: Settings,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._directory, self._composer, self._mailer, self._clock = directory, composer, mailer, clock
        self._audit = audit
        self._mail = settings.mail
        self._has_form = bool(settings.assistance.mailbox)
        self._key_life = timedelta(hours=settings.keys.mail_hours)
        self._code_life = timedelta(minutes=settings.rescue.code_minutes)
        self._handed: queue.Queue[Owed | None] = queue.Queue(maxsize=_ROOM)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_server_down, self._tried = False, -inf
        self.outcomes: Counter[Outcome] = Counter()

    def lease(self, now: datetime) -> datetime:
        """Until when a mail that is handed over now is ours to send."""
        return now + timedelta(seconds=self._mail.lease_seconds)

    def fresh_key(self, now: datetime) -> tuple[str, PendingKey]:
        """A new key to mail, and what the directory stores of it."""
        key = keys.mint()
        return key, PendingKey(keys.hash_key(key), now, now + self._key_life, Origin.MAIL)

    def hand_over(self, owed: Owed) -> None:
        """Send it soon, in the outbox's thread. With no room left it waits in the directory for a dispatcher."""
        with suppress(queue.Full):
            self._handed.put_nowait(owed)

    def start(self) -> None:
        """Begin sending and dispatching in a thread of our own."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the mail in hand and stop; what is left waits in the directory, for whoever looks there next."""
        self._stopping.set()
        with suppress(queue.Full):
            self._handed.put_nowait(None)  # wakes the thread
        if self._thread:
            self._thread.join(timeout=2 * self._mail.timeout_seconds)
            self._thread = None
        with suppress(DirectoryError):  # then it waits until its lease runs out
            for owed in self._drain(0):
                self._move(owed, self._clock(), owed.tries)

    def reaches_server(self) -> bool:
        """Whether the mail server let us in at the last try; tried now, with no mail, if that was long ago."""
        if elapsed_seconds() - self._tried > _MOMENT_SECONDS:
            try:
                with self._mailer.session():
                    self._tell_server(None)
            except MailServerDown as error:
                self._tell_server(error)
        return not self.is_server_down

    def send_handed(self, wait_seconds: float = 0) -> None:
        """Send what was handed over, in one conversation; waits for each mail at most ``wait_seconds``.

        A busy portal so opens one for many mails, and one that mails now and then leaves no line open: relays hang up
        on an idle one after minutes (RFC 5321 §4.5.3.2.7), and we after a second or so.
        """
        coming = islice(self._drain(wait_seconds), _IN_A_CONVERSATION)
        mails = deque(islice(coming, 1))
        if not mails:
            return
        try:
            self._deliver(chain((mails.popleft() for _ in range(len(mails))), coming))
        except MailServerDown as error:
            for owed in chain(mails, self._drain(0)):
                self._put_off(owed, error)

    def _send_all_handed(self) -> None:
        for _ in range(self._handed.qsize() // _IN_A_CONVERSATION + 1):
            if not self._stopping.is_set():
                self.send_handed()

    def dispatch(self, now: datetime) -> int:
        """Claim and send every mail overdue at ``now``; returns how many were dealt with.

        A mail server that is down is found out before anything is claimed, so an outage costs one try a round, not one
        a mail, and when it ends all of them go at once.
        """
        total = 0
        while accounts := self._directory.owed(now):
            try:
                done = self._deliver(owed for account in accounts for owed in self._claim(account))
            except MailServerDown:
                break
            total += done
            self._send_all_handed()  # who asks for a key must not wait behind a thousand reminders
            if not done or self._stopping.is_set():
                break
        return total + self._dispatch_requests(now)

    def _dispatch_requests(self, now: datetime) -> int:
        """The same for the requests for help, where there is a form for them."""
        if not self._has_form or not (overdue := self._directory.requests.overdue(now)):
            return 0
        with suppress(MailServerDown):
            return self._deliver(owed for request in overdue for owed in self._claim_request(request))
        return 0

    def _claim_request(self, request: HelpRequest) -> Iterator[Owed]:
        with suppress(Conflict):
            claimed = replace(request, due=self.lease(self._clock()), raw="")
            self._directory.requests.move(request, claimed)
            yield OwedRequest(claimed)

    def _run(self) -> None:
        pause = timedelta(seconds=self._mail.dispatch_every_seconds)
        last_round = self._clock() - pause
        while not self._stopping.is_set():
            try:
                self.send_handed(wait_seconds=1)
                if not timedelta(0) <= self._clock() - last_round < pause:  # also after the clock was set back
                    last_round = self._clock()
                    self.dispatch(last_round)
            except DirectoryError as error:
                _LOG.warning("outbox: %s: %s", type(error).__name__, error)
            except Exception:
                _LOG.exception("outbox: unexpected")  # the thread must outlive any one mail

    def _drain(self, wait_seconds: float) -> Iterator[Owed]:
        began = elapsed_seconds()
        while elapsed_seconds() - began <= _CONVERSATION_SECONDS:
            timeout = 0 if self._stopping.is_set() else wait_seconds
            try:
                owed = self._handed.get(timeout=timeout) if timeout else self._handed.get_nowait()
            except queue.Empty:
                return
            if owed is not None:
                yield owed

    def _claim(self, account: Account) -> Iterator[Owed]:
        """Make the account's overdue mails ours, one at a time; one that another dispatcher took is not."""
        now = self._clock()  # not the round's: behind a slow mail server the lease would be half over
        try:
            with suppress(Conflict):
                if account.mail_due and is_due(account.mail_due, now):
                    yield from self._claim_key(account, now)
            for notice in account.notices:
                if is_due(notice.due, now):
                    with suppress(Conflict):
                        yield from self._claim_notice(account, notice, now)
        except DirectoryMisconfigured as error:
            _LOG.warning("mail for %s cannot be claimed: %s", account.uid, error)  # the others' can

    def _claim_notice(self, account: Account, notice: Notice, now: datetime) -> Iterator[Owed]:
        if not notice.address:
            _LOG.warning("a notice of %s that makes no sense is dropped", account.uid)
            self._directory.move_notice(account, notice, None)
            return
        if Happened.AWAITED in notice.happened and not (account.was_never_activated and account.is_eligible(now)):
            self._directory.move_notice(account, notice, None)  # done meanwhile: nothing to remind of
            return
        if Happened.CODE in notice.happened and not self._is_code_of_use(account, notice, now):
            self._directory.move_notice(account, notice, None)  # entered, or too old, or for another address by now
            return
        claimed = replace(notice, due=self.lease(now), raw="")
        self._directory.move_notice(account, notice, claimed)
        yield OwedNotice(account, claimed)

    def _is_code_of_use(self, account: Account, notice: Notice, now: datetime) -> bool:
        code = account.rescue_code
        return code is not None and code.address == notice.address and code.is_alive(now, self._code_life)

    def _claim_key(self, account: Account, now: datetime) -> Iterator[Owed]:
        if not account.is_eligible(now) or not account.key_address(now):
            self._directory.move_mail(account, account.mail_due_raw, None)  # suspended meanwhile: nobody to write to
            return
        key, pending = self.fresh_key(now)
        lease = self.lease(now)
        self._directory.claim_mail(account, pending, lease)
        yield OwedKey(account, key, now + self._key_life, lease, account.mail_failures)

    def _deliver(self, mails: Iterable[Owed]) -> int:
        """Send each mail in one conversation and settle it. Raises MailServerDown; the mail in hand is put off then."""
        done = 0
        try:
            with self._mailer.session() as session:
                self._tell_server(None)
                for owed in mails:
                    self._deliver_one(owed, session)
                    done += 1
                    if self._stopping.is_set():
                        break  # the rest waits in the directory, for whoever comes next
        except MailServerDown as error:
            self._tell_server(error)
            raise
        return done

    def _tell_server(self, error: MailServerDown | None) -> None:
        """One line in the log when the mail server goes, one when it is back: an outage may last for days."""
        where = f"{self._mail.host}:{self._mail.port}"
        if error and not self.is_server_down:
            _LOG.warning("the mail server %s is down, mails wait in the directory: %s", where, error)
        elif self.is_server_down and not error:
            _LOG.warning("the mail server %s is back", where)
        self.is_server_down, self._tried = error is not None, elapsed_seconds()
        metrics.of(metrics.SMTP_UP, where).set(error is None)

    def _deliver_one(self, owed: Owed, session: MailSession) -> None:
        now = self._clock()
        if is_due(owed.due, now):
            return  # the lease ran out while it waited here: it is a dispatcher's now
        try:
            session.send(self._composed(owed, now))
        except MailRejected as error:
            self._give_up(owed, error)
        except MailFailed as error:
            self._put_off(owed, error)
            if isinstance(error, MailServerDown):
                raise
        else:
            self._move(owed, None)
            self._tell(owed, Outcome.DONE)

    def _composed(self, owed: Owed, now: datetime) -> EmailMessage:
        """The message; a value in one entry that no template or header bears must not hold up everybody else's mail."""
        try:
            return owed.compose(self._composer, now)
        except MailRejected:
            raise
        except Exception as error:
            _LOG.exception("mail for %s cannot be composed", owed.whose)
            raise MailFailed("composing") from error

    def _put_off(self, owed: Owed, why: MailFailed) -> None:
        """Later, each time twice as late; given up after ``mail.max_tries``."""
        tries = owed.tries + 1
        if tries >= self._mail.max_tries:
            self._give_up(owed, why)
            return
        if not isinstance(why, MailServerDown):  # that has a line of its own, one for all the mails
            _LOG.warning("mail for %s put off: %s", owed.whose, why)
        pause = min(_FIRST_PAUSE * 2 ** min(owed.tries, _DOUBLINGS), _LONGEST_PAUSE)
        self._move(owed, self._clock() + pause, tries)
        self._tell(owed, Outcome.PUT_OFF, str(why))

    def _give_up(self, owed: Owed, why: MailFailed) -> None:
        """No more tries. The entry keeps their number, and no due date: that is how a sysadmin finds it."""
        tries = owed.tries + 1
        _LOG.warning("mail for %s given up after %d tries: %s", owed.whose, tries, why)
        self._move(owed, None, tries)
        self._tell(owed, Outcome.GIVEN_UP, str(why))
        if isinstance(why, RecipientRefused):
            self._flag_bounced(owed)

    def _flag_bounced(self, owed: Owed) -> None:
        """The address takes no mail, if it still is the person's: a former one's, or a new one's code, flag nothing."""
        now = self._clock()
        address, whose = owed.address(now), owed.whose
        if whose and bounces.flag(self._directory, whose, lambda rescue: rescue == address, now) is Bounced.FLAGGED:
            self._audit.write(Event.RESCUE_BOUNCED, Line(whose, "outbox", reason="refused-recipient"))

    def _move(self, owed: Owed, new_due: datetime | None, failures: int = 0) -> None:
        with suppress(Conflict):  # a newer key, or another dispatcher: theirs to settle
            owed.move(self._directory, new_due, failures)

    def _tell(self, owed: Owed, outcome: Outcome, reason: str = "") -> None:
        self.outcomes[outcome] += 1
        self._audit.write(owed.event, Line(owed.whose, "outbox", outcome, reason))
