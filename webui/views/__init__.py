"""The routes: each reads a form, makes one call of the portal, and shows a page or redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, g, request
from flask.typing import ResponseReturnValue

from connector.errors import MonCompteError, Throttled
from connector.model import Caller
from webui import tracing
from webui.forms import IDENTIFIER_MAX, PortalForm

if TYPE_CHECKING:
    from connector.portal import Portal

PORTAL = "moncompte"  # its key in ``app.extensions``
LOGIN = "login"  # category of the flashed login that the landing page puts back into its form
REFUSED = 422  # a form that was understood and not accepted; the same for every reason
TOO_MANY = 429  # RFC 6585 §4


def current_portal() -> Portal:
    """The portal that ``create_app`` was given."""
    return cast("Portal", current_app.extensions[PORTAL])


def current_caller() -> Caller:
    """Whoever sent the request in hand, the same for as long as it lasts."""
    if "caller" not in g:
        portal = current_portal()
        name = tracing.named_by_proxy(request.headers.get(tracing.HEADER, ""), portal.settings.web.proxies)
        g.caller = portal.caller_from(request.remote_addr or "", name)
    return cast("Caller", g.caller)


def is_for_a_script() -> bool:
    """Whether a script of ours asked, which reads a status and JSON but no page."""
    wanted = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return request.endpoint == "password.strength" or wanted == "application/json"


def typed_identifier() -> str:
    """Whom the form in hand is about, as it was typed, or written in it by us; within bounds."""
    typed = request.form.get("identifier") or request.form.get("username", "")
    return typed[:IDENTIFIER_MAX]


def is_acceptable(form: PortalForm) -> bool:
    """Whether the form is complete and within its bounds; what was not typed in our pages is audited."""
    if form.is_overlong:
        current_portal().form_refused("too-long", current_caller())
    return bool(form.validate())


def refuse(page: str, error: MonCompteError | None = None) -> ResponseReturnValue:
    """The form again, with what is wrong with it; for too many tries, when the next one counts (RFC 9110 §10.2.3)."""
    if isinstance(error, Throttled):
        return page, TOO_MANY, {"Retry-After": str(error.retry_after)}
    return page, REFUSED
