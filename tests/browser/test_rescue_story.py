"""A rescue address in a real browser: proved by its code, changed by its owner, changed by a thief and taken back.

Each test is played at one portal; then without scripts, every step at the other of two portals over the same directory.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from connector.demo.mailbox import CaughtMail, Mailbox
from connector.demo.slapd import PrivateSlapd
from tests.browser.ports import Ports
from tests.browser.test_story import about, binds, choose, sign_in
from tests.portal_fixtures import MovingClock, account, audited, code_in, issue, key_in, opposition_in

LOGIN = "emercier"
HERS, NEW, THIEFS = "elodie@ailleurs.example", "elodie@nouvelle.example", "voleur@ailleurs.example"
FIRST, SECOND, STOLEN = "trois-pommes-42-bleues", "sept-chats-dansent-ici", "cinq-corbeaux-volent-haut"
CODE, KEY, CHANGED = "Confirmez votre adresse", "Votre clé d’activation", "Votre adresse de secours a été changée"


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def come_in(ports: Ports, page: Page, secret: str) -> None:
    """Sign in, as far as the page behind the door."""
    ports.goto(page, "/")
    sign_in(page, LOGIN, secret)
    expect(page.locator("#password")).to_be_visible()
    ports.goto(page, "/mot-de-passe")


def type_code(ports: Ports, page: Page, mail: CaughtMail) -> None:
    """The six digits that the mail brought, on the page that asks for them."""
    ports.goto(page, "/adresse")
    page.locator("#code").fill(code_in(mail))
    page.get_by_role("button", name="Valider le code").click()


def ask_key(ports: Ports, page: Page, mailbox: Mailbox) -> CaughtMail:
    """What comes to whoever forgot the password, wherever it is sent."""
    ports.goto(page, "/")
    page.locator("#forgotten-identifier").fill(LOGIN)
    page.get_by_role("button", name="Recevoir une clé").click()
    return mailbox.wait_for(lambda mail: KEY in mail.subject)


def say_not_me(ports: Ports, page: Page, mail: CaughtMail) -> None:
    """Open the mail, click on its button, and type what no script has filled in."""
    page.set_content(mail.html)
    page.get_by_role("link", name="Ce n’était pas moi").click()
    heading(page, "Ce n’était pas moi")
    for name, told in {"identifier": LOGIN, "code": opposition_in(mail)}.items():
        expect(page.locator(f"#{name}")).to_have_value(told if ports.has_scripts else "")
        page.locator(f"#{name}").fill(told)
    assert opposition_in(mail) not in page.url or not ports.has_scripts
    page.get_by_role("button", name="Remettre mon ancienne adresse").click()


@pytest.fixture
def proved(ports: Ports, mailbox: Mailbox, clock: MovingClock) -> Page:
    """The browser of somebody who activated the account the day before, and typed the code that came by mail."""
    page = ports.new_page()
    come_in(ports, page, issue(ports.portals[0], LOGIN))
    choose(page, FIRST, rescue=HERS)
    heading(page, "Votre compte est activé")
    expect(page.get_by_text("e***@a***.example")).to_be_visible()
    type_code(ports, page, mailbox.wait_for(about(CODE, HERS)))
    expect(page.get_by_text("Votre adresse de secours est vérifiée")).to_be_visible()
    assert account(ports.portals[0], LOGIN).rescue_verified == clock()
    mailbox.wait_for(about("activé", HERS))
    clock.forward(days=1)
    mailbox.clear()
    return page


def test_its_owner_changes_it_and_keys_follow_after_the_cool_down(
    ports: Ports, proved: Page, mailbox: Mailbox, clock: MovingClock, audit_file: Path
) -> None:
    come_in(ports, proved, FIRST)
    expect(proved.locator(".note")).to_have_count(0)  # there is nothing to tell of a proved one
    proved.locator("#current-password").fill(FIRST)
    proved.locator("#rescue").fill(NEW)
    proved.get_by_role("button", name="Valider").click()
    expect(proved.get_by_text("une fois son code tapé")).to_be_visible()
    assert account(ports.portals[0], LOGIN).rescue == HERS

    type_code(ports, proved, mailbox.wait_for(about(CODE, NEW)))
    expect(proved.get_by_text("les clés vont encore à l’ancienne jusqu’au")).to_be_visible()
    for address in (HERS, NEW):
        mailbox.wait_for(about(CHANGED, address))
    for address, days in ((HERS, 2), (NEW, 1)):
        mailbox.clear()
        clock.forward(days=days)
        assert ask_key(ports, ports.new_page(), mailbox).to == (address,)
    said = [line["outcome"] for line in audited(audit_file) if line["event"] == "account:rescue:prove"]
    assert said == ["done", "done"]


def test_a_thief_of_a_session_has_no_key_and_its_owner_takes_everything_back(
    ports: Ports, proved: Page, mailbox: Mailbox, slapd: PrivateSlapd, clock: MovingClock, audit_file: Path
) -> None:
    """The worst of sessions: a key opened it, so that no password is asked for."""
    come_in(ports, proved, key_in(ask_key(ports, proved, mailbox)))
    thief = ports.new_page()
    thief.context.add_cookies(proved.context.cookies())  # type: ignore[arg-type]
    ports.goto(thief, "/mot-de-passe")
    choose(thief, STOLEN, rescue=THIEFS)
    type_code(ports, thief, mailbox.wait_for(about(CODE, THIEFS)))
    expect(thief.get_by_text("les clés vont encore à l’ancienne jusqu’au")).to_be_visible()
    told = mailbox.wait_for(about(CHANGED, HERS))
    mailbox.wait_for(about(CHANGED, THIEFS))
    assert account(ports.portals[0], LOGIN).rescue == THIEFS

    mailbox.clear()
    clock.forward(hours=71)
    assert ask_key(ports, thief, mailbox).to == (HERS,)
    come_in(ports, thief, STOLEN)

    owner = ports.new_page()
    say_not_me(ports, owner, told)
    heading(owner, "Votre adresse de secours est revenue")
    ports.goto(thief, "/mot-de-passe")
    heading(thief, "Mon compte")  # outside
    come_in(ports, thief, STOLEN)
    choose(thief, SECOND, rescue=THIEFS, current=STOLEN)
    expect(thief.locator("#rescue-errors")).to_contain_text("clé")

    mailbox.clear()
    owner.get_by_role("button", name="Recevoir une clé par mail").click()
    come_in(ports, owner, key_in(mailbox.wait_for(about(KEY, HERS))))
    choose(owner, SECOND)
    heading(owner, "Votre mot de passe est changé")
    ports.goto(thief, "/mot-de-passe")
    heading(thief, "Mon compte")
    assert (binds(slapd, LOGIN, STOLEN), binds(slapd, LOGIN, SECOND)) == (False, True)
    assert not [mail for mail in mailbox.mails if THIEFS in mail.to and KEY in mail.subject]
    [line] = [line for line in audited(audit_file) if line["event"] == "account:rescue:freeze"]
    assert (line["outcome"], line["account"]) == ("done", LOGIN)


def test_after_the_cool_down_the_button_of_the_notice_undoes_nothing(
    ports: Ports, proved: Page, mailbox: Mailbox, clock: MovingClock
) -> None:
    come_in(ports, proved, FIRST)
    choose(proved, SECOND, rescue=THIEFS, current=FIRST)
    type_code(ports, proved, mailbox.wait_for(about(CODE, THIEFS)))
    told = mailbox.wait_for(about(CHANGED, HERS))
    clock.forward(hours=72)
    late = ports.new_page()
    say_not_me(ports, late, told)
    expect(late.get_by_role("alert")).to_contain_text("Nous n’avons rien pu annuler")
    assert account(ports.portals[0], LOGIN).rescue == THIEFS
