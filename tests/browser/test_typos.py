"""A slip in the rescue address is pointed out while one types, and mended by a click."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.states import Scene

pytestmark = pytest.mark.parametrize("page", ["with scripts"], indirect=True)

SLIP, MEANT = "elodie@gmial.com", "elodie@gmail.com"


def test_a_click_takes_the_suggestion_and_nothing_typed_is_lost(page: Page, scene: Scene) -> None:
    scene.enter("activate", page)
    page.locator("#password").fill("velours-42-marine")
    page.locator("#rescue").fill(SLIP)
    page.locator("#confirmation").focus()
    button = page.get_by_role("button", name=MEANT)
    expect(button).to_be_visible()
    button.click()
    expect(page.locator("#rescue")).to_have_value(MEANT)
    expect(page.locator("#password")).to_have_value("velours-42-marine")
    expect(button).to_be_hidden()


def test_an_address_without_a_slip_is_left_in_peace(page: Page, scene: Scene) -> None:
    scene.enter("activate", page)
    page.locator("#rescue").fill(SLIP)
    page.locator("#password").focus()
    expect(page.locator("[data-typo]")).to_be_visible()
    page.locator("#rescue").fill("elodie@ymail.com")
    page.locator("#password").focus()
    expect(page.locator("[data-typo]")).to_be_hidden()
