"""The pages of Mon compte: HTTP, HTML and French around ``connector.portal``, and nothing else.

``views`` turn requests into calls of the portal, ``forms`` bound what is typed, ``messages`` turn errors into French,
``security`` keeps the headers and the session. No file here knows LDAP or SMTP.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask
from flask_babel import Babel
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from webui import messages, security
from webui.views import PORTAL, entry, password, problems, wellknown

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from connector.portal import Portal


def create_app(portal: Portal) -> Flask:
    """The WSGI application over one portal; it keeps no state of its own, so run as many as you like."""
    app = Flask(__name__)
    app.debug = False  # FLASK_DEBUG in the environment would take our error pages away, headers and all
    app.extensions[PORTAL] = portal
    app.wsgi_app = _under_its_own_name(app.wsgi_app, portal.settings.web.portal_url)  # type: ignore[assignment,method-assign]
    # The address of whoever calls is what the nearest so many proxies wrote; whatever was there before is hearsay.
    app.wsgi_app = ProxyFix(app.wsgi_app, portal.settings.web.proxies, 0, 0, 0, 0)  # type: ignore[method-assign]
    security.configure(app, portal.settings.web)
    CSRFProtect(app)
    Babel(app, locale_selector=select_locale, default_timezone=portal.settings.web.timezone)
    app.register_blueprint(entry.blueprint)
    app.register_blueprint(password.blueprint)
    app.register_blueprint(wellknown.blueprint)
    problems.register(app)
    app.context_processor(lambda: {"web": portal.settings.web, "select_locale": select_locale})
    app.jinja_env.globals.update(masked=messages.masked)
    return app


def _under_its_own_name(application: WSGIApplication, portal_url: str) -> WSGIApplication:
    """The portal has one address: what a request or a proxy claims in ``Host`` decides nothing, and breaks nothing."""
    host = urlsplit(portal_url).netloc

    def named(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return application({**environ, "HTTP_HOST": host}, start_response)

    return named


def select_locale() -> str:
    """The language of the pages; the sentences in the source are French, the only one we speak so far."""
    return "fr"
