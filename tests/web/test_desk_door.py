"""The desk's door: enrol, sign in with a second factor, stay, leave."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from connector import qr
from connector.demo.slapd import PrivateSlapd
from connector.errors import FactorRefused
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.desk_steps import Phone, desk_post, desk_token, enrol, is_at_desk, offer, sign_in_at_desk, try_desk
from tests.portal_fixtures import MovingClock, audited
from tests.web.conftest import ClientWith
from tests.web.steps import blind, is_open, sign_in, told_at, write
from webui import create_app, desk_session
from webui.views import desk


@pytest.mark.parametrize("login", ["kdesk", "sroux"])
def test_an_operator_enrols_signs_out_and_comes_back(
    client: FlaskClient, portal: Portal, clock: MovingClock, login: str
) -> None:
    phone = enrol(client, portal, clock, login)
    assert len(set(phone.recovery_codes)) == 8
    assert is_at_desk(client)
    assert desk_post(client, "/guichet/deconnexion").headers["Location"] == "/guichet/connexion"
    assert not is_at_desk(client)
    sign_in_at_desk(client, phone)
    assert is_at_desk(client)


@pytest.fixture
def phone(client: FlaskClient, portal: Portal, clock: MovingClock) -> Phone:
    """The authenticator of kdesk, who is signed in."""
    phone = enrol(client, portal, clock)
    sign_in_at_desk(client, phone)
    return phone


@pytest.fixture
def elsewhere(settings: Settings, people: dict[str, str], clock: MovingClock) -> Iterator[FlaskClient]:
    """The same browser at a second portal over the same directory, with the same secrets."""
    portal = Portal(settings, clock)
    yield create_app(portal).test_client()
    portal.stop()


def carried(client: FlaskClient, elsewhere: FlaskClient) -> FlaskClient:
    """``elsewhere``, with the cookie that ``client`` has now."""
    cookie = client.get_cookie("moncompte")
    assert cookie
    elsewhere.set_cookie("moncompte", cookie.value)
    return elsewhere


def said_at_door(client: FlaskClient) -> str:
    """What the door says to somebody who was sent back to it."""
    found = re.search(r'<p class="note"[^>]*>(.*?)</p>', client.get("/guichet/connexion").text)
    return html.unescape(found[1]) if found else ""


# The session


def test_half_of_it_on_each_of_two_portals(
    client: FlaskClient, elsewhere: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    """Password and enrolment code here, the QR code and the first code there, sign-in and work on either."""
    begun = desk_post(
        client, "/guichet/inscription", identifier="kdesk", password=PASSWORD, offered=offer(portal, "kdesk")
    )
    assert begun.status_code == 303
    here, there = client.get("/guichet/inscription/code").text, carried(client, elsewhere)
    link = html.unescape(there.get("/guichet/inscription/code").text.partition('href="otpauth')[2].partition('"')[0])
    assert html.escape(link) in here
    phone = Phone("kdesk", f"otpauth{link}", clock, [])
    enrolled = desk_post(there, "/guichet/inscription/code", code=phone.code())
    assert (enrolled.status_code, "Se déconnecter" in enrolled.text) == (200, True)
    sign_in_at_desk(client, phone)
    assert is_at_desk(carried(client, elsewhere))
    assert desk_post(elsewhere, "/guichet/deconnexion").status_code == 303
    assert not is_at_desk(client)


def test_a_session_ends_after_a_pause(client: FlaskClient, phone: Phone, clock: MovingClock) -> None:
    for _pause in range(3):
        clock.forward(minutes=9, seconds=59)
        assert is_at_desk(client)
    clock.forward(minutes=10)
    assert not is_at_desk(client)
    assert "votre session s’est fermée" in said_at_door(client)
    assert not is_at_desk(client)


def test_a_session_ends_however_busy_it_is(client: FlaskClient, phone: Phone, clock: MovingClock) -> None:
    for _pause in range(119):
        clock.forward(minutes=1)
        assert is_at_desk(client)
    clock.forward(minutes=1)
    assert not is_at_desk(client)


def test_no_session_comes_from_the_future(client: FlaskClient, phone: Phone, clock: MovingClock) -> None:
    clock.forward(seconds=-1)
    assert not is_at_desk(client)


def test_who_is_taken_out_of_the_group_is_out(
    client: FlaskClient, phone: Phone, slapd: PrivateSlapd, people: dict[str, str], audit_file: Path
) -> None:
    """At the next click, and back with the group."""
    group = f"dn: cn=helpdesk,ou=groups,{slapd.base}\nchangetype: modify\nreplace: member\nmember: {{}}\n"
    slapd.add_ldif(group.format(people["bdubois"]))
    try:
        assert not is_at_desk(client)
        assert audited(audit_file)[-1]["event"] == "operator:session:lose"
        assert try_desk(client, "kdesk", phone.next_code()).status_code == 422
    finally:
        slapd.add_ldif(group.format(people["kdesk"]))
    sign_in_at_desk(client, phone)


@pytest.mark.parametrize("act", ["class", "lock", "password", "reset"])
def test_what_a_sysadmin_does_ends_the_session(
    client: FlaskClient, phone: Phone, portal: Portal, slapd: PrivateSlapd, clock: MovingClock, act: str
) -> None:
    operator = portal.directory.operators.find("kdesk")
    assert operator
    if act == "class":
        held = "moncompteTotpSecret moncompteTotpStep moncompteTotpFailures moncompteRecoveryCode moncompteSessionMark"
        gone = "".join(f"delete: {name}\n-\n" for name in held.split())
        left = f"{gone}delete: objectClass\nobjectClass: moncompteOperator\n"
        slapd.add_ldif(f"dn: {operator.dn}\nchangetype: modify\n{left}")
    elif act == "lock":
        write(slapd, "kdesk", "pwdAccountLockedTime", "000001010000Z", "-e", "relax")
    elif act == "password":
        slapd.run("ldappasswd", *slapd.as_root, "-s", "Quatre-chaloupes-5", operator.dn)
    else:
        portal.directory.operators.forget_factor(operator)
    assert not is_at_desk(client)
    assert "Votre session est terminée" in said_at_door(client)


def test_a_copy_of_the_cookie_dies_with_the_sign_out(client: FlaskClient, phone: Phone, elsewhere: FlaskClient) -> None:
    thief = carried(client, elsewhere)
    assert is_at_desk(thief)
    desk_post(client, "/guichet/deconnexion")
    assert not is_at_desk(thief)


def test_a_students_sign_in_ends_it_in_the_same_browser(client: FlaskClient, phone: Phone) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    assert not is_at_desk(client)


def test_an_operators_sign_in_ends_a_students(client: FlaskClient, phone: Phone) -> None:
    desk_post(client, "/guichet/deconnexion")
    sign_in(client, "jmartin001", PASSWORD)
    sign_in_at_desk(client, phone)
    assert not is_open(client)


def test_a_students_session_opens_no_page_of_the_desk(client: FlaskClient) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    assert not is_at_desk(client)


def test_no_secret_is_in_the_cookie(client: FlaskClient, portal: Portal, clock: MovingClock) -> None:
    phone = enrol(client, portal, clock)
    with client.session_transaction() as held:
        assert set(held) <= {"desk", "csrf_token"}
        assert set(held["desk"]) == {"uid", "mark", "opened", "seen", "confirmed"}
        assert not any(secret in str(dict(held)) for secret in (*phone.recovery_codes, phone.secret))


def test_a_code_confirms_for_five_minutes(portal: Portal, clock: MovingClock, client: FlaskClient) -> None:
    """And the one that opened the session counts; afterwards the pages ask for another."""
    phone = enrol(client, portal, clock)
    with client.application.test_request_context():
        desk_session.open_session(portal.desk_door.sign_in("kdesk", PASSWORD, phone.next_code()), portal.now())
        clock.forward(minutes=4, seconds=59)
        assert desk.is_confirmed()
        desk.confirm("none is asked for")
        clock.forward(seconds=1)
        assert not desk.is_confirmed()
        with pytest.raises(FactorRefused):
            desk.confirm("000000")
        assert not desk.is_confirmed()
        desk.confirm(phone.next_code())
        assert desk.is_confirmed()


def test_an_old_form_is_told_of_an_outage_as_one(client: FlaskClient, phone: Phone, slapd: PrivateSlapd) -> None:
    slapd.halt()
    try:
        answer = client.post("/guichet/connexion", data={"identifier": "kdesk"})
    finally:
        slapd.launch()
    assert answer.status_code == 503


# There and back


def test_one_is_brought_back_to_the_page_one_was_on(client: FlaskClient, phone: Phone, clock: MovingClock) -> None:
    clock.forward(minutes=10)
    assert client.get("/guichet?x=1").headers["Location"] == "/guichet/connexion"
    sign_in_at_desk(client, phone)
    clock.forward(minutes=10)
    assert client.get("/guichet/inscription/code").headers["Location"] == "/guichet/connexion"
    answer = try_desk(client, "kdesk", phone.next_code())
    assert answer.headers["Location"] == "/guichet/inscription/code"


@pytest.mark.parametrize("query", ["?back=https://evil.example/", "?next=//evil.example", "?vers=/deconnexion"])
def test_no_link_says_where_one_is_brought(client: FlaskClient, phone: Phone, query: str) -> None:
    desk_post(client, "/guichet/deconnexion")
    page = client.get(f"/guichet/connexion{query}")
    assert "evil.example" not in page.text
    answer = client.post(
        f"/guichet/connexion{query}",
        data={
            "csrf_token": desk_token(client),
            "identifier": "kdesk",
            "password": PASSWORD,
            "code": phone.next_code(),
            "desk-back": "https://evil.example/",
        },
    )
    assert answer.headers["Location"] == "/guichet"


# What the door tells


def test_whoever_is_refused_reads_the_same_page(client: FlaskClient, portal: Portal, clock: MovingClock) -> None:
    """Nobody learns by it who works at the desk, nor what was wrong."""
    phone = enrol(client, portal, clock, "sroux")
    used = phone.code()
    tries = {
        "nobody": ("nobody", PASSWORD, used),
        "a student": ("jmartin001", PASSWORD, used),
        "staff": ("bdubois", PASSWORD, used),
        "not enrolled": ("kdesk", PASSWORD, used),
        "wrong password": ("sroux", "not the password", phone.next_code()),
        "wrong code": ("sroux", PASSWORD, "000000"),
        "replayed code": ("sroux", PASSWORD, used),
    }
    said = {
        name: blind(try_desk(create_app(portal).test_client(), login, code, password), login)
        for name, (login, password, code) in tries.items()
    }
    assert len({(one.status, one.body) for one in said.values()}) == 1
    assert said["nobody"].status == 422


@pytest.mark.parametrize("path", ["/guichet/connexion", "/guichet/inscription"])
def test_neither_password_nor_code_comes_back_into_the_page(client: FlaskClient, path: str) -> None:
    secrets = {"password": "my-own-password", "code": "123456", "offered": "K7QF9-M2XT4-RD8HD"}
    page = desk_post(client, path, identifier="kdesk", **secrets).text
    assert 'value="kdesk"' in page
    assert not any(secret in page for secret in secrets.values())


def test_a_wrong_first_code_shows_the_same_secret_again(
    client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    desk_post(client, "/guichet/inscription", identifier="kdesk", password=PASSWORD, offered=offer(portal, "kdesk"))
    before = client.get("/guichet/inscription/code").text
    refused = desk_post(client, "/guichet/inscription/code", code="000000")
    assert refused.status_code == 422
    assert told_at(refused.text, "code")
    link = re.compile(r'href="(otpauth:[^"]+)"')
    assert link.findall(before) == link.findall(refused.text) != []


def test_the_qr_code_is_the_link(client: FlaskClient, portal: Portal) -> None:
    desk_post(client, "/guichet/inscription", identifier="kdesk", password=PASSWORD, offered=offer(portal, "kdesk"))
    page = client.get("/guichet/inscription/code").text
    link = html.unescape(page.partition('href="otpauth')[2].partition('"')[0])
    assert qr.path(f"otpauth{link}")[1] in page


def test_the_recovery_codes_are_shown_once(client: FlaskClient, portal: Portal, clock: MovingClock) -> None:
    phone = enrol(client, portal, clock)
    again = desk_post(client, "/guichet/inscription/code", code=phone.next_code())
    assert (again.status_code, again.headers["Location"]) == (303, "/guichet/connexion")
    assert not any(code in client.get("/guichet").text for code in phone.recovery_codes)


def test_a_form_that_another_site_sends_does_nothing(client: FlaskClient, phone: Phone) -> None:
    answer = client.post("/guichet/connexion", data={"identifier": "sroux", "password": PASSWORD, "code": "000000"})
    assert answer.status_code == 403
    assert "recommencez" in answer.text
    assert is_at_desk(client)
    assert client.post("/guichet/deconnexion").headers["Location"] == "/guichet/connexion"
    assert not is_at_desk(client)


def test_an_outage_is_no_wrong_code(client: FlaskClient, phone: Phone, slapd: PrivateSlapd) -> None:
    slapd.halt()
    try:
        answer = client.get("/guichet")
    finally:
        slapd.launch()
    assert answer.status_code == 503
    assert is_at_desk(client)


# A host of its own


def at(host: str, path: str) -> str:
    return f"https://{host}{path}"


@pytest.fixture
def two_hosts(client_with: ClientWith) -> FlaskClient:
    return client_with(
        web={"portal_url": "https://compte.universite.example/", "secure_cookies": True},
        desk={"url": "https://Guichet.universite.example/"},
    )


DESK_HOST, PORTAL_HOST = "guichet.universite.example", "compte.universite.example"


@pytest.mark.parametrize("path", ["/guichet", "/guichet/connexion", "/guichet/inscription"])
def test_the_desk_answers_on_its_own_host_alone(two_hosts: FlaskClient, path: str) -> None:
    assert two_hosts.get(at(DESK_HOST, path)).status_code in {200, 303}
    for host in (PORTAL_HOST, "127.0.0.1", "", "guichet.universite.example.evil.example"):
        assert two_hosts.get(path, headers={"Host": host}).status_code == 404
    assert two_hosts.post(at(PORTAL_HOST, path)).status_code == 404


@pytest.mark.parametrize("path", ["/oubli/envoye", "/mot-de-passe", "/aide", "/fait", "/.well-known/change-password"])
def test_the_students_pages_do_not_answer_there(two_hosts: FlaskClient, path: str) -> None:
    assert two_hosts.get(at(DESK_HOST, path)).status_code == 404
    assert two_hosts.get(at(PORTAL_HOST, path)).status_code in {200, 302, 303}
    assert two_hosts.post(at(DESK_HOST, "/connexion")).status_code == 404


@pytest.mark.parametrize("host", ["guichet.universite.example:443", "GUICHET.universite.example", DESK_HOST])
def test_its_host_is_known_however_it_is_written(two_hosts: FlaskClient, host: str) -> None:
    answer = two_hosts.get("/guichet/connexion", headers={"Host": host})
    assert answer.status_code == 200
    assert 'href="https://compte.universite.example/aide"' in answer.text
    assert two_hosts.get("/", headers={"Host": host}).headers["Location"] == "/guichet"


def test_its_forms_are_taken_on_its_host(two_hosts: FlaskClient) -> None:
    """Flask-WTF compares the Referer with the host that was asked."""
    page = two_hosts.get(at(DESK_HOST, "/guichet/connexion"))
    found = re.search(r'name="csrf_token" value="([^"]+)', page.text)
    assert found
    assert "__Host-moncompte=" in page.headers["Set-Cookie"]
    typed = {"csrf_token": found[1], "identifier": "kdesk", "password": "x", "code": "000000"}
    for referer, status in ((DESK_HOST, 422), (PORTAL_HOST, 403)):
        headers = {"Referer": at(referer, "/guichet/connexion")}
        answer = two_hosts.post(at(DESK_HOST, "/guichet/connexion"), data=typed, headers=headers)
        assert answer.status_code == status, referer


def test_the_stylesheet_and_the_language_come_on_both(two_hosts: FlaskClient) -> None:
    for host, path in ((DESK_HOST, "/guichet/connexion"), (PORTAL_HOST, "/")):
        sheet = re.search(r'href="(/static/[^"]+\.css)"', two_hosts.get(at(host, path)).text)
        assert sheet
        with two_hosts.get(at(host, sheet[1])) as answer:
            assert answer.status_code == 200
        assert two_hosts.post(at(host, "/langue"), data={"language": "en"}).status_code == 303


def test_without_a_help_desk_there_is_no_page_of_it(client_with: ClientWith) -> None:
    client = client_with(desk={"group_dn": "", "component_group_dn": ""})
    assert client.get("/guichet").status_code == 404
    assert client.get("/guichet/connexion").status_code == 404
