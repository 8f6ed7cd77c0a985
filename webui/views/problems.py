"""Errors become pages, each in the design; what people may read about them is in ``messages`` and the templates."""

from __future__ import annotations

from flask import Flask, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from connector.errors import DirectoryMisconfigured, DirectoryUnavailable, KeyDead, SessionStale
from webui import messages, security
from webui.forms import IDENTIFIER_MAX, ForgottenForm, SignInForm
from webui.views import LOGIN, current_caller, current_portal, refuse
from webui.views.entry import render_landing, sign_out

RETRY_AFTER_SECONDS = 120
_NOT_FROM_OUR_PAGES = {400, 413}


def register(app: Flask) -> None:
    """Give every error its page."""
    app.register_error_handler(SessionStale, _session_stale)
    app.register_error_handler(KeyDead, _key_dead)
    app.register_error_handler(DirectoryUnavailable, _directory_unavailable)
    app.register_error_handler(DirectoryMisconfigured, _directory_misconfigured)
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(HTTPException, _http_error)


def _session_stale(_error: SessionStale) -> ResponseReturnValue:
    """Back to the front, with the reason and the login; the meter just stops, and the form itself will say so."""
    if request.endpoint == "password.strength":
        return "", 401
    login, sentence = security.visitor(), _why_stale()
    security.end_visit()
    flash(sentence)
    if login:
        flash(login, LOGIN)
    return redirect(url_for("entry.landing"), 303)


def _why_stale() -> str:
    portal = current_portal()
    minutes = portal.settings.web.session_minutes
    if security.has_expired(portal.now(), minutes):
        return messages.session_expired(minutes)
    if security.visitor() is None and request.method == "GET":
        return messages.sign_in_first()
    return messages.session_stale()


def _key_dead(error: KeyDead) -> ResponseReturnValue:
    title, explanation = messages.key_dead(error)
    identifier = _typed_identifier() or security.visitor()  # typed first: the session may be somebody else's
    security.end_visit()
    return refuse(render_template("key_dead.html", title=title, explanation=explanation, identifier=identifier))


def _directory_unavailable(error: DirectoryUnavailable) -> ResponseReturnValue:
    current_app.logger.warning("%s: the directory is unavailable: %s", current_caller().request, error)
    response = make_response(_problem(503), 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _directory_misconfigured(error: DirectoryMisconfigured) -> ResponseReturnValue:
    """A line with the remedy for the sysadmin, where a traceback would hide it."""
    current_app.logger.error("%s: %s", current_caller().request, error)
    return _problem(500), 500


def _form_expired(error: CSRFError) -> ResponseReturnValue:
    """The token is not this session's: often the second of two clicks, and the first has changed the session."""
    reason = "no-token" if "missing" in str(error.description) else "wrong-token"
    current_portal().form_refused(reason, current_caller())
    if request.endpoint == "entry.sign_out":
        return sign_out()  # whoever wants to leave must not stay; a forged form gains no more than that
    if page := _page_after_first_click():
        return redirect(url_for(page), 303)
    typed = {"identifier": _typed_identifier()}  # not request.form: that would bring the secret
    if request.endpoint == "entry.ask_key":
        return render_landing(forgotten=ForgottenForm(data=typed), refused=messages.ask_again()), 400
    return render_landing(SignInForm(data=typed), refused=messages.form_expired()), 400


def _page_after_first_click() -> str | None:
    """Where the first of two clicks led, as far as this session says that it succeeded."""
    portal = current_portal()
    now, minutes = portal.now(), portal.settings.web.session_minutes
    if request.endpoint == "password.change" and security.is_second_click() and security.read_done(now, minutes):
        return "password.done"
    # Only with the same login: on a shared computer nobody must find themselves in somebody else's session.
    login = security.visitor()
    is_theirs = login is not None and login.casefold() == _typed_identifier().strip().casefold()
    if request.endpoint == "entry.sign_in" and is_theirs and not security.has_expired(now, minutes):
        return "password.choose"
    return None


def _http_error(error: HTTPException) -> ResponseReturnValue:
    """Any other status, a fault of ours included; only its code is shown, and 405 keeps its Allow header."""
    code = error.code or InternalServerError.code
    headers = [header for header in error.get_headers() if header[0] != "Content-Type"]
    if code in _NOT_FROM_OUR_PAGES:
        current_portal().form_refused(f"http-{code}", current_caller())
    if code == InternalServerError.code:
        current_app.logger.error("%s: a fault of ours, see above", current_caller().request)
    return make_response(_problem(code), code, headers)


def _problem(code: int | None) -> str:
    """With the request's name in the logs for whoever asks for help about a fault of ours."""
    return render_template("problem.html", code=code, reference=current_caller().request)


def _typed_identifier() -> str:
    typed = request.form.get("identifier") or request.form.get("username", "")
    return typed[:IDENTIFIER_MAX]
