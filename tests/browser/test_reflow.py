"""Pages keep all they say: on the smallest phone, at 400 %, in wide-set text, in the system's colours, on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.states import PASSWORD, STATES, Scene, sign_in

PHONE = ViewportSize(width=320, height=640)
ZOOMED = ViewportSize(width=320, height=256)  # 1280 by 1024 at 400 % (WCAG 1.4.10)
SMALLEST_TARGET, SMALLEST_CONTROL = 24, 44  # CSS pixels: WCAG 2.5.8, and what a thumb needs of buttons and fields

LOST = Path(__file__).with_name("lost.js").read_text(encoding="utf-8")

# Links inside a sentence are exempt (WCAG 2.5.8). Of a hidden field there is nothing to hit,
# of a box to tick its label.
SMALL_TARGETS = """([target, control]) => [...document.querySelectorAll("a, button, input:not([type=hidden]), summary")]
  .filter((element) => element.checkVisibility() && !element.closest(".unseen"))
  .filter(({ parentElement: { childNodes } }) =>
    ![...childNodes].some((node) => node.nodeName === "#text" && node.data.trim()))
  .map((element) => [element, element.matches("[type=checkbox]") ? element.labels[0] : element])
  .map(([element, hit]) => [element, hit.getBoundingClientRect()])
  .filter(([element, box]) => {
    const least = element.matches("button, input, .button") ? control : target;
    return box.height < least || box.width < (element.matches("input, .button") ? control : target);
  }).map(([element, box]) => `${element.outerHTML.slice(0, 80)}: ${box.width} by ${box.height}`)"""

# WCAG 1.4.12; a constructed sheet, since the Content-Security-Policy refuses any that is written into the page.
WIDE_TEXT = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`p { margin-bottom: 2em !important }
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }`);
  document.adoptedStyleSheets = [sheet];
}"""
LARGE_TEXT = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("html { font-size: 200% }");
  document.adoptedStyleSheets = [sheet];
}"""
BORDERLESS = """() => [...document.querySelectorAll("input:not([type=hidden]), button:not(.plain), .button")]
  .filter((element) => element.checkVisibility() && !element.matches(".unseen"))
  .filter((element) => {
    const { borderTopStyle, borderTopWidth, borderTopColor, backgroundColor } = getComputedStyle(element);
    return borderTopStyle === "none" || borderTopWidth === "0px" || borderTopColor === backgroundColor;
  }).map((element) => element.outerHTML.slice(0, 80))"""
PAPER = ViewportSize(width=794, height=1123)  # A4 at 96 dpi


@pytest.mark.parametrize("state", STATES)
def test_a_small_screen_loses_nothing_and_a_thumb_hits_everything(visitor: Page, scene: Scene, state: str) -> None:
    visitor.set_viewport_size(PHONE)
    scene.enter(state, visitor)
    lost = {"phone": visitor.evaluate(LOST)}
    small = visitor.evaluate(SMALL_TARGETS, [SMALLEST_TARGET, SMALLEST_CONTROL])
    visitor.evaluate(LARGE_TEXT)
    lost["letters twice as large"] = visitor.evaluate(LOST)
    visitor.evaluate("document.adoptedStyleSheets = []")
    visitor.set_viewport_size(ZOOMED)
    lost["at 400 %"] = visitor.evaluate(LOST)
    visitor.evaluate(WIDE_TEXT)
    lost["wide-set text"] = visitor.evaluate(LOST)
    visitor.set_viewport_size(ViewportSize(width=1280, height=860))
    lost["wide-set text on a desk"] = visitor.evaluate(LOST)
    assert {where: found for where, found in lost.items() if found} == {}
    assert small == []


def test_the_sign_in_form_fits_without_scrolling(visitor: Page) -> None:
    visitor.set_viewport_size(PHONE)
    visitor.goto("/")
    box = visitor.locator("#connexion [type=submit]").bounding_box()
    assert box
    assert box["y"] + box["height"] <= PHONE["height"]


@pytest.mark.parametrize("state", ["landing", "landing, refused", "activate, fair", "change, refused", "error 404"])
def test_the_systems_own_colours_keep_borders_and_the_focus(visitor: Page, scene: Scene, state: str) -> None:
    visitor.emulate_media(forced_colors="active")
    scene.enter(state, visitor)
    assert visitor.evaluate("matchMedia('(forced-colors: active)').matches")
    assert visitor.evaluate(BORDERLESS) == []
    visitor.keyboard.press("Tab")
    assert visitor.locator(":focus").evaluate("element => getComputedStyle(element).outlineStyle") == "solid"


@pytest.mark.parametrize("state", ["key sent", "key expired", "done, activated"])
def test_paper_bears_what_there_is_to_read_and_no_buttons(visitor: Page, scene: Scene, state: str) -> None:
    visitor.set_viewport_size(PAPER)
    scene.enter(state, visitor)
    visitor.emulate_media(media="print")
    assert visitor.get_by_role("heading", level=1).is_visible()
    assert visitor.locator("button:visible, input:visible, .button:visible, .skip:visible").count() == 0
    assert visitor.evaluate(LOST) == []
    assert visitor.locator("body").evaluate("body => getComputedStyle(body.parentElement).color") == "rgb(0, 0, 0)"


def test_a_login_too_long_to_be_true_widens_no_page(visitor: Page, scene: Scene) -> None:
    visitor.set_viewport_size(PHONE)
    sign_in(visitor, "W" * 128, PASSWORD)
    assert visitor.evaluate(LOST) == []
