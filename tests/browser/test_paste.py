"""Whoever keeps passwords in a manager, or keys in a mail, pastes them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from connector.portal import Portal
from tests.browser.test_story import sign_in
from tests.portal_fixtures import issue
from tests.web.steps import NEW_PASSWORD


def paste(page: Page, text: str, field: str) -> None:
    """Put ``text`` into ``field`` by the keyboard's own cut and paste, out of a field of the page."""
    source = page.locator("#identifier, #rescue").first
    source.fill(text)
    source.press("Control+a")
    source.press("Control+x")
    page.locator(field).press("Control+v")


@pytest.mark.parametrize("secret", [NEW_PASSWORD, "K7QF9-M2XT4-RD8HC"])
def test_the_one_box_takes_what_is_pasted(page: Page, site: Portal, secret: str) -> None:
    paste(page, secret, "#secret")
    assert page.locator("#secret").input_value() == secret


def test_a_new_password_and_its_confirmation_take_what_is_pasted(page: Page, site: Portal) -> None:
    sign_in(page, "emercier", issue(site, "emercier"))
    for field in ("#password", "#confirmation"):
        paste(page, NEW_PASSWORD, field)
        assert page.locator(field).input_value() == NEW_PASSWORD
