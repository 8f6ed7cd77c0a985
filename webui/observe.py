"""What monitoring asks: whether the process lives, whether it can serve, what it counted. Not for the public address.

A WSGI application of its own: no page, no session, no cookie, nothing of anybody's. It reads the path and the method of
a request, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from connector.metrics import CONTENT_TYPE, Counts
from connector.vitals import Pulse, Word

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PLAIN, _JSON = "text/plain; charset=utf-8", "application/json"
HEADERS = [("X-Content-Type-Options", "nosniff")]

_ALWAYS = [*HEADERS, ("Cache-Control", "no-store")]


class Answer(NamedTuple):
    """Status, content type and body."""

    status: str
    kind: str
    body: bytes


def application(pulse: Pulse, counts: Counts, ready_needs: Iterable[str]) -> WSGIApplication:
    """Answers ``/healthz``, ``/readyz`` and ``/metrics``; ``ready_needs`` are parts of ``Vitals``."""
    needs = frozenset(ready_needs)
    answers: dict[str, Callable[[], Answer]] = {
        "/healthz": lambda: Answer("200 OK", _PLAIN, b"ok\n"),
        "/readyz": lambda: _ready(pulse, needs),
        "/metrics": lambda: Answer("200 OK", CONTENT_TYPE, counts.text(pulse.take().gauges())),
    }

    def observe(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method not in {"GET", "HEAD"}:
            return _said(start_response, _REFUSED, ("Allow", "GET, HEAD"))
        answer = answers.get(environ.get("PATH_INFO", ""), lambda: _ABSENT)()
        body = _said(start_response, answer)
        return body if method == "GET" else []

    return observe


_REFUSED = Answer("405 Method Not Allowed", _PLAIN, b"only GET and HEAD\n")
_ABSENT = Answer("404 Not Found", _PLAIN, b"there are /healthz, /readyz and /metrics\n")


def _ready(pulse: Pulse, needs: frozenset[str]) -> Answer:
    words = pulse.take().words()
    is_ready = all(words[part] == Word.OK.value for part in needs)
    body = json.dumps({"ready": is_ready, **words}).encode() + b"\n"
    return Answer("200 OK" if is_ready else "503 Service Unavailable", _JSON, body)


def _said(start_response: StartResponse, answer: Answer, *more: tuple[str, str]) -> list[bytes]:
    size = ("Content-Length", str(len(answer.body)))
    start_response(answer.status, [("Content-Type", answer.kind), size, *_ALWAYS, *more])
    return [answer.body]
