"""What becomes of each request, for whoever runs the portal: counted, and timed."""

from __future__ import annotations

from flask import Flask, Response, g, request

from connector import metrics
from connector.clock import elapsed_seconds

_METHODS = {"GET", "HEAD", "POST", "OPTIONS"}
_OTHER, _NONE = "other", "none"  # anybody may send a method of their own, and ask for what is not there


def configure(app: Flask) -> None:
    """Before anything else looks at a request, and after everything else is done with it."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = elapsed_seconds()


def _end(response: Response) -> Response:
    route = request.endpoint or _NONE
    method = request.method if request.method in _METHODS else _OTHER
    metrics.HTTP_SECONDS.labels(route).observe(elapsed_seconds() - g.began)
    metrics.HTTP_REQUESTS.labels(method, route, f"{response.status_code // 100}xx").inc()
    return response
