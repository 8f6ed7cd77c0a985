"""The help desk's pages and states, as ``states`` has the students'."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING

from playwright.sync_api import Page

from connector.model import HelpRequest
from tests.conftest import PASSWORD
from tests.desk_steps import Phone, offer

if TYPE_CHECKING:
    from tests.browser.states import Scene

_numbers = count()


def fill_in(page: Page, **typed: str) -> None:
    """The form on the page, filled in by its fields' ids, and sent."""
    for field, value in typed.items():
        page.locator(f"#{field.replace('_', '-')}").fill(value)
    page.locator("main form:not([action$=deconnexion]) [type=submit]").first.click()
    page.wait_for_load_state()


def _enrolling(page: Page, scene: Scene) -> None:
    scene.changes_people()
    page.goto("/guichet/inscription")
    for name, value in (("identifier", "kdesk"), ("password", PASSWORD), ("offered", offer(scene.site, "kdesk"))):
        page.locator(f"#{name}").fill(value)
    page.locator("#offered").press("Enter")
    page.wait_for_url("**/inscription/code")


def _first_code(page: Page, scene: Scene, code: str = "") -> None:
    _enrolling(page, scene)
    link = page.locator("a[href^=otpauth]").get_attribute("href") or ""
    page.locator("#code").fill(code or Phone("kdesk", link, scene.clock, []).code())
    page.locator("#code").press("Enter")
    page.wait_for_load_state()


def at_the_desk(page: Page, scene: Scene) -> None:
    """Signed in, before the search box."""
    _first_code(page, scene)
    page.goto("/guichet")


def _desk_refused(path: str, page: Page, _scene: Scene) -> None:
    page.goto(path)
    for box in page.locator("main input:not([type=hidden])").all():
        box.fill(f"inconnu{next(_numbers)}")
    page.locator("main button.primary").click()
    page.wait_for_load_state()


def _desk_form_expired(page: Page, scene: Scene) -> None:
    """An operator who signs in once more, from a page of before."""
    at_the_desk(page, scene)
    page.goto("/guichet/connexion")
    page.locator("main [name=csrf_token]").evaluate("field => { field.value = 'of before'; }")
    page.locator("main button.primary").click()
    page.wait_for_load_state()


def _desk_expired(page: Page, scene: Scene) -> None:
    at_the_desk(page, scene)
    scene.clock.forward(minutes=scene.site.settings.desk.idle_minutes)
    page.goto("/guichet")


def act(page: Page, what: str, **typed: str) -> None:
    """On an account's page, the form filled in and sent."""
    page.locator(f"input[value={what}]").check()
    page.locator("#reason").select_option(index=1)
    if what in {"key", "rescue"}:
        page.locator("#document").select_option(index=1)
    for field, value in typed.items():
        page.locator(f"#{field}").fill(value)
    page.locator(".aside [type=submit]").click()
    page.wait_for_load_state()


def _open(path: str, page: Page, _scene: Scene) -> None:
    page.goto(path)


def _searched(typed: str, page: Page, scene: Scene) -> None:
    at_the_desk(page, scene)
    fill_in(page, typed=typed)


def _then(path: str, page: Page, scene: Scene) -> None:
    at_the_desk(page, scene)
    page.goto(path)


def _account(uid: str, page: Page, scene: Scene) -> None:
    at_the_desk(page, scene)
    page.goto(f"/guichet/compte/{uid}")


def _code_asked(page: Page, scene: Scene) -> None:
    at_the_desk(page, scene)
    scene.clock.forward(minutes=6)
    page.goto("/guichet/compte/jmartin001")


def _nothing_chosen(page: Page, scene: Scene) -> None:
    _account("jmartin001", page, scene)
    page.locator(".aside [type=submit]").click()
    page.wait_for_load_state()


def _acted(what: str, page: Page, scene: Scene, **typed: str) -> None:
    _account("jmartin001", page, scene)
    act(page, what, **typed)


def _requests(page: Page, scene: Scene) -> None:
    """One that no mail server took."""
    now, text = scene.clock(), "J’ai perdu la lettre.\nEt mon téléphone."
    who = ("0123456789abcdef", now, "Zoé Petit", "2004-03-05", "", "Je n’ai pas reçu ma lettre", text)
    request = HelpRequest(*who, "zoe@perso.example.org", now, is_given_up=True)
    scene.site.directory.requests.add(request)
    scene.afterwards.callback(scene.site.directory.requests.move, request, None)
    at_the_desk(page, scene)
    page.goto("/guichet/demandes")


DESK_STATES: MappingProxyType[str, Callable[[Page, Scene], None]] = MappingProxyType(
    {
        "desk door": partial(_open, "/guichet/connexion"),
        "desk door, session required": partial(_open, "/guichet"),
        "desk door, refused": partial(_desk_refused, "/guichet/connexion"),
        "desk door, session expired": _desk_expired,
        "desk, enrol": partial(_open, "/guichet/inscription"),
        "desk, enrol, refused": partial(_desk_refused, "/guichet/inscription"),
        "desk, QR code": _enrolling,
        "desk, QR code, wrong code": partial(_first_code, code="000000"),
        "desk, recovery codes": _first_code,
        "desk, form expired": _desk_form_expired,
        "desk": at_the_desk,
        "desk, found several": partial(_searched, "fontaine"),
        "desk, found nobody": partial(_searched, "xavier personne"),
        "desk, too vague": partial(_searched, "a*"),
        "desk, staff": partial(_account, "bdubois"),
        "desk, account to activate": partial(_account, "nfaure"),
        "desk, account active": partial(_account, "jmartin001"),
        "desk, account suspended": partial(_account, "smoreau"),
        "desk, account, code asked": _code_asked,
        "desk, account, nothing chosen": _nothing_chosen,
        "desk, account, key sent": partial(_acted, "send"),
        "desk, account, address shown": partial(_acted, "reveal"),
        "desk, account, bad address": partial(_acted, "rescue", address="jeanne@universite.example"),
        "desk, no requests": partial(_then, "/guichet/demandes"),
        "desk, requests": _requests,
        "desk, slip": partial(_acted, "key"),
    }
)
