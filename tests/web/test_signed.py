"""What the portal has signed is believed, for what it was signed for, and nothing else is."""

from __future__ import annotations

from typing import cast

import pytest
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.web.steps import is_open, post, sign_in, token
from webui import create_app

NAME = "moncompte"


@pytest.fixture
def cookie(client: FlaskClient) -> str:
    """Jeanne's cookie, which opens the page behind the door."""
    sign_in(client, "jmartin001", PASSWORD)
    held = client.get_cookie(NAME)
    assert held
    return held.value


def opens(portal: Portal, cookie: str) -> bool:
    visitor = create_app(portal).test_client()
    visitor.set_cookie(NAME, cookie)
    return is_open(visitor)


def signer(portal: Portal, key: str | None = None) -> URLSafeTimedSerializer:
    """The portal's own way to sign a session, with its own key or with another one."""
    app = create_app(portal)
    if key is not None:
        app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=None)
    found = cast("SecureCookieSessionInterface", app.session_interface).get_signing_serializer(app)
    assert found
    return found


def test_a_cookie_with_any_one_character_changed_opens_nothing(portal: Portal, cookie: str) -> None:
    assert opens(portal, cookie)
    changed = [
        cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        for place in range(0, len(cookie) - 1, 7)
    ]
    assert [one for one in changed if opens(portal, one)] == []


@pytest.mark.parametrize("cut", [lambda text: text.rpartition(".")[0], lambda text: text.rpartition(".")[0] + "."])
def test_a_cookie_without_its_signature_opens_nothing(portal: Portal, cookie: str, cut: object) -> None:
    assert callable(cut)
    assert not opens(portal, cut(cookie))


def test_a_cookie_signed_with_another_key_opens_nothing(portal: Portal, cookie: str) -> None:
    """So the key is the audience: what another service signs, with a key of its own, is nothing here."""
    held = signer(portal).loads(cookie)
    assert held["uid"] == "jmartin001"
    assert opens(portal, str(signer(portal).dumps(held)))
    assert not opens(portal, str(signer(portal, "another key, of another service, and long enough").dumps(held)))


def test_a_token_of_a_form_is_no_session_and_a_session_is_no_token(
    client: FlaskClient, portal: Portal, cookie: str
) -> None:
    """Both are signed with one key; each says what it is for."""
    held = signer(portal).loads(cookie)
    key = create_app(portal).secret_key
    assert key
    as_token = str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(held))
    assert not opens(portal, as_token)
    assert not opens(portal, token(client))
    for forged in (cookie, str(signer(portal).dumps(held["mark"]))):
        assert client.post("/oubli", data={"csrf_token": forged, "identifier": "nobody"}).status_code == 403
    assert post(client, "/oubli", identifier="nobody").status_code == 303


def test_signatures_are_of_256_bits(client: FlaskClient, cookie: str) -> None:
    """Not SHA-1, which itsdangerous, Flask and Flask-WTF take by themselves."""
    assert [len(text.rpartition(".")[2]) for text in (cookie, token(client))] == [43, 43]  # base64 of 32 bytes
