"""The pages over the real portal, called through WSGI: quick, and all of it ours but the socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel

from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, issue
from tests.web.steps import NEW_PASSWORD, change, choose, post, sign_in, try_to_sign_in
from webui import create_app

ClientWith = Callable[..., FlaskClient]
M = TypeVar("M", bound=BaseModel)


@pytest.fixture
def client(portal: Portal) -> FlaskClient:
    """A visitor who has not been here before."""
    return create_app(portal).test_client()


@pytest.fixture
def client_with(settings: Settings, people: dict[str, str], clock: MovingClock) -> Iterator[ClientWith]:
    """A visitor of a portal of other settings, another theme: ``client_with(web={"proxies": 2}, fr={"desk": "…"})``."""
    with ExitStack() as opened:

        def make(**sections: dict[str, Any]) -> FlaskClient:
            portal = Portal(changed(settings, sections), clock)
            portal.theme = changed(portal.theme, sections)
            opened.callback(portal.stop)
            return create_app(portal).test_client()

        yield make


def changed(whole: M, sections: dict[str, dict[str, Any]]) -> M:
    """``whole`` with other values in those of its sections that are named."""
    named = {name: values for name, values in sections.items() if name in type(whole).model_fields}
    return whole.model_copy(
        update={name: getattr(whole, name).model_copy(update=values) for name, values in named.items()}
    )


@pytest.fixture
def asked(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The acts that the pages ask of the portal, as they do; every call goes through."""
    names: list[str] = []

    def spy(name: str) -> None:
        act = getattr(portal, name)

        def call(*facts: object) -> object:
            names.append(name)
            return act(*facts)

        monkeypatch.setattr(portal, name, call)

    for name in ("sign_in", "request_key", "redeem_key", "change"):
        spy(name)
    return names


@pytest.fixture
def pages(client: FlaskClient, portal: Portal, slapd: PrivateSlapd) -> dict[str, str]:
    """Every page, each as somebody comes to see it."""
    spent, key = issue(portal, "emercier"), issue(portal, "emercier")
    seen = {
        "landing": client.get("/"),
        "nothing typed": post(client, "/connexion"),
        "nobody typed": post(client, "/oubli"),
        "refused": try_to_sign_in(client, "nobody", "x"),
        "form expired": client.post("/connexion"),
        "key dead": try_to_sign_in(client, "emercier", spent),
        "key sent": client.get("/oubli/envoye"),
        "lost": client.get("/nulle-part"),
    }
    sign_in(client, "emercier", key)
    seen["activate"] = client.get("/mot-de-passe")
    seen["activate, refused"] = choose(client, "court", "no address", confirmation="long")
    choose(client, NEW_PASSWORD, "elodie@ailleurs.example")
    seen["activated"] = client.get("/fait")
    post(client, "/deconnexion")
    seen["signed out"] = client.get("/")
    sign_in(client, "jmartin001", PASSWORD)
    seen["change"] = client.get("/mot-de-passe")
    seen["change, refused"] = change(client, "x", "court", "no address")
    change(client, PASSWORD, rescue="jeanne@ailleurs.example")
    seen["changed"] = client.get("/fait")
    assert {answer.status_code for answer in seen.values()} == {200, 403, 404, 422}
    return {name: answer.text for name, answer in seen.items()}
