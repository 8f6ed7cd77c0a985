"""The help desk's pages and states, as ``states`` has the students'."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import pyotp
from playwright.sync_api import Page

from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.desk_steps import offer

if TYPE_CHECKING:
    from tests.browser.states import Scene

STEP = timedelta(seconds=30)


class Authenticator:
    """Makes the codes of an operator who was just enrolled; each moves the scene's clock on by a step."""

    def __init__(self, scene: Scene, login: str = "kdesk") -> None:
        self._scene, self.login = scene, login
        site: Portal = scene.site
        begun = site.desk_door.begin_enrolment(login, PASSWORD, offer(site, login))
        enrolment = site.desk_door.enrolment(login, begun.enrolment_mark)
        self._totp = pyotp.TOTP(enrolment.secret)
        site.desk_door.enrol(login, begun.enrolment_mark, self.code())

    def code(self) -> str:
        """One that was not used yet."""
        self._scene.clock.instant += STEP
        return self._totp.at(self._scene.clock())


def fill_in(page: Page, **typed: str) -> None:
    """The form on the page, filled in by its fields' ids, and sent."""
    for field, value in typed.items():
        page.locator(f"#{field.replace('_', '-')}").fill(value)
    page.locator("main form:not([action$=deconnexion]) [type=submit]").first.click()
    page.wait_for_load_state()


def at_the_desk(page: Page, scene: Scene, login: str = "kdesk") -> Authenticator:
    """Signed in, before the search box."""
    scene.changes_people()
    phone = Authenticator(scene, login)
    page.goto("/guichet/connexion")
    fill_in(page, identifier=login, password=PASSWORD, code=phone.code())
    page.wait_for_url("**/guichet")
    return phone


def act(page: Page, what: str, document: bool = True, **typed: str) -> None:
    """On an account's page, the form filled in and sent."""
    page.locator(f"input[value={what}]").check()
    page.locator("#reason").select_option(index=1)
    if document:
        page.locator("#document").select_option(index=1)
    for field, value in typed.items():
        page.locator(f"#{field}").fill(value)
    page.get_by_role("button", name="Valider").or_(page.get_by_role("button", name="Confirm")).click()
    page.wait_for_load_state()


def _searched(typed: str, page: Page, scene: Scene) -> None:
    at_the_desk(page, scene)
    fill_in(page, typed=typed)


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


DESK_STATES: MappingProxyType[str, Callable[[Page, Scene], None]] = MappingProxyType(
    {
        "desk, search": lambda page, scene: at_the_desk(page, scene) and None,
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
        "desk, slip": partial(_acted, "key"),
    }
)
