"""What the site answers to, what it takes, and in what form it answers: nothing more than was meant."""

from __future__ import annotations

import html
import re
import socket
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import issue
from tests.web.steps import NEW_PASSWORD, choose, post, sign_in, token, told_at, write
from webui import create_app
from webui.forms import ChangeForm, ForgottenForm, NewPasswordForm, SignInForm
from webui.server import WebServer, listen

ADDRESSES = {
    "/",
    "/connexion",
    "/oubli",
    "/oubli/envoye",
    "/mot-de-passe",
    "/force",
    "/aide",
    "/confidentialite",
    "/accessibilite",
    "/charte",
    "/prolonger",
    "/fait",
    "/deconnexion",
    "/langue",
    "/guichet",
    "/adresse",
    "/assistance",
    "/assistance/envoyee",
    "/guichet/demandes",
    "/adresse/code",
    "/adresse/plus-tard",
    "/pas-moi",
    "/guichet/connexion",
    "/guichet/recherche",
    "/guichet/compte/<uid>",
    "/guichet/compte/<uid>/feuille",
    "/guichet/deconnexion",
    "/guichet/inscription",
    "/guichet/inscription/code",
    "/static/<digest>/<name>",
    "/.well-known/change-password",
    "/.well-known/security.txt",
}
FIXED = ("uid", "displayName", "eduPersonAffiliation", "supannCodeINE", "moncompteTotpSecret")
SMUGGLED = "GET /nulle-part HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def port(portal: Portal) -> Iterator[int]:
    server = WebServer(create_app(portal), listen("127.0.0.1", 0), threads=2)
    server.start()
    yield server.port
    server.stop()


def say(port: int, request: str) -> bytes:
    """Every byte of the answers to a request written by hand, until the server closes the line."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(request.encode())
        return b"".join(iter(lambda: line.recv(65536), b""))


def statuses(answers: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.[01] (\d{3}) ", answers)


def test_it_answers_at_these_addresses_and_no_other(client: FlaskClient) -> None:
    """No documentation, no status page, nothing for a machine: who adds an address adds it here, and thinks twice."""
    assert {rule.rule for rule in client.application.url_map.iter_rules()} <= ADDRESSES


def test_the_forms_ask_for_these_fields_and_no_other() -> None:
    """No hint, no secret question, nothing about somebody else."""
    asked = {
        form: {field.name for field in form()} for form in (SignInForm, ForgottenForm, NewPasswordForm, ChangeForm)
    }
    assert asked == {
        SignInForm: {"identifier", "secret"},
        ForgottenForm: {"identifier"},
        NewPasswordForm: {"password", "confirmation", "rescue", "corrected", "meant"},
        ChangeForm: {"current_password", "password", "confirmation", "rescue", "corrected", "meant"},
    }


def test_a_field_that_nobody_asked_for_changes_nothing(
    client: FlaskClient, portal: Portal, slapd: PrivateSlapd
) -> None:
    """Neither whom a change is for, nor what else of the entry."""
    mine, another = "(uid=emercier)", "(uid=jmartin001)"
    before, of_another = slapd.search(mine, *FIXED), slapd.search(another, "*", "+")
    sign_in(client, "emercier", issue(portal, "emercier"))
    surplus = dict.fromkeys(("uid", "username", "identifier"), "jmartin001") | dict.fromkeys(FIXED, "staff")
    answer = post(client, "/mot-de-passe", password=NEW_PASSWORD, confirmation=NEW_PASSWORD, rescue="", **surplus)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/fait")
    assert slapd.search(mine, *FIXED) == before
    assert slapd.search(another, "*", "+") == of_another


@pytest.mark.parametrize("name", ["secret", "identifier"])
def test_of_a_field_that_comes_twice_the_first_counts(client: FlaskClient, asked: list[str], name: str) -> None:
    typed = {"identifier": "jmartin001", "secret": PASSWORD}
    for values, status in (([typed[name], "x"], 303), (["x", typed[name]], 422)):
        answer = client.post("/connexion", data={"csrf_token": token(client), **typed, name: values})
        assert answer.status_code == status
    assert asked == ["sign_in", "sign_in"]


def test_a_format_that_was_typed_is_text(client: FlaskClient, portal: Portal, slapd: PrivateSlapd) -> None:
    """Sentences are formats; what was typed, or stands in an entry, is only ever put into one."""
    odd = "%(field)s-%s-%n-{0.__class__}-{title}"
    assert f'value="{odd}"' in post(client, "/connexion", identifier=odd, secret="x").text
    write(slapd, "emercier", "displayName", odd)
    sign_in(client, "emercier", issue(portal, "emercier"))
    assert f'<p class="name">{odd}</p>' in client.get("/mot-de-passe").text
    told = " ".join(told_at(choose(client, f"7{odd}7").text, "password"))
    assert odd in html.unescape(told)


def test_every_answer_says_what_it_is_and_in_which_charset(client: FlaskClient, portal: Portal) -> None:
    sign_in(client, "emercier", issue(portal, "emercier"))
    kinds = {
        "/": "text/html; charset=utf-8",
        "/nulle-part": "text/html; charset=utf-8",
        "/static/x/style.css": "text/css; charset=utf-8",
        "/static/x/meter.js": "text/javascript; charset=utf-8",
        "/static/x/logo.svg": "image/svg+xml; charset=utf-8",
    }
    for path, kind in kinds.items():
        with client.get(path) as answer:
            assert answer.headers["Content-Type"] == kind
            answer.data.decode()
    assert post(client, "/force", password="x").headers["Content-Type"] == "application/json"  # RFC 8259: UTF-8
    assert choose(client, "court").headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/", "/mot-de-passe", "/force", "/static/x/style.css"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_other_site_may_read_an_answer(client: FlaskClient, method: str, path: str) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    with client.open(path, method=method, headers=headers) as answer:
        assert not [name for name, _value in answer.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize(
    "path",
    [
        *("/static/", "/static", "/templates/landing.html", "/.git/config", "/static/security.py"),
        "/static/%2e%2e/security.py",
        *("/static/../security.py", "/static//etc/passwd", "/static/%2fetc/passwd", "/static/..%5csecurity.py"),
    ],
)
def test_a_folder_is_not_listed_and_nothing_beside_it_is_served(port: int, path: str) -> None:
    answer = say(port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    status = statuses(answer)[0]
    assert status in {b"404", b"308"}
    if status == b"308":  # a doubled slash is put right, and leads nowhere
        target = re.search(rb"Location: (\S+)", answer)
        assert target
        again = say(port, f"GET {target[1].decode()} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert statuses(again) == [b"404"]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PROPFIND"])
def test_no_request_is_echoed_and_no_odd_method_does_anything(port: int, method: str) -> None:
    answer = say(port, f"{method} / HTTP/1.1\r\nHost: x\r\nX-Mine: echo-of-mine\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [b"405"]
    assert b"echo-of-mine" not in answer


def test_a_body_in_chunks_ends_where_its_chunks_end_whatever_else_is_claimed(port: int) -> None:
    """RFC 9112 §6.3: or a proxy that believes the other length would let a request hide in this one's body."""
    head = "POST /oubli HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert statuses(say(port, f"{head}5\r\nhello\r\n0\r\n\r\n{SMUGGLED}")) == [b"403", b"404"]


@pytest.mark.parametrize(
    "lengths",
    [
        "Content-Length: 3\r\nContent-Length: 5",
        "Content-Length: +5",
        "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked",
        "Content-Length: 5\r\nTransfer-Encoding: identity",
        "Content-Length: 5\r\nTransfer-Encoding : chunked",
        "Content-Length: 5\r\nTransfer-Encoding:\x0bchunked",
    ],
)
def test_a_length_that_two_servers_may_read_differently_ends_the_connection(port: int, lengths: str) -> None:
    answers = say(port, f"POST /oubli HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\nhello{SMUGGLED}")
    assert statuses(answers) in ([b"400"], [b"501"])


def test_a_fault_shows_no_traceback_even_where_the_environment_asks_for_one(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flask reads FLASK_DEBUG by itself."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = create_app(portal)
    app.add_url_rule("/panne", "panne", lambda: str(1 // 0))
    server = WebServer(app, listen("127.0.0.1", 0), threads=1)
    server.start()
    answer = say(server.port, "GET /panne HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    server.stop()
    assert statuses(answer) == [b"500"]
    assert "cassé chez nous".encode() in answer
    for told in (b"Traceback", b"ZeroDivisionError", b"__debugger__", b".py"):
        assert told not in answer
