"""At the counter: look for somebody, see how their account stands, act on it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from connector.errors import ActRefused, ChangeRefused, FactorRefused, MonCompteError, Throttled
from connector.helpdesk import Found, HelpDesk, View, Why
from webui import desk_words, messages, security
from webui.forms import ActForm, SearchForm
from webui.messages import Told
from webui.pages import render_template
from webui.views import current_caller, current_portal, is_acceptable, refuse
from webui.views.desk import blueprint, confirm, current_operator, is_confirmed

_ISSUED = "desk-issued"  # the click that issued a key: loading the slip again must not issue another
_NOT_FOUND = 404


@blueprint.get("")
def home() -> ResponseReturnValue:
    """The search box."""
    current_operator()
    return _search(SearchForm())


@blueprint.get("/recherche")
def search_again() -> ResponseReturnValue:
    """The address of a search's results, opened anew."""
    return redirect(url_for("desk.home"), 303)


@blueprint.post("/recherche")
def search() -> ResponseReturnValue:
    """Who answers; one alone is opened. A form, not an address: nobody's name or INE belongs in a web server's log."""
    operator, form = current_operator(), SearchForm(request.form)
    if not is_acceptable(form):
        return refuse(_search(form))
    try:
        found = _desk().search(operator, form.typed.data, current_caller())
    except (ActRefused, Throttled) as error:
        form.tell({"typed": [desk_words.refused(error)]})
        return refuse(_search(form), error)
    if len(found.accounts) == 1:
        return redirect(url_for("desk.account", uid=found.accounts[0].uid), 303)
    return _search(form, found)


@blueprint.get("/compte/<uid>")
def account(uid: str) -> ResponseReturnValue:
    """How the account stands, why its owner cannot get in, and what may be done."""
    return _seen(uid, lambda view: (_account(view, _act_form()), 200))


@blueprint.post("/compte/<uid>")
def act(uid: str) -> ResponseReturnValue:
    """The one form of the page: what to do, why, on which document; a fresh code where the last one is old."""
    current_operator()
    form = _act_form(request.form)
    is_whole = is_acceptable(form)
    if form.act.data not in _ACTS:
        form.tell({"act": [] if form.act.errors else [desk_words.no_such_act()]})
        is_whole = False
    if not is_whole:
        return _again(uid, form)
    if session.get(_ISSUED) == _click(uid):
        flash(desk_words.issued_already())
        return redirect(url_for("desk.account", uid=uid), 303)
    try:
        if form.code:
            confirm(form.code.data)
        return _ACTS[form.act.data](uid, form)
    except FactorRefused:
        form.tell({"code": [messages.first_code_refused()]})
        return _again(uid, form)
    except ChangeRefused as error:
        form.tell({"address": messages.field_problems(error)["rescue"]})
        return _again(uid, form, error)
    except (ActRefused, Throttled) as error:
        return _again(uid, form, error)


@blueprint.post("/compte/<uid>/feuille")
def slip(uid: str) -> ResponseReturnValue:
    """The slip of a key that was just issued, as a PDF; the key comes back from the page in the form's body."""
    try:
        pdf = _desk().slip_pdf(current_operator(), uid, request.form.get("key", ""), current_caller())
    except (ActRefused, Throttled) as error:
        flash(desk_words.refused(error))
        return redirect(url_for("desk.account", uid=uid), 303)
    disposition = 'inline; filename="cle.pdf"'
    return Response(pdf, content_type="application/pdf", headers={"Content-Disposition": disposition})


def _issue(uid: str, form: ActForm) -> ResponseReturnValue:
    issued = _desk().issue_key(current_operator(), uid, _why(form), current_caller())
    session[_ISSUED] = _click(uid)
    facts = {"until": messages.day_and_time(issued.until), "portal_url": current_portal().settings.web.portal_url}
    return render_template("desk/slip.html", slip=issued, **facts)


def _click(uid: str) -> str:
    """This very form, as it was loaded, for this person."""
    return f"{uid} {security.click_mark()}"


def _send(uid: str, form: ActForm) -> ResponseReturnValue:
    _desk().send_key(current_operator(), uid, _why(form), current_caller())
    return _done(uid, desk_words.sent())


def _revoke(uid: str, form: ActForm) -> ResponseReturnValue:
    _desk().revoke_key(current_operator(), uid, _why(form), current_caller())
    return _done(uid, desk_words.revoked())


def _unlock(uid: str, form: ActForm) -> ResponseReturnValue:
    _desk().unlock(current_operator(), uid, _why(form), current_caller())
    return _done(uid, desk_words.unlocked())


def _set_rescue(uid: str, form: ActForm) -> ResponseReturnValue:
    done = _desk().set_rescue(current_operator(), uid, form.address.data or "", _why(form), current_caller())
    return _done(uid, desk_words.rescue_set(done))


def _reveal(uid: str, form: ActForm) -> ResponseReturnValue:
    view = _desk().reveal(current_operator(), uid, _why(form), current_caller())
    return _account(view, _act_form(), is_revealed=True)


_ACTS: dict[str, Callable[[str, ActForm], ResponseReturnValue]] = {
    "key": _issue,
    "send": _send,
    "rescue": _set_rescue,
    "reveal": _reveal,
    "unlock": _unlock,
    "revoke": _revoke,
}


def _desk() -> HelpDesk:
    return HelpDesk(current_portal())


def _why(form: ActForm) -> Why:
    return Why(form.reason.data or "", form.document.data or "")


def _done(uid: str, sentence: str) -> ResponseReturnValue:
    flash(sentence)
    return redirect(url_for("desk.account", uid=uid), 303)


def _act_form(typed: object = None) -> ActForm:
    """With the settings' reasons and documents, and a box for a code where the last one is old."""
    form, desk = ActForm(typed), current_portal().settings.desk
    form.act.choices = desk_words.acts()
    form.reason.choices = [("", desk_words.choose()), *((each, each) for each in desk.reasons)]
    form.document.choices = [("", desk_words.choose()), *((each, each) for each in desk.documents)]
    if is_confirmed():
        del form.code
    return form


def _again(uid: str, form: ActForm, error: MonCompteError | None = None) -> ResponseReturnValue:
    """The page as the account is now, with what was chosen and typed, and why it was not done."""
    told = Told(desk_words.not_done(), desk_words.refused(error)) if error and not form.errors else None
    return _seen(uid, lambda view: refuse(_account(view, form, told), error))


def _seen(uid: str, page: Callable[[View], ResponseReturnValue]) -> ResponseReturnValue:
    """The account's page; or the search, with why it cannot be shown."""
    try:
        view = _desk().look(current_operator(), uid, current_caller())
    except (ActRefused, Throttled) as error:
        form = SearchForm(data={"typed": uid})
        form.tell({"typed": [desk_words.refused(error)]})
        return refuse(_search(form), error) if isinstance(error, Throttled) else (_search(form), _NOT_FOUND)
    return page(view)


def _search(form: SearchForm, found: Found | None = None) -> str:
    return render_template("desk/search.html", form=form, found=found, words_of=desk_words)


def _account(view: View, form: ActForm, refused: Told | None = None, *, is_revealed: bool = False) -> str:
    return render_template(
        "desk/account.html",
        view=view,
        account=view.account,
        form=form,
        refused=refused,
        is_revealed=is_revealed,
        ways=desk_words.ways(view),
        hindrances=desk_words.hindrances(view),
        facts=desk_words.facts(view),
        status=desk_words.status(view.account),
        rescue=desk_words.rescue(view, is_revealed=is_revealed),
    )
