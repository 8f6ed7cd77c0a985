"""A form whose token does not fit: one goes on with what was typed, except secrets, and nobody else makes use of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, audited
from tests.web.conftest import ClientWith
from tests.web.steps import NEW_PASSWORD, is_open, reference_in, sign_in, token

OURS = {"Origin": "http://127.0.0.1:8080"}  # as browsers say where a form was; portal_url of the tests
RESCUE = "jeanne@ailleurs.example"
_FORM = re.compile(
    r'<form[^>]*action="(?P<action>/(?!langue|deconnexion)[^"]*)"[^>]*>(?P<inside>.*?)</form>', re.DOTALL
)


def form_in(page: str) -> tuple[str, dict[str, str]]:
    """Where the one form of a page leads, and what it brings by itself."""
    (found,) = _FORM.finditer(page)
    inputs = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", found["inside"])]
    return found["action"], {field["name"]: field.get("value", "") for field in inputs}


def test_one_click_asks_for_the_key_after_all(client: FlaskClient, portal: Portal, mailbox: Mailbox) -> None:
    answer = client.post("/oubli", data={"identifier": "jmartin001"})
    assert answer.status_code == 403
    assert "mot de passe" not in answer.text  # nobody chose one here
    action, brought = form_in(answer.text)
    assert (action, brought["identifier"]) == ("/oubli", "jmartin001")
    assert mailbox.mails == []
    assert client.post(action, data=brought).headers["Location"] == "/oubli/envoye"
    portal.outbox.send_handed()
    assert [mail.to for mail in mailbox.mails] == [(account(portal, "jmartin001").rescue,)]


def test_to_sign_in_only_the_secret_is_typed_again(client: FlaskClient, asked: list[str]) -> None:
    answer = client.post("/connexion", data={"identifier": "jmartin001", "secret": PASSWORD})
    assert answer.status_code == 403
    assert PASSWORD not in answer.text
    assert asked == []
    action, brought = form_in(answer.text)
    assert (action, brought["identifier"], brought["secret"]) == ("/connexion", "jmartin001", "")
    assert client.post(action, data={**brought, "secret": PASSWORD}).headers["Location"] == "/mot-de-passe"


def test_without_a_session_a_form_behind_the_door_brings_its_login_to_the_front(client: FlaskClient) -> None:
    typed = {"username": "jmartin001", "password": NEW_PASSWORD, "rescue": RESCUE}
    answer = client.post("/mot-de-passe", data=typed, headers=OURS)
    assert answer.status_code == 403
    assert form_in(answer.text)[1]["identifier"] == "jmartin001"
    assert NEW_PASSWORD not in answer.text
    assert RESCUE not in answer.text


@pytest.mark.parametrize("path", ["/mot-de-passe", "/prolonger"])
def test_in_a_session_that_goes_on_the_form_comes_again_with_the_rescue_address(
    client: FlaskClient, portal: Portal, path: str
) -> None:
    """One signed in once more in another tab, and comes back to the first."""
    sign_in(client, "jmartin001", PASSWORD)
    typed = {"username": "jmartin001", "current_password": PASSWORD, "password": NEW_PASSWORD, "rescue": RESCUE}
    answer = client.post(path, data={"csrf_token": "of another session", **typed}, headers=OURS)
    assert answer.status_code == 403
    assert "retapez les mots de passe" in answer.text
    action, brought = form_in(answer.text)
    assert (action, brought["rescue"]) == ("/mot-de-passe", RESCUE)
    assert brought["current_password"] == brought["password"] == ""
    client.post(action, data={**brought, "current_password": PASSWORD})
    assert account(portal, "jmartin001").rescue == RESCUE


@pytest.mark.parametrize("headers", [{"Origin": "http://voisin.universite.example"}, {"Origin": "null"}, {}])
def test_a_neighbours_page_suggests_no_rescue_address(client: FlaskClient, headers: dict[str, str]) -> None:
    """Who then types the password would confirm an address that a thief wrote there."""
    sign_in(client, "jmartin001", PASSWORD)
    answer = client.post("/mot-de-passe", data={"username": "jmartin001", "rescue": RESCUE}, headers=headers)
    assert answer.status_code == 403
    assert form_in(answer.text)[1]["rescue"] == ""
    assert RESCUE not in answer.text


def test_an_old_form_shows_nothing_of_somebody_elses_session(client: FlaskClient) -> None:
    """A shared computer: Élodie's old page is sent after Jeanne has signed in."""
    sign_in(client, "jmartin001", PASSWORD)
    answer = client.post("/mot-de-passe", data={"username": "emercier", "rescue": RESCUE}, headers=OURS)
    assert answer.status_code == 403
    assert form_in(answer.text)[1]["identifier"] == "emercier"
    assert "Jeanne" not in answer.text
    assert "jmartin001" not in answer.text


def test_a_browser_that_refuses_cookies_is_told_so_the_second_time(client_with: ClientWith) -> None:
    client = client_with()
    refusing = client.application.test_client(use_cookies=False)
    first = refusing.post("/oubli", data={"identifier": "jmartin001"})
    assert "refuse nos cookies" not in first.text
    action, brought = form_in(first.text)
    second = refusing.post(action, data=brought)
    assert second.status_code == 403
    assert "refuse nos cookies" in second.text
    assert form_in(second.text)[1]["identifier"] == "jmartin001"
    token(client)
    assert "refuse nos cookies" not in client.post(action, data=brought).text  # this one brings its cookie


def test_an_outage_meanwhile_is_a_503_all_the_same(client: FlaskClient, slapd: PrivateSlapd) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    slapd.halt()
    try:
        answer = client.post("/mot-de-passe", data={"username": "jmartin001"})
    finally:
        slapd.launch()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")
    assert is_open(client)


def test_who_wants_to_leave_leaves_even_with_an_old_form(client: FlaskClient) -> None:
    """On a shared computer nobody must be told no, or be told yes and stay; a forged one gains no more than that."""
    sign_in(client, "jmartin001", PASSWORD)
    assert client.post("/deconnexion").headers["Location"] == "/"
    assert 'role="alert"' not in client.get("/").text
    assert not is_open(client)


def test_the_language_changes_even_with_an_old_form(client: FlaskClient) -> None:
    came_from = {"Referer": "http://localhost/oubli/envoye"}
    answer = client.post("/langue", data={"language": "en"}, headers=came_from)
    assert answer.headers["Location"] == "/oubli/envoye"
    assert '<html lang="en">' in client.get("/").text


def test_the_page_names_the_line_of_the_audit(client: FlaskClient, audit_file: Path) -> None:
    page = client.post("/connexion").text
    lines = [line for line in audited(audit_file) if line["event"] == "visitor:form:forge"]
    assert [line["request"] for line in lines] == [reference_in(page)]


def test_an_old_form_that_signs_in_again_leads_on_only_while_the_session_lasts(
    client: FlaskClient, clock: MovingClock
) -> None:
    """The second of two clicks is let through; after the time is over one has to type the secret again."""
    sign_in(client, "jmartin001", PASSWORD)
    typed = {"identifier": " JMartin001", "secret": PASSWORD}
    assert client.post("/connexion", data=typed).headers["Location"] == "/mot-de-passe"
    clock.forward(minutes=15)
    answer = client.post("/connexion", data=typed)
    assert answer.status_code == 403
    assert form_in(answer.text)[0] == "/connexion"


def test_behind_the_door_too_late_an_old_form_leads_to_the_front(client: FlaskClient, clock: MovingClock) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    clock.forward(minutes=15)
    answer = client.post("/mot-de-passe", data={"username": "jmartin001", "rescue": RESCUE}, headers=OURS)
    assert answer.status_code == 403
    action, brought = form_in(answer.text)
    assert (action, brought["identifier"]) == ("/connexion", "jmartin001")


def test_who_asks_for_a_key_with_an_old_form_is_offered_that_and_no_other_form(client: FlaskClient) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    answer = client.post("/oubli", data={"identifier": "jmartin001"})
    assert (answer.status_code, form_in(answer.text)[0]) == (403, "/oubli")
