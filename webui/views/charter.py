"""The charter, met before the page behind the door by whoever has not accepted its present version."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connector.model import Account
from webui import messages
from webui.forms import CharterForm
from webui.messages import Told
from webui.pages import render_template
from webui.security import Visit
from webui.views import current_caller, current_portal, is_acceptable, refuse
from webui.views.password import identify
from webui.wording import _, day

blueprint = Blueprint("charter", __name__)


@blueprint.get("/charte")
def read() -> ResponseReturnValue:
    """What is to be accepted, and where it is read; whoever has done so goes on."""
    visit, account = identify()
    if _is_accepted(account):
        return redirect(url_for("password.choose"), 303)
    return _page(visit, account, CharterForm())


@blueprint.post("/charte")
def accept() -> ResponseReturnValue:
    """Accepted, if it is the present version that they saw: another may be in force since the page was opened."""
    visit, account = identify()
    form = CharterForm(request.form)
    if not _is_accepted(account):
        if form.version.data != current_portal().settings.charter.version:
            return refuse(_page(visit, account, CharterForm(), messages.charter_changed()))
        if not is_acceptable(form):
            return refuse(_page(visit, account, form))
        current_portal().accept_charter(visit.uid, visit.by, visit.mark, current_caller())
    return redirect(url_for("password.choose"), 303)


def _is_accepted(account: Account) -> bool:
    return account.has_accepted(current_portal().settings.charter.version)


def _page(visit: Visit, account: Account, form: CharterForm, refused: Told | None = None) -> str:
    before = account.accepted
    return render_template(
        "charter.html",
        form=form,
        refused=refused,
        visit=visit,
        account=account,
        charter=current_portal().settings.charter,
        before=before,
        before_on=day(before.at, _("d MMMM y")) if before else "",
    )
