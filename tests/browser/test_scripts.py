"""The scripts: each comfort works, and the page is whole without them. The story itself is in test_story.py."""

import pytest
from playwright.sync_api import Page, expect

from connector.portal import Portal
from tests.portal_fixtures import issue
from tests.web.steps import NEW_PASSWORD

scripted = pytest.mark.parametrize("page", ["with scripts"], indirect=True)
unscripted = pytest.mark.parametrize("page", ["without scripts"], indirect=True)


def come_by_key(page: Page, site: Portal) -> None:
    page.fill("#identifier", "emercier")
    page.fill("#secret", issue(site, "emercier"))
    page.click("#connexion [type=submit]")
    expect(page.locator("#password")).to_be_visible()


@scripted
def test_a_link_says_that_it_filled_the_form_and_leaves_only_the_button_to_press(page: Page) -> None:
    page.goto("about:blank")
    page.goto("/#identifiant=emercier&cle=K7QF9-M2XT4-RD8HC")
    expect(page.locator("#identifier")).to_have_value("emercier")
    expect(page.locator("[data-prefilled]")).to_be_visible()
    expect(page.locator("#connexion [type=submit]")).to_be_focused()
    expect(page.locator("#secret")).to_have_attribute("type", "password")


@scripted
def test_a_link_followed_while_the_page_is_open_works_too(page: Page) -> None:
    home = page.url
    page.evaluate("location.hash = 'identifiant=emercier&cle=K7QF9-M2XT4-RD8HC'")
    expect(page.locator("#secret")).to_have_value("K7QF9-M2XT4-RD8HC")
    assert page.url == home


@scripted
def test_other_fragments_are_left_alone(page: Page) -> None:
    home = page.url
    page.click("text=Mot de passe oublié ?")
    assert page.url == f"{home}#oubli"
    expect(page.locator("[data-prefilled]")).to_be_hidden()


@scripted
def test_the_meter_shows_the_servers_verdict_and_ticks_the_rules(page: Page, site: Portal) -> None:
    come_by_key(page, site)
    meter = page.locator("[data-meter]")
    expect(meter).to_be_hidden()
    page.fill("#password", "mercier")
    expect(meter).to_have_attribute("data-strength", "0")
    expect(page.locator("[data-label]")).to_have_text("Faible")
    expect(page.locator("[data-refusals]")).to_contain_text("mercier")
    page.fill("#password", NEW_PASSWORD)
    expect(meter).to_have_attribute("data-strength", "2")
    expect(page.locator("[data-label]")).to_have_text("Fort")
    expect(page.locator("[data-rule].met")).to_have_count(len(site.policy.rules()))
    page.fill("#password", "")
    expect(meter).to_be_hidden()
    expect(page.locator("[data-rule].met")).to_have_count(0)


@scripted
def test_the_meter_knows_the_rescue_address_typed_beside_it(page: Page, site: Portal) -> None:
    come_by_key(page, site)
    page.fill("#rescue", "chaloupes@ailleurs.example")
    page.fill("#password", NEW_PASSWORD)
    expect(page.locator("[data-refusals]")).to_contain_text("chaloupes")


@scripted
def test_a_shown_secret_is_hidden_again_before_it_is_sent(page: Page) -> None:
    """What is sent from a text field may stay in the browser's memory of what was typed."""
    page.click("[data-reveal=secret]")
    expect(page.locator("#secret")).to_have_attribute("type", "text")
    expect(page.locator("[data-reveal=secret]")).to_have_attribute("aria-pressed", "true")
    page.evaluate("document.getElementById('connexion').addEventListener('submit', event => event.preventDefault())")
    page.click("#connexion [type=submit]")
    expect(page.locator("#secret")).to_have_attribute("type", "password")


def test_the_error_summary_leads_to_the_field(page: Page) -> None:
    page.click("#connexion [type=submit]")
    page.click("[role=alert] a[href='#secret']")
    expect(page.locator("#secret")).to_be_focused()


@unscripted
def test_without_scripts_nothing_is_shown_that_would_do_nothing(page: Page, site: Portal) -> None:
    come_by_key(page, site)
    expect(page.locator("[data-meter]")).to_be_hidden()
    expect(page.locator("[data-reveal]:visible")).to_have_count(0)
    expect(page.locator("[data-rule]")).to_have_count(len(site.policy.rules()))
