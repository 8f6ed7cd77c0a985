"""The assistance form: nothing typed is lost, nobody is looked up, programs are kept out and people are not."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from itertools import count

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from connector.settings import Settings
from tests.desk_steps import desk_post, enrol
from tests.portal_fixtures import MovingClock
from tests.web.conftest import ClientWith
from tests.web.steps import blind, pointed_at, post, told_at
from webui import create_app, guard

TYPED = {
    "name": "Zoé Petit",
    "born": "5 mars 2004",
    "identifier": "zpetit",
    "subject": "letter",
    "text": "J’ai perdu la lettre.",
    "answer_to": "zoe@perso.example.org",
}
SENT = (303, "/assistance/envoyee")
_TICKET = re.compile(r'name="ticket" value="([^"]+)"')


@pytest.fixture(autouse=True)
def no_requests(portal: Portal) -> Iterator[None]:
    yield
    for request in portal.directory.requests.all():
        portal.directory.requests.move(request, None)


@pytest.fixture
def hurried(settings: Settings, portal: Portal, clock: MovingClock) -> Iterator[FlaskClient]:
    """A visitor of a portal where one request an hour is all that is usual."""
    throttle = settings.throttle.model_copy(update={"assistance_at_ease": "1/hour"})
    other = Portal(settings.model_copy(update={"throttle": throttle}), clock)
    yield create_app(other).test_client()
    other.stop()


def ticket(page: str) -> str:
    found = _TICKET.search(page)
    assert found
    return found[1]


def send(client: FlaskClient, clock: MovingClock, after: int = 5, **typed: str) -> TestResponse:
    """The form as it was opened ``after`` seconds ago."""
    given = {"ticket": ticket(client.get("/assistance").text)} | typed
    clock.forward(seconds=after)
    return post(client, "/assistance", **TYPED | given)


def end_of(answer: TestResponse) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("Location")


def kept_in(page: str) -> dict[str, str]:
    """What stands in the form again."""
    found = dict(re.findall(r'<input id="(\w+)" name="\w+" type="\w+" value="([^"]*)"', page))
    area = re.search(r"<textarea [^>]*>(.*?)</textarea>", page, re.DOTALL)
    chosen = re.search(r'<option value="(\w+)" selected', page)
    found |= {"text": area[1] if area else "", "subject": chosen[1] if chosen else ""}
    return {name: html.unescape(value) for name, value in found.items()}


def test_a_request_reaches_the_desk(client: FlaskClient, portal: Portal, mailbox: Mailbox, clock: MovingClock) -> None:
    assert send(client, clock).headers["Location"] == "/assistance/envoyee"
    assert "Votre demande est partie" in client.get("/assistance/envoyee").text
    portal.outbox.send_handed()
    assert [mail.headers["Reply-To"] for mail in mailbox.mails] == [TYPED["answer_to"]]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"born": "demain"}, "born"),
        ({"born": ""}, "born"),
        ({"subject": ""}, "subject"),
        ({"text": " "}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"answer_to": "zoe"}, "answer_to"),
        ({"answer_to": "zoe@perso.example.org\r\nBcc: x@y.example.org"}, "answer_to"),
    ],
)
def test_what_is_missing_is_told_beside_its_field_and_the_rest_stays(
    client: FlaskClient, portal: Portal, clock: MovingClock, typed: dict[str, str], field: str
) -> None:
    answer = send(client, clock, 5, **typed)
    assert (answer.status_code, pointed_at(answer.text)) == (422, [field])
    assert told_at(answer.text, field)
    for name in {"name", "text", "answer_to"} - {field}:
        assert TYPED[name] in answer.text
    assert portal.directory.requests.all() == []


def test_lines_count_as_the_browser_counts_them(client: FlaskClient, clock: MovingClock) -> None:
    """A textarea's maxlength counts a line break once (HTML §4.10.11); on the wire it is two characters."""
    assert end_of(send(client, clock, text="x\r\n" * 999 + "xx")) == SENT
    assert send(client, clock, text="x\r\n" * 1000 + "x").status_code == 422


def test_two_thousand_pictures_come_whole(
    client: FlaskClient, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    pile = "\N{PILE OF POO}" * 2000
    assert end_of(send(client, clock, text=pile)) == SENT
    [kept] = portal.directory.requests.all()
    assert kept.text == pile
    portal.outbox.send_handed()
    assert pile in mailbox.mails[0].text


def test_an_address_of_an_accented_domain_can_be_answered(
    client: FlaskClient, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    send(client, clock, answer_to="zoe@bücher.example.org")
    portal.outbox.send_handed()
    assert [mail.headers["Reply-To"] for mail in mailbox.mails] == ["zoe@xn--bcher-kva.example.org"]


@pytest.mark.parametrize("who", ["jmartin001", "smoreau", "nobody", "*"])
def test_it_tells_nobody_who_exists(client: FlaskClient, clock: MovingClock, who: str) -> None:
    assert blind(send(client, clock, identifier=who), who) == blind(send(client, clock, identifier="x"), "x")


def test_what_a_program_fills_in_goes_nowhere_and_is_answered_alike(
    client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    honest, robots = send(client, clock), send(client, clock, website="https://spam.example.org")
    assert (robots.status_code, robots.headers["Location"]) == (honest.status_code, honest.headers["Location"])
    assert len(portal.directory.requests.all()) == 1


@pytest.mark.parametrize("given", ["", "x", "x" * 300])
def test_a_ticket_is_ours(client: FlaskClient, portal: Portal, clock: MovingClock, given: str) -> None:
    answer = send(client, clock, ticket=given)
    assert answer.status_code == 422
    assert TYPED["text"] in answer.text
    assert portal.directory.requests.all() == []


def test_a_ticket_serves_once_for_a_day_and_not_at_once(
    client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    first = ticket(client.get("/assistance").text)
    assert post(client, "/assistance", **TYPED | {"ticket": first}).status_code == 422
    clock.forward(seconds=3)
    assert post(client, "/assistance", **TYPED | {"ticket": first}).status_code == 303
    again = post(client, "/assistance", **TYPED | {"ticket": first})
    assert (again.status_code, TYPED["text"] in again.text) == (422, True)
    assert len(portal.directory.requests.all()) == 1
    late = ticket(client.get("/assistance").text)
    clock.forward(days=1, seconds=1)
    assert post(client, "/assistance", **TYPED | {"ticket": late}).status_code == 422


def test_the_second_of_two_clicks_says_that_it_has_left(
    client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    own = ticket(client.get("/assistance").text)
    assert end_of(send(client, clock, ticket=own)) == SENT
    again = send(client, clock, ticket=own)
    assert "Votre demande est déjà partie" in again.text
    assert kept_in(again.text) == TYPED
    assert len(portal.directory.requests.all()) == 1
    assert end_of(send(client, clock, ticket=ticket(again.text))) == SENT  # another, if that is what is meant


def test_who_is_quick_is_not_told_of_floods(client: FlaskClient, clock: MovingClock) -> None:
    answer = send(client, clock, after=2)
    assert "attendez une minute" not in answer.text
    assert kept_in(answer.text) == TYPED


def test_a_ticket_of_a_portal_whose_clock_is_ahead_only_has_to_grow_older(
    client: FlaskClient, clock: MovingClock
) -> None:
    ahead = ticket(client.get("/assistance").text)
    clock.forward(seconds=-4)
    answer = post(client, "/assistance", **TYPED | {"ticket": ahead})
    assert (answer.status_code, ticket(answer.text)) == (422, ahead)


def test_while_the_directory_is_down_nothing_is_lost_and_the_same_page_can_be_sent_again(
    client: FlaskClient, slapd: PrivateSlapd, portal: Portal, clock: MovingClock
) -> None:
    own = ticket(client.get("/assistance").text)
    slapd.halt()
    try:
        answer = send(client, clock, ticket=own)
    finally:
        slapd.launch()
    assert (answer.status_code, kept_in(answer.text)) == (503, TYPED)
    assert "Retry-After" in answer.headers
    assert end_of(send(client, clock, ticket=own)) == SENT
    assert len(portal.directory.requests.all()) == 1


def test_without_its_entry_the_form_says_so_and_keeps_all(
    client: FlaskClient, slapd: PrivateSlapd, portal: Portal, clock: MovingClock
) -> None:
    dn = portal.directory.requests.dn
    [entry] = slapd.search("(objectClass=*)", "*", base=dn)
    slapd.run("ldapdelete", *slapd.as_root, dn)
    try:
        answer = send(client, clock)
    finally:
        lines = "\n".join(f"{name}: {value}" for name, values in entry.items() if name != "dn" for value in values)
        slapd.add_ldif(f"dn: {dn}\n{lines}\n")
    assert (answer.status_code, kept_in(answer.text)) == (503, TYPED)


def test_a_form_without_its_token_keeps_what_was_typed_in_our_page_and_in_no_other(
    client: FlaskClient, settings: Settings
) -> None:
    ours = settings.web.portal_url.rstrip("/")
    for origin, wanted in ((ours, TYPED), ("https://evil.example", dict.fromkeys(TYPED, ""))):
        answer = client.post("/assistance", data=TYPED, headers={"Origin": origin})
        assert (answer.status_code, kept_in(answer.text)) == (403, wanted)


def test_a_page_of_one_portal_can_be_sent_to_another(
    client: FlaskClient, client_with: ClientWith, portal: Portal, clock: MovingClock
) -> None:
    own = ticket(client.get("/assistance").text)
    assert end_of(send(client_with(), clock, ticket=own)) == SENT
    assert [request.name for request in portal.directory.requests.all()] == [TYPED["name"]]


def test_too_many_from_one_place_wait_with_what_they_wrote(
    client_with: ClientWith, clock: MovingClock, portal: Portal
) -> None:
    client = client_with(throttle={"assistance_per_source": "1/hour"})
    assert send(client, clock).status_code == 303
    answer = send(client, clock)
    assert (answer.status_code, TYPED["text"] in answer.text) == (429, True)
    assert "Retry-After" in answer.headers


def test_under_attack_who_has_no_script_waits_a_minute_and_loses_nothing(
    hurried: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    assert send(hurried, clock).status_code == 303
    answer = send(hurried, clock)
    assert (answer.status_code, TYPED["text"] in answer.text) == (422, True)
    assert "attendez une minute" in answer.text
    clock.forward(minutes=1)
    assert post(hurried, "/assistance", **TYPED | {"ticket": ticket(answer.text)}).status_code == 303
    assert send(hurried, clock, after=61).status_code == 303  # who writes for a minute notices nothing
    assert len(portal.directory.requests.all()) == 3


def test_under_attack_work_takes_the_place_of_the_wait(hurried: FlaskClient, clock: MovingClock) -> None:
    send(hurried, clock)
    page = hurried.get("/assistance").text
    assert f'data-bits="{guard.WORK_BITS}"' in page
    given = ticket(page)
    done = next(n for n in count() if hashlib.sha256(f"{given}:{n}".encode()).digest()[:2] == b"\0\0")
    clock.forward(seconds=5)
    assert post(hurried, "/assistance", **TYPED | {"ticket": given, "work": "1"}).status_code == 422
    assert post(hurried, "/assistance", **TYPED | {"ticket": given, "work": str(done)}).status_code == 303


def test_without_a_mailbox_there_is_no_form(client_with: ClientWith) -> None:
    client = client_with(assistance={"mailbox": ""})
    assert client.get("/assistance").status_code == 404
    assert "/assistance" not in client.get("/").text


def test_the_themes_own_form_comes_first(client_with: ClientWith, client: FlaskClient) -> None:
    assert 'href="/assistance"' in client.get("/aide").text
    theirs = client_with(fr={"assistance_url": "https://aide.example.org/"})
    assert 'href="/assistance"' not in theirs.get("/aide").text


def test_an_operator_takes_on_what_waits(
    client: FlaskClient, portal: Portal, clock: MovingClock, audit_file: object
) -> None:
    send(client, clock)
    [waiting] = portal.directory.requests.all()
    operator = create_app(portal).test_client()
    enrol(operator, portal, clock)
    assert TYPED["text"] in operator.get("/guichet/demandes").text
    taken = desk_post(operator, "/guichet/demandes", number=waiting.number).text
    assert TYPED["answer_to"] in taken
    assert "5 mars 2004" in taken
    assert TYPED["text"] in taken
    desk_post(operator, "/guichet/demandes", number=waiting.number)
    assert "n’attend plus" in operator.get("/guichet/demandes").text
    assert portal.directory.requests.all() == []


def test_a_secretariat_sees_no_queue(client: FlaskClient, portal: Portal, clock: MovingClock) -> None:
    send(client, clock)
    operator = create_app(portal).test_client()
    enrol(operator, portal, clock, "sroux")
    page = operator.get("/guichet/demandes").text
    assert TYPED["text"] not in page
    assert 'href="/guichet/demandes"' not in page


def test_nobody_sees_the_queue_from_outside(client: FlaskClient) -> None:
    assert client.get("/guichet/demandes").headers["Location"] == "/guichet/connexion"
