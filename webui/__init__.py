"""The pages of Mon compte: HTTP, HTML and sentences around ``connector.portal``, and nothing else.

``views`` turn requests into calls of the portal, ``forms`` bound what is typed, ``messages`` turn errors into
sentences, ``wording`` says in which language, ``assets`` bring stylesheet, scripts and logo, ``security`` keeps the
headers and the session. No file here knows LDAP or SMTP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask
from flask_wtf import CSRFProtect

from webui import assets, hosts, language, pages, security, tracing, wording
from webui.views import (
    PORTAL,
    about,
    assistance,
    charter,
    current_caller,
    desk,
    entry,
    password,
    problems,
    rescue,
    stay,
    wellknown,
)
from webui.views.desk import door, people, requests  # noqa: F401 (they add their routes)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from connector.portal import Portal
    from connector.settings import Settings


_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")  # as some proxies write it


class _Application(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: nothing here is asynchronous, and Flask would look anew at each call of each request."""
        return func


def create_app(portal: Portal) -> Flask:
    """The WSGI application over one portal; it keeps no state of its own, so run as many as you like."""
    app = _Application(__name__, static_folder=None)
    app.debug = False  # FLASK_DEBUG in the environment would take our error pages away, headers and all
    app.extensions[PORTAL] = portal
    app.extensions[assets.EXTENSION] = assets.load(portal.theme)
    app.wsgi_app = _as_it_is(app.wsgi_app, portal.settings)  # type: ignore[assignment,method-assign]
    tracing.configure(app, current_caller)
    security.configure(app, portal.settings.web)
    hosts.configure(app, portal.settings)
    CSRFProtect(app)
    app.config[wording.ZONE] = portal.settings.web.timezone
    app.register_blueprint(entry.blueprint)
    app.register_blueprint(password.blueprint)
    app.register_blueprint(about.blueprint)
    app.register_blueprint(rescue.blueprint)
    app.register_blueprint(stay.blueprint)
    if portal.settings.assistance.mailbox:
        app.register_blueprint(assistance.blueprint)
    app.register_blueprint(charter.blueprint)
    app.register_blueprint(wellknown.blueprint)
    app.register_blueprint(assets.blueprint)
    app.register_blueprint(language.blueprint)
    if portal.settings.desk.is_open:
        app.register_blueprint(desk.blueprint)
    problems.register(app)
    pages.configure(app, portal.theme)
    return app


def _as_it_is(application: WSGIApplication, settings: Settings) -> WSGIApplication:
    """What a request claims about us and about itself, set right before anything reads it.

    The portal has one address, and the desk may have another: any other ``Host`` is the portal's, and breaks nothing.
    Whoever calls is what the nearest so many proxies wrote; what was there before is hearsay. A ``Referer`` that is no
    address is none.
    """
    ours, proxies = hosts.ours(settings), settings.web.proxies

    def application_as_it_is(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        said = environ.get("HTTP_X_FORWARDED_FOR", "")
        host = hosts.tidy(environ.get("HTTP_HOST", ""))
        true = {
            "HTTP_HOST": host if host in ours else ours[0],
            "REMOTE_ADDR": _caller(said, proxies) or environ.get("REMOTE_ADDR", ""),
        }
        if not _is_address(environ.get("HTTP_REFERER", "")):
            true["HTTP_REFERER"] = ""
        return application({**environ, **true}, start_response)

    return application_as_it_is


def _caller(forwarded_for: str, proxies: int) -> str:
    """The address that the farthest of our proxies was called from; empty where there are none, or fewer.

    Split at commas and nothing else: werkzeug's ProxyFix reads quotation marks too, and a caller who sends half of one
    swallows what the proxy adds.
    """
    addresses = forwarded_for.split(",")
    address = addresses[-proxies].strip() if 0 < proxies <= len(addresses) else ""
    with_port = _WITH_PORT.fullmatch(address)
    return (with_port[1] or with_port[2]) if with_port else address


def _is_address(text: str) -> bool:
    try:
        _ = urlsplit(text).port
    except ValueError:
        return False
    return True
