"""The page warns before its time is over, and a click has more of it and loses nothing typed; by the page's clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.browser.test_scripts import unscripted
from tests.portal_fixtures import MovingClock, account, issue
from tests.web.steps import NEW_PASSWORD, suspend

SOON, LAST_MINUTE, OVER = 13 * 60 + 5, 14 * 60 + 5, 15 * 60 + 1  # seconds since the page was loaded
RESCUE = "elodie@ailleurs.example"


@pytest.fixture
def visitor(browser: Browser, site: Portal) -> Iterator[Page]:
    """Élodie behind the door by a key, with a password half typed, on a page whose clock stands still."""
    context = browser.new_context(base_url=site.settings.web.portal_url, locale="fr-FR")
    page = context.new_page()
    page.set_default_timeout(5000)
    page.clock.install()
    come_in(page, site)
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)
    page.fill("#rescue", RESCUE)
    page.fill("#password", NEW_PASSWORD)
    yield page
    context.close()


def come_in(page: Page, site: Portal) -> None:
    page.goto("/")
    page.fill("#identifier", "emercier")
    page.fill("#secret", issue(site, "emercier"))
    page.click("#connexion [type=submit]")
    expect(page.locator("#password")).to_be_visible()


def wait(page: Page, seconds: int) -> None:
    """Move the page's clock."""
    page.clock.run_for(seconds * 1000)


def test_nothing_is_said_until_two_minutes_before_the_end(visitor: Page) -> None:
    wait(visitor, SOON - 60)
    expect(visitor.locator("[data-calm]")).to_be_visible()
    expect(visitor.locator("[data-soon]")).to_be_hidden()
    expect(visitor.locator("[data-heard]")).to_have_text("")


def test_the_warning_is_heard_and_takes_the_focus_from_nobody(visitor: Page) -> None:
    wait(visitor, SOON)
    expect(visitor.locator("[data-soon]")).to_be_visible()
    heard = visitor.locator("[role=status][data-heard]")
    expect(heard).to_contain_text("moins de deux minutes")
    expect(heard).to_contain_text("le bouton est à la fin du formulaire")
    expect(visitor.locator("#password")).to_be_focused()
    expect(visitor.locator("#password")).to_have_value(NEW_PASSWORD)


def test_the_countdown_is_heard_twice_and_not_every_second(visitor: Page) -> None:
    visitor.evaluate(
        """() => {
          window.said = [];
          const heard = document.querySelector("[data-heard]");
          new MutationObserver(() => said.push(heard.textContent)).observe(heard, { childList: true });
        }"""
    )
    wait(visitor, OVER - 10)
    expect(visitor.locator("[data-last-minute]")).to_be_visible()
    assert ["deux minutes" in said for said in visitor.evaluate("said")] == [True, False]


def test_a_click_has_more_time_and_loses_nothing_typed(visitor: Page, site: Portal, clock: MovingClock) -> None:
    clock.forward(minutes=14)
    wait(visitor, LAST_MINUTE)
    visitor.get_by_role("button", name="Rester plus longtemps").click()
    expect(visitor.locator("[data-heard]")).to_contain_text("13 h 29")
    expect(visitor.locator("[data-until]").first).to_have_text("13 h 29")
    expect(visitor.locator("[data-last-minute]")).to_be_hidden()
    expect(visitor.locator("[data-stay] button")).to_be_focused()
    clock.forward(minutes=14)
    wait(visitor, SOON)
    expect(visitor.locator("[data-soon]")).to_be_visible()
    expect(visitor.locator("#password")).to_have_value(NEW_PASSWORD)
    visitor.fill("#confirmation", NEW_PASSWORD)
    visitor.click("button.primary")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Votre compte est activé")
    assert account(site, "emercier").rescue == RESCUE


def test_over_it_says_so_and_shows_and_keeps_nothing_of_anybody(visitor: Page, clock: MovingClock) -> None:
    """A computer left alone: whoever comes next must not read a name, nor send what was typed."""
    clock.forward(minutes=15)
    wait(visitor, OVER)
    over = visitor.get_by_role("alert")
    expect(over).to_contain_text("Cette page s’est fermée")
    expect(over).to_be_focused()
    assert visitor.title() == "Cette page s’est fermée"
    held = visitor.content()
    assert [text for text in ("Mercier", "emercier", RESCUE, NEW_PASSWORD) if text in held] == []
    expect(visitor.locator("#password")).to_have_count(0)
    visitor.get_by_role("link", name="S’identifier à nouveau").click()
    expect(visitor.locator("#identifier")).to_have_value("emercier")
    expect(visitor.locator("main")).to_contain_text("au bout de 15 minutes")


def test_a_computer_that_slept_finds_the_page_closed(visitor: Page) -> None:
    visitor.clock.fast_forward("10:00:00")
    expect(visitor.get_by_role("alert")).to_contain_text("Cette page s’est fermée")


def test_ended_elsewhere_it_is_over_here(visitor: Page, slapd: PrivateSlapd) -> None:
    suspend(slapd, "emercier")
    visitor.get_by_role("button", name="Rester plus longtemps").click()
    expect(visitor.get_by_role("alert")).to_contain_text("Cette page s’est fermée")


def test_without_the_network_it_says_so_and_may_be_tried_again(visitor: Page) -> None:
    wait(visitor, SOON)
    visitor.context.set_offline(True)
    visitor.get_by_role("button", name="Rester plus longtemps").click()
    expect(visitor.locator("[data-failed]")).to_be_visible()
    wait(visitor, 5)
    expect(visitor.locator("[data-failed]")).to_be_visible()
    expect(visitor.locator("[data-heard]")).to_contain_text("Vérifiez votre connexion")
    expect(visitor.locator("#password")).to_have_value(NEW_PASSWORD)
    visitor.context.set_offline(False)
    visitor.get_by_role("button", name="Rester plus longtemps").click()
    expect(visitor.locator("[data-failed]")).to_be_hidden()
    expect(visitor.locator("[data-calm]")).to_be_visible()


def test_the_last_time_the_button_goes_and_the_focus_is_told_why(visitor: Page, clock: MovingClock) -> None:
    button = visitor.get_by_role("button", name="Rester plus longtemps")
    for _ in range(10):
        clock.forward(minutes=1)
        with visitor.expect_response("**/prolonger"):
            button.press("Enter")
    expect(button).to_have_count(0)
    expect(visitor.locator("[data-last]")).to_be_focused()
    expect(visitor.locator("#password")).to_have_value(NEW_PASSWORD)
    wait(visitor, SOON)
    expect(visitor.locator("[data-heard]")).not_to_contain_text("le bouton")


@unscripted
def test_without_scripts_the_button_brings_the_form_back(page: Page, site: Portal) -> None:
    come_in(page, site)
    page.fill("#rescue", RESCUE)
    page.fill("#password", NEW_PASSWORD)
    page.get_by_role("button", name="Rester plus longtemps").click()
    expect(page.locator("#rescue")).to_have_value(RESCUE)
    expect(page.locator("#password")).to_have_value("")


def test_the_enter_key_validates_and_does_not_extend(page: Page, site: Portal) -> None:
    come_in(page, site)
    page.fill("#password", NEW_PASSWORD)
    page.fill("#confirmation", NEW_PASSWORD)
    page.press("#confirmation", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre compte est activé")
