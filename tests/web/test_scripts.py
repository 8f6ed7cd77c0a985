"""The scripts and the layout in a real Chromium: comforts work, and nothing is lost without them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from test_forms_and_headers import KEY, PASSWORD, ScriptedPortal, make_app
from waitress import wasyncore
from waitress.server import create_server

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def portal() -> ScriptedPortal:
    return ScriptedPortal()


@pytest.fixture
def home(portal: ScriptedPortal) -> Iterator[str]:
    sockets: dict[int, Any] = {}
    server = create_server(make_app(portal), map=sockets, listen="127.0.0.1:0")
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"

    def close() -> None:  # in the loop's own thread, which ends when no socket is left
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)

    server.trigger.pull_trigger(close)
    thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 320, "height": 640})
    yield context.new_page()
    context.close()


def sign_in(page: Page, home: str) -> None:
    page.goto(home)
    page.fill("#identifier", "jmartin001")
    page.fill("#secret", KEY)
    page.click("#connexion [type=submit]")


def test_a_link_fills_both_fields_hides_the_key_and_submits_nothing(
    page: Page, home: str, portal: ScriptedPortal
) -> None:
    page.goto(f"{home}/#identifiant=jmartin001&cle={KEY}")
    assert (page.input_value("#identifier"), page.input_value("#secret")) == ("jmartin001", KEY)
    assert page.url == f"{home}/"
    assert page.is_visible("[data-prefilled]")
    assert portal.asked == []


def test_a_link_followed_while_the_page_is_open_works_too(page: Page, home: str) -> None:
    page.goto(home)
    page.evaluate(f"location.hash = 'identifiant=jmartin001&cle={KEY}'")
    expect(page.locator("#secret")).to_have_value(KEY)
    assert page.url == f"{home}/"


def test_other_fragments_are_left_alone(page: Page, home: str) -> None:
    page.goto(f"{home}/#oubli")
    assert page.url == f"{home}/#oubli"
    assert not page.is_visible("[data-prefilled]")


def test_the_meter_shows_the_servers_verdict_and_ticks_the_rules(page: Page, home: str) -> None:
    sign_in(page, home)
    assert not page.is_visible("[data-meter]")
    page.fill("#password", "martin")
    page.wait_for_selector("[data-meter][data-strength='0']")
    assert page.inner_text("[data-label]") == "Faible"
    assert "martin" in page.inner_text("[data-refusals]")
    page.fill("#password", PASSWORD)
    page.wait_for_selector("[data-meter][data-strength='2']")
    assert page.inner_text("[data-label]") == "Fort"
    assert page.locator("[data-rule].met").count() == page.locator("[data-rule]").count()


def test_a_shown_secret_is_hidden_again_before_it_is_sent(page: Page, home: str) -> None:
    page.goto(home)
    page.click("[data-reveal=secret]")
    assert page.get_attribute("#secret", "type") == "text"
    page.evaluate("document.getElementById('connexion').addEventListener('submit', event => event.preventDefault())")
    page.click("#connexion [type=submit]")
    assert page.get_attribute("#secret", "type") == "password"


def test_the_error_summary_has_the_focus_and_leads_to_the_field(page: Page, home: str) -> None:
    page.goto(home)
    page.click("#connexion [type=submit]")
    expect(page.locator("[role=alert]")).to_be_focused()
    page.click("[role=alert] a[href='#secret']")
    expect(page.locator("#secret")).to_be_focused()


def test_everything_works_without_scripts(browser: Browser, home: str, portal: ScriptedPortal) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, home)
    assert not page.is_visible("[data-meter]")
    assert not page.is_visible("[data-reveal=password]")
    page.fill("#password", PASSWORD)
    page.fill("#confirmation", PASSWORD)
    page.click("button.primary")
    assert page.url == f"{home}/fait"
    assert portal.asked[-1] == ("redeem_key", "jmartin001", "mark-1", PASSWORD, None)
    page.click("[type=submit]")
    assert "déconnecté" in page.inner_text("[role=status]:visible")
    context.close()


def test_the_sign_in_form_fits_the_smallest_phone_without_scrolling(page: Page, home: str) -> None:
    page.goto(home)
    box = page.locator("#connexion [type=submit]").bounding_box()
    assert box
    assert box["y"] + box["height"] <= 640


@pytest.mark.parametrize("path", ["/", "/mot-de-passe", "/oubli/envoye", "/nulle-part"])
def test_no_page_scrolls_sideways_at_320_pixels(page: Page, home: str, path: str) -> None:
    sign_in(page, home)
    page.goto(home + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
