"""The one box: who comes in, what a refusal keeps and forgets, what a dead key is told."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from connector.demo.slapd import PrivateSlapd
from connector.model import Origin, Reason
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import SHOWN_KEY, MovingClock, issue, slip
from tests.web.steps import pointed_at, post, sign_in, token, try_to_sign_in, write


def test_the_password_and_the_key_open_a_session_and_lead_on_by_a_relative_redirect(
    client: FlaskClient, portal: Portal
) -> None:
    for uid, secret, name in (
        ("jmartin001", PASSWORD, "Jeanne Martin"),
        ("emercier", issue(portal, "emercier"), "Élo"),
    ):
        answer = try_to_sign_in(client, f" {uid} ", secret)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/mot-de-passe")
        assert name in client.get("/mot-de-passe").text


def test_a_password_reaches_the_directory_untouched(client: FlaskClient, slapd: PrivateSlapd) -> None:
    """Blanks at its ends and accents count: other tools of the university may have set such a password."""
    odd = " Ab 12-é-34  "
    write(slapd, "lroy", "userPassword", odd)
    assert try_to_sign_in(client, "lroy", odd.strip()).status_code == 422
    sign_in(client, "lroy", odd)


@pytest.mark.parametrize("secret", ["Un-secret-bien-a-moi", "a mistyped key"])
def test_a_refusal_keeps_the_identifier_and_never_the_secret(client: FlaskClient, portal: Portal, secret: str) -> None:
    typed = slip(issue(portal, "emercier")) if secret == "a mistyped key" else secret
    answer = try_to_sign_in(client, " emercier ", typed)
    assert answer.status_code == 422
    assert 'value="emercier"' in answer.text
    assert 'role="alert"' in answer.text
    assert typed not in answer.text


def test_what_stands_in_the_address_is_not_read(client: FlaskClient, asked: list[str]) -> None:
    """A secret in a query string would end up in the logs of every proxy on its way."""
    path = f"/connexion?identifier=jmartin001&secret={PASSWORD}"
    assert pointed_at(post(client, path).text) == ["identifier", "secret"]
    assert asked == []


def test_an_empty_form_is_told_both_fields_and_asks_the_portal_nothing(client: FlaskClient, asked: list[str]) -> None:
    answer = post(client, "/connexion")
    assert answer.status_code == 422
    assert pointed_at(answer.text) == ["identifier", "secret"]
    assert asked == []


@pytest.mark.parametrize(
    ("path", "name", "length"),
    [("/connexion", "identifier", 129), ("/connexion", "secret", 1025), ("/oubli", "identifier", 129)],
)
def test_nothing_over_its_bound_reaches_the_portal(
    client: FlaskClient, asked: list[str], path: str, name: str, length: int
) -> None:
    typed = {"identifier": "jmartin001", "secret": PASSWORD}
    assert post(client, path, **{**typed, name: "x" * length}).status_code == 422
    assert asked == []
    post(client, path, **{**typed, name: "x" * (length - 1)})
    assert len(asked) == 1


def test_a_dead_key_says_until_when_in_local_time_and_offers_a_fresh_one(
    client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    clock.instant = datetime(2026, 8, 10, 10, 5, tzinfo=UTC)
    key = issue(portal, "jmartin001", Origin.LETTER)
    clock.forward(days=30)
    answer = try_to_sign_in(client, "jmartin001", key)
    assert answer.status_code == 422
    assert "31 août 2026 à 12 h 05" in answer.text
    assert '<form method="post" action="/oubli">' in answer.text
    assert '<input type="hidden" name="identifier" value="jmartin001">' in answer.text
    assert key not in answer.text


def test_a_replaced_key_is_told_that_only_the_last_one_is_good(client: FlaskClient, portal: Portal) -> None:
    old, _new = issue(portal, "emercier"), issue(portal, "emercier")
    typed = {"csrf_token": token(client), "identifier": "emercier", "secret": old}
    answer, again = (client.post("/connexion", data=typed) for _time in range(2))  # the page is loaded again
    assert answer.status_code == 422
    assert "seule la dernière est valable" in answer.text
    assert "Cette clé ne sert plus" in again.text
    assert '<input type="hidden" name="identifier" value="emercier">' in answer.text


def test_signing_in_starts_from_an_empty_session(client: FlaskClient) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    before = token_of(client)
    sign_in(client, "jmartin001", PASSWORD)
    with client.session_transaction() as session:
        assert set(session) == {"uid", "by", "mark", "opened", "csrf_token"}
    assert token_of(client) != before


def test_the_key_that_the_page_shows_may_not_become_a_password(client: FlaskClient, portal: Portal) -> None:
    """It stands there for everybody to try."""
    shown = SHOWN_KEY.search(client.get("/").text)
    assert shown
    for typed in (shown[0], shown[0].lower(), shown[0].replace("-", ""), shown[0].replace("-", " ") + "!"):
        assert Reason.COMMON in [refusal.reason for refusal in portal.policy.refusals(typed, ())]


def token_of(client: FlaskClient) -> str:
    """What CSRF tokens of this session are made of."""
    client.get("/")
    with client.session_transaction() as session:
        return str(session["csrf_token"])
