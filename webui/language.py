"""In which language the reader is answered: the one chosen on the page, else the browser's, else French."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from babel.support import NullTranslations
from flask import Blueprint, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import Domain
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from connector import languages
from connector.settings.theme import Words
from webui.views import current_portal

TRANSLATIONS = Path(__file__).parent / "translations"
COOKIE = "language"  # holds two letters, nothing of anybody's
_KEPT = timedelta(days=365)

blueprint = Blueprint("language", __name__)


class Catalogues(Domain):  # type: ignore[misc]  # Flask-Babel has no types
    """Flask-Babel's, but for where it finds the sentences."""

    def get_translations(self) -> NullTranslations:
        """Those of the request's language."""
        return _catalogue()


def marked(message: str, **facts: object) -> Markup:
    """A template's ``_``: the sentence, with what is filled in escaped. Jinja's own does it at six times the cost."""
    return Markup(_catalogue().ugettext(message)) % facts  # noqa: S704 (the sentences are ours)


def _catalogue() -> NullTranslations:
    """Found once for all the sentences of a request."""
    if "catalogue" not in g:
        g.catalogue = languages.catalogue(TRANSLATIONS, selected())
    catalogue: NullTranslations = g.catalogue
    return catalogue


def selected() -> str:
    """The language of the request in hand."""
    if "language" not in g:
        chosen = request.cookies.get(cookie_name(), "")
        known = chosen in languages.LANGUAGES
        g.language = chosen if known else languages.choose(request.headers.get("Accept-Language"))
    language: str = g.language
    return language


def cookie_name() -> str:
    """As of the session's: where the site is https no neighbour under the same domain can plant one."""
    return f"__Host-{COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else COOKIE


def words() -> Words:
    """What the university says of itself, in that language."""
    return current_portal().theme.words(selected())


def foreign(name: str) -> Markup:
    """``lang`` for what the theme says in French alone, on a page that is not (WCAG 2.2 §3.1.2); else nothing."""
    tongue = current_portal().theme.tongue(selected(), name)
    return Markup("" if tongue == selected() else f' lang="{tongue}"')  # noqa: S704 (two letters of ours)


@blueprint.post("/langue")
def switch() -> ResponseReturnValue:
    """Remember the language chosen, in a cookie, and show the page again."""
    response = redirect(_page_left(), 303)
    chosen = request.form.get("language", "")
    if chosen in languages.LANGUAGES:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        response.set_cookie(cookie_name(), chosen, max_age=_KEPT, secure=secure, httponly=True, samesite="Lax")
    return response


def _page_left() -> str:
    """The page whose button was pressed, if it can be looked at; never another site's: only the path is read."""
    path = urlsplit(request.headers.get("Referer", "")).path
    try:
        endpoint, facts = current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return url_for("entry.landing")
    return url_for(endpoint, **facts)
