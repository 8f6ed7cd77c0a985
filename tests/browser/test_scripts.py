"""The scripts: each comfort works, and the page is whole without them. The story itself is in test_story.py."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from connector.portal import Portal
from tests.browser.conftest import QUIET
from tests.conftest import PASSWORD
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
def test_a_link_fills_the_form_and_says_so_where_the_reader_is_taken(page: Page) -> None:
    page.goto("about:blank")
    page.goto("/#identifiant=emercier&cle=K7QF9-M2XT4-RD8HC")
    expect(page.locator("#identifier")).to_have_value("emercier")
    expect(page.locator("[data-prefilled]")).to_be_visible()
    expect(page.locator("[data-prefilled]")).to_be_focused()
    expect(page.locator("#secret")).to_have_attribute("type", "password")


@scripted
def test_a_link_followed_while_the_page_is_open_works_too(page: Page) -> None:
    home = page.url
    page.evaluate("location.hash = 'identifiant=emercier&cle=K7QF9-M2XT4-RD8HC'")
    expect(page.locator("#secret")).to_have_value("K7QF9-M2XT4-RD8HC")
    assert page.url == home


@scripted
def test_a_link_fills_in_no_more_than_one_could_type(page: Page) -> None:
    """A value that a script sets is not held to ``maxlength``, and the server takes what is longer for a forgery."""
    page.evaluate("location.hash = `identifiant=${'x'.repeat(500)}&cle=${'y'.repeat(3000)}`")
    expect(page.locator("#secret")).to_have_value("y" * 1024)
    expect(page.locator("#identifier")).to_have_value("x" * 128)


@scripted
def test_other_fragments_are_left_alone(page: Page) -> None:
    home = page.url
    page.click("text=Mot de passe oublié ?")
    assert page.url == f"{home}#forgotten-identifier"
    expect(page.locator("#forgotten-identifier")).to_be_focused()
    expect(page.locator("[data-prefilled]")).to_be_hidden()


@scripted
def test_the_meter_shows_the_servers_verdict_and_ticks_the_rules(page: Page, site: Portal) -> None:
    come_by_key(page, site)
    meter = page.locator("[data-meter]")
    expect(meter).to_be_hidden()
    page.fill("#password", "mercier")
    expect(meter).to_have_attribute("data-strength", "0")
    expect(page.locator("[data-label]")).to_have_text("Faible")
    expect(page.locator("[data-advice]")).to_contain_text("Trop court")
    expect(page.locator("[data-advice]")).not_to_contain_text("mercier")  # one thing at a time
    page.fill("#password", "mercier-mercier-42")
    expect(page.locator("[data-advice]")).to_contain_text("mercier")
    page.fill("#password", NEW_PASSWORD)
    expect(meter).to_have_attribute("data-strength", "2")
    expect(page.locator("[data-label]")).to_have_text("Fort")
    expect(page.locator("[data-rule].met")).to_have_count(len(site.policy.rules()))
    expect(page.locator("[data-rule]").first).to_contain_text("respecté")
    page.fill("#password", NEW_PASSWORD + "é")
    expect(page.locator("[data-label]")).to_have_text("à revoir")
    expect(meter).to_have_attribute("data-strength", "")
    page.fill("#password", "")
    expect(meter).to_be_hidden()
    expect(page.locator("[data-rule].met")).to_have_count(0)


@scripted
def test_the_meter_speaks_in_a_place_that_was_there_before(page: Page, site: Portal) -> None:
    """A live region that appears together with its text is not read aloud."""
    come_by_key(page, site)
    spoken = page.locator("[data-spoken][role=status]")
    expect(spoken).to_have_text("")
    page.fill("#password", "mercier")
    expect(spoken).to_contain_text("Faible")
    expect(spoken).to_contain_text("Trop court")
    page.fill("#password", "")
    expect(spoken).to_have_text("")


@scripted
def test_an_error_goes_when_what_it_spoke_of_is_typed_anew(page: Page, site: Portal) -> None:
    come_by_key(page, site)
    page.fill("#rescue", "pas une adresse")
    page.click("button.primary")
    for field, typed in (("password", "x"), ("rescue", "elodie@ailleurs.example")):
        expect(page.locator(f"#{field}-errors")).to_be_visible()
        page.fill(f"#{field}", typed)
        expect(page.locator(f"#{field}-errors")).to_have_count(0)
        expect(page.locator(f"#{field}[aria-invalid]")).to_have_count(0)


@scripted
def test_an_impatient_second_click_sends_nothing(page: Page, site: Portal) -> None:
    come_by_key(page, site)
    page.fill("#password", NEW_PASSWORD)
    page.fill("#confirmation", NEW_PASSWORD)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.is_navigation_request() else None)
    page.evaluate(
        "() => { const b = document.querySelector('button.primary'); b.click(); setTimeout(() => b.click()); }"
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre compte est activé")
    assert [url.rsplit("/", 1)[1] for url in sent] == ["mot-de-passe", "fait"]


@scripted
def test_the_meter_knows_the_rescue_address_typed_beside_it(page: Page, site: Portal) -> None:
    come_by_key(page, site)
    page.fill("#rescue", "chaloupes@ailleurs.example")
    page.fill("#password", NEW_PASSWORD)
    expect(page.locator("[data-advice]")).to_contain_text("chaloupes")


@scripted
def test_the_meter_asks_nothing_once_the_form_is_sent(page: Page, site: Portal) -> None:
    """The answer ends the session: a question that comes after it would pass for a forged one."""
    come_by_key(page, site)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.fill("#confirmation", NEW_PASSWORD)
    page.fill("#password", NEW_PASSWORD)
    page.evaluate("document.querySelector('#password').form.addEventListener('submit', (e) => e.preventDefault())")
    page.press("#password", "Enter")
    page.wait_for_timeout(1000)  # more than the meter's pause
    assert "force" not in asked


@scripted
def test_a_shown_secret_is_hidden_again_before_it_is_sent(page: Page) -> None:
    """What is sent from a text field may stay in the browser's memory of what was typed."""
    page.click("[data-reveal=secret]")
    expect(page.locator("#secret")).to_have_attribute("type", "text")
    expect(page.get_by_role("button", name="Cacher Mot de passe ou clé d’activation")).to_be_visible()
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


@scripted
def test_a_refused_key_is_typed_again_as_it_was_the_first_time(page: Page) -> None:
    page.click("[data-way=key]")
    page.fill("#identifier", "emercier")
    page.locator("#secret").press_sequentially("K7QF9M2XT4RD8HD")
    page.click("#connexion [type=submit]")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("[data-way=key]")).to_have_attribute("aria-current", "true")
    page.locator("#secret").press_sequentially("K7QF9M")
    expect(page.locator("#secret")).to_have_value("K7QF9-M")
    expect(page.locator("#secret")).to_have_attribute("type", "text")
    page.goto("/")
    expect(page.locator("[data-way=key]")).not_to_have_attribute("aria-current", "true")


@scripted
def test_another_language_keeps_what_was_typed_and_never_a_secret(page: Page, site: Portal) -> None:
    page.fill("#identifier", "emercier")
    page.fill("#secret", "un secret")
    page.click("[data-reveal=secret]")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#identifier")).to_have_value("emercier")
    expect(page.locator("#secret")).to_have_value("")
    assert page.evaluate("sessionStorage.length") == 0
    come_by_key(page, site)
    page.fill("#rescue", "elodie@ailleurs.example")
    page.get_by_role("button", name="Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("#rescue")).to_have_value("elodie@ailleurs.example")


@scripted
def test_another_language_keeps_the_key_of_the_link(page: Page) -> None:
    page.goto("about:blank")
    page.goto("/#identifiant=emercier&cle=K7QF9-M2XT4-RD8HC")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#identifier")).to_have_value("emercier")
    expect(page.locator("#secret")).to_have_value("K7QF9-M2XT4-RD8HC")
    assert "#" not in page.url


@scripted
def test_the_way_back_over_a_refused_form_asks_nothing(page: Page, site: Portal) -> None:
    page.fill("#identifier", "emercier")
    page.fill("#secret", "faux")
    page.click("#connexion [type=submit]")
    expect(page.get_by_role("alert")).to_be_visible()
    come_by_key(page, site)
    page.go_back()  # to the answer of a POST, which Chromium will not show again: ERR_CACHE_MISS
    expect(page.locator("#identifier")).to_be_visible()
    page.reload()
    expect(page.locator("#identifier")).to_be_visible()


@scripted
def test_what_one_person_typed_is_not_put_into_the_next_ones_form(page: Page, site: Portal) -> None:
    """On one computer: by going back, Chromium would fill it in, for whoever has signed in since."""
    for uid in ("jmartin001", "zpetit"):
        page.fill("#identifier", uid)
        page.fill("#secret", PASSWORD)
        page.click("#connexion [type=submit]")
        expect(page.locator("#rescue")).to_have_value("")
        if uid == "jmartin001":
            page.fill("#rescue", "jeanne@ailleurs.example")
            page.click("text=Quitter sans rien changer")
    page.go_back()
    page.go_back()
    expect(page.locator(".identity")).to_contain_text("zpetit")
    page.wait_for_timeout(300)
    expect(page.locator("#rescue")).to_have_value("")


def test_a_secret_that_is_shown_stays_off_the_disk(browser: Browser, site: Portal, tmp_path: Path) -> None:
    """With the open tabs Chromium keeps what stands in text fields; whoever comes next could read it there."""
    key, password = "K7QF9-M2XT4-RD8HC", "un mot de passe"
    open_browser = browser.browser_type.launch_persistent_context
    settings = {"executable_path": shutil.which("chromium"), "args": [*QUIET]}
    with open_browser(tmp_path, base_url=site.settings.web.portal_url, **settings) as context:
        page = context.pages[0]
        page.goto("/")
        page.click("[data-reveal=secret]")
        page.locator("#secret").press_sequentially(password)
        page.goto("/aide")
        page.goto("/")
        page.fill("#identifier", "emercier")
        page.click("[data-way=key]")
        page.locator("#secret").press_sequentially(key)
        page.goto("/aide")
        page.wait_for_timeout(1000)
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("Sessions/*"))
    assert "emercier".encode("utf-16-le") in kept  # or this test would see nothing at all
    assert [secret for secret in (key, password) if secret.encode("utf-16-le") in kept] == []
