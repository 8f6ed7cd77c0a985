"""What programs look for under /.well-known/."""

from datetime import timedelta

from flask.testing import FlaskClient

from tests.conftest import PASSWORD
from tests.portal_fixtures import START
from tests.web.conftest import ClientWith
from tests.web.steps import sign_in


def test_a_password_manager_finds_where_to_change_the_password(client: FlaskClient) -> None:
    """W3C, A Well-Known URL for Changing Passwords: and nothing else there answers 200, or it would not believe us."""
    assert client.get("/.well-known/change-password").headers["Location"] == "/mot-de-passe"
    sign_in(client, "jmartin001", PASSWORD)
    assert client.get("/.well-known/change-password", follow_redirects=True).request.path == "/mot-de-passe"
    nothing = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
    assert client.get(nothing).status_code == 404


def test_whom_to_tell_about_a_weakness_is_told_where_it_is_set(client: FlaskClient, client_with: ClientWith) -> None:
    assert client.get("/.well-known/security.txt").status_code == 404
    answer = client_with(web={"security_contact": "mailto:rssi@universite.example"}).get("/.well-known/security.txt")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text.splitlines() == [
        "Contact: mailto:rssi@universite.example",
        f"Expires: {START + timedelta(days=180):%Y-%m-%d}T00:00:00Z",
        "Preferred-Languages: fr, en",
        "Canonical: http://127.0.0.1:8080/.well-known/security.txt",
    ]
