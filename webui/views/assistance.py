"""The assistance form, for those who can do nothing else; one answer for everybody, and nothing typed is lost."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from connector.assistance import Written, read_birthday
from connector.errors import DirectoryError, RequestsFull, Throttled
from webui import assistance_words, guard
from webui.forms import HelpForm
from webui.guard import Verdict
from webui.messages import Told
from webui.pages import render_template
from webui.views import current_caller, current_portal, is_acceptable, refuse
from webui.views.expired import FORBIDDEN, is_from_our_page

blueprint = Blueprint("assistance", __name__)

_UNAVAILABLE = 503
_RETRY_AFTER_SECONDS = 120


@blueprint.get("/assistance")
def write() -> ResponseReturnValue:
    """The form."""
    return _page(_form())


@blueprint.post("/assistance")
def send() -> ResponseReturnValue:
    """The request, if no program wrote it; what a program wrote is answered alike and goes nowhere."""
    form, portal, caller = _form(request.form), current_portal(), current_caller()
    is_whole, born = is_acceptable(form), read_birthday(form.born.data or "", portal.now().date())
    if form.born.data and not form.born.errors and born is None:
        form.tell({"born": [assistance_words.no_birthday()]})
    if not is_whole or born is None:
        return refuse(_page(form))
    if form.website.data:
        portal.help_refused("honeypot", caller)
        return redirect(url_for("assistance.sent"), 303)
    verdict = guard.judge(portal, form.ticket.data or "", form.work.data or "")
    if verdict is not Verdict.GOOD:
        portal.help_refused(verdict.value, caller)
        return refuse(_page(form, assistance_words.once_more(verdict), is_anew=verdict in _ANEW))
    return _sent(form, born)


@blueprint.get("/assistance/envoyee")
def sent() -> ResponseReturnValue:
    """The page after; it knows nothing of who asked."""
    return render_template("assistance_sent.html")


@blueprint.errorhandler(CSRFError)
def form_expired(_error: CSRFError) -> ResponseReturnValue:
    """The form again with all that was typed, if it was typed in ours: no neighbour's page fills it in."""
    current_portal().form_refused("wrong-token", current_caller())
    form = _form(request.form if is_from_our_page() else None)
    return _page(form, assistance_words.stale()), FORBIDDEN


def _sent(form: HelpForm, born: date) -> ResponseReturnValue:
    try:
        current_portal().ask_help(_letter(form, born), current_caller())
    except (Throttled, RequestsFull, DirectoryError) as error:
        guard.give_back(current_portal(), form.ticket.data)
        return _not_sent(form, error)
    return redirect(url_for("assistance.sent"), 303)


def _not_sent(form: HelpForm, error: Throttled | RequestsFull | DirectoryError) -> ResponseReturnValue:
    reference = current_caller().request
    if isinstance(error, Throttled):
        return refuse(_page(form, assistance_words.throttled(error, reference)), error)
    if isinstance(error, RequestsFull):
        return _page(form, assistance_words.full()), _UNAVAILABLE
    current_app.logger.warning("%s: a request for help is not kept: %s", reference, error)
    return _page(form, assistance_words.not_now()), _UNAVAILABLE, {"Retry-After": str(_RETRY_AFTER_SECONDS)}


def _letter(form: HelpForm, born: date) -> Written:
    subject = dict(assistance_words.subjects())[form.subject.data]
    return Written(form.name.data, born, form.identifier.data or "", subject, form.text.data, form.reply_address)


def _form(typed: object = None) -> HelpForm:
    form = HelpForm(typed)
    form.subject.choices = [("", assistance_words.choose()), *assistance_words.subjects()]
    return form


_ANEW = {Verdict.NO_TICKET, Verdict.USED}


def _page(form: HelpForm, told: Told | None = None, *, is_anew: bool = False) -> str:
    """The form with what was typed, and its own ticket, which may only have to grow older; or ``is_anew`` a fresh one.

    Under attack there is work to do, unless it was done for this ticket.
    """
    portal = current_portal()
    if is_anew or not form.ticket.data:
        form.ticket.data, form.work.data = guard.ticket(portal), ""
    elif not guard.is_worked(form.ticket.data, form.work.data or ""):
        form.work.data = ""
    bits = 0 if portal.throttle.is_at_ease else guard.WORK_BITS
    return render_template("assistance.html", form=form, refused=told, bits=bits)
