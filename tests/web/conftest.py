"""The pages over the real portal, called through WSGI: quick, and all of it ours but the socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.portal import Portal
from connector.settings import Settings
from tests.portal_fixtures import MovingClock
from webui import create_app

ClientWith = Callable[..., FlaskClient]


@pytest.fixture
def client(portal: Portal) -> FlaskClient:
    """A visitor who has not been here before."""
    return create_app(portal).test_client()


@pytest.fixture
def client_with(settings: Settings, people: dict[str, str], clock: MovingClock) -> Iterator[ClientWith]:
    """Makes a visitor of a portal with other settings: ``client_with(web={"title": "…"})``."""
    with ExitStack() as opened:

        def make(**sections: dict[str, Any]) -> FlaskClient:
            changed = {name: getattr(settings, name).model_copy(update=keys) for name, keys in sections.items()}
            portal = Portal(settings.model_copy(update=changed), clock)
            opened.callback(portal.stop)
            return create_app(portal).test_client()

        yield make


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
