"""Which host answers with which pages, where the help desk has one of its own ([desk] url).

There the desk's pages answer and no student's; everywhere else it is the other way round. So a proxy, a firewall or a
certificate can keep the desk to the university's own network.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connector.settings import Settings

DESK = "/guichet"  # in front of every address of the desk's
_EVERYWHERE = {"assets", "language"}
_HOST = "MONCOMPTE_DESK_HOST"  # the host kept for the desk, in ``app.config``; empty where it shares the students'
_PORTAL = "MONCOMPTE_PORTAL_URL"


def configure(app: Flask, settings: Settings) -> None:
    """Check the host of every request, before anything else is asked of it."""
    portal, desk = settings.web.portal_url, settings.desk.url if settings.desk.is_open else ""
    app.config[_HOST] = host_of(desk) if desk and host_of(desk) != host_of(portal) else ""
    app.config[_PORTAL] = portal
    if app.config[_HOST]:
        app.before_request(_only_here)


def ours(settings: Settings) -> list[str]:
    """The hosts that we answer as, the students' first."""
    urls = [settings.web.portal_url, settings.desk.url if settings.desk.is_open else ""]
    return [host_of(url) for url in urls if url]


def host_of(url: str) -> str:
    """The host of one of our addresses, as ``tidy``."""
    return tidy(urlsplit(url).netloc)


def tidy(host: str) -> str:
    """The host as most browsers send it: in small letters, without the port that goes without saying."""
    return host.lower().removesuffix(":443").removesuffix(":80")


def portal_page(endpoint: str) -> str:
    """The address of a student's page, on the students' host where that is another."""
    away = current_app.config[_PORTAL].rstrip("/") if _is_at_desk() else ""
    return away + url_for(endpoint)


def _is_at_desk() -> bool:
    return bool(current_app.config[_HOST]) and request.host == current_app.config[_HOST]


def _only_here() -> ResponseReturnValue | None:
    """No page of one host on the other; from the desk's front page straight to the desk."""
    if request.blueprint in _EVERYWHERE:
        return None
    if _is_at_desk() and request.endpoint == "entry.landing":
        return redirect(url_for("desk.home"), 303)
    if (request.path == DESK or request.path.startswith(f"{DESK}/")) is not _is_at_desk():
        abort(404)
    return None
