"""Errors become pages, each in the design; what people may read about them is in ``messages`` and the templates."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from connector.errors import CharterDue, DirectoryMisconfigured, DirectoryUnavailable, KeyDead, SessionStale, Throttled
from webui import messages, security
from webui.messages import Told
from webui.pages import render_template
from webui.views import LOGIN, TOO_MANY, current_caller, current_portal, is_for_a_script, refuse, typed_identifier
from webui.views.expired import FORBIDDEN, form_expired

RETRY_AFTER_SECONDS = 120
BROKEN = InternalServerError.code
UNAVAILABLE = 503
_NOT_FROM_OUR_PAGES = {400, 413}


def register(app: Flask) -> None:
    """Give every error its page."""
    app.register_error_handler(SessionStale, _session_stale)
    app.register_error_handler(CharterDue, _charter_due)
    app.register_error_handler(KeyDead, _key_dead)
    app.register_error_handler(DirectoryUnavailable, _directory_unavailable)
    app.register_error_handler(DirectoryMisconfigured, _directory_misconfigured)
    app.register_error_handler(Throttled, _throttled)
    app.register_error_handler(CSRFError, form_expired)
    app.register_error_handler(HTTPException, _http_error)


def _session_stale(_error: SessionStale) -> ResponseReturnValue:
    """Back to the front, with the reason and the login; a script is told by the status alone."""
    if is_for_a_script():
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


def _charter_due(_error: CharterDue) -> ResponseReturnValue:
    """To the charter, whatever was asked for; a script is told by the status alone."""
    return ("", FORBIDDEN) if is_for_a_script() else redirect(url_for("charter.read"), 303)


def _key_dead(error: KeyDead) -> ResponseReturnValue:
    told = messages.key_dead(error)
    identifier = typed_identifier() or security.visitor()  # typed first: the session may be somebody else's
    security.end_visit()
    return refuse(render_template("key_dead.html", title=told.title, explanation=told.advice, identifier=identifier))


def _directory_unavailable(error: DirectoryUnavailable) -> ResponseReturnValue:
    current_app.logger.warning("the directory is unavailable: %s", error)
    return _problem(UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def _directory_misconfigured(error: DirectoryMisconfigured) -> ResponseReturnValue:
    """A line with the remedy for the sysadmin, where a traceback would hide it."""
    current_app.logger.error("%s", error)
    return _problem(BROKEN)


def _throttled(error: Throttled) -> ResponseReturnValue:
    """Where no form is there to say so."""
    return _problem(TOO_MANY, {"Retry-After": str(error.retry_after)}, messages.throttled(error))


def _http_error(error: HTTPException) -> ResponseReturnValue:
    """Any other status, a fault of ours included; only its code is shown, and 405 keeps its Allow header."""
    code = error.code or BROKEN
    if code in _NOT_FROM_OUR_PAGES:
        current_portal().form_refused(f"http-{code}", current_caller())
    elif code == BROKEN:
        current_app.logger.error("a fault of ours, see above")
    else:  # without the address, where somebody may have typed a key
        current_app.logger.info("answered %d", code)
    return _problem(code, {name: value for name, value in error.get_headers() if name != "Content-Type"})


def _problem(code: int, headers: Mapping[str, str] | None = None, told: Told | None = None) -> ResponseReturnValue:
    """The page with the request's name in the logs, for whoever asks for help; a script gets no page."""
    reference = current_caller().request
    page = "" if is_for_a_script() else render_template("problem.html", code=code, told=told, reference=reference)
    return page, code, headers or {}
