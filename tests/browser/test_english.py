"""The whole story on the smallest phone of somebody who reads English: not a French sentence on a page or in a mail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.catalogues import ROOMS
from tests.portal_fixtures import issue, key_in, slip
from tests.web.steps import NEW_PASSWORD, write

FRENCH = [
    message.id
    for room in ROOMS
    if room.language == "en"
    for message in room.kept()
    if isinstance(message.id, str) and " " in message.id and "%(" not in message.id and message.id != message.string
]
SECOND = "seven-cats-9-dance-8"


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def phone(request: pytest.FixtureRequest, browser: Browser, site: Portal) -> Iterator[Page]:
    context = browser.new_context(
        base_url=site.settings.web.portal_url,
        locale="en-GB",
        viewport={"width": 320, "height": 568},
        is_mobile=True,
        java_script_enabled=request.param,
    )
    page = context.new_page()
    page.goto("/")
    yield page
    context.close()


def arrive(page: Page, heading: str) -> None:
    """See the page of that heading, all of it in English and within the screen."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    said = page.locator("body").inner_text()
    assert [sentence for sentence in FRENCH if sentence in said] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]


def sign_in(page: Page, secret: str) -> None:
    page.get_by_role("textbox", name="Login", exact=True).fill("emercier")
    page.get_by_role("textbox", name="Password or activation key").fill(secret)
    page.get_by_role("button", name="Submit").click()


def choose(page: Page, password: str, rescue: str = "") -> None:
    page.get_by_role("textbox", name="New password").fill(password)
    page.get_by_role("textbox", name="Confirm the password").fill(password)
    page.get_by_role("textbox", name="Rescue email address").fill(rescue)
    page.get_by_role("button", name="Submit").click()


def test_activate_forget_and_come_back_in_english(
    phone: Page, site: Portal, slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    write(slapd, "emercier", "preferredLanguage", "en-GB, fr;q=0.5")
    key = issue(site, "emercier")

    arrive(phone, "Mon compte")
    sign_in(phone, slip(key))
    expect(phone.get_by_role("alert")).to_contain_text("it contains a typing mistake")
    arrive(phone, "Mon compte")
    sign_in(phone, key)
    arrive(phone, "Activate your account")
    choose(phone, "elodie", "no address")
    expect(phone.get_by_role("alert")).to_contain_text("things to put right")
    arrive(phone, "Activate your account")
    choose(phone, NEW_PASSWORD, "elodie@ailleurs.example")
    arrive(phone, "Your account is active")
    welcome = mailbox.wait_for(lambda mail: "elodie@ailleurs.example" in mail.to, 10)
    assert welcome.text.startswith("Hello Élodie Mercier,")

    phone.get_by_role("button", name="Sign out").click()
    arrive(phone, "Mon compte")
    phone.get_by_role("textbox", name="Login or INE").fill("110 000 001 ab")
    phone.get_by_role("button", name="Send me a key").click()
    arrive(phone, "Look in your personal mailbox")
    mail = mailbox.wait_for(lambda mail: "activation key" in mail.subject, 10)
    assert [sentence for sentence in FRENCH if sentence in mail.text + mail.subject] == []

    phone.get_by_role("link", name="Type my key").click()
    sign_in(phone, key_in(mail))
    arrive(phone, "Choose a new password")
    choose(phone, SECOND)
    arrive(phone, "Your password has been changed")


@pytest.mark.parametrize("path", ["/aide", "/confidentialite", "/accessibilite", "/nulle-part"])
def test_what_there_is_to_read_is_in_english(phone: Page, path: str) -> None:
    phone.goto(path)
    arrive(phone, phone.get_by_role("heading", level=1).inner_text())
