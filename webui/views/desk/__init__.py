"""The help desk's pages, /guichet: every one but the door's asks for ``current_operator`` first.

Each file of this package adds its routes to ``blueprint``; ``webui`` imports it and registers that once.
"""

from __future__ import annotations

from typing import cast

from flask import Blueprint, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connector.errors import SessionStale
from connector.model import Operator
from webui import desk_session, hosts, messages
from webui.views import current_caller, current_portal

blueprint = Blueprint("desk", __name__, url_prefix=hosts.DESK)


def current_operator() -> Operator:
    """Who is signed in at the desk, read afresh once a request; raises SessionStale, which leads to the door."""
    if "operator" not in g:
        portal = current_portal()
        visit = desk_session.current_visit(portal.now(), portal.settings.desk)
        g.operator = portal.desk_door.revisit(visit.uid, visit.mark, current_caller())
    return cast("Operator", g.operator)


def is_confirmed() -> bool:
    """Whether a code was right so lately that an act that could give an account away needs no other."""
    portal = current_portal()
    return desk_session.is_confirmed(portal.now(), portal.settings.desk)


def confirm(code: str) -> None:
    """Use a code up before such an act; none is needed where ``is_confirmed``. Raises FactorRefused, SessionStale."""
    if is_confirmed():
        return
    portal, operator = current_portal(), current_operator()
    portal.desk_door.confirm(operator.uid, operator.mark, code, current_caller())
    desk_session.confirm(portal.now())


@blueprint.errorhandler(SessionStale)
def _session_stale(_error: SessionStale) -> ResponseReturnValue:
    """To the door, with the reason; after it, back to the page one was on, unless that was the answer to a form."""
    portal, desk = current_portal(), current_portal().settings.desk
    if desk_session.has_expired(portal.now(), desk):
        flash(messages.desk_session_expired())
    else:
        flash(messages.desk_session_stale() if desk_session.is_known() else messages.sign_in_first())
    desk_session.leave(request.path if request.method == "GET" else url_for("desk.home"))
    return redirect(url_for("desk.sign_in"), 303)
