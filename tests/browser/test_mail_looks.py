"""The mails as they are looked at: on a phone and on a desk, by day and by night, in the demo's own mailbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from connector.demo.mailbox import Mailbox
from connector.model import Happened, Notice
from connector.owed import OwedNotice
from connector.portal import Portal
from connector.settings.colors import TEXT, contrast
from tests.portal_fixtures import account, key_in

Scheme = Literal["light", "dark"]
_COLORS = """element => {
  const two = part => Number(part).toString(16).padStart(2, '0');
  const hex = color => '#' + color.match(/\\d+/g).slice(0, 3).map(two).join('');
  let ground = element;
  while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
  return [hex(getComputedStyle(element).color), hex(getComputedStyle(ground).backgroundColor)];
}"""


@pytest.fixture
def mailed(site: Portal, mailbox: Mailbox) -> str:
    """A key, a reminder and a notice, sent to one person; the address of the last one's HTML, with 1 for its number."""
    site.request_key("jmartin001")
    mailbox.wait_for(lambda mail: True)
    person = account(site, "jmartin001")
    for happened in (Happened.AWAITED, Happened.RESCUE):
        due = site.outbox.lease(site.now())
        site.outbox.hand_over(OwedNotice(person, Notice((happened,), person.rescue or "", due)))
    mailbox.wait_for(lambda mail: "adresse de secours" in mail.subject)
    return mailbox.url


@contextmanager
def opened(browser: Browser, width: int, scheme: Scheme) -> Iterator[Callable[[str], Page]]:
    """A browser window of that width in that scheme, without scripts, as in a mail program; it shows an address."""
    context = browser.new_context(
        viewport={"width": width, "height": 700}, color_scheme=scheme, java_script_enabled=False
    )
    page = context.new_page()

    def show(url: str) -> Page:
        page.goto(url)
        return page

    yield show
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_mail_fits_shows_its_logo_and_can_be_read(
    browser: Browser, mailbox: Mailbox, mailed: str, width: int, scheme: Scheme
) -> None:
    with opened(browser, width, scheme) as show:
        for mail in mailbox.mails:
            page = show(f"{mailed}mails/{mail.number}/html")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("img").evaluate("image => image.naturalWidth") > 0
            for element in page.locator("h1, p, strong, a, span").all():
                front, ground = element.evaluate(_COLORS)
                assert contrast(front, ground) >= TEXT, element.inner_text()


def test_one_click_chooses_the_whole_key(browser: Browser, mailbox: Mailbox, mailed: str) -> None:
    key = key_in(mailbox.mails[0])
    with opened(browser, 320, "light") as show:
        page = show(f"{mailed}mails/{mailbox.mails[0].number}/html")
        shown = page.get_by_text(key, exact=True)
        shown.click()
        assert page.evaluate("getSelection().toString()").strip() == key
        assert shown.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_the_mailbox_of_the_demo_shows_the_mail_with_its_logo(browser: Browser, mailbox: Mailbox, mailed: str) -> None:
    with opened(browser, 1280, "light") as show:
        page = show(f"{mailed}mails/{mailbox.mails[0].number}")
        logo = page.frame_locator("iframe").locator("img")
        logo.wait_for()
        assert logo.evaluate("image => image.naturalWidth") > 0
