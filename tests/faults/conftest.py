"""A slapd of these tests' own, and portals that do not wait long for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory import connections, servers
from connector.portal import Portal
from connector.settings import Settings
from connector.throttle import LIMITS
from tests.conftest import reset_people
from tests.faults.replicas import Pair, replicated
from tests.portal_fixtures import AT_ONCE, MovingClock
from tests.storage import shared_storage
from webui import create_app
from webui.server import WebServer, listen

Serve = Callable[[Portal], int]
Another = Callable[..., Portal]
LetPass = Callable[[float], None]

TIMEOUT_SECONDS = 1
SHORT = {"timeout_seconds": 1, "lease_seconds": 2, "dispatch_every_seconds": 1}
THREADS = 4


@pytest.fixture(scope="session")
def slapd() -> Iterator[PrivateSlapd]:
    """In place of the whole run's: this one is killed, frozen and filled."""
    with PrivateSlapd(password_hash="{SSHA}") as server:
        yield server


@pytest.fixture
def mortal(slapd: PrivateSlapd) -> Iterator[PrivateSlapd]:
    """A slapd that a test may kill; it is back afterwards."""
    yield slapd
    slapd.restart()


def changed(settings: Settings, **sections: dict[str, Any]) -> Settings:
    update = {name: getattr(settings, name).model_copy(update=keys) for name, keys in sections.items()}
    return settings.model_copy(update=update)


@pytest.fixture
def impatient(settings: Settings) -> Settings:
    """Settings that wait one second for the directory and for the mail server."""
    wait = {"timeout_seconds": TIMEOUT_SECONDS}
    return changed(settings, directory=wait, mail=wait)


@pytest.fixture
def portal(impatient: Settings, people: dict[str, str], clock: MovingClock) -> Iterator[Portal]:
    """An impatient portal that has seen its directory well; its outbox runs only when a test says so."""
    portal = Portal(impatient, clock)
    portal.directory.prepare()
    yield portal
    portal.stop()


@pytest.fixture
def another(impatient: Settings, clock: MovingClock) -> Iterator[Another]:
    """Makes a portal of another process, on another host, with other settings: ``another(mail={"port": 1})``."""
    with ExitStack() as opened:

        def make(**sections: dict[str, Any]) -> Portal:
            portal = Portal(changed(impatient, **sections), clock)
            opened.callback(portal.stop)
            return portal

        yield make


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a portal's pages over sockets, with few threads; tells the port."""
    with ExitStack() as running:

        def start(portal: Portal) -> int:
            server = WebServer(create_app(portal), listen("127.0.0.1", 0), THREADS)
            server.start()
            running.callback(server.stop)
            return server.port

        yield start


@pytest.fixture
def let_pass(monkeypatch: pytest.MonkeyPatch) -> LetPass:
    """Moves on the clock that tells how long ago something was."""
    ahead = [0.0]
    for module in (connections, servers):
        monkeypatch.setattr(module, "elapsed_seconds", lambda: time.monotonic() + ahead[0])

    def forward(seconds: float) -> None:
        ahead[0] += seconds

    return forward


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with replicated(tmp_path_factory.mktemp("replicas")) as servers:
        yield servers


@pytest.fixture
def equal(pair: Pair) -> Iterator[Pair]:
    """Both with the people of people.ldif, alike; whatever a test does to them is undone."""
    reset_people(pair.first)
    pair.wait_until_equal()
    yield pair
    pair.join()
    pair.wait_until_equal()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of what several portals count their tries in."""
    with shared_storage(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def both(pair: Pair, mailbox: Mailbox, storage: str, tmp_path: Path) -> Settings:
    """The settings of a portal that writes to the first and falls back on the second."""
    usual = demo_settings(pair.first, mailbox, 8080, str(tmp_path / "audit.jsonl"))
    generous = dict.fromkeys(LIMITS, "1000000/second") | AT_ONCE | {"storage": SecretStr(storage)}
    return changed(usual, directory={"uri": pair.uris, "timeout_seconds": 1}, throttle=generous, mail=SHORT)
