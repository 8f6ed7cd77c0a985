"""The states of the assistance form, for ``tests.browser.states``."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING

from playwright.sync_api import Page

from connector.directory.requests import MOST_KEPT

if TYPE_CHECKING:
    from tests.browser.states import Scene

TYPED = {"name": "Zoé Petit", "born": "5 mars 2004", "identifier": "zpetit", "answer_to": "zoe@perso.example.org"}


def fill_in(page: Page, scene: Scene, **typed: str) -> None:
    """The open form, in no more time than it takes, and sent."""
    for field, value in (TYPED | {"text": "J’ai perdu la lettre.\nEt mon téléphone."} | typed).items():
        page.locator(f"#{field}").fill(value)
    page.locator("#subject").select_option("letter")
    scene.clock.forward(seconds=3)
    page.locator("main .primary").click()
    page.wait_for_load_state()


def flood(scene: Scene) -> None:
    """More requests than usual, until the next state."""
    throttle = scene.site.throttle
    scene.afterwards.callback(lambda: throttle._counters.clear([throttle._counter("assistance_at_ease")]))
    while throttle.is_at_ease:
        throttle.ask_for_help("192.0.2.1")


def _opened(page: Page, _scene: Scene) -> None:
    page.goto("/assistance")


def _nothing_typed(page: Page, scene: Scene) -> None:
    _opened(page, scene)
    page.locator("main .primary").click()
    page.wait_for_load_state()


def _quick(page: Page, scene: Scene) -> None:
    _opened(page, scene)
    scene.clock.forward(seconds=-3)
    fill_in(page, scene)


def _attacked(page: Page, scene: Scene) -> None:
    flood(scene)
    _opened(page, scene)


def _minute(page: Page, scene: Scene) -> None:
    """As whoever has no scripts is answered."""
    page.route("**/work.js", lambda route: route.abort())
    _attacked(page, scene)
    fill_in(page, scene)
    page.unroute("**/work.js")


def _full(page: Page, scene: Scene) -> None:
    dn = scene.site.directory.requests.dn
    values = "".join(f"moncompteRequest: {number}\n" for number in range(MOST_KEPT))
    change = f"dn: {dn}\nchangetype: modify\n{{}}: moncompteRequest\n"
    scene.slapd.add_ldif(change.format("replace") + values)
    scene.afterwards.callback(scene.slapd.add_ldif, change.format("replace"))
    _opened(page, scene)
    fill_in(page, scene)


def _sent(page: Page, scene: Scene) -> None:
    _opened(page, scene)
    fill_in(page, scene)
    page.wait_for_url("**/assistance/envoyee")


ASSISTANCE_STATES: MappingProxyType[str, Callable[[Page, Scene], None]] = MappingProxyType(
    {
        "assistance": _opened,
        "assistance, nothing typed": _nothing_typed,
        "assistance, too quick": _quick,
        "assistance, under attack": _attacked,
        "assistance, another minute": _minute,
        "assistance, full": _full,
        "assistance, sent": _sent,
    }
)
