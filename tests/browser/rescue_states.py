"""The pages of the rescue address, as ``states`` has the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from playwright.sync_api import Page

from connector import otp
from connector.directory.entries import to_time
from tests.conftest import PASSWORD
from tests.portal_fixtures import account
from tests.web.steps import NEW_PASSWORD

if TYPE_CHECKING:
    from tests.browser.states import Scene

LOGIN = "jmartin001"
ADDRESS = "jeanne@ailleurs.example"
DAY = timedelta(days=1)


def _written(scene: Scene, **values: str) -> None:
    """Into the entry of who comes, as an earlier day left it."""
    scene.changes_people()
    dn = f"uid={LOGIN},{scene.slapd.people_dn}"
    parts = "".join(f"-\nreplace: {name}\n{name}: {value}\n" for name, value in values.items())
    ours = f"dn: {dn}\nchangetype: modify\nadd: objectClass\nobjectClass: moncompteAccount\n{parts}"
    scene.slapd.add_ldif(ours)


def _time(scene: Scene, after: timedelta = -DAY) -> str:
    return to_time(scene.clock() + after)


def _signed_in(page: Page, _scene: Scene) -> None:
    page.goto("/")
    page.locator("#identifier").fill(LOGIN)
    page.locator("#secret").fill(PASSWORD)
    page.locator("#secret").press("Enter")
    page.wait_for_url("**/mot-de-passe")


def _activated(page: Page, scene: Scene) -> None:
    scene.changes_people()
    page.goto("/")
    page.locator("#identifier").fill("emercier")
    page.locator("#secret").fill(scene.key())
    page.locator("#secret").press("Enter")
    page.wait_for_url("**/mot-de-passe")
    for name, typed in {
        "password": NEW_PASSWORD,
        "confirmation": NEW_PASSWORD,
        "rescue": "elodie@ailleurs.example",
    }.items():
        page.locator(f"#{name}").fill(typed)
    page.locator("#rescue").press("Enter")
    page.wait_for_url("**/adresse")


def _code_typed(page: Page, scene: Scene, is_right: bool, uid: str = "emercier") -> None:
    sent = account(scene.site, uid).rescue_code
    assert sent
    right = otp.mailed_code(scene.site.settings.web.secret_keys[0], uid, sent.address, sent.issued)
    page.locator("#code").fill(right if is_right else f"{(int(right) + 1) % 10**6:06d}")
    page.locator("#code").press("Enter")
    page.wait_for_load_state()


def _wrong(page: Page, scene: Scene) -> None:
    _activated(page, scene)
    _code_typed(page, scene, is_right=False)


def _proved(page: Page, scene: Scene) -> None:
    _activated(page, scene)
    _code_typed(page, scene, is_right=True)


def _later(page: Page, scene: Scene) -> None:
    _activated(page, scene)
    page.locator("form[action$=plus-tard] button").click()
    page.wait_for_url("**/fait")


def _not_asked(page: Page, scene: Scene) -> None:
    _signed_in(page, scene)
    page.goto("/adresse")


def _waiting(page: Page, scene: Scene) -> None:
    _written(scene, moncompteRescueVerified=_time(scene))
    _signed_in(page, scene)
    page.locator("#current-password").fill(PASSWORD)
    page.locator("#rescue").fill(ADDRESS)
    page.locator("#rescue").press("Enter")
    page.wait_for_url("**/adresse")


def _replaced(page: Page, scene: Scene) -> None:
    _waiting(page, scene)
    _code_typed(page, scene, is_right=True, uid=LOGIN)


def _news(page: Page, scene: Scene, **values: Callable[[Scene], str]) -> None:
    _written(scene, **{name: value(scene) for name, value in values.items()})
    _signed_in(page, scene)


def _opposed(page: Page, scene: Scene, is_right: bool) -> None:
    former = f"{_time(scene, DAY)} jeanne@ancienne.example"
    _written(scene, moncompteRescueVerified=_time(scene), moncompteRescueFormer=former)
    code = otp.opposition_code(scene.site.settings.web.secret_keys[0], LOGIN, former)
    page.goto(f"/pas-moi#identifiant={LOGIN}&code={code if is_right else 'K7QF9-M2XT4'}")
    page.locator("main button.primary").click()
    page.wait_for_load_state()


def _at(offset: timedelta, rest: str = "") -> Callable[[Scene], str]:
    return lambda scene: f"{_time(scene, offset)}{rest}"


RESCUE_STATES: MappingProxyType[str, Callable[[Page, Scene], None]] = MappingProxyType(
    {
        "rescue, code after activation": _activated,
        "rescue, wrong code": _wrong,
        "rescue, proved": _proved,
        "rescue, later": _later,
        "rescue, no code asked": _not_asked,
        "rescue, new one waits": _waiting,
        "rescue, replaced": _replaced,
        "rescue, news of one that waits": partial(
            _news, moncompteRescueVerified=_at(-DAY), moncompteRescueCode=_at(-DAY, f" 0 {ADDRESS}")
        ),
        "rescue, news of a former one": partial(
            _news, moncompteRescueVerified=_at(-DAY), moncompteRescueFormer=_at(DAY, " jeanne@ancienne.example")
        ),
        "rescue, news of a freeze": partial(_news, moncompteRescueVerified=_at(-DAY), moncompteRescueFrozen=_at(DAY)),
        "rescue, news of a bounce": partial(_news, moncompteRescueVerified=_at(-DAY), moncompteRescueBounced=_at(-DAY)),
        "not me": lambda page, _scene: page.goto("/pas-moi") and None,
        "not me, refused": partial(_opposed, is_right=False),
        "not me, restored": partial(_opposed, is_right=True),
    }
)
