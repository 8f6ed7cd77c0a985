"""The rescue address: prove it by the code that was mailed to it, now or later; say that a change was not one's own."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connector.errors import CodeExpired, CodeRefused, NothingToProve, OppositionRefused, Throttled
from connector.model import Account, masked
from webui import messages, rescue_words, security
from webui.forms import MailedCodeForm, OppositionForm
from webui.messages import Told
from webui.pages import render_template
from webui.security import Visit
from webui.views import current_caller, current_portal, is_acceptable, refuse
from webui.views.password import arrive

blueprint = Blueprint("rescue", __name__)


@blueprint.get("/adresse")
def code() -> ResponseReturnValue:
    """Where the code is typed; who has nothing to prove goes on."""
    visit, account = arrive()
    if account.to_prove is None:
        return redirect(url_for("password.choose"), 303)
    return _code_page(visit, account, MailedCodeForm())


@blueprint.post("/adresse")
def prove() -> ResponseReturnValue:
    """The code; it ends the visit, as every other act does."""
    visit, account = arrive()
    form, portal = MailedCodeForm(request.form), current_portal()
    if not is_acceptable(form):
        return refuse(_code_page(visit, account, form))
    try:
        proved = portal.prove_rescue(visit.uid, visit.by, visit.mark, form.code.data, current_caller())
    except NothingToProve:
        flash(rescue_words.nothing_to_prove())
        return redirect(url_for("password.choose"), 303)
    except (CodeRefused, CodeExpired) as error:
        form.tell({"code": [rescue_words.code_refused(error)]})
        return refuse(_code_page(visit, account, form))
    former = messages.day_and_time(proved.former.until) if proved.former else ""
    security.keep_proved(masked(proved.address), former, portal.now())
    return redirect(url_for("password.done"), 303)


@blueprint.get("/adresse/code")
def come_back() -> ResponseReturnValue:
    """The address of a refused form, opened anew."""
    return redirect(url_for("rescue.code"), 303)


@blueprint.post("/adresse/code")
def ask() -> ResponseReturnValue:
    """A fresh code; the ones before are worth nothing any more."""
    visit, account = arrive()
    try:
        current_portal().ask_code(visit.uid, visit.by, visit.mark, current_caller())
    except NothingToProve:
        return redirect(url_for("password.choose"), 303)
    except Throttled as error:
        told = rescue_words.codes_throttled(error, current_caller().request)
        return refuse(_code_page(visit, account, MailedCodeForm(), told), error)
    flash(rescue_words.code_on_its_way())
    return redirect(url_for("rescue.code"), 303)


@blueprint.post("/adresse/plus-tard")
def later() -> ResponseReturnValue:
    """Whoever has just activated or changed something may stop here: the next sign-in asks again."""
    security.end_proof()
    return redirect(url_for("password.done"), 303)


@blueprint.get("/pas-moi")
def opposition() -> ResponseReturnValue:
    """*It was not me*: login and code, filled in from the mail's link by a script, typed without one."""
    return _opposition_page(OppositionForm())


@blueprint.post("/pas-moi")
def oppose() -> ResponseReturnValue:
    """The former address is put back; one refusal for everybody else."""
    form = OppositionForm(request.form)
    if not is_acceptable(form):
        return refuse(_opposition_page(form))
    try:
        restored = current_portal().freeze_rescue(form.identifier.data, form.code.data, current_caller())
    except OppositionRefused:
        return refuse(_opposition_page(form, rescue_words.opposition_refused()))
    except Throttled as error:
        return refuse(_opposition_page(form, rescue_words.opposition_throttled(error, current_caller().request)), error)
    security.end_visit()
    return render_template(
        "restored.html",
        identifier=form.identifier.data,
        address=masked(restored.address),
        until=messages.day_and_time(restored.frozen_until),
    )


def _code_page(visit: Visit, account: Account, form: MailedCodeForm, refused: Told | None = None) -> str:
    sent = account.rescue_code
    life = current_portal().code_life
    is_alive = sent is not None and sent.address == account.to_prove and sent.is_alive(current_portal().now(), life)
    return render_template(
        "rescue_code.html",
        form=form,
        refused=refused,
        visit=visit,
        account=account,
        done=security.facts_of_done(),
        until=messages.time_of_day(sent.issued + life) if sent and is_alive else "",
    )


def _opposition_page(form: OppositionForm, refused: Told | None = None) -> str:
    return render_template("not_me.html", form=form, refused=refused)
