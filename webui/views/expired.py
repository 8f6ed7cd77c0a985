"""A form whose CSRF token is not the session's: often an old page, or the second of two clicks; now and then a forgery.

Whoever sent it goes on with what they typed, except secrets. Nothing is done for them, and what another site may have
written in their name is not put before them: a rescue address comes back only into a page that asked for it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from connector.errors import CharterDue, DirectoryError, SessionStale
from webui import language, messages, security
from webui.forms import SignInForm
from webui.pages import render_template
from webui.views import current_caller, current_portal, is_for_a_script, typed_identifier
from webui.views.entry import sign_out
from webui.views.password import FORMS, arrive, render

FORBIDDEN = 403
AGAIN = "again"  # field of the forms on this page: who sends it has been here
_HARMLESS = {  # done all the same: whoever forges them gains nothing, and nobody must be stuck
    "entry.sign_out": sign_out,  # whoever wants to leave must not stay
    "language.switch": language.switch,
}
_BEHIND_THE_DOOR = {"password.change", "stay.extend"}


def form_expired(error: CSRFError) -> ResponseReturnValue:
    """What was wanted, if that is harmless; where the first of two clicks led; else the way on."""
    reason = "no-token" if "missing" in str(error.description) else "wrong-token"
    current_portal().form_refused(reason, current_caller())
    if act := _HARMLESS.get(request.endpoint or ""):
        return act()
    if is_for_a_script():
        return "", FORBIDDEN
    if page := _page_after_first_click():
        return redirect(url_for(page), 303)
    try:
        return _form_again() or _way_on(), FORBIDDEN
    except (DirectoryError, CharterDue) as fault:  # Flask looks for no handler of what a handler raises
        return current_app.handle_user_exception(fault)


def _page_after_first_click() -> str | None:
    """Where the first of two clicks led, as far as the session or the directory says that it succeeded."""
    portal = current_portal()
    now, minutes = portal.now(), portal.settings.web.session_minutes
    if request.endpoint == "password.change" and security.is_second_click() and security.read_done(now, minutes):
        return "password.done"
    if request.endpoint == "charter.accept":
        return "charter.read"  # which knows whether it was accepted, and by whom
    if request.endpoint == "entry.sign_in" and _is_theirs() and not security.has_expired(now, minutes):
        return "password.choose"
    return None


def _form_again() -> str | None:
    """The form behind the door with the rescue address typed; None where no session of theirs goes on."""
    if request.endpoint not in _BEHIND_THE_DOOR or not _is_theirs():
        return None
    try:
        visit, account = arrive()
    except SessionStale:
        return None
    form = FORMS[visit.by](data={"rescue": request.form.get("rescue") if is_from_our_page() else None})
    return render(visit, account, form, messages.change_expired())


def _way_on() -> str:
    """One button that asks for the key, or the sign-in form; with the identifier typed, and no secret."""
    asks = request.endpoint == "entry.ask_key"
    identifier = typed_identifier()
    told = messages.ask_expired() if asks else messages.form_expired()
    return render_template(
        "expired.html",
        told=messages.cookies_refused() if _are_cookies_refused() else told,
        asks=asks,
        identifier=identifier,
        sign_in=SignInForm(data={"identifier": identifier}),
        again=AGAIN,
        reference=current_caller().request,
    )


def _are_cookies_refused() -> bool:
    """Whether this page was here before, gave a cookie, and the browser brought none back."""
    return AGAIN in request.form and current_app.config["SESSION_COOKIE_NAME"] not in request.cookies


def _is_theirs() -> bool:
    """Whether the session is of the login typed: on a shared computer nobody must end up in somebody else's."""
    login = security.visitor()
    return login is not None and login.casefold() == typed_identifier().strip().casefold()


def is_from_our_page() -> bool:
    """Whether the browser says so (RFC 6454 §7): a neighbour's page must not suggest where keys should be mailed."""
    ours = urlsplit(current_portal().settings.web.portal_url)
    return request.origin == f"{ours.scheme}://{ours.netloc}"
