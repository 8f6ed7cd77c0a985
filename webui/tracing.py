"""What becomes of each request, for whoever runs the portal: it has a name in every log, is counted and timed."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Flask, Response, g, request

from connector import calling, metrics
from connector.clock import elapsed_seconds
from connector.model import Caller

HEADER = "X-Request-ID"
_METHODS = {"GET", "HEAD", "POST", "OPTIONS"}
_OTHER, _NONE = "other", "none"  # anybody may send a method of their own, and ask for what is not there
_NAME = re.compile(r"[0-9A-Za-z._-]{1,64}")


def configure(app: Flask, current_caller: Callable[[], Caller]) -> None:
    """Before anything else looks at a request, and after everything else is done with it."""

    def begin() -> None:
        g.began = elapsed_seconds()
        calling.caller.set(current_caller())

    def end(response: Response) -> Response:
        response.headers[HEADER] = current_caller().request
        _count(response)
        return response

    app.before_request(begin)
    app.after_request(end)
    app.teardown_request(lambda _error: _forget())


def named_by_proxy(name: str, proxies: int) -> str:
    """The name that the proxy in front gave the request, if one stands there and it is a plain one; else none.

    docs/observe.md has the proxy write it anew: one that passes on what a visitor wrote lets them choose it.
    """
    return name if proxies and _NAME.fullmatch(name) else ""


def _forget() -> None:
    calling.caller.set(calling.NOBODY)


def _count(response: Response) -> None:
    route = request.endpoint or _NONE
    method = request.method if request.method in _METHODS else _OTHER
    metrics.of(metrics.HTTP_SECONDS, route).observe(elapsed_seconds() - g.began)
    metrics.of(metrics.HTTP_REQUESTS, method, route, f"{response.status_code // 100}xx").inc()
