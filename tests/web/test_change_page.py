"""After a password: it is asked again, then either of the two may be changed."""

import pytest
from flask.testing import FlaskClient

from connector.model import By
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import account
from tests.web.steps import NEW_PASSWORD, change, is_open, pointed_at, post, sign_in


@pytest.fixture
def client(client: FlaskClient) -> FlaskClient:
    """Jeanne, who came in with her password."""
    sign_in(client, "jmartin001", PASSWORD)
    return client


def test_the_new_password_works_and_an_empty_rescue_field_means_keep(client: FlaskClient, portal: Portal) -> None:
    before = account(portal, "jmartin001").rescue
    assert change(client, PASSWORD, NEW_PASSWORD).headers["Location"] == "/fait"
    assert "Votre mot de passe est changé" in client.get("/fait").text
    assert portal.sign_in("jmartin001", NEW_PASSWORD).by is By.PASSWORD
    assert account(portal, "jmartin001").rescue == before
    assert not is_open(client)


def test_a_new_rescue_address_is_kept_and_an_empty_password_means_keep(client: FlaskClient, portal: Portal) -> None:
    assert change(client, PASSWORD, rescue="jeanne@ailleurs.example").headers["Location"] == "/adresse"
    assert "Votre adresse de secours est changée" in client.get("/fait").text
    assert account(portal, "jmartin001").rescue == "jeanne@ailleurs.example"
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


def test_without_the_current_password_the_portal_is_not_asked(client: FlaskClient, asked: list[str]) -> None:
    page = change(client, "", rescue="jeanne@ailleurs.example").text
    assert pointed_at(page) == ["current-password"]
    assert asked == []


@pytest.mark.parametrize(
    ("current", "rescue", "where"),
    [
        ("not the password", "jeanne@ailleurs.example", "current-password"),
        (PASSWORD, "", "password"),
        (PASSWORD, "jeanne@courriel.example", "password"),  # the address on file: nothing to change either
        (PASSWORD, "not an address", "rescue"),
    ],
)
def test_a_refusal_points_to_its_field_and_changes_nothing(
    client: FlaskClient, portal: Portal, current: str, rescue: str, where: str
) -> None:
    before = account(portal, "jmartin001")
    answer = change(client, current, rescue=rescue)
    assert answer.status_code == 422
    assert pointed_at(answer.text) == [where]
    assert account(portal, "jmartin001") == before
    assert is_open(client)


def test_a_wrong_current_password_does_not_hide_a_weak_new_one(client: FlaskClient) -> None:
    page = change(client, "not the password", "court").text
    assert 'href="#current-password"' in page
    assert "Trop court" in page
    assert "not the password" not in page


def test_a_confirmation_that_was_forgotten_changes_nothing(client: FlaskClient, portal: Portal) -> None:
    answer = post(client, "/mot-de-passe", current_password=PASSWORD, password=NEW_PASSWORD)
    assert pointed_at(answer.text) == ["confirmation"]
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


def test_password_managers_know_the_old_password_from_the_new(client: FlaskClient) -> None:
    page = client.get("/mot-de-passe").text
    assert page.count('autocomplete="current-password"') == 1
    assert page.count('autocomplete="new-password"') == 2
