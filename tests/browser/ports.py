"""Portals on real ports over one directory, as behind a balancer, and browsers that go from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count

from playwright.sync_api import Browser, Page

from connector.cli.web import serving
from connector.portal import Portal
from connector.settings import Settings
from tests.portal_fixtures import MovingClock
from webui.server import listen


@dataclass
class Ports:
    """The portals, and everybody's browsers, each of which goes to another portal with every step."""

    portals: list[Portal]
    new_page: Callable[[], Page]
    has_scripts: bool
    _step: Iterator[int] = field(default_factory=count, kw_only=True)

    def goto(self, page: Page, path: str) -> None:
        """Open a page at the next portal."""
        portal = self.portals[next(self._step) % len(self.portals)]
        page.goto(portal.settings.web.portal_url.rstrip("/") + path)


@contextmanager
def opened_ports(browser: Browser, settings: Settings, clock: MovingClock, number: int) -> Iterator[Ports]:
    """One portal; or several, whose visitors have no scripts. A script that fails in any browser fails the test."""
    complaints: list[str] = []
    with ExitStack() as opened:
        portals = [opened.enter_context(_served(settings, clock)) for _portal in range(number)]

        def new_page() -> Page:
            context = browser.new_context(locale="fr-FR", java_script_enabled=number == 1)
            opened.callback(context.close)
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            return page

        yield Ports(portals, new_page, has_scripts=number == 1)
    assert complaints == []


@contextmanager
def _served(settings: Settings, clock: MovingClock) -> Iterator[Portal]:
    """A portal of these settings at a free port: the secrets are the same at each."""
    with listen("127.0.0.1", 0) as listener:
        web = settings.web.model_copy(update={"portal_url": f"http://127.0.0.1:{listener.getsockname()[1]}/"})
        portal = Portal(settings.model_copy(update={"web": web}), clock)
        with serving(portal, listener):
            yield portal
