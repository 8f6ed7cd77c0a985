"""What readers are owed beside the service itself: help, the privacy notice, the accessibility statement.

Nobody signs in for them and no directory is asked, so they open in an outage too. Whatever differs from one university
to the next comes from the theme and the settings.
"""

from __future__ import annotations

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from connector.passwords import allowed_punctuation
from connector.settings.theme import Accessibility
from webui import messages, rules
from webui.pages import render_template
from webui.views import current_portal
from webui.wording import _, cookie_name

blueprint = Blueprint("about", __name__)


@blueprint.get("/aide")
def help_page() -> ResponseReturnValue:
    """The ten questions that students really ask; each has an id, so that desk and mails can link to it."""
    portal = current_portal()
    return render_template(
        "help.html",
        keys=portal.settings.keys,
        rules=[rules.rule(item) for item in portal.policy.rules()],
        punctuation=allowed_punctuation(),
        takes_student_number=portal.settings.identifiers.student_number,
    )


@blueprint.get("/confidentialite")
def privacy() -> ResponseReturnValue:
    """What the GDPR, articles 13 and 14, has us say."""
    settings = current_portal().settings
    return render_template(
        "privacy.html",
        keys=settings.keys,
        session_minutes=settings.web.session_minutes,
        session_cookie=current_app.config["SESSION_COOKIE_NAME"],
        language_cookie=cookie_name(),
        asks_charter=bool(settings.charter.version),
    )


@blueprint.get("/accessibilite")
def accessibility() -> ResponseReturnValue:
    """The statement, in the order and with the parts of the RGAA's model."""
    portal = current_portal()
    audit = portal.theme.accessibility
    return render_template(
        "accessibility.html",
        audit=audit,
        is_audited=audit != Accessibility(),
        audited=_day(audit.audited),
        address=portal.settings.web.portal_url,
    )


@blueprint.app_template_global()
def accessibility_label() -> str:
    """What every page has to say, in these very words (RGAA 4.1.2, legal obligations)."""
    return {
        "none": _("Accessibilité : non conforme"),
        "partial": _("Accessibilité : partiellement conforme"),
        "full": _("Accessibilité : totalement conforme"),
    }[current_portal().theme.accessibility.conformity]


def _day(written: str) -> str:
    """A date of the theme as the reader's language writes it; empty where there is none."""
    return messages.day(written) if written else ""
