"""The routes: each reads a form, makes one call of the portal, and shows a page or redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from connector.portal import Portal

PORTAL = "moncompte"  # its key in ``app.extensions``
LOGIN = "login"  # category of the flashed login that the landing page puts back into its form
REFUSED = 422  # a form that was understood and not accepted; the same for every reason


def current_portal() -> Portal:
    """The portal that ``create_app`` was given."""
    return cast("Portal", current_app.extensions[PORTAL])
