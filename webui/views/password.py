"""Behind the door: choose or change the password and the rescue address; the meter; the page after."""

from __future__ import annotations

from flask import Blueprint, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connector.errors import ChangeRefused, CharterDue, MonCompteError, NothingToChange, ProofRefused, Throttled
from connector.model import Account, By, Done, Reason, Strength, masked
from connector.passwords import Verdict, allowed_punctuation
from connector.rescue import suggestion
from webui import messages, rescue_words, rules, security
from webui.forms import ChangeForm, NewPasswordForm, PortalForm
from webui.messages import Told
from webui.pages import render_template
from webui.security import Visit
from webui.views import current_caller, current_portal, is_acceptable, refuse

blueprint = Blueprint("password", __name__)

FORMS: dict[By, type[PortalForm]] = {By.KEY: NewPasswordForm, By.PASSWORD: ChangeForm}


@blueprint.get("/mot-de-passe")
def choose() -> ResponseReturnValue:
    """The form, worded for how the session was opened."""
    visit, account = arrive()
    return render(visit, account, FORMS[visit.by]())


@blueprint.post("/mot-de-passe")
def change() -> ResponseReturnValue:
    """One act; or the form again, with everything that is wrong with it at once."""
    visit, account = arrive()
    form = FORMS[visit.by](request.form)
    error: MonCompteError | None = None
    form["rescue"].data = form["corrected"].data or form["rescue"].data
    doubt = _doubt(form)
    if is_acceptable(form) and not doubt:
        try:
            done = _act(visit, account, form)
            security.keep_done(done, masked(form["rescue"].data or ""), current_portal().now())
            return redirect(url_for("rescue.code" if done.code_address and done.proof else "password.done"), 303)
        except (ChangeRefused, ProofRefused, NothingToChange, Throttled) as refused:
            error = refused
    if doubt:
        form.tell({"rescue": [rescue_words.did_you_mean(doubt)]})
    _tell_all(form, visit, account, error)
    told = messages.change_throttled(error, current_caller().request) if isinstance(error, Throttled) else None
    return refuse(render(visit, account, form, told, doubt), error)


@blueprint.post("/force")
def strength() -> ResponseReturnValue:
    """The meter: the very verdict that decides at the end, as JSON."""
    visit, account = arrive()
    portal, form = current_portal(), FORMS[visit.by](request.form)
    typed = (form[name].data or "" for name in ("password", "rescue"))
    try:
        verdict = portal.judge_password(account, *typed)
    except Throttled as error:
        return refuse("", error)
    shown = _shown_strength(verdict)
    return jsonify(
        strength=shown,
        label=rules.strength_label(shown),
        refusals=rules.refusals(verdict.refusals),
        met=_kept_rules({item.reason for item in verdict.refusals}),
        suggestion=suggestion(form["rescue"].data or "") or "",
    )


@blueprint.get("/fait")
def done() -> ResponseReturnValue:
    """What was done, and where to go next."""
    portal = current_portal()
    facts = security.read_done(portal.now(), portal.settings.web.session_minutes)
    if facts is None:
        return redirect(url_for("entry.landing"), 303)
    return render_template("done.html", **facts)


def _shown_strength(verdict: Verdict) -> Strength | None:
    """None where the meter would praise what is refused."""
    return None if verdict.refusals and verdict.strength > Strength.WEAK else verdict.strength


def _kept_rules(broken: set[Reason]) -> list[str]:
    """The rules to tick. Of a password that is too long nothing else was judged, so none."""
    demanded = current_portal().policy.rules()
    return [] if Reason.TOO_LONG in broken else [item.reason.value for item in demanded if item.reason not in broken]


def identify() -> tuple[Visit, Account]:
    """The session and the account it stands for, read afresh; raises SessionStale."""
    portal = current_portal()
    visit = security.current_visit(portal.now(), portal.settings.web.session_minutes)
    return visit, portal.revisit(visit.uid, visit.by, visit.mark, current_caller())


def arrive() -> tuple[Visit, Account]:
    """The same, of somebody who may go on: raises CharterDue until the charter's present version is accepted."""
    visit, account = identify()
    if not account.has_accepted(current_portal().settings.charter.version):
        raise CharterDue
    return visit, account


def _act(visit: Visit, account: Account, form: PortalForm) -> Done:
    portal, caller = current_portal(), current_caller()
    password, rescue = form["password"].data or None, form["rescue"].data or None
    if visit.by is By.KEY:
        return portal.redeem_key(visit.uid, visit.mark, password or "", rescue, caller)
    current = form["current_password"].data
    return portal.change(visit.uid, visit.mark, current, password, rescue, caller, seen=account)


def _doubt(form: PortalForm) -> str:
    """The address that was probably meant, unless the one typed was asked about already, or is no address."""
    typed = form["rescue"].data or ""
    return "" if not typed or typed == form["meant"].data else suggestion(typed) or ""


def _tell_all(form: PortalForm, visit: Visit, account: Account, error: MonCompteError | None) -> None:
    """Put every refusal on its field. ChangeRefused is complete, Throttled enough; else the judge was not heard yet."""
    if error:
        form.tell(messages.field_problems(error))
    if isinstance(error, ChangeRefused | Throttled):
        return
    password, rescue = (None if form[name].errors else form[name].data or None for name in ("password", "rescue"))
    try:
        current_portal().judge_choice(account, visit.by, password, rescue)
    except ChangeRefused as refused:
        form.tell(messages.field_problems(refused))
    except Throttled:
        pass  # what is known already has to do


def render(visit: Visit, account: Account, form: PortalForm, refused: Told | None = None, doubt: str = "") -> str:
    """The page behind the door; ``refused`` is for the alert on top, ``doubt`` the address that was probably meant.

    Secrets are never put back into the form."""
    demanded = current_portal().policy.rules()
    return render_template(
        "password.html",
        news=rescue_words.news(account, visit.by, current_portal().now()),
        form=form,
        refused=refused,
        visit=visit,
        account=account,
        by_key=visit.by is By.KEY,
        doubt=doubt,
        rules=[(item.reason.value, rules.rule(item)) for item in demanded],
        rules_in_short=rules.in_short(demanded),
        punctuation=allowed_punctuation(),
    )
