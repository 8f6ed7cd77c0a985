"""More time behind the door: told in words, warned of by ``stay.js``, had for one click (WCAG 2.2 §2.2.1)."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connector.model import Account, By
from webui import messages, security
from webui.security import Visit
from webui.views import current_portal, is_for_a_script
from webui.views.password import FORMS, arrive, identify, render

blueprint = Blueprint("stay", __name__)


@dataclass(frozen=True, slots=True)
class Stay:
    """How long the page behind the door stays open: until when, in words, and seconds from now."""

    until: str
    seconds: int
    is_extensible: bool


@blueprint.get("/prolonger")
def come_back() -> ResponseReturnValue:
    """The address of an extended page, opened anew."""
    return redirect(url_for("password.choose"), 303)


@blueprint.post("/prolonger")
def extend() -> ResponseReturnValue:
    """The session's minutes begun anew, if the directory still agrees; a script is told, others get the form again.

    The rescue address typed is in it, and neither in the cookie nor in an address; the secrets have to be typed again.
    """
    visit, account = identify()
    portal = current_portal()
    visit = security.extend_session(visit, portal.now(), portal.settings.web.session_minutes)
    if is_for_a_script():
        return jsonify(how_long(visit, account))
    visit, account = arrive()  # who reads the charter goes back to it
    return render(visit, account, FORMS[visit.by](data={"rescue": request.form.get("rescue")}))


@blueprint.app_template_global()
def how_long(visit: Visit, account: Account) -> Stay:
    """What remains of the session; one that was opened with a key ends with the key."""
    expiry = account.key.expiry if account.key and visit.by is By.KEY else None
    until = min(visit.until, expiry or visit.until)
    seconds = int((until - current_portal().now()).total_seconds())
    return Stay(messages.time_of_day(until), seconds, until == visit.until and visit.extensions > 0)
