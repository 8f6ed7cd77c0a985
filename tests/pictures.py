"""Pictures of the pages, taken from the product at work: ``python -m tests.pictures`` renews those of the README.

``--all FOLDER`` takes every state that a visitor can meet, on every size of screen, light and dark, in both languages,
and sheets that show them side by side, for people to look at; further words choose the states whose names hold one.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from connector.cli.demo import HOST, Running, running
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.languages import LANGUAGES, REFERENCE
from tests.browser.conftest import QUIET
from tests.browser.states import NEW_PASSWORD, STATES, Scene, opened, sign_in
from tests.conftest import make_groups
from webui.server import listen

SIZES = {"desk": (1280, 860), "phone": (360, 740), "small": (320, 568)}  # CSS pixels
MAIL = ViewportSize(width=640, height=400)
PEOPLE = 12  # one of each kind
READMES = Path(__file__).parent.parent / "docs" / "pictures"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
A_SHEET = 12  # pictures
Chosen = Sequence[str]


def take_readmes(folder: Path) -> None:
    """Of the demo, whose people are invented: both pages on a desk and on a phone, and the mail that brings a key."""
    with listen(HOST, 0) as listener, running(listener, PEOPLE) as demo, chromium() as browser:
        folder.mkdir(parents=True, exist_ok=True)
        for size in ("desk", "phone"):
            page = browser.new_page(base_url=demo.portal_url, locale=REFERENCE, viewport=screen(size))
            page.goto("/")
            page.screenshot(path=folder / f"{size}-landing.png")
            sign_in(page, demo.people[0].uid, demo.people[0].key or "")
            page.locator("#password").fill(NEW_PASSWORD)
            expect(page.locator("[data-meter]")).to_be_visible()
            page.screenshot(path=folder / f"{size}-password.png")
        page.goto(mail_with_key(demo, page))
        page.set_viewport_size(MAIL)
        page.screenshot(path=folder / "mail.png", full_page=True)


def mail_with_key(demo: Running, page: Page) -> str:
    """Where the mail stands that somebody gets who has forgotten the password, and says so on ``page``."""
    person = next(person for person in demo.people if person.state == "active" and person.rescue)
    page.goto("/")
    page.locator("#forgotten-identifier").fill(person.uid)
    page.locator("#forgotten-identifier").press("Enter")
    mail = demo.mailbox.wait_for(person.rescue or "")
    return f"{demo.mailbox.url}mails/{mail.number}/html"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of the tests."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(QUIET))


def take_all(folder: Path, chosen: Chosen, theme: str) -> None:
    """Every chosen state, and a sheet for each size, scheme and language."""
    with ExitStack() as everything:
        slapd = everything.enter_context(PrivateSlapd(password_hash="{SSHA}"))
        make_groups(slapd)
        mailbox = everything.enter_context(Mailbox())
        scene = everything.enter_context(opened(slapd, mailbox, theme))
        browser = everything.enter_context(chromium())
        for language in LANGUAGES:
            page = visitor(browser, scene, language).new_page()
            for state in STATES:
                if not chosen or any(word in state for word in chosen):
                    scene.enter(state, page)
                    take(page, folder, f"{slug(state)}-{language}")
        sheets(browser, folder)


def visitor(browser: Browser, scene: Scene, language: str) -> BrowserContext:
    """Somebody who reads ``language``."""
    return browser.new_context(base_url=scene.site.settings.web.portal_url, locale=language, reduced_motion="reduce")


def take(page: Page, folder: Path, name: str) -> None:
    """The whole page on every size of screen, light and dark."""
    for size, scheme in product(SIZES, SCHEMES):
        page.set_viewport_size(screen(size))
        page.emulate_media(color_scheme=scheme)
        file = folder / f"{size}-{scheme}" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=file, full_page=True)


def screen(size: str) -> ViewportSize:
    """A screen of ``SIZES``."""
    width, height = SIZES[size]
    return ViewportSize(width=width, height=height)


def slug(state: str) -> str:
    """A state's name as part of a file's."""
    return re.sub(r"\W+", "-", state)


def sheets(browser: Browser, folder: Path) -> None:
    """A dozen thumbnails a page, for each folder and language, beside the folders."""
    page = browser.new_page()
    for shots, language in product(sorted(path for path in folder.iterdir() if path.is_dir()), LANGUAGES):
        pictures = sorted(shots.glob(f"*-{language}.png"))
        for first in range(0, len(pictures), A_SHEET):
            sheet = folder / f"sheet-{shots.name}-{language}-{first // A_SHEET + 1}"
            html = sheet.with_suffix(".html")
            html.write_text(sheet_of(pictures[first : first + A_SHEET], folder), encoding="utf-8")
            page.set_viewport_size({"width": 1560, "height": 400})
            page.goto(html.absolute().as_uri())
            page.screenshot(path=sheet.with_suffix(".png"), full_page=True)
            html.unlink()


def sheet_of(pictures: Sequence[Path], folder: Path) -> str:
    """A page that shows them side by side, each under its name."""
    across = 4 if pictures[0].parent.name.startswith("desk") else 6
    figures = "".join(
        f"<figure><figcaption>{file.stem}</figcaption><img src='{file.relative_to(folder)}'></figure>"
        for file in pictures
    )
    style = (
        "body{margin:8px;background:#777;color:#fff;font:13px sans-serif;display:grid;gap:8px;align-items:start;"
        f"grid-template-columns:repeat({across},1fr)}}figure{{margin:0}}img{{width:100%}}"
    )
    return f"<!doctype html><meta charset=utf-8><style>{style}</style>{figures}"


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """What the command was given."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every state, into this folder")
    parser.add_argument("--theme", default="dordogne", help="the theme to wear")
    parser.add_argument("states", nargs="*", help="with --all: only the states whose names hold one of these words")
    return parser.parse_args(words)


if __name__ == "__main__":
    given = arguments(sys.argv[1:])
    if given.all:
        take_all(given.all, given.states, given.theme)
    else:
        take_readmes(READMES)
