"""The meter: the very verdict that decides at the end, as JSON."""

import pytest
from flask.testing import FlaskClient

from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import account, issue
from tests.web.steps import NEW_PASSWORD, choose, post, sign_in, token, told_at

RESCUE = "joelle.x@exemple.fr"


@pytest.mark.parametrize("typed", ["mercier", NEW_PASSWORD, "K7QF9-M2XT4-RD8HC", "joëlle.x@exemple.fr", "x" * 129, ""])
def test_it_is_the_servers_own_verdict(client: FlaskClient, portal: Portal, typed: str) -> None:
    sign_in(client, "emercier", issue(portal, "emercier"))
    headers = {"X-CSRFToken": token(client)}
    answer = client.post("/force", data={"password": typed, "rescue": RESCUE}, headers=headers).json
    verdict = portal.judge.verdict(account(portal, "emercier"), typed, RESCUE)
    refused = {refusal.reason for refusal in verdict.refusals}
    kept = [] if len(typed) > portal.policy.max_length else [rule.reason for rule in portal.policy.rules()]
    assert answer
    is_praised = verdict.strength == 0 or not verdict.refusals
    assert answer["strength"] == (verdict.strength if is_praised else None)
    assert answer["label"] == (("Faible", "Moyen", "Fort")[verdict.strength] if is_praised else "à revoir")
    assert bool(answer["refusals"]) == bool(verdict.refusals)
    assert answer["met"] == [reason.value for reason in kept if reason not in refused]


def test_what_it_refuses_the_form_refuses_in_the_same_words(client: FlaskClient, portal: Portal) -> None:
    sign_in(client, "emercier", issue(portal, "emercier"))
    told = post(client, "/force", password="court", rescue=RESCUE).json
    page = choose(client, "court", RESCUE).text
    assert told
    assert told["refusals"]
    assert told["refusals"] == told_at(page, "password")


def test_what_is_refused_gets_no_praise(client: FlaskClient, portal: Portal) -> None:
    sign_in(client, "emercier", issue(portal, "emercier"))
    told = post(client, "/force", password=NEW_PASSWORD + "é").json
    assert told
    assert (told["strength"], told["label"]) == (None, "à revoir")
    assert post(client, "/force", password=NEW_PASSWORD).json == {
        **told,
        "strength": 2,
        "label": "Fort",
        "refusals": [],
        "met": [rule.reason.value for rule in portal.policy.rules()],
    }


def test_it_needs_a_session_and_a_token(client: FlaskClient) -> None:
    assert client.post("/force", data={"password": "martin"}).status_code == 403
    assert post(client, "/force", password="martin").status_code == 401


def test_it_judges_the_address_that_the_form_would_keep(client: FlaskClient) -> None:
    """Of ``Name <address>`` the address: what the meter lets pass, the form must not refuse."""
    sign_in(client, "jmartin001", PASSWORD)
    typed = {"password": "Caravelle-7-nuages!", "rescue": "Moi <caravelle@ailleurs.example>"}
    assert "caravelle" in str(post(client, "/force", **typed).get_json()["refusals"])
