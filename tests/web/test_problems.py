"""What goes wrong keeps its status, our design, and its silence."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import issue
from tests.web.conftest import ClientWith
from tests.web.steps import NEW_PASSWORD, REFERENCE, blind, choose, is_open, post, sign_in, try_to_sign_in
from webui import create_app


@pytest.fixture
def outage(slapd: PrivateSlapd) -> Iterator[PrivateSlapd]:
    """A directory that a test may ``halt``; it is back afterwards."""
    yield slapd
    slapd.halt()
    slapd.launch()


def test_an_outage_is_a_503_the_same_for_everyone_with_when_to_return(
    client: FlaskClient, portal: Portal, outage: PrivateSlapd
) -> None:
    key = issue(portal, "emercier")
    student = create_app(portal).test_client()
    sign_in(student, "emercier", key)
    outage.halt()
    answers = [
        try_to_sign_in(client, "jmartin001", PASSWORD),
        try_to_sign_in(client, "emercier", key),
        try_to_sign_in(client, "nobody", "x"),
        post(client, "/oubli", identifier="jmartin001"),
        post(client, "/oubli", identifier="nobody"),
        student.get("/mot-de-passe"),
        choose(student, NEW_PASSWORD),
    ]
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"120"}
    assert len({blind(answer, "").body for answer in answers}) == 1
    assert len({found[0] for answer in answers if (found := REFERENCE.search(answer.text))}) == len(answers)
    assert "L’annuaire de l’université ne répond pas" in answers[0].text
    assert "pas pu vous identifier" not in answers[0].text


def test_an_outage_ends_no_session(client: FlaskClient, outage: PrivateSlapd) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    outage.halt()
    assert client.get("/mot-de-passe").status_code == 503
    outage.launch()
    assert is_open(client)


def test_the_landing_page_stands_without_the_directory(client: FlaskClient, outage: PrivateSlapd) -> None:
    outage.halt()
    assert [client.get(path).status_code for path in ("/", "/oubli/envoye")] == [200, 200]


def test_a_form_without_its_token_is_400_asks_nothing_and_loses_nothing_but_the_secret(
    client: FlaskClient, asked: list[str]
) -> None:
    answer = client.post("/connexion", data={"identifier": "jmartin001", "secret": PASSWORD})
    assert answer.status_code == 400
    assert 'value="jmartin001"' in answer.text
    assert PASSWORD not in answer.text
    assert asked == []


def test_a_form_left_open_behind_the_door_brings_its_login_back_to_the_front(client: FlaskClient) -> None:
    answer = client.post("/mot-de-passe", data={"username": "jmartin001", "password": NEW_PASSWORD})
    assert answer.status_code == 400
    assert 'value="jmartin001"' in answer.text
    assert NEW_PASSWORD not in answer.text


@pytest.mark.parametrize("path", ["/connexion", "/oubli"])
def test_the_address_of_a_refused_form_opened_anew_leads_to_the_front(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("path", ["/force", "/deconnexion"])
def test_an_act_is_no_link(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/connexion", "/oubli", "/mot-de-passe", "/force"])
def test_every_form_needs_its_token(client: FlaskClient, asked: list[str], path: str) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    typed = {
        "identifier": "emercier",
        "secret": PASSWORD,
        "current_password": PASSWORD,
        "rescue": "j@ailleurs.example",
    }
    assert client.post(path, data=typed).status_code == 400
    assert asked == ["sign_in"]
    assert is_open(client)


def test_who_wants_to_leave_leaves_even_with_an_old_form(client: FlaskClient) -> None:
    """On a shared computer nobody must be told no, or be told yes and stay; a forged one gains no more than that."""
    sign_in(client, "jmartin001", PASSWORD)
    assert client.post("/deconnexion").headers["Location"] == "/"
    assert 'role="alert"' not in client.get("/").text
    assert not is_open(client)


def test_asking_for_a_key_from_an_old_form_takes_one_more_click_and_no_password(client: FlaskClient) -> None:
    answer = client.post("/oubli", data={"identifier": "jmartin001"})
    assert answer.status_code == 400
    assert re.search(r'id="forgotten-identifier"[^>]* value="jmartin001"', answer.text)
    assert "Cliquez à nouveau" in answer.text
    assert "mot de passe, essayez" not in answer.text


@pytest.mark.parametrize(
    ("path", "typed"),
    [("/connexion", {"identifier": "jmartin001", "secret": PASSWORD}), ("/oubli", {"identifier": "jmartin001"})],
)
def test_a_fault_of_ours_is_a_500_that_tells_nothing_of_itself(
    client_with: ClientWith, caplog: pytest.LogCaptureFixture, path: str, typed: dict[str, str]
) -> None:
    """Here the portal has a wrong password of its own; the log says so, and no secret."""
    answer = post(client_with(directory={"password": SecretStr("not-the-portals")}), path, **typed)
    assert answer.status_code == 500
    assert "cassé chez nous" in answer.text
    assert "cn=portal" not in answer.text
    assert "cn=portal" in caplog.text
    assert PASSWORD not in caplog.text
    assert "not-the-portals" not in caplog.text


def test_statuses_keep_their_meaning_in_our_design(client: FlaskClient) -> None:
    lost, method = client.get("/nulle-part"), client.get("/force")
    large = client.post("/oubli", data={"identifier": "x" * 70_000})
    many = client.post(
        "/oubli", data={f"field{number}": "x" for number in range(30)}, content_type="multipart/form-data"
    )
    answers = (lost, method, large, many)
    assert [answer.status_code for answer in answers] == [404, 405, 413, 413]
    assert all("Mon compte" in answer.text for answer in answers)
