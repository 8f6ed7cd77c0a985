"""The office: the portal's counterpart for operators. Each act is audited with the operator's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.audit import LOCAL, Event, Line, Outcome
from connector.bounces import Bounced, take
from connector.desk import Desk, Purged, RescueSet
from connector.directory.entries import is_due
from connector.errors import MailServerDown
from connector.model import Account
from connector.portal import Portal
from connector.standing import Standing, standing
from connector.vault import Postmark
from connector.wording import _


@dataclass(frozen=True, slots=True)
class Look:
    """What answers to an identifier: the ``dns`` of the entries; of one that is an account, all about it."""

    now: datetime
    dns: tuple[str, ...]
    account: Account | None = None
    standing: Standing | None = None


class Office:
    """``operator`` is the audit's actor: ``shell:NAME`` for who types a command. A dry run writes nothing, no line."""

    def __init__(self, portal: Portal, operator: str) -> None:
        self.portal, self._operator = portal, operator
        self._desk = Desk(portal.directory, portal.settings.rescue.own_domains)

    def look(self, identifier: str, *, reveal: bool = False) -> Look:
        """Everything about whoever answers. ``reveal``: the rescue address will be shown in full, which is audited."""
        found = self._desk.matches(identifier)
        dns = tuple(dn for dn, _account in found)
        account = found[0][1] if len(found) == 1 else None
        now = self.portal.now()
        if account is None:
            return Look(now, dns)
        if reveal:
            with self._acting(Event.ACCOUNT_SHOWN) as line:
                line.account, line.details = account.uid, {"revealed": ["rescue"] if account.rescue else []}
        settings = self.portal.settings
        how = standing(account, now, settings.keys, settings.directory.lockout_seconds)
        return Look(now, dns, account, how)

    def revoke_key(self, identifier: str, *, is_dry: bool = False) -> Account:
        """See ``Desk.revoke_key``."""
        with self._acting(Event.KEY_REVOKED, is_dry) as line:
            account = self._desk.revoke_key(identifier, is_dry=is_dry)
            line.account = account.uid
            return account

    def unlock(self, identifier: str, *, is_dry: bool = False) -> Account:
        """See ``Desk.unlock``; the portal's own count of failed binds begins anew, where it is shared."""
        with self._acting(Event.ACCOUNT_UNLOCKED, is_dry) as line:
            account = self._desk.unlock(identifier, is_dry=is_dry)
            line.account = account.uid
            if not is_dry:
                self.portal.throttle.forget_binds(account.uid)
            return account

    def set_rescue(self, identifier: str, typed: str | None, *, is_dry: bool = False) -> RescueSet:
        """See ``Desk.set_rescue``."""
        with self._acting(Event.RESCUE_SET, is_dry) as line:
            done = self._desk.set_rescue(identifier, typed, self.portal.now(), is_dry=is_dry)
            line.account = done.account.uid
            line.details = {"changed": ["rescue", *(["key"] if done.is_key_dead else [])]}
            return done

    def take_bounce(self, octets: bytes) -> Bounced:
        """See ``bounces.take``: mail that came back, as the mail server hands it over; anybody may have sent it."""
        postmark = Postmark(self.portal.settings.web.secret_keys)
        with self._acting(Event.RESCUE_BOUNCED) as line:
            found, line.account = take(self.portal.directory, postmark, octets, self.portal.now())
            if found is not Bounced.FLAGGED:
                line.outcome, line.reason = Outcome.REFUSED, found.value
            return found

    def purge(self, older_than: timedelta, *, is_dry: bool = False) -> Purged:
        """See ``Desk.purge``; one line for all."""
        with self._acting(Event.KEYS_PURGED, is_dry) as line:
            purged = self._desk.purge(self.portal.now(), older_than, is_dry=is_dry)
            line.details = {"keys": str(purged.keys), "mails": str(purged.mails), "kept": str(purged.kept)}
            return purged

    def overdue(self) -> tuple[int, int, int]:
        """How many keys and how many notices ``dispatch_once`` would mail now, and how many mails wait for later."""
        keys = notices = later = 0
        now = self.portal.now()
        for account in self.portal.directory.owing():
            is_key_due = account.mail_due is not None and is_due(account.mail_due, now)
            due = sum(is_due(notice.due, now) for notice in account.notices)
            keys, notices = keys + is_key_due, notices + due
            later += (account.mail_due is not None and not is_key_due) + len(account.notices) - due
        if self.portal.settings.assistance.mailbox:
            requests = self.portal.directory.requests
            overdue = len(requests.overdue(now))
            notices, later = notices + overdue, later + sum(not one.is_given_up for one in requests.all()) - overdue
        return keys, notices, later

    def dispatch_once(self) -> dict[Outcome, int]:
        """Mail what is overdue; how many mails ended how. Raises MailServerDown, once the rest was left for later."""
        outbox = self.portal.outbox
        outbox.dispatch(self.portal.now())
        if outbox.is_server_down:
            raise MailServerDown(_("mails wait in the directory"))
        return {outcome: outbox.outcomes[outcome] for outcome in (Outcome.DONE, Outcome.PUT_OFF, Outcome.GIVEN_UP)}

    @contextmanager
    def dispatching(self) -> Iterator[None]:
        """Mail what is owed while the block lasts, in a thread of its own."""
        self.portal.audit.write(Event.PORTAL_STARTED, Line(actor=self._operator))
        self.portal.outbox.start()
        try:
            yield
        finally:
            self.portal.outbox.stop()
            self.portal.audit.write(Event.PORTAL_STOPPED, Line(actor=self._operator))

    @contextmanager
    def _acting(self, event: Event, is_dry: bool = False) -> Iterator[Line]:
        """A line in the audit for the block, whatever becomes of it."""
        if is_dry:
            yield Line()
            return
        with self.portal.audit.watch(event, LOCAL) as line:
            line.actor = self._operator
            yield line
