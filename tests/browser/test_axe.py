"""axe-core finds nothing to say of any page or state, in either language, light and dark, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, ViewportSize

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.languages import LANGUAGES
from tests.browser import tree
from tests.browser.states import STATES, Scene, opened
from webui.wording import COOKIE

DESK, PHONE = ViewportSize(width=1280, height=860), ViewportSize(width=320, height=640)  # CSS pixels
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CLEAN: dict[str, list[str]] = {"light": [], "dark": [], "phone": []}
OTHER_THEME = ("landing", "landing, refused", "activate, fair", "activate, refused", "done, activated", "error 503")


def violations(page: Page, *rules: str) -> list[str]:
    """What axe-core finds on the page as it is now, by these rules or by all: a line for each element.

    A contrast that it cannot tell is one: what is written on a picture or a gradient nobody has judged.
    """
    chosen = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    answer = page.evaluate("options => axe.run(options)", {"runOnly": chosen})
    untold = [rule for rule in answer["incomplete"] if rule["id"] == "color-contrast"]
    found = [(rule, node) for rule in answer["violations"] + untold for node in rule["nodes"]]
    return [f"{rule['id']}: {node['html'][:120]}: {node['failureSummary']}" for rule, node in found]


def every_look(page: Page) -> dict[str, list[str]]:
    """The violations in each look; what does not depend on colours or width is judged once."""
    page.evaluate(AXE_SCRIPT)  # through the debugger: our Content-Security-Policy would let no page load it
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    found = {"light": violations(page)}
    page.emulate_media(color_scheme="dark")
    found["dark"] = violations(page, "color-contrast", "link-in-text-block")
    page.set_viewport_size(PHONE)
    found["phone"] = violations(page, "target-size", "scrollable-region-focusable", "aria-hidden-focus")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_and_everything_has_a_name(scene: Scene, visitor: Page, state: str, language: str) -> None:
    visitor.context.add_cookies([{"name": COOKIE, "value": language, "url": scene.site.settings.web.portal_url}])
    scene.enter(state, visitor)
    assert visitor.locator("html").get_attribute("lang") == language
    assert every_look(visitor) == CLEAN
    assert tree.faults(visitor) == []


@pytest.fixture(scope="module")
def garonne(slapd: PrivateSlapd, session_mailbox: Mailbox) -> Iterator[Scene]:
    with opened(slapd, session_mailbox, "garonne") as scene:
        yield scene


@pytest.mark.parametrize("state", OTHER_THEME)
def test_axe_finds_nothing_in_another_theme(browser: Browser, garonne: Scene, state: str) -> None:
    page = browser.new_page(base_url=garonne.site.settings.web.portal_url)
    garonne.enter(state, page)
    assert every_look(page) == CLEAN
    page.context.close()
