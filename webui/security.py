"""Response headers, cookie settings, and the session, which only this file and ``desk_session`` read or write.

The session is Flask's signed cookie. It holds what was proved and when (``uid``, ``by``, ``mark``, ``opened``), and no
password or key; ``mark`` is checked against the directory at every request, so a cookie dies with the password.
``opened`` moves on when somebody asks for more time, which ``extended`` counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf
from itsdangerous import Signer, URLSafeTimedSerializer

from connector.errors import SessionStale
from connector.model import By, Done, Proof

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from connector.settings import Web

BODY_BYTES = 64 * 1024
_WORTH_EXTENDING = timedelta(minutes=1)
FORM_PARTS = 20
EXTENSIONS = 10  # of one session: WCAG 2.2 §2.2.1 asks for as many, and a stolen cookie must not live for ever

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Not no-referrer: on https Flask-WTF compares the Referer with our own origin, against login CSRF.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000; includeSubDomains"  # one year; only where cookies are Secure: where the site is https


class _Sessions(SecureCookieSessionInterface):
    """Flask's, but for its SHA-1; what signs is made once, since the secrets stay as they are."""

    _signing: URLSafeTimedSerializer | None = None

    @staticmethod
    def digest_method(string: bytes = b"") -> Any:
        return hashlib.sha256(string)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        self._signing = self._signing or super().get_signing_serializer(app)
        return self._signing


@dataclass(frozen=True, slots=True)
class Visit:
    """What the session says was proved; true only once ``portal.revisit`` agrees.

    It ends at ``until``, unless extended; ``extensions`` says how often it still can be.
    """

    uid: str
    by: By
    mark: str
    until: datetime
    extensions: int


def configure(app: Flask, web: Web) -> None:
    """Bound the requests, set the cookie's attributes, put the headers on every answer."""
    secure = web.secure_cookies
    newest, *older = web.secret_keys
    app.config.update(
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        WTF_CSRF_SECRET_KEY=[*reversed(older), newest],  # itsdangerous: the last one signs
        # The __Host- prefix keeps a neighbour under the same domain from planting a session of its own.
        SESSION_COOKIE_NAME="__Host-moncompte" if secure else "moncompte",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=None,  # the token lives and dies with the session; a page left open overnight still works
        MAX_CONTENT_LENGTH=BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES,
        MAX_FORM_PARTS=FORM_PARTS,
    )
    app.session_interface = _Sessions()
    Signer.default_digest_method = staticmethod(hashlib.sha256)  # of forms' tokens: Flask-WTF lets nobody choose
    app.after_request(_not_kept)
    app.wsgi_app = _always(app.wsgi_app, list(headers(secure).items()))  # type: ignore[assignment,method-assign]


def headers(secure: bool) -> dict[str, str]:
    """What every answer carries; ``secure`` where the site is https."""
    return HEADERS | ({"Strict-Transport-Security": HSTS} if secure else {})


def open_session(proof: Proof, now: datetime) -> None:
    """Remember what was proved, in a session that starts empty (against session fixation)."""
    session.clear()
    session.update(uid=proof.account.uid, by=proof.by.value, mark=proof.mark, opened=int(now.timestamp()))
    generate_csrf()  # now, in the same cookie: or the next page would have to set it once more


def current_visit(now: datetime, minutes: int) -> Visit:
    """What the session proved; raises SessionStale when there is none or it is older than ``minutes``."""
    if "mark" not in session or not _is_young(now, minutes):
        raise SessionStale
    until = _opened() + timedelta(minutes=minutes)
    return Visit(session["uid"], By(session["by"]), session["mark"], until, EXTENSIONS - session.get("extended", 0))


def extend_session(visit: Visit, now: datetime, minutes: int) -> Visit:
    """The visit with its ``minutes`` begun anew; as it is, once it was extended often enough, or a moment ago.

    The count is signed with the rest: every copy of the cookie has only what is left, each from its own instant. An
    impatient second click gains nothing, so it costs nothing.
    """
    if visit.extensions > 0 and now - _opened() >= _WORTH_EXTENDING:
        session.update(opened=int(now.timestamp()), extended=EXTENSIONS - visit.extensions + 1)
    return current_visit(now, minutes)


def has_expired(now: datetime, minutes: int) -> bool:
    """Whether there is a session, and its time is over."""
    return "mark" in session and not _is_young(now, minutes)


def visitor() -> str | None:
    """The login of whoever has a session, however old; for wording, never for a decision."""
    return session.get("uid")


def close_session() -> None:
    """Forget everything, the CSRF token included."""
    session.clear()


def end_visit() -> None:
    """Forget who came; the CSRF token stays, so that the answer to a form can be loaded again."""
    for name in set(session) - {"csrf_token"}:
        del session[name]


def keep_done(done: Done, masked_rescue: str, now: datetime) -> None:
    """End the session but for what the page after needs: the proof is used up, the name is nobody's business.

    Where a code was mailed, a session goes on with the new proof until it is entered, or put off.
    """
    facts = {
        "activated": done.activated,
        "password_changed": done.password_changed,
        "new_rescue": masked_rescue if done.rescue_changed or done.rescue_waits else "",
        "rescue_is_first": not done.account.rescue,
        "rescue_waits": done.rescue_waits,
    }
    _keep(facts, now)
    if done.code_address and done.proof:
        proof = done.proof
        session.update(uid=proof.account.uid, by=proof.by.value, mark=proof.mark)


def keep_proved(masked_rescue: str, former_until: str, now: datetime) -> None:
    """The same once an address was proved; what was done before it stays told."""
    facts = (facts_of_done() or dict[str, Any]()) | {"new_rescue": "", "rescue_waits": False}
    _keep(facts | {"proved": masked_rescue, "former_until": former_until}, now)


def facts_of_done() -> dict[str, Any] | None:
    """What was just done in this session, if anything was."""
    return session.get("done")


def end_proof() -> None:
    """Forget who came, and keep what was done for the page after."""
    for name in ("uid", "by", "mark", "extended"):
        session.pop(name, None)


def _keep(facts: dict[str, Any], now: datetime) -> None:
    click = click_mark()
    session.clear()
    session.update(done=facts, opened=int(now.timestamp()), click=click)


def is_second_click() -> bool:
    """Whether this very form, as it was loaded, is the one that succeeded; not another tab's, nor another person's."""
    return session.get("click") == click_mark()


def click_mark() -> str:
    """A digest of the form's token, which differs from one loading of the page to the next."""
    return hashlib.sha256(request.form.get("csrf_token", "").encode("utf-8", "replace")).hexdigest()[:32]


def read_done(now: datetime, minutes: int) -> dict[str, Any] | None:
    """What was just done: ``activated``, ``password_changed``, ``new_rescue`` (masked, or empty), ``rescue_is_first``,
    ``rescue_waits``; ``proved`` (an address, masked) and ``former_until`` where a code was entered.

    None when nothing was, or too long ago.
    """
    return session["done"] if "done" in session and _is_young(now, minutes) else None


def _is_young(now: datetime, minutes: int) -> bool:
    return timedelta(0) <= now - _opened() < timedelta(minutes=minutes)


def _opened() -> datetime:
    return datetime.fromtimestamp(session["opened"], UTC)


def _not_kept(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _always(application: WSGIApplication, ours: list[tuple[str, str]]) -> WSGIApplication:
    """The application with our headers on every answer, put there at once."""

    def application_with_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, theirs: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            return start_response(status, theirs + ours, *error)

        return application(environ, start)

    return application_with_headers
