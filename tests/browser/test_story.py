"""The student's whole story in a real browser, with and without scripts, with ldapwhoami and ldapsearch beside it."""

import re
import subprocess

import pytest
from playwright.sync_api import Page, expect

from connector.demo.mailbox import CaughtMail, Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, issue, key_in, other_key, slip

FIRST = "trois-pommes-42-bleues"
SECOND = "sept-chats-dansent-ici"
OUR_KEY = re.compile("moncompte(Key|Mail)")
COMMON_REFUSAL = re.compile("Nous n’avons pas pu vous identifier")


def binds(slapd: PrivateSlapd, uid: str, password: str) -> bool:
    """Whether an ordinary LDAP client gets in, as CAS or the wifi would."""
    dn = f"uid={uid},{slapd.people_dn}"
    command = ["ldapwhoami", "-x", "-H", slapd.tcp_uri, "-D", dn, "-w", password]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def attributes(slapd: PrivateSlapd, uid: str) -> dict[str, list[str]]:
    return slapd.search(f"(uid={uid})", "*")[0]


def sign_in(page: Page, identifier: str, secret: str) -> None:
    form = page.locator("#connexion")
    form.get_by_label("Identifiant").fill(identifier)
    form.get_by_label("Mot de passe ou clé d’activation", exact=True).fill(secret)
    form.get_by_role("button", name="Valider").click()


def choose(page: Page, password: str, rescue: str = "", current: str = "") -> None:
    if current:
        page.locator("#current-password").fill(current)
    page.locator("#password").fill(password)
    page.locator("#confirmation").fill(password)
    if rescue:
        page.locator("#rescue").fill(rescue)
    page.get_by_role("button", name="Valider").click()


def about(subject: str, to: str | None) -> object:
    return lambda mail: subject in mail.subject and to in mail.to


def test_activate_forget_and_come_back(page: Page, site: Portal, slapd: PrivateSlapd, mailbox: Mailbox) -> None:
    key = next(key for key in iter(lambda: issue(site, "emercier"), "") if "0" in key)

    sign_in(page, "emercier", key.lower().replace("-", "").replace("0", "o"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Activer votre compte")
    choose(page, FIRST, rescue="elodie@ailleurs.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre compte est activé")
    page.get_by_role("button", name="Plus tard").click()
    expect(page.get_by_text("le wifi ;")).to_be_visible()
    assert binds(slapd, "emercier", FIRST)
    assert not [name for name in attributes(slapd, "emercier") if OUR_KEY.match(name)]
    assert attributes(slapd, "emercier")["supannRessourceEtat"] == ["{COMPTE}A:SupannActif"]
    mailbox.wait_for(about("activé", "elodie@ailleurs.example"), 10)

    page.get_by_role("button", name="Se déconnecter").click()
    expect(page.get_by_role("status").first).to_contain_text("Votre session est fermée")
    page.goto("/mot-de-passe")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mon compte")

    page.get_by_label("Identifiant ou INE").fill("110 000 001 ab")
    page.get_by_role("button", name="Recevoir une clé").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    mail: CaughtMail = mailbox.wait_for(about("clé", "elodie@ailleurs.example"), 10)

    page.goto("/")
    sign_in(page, "emercier", key_in(mail))
    expect(page.get_by_role("heading", level=1)).to_have_text("Choisir un nouveau mot de passe")
    choose(page, SECOND)
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre mot de passe est changé")
    assert not binds(slapd, "emercier", FIRST)
    assert binds(slapd, "emercier", SECOND)
    assert not [name for name in attributes(slapd, "emercier") if OUR_KEY.match(name)]
    notice = mailbox.wait_for(about("mot de passe a été changé", "elodie@ailleurs.example"), 10)
    assert SECOND not in notice.text + notice.html


def test_the_link_of_the_mail_fills_the_form_and_changes_nothing_by_itself(
    page: Page, site: Portal, slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    site.request_key("jmartin001")
    mail = mailbox.wait_for(account(site, "jmartin001").rescue, 10)
    link = re.search(r"http\S+#\S+", mail.text)
    assert link
    site.outbox.stop()  # once it has settled the mail, nothing but the page could change the entry
    before = attributes(slapd, "jmartin001")
    page.goto("about:blank")
    page.goto(link[0])
    assert attributes(slapd, "jmartin001") == before
    if page.evaluate("typeof history === 'object'") and page.locator("#secret").input_value():
        assert "cle=" not in page.url
        page.get_by_role("button", name="Valider").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Choisir un nouveau mot de passe")


def test_change_the_password_and_the_rescue_address_with_the_password(
    page: Page, slapd: PrivateSlapd, mailbox: Mailbox, site: Portal
) -> None:
    old = account(site, "jmartin001").rescue
    sign_in(page, "jmartin001", PASSWORD)
    expect(page.get_by_text("j***@c***.example").first).to_be_visible()
    choose(page, FIRST, "jeanne@ailleurs.example", current=PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre mot de passe est changé")
    assert binds(slapd, "jmartin001", FIRST)
    for address in (old, "jeanne@ailleurs.example"):
        mailbox.wait_for(about("ont été changés", address), 10)


def test_all_refusals_come_at_once_beside_their_fields_and_nothing_typed_is_lost_but_secrets(
    page: Page, site: Portal
) -> None:
    sign_in(page, "emercier", issue(site, "emercier"))
    choose(page, "élodie", rescue="pas une adresse")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    for sentence in ("Nouveau mot de passe : 5 points", "prenom.nom@"):
        expect(summary).to_contain_text(re.compile(sentence.replace(" ", r"\s")))
    for sentence in ("Trop court", "pas une lettre|pas des lettres", r"accepté\s: é\.", "elodie"):
        expect(page.locator("#password-errors")).to_contain_text(re.compile(sentence))
    expect(page.locator("#password")).to_have_value("")
    expect(page.locator("#rescue")).to_have_value("pas une adresse")
    choose(page, FIRST, rescue="elodie@ailleurs.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre compte est activé")


def test_a_dead_key_gets_a_page_with_a_button_that_mails_a_fresh_one(
    page: Page, site: Portal, clock: MovingClock, mailbox: Mailbox
) -> None:
    key = issue(site, "emercier")
    clock.forward(days=21)
    sign_in(page, "emercier", key)
    expect(page.get_by_role("heading", level=1)).to_have_text("Cette clé a expiré")
    page.get_by_role("button", name="Demander une nouvelle clé").click()
    fresh = key_in(mailbox.wait_for(account(site, "emercier").rescue, 10))
    page.goto("/")
    sign_in(page, "emercier", fresh)
    expect(page.get_by_role("heading", level=1)).to_have_text("Activer votre compte")


@pytest.mark.parametrize("uid", ["jmartin001", "nobody", "smoreau"])
def test_wrong_things_get_the_one_common_refusal_and_the_login_stays(page: Page, site: Portal, uid: str) -> None:
    for secret in ("not the password", other_key("")):
        sign_in(page, uid, secret)
        expect(page.get_by_role("alert")).to_contain_text(COMMON_REFUSAL)
        expect(page.locator("#connexion").get_by_label("Identifiant")).to_have_value(uid)
        expect(page.locator("#secret")).to_have_value("")


def test_a_slip_in_the_key_is_told_as_one(page: Page, site: Portal) -> None:
    key = issue(site, "emercier")
    sign_in(page, "emercier", slip(key))
    expect(page.get_by_role("alert")).to_contain_text("faute de frappe")
    sign_in(page, "emercier", key)
    expect(page.get_by_role("heading", level=1)).to_have_text("Activer votre compte")


def test_a_directory_that_is_down_is_said_and_is_nobodys_fault(page: Page, slapd: PrivateSlapd) -> None:
    slapd.halt()
    try:
        sign_in(page, "jmartin001", PASSWORD)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("main")).not_to_contain_text(COMMON_REFUSAL)
    finally:
        slapd.launch()
    page.goto("/")
    sign_in(page, "jmartin001", PASSWORD)
    expect(page.locator("#current-password")).to_be_visible()
