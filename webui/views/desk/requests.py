"""The desk's queue: requests for help that wait for the mail server; an operator may take one on."""

from __future__ import annotations

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connector.errors import ActRefused
from connector.helpdesk import HelpDesk
from webui import desk_words, messages
from webui.pages import render_template
from webui.views import current_caller, current_portal
from webui.views.desk import blueprint, current_operator


@blueprint.get("/demandes")
def requests() -> ResponseReturnValue:
    """Those that wait, the oldest first; for who serves everybody."""
    operator = current_operator()
    _check_form()
    waiting = HelpDesk(current_portal()).requests(operator)
    return render_template("desk/requests.html", requests=waiting, when=messages.day_and_time, day=messages.day)


@blueprint.post("/demandes")
def take_request() -> ResponseReturnValue:
    """One is the operator's to answer: it waits no more, and is shown this last time."""
    operator = current_operator()
    _check_form()
    try:
        taken = HelpDesk(current_portal()).take_request(operator, request.form.get("number", ""), current_caller())
    except ActRefused:
        flash(desk_words.request_gone())
        return redirect(url_for("desk.requests"), 303)
    return render_template("desk/request.html", each=taken, when=messages.day_and_time, day=messages.day)


def _check_form() -> None:
    if not current_portal().settings.assistance.mailbox:
        abort(404)
