"""The front door: sign in with a password or a key, or ask for a fresh key."""

from __future__ import annotations

from flask import (
    Blueprint,
    current_app,
    flash,
    g,
    get_flashed_messages,
    redirect,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from connector.errors import DirectoryError, SessionStale, SignInRefused, Throttled
from webui import language, messages, security
from webui.forms import ForgottenForm, SignInForm
from webui.messages import Told
from webui.pages import render_template
from webui.views import LOGIN, current_caller, current_portal, is_acceptable, refuse
from webui.wording import selected

blueprint = Blueprint("entry", __name__)

_TOKENS_PLACE = "the-token-of-this-form"


@blueprint.get("/")
def landing() -> ResponseReturnValue:
    """*Mon compte*; with their login for somebody whose session ended."""
    if set(session) <= {"csrf_token"}:
        return _for_a_stranger()
    known = get_flashed_messages(category_filter=[LOGIN])
    return render_landing(SignInForm(data={"identifier": known[0]}) if known else None)


@blueprint.get("/connexion")
@blueprint.get("/oubli")
def start_again() -> ResponseReturnValue:
    """The address of a refused form, opened anew."""
    return redirect(url_for("entry.landing"), 303)


@blueprint.post("/connexion")
def sign_in() -> ResponseReturnValue:
    """The one box; a refusal is the same page whoever is refused."""
    form = SignInForm(request.form)
    if not is_acceptable(form):
        return refuse(render_landing(sign_in=form))
    portal = current_portal()
    _end_session()  # whoever's it is: nobody stays in their neighbour's, and no copy outlives it
    try:
        proof = portal.sign_in(form.identifier.data, form.secret.data, current_caller())
    except SignInRefused as error:
        return refuse(render_landing(form, refused=messages.sign_in_refused(error, language.words().desk)))
    except Throttled as error:
        return refuse(render_landing(form, refused=messages.sign_in_throttled(error, current_caller().request)), error)
    security.open_session(proof, portal.now())
    return redirect(url_for("password.choose"), 303)


@blueprint.post("/oubli")
def ask_key() -> ResponseReturnValue:
    """*Mot de passe oublié*: one answer for everyone, before, during and after the mail."""
    form = ForgottenForm(request.form)
    if not is_acceptable(form):
        return refuse(render_landing(forgotten=form))
    try:
        current_portal().request_key(form.identifier.data, current_caller())
    except Throttled as error:
        return refuse(
            render_landing(forgotten=form, refused=messages.ask_throttled(error, current_caller().request)), error
        )
    return redirect(url_for("entry.key_sent"), 303)


@blueprint.get("/oubli/envoye")
def key_sent() -> ResponseReturnValue:
    """The page after; it knows nothing of who asked."""
    return render_template("sent.html", keys=current_portal().settings.keys)


@blueprint.post("/deconnexion")
def sign_out() -> ResponseReturnValue:
    """End the session, in the directory for every copy of the cookie, and here whatever the directory says."""
    _end_session()
    security.close_session()
    flash(messages.signed_out())
    response = redirect(url_for("entry.landing"), 303)
    response.headers["Clear-Site-Data"] = '"cache"'  # pages that the back button would show
    return response


def _end_session() -> None:
    """End it in the directory, for every copy of the cookie, as far as that answers; and here."""
    portal = current_portal()
    try:
        visit = security.current_visit(portal.now(), portal.settings.web.session_minutes)
        portal.sign_out(visit.uid, visit.by, visit.mark, current_caller())
    except SessionStale:
        pass  # none, or over already
    except DirectoryError as error:
        current_app.logger.warning("a session could only be ended in its own browser: %s", error)
    security.end_visit()


def _for_a_stranger() -> str:
    """The page of whoever comes for the first time: written once in each language, but for the forms' token."""
    pages: dict[str, str] = current_app.extensions.setdefault("moncompte.landing", {})
    spoken = selected()
    if spoken not in pages:
        g.csrf_token = _TOKENS_PLACE
        pages[spoken] = render_landing()
        del g.csrf_token
    return pages[spoken].replace(_TOKENS_PLACE, generate_csrf())


def render_landing(
    sign_in: SignInForm | None = None, forgotten: ForgottenForm | None = None, refused: Told | None = None
) -> str:
    """The landing page; ``refused`` is for the alert on top. Secrets are never put back into the form."""
    return render_template(
        "landing.html",
        sign_in=sign_in or SignInForm(),
        forgotten=forgotten or ForgottenForm(),
        refused=refused,
        takes_student_number=current_portal().settings.identifiers.student_number,
    )
