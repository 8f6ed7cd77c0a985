"""Every page and state that a visitor can meet, by name, each with the way there; for tests and for ``tests.pictures``.

Each way is walked on the real portal, by what a visitor types. Who adds a page adds it to ``STATES``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count, repeat
from types import MappingProxyType

from playwright.sync_api import Page, expect

from connector.cli.demo import settings as demo_settings
from connector.cli.web import serving
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import SignInRefused, Throttled
from connector.model import Caller
from connector.portal import Portal
from connector.settings.sections import Charter
from tests.browser.assistance_states import ASSISTANCE_STATES
from tests.browser.desk_states import DESK_STATES
from tests.browser.rescue_states import RESCUE_STATES
from tests.conftest import PASSWORD, reset_people
from tests.portal_fixtures import AT_ONCE, MovingClock, issue, other_key, slip
from tests.web.steps import NEW_PASSWORD
from webui.server import listen

HOST = "127.0.0.1"
RESCUE = "elodie@ailleurs.example"
_UNLIMITED = dict.fromkeys(  # we come from one source
    ("sign_in_failures_per_source", "ask_per_source", "assistance_per_source", "assistance_in_all"), "1000000/second"
)
_strangers = (f"inconnu{number}" for number in count())  # each has tries of its own


@dataclass
class Scene:
    """A portal at work on the test people, its directory, its clock, and what a state leaves to be put right."""

    site: Portal
    slapd: PrivateSlapd
    clock: MovingClock
    afterwards: ExitStack = field(default_factory=ExitStack)

    def enter(self, state: str, page: Page) -> None:
        """Bring ``page`` to a state as somebody who was never here, but for the language they chose."""
        self.afterwards.close()
        page.context.clear_cookies(name=re.compile(r"moncompte$"))
        page.goto("about:blank")
        STATES[state](page, self)
        page.wait_for_load_state()

    def changes_people(self) -> None:
        """The state to come leaves somebody changed."""
        self.afterwards.callback(reset_people, self.slapd)

    def key(self, uid: str = "emercier") -> str:
        """A fresh key of a test person."""
        return issue(self.site, uid)


@contextmanager
def opened(slapd: PrivateSlapd, mailbox: Mailbox, theme: str = "dordogne") -> Iterator[Scene]:
    """A scene on these servers while the block lasts; refusals come at once."""
    with listen(HOST, 0) as listener:
        usual = demo_settings(slapd, mailbox, listener.getsockname()[1], "/dev/null")
        web = usual.web.model_copy(update={"theme": theme})
        throttle = usual.throttle.model_copy(update=AT_ONCE | _UNLIMITED)
        clock = MovingClock()
        reset_people(slapd)
        site = Portal(usual.model_copy(update={"web": web, "throttle": throttle}), clock)
        scene = Scene(site, slapd, clock)
        with serving(site, listener), scene.afterwards:
            yield scene


def sign_in(page: Page, identifier: str, secret: str) -> None:
    """The landing page, filled in and sent."""
    page.goto("/")
    page.locator("#identifier").fill(identifier)
    page.locator("#secret").fill(secret)
    page.locator("#secret").press("Enter")
    page.wait_for_load_state()


def choose(page: Page, password: str, confirmation: str | None = None, rescue: str = "", current: str = "") -> None:
    """The form behind the door, filled in and sent; ``current`` where the page asks for it."""
    if current:
        page.locator("#current-password").fill(current)
    page.locator("#password").fill(password)
    page.locator("#confirmation").fill(password if confirmation is None else confirmation)
    page.locator("#rescue").fill(rescue)
    page.locator("#rescue").press("Enter")
    page.wait_for_load_state()


def _open(path: str, page: Page, _scene: Scene) -> None:
    page.goto(path)


def _refused(secret: str, page: Page, _scene: Scene) -> None:
    sign_in(page, next(_strangers), secret)


def _throttled(page: Page, scene: Scene) -> None:
    stranger, caller = next(_strangers), Caller(HOST, "")
    with suppress(Throttled):
        for _ in repeat(None):
            with suppress(SignInRefused):
                scene.site.sign_in(stranger, "not the password", caller)
    sign_in(page, stranger, "not the password")


def _prefilled(page: Page, _scene: Scene) -> None:
    page.goto("/#identifiant=emercier&cle=K7QF9-M2XT4-RD8HC")
    expect(page.locator("#secret")).not_to_have_value("")


def _shown(page: Page, scene: Scene) -> None:
    _prefilled(page, scene)
    page.locator("[data-reveal=secret]").click()


def _key_typed(typed: str, page: Page, _scene: Scene) -> None:
    page.goto("/")
    page.locator("[data-way=key]").click()
    page.locator("#identifier").fill("emercier")
    page.locator("#secret").fill(typed)


def _ask(identifier: str, page: Page, _scene: Scene) -> None:
    page.goto("/")
    page.locator("#forgotten-identifier").fill(identifier)
    page.locator("#forgotten-identifier").press("Enter")
    page.wait_for_load_state()


def _asked_too_often(page: Page, scene: Scene) -> None:
    stranger, caller = next(_strangers), Caller(HOST, "")
    with suppress(Throttled):
        for _ in repeat(None):
            scene.site.request_key(stranger, caller)
    _ask(stranger, page, scene)


def _key_expired(page: Page, scene: Scene) -> None:
    key = scene.key()
    scene.clock.forward(days=21)
    sign_in(page, "emercier", key)


def _key_used(page: Page, scene: Scene) -> None:
    old = scene.key()
    scene.key()
    sign_in(page, "emercier", old)


def _by_key(page: Page, scene: Scene, uid: str = "emercier") -> None:
    sign_in(page, uid, scene.key(uid))


def _typing(password: str, page: Page, scene: Scene) -> None:
    _by_key(page, scene)
    page.locator("#password").fill(password)
    expect(page.locator("[data-meter]")).to_be_visible()


def _time_left(seconds: int, page: Page, scene: Scene) -> None:
    _by_key(page, scene)
    scene.clock.forward(minutes=scene.site.settings.web.session_minutes, seconds=-seconds)
    page.reload()


def _time_over(page: Page, scene: Scene) -> None:
    _time_left(1, page, scene)
    expect(page.get_by_role("alert")).to_be_visible()


def _time_extended(page: Page, scene: Scene) -> None:
    """As without scripts, which ask in a way of their own."""
    _by_key(page, scene)
    page.locator("[data-stay] button").evaluate("button => { button.form.action = button.formAction; }")
    page.locator("#rescue").fill(RESCUE)
    page.locator("#rescue").evaluate("field => field.form.submit()")
    page.wait_for_url("**/prolonger")


def _activation_refused(page: Page, scene: Scene) -> None:
    _by_key(page, scene)
    choose(page, "élodie", "", "pas une adresse")


def _by_password(page: Page, scene: Scene, uid: str = "jmartin001") -> None:
    sign_in(page, uid, PASSWORD)


def _change_refused(page: Page, scene: Scene) -> None:
    _by_password(page, scene)
    choose(page, "jeanne", "autre", "deux@ailleurs.example, trois@ailleurs.example", "not the password")


def _activated(page: Page, scene: Scene) -> None:
    scene.changes_people()
    _by_key(page, scene)
    choose(page, NEW_PASSWORD, rescue=RESCUE)
    _put_off(page)


def _changed(page: Page, scene: Scene) -> None:
    scene.changes_people()
    _by_password(page, scene)
    choose(page, NEW_PASSWORD, rescue="", current=PASSWORD)


def _rescue_changed(uid: str, page: Page, scene: Scene) -> None:
    scene.changes_people()
    _by_password(page, scene, uid)
    choose(page, "", rescue=RESCUE, current=PASSWORD)
    _put_off(page)


def _put_off(page: Page) -> None:
    """The code of the address may wait."""
    page.locator("form[action$=plus-tard] button").click()
    page.wait_for_url("**/fait")


def _charter(page: Page, scene: Scene, version: str = "2026-1") -> None:
    """A portal with a charter, for this state alone."""
    usual = scene.site.settings
    charter = Charter(version=version, url="https://universite.example/charte")
    scene.site.settings = usual.model_copy(update={"charter": charter})
    scene.afterwards.callback(setattr, scene.site, "settings", usual)
    _by_key(page, scene)


def _charter_not_ticked(page: Page, scene: Scene) -> None:
    _charter(page, scene)
    page.locator("main .primary").click()
    page.wait_for_load_state()


def _charter_changed(page: Page, scene: Scene) -> None:
    scene.changes_people()
    _charter(page, scene)
    page.locator("#accepted").check()
    page.locator("main .primary").click()
    page.wait_for_url("**/mot-de-passe")
    _charter(page, scene, version="2027")


def _signed_out(page: Page, scene: Scene) -> None:
    _by_password(page, scene)
    page.locator("form[action$=deconnexion] [type=submit]").last.click()
    page.wait_for_load_state()


def _session_expired(page: Page, scene: Scene) -> None:
    _by_password(page, scene)
    scene.clock.forward(minutes=scene.site.settings.web.session_minutes)
    page.goto("/mot-de-passe")


def _session_stale(page: Page, scene: Scene) -> None:
    _by_key(page, scene)
    scene.key()
    page.goto("/mot-de-passe")


def _form_expired(field_id: str, page: Page, _scene: Scene) -> None:
    page.goto("/")
    page.locator("#secret").fill("not the password")
    page.locator(field_id).fill("jmartin001")
    page.context.clear_cookies(name=re.compile(r"moncompte$"))
    page.locator(field_id).press("Enter")
    page.wait_for_load_state()


def _too_large(page: Page, _scene: Scene) -> None:
    page.goto("/")
    page.locator("#identifier").evaluate("field => { field.maxLength = 70000; field.value = 'x'.repeat(70000); }")
    page.locator("#identifier").press("Enter")
    page.wait_for_load_state()


def _broken(page: Page, scene: Scene) -> None:
    """The portal's own password is no longer right."""
    slapd = scene.slapd
    slapd.run("ldappasswd", *slapd.as_root, "-s", "not-the-portals", slapd.portal_dn)
    scene.afterwards.callback(slapd.restart)
    scene.afterwards.callback(
        slapd.run, "ldappasswd", *slapd.as_root, "-T", str(slapd.folder / "portal.password"), slapd.portal_dn
    )
    slapd.restart()
    sign_in(page, next(_strangers), PASSWORD)


def _outage(page: Page, scene: Scene) -> None:
    scene.slapd.halt()
    scene.afterwards.callback(scene.slapd.launch)
    sign_in(page, next(_strangers), PASSWORD)


STATES: MappingProxyType[str, Callable[[Page, Scene], None]] = MappingProxyType(
    ASSISTANCE_STATES
    | DESK_STATES
    | RESCUE_STATES
    | {
        "landing": partial(_open, "/"),
        "landing, nothing typed": lambda page, _: sign_in(page, "", ""),
        "landing, refused": partial(_refused, "not the password"),
        "landing, key mistyped": partial(_refused, slip(other_key(""))),
        "landing, too many tries": _throttled,
        "landing, filled by the mail's link": _prefilled,
        "landing, key shown": _shown,
        "landing, key being typed": partial(_key_typed, "k7qf9m2xt4rd"),
        "landing, no key typed": partial(_key_typed, "Pont-de-Pierre!"),
        "landing, session required": partial(_open, "/mot-de-passe"),
        "landing, session expired": _session_expired,
        "landing, session stale": _session_stale,
        "landing, signed out": _signed_out,
        "landing, form expired": partial(_form_expired, "#identifier"),
        "forgotten, nothing typed": partial(_ask, ""),
        "forgotten, too many asked": _asked_too_often,
        "forgotten, form expired": partial(_form_expired, "#forgotten-identifier"),
        "key sent": lambda page, scene: _ask(next(_strangers), page, scene),
        "key expired": _key_expired,
        "key replaced": _key_used,
        "activate": _by_key,
        "activate, weak": partial(_typing, "elodie"),
        "activate, fair": partial(_typing, "velours-42-marine"),
        "activate, strong": partial(_typing, NEW_PASSWORD),
        "activate, refused": _activation_refused,
        "activate, time nearly over": partial(_time_left, 90),
        "activate, last minute": partial(_time_left, 50),
        "activate, time over": _time_over,
        "activate, time extended": _time_extended,
        "new password": partial(_by_key, uid="jmartin001"),
        "change": partial(_by_password, uid="mdarcy"),
        "change, no rescue address": partial(_by_password, uid="zpetit"),
        "change, refused": _change_refused,
        "done, activated": _activated,
        "done, password": _changed,
        "done, rescue address": partial(_rescue_changed, "jmartin001"),
        "done, first rescue address": partial(_rescue_changed, "zpetit"),
        "charter": _charter,
        "charter, not ticked": _charter_not_ticked,
        "charter, new version": _charter_changed,
        "help": partial(_open, "/aide"),
        "privacy": partial(_open, "/confidentialite"),
        "accessibility": partial(_open, "/accessibilite"),
        "error 404": partial(_open, "/nulle-part"),
        "error 405": partial(_open, "/force"),
        "error 413": _too_large,
        "error 500": _broken,
        "error 503": _outage,
    }
)
