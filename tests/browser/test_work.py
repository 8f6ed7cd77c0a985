"""The assistance form under attack: browsers work for their page, unseen; without scripts one waits a minute."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.assistance_states import fill_in, flood
from tests.browser.states import Scene
from webui import guard


@pytest.fixture
def unscripted(browser: Browser, scene: Scene) -> Iterator[Page]:
    """A visitor whose browser runs no scripts."""
    address = scene.site.settings.web.portal_url
    context = browser.new_context(java_script_enabled=False, base_url=address, locale="fr-FR")
    yield context.new_page()
    context.close()
    scene.afterwards.close()


def test_the_browser_works_while_one_types_and_the_request_leaves(visitor: Page, scene: Scene) -> None:
    complaints: list[str] = []
    visitor.on("console", lambda message: complaints.append(message.text))
    visitor.on("pageerror", lambda error: complaints.append(str(error)))
    flood(scene)
    visitor.goto("/assistance")
    fill_in(visitor, scene)
    visitor.wait_for_url("**/assistance/envoyee")
    assert complaints == []


def test_what_the_browser_finds_is_what_the_portal_asks_for(visitor: Page, scene: Scene) -> None:
    flood(scene)
    visitor.goto("/assistance")
    work = visitor.locator("[name=work]")
    expect(work).not_to_have_value("", timeout=60_000)
    typed = f"{visitor.locator('[name=ticket]').input_value()}:{work.input_value()}"
    digest = hashlib.sha256(typed.encode()).digest()
    assert int.from_bytes(digest) >> (256 - guard.WORK_BITS) == 0


def test_who_sends_before_it_is_done_is_told_and_need_not_click_again(visitor: Page, scene: Scene) -> None:
    """The hash is held back until the click, as on a slow phone."""
    flood(scene)
    visitor.add_init_script(
        """const digest = crypto.subtle.digest.bind(crypto.subtle);
        const released = new Promise((resolve) => (globalThis.release = resolve));
        crypto.subtle.digest = (...facts) => released.then(() => digest(...facts));"""
    )
    visitor.goto("/assistance")
    fill_in(visitor, scene)
    expect(visitor.locator("[data-working]")).to_contain_text("petit calcul")
    visitor.locator("main .primary").click()  # impatience sends nothing twice
    visitor.evaluate("release()")
    visitor.wait_for_url("**/assistance/envoyee")


def test_without_scripts_a_minutes_wait_opens_and_nothing_is_typed_again(unscripted: Page, scene: Scene) -> None:
    flood(scene)
    unscripted.goto("/assistance")
    fill_in(unscripted, scene)
    expect(unscripted.get_by_role("alert")).to_contain_text("attendez une minute")
    expect(unscripted.locator("#text")).to_have_value("J’ai perdu la lettre.\nEt mon téléphone.")
    scene.clock.forward(minutes=1)
    unscripted.locator("main .primary").click()
    unscripted.wait_for_url("**/assistance/envoyee")


def test_another_language_keeps_what_was_typed(visitor: Page, scene: Scene) -> None:
    visitor.goto("/assistance")
    visitor.locator("#text").fill("La lettre\nest perdue.")
    visitor.locator("#subject").select_option("name")
    visitor.locator(".service form button").click()
    expect(visitor.locator("html")).to_have_attribute("lang", "en")
    expect(visitor.locator("#text")).to_have_value("La lettre\nest perdue.")
    expect(visitor.locator("#subject")).to_have_value("name")
