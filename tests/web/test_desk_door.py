"""The desk's door: enrol, sign in with a second factor, stay, leave."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from connector.portal import Portal
from tests.desk_steps import desk_post, enrol, is_at_desk, sign_in_at_desk
from tests.portal_fixtures import MovingClock


@pytest.mark.parametrize("login", ["kdesk", "sroux"])
def test_an_operator_enrols_signs_out_and_comes_back(
    client: FlaskClient, portal: Portal, clock: MovingClock, login: str
) -> None:
    phone = enrol(client, portal, clock, login)
    assert len(set(phone.recovery_codes)) == 8
    assert is_at_desk(client)
    assert desk_post(client, "/guichet/deconnexion").headers["Location"] == "/guichet/connexion"
    assert not is_at_desk(client)
    sign_in_at_desk(client, phone)
    assert is_at_desk(client)
