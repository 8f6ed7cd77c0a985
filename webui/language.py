"""What the theme says in the reader's language, and the button that chooses another one."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from connector import languages
from connector.settings.theme import Words
from webui.views import current_portal
from webui.wording import cookie_name, selected

_KEPT = timedelta(days=365)

blueprint = Blueprint("language", __name__)


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
