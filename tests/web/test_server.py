"""The web server in front of the pages, over real sockets: what it refuses before any page is asked."""

import http.client
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from waitress.channel import HTTPChannel

from connector.portal import Portal
from webui import create_app, security
from webui.server import WebServer, listen


@pytest.fixture
def port(portal: Portal) -> Iterator[int]:
    server = WebServer(
        create_app(portal),
        listen("127.0.0.1", 0),
        threads=2,
        scheme="https",
        headers=security.headers(secure=True).items(),
    )
    server.start()
    yield server.port
    server.stop()


def say(port: int, head: str, body: bytes = b"") -> bytes:
    """The whole answer to a request written by hand."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        return b"".join(iter(lambda: line.recv(65536), b""))


def test_a_body_beyond_all_forms_is_refused_before_it_is_read(port: int) -> None:
    """The head says a gigabyte; not one byte of it is waited for."""
    answer = say(port, "POST /connexion HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: 1000000000")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/", "/fait", "/nothing"])
def test_an_answer_is_sent_at_once(port: int, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    send = HTTPChannel.send
    monkeypatch.setattr(HTTPChannel, "send", lambda self, data, **how: sent.append(data) or send(self, data, **how))
    answer = say(port, f"GET {path} HTTP/1.1\nHost: localhost\nConnection: close")
    assert answer.partition(b"\r\n\r\n")[2]
    assert sent == [answer]


@pytest.mark.parametrize("header", ["Accept", "Accept-Language", "Cookie"])
def test_a_head_that_takes_long_to_read_is_refused(port: int, header: str) -> None:
    """To the byte the longest that is read whole, so that the answer is not lost with what was not."""
    head = f"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}: "
    answer = say(port, head.replace("\r", "") + "," * (32 * 1024 - len(head) - 4))
    assert b" 431 " in answer.partition(b"\r\n")[0]


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "evil.example"])
def test_the_portal_has_one_address_whatever_a_request_or_a_proxy_claims(port: int, host: str) -> None:
    page = say(port, f"GET / HTTP/1.1\nHost: {host}\nConnection: close")
    assert page.startswith(b"HTTP/1.1 200 ")
    redirect = say(port, f"GET /static//style.css HTTP/1.1\nHost: {host}\nConnection: close")
    assert host.encode() not in page + redirect


@pytest.mark.parametrize(
    ("referer", "status"), [("https://127.0.0.1:8080/", 303), ("https://evil.example/", 403), ("", 403)]
)
def test_behind_the_proxy_a_form_must_come_from_our_own_pages(port: int, referer: str, status: int) -> None:
    """The proxy speaks http to us, the browser https: the Referer is held to what the browser speaks."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("GET", "/", headers={"Host": "localhost"})
    page = line.getresponse()
    cookie = str(page.headers["Set-Cookie"]).partition(";")[0]
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    assert token
    headers = {"Host": "localhost", "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"csrf_token": token[1], "identifier": "nobody"})
    line.request("POST", "/oubli", body, headers | ({"Referer": referer} if referer else {}))
    assert line.getresponse().status == status
    line.close()


@pytest.mark.parametrize(
    "head",
    [
        "POST /connexion HTTP/1.1\nHost: x\nContent-Length: 1000000000",
        "POST /connexion HTTP/1.1\nHost: x\nContent-Length: many",
        "no HTTP at all",
        "GET /aide HTTP/1.1\nHost: x\nTransfer-Encoding: gzip",  # 501 may be cached (RFC 9110 §15.1)
    ],
)
def test_what_the_server_itself_refuses_carries_the_headers_too(port: int, head: str) -> None:
    answer = say(port, head).decode()
    assert re.match(r"HTTP/1\.[01] (400|413|501) ", answer)
    for name, value in (security.headers(secure=True) | {"Cache-Control": "no-store"}).items():
        assert f"\r\n{name}: {value}\r\n" in answer
