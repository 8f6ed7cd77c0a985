"""Operators of the help desk as a sysadmin sees them: offer one an enrolment, take the second factor away, look.

Who is an operator at all the directory's administrator decides, by class and group; see docs/desk.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector import keys
from connector.audit import LOCAL, Event
from connector.choices import TURNS
from connector.errors import ActRefused, Conflict, DirectoryUnavailable, Obstacle
from connector.model import Operator
from connector.operators import SHUT_AFTER
from connector.portal import Portal
from connector.wording import _


@dataclass(frozen=True, slots=True)
class Badge:
    """An operator, and the groups that name them: of those who serve everybody, of those who serve a component."""

    operator: Operator
    in_group: bool
    in_component_group: bool
    now: datetime

    @property
    def is_shut(self) -> bool:
        """Whether no code opens any more, after too many wrong ones in a row."""
        return (self.operator.failures or 0) >= SHUT_AFTER

    @property
    def offer_until(self) -> datetime | None:
        """Until when they may enrol; None without an offer, and once it is over."""
        until = self.operator.enrol_until
        return until if until and self.now < until else None

    @property
    def keys_this_hour(self) -> int:
        """How many keys they issued in the hour behind us."""
        return sum(timedelta(0) <= self.now - issued < timedelta(hours=1) for issued in self.operator.issued)


class Roster:
    """``actor`` is the audit's: ``shell:NAME`` for who types a command.

    Every method raises ActRefused (NO_DESK, NO_OPERATOR), DirectoryUnavailable, DirectoryMisconfigured.
    """

    def __init__(self, portal: Portal, actor: str) -> None:
        self._portal, self._actor = portal, actor
        self._operators, self._desk = portal.directory.operators, portal.settings.desk

    def look(self, login: str) -> Badge:
        """All about one operator, but no secret and no hash."""
        operator = self._found(login)
        in_group = bool(self._desk.group_dn) and self._operators.is_member(self._desk.group_dn, operator.dn)
        component_dn = self._desk.component_group_dn
        in_component_group = bool(component_dn) and self._operators.is_member(component_dn, operator.dn)
        return Badge(operator, in_group, in_component_group, self._portal.now())

    def offer(self, login: str) -> tuple[Badge, str]:
        """An enrolment code, in place of every older one, of the second factor and of every session.

        Returns the operator with the offer, and the code as it is shown, once.
        """
        until = self._portal.now() + timedelta(hours=self._desk.enrol_hours)
        code = keys.mint()
        hashed = keys.hash_key(code)
        offer = self._operators.offer_enrolment
        self._act(Event.OPERATOR_OFFERED, login, lambda operator: offer(operator, until, hashed))
        return self.look(login), keys.show(code)

    def reset(self, login: str) -> Operator:
        """Take the second factor away, the offer to enrol one, and every session."""
        return self._act(Event.OPERATOR_RESET, login, self._operators.forget_factor)

    def _act(self, event: Event, login: str, act: Callable[[Operator], None]) -> Operator:
        """Do it to the operator as they are then, with a line in the audit."""
        with self._portal.audit.watch(event, LOCAL) as line:
            line.actor = self._actor
            for _turn in range(TURNS):
                operator = self._found(login)
                line.account = operator.uid
                try:
                    act(operator)
                except Conflict:
                    continue
                return operator
            raise DirectoryUnavailable(_("somebody else was first, again and again"))

    def _found(self, login: str) -> Operator:
        if not self._desk.is_open:
            raise ActRefused(Obstacle.NO_DESK)
        if (operator := self._operators.find(login)) is None:
            raise ActRefused(Obstacle.NO_OPERATOR)
        return operator
