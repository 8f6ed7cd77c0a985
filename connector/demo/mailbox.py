"""A mail catcher: takes every mail, sends none on, shows them all. For the demo, and for tests of what goes wrong.

SMTP is aiosmtpd's, the page is a little Flask application served by waitress; both listen on 127.0.0.1 only. A mail is
written by whoever can reach the SMTP port: none of it is trusted, and its HTML never runs in the page's own origin.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from typing import Any, TypeVar
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask, Response, abort, g, jsonify, render_template
from waitress import wasyncore
from waitress.server import create_server

from connector import keys
from connector.clock import Clock, utc_now

_HOST = "127.0.0.1"
_SHOWN = 200  # mails on the page; the JSON gives them all
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """A mail as it arrived. ``sender`` and ``to`` are the envelope's; ``text`` and ``html`` are empty if there is none.

    ``headers`` are decoded; of a header that occurs twice, all values, one a line.
    """

    number: int
    received: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: dict[str, str]

    def as_json(self) -> dict[str, object]:
        """What ``/mails.json`` gives of it."""
        names = ("subject", "text", "html", "headers")
        return {"to": list(self.to), "from": self.sender, **{name: getattr(self, name) for name in names}}


Wanted = str | Callable[[CaughtMail], bool]


class Mailbox:
    """Start it, send mail to ``smtp_port``, look at ``mails``, ``url`` or ``json_url``. A port 0 takes a free one."""

    def __init__(self, smtp_port: int = 0, web_port: int = 0, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._mails: list[CaughtMail] = []
        self._numbers = count(1)  # goes on after clear(), so that an address of the page never changes its mail
        self._arrived = threading.Condition()
        self._smtp = _SmtpServer(smtp_port, self._catch)
        self._web = _WebServer(web_port, _app(self))

    def start(self) -> None:
        """Listen. Raises OSError when a port is taken."""
        self._smtp.start()
        try:
            self._web.start()
        except OSError:
            self._smtp.stop()
            raise

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

    def refuse(self, code: int | None) -> None:
        """Answer every recipient with this SMTP code, such as 451 (not now) or 550 (never); None: accept again."""
        self._smtp.refused_with = code

    def hold(self, is_held: bool) -> None:
        """While held, accept connections and stay silent on them for ever, as a hung mail server does."""
        self._smtp.is_held = is_held

    def _catch(self, envelope: Envelope) -> None:
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        headers = _headers(message)
        mail = CaughtMail(
            number=next(self._numbers),
            received=self._clock(),
            sender=_clean(envelope.mail_from or ""),
            to=tuple(map(_clean, envelope.rcpt_tos)),
            subject=next((value for name, value in headers.items() if name.lower() == "subject"), ""),
            text=_body(message, "text/plain"),
            html=_body(message, "text/html"),
            headers=headers,
        )
        with self._arrived:
            self._mails.append(mail)
            self._arrived.notify_all()


class _SmtpServer:
    """The SMTP side, in a thread with an event loop of its own; aiosmtpd's Controller can take no free port."""

    def __init__(self, port: int, catch: Callable[[Envelope], None]) -> None:
        self.port = port
        self.refused_with: int | None = None
        self.is_held = False
        self._catch = catch
        self._connections: WeakSet[asyncio.Transport] = WeakSet()

    def start(self) -> None:
        listener = _listen(self.port)
        self.port = listener.getsockname()[1]
        self._is_ready = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(listener),), name="mailbox-smtp", daemon=True
        )
        self._thread.start()
        self._is_ready.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._is_stopping.set)
        self._thread.join()

    async def _serve(self, listener: socket.socket) -> None:
        self._loop, self._is_stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(self._conversation, sock=listener)
        self._is_ready.set()
        await self._is_stopping.wait()
        server.close()
        for connection in list(self._connections):
            connection.abort()
        await server.wait_closed()

    def _conversation(self) -> asyncio.Protocol:
        return _Silence(self._connections) if self.is_held else _Conversation(self, self._connections)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refused_with:
            return f"{self.refused_with} refused, as this mailbox was told to"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._catch(envelope)
        return "250 OK"


class _Conversation(SMTP):
    """One client; the fixed host name spares a look-up in the DNS for each."""

    def __init__(self, handler: _SmtpServer, connections: WeakSet[asyncio.Transport]) -> None:
        super().__init__(handler, hostname="mailbox.localhost", enable_SMTPUTF8=True)
        self._connections = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._connections.add(transport)
        super().connection_made(transport)


class _Silence(asyncio.Protocol):
    """One client that never gets a word."""

    def __init__(self, connections: WeakSet[asyncio.Transport]) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._connections.add(transport)


def _listen(port: int) -> socket.socket:
    """Without Nagle's algorithm, which would hold back the second line of every answer for 40 ms."""
    listener = socket.create_server((_HOST, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class _WebServer:
    """The web side: waitress in a thread of its own."""

    def __init__(self, port: int, app: Flask) -> None:
        self.port = port
        self._app = app

    def start(self) -> None:
        listener = _listen(self.port)  # waitress, if it fails to, leaves threads behind
        self.port = listener.getsockname()[1]
        self._sockets: dict[int, Any] = {}
        self._server = create_server(self._app, map=self._sockets, sockets=[listener], threads=4)
        self._thread = threading.Thread(target=self._server.run, name="mailbox-web", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.trigger.pull_trigger(self._close)
        self._thread.join()

    def _close(self) -> None:
        """In the loop's own thread, which ends when no socket is left."""
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets)


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
        return Response(_OPEN_LINKS_ELSEWHERE + find(number).html, headers={"Content-Security-Policy": _MAIL_POLICY})

    return app


def _choose_nonce() -> None:
    g.nonce = keys.random_secret()


def _harden(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY.format(nonce=g.get("nonce", "")))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _headers(message: EmailMessage) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, raw in message.raw_items():
        value = _decoded(name, raw)
        headers[_clean(name)] = f"{headers[name]}\n{value}" if name in headers else value
    return headers


def _decoded(name: str, raw: str) -> str:
    return _tolerant(lambda: _clean(str(policy.default.header_fetch_parse(name, raw))), lambda: _clean(raw))


def _body(message: EmailMessage, content_type: str) -> str:
    """The first part of this type that is not an attachment, or nothing."""
    parts = (part for part in message.walk() if part.get_content_type() == content_type and not part.is_attachment())
    part = _tolerant(lambda: next(parts, None), lambda: None)
    return "" if part is None else _content(part)


def _content(part: EmailMessage) -> str:
    text = _tolerant(lambda: str(part.get_content()), lambda: str(part.get_payload()))
    return _clean(text).replace("\r\n", "\n")


def _tolerant(read: Callable[[], _T], otherwise: Callable[[], _T]) -> _T:
    """The standard parser means never to raise, and on broken mails does: LookupError, IndexError, AttributeError…"""
    try:
        return read()
    except Exception:
        return otherwise()


def _clean(text: str) -> str:
    """Without the lone surrogates that stand for undecodable bytes, which no page could be encoded with."""
    return text.encode("utf-8", "replace").decode()
