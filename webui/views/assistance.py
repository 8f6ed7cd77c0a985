"""The assistance form, for those who can do nothing else; one answer for everybody."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from connector.assistance import Written, read_birthday
from connector.errors import DirectoryError, RequestsFull, Throttled
from webui import assistance_words, guard
from webui.forms import HelpForm
from webui.guard import Verdict
from webui.messages import Told
from webui.views import current_caller, current_portal, is_acceptable, refuse
from webui.views.expired import FORBIDDEN, is_from_our_page

blueprint = Blueprint("assistance", __name__)

_UNAVAILABLE = 503


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
        return refuse(_page(form, ticket=form.ticket.data))
    if form.website.data:
        portal.help_refused("honeypot", caller)
        return redirect(url_for("assistance.sent"), 303)
    verdict = guard.judge(portal, form.ticket.data or "", form.work.data or "")
    if verdict is not Verdict.GOOD:
        portal.help_refused(verdict.value, caller)
        is_soon = verdict is Verdict.TOO_SOON
        return refuse(_page(form, assistance_words.once_more(is_soon=is_soon), form.ticket.data if is_soon else None))
    return _sent(form, born)


@blueprint.get("/assistance/envoyee")
def sent() -> ResponseReturnValue:
    """The page after; it knows nothing of who asked."""
    return render_template("assistance_sent.html")


@blueprint.errorhandler(CSRFError)
def form_expired(_error: CSRFError) -> ResponseReturnValue:
    """The form again with all that was typed, if it was typed in ours: a neighbour's page must not fill it in."""
    current_portal().form_refused("wrong-token", current_caller())
    form = _form(request.form if is_from_our_page() else None)
    return _page(form, assistance_words.once_more(is_soon=False)), FORBIDDEN


def _sent(form: HelpForm, born: date) -> ResponseReturnValue:
    try:
        current_portal().ask_help(_letter(form, born), current_caller())
    except Throttled as error:
        return refuse(_page(form, assistance_words.throttled(error, current_caller().request)), error)
    except RequestsFull:
        return _page(form, assistance_words.full()), _UNAVAILABLE
    except DirectoryError as error:
        current_app.logger.warning("%s: a request for help is not kept: %s", current_caller().request, error)
        return _page(form, assistance_words.not_now()), _UNAVAILABLE
    return redirect(url_for("assistance.sent"), 303)


def _letter(form: HelpForm, born: date) -> Written:
    subject = dict(assistance_words.subjects())[form.subject.data]
    identifier, text = form.identifier.data or "", form.text.data
    return Written(form.name.data, born, identifier, subject, text, form.answer_to.data)


def _form(typed: object = None) -> HelpForm:
    form = HelpForm(typed)
    form.subject.choices = [("", assistance_words.choose()), *assistance_words.subjects()]
    return form


def _page(form: HelpForm, told: Told | None = None, ticket: str | None = None) -> str:
    """The form with what was typed; with a fresh ticket, unless the one there only has to grow older.

    Under attack there is work to do.
    """
    portal = current_portal()
    work = 0 if portal.throttle.is_at_ease else guard.WORK_BITS
    return render_template("assistance.html", form=form, refused=told, ticket=ticket or guard.ticket(portal), work=work)
