"""The pages on the smallest phone: 320 by 640 pixels."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from connector.portal import Portal
from tests.conftest import PASSWORD

WIDTH, HEIGHT = 320, 640


@pytest.fixture
def phone(browser: Browser, site: Portal) -> Iterator[Page]:
    """*Mon compte* on the phone."""
    context = browser.new_context(
        base_url=site.settings.web.portal_url, viewport={"width": WIDTH, "height": HEIGHT}, is_mobile=True
    )
    page = context.new_page()
    page.goto("/")
    yield page
    context.close()


def test_the_sign_in_form_fits_without_scrolling(phone: Page) -> None:
    box = phone.locator("#connexion [type=submit]").bounding_box()
    assert box
    assert box["y"] + box["height"] <= HEIGHT


def test_no_page_scrolls_sideways(phone: Page) -> None:
    def width() -> int:
        return int(phone.evaluate("document.documentElement.scrollWidth"))

    widths = {"landing": width()}
    phone.click("#connexion [type=submit]")
    widths["refused"] = width()
    phone.fill("#identifier", "jmartin001")
    phone.fill("#secret", PASSWORD)
    phone.click("#connexion [type=submit]")
    widths["change"] = width()
    phone.fill("#password", "W" * 60)
    phone.click("button.primary")
    widths["change, refused"] = width()
    for path in ("/oubli/envoye", "/nulle-part"):
        phone.goto(path)
        widths[path] = width()
    assert {name: found for name, found in widths.items() if found > WIDTH} == {}
