"""What programs look for: where one changes the password, whom to tell about a weakness."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, abort, redirect, url_for
from flask.typing import ResponseReturnValue

from webui.views import current_portal

blueprint = Blueprint("wellknown", __name__, url_prefix="/.well-known")

_GOOD_FOR = timedelta(days=180)  # RFC 9116 §2.5.5: less than a year


@blueprint.get("/change-password")
def change_password() -> ResponseReturnValue:
    """For password managers (W3C, A Well-Known URL for Changing Passwords)."""
    return redirect(url_for("password.choose"), 303)


@blueprint.get("/security.txt")
def security_txt() -> ResponseReturnValue:
    """Whom to tell (RFC 9116), where the settings say it."""
    portal = current_portal()
    web = portal.settings.web
    if not web.security_contact:
        abort(404)
    lines = [
        f"Contact: {web.security_contact}",
        f"Expires: {portal.now() + _GOOD_FOR:%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: fr, en",
        f"Canonical: {url_for('.security_txt', _external=True)}",
    ]
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
