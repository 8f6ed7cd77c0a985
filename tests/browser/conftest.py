"""A real browser in front of the real portal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from connector.cli.demo import settings as demo_settings
from connector.cli.web import serving
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from connector.settings import Settings
from tests.browser.ports import Ports, opened_ports
from tests.browser.states import Scene, opened
from tests.portal_fixtures import MovingClock
from webui.server import listen

QUIET = (
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: make test installs it"
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=list(QUIET))


@pytest.fixture
def site(slapd: PrivateSlapd, people: dict[str, str], mailbox: Mailbox, clock: MovingClock) -> Iterator[Portal]:
    """The portal, served; its address is ``site.settings.web.portal_url``."""
    with listen("127.0.0.1", 0) as listener:
        portal = Portal(demo_settings(slapd, mailbox, listener.getsockname()[1]), clock)
        with serving(portal, listener):
            yield portal


@pytest.fixture(scope="module")
def scene(slapd: PrivateSlapd, session_mailbox: Mailbox) -> Iterator[Scene]:
    """A portal for all the tests of a file, which ``scene.enter`` brings to the state that each asks for."""
    with opened(slapd, session_mailbox) as scene:
        yield scene


@pytest.fixture
def visitor(browser: Browser, scene: Scene) -> Iterator[Page]:
    """A fresh page of a visitor who reads French, for ``scene.enter``."""
    context = browser.new_context(base_url=scene.site.settings.web.portal_url, locale="fr-FR", reduced_motion="reduce")
    yield context.new_page()
    context.close()
    scene.afterwards.close()


@pytest.fixture(params=["with scripts", "without scripts"])
def page(request: pytest.FixtureRequest, browser: Browser, site: Portal) -> Iterator[Page]:
    """A fresh page on *Mon compte*; any error in the console fails the test."""
    context = browser.new_context(
        java_script_enabled=request.param == "with scripts", base_url=site.settings.web.portal_url, locale="fr-FR"
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/")
    yield page
    context.close()
    expected = ("status of 422", "status of 503")  # Chromium reports every refused form in the console
    assert [text for text in complaints if not any(part in text for part in expected)] == []


@pytest.fixture(params=[1, 2], ids=["one portal", "two portals, no scripts"])
def ports(
    request: pytest.FixtureRequest, browser: Browser, settings: Settings, people: dict[str, str], clock: MovingClock
) -> Iterator[Ports]:
    """The portal on a port, then two of them over the same directory."""
    with opened_ports(browser, settings, clock, request.param) as ports:
        yield ports
