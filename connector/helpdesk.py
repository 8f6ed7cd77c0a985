"""The help desk: what an operator does at the counter, within bounds; every act is audited, with their name and why.

The bounds are in one place, ``_may_look`` and ``_may_act``: an operator serves everybody, or the students of their own
components; nobody acts on an operator's entry, on their own, or on one that the administration shut. They are judged on
the account as it is read for the act itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import TypeVar

from connector import keys
from connector.audit import Event, Line
from connector.choices import TURNS
from connector.desk import Desk, RescueSet
from connector.errors import ActRefused, Conflict, DirectoryUnavailable, Obstacle, Throttled
from connector.model import Account, Caller, HelpRequest, Operator, Origin
from connector.portal import Portal
from connector.settings import config_folder
from connector.standing import Hindrance, Standing, mails_of_the_day, standing
from connector.wording import _

T = TypeVar("T")
SHOWN = 20
"""People shown of a search at most: who sees more knows too little of the one they look for."""
_HOUR = timedelta(hours=1)
_SHUT = {Hindrance.LOCKED, Hindrance.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Why:
    """Why an operator acts, one of ``[desk] reasons``, and which document they were shown, of ``[desk] documents``."""

    reason: str
    document: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Who answers to a search, at most ``SHOWN``; ``is_cut``: there are more."""

    accounts: tuple[Account, ...]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """An account as an operator sees it. ``is_closed_to_acts``: the administration shut it, and alone may open it."""

    account: Account
    standing: Standing
    now: datetime
    is_closed_to_acts: bool


@dataclass(frozen=True, slots=True)
class Slip:
    """A key, as it is shown (``K7QF9-M2XT4-RD8HC``) this once, whose it is, and until when it lives."""

    account: Account
    key: str
    until: datetime

    def __repr__(self) -> str:
        return f"Slip(account={self.account.uid!r}, until={self.until!r})"


class HelpDesk:
    """Every method may raise ActRefused (``why`` says which bound), Throttled, and what the directory raises."""

    def __init__(self, portal: Portal) -> None:
        self._portal, self._directory, self._settings = portal, portal.directory, portal.settings

    def search(self, operator: Operator, typed: str, caller: Caller) -> Found:
        """Whom the operator serves and who answers: to a login, an INE, a student number; else to a whole name.

        Raises ActRefused (VAGUE) for fewer than three letters.
        """
        with self._acting(Event.ACCOUNTS_SEARCHED, operator, caller) as line:
            self._portal.throttle.use("desk_searches_per_operator", operator.uid)
            found = [account for _dn, account in self._desk().matches(typed) if account]
            line.details = {"by": "identifier" if found else "name"}
            if not found:
                found = self._directory.named(typed)
            scope = self._scope(operator)
            served = [account for account in found if scope is None or scope & _components(account.programmes)]
            line.details |= {"found": str(len(served))}
            if len(served) == 1:
                line.account = served[0].uid
                self._portal.throttle.has_found(operator.uid, served[0].uid)
            return Found(tuple(served[:SHOWN]), len(served) > SHOWN)

    def look(self, operator: Operator, uid: str, caller: Caller) -> View:
        """How somebody's account stands, the rescue address still whole in it: pages show it masked."""
        with self._acting(Event.ACCOUNT_SHOWN, operator, caller, whom=uid) as line:
            account = self._desk(lambda account: self._may_look(operator, account)).find(uid)
            line.account = account.uid
            return self._view(account)

    def reveal(self, operator: Operator, uid: str, why: Why, caller: Caller) -> View:
        """The same, for a page that shows the rescue address in full: with a reason, which is kept."""
        with self._acting(Event.ACCOUNT_SHOWN, operator, caller, why, uid) as line:
            self._check_why(why)
            account = self._acting_desk(operator).find(uid)
            line.account = account.uid
            line.details |= {"revealed": ["rescue"] if account.rescue else []}
            return self._view(account)

    def issue_key(self, operator: Operator, uid: str, why: Why, caller: Caller) -> Slip:
        """A fresh key to hand over across the counter, in place of any other. Raises Throttled: enough this hour."""
        with self._acting(Event.KEY_ISSUED, operator, caller, why, uid) as line:
            line.details["origin"] = Origin.DESK.value
            self._check_why(why, needs_document=True)
            now, activation = self._portal.now(), self._portal.activation

            def issue(account: Account) -> Slip:
                self._check_open(account, now)
                self._reserve(operator, line, now)
                key = activation.issue_key(account, Origin.DESK, now)
                return Slip(account, keys.show(key), now + activation.life(Origin.DESK))

            return self._at_last(operator, uid, line, issue)

    def send_key(self, operator: Operator, uid: str, why: Why, caller: Caller) -> Account:
        """Owe a fresh key to where keys are mailed to, as its owner could ask; it counts as one issued.

        Raises ActRefused (NO_RESCUE, ENOUGH_TODAY), Throttled.
        """
        with self._acting(Event.KEY_SENT, operator, caller, why, uid) as line:
            self._check_why(why)
            now = self._portal.now()

            def send(account: Account) -> Account:
                self._check_mailable(account, now)
                self._reserve(operator, line, now)
                self._portal.recovery.mail_key(account, now)
                return account

            return self._at_last(operator, uid, line, send)

    def revoke_key(self, operator: Operator, uid: str, why: Why, caller: Caller) -> Account:
        """See ``Desk.revoke_key``."""
        with self._acting(Event.KEY_REVOKED, operator, caller, why, uid) as line:
            self._check_why(why)
            account = self._acting_desk(operator).revoke_key(uid)
            line.account = account.uid
            return account

    def unlock(self, operator: Operator, uid: str, why: Why, caller: Caller) -> Account:
        """See ``Desk.unlock``; the portal's own count of failed binds begins anew."""
        with self._acting(Event.ACCOUNT_UNLOCKED, operator, caller, why, uid) as line:
            self._check_why(why)
            account = self._acting_desk(operator).unlock(uid)
            line.account = account.uid
            self._portal.throttle.forget_binds(account.uid)
            return account

    def set_rescue(self, operator: Operator, uid: str, typed: str, why: Why, caller: Caller) -> RescueSet:
        """See ``Desk.set_rescue``; it counts as a key issued: whoever has the address is mailed one for the asking.

        Raises ChangeRefused for an address that cannot be one, Throttled.
        """
        with self._acting(Event.RESCUE_SET, operator, caller, why, uid) as line:
            self._check_why(why, needs_document=True)
            desk, now = self._acting_desk(operator), self._portal.now()
            line.account = desk.set_rescue(uid, typed, now, is_dry=True).account.uid  # a refusal counts as none
            self._reserve(operator, line, now)
            done = desk.set_rescue(uid, typed, now)
            line.details |= {"changed": ["rescue", *(["key"] if done.is_key_dead else [])]}
            return done

    def requests(self, operator: Operator) -> list[HelpRequest]:
        """The requests for help that wait to be mailed, or that no mail server took; for who serves everybody."""
        return [] if self._scope(operator) is not None else self._directory.requests.all()

    def take_request(self, operator: Operator, number: str, caller: Caller) -> HelpRequest:
        """One of them is the operator's to answer, and waits no more. Raises ActRefused (UNKNOWN): taken, or mailed."""
        with self._acting(Event.HELP_TAKEN, operator, caller) as line:
            for request in self.requests(operator):
                if request.number == number:
                    line.details["number"] = request.number
                    with suppress(Conflict):
                        self._directory.requests.move(request, None)
                        return request
            raise ActRefused(Obstacle.UNKNOWN)

    def slip_pdf(self, operator: Operator, uid: str, typed_key: str, caller: Caller) -> bytes:
        """The slip of a key that was just issued, as a PDF of one page; only for the live key of this account.

        Raises ActRefused (NO_KEY) for any other, SettingsInvalid where nothing can be printed.
        """
        with self._acting(Event.SLIP_PRINTED, operator, caller, whom=uid) as line:
            account = self._acting_desk(operator).find(uid)
            line.account = account.uid
            key = keys.read(typed_key)
            if not (key and account.key and account.key.expiry and keys.verify(key.text, account.key.hash)):
                raise ActRefused(Obstacle.NO_KEY, account.uid)
            return self._printed(account, key.text, account.key.expiry)

    def _view(self, account: Account) -> View:
        now = self._portal.now()
        how = standing(account, now, self._settings.keys, self._settings.directory.lockout_seconds)
        return View(account, how, now, bool(_SHUT & set(how.hindrances)))

    def _desk(self, guard: Callable[[Account], None] | None = None) -> Desk:
        own_domains = self._settings.rescue.own_domains
        return Desk(self._directory, own_domains, guard) if guard else Desk(self._directory, own_domains)

    def _acting_desk(self, operator: Operator) -> Desk:
        """One whose every look at the account, the last before the write too, is judged."""
        return self._desk(lambda account: self._may_act(operator, account))

    def _may_look(self, operator: Operator, account: Account) -> None:
        scope = self._scope(operator)
        if not (scope is None or scope & _components(account.programmes)):
            raise ActRefused(Obstacle.NOT_SERVED, account.uid)

    def _may_act(self, operator: Operator, account: Account) -> None:
        self._may_look(operator, account)
        if account.dn.lower() == operator.dn.lower() or self._is_operator(account):
            raise ActRefused(Obstacle.OPERATOR, account.uid)
        if self._view(account).is_closed_to_acts:
            raise ActRefused(Obstacle.SHUT, account.uid)

    def _scope(self, operator: Operator) -> set[str] | None:
        """The components whose students they serve, None for everybody's.

        Asked of the groups at each act: whoever left them serves nobody any more.
        """
        desk, is_member = self._settings.desk, self._directory.operators.is_member
        if desk.group_dn and is_member(desk.group_dn, operator.dn):
            return None
        is_of_component = desk.component_group_dn and is_member(desk.component_group_dn, operator.dn)
        return _components(operator.components) if is_of_component else set()

    def _is_operator(self, account: Account) -> bool:
        groups = [dn for dn in (self._settings.desk.group_dn, self._settings.desk.component_group_dn) if dn]
        return account.is_operator or any(self._directory.operators.is_member(dn, account.dn) for dn in groups)

    def _check_why(self, why: Why, *, needs_document: bool = False) -> None:
        desk = self._settings.desk
        if why.reason not in desk.reasons:
            raise ActRefused(Obstacle.NO_REASON)
        if needs_document and why.document not in desk.documents:
            raise ActRefused(Obstacle.NO_DOCUMENT)

    def _check_open(self, account: Account, now: datetime) -> None:
        if not account.is_eligible(now):
            raise ActRefused(Obstacle.CLOSED, account.uid)

    def _check_mailable(self, account: Account, now: datetime) -> None:
        self._check_open(account, now)
        if not account.key_address(now):
            raise ActRefused(Obstacle.NO_RESCUE, account.uid)
        if len(mails_of_the_day(account, now)) >= self._settings.keys.mails_a_day:
            raise ActRefused(Obstacle.ENOUGH_TODAY, account.uid)

    def _at_last(self, operator: Operator, uid: str, line: Line, act: Callable[[Account], T]) -> T:
        """Do it to the account as it is at that instant; somebody who was first costs another look."""
        desk = self._acting_desk(operator)
        for _turn in range(TURNS):
            account = desk.find(uid)
            line.account = account.uid
            with suppress(Conflict):
                return act(account)
        raise DirectoryUnavailable(_("somebody else was first, again and again"))

    def _reserve(self, operator: Operator, line: Line, now: datetime) -> None:
        """Take one of this hour's keys, in the operator's own entry: exact on any server, and once an act.

        Raises Throttled, with the seconds until the oldest of the hour is an hour old.
        """
        if "reserved" in line.details:
            return
        most = self._settings.desk.keys_per_hour
        for _turn in range(most + TURNS):  # each Conflict is a key that another click took
            fresh = self._directory.operators.find(operator.uid)
            if fresh is None:
                break
            recent = [instant for instant in fresh.issued if timedelta(0) <= now - instant < _HOUR]
            if len(recent) >= most:
                raise Throttled("too-many-keys-an-hour", int((recent[0] + _HOUR - now).total_seconds()))
            with suppress(Conflict):
                self._directory.operators.reserve_key(fresh, now)
                line.details["reserved"] = f"{len(recent) + 1}/{most}"
                return
        raise DirectoryUnavailable(_("somebody else was first, again and again"))

    def _printed(self, account: Account, key: str, until: datetime) -> bytes:
        """The letter on the desk's own paper, ``config/slips``."""
        # Here, or what draws would be in the memory of every process for an act that is rare.
        from connector.letters import Printer, Template  # noqa: PLC0415
        from connector.printrun import letter_of  # noqa: PLC0415

        paper, portal = Template.load_all(config_folder() / "slips"), self._portal
        printer, out = Printer(paper, self._settings.web, portal.theme, portal.now()), BytesIO()
        printer.write(out, [letter_of(account, key, until)])
        return out.getvalue()

    @contextmanager
    def _acting(
        self, event: Event, operator: Operator, caller: Caller, why: Why | None = None, whom: str = ""
    ) -> Iterator[Line]:
        """A line in the audit for the block, whatever becomes of it; of ``why`` only what the settings list.

        ``whom`` counts as somebody the operator looked for.
        """
        desk = self._settings.desk
        with self._portal.audit.watch(event, caller) as line:
            line.actor = operator.uid
            if why and why.reason in desk.reasons:
                line.details["why"] = why.reason
            if why and why.document in desk.documents:
                line.details["document"] = why.document
            if whom:
                self._portal.throttle.look_at(operator.uid, whom)
            yield line


def _components(values: Iterable[str]) -> set[str]:
    """As the directory compares them."""
    return {value.casefold() for value in values}
