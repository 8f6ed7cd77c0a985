"""A slip in the rescue address is pointed out before anything is sent; two ways on, neither of which retypes it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import account, issue
from tests.web.steps import NEW_PASSWORD, pointed_at, post, sign_in, told_at

SLIP, MEANT = "elodie@gmial.com", "elodie@gmail.com"
CHOSEN = {"password": NEW_PASSWORD, "confirmation": NEW_PASSWORD}


@pytest.fixture
def refused(client: FlaskClient, portal: Portal) -> TestResponse:
    sign_in(client, "emercier", issue(portal, "emercier"))
    return post(client, "/mot-de-passe", rescue=SLIP, **CHOSEN)


def test_it_is_pointed_out_and_nothing_is_done(refused: TestResponse, portal: Portal) -> None:
    assert (refused.status_code, pointed_at(refused.text)) == (422, ["rescue"])
    assert MEANT in told_at(refused.text, "rescue")[0]
    assert f'value="{SLIP}"' in refused.text
    assert NEW_PASSWORD not in refused.text
    now = account(portal, "emercier")
    assert now.key is not None
    assert now.rescue != SLIP


def test_one_button_takes_the_suggestion(client: FlaskClient, refused: TestResponse, portal: Portal) -> None:
    assert f'name="corrected" value="{MEANT}"' in refused.text
    assert post(client, "/mot-de-passe", rescue=SLIP, meant=SLIP, corrected=MEANT, **CHOSEN).status_code == 303
    assert account(portal, "emercier").rescue == MEANT


def test_the_same_again_is_right(client: FlaskClient, refused: TestResponse, portal: Portal) -> None:
    assert f'name="meant" value="{SLIP}"' in refused.text
    assert post(client, "/mot-de-passe", rescue=SLIP, meant=SLIP, **CHOSEN).status_code == 303
    assert account(portal, "emercier").rescue == SLIP


def test_that_it_is_right_is_remembered_through_another_refusal(
    client: FlaskClient, refused: TestResponse, portal: Portal
) -> None:
    short = post(client, "/mot-de-passe", rescue=SLIP, meant=SLIP, password="court", confirmation="court")
    assert pointed_at(short.text) == ["password"]
    assert f'name="meant" value="{SLIP}"' in short.text


def test_another_slip_is_asked_about_too(client: FlaskClient, refused: TestResponse) -> None:
    again = post(client, "/mot-de-passe", rescue="elodie@hotmial.fr", meant=SLIP, **CHOSEN)
    assert "elodie@hotmail.fr" in told_at(again.text, "rescue")[0]


def test_it_is_told_together_with_the_rest(client: FlaskClient, portal: Portal) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    typed = {"current_password": "not the password", "password": "court", "confirmation": "autre", "rescue": SLIP}
    assert "rescue" in pointed_at(post(client, "/mot-de-passe", **typed).text)


def test_the_script_is_told_while_typing(client: FlaskClient, portal: Portal) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    assert post(client, "/force", password="", rescue=SLIP).json["suggestion"] == MEANT  # type: ignore[index]
    assert post(client, "/force", password="", rescue=MEANT).json["suggestion"] == ""  # type: ignore[index]
