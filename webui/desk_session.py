"""An operator's session: in Flask's signed cookie, under a key of its own, gone with a student's sign-in.

It holds who signed in, the mark that the directory is asked about at every request, and three instants: when it was
opened, when it was last seen, when a code was last right. Beside it, for a while: who enrols, and the page to go back
to. No password, no code, no secret.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from flask import session

from connector.errors import SessionStale
from connector.model import Operator
from connector.settings.sections import Desk

_OPERATOR, _ENROLLING, _BACK = "desk", "desk-enrolling", "desk-back"


@dataclass(frozen=True, slots=True)
class DeskVisit:
    """What the session says was proved; true only once ``portal.desk_door.revisit`` agrees. Seconds since 1970."""

    uid: str
    mark: str
    opened: int
    seen: int
    confirmed: int


def open_session(operator: Operator, now: datetime) -> None:
    """Remember who signed in, in a session that starts empty (against session fixation)."""
    session.clear()
    instant = _seconds(now)
    session[_OPERATOR] = asdict(DeskVisit(operator.uid, operator.mark, instant, instant, instant))


def current_visit(now: datetime, desk: Desk) -> DeskVisit:
    """The visit, seen now. Raises SessionStale when there is none, or its time or the idle time is over."""
    visit = _visit()
    if visit is None or not _is_young(visit.opened, now, desk.session_minutes):
        raise SessionStale
    if not _is_young(visit.seen, now, desk.idle_minutes):
        raise SessionStale
    visit = replace(visit, seen=_seconds(now))
    session[_OPERATOR] = asdict(visit)
    return visit


def is_confirmed(now: datetime, desk: Desk) -> bool:
    """Whether a code was right shortly before."""
    visit = _visit()
    return visit is not None and _is_young(visit.confirmed, now, desk.step_up_minutes)


def confirm(now: datetime) -> None:
    """A code was right just now."""
    if visit := _visit():
        session[_OPERATOR] = asdict(replace(visit, confirmed=_seconds(now)))


def has_expired(now: datetime, desk: Desk) -> bool:
    """Whether somebody signed in, and one of the two times is over."""
    visit = _visit()
    is_young = visit and _is_young(visit.opened, now, desk.session_minutes)
    return visit is not None and not (is_young and _is_young(visit.seen, now, desk.idle_minutes))


def is_known() -> bool:
    """Whether somebody signed in, however long ago; for wording, never for a decision."""
    return _visit() is not None


def close_session() -> None:
    """Forget everything, the CSRF token included."""
    session.clear()


def leave(back: str) -> None:
    """Forget the operator; after the next sign-in one is brought ``back`` to that path."""
    session.pop(_OPERATOR, None)
    session[_BACK] = back


def way_back(default: str) -> str:
    """The page one was on when the session ended. We alone write it: no link can."""
    return str(session.get(_BACK, default))


def begin_enrolment(operator: Operator, now: datetime) -> None:
    """Remember who may enrol, in a session that starts empty."""
    session.clear()
    session[_ENROLLING] = {"uid": operator.uid, "mark": operator.enrolment_mark, "opened": _seconds(now)}


def enrolling(now: datetime, desk: Desk) -> tuple[str, str]:
    """Login and mark of who enrols. Raises SessionStale when nobody does, or too long."""
    facts = session.get(_ENROLLING)
    if facts is None or not _is_young(facts["opened"], now, desk.idle_minutes):
        raise SessionStale
    return facts["uid"], facts["mark"]


def _visit() -> DeskVisit | None:
    facts = session.get(_OPERATOR)
    return DeskVisit(**facts) if facts else None


def _seconds(now: datetime) -> int:
    return int(now.timestamp())


def _is_young(since: int, now: datetime, minutes: int) -> bool:
    return timedelta(0) <= now - datetime.fromtimestamp(since, UTC) < timedelta(minutes=minutes)
