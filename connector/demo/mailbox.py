"""A mail catcher: takes every mail, sends none on, shows them all. For the demo, and for tests of what goes wrong.

Both sides listen on 127.0.0.1 only. None of what a mail says is trusted; its HTML never runs in the page's own origin.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

from aiosmtpd.smtp import Envelope
from flask import Flask, Response, abort, g, jsonify, render_template

from connector import keys
from connector.clock import Clock, utc_now
from connector.demo.caught import CaughtMail, read
from connector.demo.smtp import SmtpServer
from webui.server import WebServer, listen

_HOST = "127.0.0.1"
_SHOWN = 200  # mails on the page; the JSON gives them all

Wanted = str | Callable[[CaughtMail], bool]


class Mailbox:
    """Start it, send mail to ``smtp_port``, look at ``mails``, ``url`` or ``json_url``. A port 0 takes a free one."""

    def __init__(self, smtp_port: int = 0, web_port: int = 0, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._mails: list[CaughtMail] = []
        self._numbers = count(1)  # goes on after clear(), so that an address of the page never changes its mail
        self._arrived = threading.Condition()
        self._smtp = SmtpServer(smtp_port, self._catch)
        self._web_port = web_port

    def start(self) -> None:
        """Listen. Raises OSError when a port is taken."""
        self._smtp.start()
        try:
            self._web = WebServer(_app(self), listen(_HOST, self._web_port), threads=4)
        except OSError:
            self._smtp.stop()
            raise
        self._web.start()

    def stop(self) -> None:
        """Close everything; no thread and no socket is left. The mails stay readable."""
        self._web.stop()
        self._smtp.stop()

    def __enter__(self) -> Mailbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def smtp_port(self) -> int:
        """Where mail is taken."""
        return self._smtp.port

    @property
    def url(self) -> str:
        """The page that shows the mails."""
        return f"http://{_HOST}:{self._web.port}/"

    @property
    def json_url(self) -> str:
        """The same mails for programs, oldest first."""
        return f"{self.url}mails.json"

    @property
    def mails(self) -> list[CaughtMail]:
        """All mails since the last ``clear``, oldest first."""
        with self._arrived:
            return list(self._mails)

    def clear(self) -> None:
        """Throw the caught mails away."""
        with self._arrived:
            self._mails.clear()

    def wait_for(self, wanted: Wanted, timeout_seconds: float = 10) -> CaughtMail:
        """The oldest mail to this recipient, or for which the predicate is true; waits until there is one.

        Mails that were there before count too (see ``clear``). Raises TimeoutError.
        """
        matches = wanted if callable(wanted) else lambda mail: wanted.lower() in map(str.lower, mail.to)
        with self._arrived:
            found = self._arrived.wait_for(lambda: next(filter(matches, self._mails), None), timeout_seconds)
        if found is None:
            raise TimeoutError(f"no such mail within {timeout_seconds} s")
        return found

    def refuse(self, code: int | None, said: str = "refused, as this mailbox was told to") -> None:
        """Answer every recipient with this SMTP code, such as 451 (not now) or 550 (never); None: accept again."""
        self._smtp.refused_with, self._smtp.refusal = code, said

    def hold(self, is_held: bool) -> None:
        """While held, accept connections and stay silent on them for ever, as a hung mail server does."""
        self._smtp.is_held = is_held

    def _catch(self, envelope: Envelope) -> None:
        octets, sender = envelope.original_content or b"", envelope.mail_from or ""
        mail = read(octets, sender, envelope.rcpt_tos, next(self._numbers), self._clock())
        with self._arrived:
            self._mails.append(mail)
            self._arrived.notify_all()


_PAGE_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The sandbox gives a mail an origin of its own, without scripts, however it is opened; its links open elsewhere.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'none'; frame-ancestors 'self'"
)
_OPEN_LINKS_ELSEWHERE = '<!doctype html><base target="_blank">'


def _app(mailbox: Mailbox) -> Flask:
    """The page. It answers only under names of this host, so that no other site's name can be pointed at it."""
    app = Flask(__name__, template_folder=".", static_folder=None)
    app.config["TRUSTED_HOSTS"] = [_HOST, "localhost"]
    app.jinja_env.filters["local_time"] = lambda instant: f"{instant.astimezone():%d/%m/%Y %H:%M:%S}"
    app.before_request(_choose_nonce)
    app.after_request(_harden)

    def find(number: int) -> CaughtMail:
        return next((mail for mail in mailbox.mails if mail.number == number), None) or abort(404)

    def newest() -> list[CaughtMail]:
        return mailbox.mails[: -_SHOWN - 1 : -1]

    @app.get("/")
    def index() -> str:
        return render_template("mailbox.html", mails=newest(), total=len(mailbox.mails))

    @app.get("/rows")
    def rows() -> str:
        return render_template("mailbox.html", mails=newest(), only_rows=True)

    @app.get("/mails.json")
    def as_json() -> Response:
        return jsonify([mail.as_json() for mail in mailbox.mails])

    @app.get("/mails/<int:number>")
    def mail(number: int) -> str:
        return render_template("mailbox.html", mail=find(number))

    @app.get("/mails/<int:number>/html")
    def html(number: int) -> Response:
        return Response(_OPEN_LINKS_ELSEWHERE + find(number).page, headers={"Content-Security-Policy": _MAIL_POLICY})

    return app


def _choose_nonce() -> None:
    g.nonce = keys.random_secret()


def _harden(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY.format(nonce=g.get("nonce", "")))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
