"""The desk's pages: look for somebody, see why they cannot get in, act; and everything that is refused."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.model import By
from connector.portal import Portal
from connector.standing import Hindrance
from tests.conftest import PASSWORD
from tests.desk_steps import Phone, desk_post, enrol
from tests.portal_fixtures import SHOWN_KEY, MovingClock, account, audited, issue
from tests.web.steps import NEW_PASSWORD, choose, pointed_at, sign_in, suspend, told_at
from webui import create_app, desk_words

CARD = "Carte d’étudiant"
REASON = "Clé perdue ou expirée"


@pytest.fixture
def karim(client: FlaskClient, portal: Portal, clock: MovingClock) -> Phone:
    """Signed in at the desk, a code typed just now."""
    return enrol(client, portal, clock)


def act(client: FlaskClient, uid: str, **typed: str) -> TestResponse:
    return desk_post(client, f"/guichet/compte/{uid}", **{"reason": REASON, "document": CARD, "address": ""} | typed)


def text(answer: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_nothing_is_shown_to_who_is_not_signed_in(client: FlaskClient) -> None:
    for path in ("/guichet", "/guichet/compte/emercier"):
        assert client.get(path).headers["Location"] == "/guichet/connexion"
    for path in ("/guichet/recherche", "/guichet/compte/emercier", "/guichet/compte/emercier/feuille"):
        assert desk_post(client, path).headers["Location"] == "/guichet/connexion"


@pytest.mark.parametrize("typed", ["110000003AB", "jmartin001", "22500003", "jeanne martin"])
def test_who_is_found_alone_is_opened(client: FlaskClient, karim: Phone, typed: str) -> None:
    answer = desk_post(client, "/guichet/recherche", typed=typed)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/guichet/compte/jmartin001")
    page = client.get("/guichet/compte/jmartin001").text
    assert "Jeanne Martin" in page
    assert "jeanne@" not in page  # masked


@pytest.mark.parametrize("typed", ["*", "a*", "", "é1"])
def test_a_wildcard_finds_nobody_and_stays_in_the_box(client: FlaskClient, karim: Phone, typed: str) -> None:
    answer = desk_post(client, "/guichet/recherche", typed=typed)
    assert answer.status_code == 422
    assert pointed_at(answer.text) == ["typed"]
    assert f'value="{html.escape(typed)}"' in answer.text


def test_why_somebody_cannot_get_in_is_told_in_plain_words(
    client: FlaskClient, karim: Phone, slapd: PrivateSlapd
) -> None:
    page = text(client.get("/guichet/compte/nfaure"))
    assert "Ne peut pas entrer maintenant." in page
    assert "n’a jamais été activé, et il n’y a pas de clé" in page
    assert "Il n’y a pas d’adresse de secours" in page
    suspend(slapd, "jmartin001")
    page = text(client.get("/guichet/compte/jmartin001"))
    assert "suspendu par l’administration" in page
    assert "Agir sur ce compte" not in page


def test_every_hindrance_has_its_sentence() -> None:
    assert set(desk_words._HINDRANCES) == set(Hindrance)


def test_a_key_is_handed_over_and_its_owner_activates(
    client: FlaskClient, karim: Phone, portal: Portal, audit_file: Path
) -> None:
    slip = act(client, "emercier", act="key")
    [key] = set(SHOWN_KEY.findall(slip.text)) - {"K7QF9-M2XT4-RD8HC"}
    line = audited(audit_file)[-1]
    assert (line["event"], line["actor"], line["account"]) == ("operator:key:issue", "kdesk", "emercier")
    assert (line["why"], line["document"]) == (REASON, CARD)
    pdf = desk_post(client, "/guichet/compte/emercier/feuille", key=key)
    assert (pdf.status_code, pdf.content_type, pdf.headers["Cache-Control"]) == (200, "application/pdf", "no-store")
    student = create_app(portal).test_client()
    sign_in(student, "emercier", key)
    assert choose(student, NEW_PASSWORD).headers["Location"].startswith("/")
    assert portal.sign_in("emercier", NEW_PASSWORD).by is By.PASSWORD


def test_loading_the_slip_again_issues_no_other_key(client: FlaskClient, karim: Phone, portal: Portal) -> None:
    page = client.get("/guichet/compte/emercier").text
    found = re.search(r'name="csrf_token" value="([^"]+)', page)
    assert found
    typed = {"csrf_token": found[1], "act": "key", "reason": REASON, "document": CARD}
    assert client.post("/guichet/compte/emercier", data=typed).status_code == 200
    key = account(portal, "emercier").key
    again = client.post("/guichet/compte/emercier", data=typed)
    assert again.headers["Location"] == "/guichet/compte/emercier"
    assert "ne se montre qu’une fois" in client.get("/guichet/compte/emercier").text
    assert account(portal, "emercier").key == key


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"act": ""}, "act"),
        ({"act": "choose-a-password"}, "act"),
        ({"act": "key", "reason": ""}, "reason"),
        ({"act": "key", "document": ""}, "document"),
        ({"act": "rescue"}, "address"),
        ({"act": "rescue", "address": "jeanne@"}, "address"),
        ({"act": "rescue", "address": "jeanne@universite.example"}, "address"),
    ],
)
def test_what_is_missing_is_told_beside_its_field_and_nothing_is_lost(
    client: FlaskClient, karim: Phone, portal: Portal, typed: dict[str, str], field: str
) -> None:
    before = account(portal, "jmartin001")
    answer = act(client, "jmartin001", **typed)
    assert (answer.status_code, pointed_at(answer.text)) == (422, [field])
    assert told_at(answer.text, field)
    if typed.get("address"):
        assert f'value="{typed["address"]}"' in answer.text
    assert account(portal, "jmartin001") == before


def test_a_slip_in_an_address_is_pointed_out_once(client: FlaskClient, karim: Phone, portal: Portal) -> None:
    slip = {"act": "rescue", "address": "jeanne@gmial.com"}
    answer = act(client, "jmartin001", **slip)
    assert "jeanne@gmail.com" in told_at(answer.text, "address")[0]
    assert 'name="meant" value="jeanne@gmial.com"' in answer.text
    assert act(client, "jmartin001", meant="jeanne@gmial.com", **slip).status_code == 303
    assert account(portal, "jmartin001").rescue == "jeanne@gmial.com"


@pytest.mark.parametrize("changes", [{"reason": "Parce que"}, {"document": "12AB34567"}])
def test_a_reason_or_document_of_ones_own_is_none(
    client: FlaskClient, karim: Phone, portal: Portal, changes: dict[str, str]
) -> None:
    answer = act(client, "jmartin001", act="key", **changes)
    assert answer.status_code == 422
    assert "Rien n’a été fait" in answer.text
    assert account(portal, "jmartin001").key is None


def test_after_a_while_a_fresh_code_is_asked_for(
    client: FlaskClient, karim: Phone, portal: Portal, clock: MovingClock
) -> None:
    clock.forward(minutes=6)
    assert 'name="code"' in client.get("/guichet/compte/jmartin001").text
    refused = act(client, "jmartin001", act="key")
    assert (refused.status_code, pointed_at(refused.text)) == (422, ["code"])
    wrong = act(client, "jmartin001", act="key", code="000000")
    assert (wrong.status_code, told_at(wrong.text, "code")) != (200, [])
    assert account(portal, "jmartin001").key is None
    assert act(client, "jmartin001", act="key", code=karim.next_code()).status_code == 200
    assert 'name="code"' not in client.get("/guichet/compte/jmartin001").text


def test_each_act_does_what_it_says(
    client: FlaskClient, karim: Phone, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    issue(portal, "jmartin001")
    for name, said in {
        "revoke": "La clé est annulée",
        "send": "La clé part à son adresse de secours",
    }.items():
        assert act(client, "jmartin001", act=name).headers["Location"] == "/guichet/compte/jmartin001"
        assert said in text(client.get("/guichet/compte/jmartin001"))
    address = account(portal, "jmartin001").rescue or ""
    assert address in act(client, "jmartin001", act="reveal").text
    assert address not in client.get("/guichet/compte/jmartin001").text
    act(client, "jmartin001", act="rescue", address="jeanne@nouveau.example.org")
    page = text(client.get("/guichet/compte/jmartin001"))
    assert "est maintenant jeanne@nouveau.example.org" in page
    assert "La clé envoyée à l’ancienne est annulée" in page
    for _turn in range(10):
        portal.directory.prove(account(portal, "jmartin001"), "not the password")
    act(client, "jmartin001", act="unlock")
    assert portal.sign_in("jmartin001", PASSWORD)
    assert "n’est pas bloqué" in text(act(client, "jmartin001", act="unlock"))


@pytest.mark.parametrize("uid", ["bdubois", "kdesk", "sroux", "nobody"])
def test_staff_and_operators_are_nobody(client: FlaskClient, karim: Phone, uid: str) -> None:
    assert client.get(f"/guichet/compte/{uid}").status_code == 404
    answer = act(client, uid, act="key")
    assert answer.status_code == 404
    assert "Personne ne répond à cela" in text(answer)


def test_the_secretariat_is_sent_on(client: FlaskClient, portal: Portal, clock: MovingClock, audit_file: Path) -> None:
    enrol(client, portal, clock, "sroux")
    assert act(client, "emercier", act="key").status_code == 200
    answer = act(client, "jmartin001", act="key")
    assert answer.status_code == 404
    assert "relève d’une autre composante" in text(answer)
    assert {(line["outcome"], line["reason"]) for line in audited(audit_file)[-2:]} == {("refused", "not-served")}


def test_the_eleventh_key_is_refused_with_when(client: FlaskClient, karim: Phone, clock: MovingClock) -> None:
    for turn in range(10):
        assert act(client, ("emercier", "nfaure")[turn % 2], act="key").status_code == 200
    answer = act(client, "jmartin001", act="key")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
    assert "réessayez dans 60 minutes" in text(answer)


def test_a_slip_is_for_the_live_key_of_that_account(client: FlaskClient, karim: Phone, portal: Portal) -> None:
    other = issue(portal, "jmartin001")
    answer = desk_post(client, "/guichet/compte/emercier/feuille", key=other)
    assert answer.headers["Location"] == "/guichet/compte/emercier"
    assert "Il n’y a pas de clé" in text(client.get("/guichet/compte/emercier"))


def test_no_act_without_its_token(client: FlaskClient, karim: Phone, portal: Portal) -> None:
    typed = {"act": "key", "reason": REASON, "document": CARD}
    assert client.post("/guichet/compte/jmartin001", data=typed).status_code == 403
    assert client.post("/guichet/compte/jmartin001/feuille", data={"key": "x"}).status_code == 403
    assert account(portal, "jmartin001").key is None


def test_who_opens_too_many_people_is_told_when_to_go_on(limited: Portal, clock: MovingClock) -> None:
    client = create_app(limited).test_client()
    enrol(client, limited, clock)
    for number in range(60):
        assert client.get(f"/guichet/compte/{32500000 + number}").status_code == 404
    for answer in (client.get("/guichet/compte/emercier"), act(client, "emercier", act="key")):
        assert (answer.status_code, pointed_at(answer.text)) == (429, ["typed"])
        assert "Trop de recherches" in told_at(answer.text, "typed")[0]
        assert answer.headers["Retry-After"]
    assert account(limited, "emercier").key is None
    assert desk_post(client, "/guichet/compte/emercier/feuille", key="x").headers["Location"]


@pytest.mark.parametrize(
    "uid", ["%00", "%F0%9F%90%98", "a" * 2000, "%2e%2e", "*", "x)(uid=*", "%ED%A0%80", "a%0d%0aSet-Cookie"]
)
def test_an_address_that_is_nobodys_finds_nobody(client: FlaskClient, karim: Phone, uid: str) -> None:
    assert client.get(f"/guichet/compte/{uid}").status_code == 404
    assert act(client, uid, act="key").status_code == 404
    assert desk_post(client, f"/guichet/compte/{uid}/feuille", key=uid).status_code in {303, 404}
    assert desk_post(client, "/guichet/demandes", number=uid).status_code == 303
