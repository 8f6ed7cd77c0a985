"""An operator's first day, in a browser: enrol with a phone that reads the QR code from the screen, come back."""

from __future__ import annotations

import io

import cairocffi
import pytest
import zxingcpp
from playwright.sync_api import Page, expect

from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.desk_steps import Phone, offer
from tests.portal_fixtures import MovingClock


def seen_on(page: Page) -> str:
    """What a camera in front of the screen reads."""
    surface = cairocffi.ImageSurface.create_from_png(io.BytesIO(page.screenshot(full_page=True)))
    octets = bytes(surface.get_data())[::4]  # one of the four colours of each pixel: it is black on white
    height, row = surface.get_height(), surface.get_stride() // 4
    (code,) = zxingcpp.read_barcodes(memoryview(octets).cast("B", (height, row)), zxingcpp.BarcodeFormat.QRCode)
    return code.text


def fill(page: Page, **typed: str) -> None:
    for name, value in typed.items():
        page.locator(f"#{name}").fill(value)
    page.locator("main button.primary").click()


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_enrol_by_the_qr_code_and_come_back(page: Page, site: Portal, clock: MovingClock, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto("/guichet")
    page.get_by_role("link", name="Relier mon téléphone").click()
    fill(page, identifier="kdesk", password=PASSWORD, offered=offer(site, "kdesk").lower())
    heading(page, "Scannez ce code QR")
    phone = Phone("kdesk", seen_on(page), clock, [])
    assert page.locator(".key").inner_text().replace(" ", "") == phone.secret
    fill(page, code=phone.code())
    heading(page, "Vos codes de secours")
    recovery_codes = page.locator(".codes .key").all_inner_texts()
    assert len(recovery_codes) == 8
    page.get_by_role("link", name="Aller au guichet").click()
    expect(page.get_by_text("Au guichet")).to_contain_text("Karim Haddad")
    page.get_by_role("button", name="Se déconnecter").click()

    fill(page, identifier="kdesk", password=PASSWORD, code=phone.code())
    expect(page.get_by_role("alert")).to_contain_text("Nous n’avons pas pu vous identifier")
    fill(page, password=PASSWORD, code=phone.next_code())
    expect(page.get_by_text("Au guichet")).to_contain_text("Karim Haddad")

    clock.forward(minutes=10)
    page.reload()
    expect(page.locator(".note")).to_contain_text("votre session s’est fermée")
    fill(page, identifier="kdesk", password=PASSWORD, code=recovery_codes[0])
    expect(page.get_by_text("Au guichet")).to_contain_text("Karim Haddad")


def test_the_recovery_codes_are_printed_without_the_buttons(page: Page, site: Portal, clock: MovingClock) -> None:
    page.goto("/guichet/inscription")
    fill(page, identifier="sroux", password=PASSWORD, offered=offer(site, "sroux"))
    fill(page, code=Phone("sroux", seen_on(page), clock, []).code())
    page.emulate_media(media="print")
    expect(page.locator(".codes .key").first).to_be_visible()
    expect(page.get_by_role("link", name="Aller au guichet")).to_be_hidden()
    expect(page.get_by_role("button", name="Se déconnecter")).to_be_hidden()
