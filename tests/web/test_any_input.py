"""Any bytes at all get a page of ours, never a fault, and leave the directory as it was."""

from __future__ import annotations

import gc
import itertools
import logging
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import quote_plus

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from connector import rescue
from connector.demo.ldap_tools import Entry
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import account, issue
from tests.properties import NASTY, examples, odd_text
from tests.web.steps import NEW_PASSWORD, change, choose, is_open, post, sign_in, token, told_at
from webui import create_app
from webui.forms import ChangeForm, ForgottenForm, NewPasswordForm, PortalForm, SignInForm
from webui.server import WebServer, listen

STATUSES = {303, 400, 403, 413, 422}
OWN = "jeanne@universite.example"  # refused whatever else is right
# What a refused attempt may leave: slapd's own count of failures, and our traces on the decoy.
COUNTED = {"pwdFailureTime", "entryCSN", "modifyTimestamp", "modifiersName"}


def whole_directory(slapd: PrivateSlapd) -> list[Entry]:
    """Every entry with everything in it, less what a refused attempt may leave."""

    def is_kept(entry: Entry, name: str) -> bool:
        is_trace = entry["dn"] == [slapd.decoy_dn] and name.startswith("moncompte")
        is_rest = name == "pwdAccountLockedTime" and entry[name] != ["000001010000Z"]  # a quarter of an hour's
        return not (name in COUNTED or is_trace or is_rest)

    found = slapd.search("(objectClass=*)", "*", "+")
    return [{name: values for name, values in entry.items() if is_kept(entry, name)} for entry in found]


@pytest.fixture(autouse=True)
def untouched(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> Iterator[Callable[[], None]]:
    """Asked for once what may be done was done: from then on nothing is written, mailed, or logged as a fault."""
    before: list[Entry] = []
    yield lambda: before.extend(whole_directory(slapd))
    if before:
        assert whole_directory(slapd) == before
        portal.outbox.send_handed()
        assert mailbox.mails == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def is_ours(answer: TestResponse) -> bool:
    """A page in our design, or a redirect to one."""
    if answer.status_code == 303:
        return answer.headers["Location"] in {"/", "/oubli/envoye", "/mot-de-passe"}
    return answer.status_code in STATUSES and '<header class="letterhead">' in answer.text


def octets(text: str) -> bytes:
    """With half a surrogate pair as the three octets that are no UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def send(client: FlaskClient, path: str, **typed: str) -> TestResponse:
    """A form, its octets as they are; with the token that the client's page carries."""
    escaped = {name: quote_plus(octets(text), safe="*") for name, text in typed.items()}
    body = "&".join(f"{name}={text}" for name, text in {"csrf_token": token(client), **escaped}.items())
    return client.post(path, data=body, content_type="application/x-www-form-urlencoded")


def test_a_stranger_who_types_anything_is_answered_as_anybody_who_is_not_known(
    client: FlaskClient, untouched: Callable[[], None]
) -> None:
    untouched()
    people = itertools.cycle(["jmartin001", "mdarcy", "rbenali", "lroy", "afontaine"])  # nobody of them gets locked
    for typed in NASTY:
        for identifier, secret in ((typed, PASSWORD), (next(people), typed), (typed, typed)):
            answer = send(client, "/connexion", identifier=identifier, secret=secret)
            assert (answer.status_code, is_ours(answer)) == (422, True), ascii(typed)
        answer = send(client, "/oubli", identifier=typed)
        is_taken = bool(typed.strip()) and len(typed) <= 128
        assert (answer.status_code, is_ours(answer)) == (303 if is_taken else 422, True), ascii(typed)
    assert not is_open(client)


@pytest.mark.parametrize("who", ["with a key", "with the password"])
def test_behind_the_door_nothing_of_it_is_written_and_the_session_goes_on(
    client: FlaskClient, portal: Portal, untouched: Callable[[], None], who: str
) -> None:
    come_in(client, portal, who)
    untouched()
    good = {"current_password": PASSWORD, "password": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    for typed in NASTY:
        refused = [
            {**good, "password": typed, "confirmation": typed, "rescue": OWN},
            {**good, "confirmation": typed, "rescue": OWN},
            *([{**good, "rescue": typed}] if typed.strip().strip(rescue._BLANKS) else []),  # blanks: it stays as it is
        ]
        for form in refused:
            answer = send(client, "/mot-de-passe", **form)
            assert (answer.status_code, is_ours(answer)) == (422, True), ascii(form)
        assert send(client, "/force", password=typed, rescue=typed).status_code == 200, ascii(typed)
    assert is_open(client)


def test_whatever_is_typed_for_the_current_password_proves_nothing(
    client: FlaskClient, portal: Portal, untouched: Callable[[], None]
) -> None:
    come_in(client, portal, "with the password")
    untouched()
    for typed in NASTY:
        answer = send(client, "/mot-de-passe", current_password=typed, rescue="jeanne@ailleurs.example")
        assert (answer.status_code, is_ours(answer)) == (422, True), ascii(typed)


def come_in(client: FlaskClient, portal: Portal, who: str) -> None:
    """Whoever it is: nobody, Élodie with a key, Lucas with his password."""
    if who == "with a key":
        sign_in(client, "emercier", issue(portal, "emercier"))
    elif who == "with the password":
        sign_in(client, "lroy", PASSWORD)


FAULT = "Cette adresse n’est pas complète, ou contient une faute"
TOLD = {
    "jeanne@ailleurs": FAULT,
    "jeanne@ailleurs.example.": FAULT,
    "jeanne@ailleurs.example\r\nBcc: x": FAULT,
    "jeanne@ailleurs.example\r\n": FAULT,
    "\0jeanne@ailleurs.example": FAULT,
    "jeanne@[127.0.0.1]": FAULT,
    '"jeanne martin"@ailleurs.example': FAULT,
    "jeanne(moi)@ailleurs.example": FAULT,
    "Jeanne <jeanne@ailleurs>": FAULT,
    "Jeanne\r\n<jeanne@ailleurs.example>": FAULT,
    f"{'j' * 65}@ailleurs.example": "Cette adresse est trop longue",
    f"{'j' * 300}@ailleurs.example": "Cette adresse est trop longue",
    "jeanne@ailleurs.example, papa@ailleurs.example": "Il y a plusieurs adresses",
    "jeanne@ailleurs.example;papa@ailleurs.example": "Il y a plusieurs adresses",
    "jeanne@ailleurs.example papa@ailleurs.example": "Il y a plusieurs adresses",
    "papa@ailleurs.example <jeanne@ailleurs.example>": "Il y a plusieurs adresses",
    "élodie@ailleurs.example": "Devant l’arobase (@), il y a une lettre accentuée",
    "jeanne@maison.local": "Aucun mail n’arrive à cette adresse",
    "promo@listes.ailleurs.example": "C’est l’adresse d’une liste",
    OWN: "C’est une adresse de l’université",
    "jeanne@ＵＮＩＶＥＲＳＩＴＥ。example": "C’est une adresse de l’université",
    f"Jeanne <{OWN}>": "C’est une adresse de l’université",
}


def test_a_rescue_address_that_will_not_do_is_told_why(client: FlaskClient, untouched: Callable[[], None]) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    untouched()
    for typed, told in TOLD.items():
        answer = change(client, PASSWORD, rescue=typed)
        assert answer.status_code == 422
        (sentence,) = told_at(answer.text, "rescue")
        assert sentence.startswith(told), ascii(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Jeanne Martin <jeanne@ailleurs.example>", "jeanne@ailleurs.example"),
        (' "Martin, Jeanne" <Jeanne@Ailleurs.example> ', "Jeanne@ailleurs.example"),
        ("jeanne@ailleurs.example <Jeanne@ailleurs.example>", "Jeanne@ailleurs.example"),
        ("<jeanne@ailleurs.example>", "jeanne@ailleurs.example"),
        ("\u00a0jeanne@ailleurs.example\u200b", "jeanne@ailleurs.example"),
        ("jeanne@écolE.example", "jeanne@xn--cole-9oa.example"),
    ],
)
def test_an_address_as_mail_programs_copy_it_is_kept_alone(
    client: FlaskClient, portal: Portal, typed: str, kept: str
) -> None:
    """A student who pastes it means the address; the name around it is no fault of theirs."""
    sign_in(client, "jmartin001", PASSWORD)
    assert change(client, PASSWORD, rescue=typed).status_code == 303
    assert account(portal, "jmartin001").rescue == kept


def test_the_address_alone_comes_back_and_may_not_be_in_the_password(client: FlaskClient, portal: Portal) -> None:
    sign_in(client, "emercier", issue(portal, "emercier"))
    answer = choose(client, "Caravelle-7-nuages!", rescue="Moi <caravelle@ailleurs.example>")
    assert 'value="caravelle@ailleurs.example"' in answer.text
    assert "«\u00a0caravelle\u00a0»" in told_at(answer.text, "password")[0]
    choose(client, NEW_PASSWORD, rescue="Moi <caravelle@ailleurs.example>")
    assert "c***@a***.example</strong>" in client.get("/fait").text


def test_blanks_that_a_paste_brings_along_are_no_part_of_the_address_anywhere(client: FlaskClient) -> None:
    """The page after shows its first letter."""
    sign_in(client, "jmartin001", PASSWORD)
    assert (
        change(client, PASSWORD, rescue=f"{rescue._BLANKS}jeanne@ailleurs.example{rescue._BLANKS}").status_code == 303
    )
    assert "j***@a***.example</strong>" in client.get("/fait").text


BOUNDS = {
    "identifier": 128,
    "secret": 1024,
    "password": 1024,
    "confirmation": 1024,
    "current_password": 1024,
    "rescue": 254,
    "corrected": 254,
    "meant": 254,
}


@given(
    st.sampled_from([SignInForm, ForgottenForm, NewPasswordForm, ChangeForm]), odd_text, st.sampled_from([1, 7, 999])
)
@examples(200)
def test_no_field_hands_on_more_than_its_bound_nor_a_part_of_what_was_typed(
    client: FlaskClient, kind: type[PortalForm], text: str, times: int
) -> None:
    typed = text * times
    with client.application.test_request_context():
        form = kind(MultiDict(dict.fromkeys(BOUNDS, typed)))
        form.validate()
    for field in form:
        assert len(field.data) <= BOUNDS[field.name] + 1
        if len(typed) > BOUNDS[field.name]:
            assert field.errors or field.name == "confirmation"  # which says what the password says
        elif field.name == "identifier":
            assert field.data == typed.strip()
        elif field.name not in {"rescue", "corrected", "meant"}:
            assert field.data == typed  # blanks count in a password


def test_blanks_do_not_bring_a_long_text_within_its_bound(client: FlaskClient, asked: list[str]) -> None:
    for blank in " \t\n\u3000":
        for path in ("/connexion", "/oubli"):
            answer = post(client, path, identifier=blank * 100 + "jmartin001" * 3 + blank * 6000, secret=PASSWORD)
            assert answer.status_code == 422
            assert len(answer.data) < 10_000  # nor does it all come back
            answer = client.post(path, data={"identifier": blank * 6000})  # without the token
            assert answer.status_code == 403
            assert len(answer.data) < 10_000
    assert asked == []


@pytest.mark.parametrize("path", ["/connexion", "/oubli"])
def test_of_a_parameter_that_is_sent_twice_the_first_counts_everywhere(
    client: FlaskClient, portal: Portal, mailbox: Mailbox, path: str
) -> None:
    twice = MultiDict(
        [
            ("csrf_token", token(client)),
            ("csrf_token", "x"),
            ("identifier", "emercier"),
            ("identifier", "jmartin001"),
            ("secret", "wrong"),
            ("secret", PASSWORD),
        ]
    )
    answer = client.post(f"{path}?identifier=rbenali&secret={PASSWORD}", data=twice)
    portal.outbox.send_handed()
    if path == "/oubli":
        assert answer.status_code == 303
        assert [mail.to for mail in mailbox.mails] == [(account(portal, "emercier").rescue,)]
    else:
        assert answer.status_code == 422
        assert 'value="emercier"' in answer.text
        assert mailbox.mails == []


# Werkzeug lets go of the files of an upload that it refuses half way: in memory, and of 64 kB at most.
LEFT_BEHIND = pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
FIELDS = ("identifier", "secret", "password", "confirmation", "rescue", "current_password", "username", "csrf_token")
names = st.sampled_from([*FIELDS, "x-csrf_token", "identifier[]", "", "é", "_method", "\0"])
escapes = st.binary(max_size=30).map(lambda raw: "".join(f"%{octet:02x}" for octet in raw))
broken_escapes = st.sampled_from(
    ["%", "%z", "%%%", "%u0041", "+++", "%00", "%ed%a0%80", "%f4%90%80%80", "%c0%af", "a&&=&b"]
)
values = st.sampled_from([text for text in NASTY if len(text) < 2000]) | escapes | broken_escapes | odd_text
pairs = st.builds("{}={}".format, names, values)
part_heads = st.sampled_from(
    [
        "",
        '; filename="a.txt"',
        "; filename*=utf-16''%ff%fe",
        "\r\nContent-Type: text/plain; charset=utf-16",
        "\r\nContent-Type: text/plain; charset=nonsense",
        "\r\nContent-Transfer-Encoding: base64",
        "\r\n\r\n",
        f"\r\nX: {'y' * 3000}",
    ]
)
parts = st.builds('--xx\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'.format, names, part_heads, values)
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=xx"
ODD_TYPES = [
    *(FORM, PARTS, f"{FORM}; charset=utf-16", f'{FORM}; charset="', "text/plain", "", "\xff", "multipart/form-data"),
    *("multipart/mixed; boundary=xx", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'y' * 300}"),
]
TYPES = [*[FORM] * 6, *[PARTS] * 6, *ODD_TYPES, "application/json"]
bodies = {
    FORM: st.lists(pairs, max_size=6).map("&".join).map(octets),
    PARTS: st.lists(parts, max_size=25).map(lambda some: octets("".join(some) + "--xx--\r\n")),
}
anything = st.one_of(*bodies.values(), st.binary(max_size=200), st.just(b'{"identifier": {"$ne": 1}, "secret": [[[['))
requests = st.sampled_from(TYPES).flatmap(lambda kind: st.tuples(st.just(kind), bodies.get(kind, anything)))
PATHS = ["/oubli", "/mot-de-passe", "/force", "/connexion"]


@LEFT_BEHIND
@pytest.mark.parametrize("who", ["a stranger", "with a key", "with the password"])
def test_whatever_request_arrives_it_gets_a_page_and_changes_nothing(
    client: FlaskClient, portal: Portal, untouched: Callable[[], None], who: str
) -> None:
    """Only a stranger signs in by chance: to try it ends the session that one has, as it should."""
    come_in(client, portal, who)
    its_token = token(client)
    untouched()

    @given(st.sampled_from(PATHS if who == "a stranger" else PATHS[:-1]), requests)
    @examples(200)
    def arrives(path: str, request: tuple[str, bytes]) -> None:
        kind, body = request
        headers = {"X-CSRFToken": its_token}  # so that it gets past the first door
        answer = client.post(path, data=body, content_type=kind, headers=headers)
        if path == "/force":  # a script's: no page
            assert answer.is_json or answer.data == b""
        else:
            assert is_ours(answer), answer.status_code

    arrives()
    gc.collect()
    assert is_open(client) is (who != "a stranger")


@LEFT_BEHIND
def test_an_upload_is_no_text_and_thousands_of_parameters_are_none_of_ours(
    client: FlaskClient, untouched: Callable[[], None]
) -> None:
    untouched()
    its_token = token(client)
    file = ('--xx\r\nContent-Disposition: form-data; name="{}"; filename="a"\r\n\r\n{}\r\n').format
    upload = file("identifier", "jmartin001") + file("secret", PASSWORD) + "--xx--\r\n"
    answer = client.post("/connexion", data=upload, content_type=PARTS, headers={"X-CSRFToken": its_token})
    assert answer.status_code == 422
    many = "&".join(f"p{number}=x" for number in range(6000))
    answer = client.post("/connexion", data=f"csrf_token={its_token}&{many}", content_type=FORM)
    assert (answer.status_code, is_ours(answer)) == (422, True)
    answer = client.post("/connexion", data=f"{many}&{many}&identifier=x", content_type=FORM)
    assert (answer.status_code, is_ours(answer)) == (413, True)
    too_many = "".join(file(f"p{number}", "x") for number in range(30)) + "--xx--\r\n"
    answer = client.post("/connexion", data=too_many, content_type=PARTS)
    assert (answer.status_code, is_ours(answer)) == (413, True)
    gc.collect()


@given(
    st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters=";\x7f"), max_size=200)
    | st.from_regex(r"\.?[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,9}\.[A-Za-z0-9_-]{27}", fullmatch=True)
)
@examples(80)
def test_a_cookie_that_is_not_ours_is_no_cookie(client: FlaskClient, cookie: str) -> None:
    header = {"Cookie": f"moncompte={cookie}"}
    client.delete_cookie("moncompte")
    assert client.get("/", headers=header).status_code == 200
    assert client.get("/mot-de-passe", headers=header).headers["Location"] == "/"
    answer = client.post("/connexion", headers=header, data={"identifier": "jmartin001", "secret": PASSWORD})
    assert (answer.status_code, is_ours(answer)) == (403, True)


def test_a_cookie_that_was_ours_but_for_one_character_is_no_cookie(client: FlaskClient) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    cookie = client.get_cookie("moncompte")
    assert cookie
    for place in range(0, len(cookie.value) - 1, 7):  # the last character has bits to spare
        other = "B" if cookie.value[place] == "A" else "A"
        client.set_cookie("moncompte", cookie.value[:place] + other + cookie.value[place + 1 :])
        assert not is_open(client)


@pytest.fixture
def port(portal: Portal) -> Iterator[int]:
    server = WebServer(create_app(portal), listen("127.0.0.1", 0), threads=2)
    server.start()
    yield server.port
    server.stop()


def say(port: int, head: str, body: bytes = b"") -> bytes:
    """All that comes back to a request written by hand, also where the line is cut while we still speak."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        with suppress(ConnectionError):
            line.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
        with suppress(ConnectionError):
            while piece := line.recv(65536):
                answer += piece
    return answer


MEGABYTES = b"identifier=" + b"x" * 10_000_000
POST = f"POST /connexion HTTP/1.1\nHost: localhost\nConnection: close\nContent-Type: {FORM}\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (f"{POST}Content-Length: {len(MEGABYTES)}", MEGABYTES),
        (f"{POST}Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(MEGABYTES), MEGABYTES)),
        (
            f"{POST}Transfer-Encoding: chunked",
            b"".join(b"3e8\r\n%b\r\n" % (b"x" * 1000) for _ in range(10_000)) + b"0\r\n\r\n",
        ),
    ],
    ids=["declared", "in one chunk", "in ten thousand chunks"],
)
def test_ten_megabytes_are_too_much_and_the_server_serves_on(
    port: int, untouched: Callable[[], None], head: str, body: bytes
) -> None:
    untouched()
    answer = say(port, head, body)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"<header" not in answer  # the server's own words: no page was asked, nothing of it was kept
    assert say(port, "GET / HTTP/1.1\nHost: localhost\nConnection: close").startswith(b"HTTP/1.1 200 ")


GET = "GET {} HTTP/1.1\nHost: localhost\nConnection: close".format
PAGES = [
    (413, f"{POST}Content-Length: 100000", b"x" * 100_000),
    (413, f"{POST}Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (100_000, b"x" * 100_000)),
    (403, f"{POST}Content-Length: 0", b""),
    (200, GET("/") + "\nCookie: moncompte=" + "A" * 20_000, b""),
    (200, GET("/") + "\nCookie: " + "; ".join(f"a{n}=b" for n in range(1999)), b""),
    (404, GET("/%00/%ff%fe"), b""),
    (404, GET("/static/%00..%2f..%2fforms.py"), b""),
    (404, GET(f"/static/{'a' * 5000}"), b""),
    (404, GET("//evil.example/%2e%2e"), b""),
    (405, GET("/").replace("GET", "PROPFIND"), b""),
]
NO_REQUESTS = [
    GET("/") + "\nCookie: moncompte=" + "A" * 300_000,
    GET("/") + "\nCookie: moncompte=\xff\x01\x00",
    f"{POST}Content-Length: -5",
    f"{POST}Content-Length: 5\nContent-Length: 6",
    f"{POST}Content-Length: 5\nTransfer-Encoding: chunked\nTransfer-Encoding: x",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "<script>alert(1)</script> / HTTP/1.1\nHost: localhost",
]


def test_over_a_socket_too_it_is_a_page_of_ours(port: int, untouched: Callable[[], None]) -> None:
    untouched()
    for status, head, body in PAGES:
        answer = say(port, head, body)
        assert answer.startswith(b"HTTP/1.1 %d " % status), head[:80]
        assert b'<header class="letterhead">' in answer, head[:80]


def test_what_is_no_request_never_reaches_the_pages(port: int, untouched: Callable[[], None]) -> None:
    """The web server's own words, without any of what was sent that could be a tag."""
    untouched()
    for head in NO_REQUESTS:
        answer = say(port, head)
        assert re.match(rb"HTTP/1\.[01] (4\d\d|501) ", answer), head[:80]
        assert b"Traceback" not in answer
        assert b"<script>" not in answer
