"""slapd's log tells which request of ours an operation is for, where a setting wants it, and never who asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.conftest import reset_people
from tests.portal_fixtures import MovingClock
from tests.web.steps import token
from webui import create_app

SOURCE = "192.0.2.7"
Visit = Callable[..., FlaskClient]


@pytest.fixture(scope="module")
def talkative() -> Iterator[PrivateSlapd]:
    """A slapd that writes a line for each operation."""
    with PrivateSlapd(password_hash="{SSHA}", log="stats") as server:
        reset_people(server)
        yield server


@pytest.fixture
def visit(talkative: PrivateSlapd, mailbox: Mailbox, clock: MovingClock) -> Iterator[Visit]:
    """A visitor of a portal that names its requests, or does not: ``visit(session_tracking=True)``."""
    portals = []

    def begin(**directory: bool) -> FlaskClient:
        usual = demo_settings(talkative, mailbox, 8080)
        portal = Portal(usual.model_copy(update={"directory": usual.directory.model_copy(update=directory)}), clock)
        portals.append(portal)
        portal.directory.prepare()
        return create_app(portal).test_client()

    yield begin
    for portal in portals:
        portal.stop()


def lines_of(slapd: PrivateSlapd, name: str) -> list[str]:
    return [line for line in (slapd.folder / "slapd.log").read_text().splitlines() if name in line]


def post(client: FlaskClient, path: str, **typed: str) -> str:
    """The name of the request."""
    form = {"csrf_token": token(client), **typed}
    return client.post(path, data=form, environ_base={"REMOTE_ADDR": SOURCE}).headers["X-Request-ID"]


def test_each_operation_of_a_request_carries_its_name_and_no_address(visit: Visit, talkative: PrivateSlapd) -> None:
    client = visit(session_tracking=True)
    asked = lines_of(talkative, post(client, "/oubli", identifier="jmartin001"))
    tried = lines_of(talkative, post(client, "/connexion", identifier="jmartin001", secret="wrong"))
    assert {line.partition("] ")[2].split()[0] for line in asked} >= {"SRCH", "MOD", "RESULT"}
    assert any("BIND" in line for line in tried)
    assert all("[NAME=moncompte " in line for line in asked + tried)
    assert lines_of(talkative, SOURCE) == []


def test_known_and_unknown_are_logged_alike(visit: Visit, talkative: PrivateSlapd) -> None:
    client = visit(session_tracking=True)
    post(client, "/oubli", identifier="emercier")
    known, unknown = (lines_of(talkative, post(client, "/oubli", identifier=who)) for who in ("rbenali", "nobody"))
    assert len(known) == len(unknown) > 0


def test_by_default_nothing_is_sent(visit: Visit, talkative: PrivateSlapd) -> None:
    assert lines_of(talkative, post(visit(), "/oubli", identifier="jmartin001")) == []
