"""The desk's door: sign in with password and code, enrol a second factor, sign out."""

from __future__ import annotations

from flask import current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from connector.errors import DirectoryError, FactorRefused, SessionStale, SignInRefused, Throttled
from webui import desk_session, messages
from webui.forms import CodeForm, DeskSignInForm, EnrolForm
from webui.messages import Told
from webui.pages import render_template
from webui.views import current_caller, current_portal, is_acceptable, refuse, typed_identifier
from webui.views.desk import blueprint, current_operator

FORBIDDEN = 403


@blueprint.get("/connexion")
def sign_in() -> ResponseReturnValue:
    """The form; it tells nobody whether they are an operator."""
    return _door(DeskSignInForm())


@blueprint.post("/connexion")
def try_to_sign_in() -> ResponseReturnValue:
    """Password and code; a refusal is the same page whoever is refused, for whatever reason."""
    form = DeskSignInForm(request.form)
    if not is_acceptable(form):
        return refuse(_door(form))
    portal, back = current_portal(), desk_session.way_back(url_for("desk.home"))
    typed = (form.identifier.data, form.password.data, form.code.data)
    try:
        operator = portal.desk_door.sign_in(*typed, current_caller())
    except SignInRefused:
        return refuse(_door(form, messages.desk_refused()))
    except Throttled as error:
        return refuse(_door(form, messages.desk_throttled(error, current_caller().request)), error)
    desk_session.open_session(operator, portal.now())
    return redirect(back, 303)


@blueprint.get("/inscription")
def enrol() -> ResponseReturnValue:
    """Who has an enrolment code."""
    return _enrolment(EnrolForm())


@blueprint.post("/inscription")
def begin_enrolment() -> ResponseReturnValue:
    """Password and enrolment code."""
    form = EnrolForm(request.form)
    if not is_acceptable(form):
        return refuse(_enrolment(form))
    portal = current_portal()
    typed = (form.identifier.data, form.password.data, form.offered.data)
    try:
        operator = portal.desk_door.begin_enrolment(*typed, current_caller())
    except SignInRefused:
        return refuse(_enrolment(form, messages.enrolment_refused()))
    except Throttled as error:
        return refuse(_enrolment(form, messages.desk_throttled(error, current_caller().request)), error)
    desk_session.begin_enrolment(operator, portal.now())
    return redirect(url_for("desk.authenticator"), 303)


@blueprint.get("/inscription/code")
def authenticator() -> ResponseReturnValue:
    """The QR code, the same secret to be typed, and the box for the first code. It writes nothing."""
    return _authenticator(CodeForm())


@blueprint.post("/inscription/code")
def finish_enrolment() -> ResponseReturnValue:
    """The first code: the second factor is there, and the recovery codes are shown, once."""
    form, portal = CodeForm(request.form), current_portal()
    uid, mark = desk_session.enrolling(portal.now(), portal.settings.desk)
    if not is_acceptable(form):
        return refuse(_authenticator(form))
    try:
        g.operator, codes = portal.desk_door.enrol(uid, mark, form.code.data, current_caller())
    except FactorRefused:
        form.tell({"code": [messages.first_code_refused()]})
        return refuse(_authenticator(form))
    desk_session.open_session(g.operator, portal.now())
    return render_template("desk/recovery_codes.html", codes=codes)


@blueprint.post("/deconnexion")
def sign_out() -> ResponseReturnValue:
    """End the session, in the directory for every copy of the cookie, and here whatever the directory says."""
    portal = current_portal()
    try:
        visit = desk_session.current_visit(portal.now(), portal.settings.desk)
        portal.desk_door.sign_out(visit.uid, visit.mark, current_caller())
    except SessionStale:
        pass  # none, or over already
    except DirectoryError as error:
        current_app.logger.warning("a session could only be ended in its own browser: %s", error)
    desk_session.close_session()
    flash(messages.signed_out())
    response = redirect(url_for("desk.sign_in"), 303)
    response.headers["Clear-Site-Data"] = '"cache"'  # pages that the back button would show
    return response


@blueprint.errorhandler(CSRFError)
def _form_expired(_error: CSRFError) -> ResponseReturnValue:
    """A page left open too long, or forged: nothing is done, but for a sign-out, which harms nobody."""
    current_portal().form_refused("wrong-token", current_caller())
    if request.endpoint == "desk.sign_out":
        return sign_out()
    told = messages.desk_form_expired()
    try:
        current_operator()
    except SessionStale:
        return _door(DeskSignInForm(data={"identifier": typed_identifier()}), told), FORBIDDEN
    except DirectoryError as fault:  # Flask looks for no handler of what a handler raises
        return current_app.handle_user_exception(fault)
    return render_template("desk/problem.html", told=told), FORBIDDEN


def _door(form: DeskSignInForm, refused: Told | None = None) -> str:
    return render_template("desk/sign_in.html", form=form, refused=refused)


def _enrolment(form: EnrolForm, refused: Told | None = None) -> str:
    return render_template("desk/enrol.html", form=form, refused=refused)


def _authenticator(form: CodeForm) -> str:
    portal = current_portal()
    uid, mark = desk_session.enrolling(portal.now(), portal.settings.desk)
    begun = portal.desk_door.enrolment(uid, mark)
    from connector import qr  # noqa: PLC0415 (or it would be in the memory of every process for an act that is rare)

    side, path = qr.path(begun.link)
    groups = [begun.secret[start : start + 4] for start in range(0, len(begun.secret), 4)]
    facts = {"link": begun.link, "side": side, "path": path, "groups": groups}
    return render_template("desk/authenticator.html", form=form, **facts)
