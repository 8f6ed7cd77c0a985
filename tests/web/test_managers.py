"""Password managers find what each field takes (HTML autofill; WCAG 2.2 §1.3.5); where to change it: test_wellknown."""

from __future__ import annotations

from html.parser import HTMLParser

from flask.testing import FlaskClient

from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import issue
from tests.web.steps import NEW_PASSWORD, choose, sign_in, try_to_sign_in

Attributes = dict[str, str | None]
TAKES = {
    "identifier": "username",
    "username": "username",
    "secret": "current-password",  # the one box: a key is typed in it as well, and no manager should make one up
    "current_password": "current-password",
    "password": "new-password",
    "confirmation": "new-password",
    "rescue": "email",
}


class Fields(HTMLParser):
    """Collects the fields of a page that are typed in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Attributes] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        field = dict(attrs)
        if tag == "input" and field.get("type") != "hidden":
            self.found.append(field)


def fields(page: str) -> list[Attributes]:
    return Fields(page).found


def pages(client: FlaskClient, portal: Portal) -> list[str]:
    """Every page with a field, also as it comes back."""
    seen = [client.get("/").text, try_to_sign_in(client, "nobody", "x").text, client.post("/connexion").text]
    sign_in(client, "emercier", issue(portal, "emercier"))
    seen += [client.get("/mot-de-passe").text, choose(client, "court").text]
    sign_in(client, "jmartin001", PASSWORD)
    return [*seen, client.get("/mot-de-passe").text, choose(client, NEW_PASSWORD).text]


def test_every_field_says_what_it_takes(client: FlaskClient, portal: Portal) -> None:
    found = [
        {str(field["name"]): field.get("autocomplete") for field in fields(page)} for page in pages(client, portal)
    ]
    assert {name for page in found for name in page} == set(TAKES)
    for page in found:
        assert page == {name: TAKES[name] for name in page}


def test_behind_the_door_a_manager_finds_whose_password_it_is_and_nobody_else_does(
    client: FlaskClient, portal: Portal
) -> None:
    """A form with passwords and no login is saved under the wrong one, or not at all."""
    for page in pages(client, portal)[3:]:
        (login,) = (field for field in fields(page) if field["name"] == "username")
        assert login["value"] in {"emercier", "jmartin001"}
        assert (login["tabindex"], login["aria-hidden"], login["class"]) == ("-1", "true", "unseen")
        assert "readonly" in login
        assert "hidden" not in login  # managers pass by what is display: none
