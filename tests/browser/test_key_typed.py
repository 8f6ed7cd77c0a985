"""Whoever has a key sees it grow in groups of five, however it is typed; a password is left alone."""

import pytest
from playwright.sync_api import Page, expect

from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import issue

pytestmark = pytest.mark.parametrize("page", ["with scripts"], indirect=True)

SHOWN = "K7QF9-M2XT4-RD8HC"


@pytest.mark.parametrize(
    "typed", ["K7QF9M2XT4RD8HC", "k7qf9 m2xt4 rd8hc", "K7QF9-M2XT4-RD8HC", "K7QF9–M2XT4–RD8HC", "K7QF9--M2XT4--RD8HC"]
)
def test_a_key_groups_itself_as_one_types(page: Page, typed: str) -> None:
    page.click("[data-way=key]")
    page.locator("#secret").press_sequentially(typed)
    assert page.locator("#secret").input_value().upper() == SHOWN
    expect(page.locator("#secret")).to_have_attribute("type", "text")
    expect(page.locator("[data-count]")).to_have_text("Clé : 15 caractères sur 15")


def test_the_caret_stays_where_one_types(page: Page) -> None:
    page.click("[data-way=key]")
    secret = page.locator("#secret")
    secret.fill("K7QF9-M2XT4-RD8H")
    secret.press("Home")
    secret.press("Delete")
    assert secret.input_value() == "7QF9M-2XT4R-D8H"
    secret.press_sequentially("K")
    assert secret.input_value() == "K7QF9-M2XT4-RD8H"
    assert page.evaluate("document.activeElement.selectionStart") == 1
    secret.press("End")
    for _ in range(5):
        secret.press("Backspace")
    assert secret.input_value() == "K7QF9-M2XT"


@pytest.mark.parametrize("text", [SHOWN, f"  {SHOWN}\n"])
def test_a_key_pasted_as_we_print_it_is_taken_for_one(page: Page, text: str) -> None:
    page.locator("#secret").focus()
    page.evaluate(
        """text => {
            const given = new DataTransfer();
            given.setData("text", text);
            const event = new ClipboardEvent("paste", { clipboardData: given, bubbles: true });
            document.activeElement.dispatchEvent(event);
        }""",
        text,
    )
    expect(page.locator("[data-way=key]")).to_have_attribute("aria-current", "true")
    expect(page.locator("#secret")).to_have_attribute("type", "text")


def test_a_password_is_never_touched(page: Page) -> None:
    for way in ([], ["key", "password"]):
        for name in way:
            page.click(f"[data-way={name}]")
        page.fill("#secret", "")
        page.locator("#secret").press_sequentially("K7QF9M2XT4RD8HCabc")
        assert page.locator("#secret").input_value() == "K7QF9M2XT4RD8HCabc"
        expect(page.locator("#secret")).to_have_attribute("type", "password")
        expect(page.locator("[data-count]")).to_be_hidden()


def test_what_is_no_key_is_told_where_to_go(page: Page) -> None:
    page.click("[data-way=key]")
    page.locator("#secret").press_sequentially("été")
    expect(page.locator("[data-count]")).to_contain_text("choisissez « Compte déjà activé »")
    assert page.locator("#secret").input_value() == "été"


def test_a_key_typed_in_groups_opens_and_is_hidden_on_its_way(page: Page, site: Portal) -> None:
    key = issue(site, "emercier")
    page.click("[data-way=key]")
    expect(page.locator("#identifier")).to_be_focused()
    page.keyboard.type("emercier")
    page.keyboard.press("Tab")
    page.keyboard.type(key.replace("-", "").lower())
    page.evaluate(
        "document.getElementById('connexion').addEventListener('submit', () => "
        "sessionStorage.setItem('sent', document.getElementById('secret').type))"
    )
    page.keyboard.press("Enter")
    expect(page.locator("#password")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('sent')") == "password"


def test_who_comes_from_the_page_that_sent_a_key_may_type_it_at_once(page: Page, site: Portal) -> None:
    page.goto("/oubli/envoye")
    page.get_by_role("link", name="Taper ma clé").click()
    page.locator("#secret").press_sequentially("k7qf9m2xt4rd8hc")
    assert page.locator("#secret").input_value().upper() == SHOWN
    expect(page.locator("#secret")).to_have_attribute("type", "text")


def test_locked_capitals_are_told(page: Page) -> None:
    hint = page.locator("#connexion [data-caps]")
    expect(hint).to_have_text("")
    locked = "locked => { const event = new KeyboardEvent('keyup', { key: 'a', modifierCapsLock: locked });"
    for state, text in ((True, "Les majuscules sont verrouillées."), (False, "")):
        page.evaluate(f"{locked} document.getElementById('secret').dispatchEvent(event); }}", state)
        expect(hint).to_have_text(text)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "trois-pommes-42-bleues",
        "K7QF9M2XT4-RD8HC!",
        "K7QF9M2XT4RD8HCX",
        "deux mots 12",
        "abcdefghijk-mno",
        "abcde-fghij-klm-n",
    ],
)
def test_a_password_typed_by_the_way_of_the_key_stays_as_it_was_typed(page: Page, password: str) -> None:
    page.click("[data-way=key]")
    page.locator("#secret").press_sequentially(password)
    assert page.locator("#secret").input_value() == password


def test_a_password_typed_by_the_way_of_the_key_opens_too(page: Page) -> None:
    page.click("[data-way=key]")
    page.fill("#identifier", "jmartin001")
    page.locator("#secret").press_sequentially(PASSWORD)
    page.click("#connexion [type=submit]")
    expect(page.locator("#current-password")).to_be_visible()


def test_whose_login_stands_there_already_goes_on_with_the_secret(page: Page) -> None:
    """A telephone's keyboard then offers capitals for a key, and none for a password."""
    page.fill("#identifier", "emercier")
    for way, capitals in (("key", "characters"), ("password", "none")):
        page.click(f"[data-way={way}]")
        expect(page.locator("#secret")).to_be_focused()
        expect(page.locator("#secret")).to_have_attribute("autocapitalize", capitals)
