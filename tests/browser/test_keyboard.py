"""Tab, Shift+Tab, Enter and Space take one everywhere, and one always sees where one is. Nothing here is ever clicked.

Fields and buttons are found as a screen reader names them: by role and label.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from connector.demo.mailbox import Mailbox
from tests.browser.states import NEW_PASSWORD, PASSWORD, RESCUE, Scene
from tests.portal_fixtures import key_in

MOST_STOPS = 40
STATES_WALKED = (
    "landing",
    "landing, nothing typed",
    "landing, signed out",
    "forgotten, nothing typed",
    "key sent",
    "key expired",
    "activate, strong",
    "activate, refused",
    "activate, time nearly over",
    "change, refused",
    "done, activated",
    "error 500",
)
STOP = """() => {
  const stop = document.activeElement;
  if (stop === document.body || stop === document.documentElement) return null;
  const box = stop.getBoundingClientRect();
  const style = getComputedStyle(stop);
  const [line] = stop.getClientRects(); // a link may run over two
  const seen = document.elementFromPoint(line.x + line.width / 2, line.y + line.height / 2);
  return {
    name: stop.outerHTML.slice(0, 90),
    top: box.top + scrollY,
    left: box.left,
    is_seen: box.width > 0 && stop.contains(seen),
    ring: style.outlineStyle === "none" ? "" : `${style.outlineWidth} ${style.outlineColor}`,
  };
}"""
UNFOCUSED_RINGS = """() => [...document.querySelectorAll("a, button, input, [tabindex]")]
  .filter((element) => element !== document.activeElement && getComputedStyle(element).outlineStyle !== "none")
  .map((element) => element.outerHTML.slice(0, 90))"""
HOVERED = """() => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
  .filter((rule) => rule.selectorText?.includes(":hover")).flatMap((rule) => [...rule.style])"""


class Stop(NamedTuple):
    """Where the focus is: the element, its place on the page in CSS pixels, whether it is in sight, its outline."""

    name: str
    top: float
    left: float
    is_seen: bool
    ring: str


def walk(page: Page, key: str = "Tab") -> list[Stop]:
    """Every stop that ``key`` makes from the first link on, until it is back there."""
    page.locator(":any-link").first.focus()
    stops = [Stop(**page.evaluate(STOP))]
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        found = page.evaluate(STOP)  # none where the focus leaves the page before it comes round
        if found and Stop(**found) == stops[0]:
            return stops
        stops += [Stop(**found)] if found else []
    raise AssertionError(f"trapped: {[stop.name for stop in stops[-3:]]}")


def go_to(page: Page, target: Locator) -> None:
    """Press Tab until ``target`` has the focus."""
    for _ in range(MOST_STOPS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {target}")


def write(page: Page, label: str, text: str) -> None:
    go_to(page, page.get_by_label(label, exact=True))
    page.keyboard.type(text)


def press(page: Page, name: str, key: str = "Space") -> None:
    go_to(page, page.get_by_role("button", name=name))
    page.keyboard.press(key)


def sign_in(page: Page, identifier: str, secret: str) -> None:
    write(page, "Identifiant", identifier)
    write(page, "Mot de passe ou clé d’activation", secret)
    page.keyboard.press("Enter")


def expect_heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


@pytest.fixture(params=["desk", "phone"])
def page(request: pytest.FixtureRequest, visitor: Page) -> Page:
    """*Mon compte*, on a wide and on a narrow screen."""
    narrow = ViewportSize(width=320, height=640)
    visitor.set_viewport_size(narrow if request.param == "phone" else ViewportSize(width=1280, height=860))
    visitor.goto("/")
    return visitor


def test_activate_leave_forget_and_come_back(page: Page, scene: Scene, session_mailbox: Mailbox) -> None:
    scene.changes_people()
    session_mailbox.clear()
    sign_in(page, "emercier", scene.key())
    expect_heading(page, "Activer votre compte")
    write(page, "Nouveau mot de passe", NEW_PASSWORD)
    write(page, "Confirmation du mot de passe", NEW_PASSWORD)
    write(page, "Adresse mail de secours (facultatif)", RESCUE)
    press(page, "Valider")
    expect_heading(page, "Votre compte est activé")
    press(page, "Se déconnecter", "Enter")
    expect(page.get_by_role("status").first).to_be_focused()

    go_to(page, page.get_by_role("link", name="Mot de passe oublié ?"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Identifiant ou INE")).to_be_focused()
    page.keyboard.type("emercier")
    press(page, "Recevoir une clé")
    go_to(page, page.get_by_role("link", name="Taper ma clé"))
    page.keyboard.press("Enter")
    mail = session_mailbox.wait_for(lambda mail: RESCUE in mail.to and "clé" in mail.subject)
    sign_in(page, "emercier", key_in(mail))
    expect_heading(page, "Choisir un nouveau mot de passe")


def test_change_and_leave(page: Page, scene: Scene) -> None:
    scene.changes_people()
    sign_in(page, "jmartin001", PASSWORD)
    write(page, "Mot de passe actuel", PASSWORD)
    write(page, "Nouveau mot de passe (facultatif)", NEW_PASSWORD)
    write(page, "Confirmation du mot de passe (facultatif)", NEW_PASSWORD)
    page.keyboard.press("Enter")
    expect_heading(page, "Votre mot de passe est changé")


def test_whoever_is_not_ready_leaves(page: Page) -> None:
    sign_in(page, "jmartin001", PASSWORD)
    press(page, "Quitter sans rien changer")
    expect(page.get_by_role("status").first).to_be_focused()


def test_a_secret_is_shown_and_hidden(page: Page) -> None:
    write(page, "Mot de passe ou clé d’activation", PASSWORD)
    button = page.get_by_role("button", name="Mot de passe ou clé d’activation")
    go_to(page, button)
    for kind in ("text", "password"):
        page.keyboard.press("Space")
        expect(page.locator("#secret")).to_have_attribute("type", kind)
    expect(button).to_be_focused()


def test_the_language_is_changed_and_the_page_stays(page: Page) -> None:
    press(page, "English", "Enter")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_first_stop_skips_to_the_content(page: Page) -> None:
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_be_in_viewport()
    expect(skip).to_have_role("link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_summary_of_errors_has_the_focus_and_leads_to_each_field(page: Page) -> None:
    write(page, "Identifiant", "")
    page.keyboard.press("Enter")
    summary = page.get_by_role("alert")
    links = summary.get_by_role("link")
    for number, field in enumerate(("Identifiant", "Mot de passe ou clé d’activation")):
        expect(summary).to_be_focused()
        go_to(page, links.nth(number))
        page.keyboard.press("Enter")
        expect(page.get_by_label(field, exact=True)).to_be_focused()
        expect(page.get_by_label(field, exact=True)).to_be_in_viewport(ratio=1)
        page.keyboard.press("Enter")


@pytest.mark.parametrize("state", STATES_WALKED)
def test_the_focus_goes_down_the_page_is_seen_and_comes_back_the_same_way(
    visitor: Page, scene: Scene, state: str
) -> None:
    visitor.set_viewport_size(ViewportSize(width=320, height=640))
    scene.enter(state, visitor)
    assert visitor.evaluate(UNFOCUSED_RINGS) == []
    stops = walk(visitor)
    assert [stop.name for stop in stops if not stop.is_seen or stop.ring.startswith("0px") or not stop.ring] == []
    below_skip = [(round(stop.top / 24), stop.left) for stop in stops[1:]]  # things side by side are one line
    assert below_skip == sorted(below_skip)
    assert walk(visitor, "Shift+Tab")[1:] == stops[:0:-1]


def test_a_mouse_over_something_only_colours_it(visitor: Page) -> None:
    """What appears under a mouse alone is not there for a finger or a key (WCAG 1.4.13)."""
    visitor.goto("/")
    touched = set(visitor.evaluate(HOVERED))
    assert touched
    assert {name for name in touched if not name.startswith(("background-", "border-", "text-decoration-"))} == {
        "color"
    }
