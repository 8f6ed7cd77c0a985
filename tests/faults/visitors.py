"""People with browsers, who come to the pages over sockets."""

from __future__ import annotations

import http.client
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)')


class Visitor:
    """A browser as far as it matters here: it keeps its cookies and sends the form's token back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}
        self._token = ""
        self.sent_on = ""
        """Where the last answer led to, if anywhere."""

    def get(self, path: str) -> int:
        """The status of a page; the token of its form is kept for the next ``post``."""
        status, page = self._ask("GET", path)
        if found := _TOKEN.search(page):
            self._token = found[1]
        return status

    def post(self, path: str, **typed: str) -> int:
        """The status of the answer to a form; redirects are not followed."""
        form = urlencode({"csrf_token": self._token, **typed})
        return self._ask("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})[0]

    def _ask(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> tuple[int, str]:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        try:
            line.request(method, path, body, {**(headers or {}), "Cookie": cookies, "Connection": "close"})
            answer = line.getresponse()
            self.sent_on = answer.headers.get("Location", "")
            for cookie in answer.headers.get_all("Set-Cookie", []):
                self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            line.close()


def ask(port: int, path: str = "/oubli", **typed: str) -> int:
    """The status that a new visitor's form is answered with."""
    visitor = Visitor(port)
    visitor.get("/")
    return visitor.post(path, **typed)
