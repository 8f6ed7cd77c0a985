"""The counter's whole day in a real browser: enrol, sign in, find a student, hand a key over; and what is refused.

Each test is played at one portal; then without scripts, every step at the other of two portals over the same directory.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from connector.demo.slapd import PrivateSlapd
from connector.roster import Roster
from tests.browser.desk_states import act
from tests.browser.ports import Ports
from tests.browser.test_story import binds, choose, sign_in
from tests.conftest import PASSWORD
from tests.desk_steps import Phone
from tests.portal_fixtures import SHOWN_KEY, MovingClock, account, audited

CHOSEN = "trois-pommes-42-bleues"
CARD, LOST = "Carte d’étudiant", "Clé perdue ou expirée"
REFUSED_AT_THE_DOOR = "Nous n’avons pas pu vous identifier"


@dataclass
class Counter(Ports):
    """What happens there, and what the audit says of it."""

    clock: MovingClock
    audit_file: Path

    def enrolled(self, login: str) -> tuple[Page, Phone]:
        """An operator on their first day, who linked a phone with a code from ``moncompte operator enrol``."""
        page = self.new_page()
        _badge, offered = Roster(self.portals[0], "shell:tests").offer(login)
        self.goto(page, "/guichet/inscription")
        fill(page, identifier=login, password=PASSWORD, offered=offered)
        self.goto(page, "/guichet/inscription/code")
        phone = Phone(login, page.locator("a[href^=otpauth]").get_attribute("href") or "", self.clock, [])
        fill(page, code=phone.code())
        expect(page.get_by_role("heading", level=1)).to_have_text("Vos codes de secours")
        return page, phone

    def knock(self, page: Page, login: str, code: str) -> None:
        """Try the desk's door."""
        self.goto(page, "/guichet/connexion")
        fill(page, identifier=login, password=PASSWORD, code=code)

    def at_work(self, login: str = "kdesk") -> tuple[Page, Phone]:
        """An operator who signed in on another day, with a code of the phone."""
        page, phone = self.enrolled(login)
        page.get_by_role("button", name="Se déconnecter").click()
        self.knock(page, login, phone.next_code())
        expect(page.get_by_role("heading", level=1)).to_have_text("Chercher quelqu’un")
        return page, phone

    def find(self, page: Page, typed: str) -> None:
        """Type it in the search box."""
        self.goto(page, "/guichet")
        fill(page, typed=typed)

    def audited(self, event: str) -> list[dict[str, object]]:
        """The audit's lines of that event, the last one last."""
        return [line for line in audited(self.audit_file) if line["event"] == event]

    def last(self, event: str) -> tuple[object, ...]:
        """How the last such event ended, why, who did it, to whom."""
        line = self.audited(event)[-1]
        return tuple(line[name] for name in ("outcome", "reason", "actor", "account"))


@pytest.fixture
def counter(ports: Ports, clock: MovingClock, audit_file: Path) -> Counter:
    """A counter on real ports."""
    return Counter(ports.portals, ports.new_page, ports.has_scripts, clock, audit_file)


def fill(page: Page, **typed: str) -> None:
    for name, value in typed.items():
        page.locator(f"#{name}").fill(value)
    page.locator("main button.primary").first.click()


def pdf_of(page: Page) -> bytes:
    """What the button of the slip's page opens beside it."""
    with page.context.expect_event("response", lambda response: response.url.endswith("/feuille")) as answer:
        page.get_by_role("button", name="Imprimer la feuille (PDF)").click()
    form = page.locator("form[action$=feuille]")
    typed = {name: form.locator(f"[name={name}]").get_attribute("value") or "" for name in ("csrf_token", "key")}
    assert (answer.value.status, answer.value.headers["content-type"]) == (200, "application/pdf")
    return page.request.post(answer.value.url, form=typed).body()  # Chromium keeps what it shows in its own reader


def text_of(pdf: bytes) -> str:
    """What a reader finds in it, line by line."""
    command = ["pdftotext", "-layout", "-enc", "UTF-8", "-", "-"]
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()


def is_told(page: Page, sentence: str) -> None:
    """It is said where something was refused, and nothing was done."""
    expect(page.get_by_role("alert")).to_contain_text(sentence)


def send_the_form_to(page: Page, uid: str) -> None:
    """What an operator does who reads the page's source: one person's form, another's address."""
    page.locator(".aside form").evaluate("(form, uid) => { form.action = `/guichet/compte/${uid}`; }", uid)


def set_members(slapd: PrivateSlapd, member: str) -> None:
    """Of the group that serves everybody."""
    change = f"dn: cn=helpdesk,ou=groups,{slapd.base}\nchangetype: modify\nreplace: member\nmember: {member}\n"
    slapd.run("ldapmodify", *slapd.as_root, text=change)


def test_a_key_goes_across_the_counter_and_opens_the_account(counter: Counter, slapd: PrivateSlapd) -> None:
    page, _phone = counter.at_work()
    counter.find(page, "110 000 001 ab")
    expect(page.get_by_role("heading", level=1)).to_have_text("Élodie Mercier")
    expect(page.get_by_text("Ne peut pas entrer maintenant.")).to_be_visible()
    counter.goto(page, "/guichet/compte/emercier")
    act(page, "key")
    expect(page.get_by_role("heading", level=1)).to_have_text("Une clé pour Élodie Mercier")
    key = page.locator(".handed .key").inner_text()

    printed = text_of(page.pdf())
    assert all(said in printed for said in (key, "emercier", "Ouvrez http://127.0.0.1"))
    assert "Au guichet" not in printed and "Imprimer la feuille" not in printed
    sheet = text_of(pdf_of(page))
    assert key in sheet and "emercier" in sheet and "Élodie Mercier" in sheet

    student = counter.new_page()
    counter.goto(student, "/")
    sign_in(student, "emercier", key)
    counter.goto(student, "/mot-de-passe")
    choose(student, CHOSEN)
    expect(student.get_by_role("heading", level=1)).to_have_text("Votre compte est activé")
    assert binds(slapd, "emercier", CHOSEN)

    counter.goto(page, "/guichet/compte/emercier")
    expect(page.get_by_text("Peut entrer maintenant")).to_contain_text("avec son mot de passe")
    [line] = counter.audited("operator:key:issue")
    assert (line["actor"], line["account"], line["why"], line["document"]) == ("kdesk", "emercier", LOST, CARD)
    assert counter.last("operator:session:open") == ("done", "", "kdesk", "kdesk")
    assert counter.last("operator:account:search") == ("done", "", "kdesk", "emercier")
    assert counter.last("operator:key:print") == ("done", "", "kdesk", "emercier")
    assert key not in counter.audit_file.read_text(encoding="utf-8")


def test_a_code_opens_once(counter: Counter) -> None:
    page, phone = counter.at_work()
    for each in (page, counter.new_page()):  # the operator's own browser, and that of who looked over a shoulder
        counter.knock(each, "kdesk", phone.code())
        is_told(each, REFUSED_AT_THE_DOOR)
        assert counter.last("operator:session:open") == ("refused", "replayed-code", "visitor", "kdesk")


def test_the_code_of_the_sign_in_is_none_for_an_act(counter: Counter) -> None:
    page, phone = counter.at_work()
    used = phone.code()
    counter.clock.forward(minutes=6)
    page.reload()
    counter.goto(page, "/guichet/compte/emercier")
    for code in (used, ""):
        act(page, "key", code=code)
        expect(page.locator("#code-errors")).to_be_visible()
    assert account(counter.portals[0], "emercier").key is None
    act(page, "key", code=phone.code())
    expect(page.locator(".handed .key")).to_have_text(SHOWN_KEY)


def test_who_is_in_no_group_stays_outside_and_who_leaves_it_is_put_out(counter: Counter, slapd: PrivateSlapd) -> None:
    page, phone = counter.at_work()
    set_members(slapd, f"cn=nobody,{slapd.base}")
    try:
        counter.goto(page, "/guichet/compte/emercier")
        expect(page.locator(".note")).to_contain_text("Votre session est terminée")
        assert counter.last("operator:session:lose") == ("refused", "session-stale", "visitor", "kdesk")
        counter.knock(page, "kdesk", phone.next_code())
        is_told(page, REFUSED_AT_THE_DOOR)
        assert counter.last("operator:session:open") == ("refused", "no-member", "visitor", "kdesk")
    finally:
        set_members(slapd, f"uid=kdesk,{slapd.people_dn}")


def test_staff_and_colleagues_are_nobody_to_an_operator(counter: Counter) -> None:
    page, _phone = counter.at_work()
    for uid in ("bdubois", "sroux", "kdesk"):
        counter.find(page, uid)
        expect(page.get_by_role("heading", name="Personne")).to_be_visible()
        counter.goto(page, "/guichet/compte/emercier")
        send_the_form_to(page, uid)
        act(page, "key")
        is_told(page, "Personne ne répond à cela")
        assert counter.last("operator:key:issue") == ("refused", "unknown", "kdesk", None)


def test_the_eleventh_key_of_the_hour_is_refused(counter: Counter) -> None:
    page, _phone = counter.at_work()
    for turn in range(11):
        counter.goto(page, f"/guichet/compte/{('emercier', 'nfaure')[turn % 2]}")
        act(page, "key")
        assert page.locator(".handed .key").count() == (turn < 10)
    is_told(page, "réessayez dans 60 minutes")
    assert counter.last("operator:key:issue") == ("refused", "too-many-keys-an-hour", "kdesk", "emercier")


def test_another_components_student_is_sent_on(counter: Counter) -> None:
    page, _phone = counter.at_work("sroux")
    counter.find(page, "110000003AB")
    expect(page.get_by_role("heading", name="Personne")).to_be_visible()
    counter.goto(page, "/guichet/compte/jmartin001")
    is_told(page, "relève d’une autre composante")
    assert counter.last("operator:account:show") == ("refused", "not-served", "sroux", "jmartin001")
    counter.goto(page, "/guichet/compte/emercier")
    send_the_form_to(page, "jmartin001")
    act(page, "key")
    is_told(page, "relève d’une autre composante")
    assert counter.last("operator:key:issue") == ("refused", "not-served", "sroux", "jmartin001")
    assert account(counter.portals[0], "jmartin001").key is None
