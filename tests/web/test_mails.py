"""What the mails say is true of whoever reads them, at the old address and at the new one; in what they come."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from jinja2 import Environment, nodes

from connector import drafts
from connector.demo.caught import CaughtMail
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.model import Former, Happened, Notice, RescueCode
from connector.owed import OwedNotice
from connector.portal import Portal
from connector.settings import Settings, config_folder
from connector.settings.theme import Words
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, issue
from tests.web.steps import NEW_PASSWORD, change, choose, sign_in, write

NEVER_ASK = "Ne demandez pas de nouvelle clé"
THEMES = config_folder() / "theme"
NOTICES = [  # whatever is told of at once
    (Happened.ACTIVATED, Happened.PASSWORD),
    (Happened.PASSWORD,),
    (Happened.PASSWORD, Happened.RESCUE),
    (Happened.RESCUE,),
    (Happened.RESCUE_FIRST,),
    (Happened.RESCUE_REMOVED,),
    (Happened.AWAITED,),
    (Happened.CODE,),
    (Happened.RESCUE_FROZEN,),
]
PortalOf = Callable[[str], Portal]


@pytest.fixture
def portal_of(settings: Settings, people: dict[str, str], clock: MovingClock) -> Iterator[PortalOf]:
    """Makes the portal of a university that chose another theme."""
    with ExitStack() as opened:

        def make(theme: str) -> Portal:
            web = settings.web.model_copy(update={"theme": theme})
            portal = Portal(settings.model_copy(update={"web": web}), clock)
            opened.callback(portal.stop)
            portal.directory.prepare()
            return portal

        yield make


def mails_of(portal: Portal, mailbox: Mailbox, uid: str = "jmartin001") -> list[CaughtMail]:
    """Every mail there is, to that person, as it arrived: a key's first."""
    before = len(mailbox.mails)
    portal.request_key(uid)
    now, due = portal.now(), portal.outbox.lease(portal.now())
    person = account(portal, uid)
    address = person.rescue or ""
    person = replace(person, rescue_code=RescueCode(now, 0, address), frozen_until=now + timedelta(hours=72))
    for happened in NOTICES:
        portal.outbox.hand_over(OwedNotice(person, Notice(happened, address, due)))
    for former in (address, "jeanne@ailleurs.example"):
        cooling = replace(person, former=Former(now + timedelta(hours=72), former))
        portal.outbox.hand_over(OwedNotice(cooling, Notice((Happened.RESCUE,), address, due)))
    portal.outbox.send_handed()
    return mailbox.mails[before:]


def parsed(mail: CaughtMail) -> EmailMessage:
    message = message_from_bytes(mail.octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def urls(mail: CaughtMail) -> set[str]:
    """Whatever a mail program could fetch or follow."""
    quoted = re.findall(r"""\b(?:href|src|background|action|srcset)\s*=\s*["']?([^\s"'>]+)""", mail.html)
    bare = re.findall(r"\b[a-z]+://[^\s\"'<>)]+", mail.html + mail.text)
    return {url.replace("&amp;", "&") for url in [*quoted, *bare, *re.findall(r"url\((.*?)\)", mail.html)]}


def _but_opposition(found: set[str]) -> set[str]:
    """Less the one other link of a mail, which says that a change was not its owner's."""
    return {url for url in found if not re.fullmatch(r"http\S+/pas-moi#identifiant=jmartin001&code=[0-9A-Z-]{11}", url)}


def test_whose_rescue_address_was_changed_is_not_sent_to_ask_for_a_key(
    client: FlaskClient, portal: Portal, mailbox: Mailbox
) -> None:
    """The key would go to the address that the thief has given."""
    sign_in(client, "jmartin001", PASSWORD)
    change(client, PASSWORD, rescue="jeanne@ailleurs.example")
    portal.outbox.send_handed()
    _code, *told = mailbox.mails
    assert [mail.to for mail in told] == [("jeanne@courriel.example",), ("jeanne@ailleurs.example",)]
    for mail in told:
        assert mail.subject == "Votre adresse de secours a été changée"
        for text in (mail.text, mail.html):
            assert NEVER_ASK in text
            assert "elle partirait à la nouvelle adresse" in text
            assert portal.theme.fr.desk in text
            assert "Demandez tout de suite" not in text
        assert portal.settings.web.portal_url not in urls(mail)


def test_whose_password_alone_was_changed_is_told_to_ask_for_a_key(
    client: FlaskClient, portal: Portal, mailbox: Mailbox
) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    change(client, PASSWORD, NEW_PASSWORD)
    portal.outbox.send_handed()
    assert "Demandez tout de suite une nouvelle clé" in mailbox.mails[0].text
    assert NEVER_ASK not in mailbox.mails[0].text


def test_a_first_rescue_address_is_not_called_changed(client: FlaskClient, portal: Portal, mailbox: Mailbox) -> None:
    sign_in(client, "zpetit", issue(portal, "zpetit"))
    choose(client, NEW_PASSWORD)
    sign_in(client, "zpetit", NEW_PASSWORD)
    change(client, NEW_PASSWORD, rescue="zoe@ailleurs.example")
    portal.outbox.send_handed()
    _code, mail = mailbox.mails
    assert mail.subject == "Votre adresse de secours est enregistrée"
    assert "changée" not in mail.text + mail.html
    assert NEVER_ASK in mail.text


def test_a_notice_of_a_first_address_outlives_the_process_that_owed_it(
    client: FlaskClient, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    sign_in(client, "zpetit", issue(portal, "zpetit"))
    choose(client, NEW_PASSWORD, rescue="zoe@ailleurs.example")
    clock.forward(minutes=20)
    portal.outbox.dispatch(clock())
    assert [mail.to for mail in mailbox.mails] == [("zoe@ailleurs.example",)]  # the code is too old to be of use
    assert "enregistrée" in mailbox.mails[0].text


def test_each_notice_says_in_its_subject_what_happened(portal: Portal, mailbox: Mailbox) -> None:
    _key_mail, *notices = mails_of(portal, mailbox)
    assert [mail.subject for mail in notices] == [
        "Votre compte est activé",
        "Votre mot de passe a été changé",
        "Votre mot de passe et votre adresse de secours ont été changés",
        "Votre adresse de secours a été changée",
        "Votre adresse de secours est enregistrée",
        "Votre adresse de secours a été retirée",
        "Votre compte vous attend",
        "Confirmez votre adresse de secours",
        "Le changement d’adresse de secours est annulé",
        *["Votre adresse de secours a été changée"] * 2,
    ]


@pytest.mark.parametrize(("uid", "has_password"), [("jmartin001", True), ("emercier", False)])
def test_a_key_mail_speaks_of_a_password_only_to_who_has_one(
    portal: Portal, mailbox: Mailbox, uid: str, has_password: bool
) -> None:
    portal.request_key(uid)
    portal.outbox.send_handed()
    mail = mailbox.mails[0]
    for text in (mail.text, mail.html):
        assert ("l’actuel reste valable" in text) is has_password
        assert re.search(r"lundi 23 novembre à 13\sh\s00", text)
    assert "<title>Votre clé d’activation</title>" in mail.html


@pytest.mark.parametrize(
    ("preferred", "language"),
    [("fr", "fr"), ("en", "en"), ("en-GB, fr;q=0.5", "en"), ("fr;q=0.5, en-GB", "en"), ("de", "fr"), (";q=,,=?", "fr")],
)
def test_the_entry_says_in_what_language_its_mails_are(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, preferred: str, language: str
) -> None:
    write(slapd, "jmartin001", "preferredLanguage", preferred)
    subject = {"fr": "Votre clé d’activation", "en": "Your activation key"}[language]
    for mail in mails_of(portal, mailbox):
        assert mail.headers["Content-Language"] == language
        assert f'<html lang="{language}">' in mail.html
    assert mailbox.mails[0].subject == subject


def test_a_mail_in_english_is_english_throughout(portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox) -> None:
    write(slapd, "jmartin001", "preferredLanguage", "en")
    french = re.compile(r"\b(le|la|les|un|une|de|du|votre|vous|est|et|ou|clé)\b|[«»]|\s[:;?]", re.IGNORECASE)
    mails = mails_of(portal, mailbox)
    assert "Monday 23 November at 13:00" in mails[0].text
    for mail in mails:
        said = re.sub(r"<style>.*?</style>|<[^>]*>", " ", mail.html, flags=re.DOTALL) + mail.text + mail.subject
        assert not french.search(said.replace(portal.theme.en.university, ""))


def test_every_mail_is_text_and_html_with_the_logo_in_it(portal: Portal, mailbox: Mailbox) -> None:
    mails = mails_of(portal, mailbox)
    assert len(mails) == 1 + len(NOTICES) + 2
    for mail in mails:
        message = parsed(mail)
        shape = ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
        assert [part.get_content_type() for part in message.walk()] == shape
        assert [part.defects for part in message.walk()] == [[]] * len(shape)
        logo = list(message.walk())[-1]
        assert logo.get_content_disposition() == "inline"
        assert logo.get_content() == (THEMES / "dordogne" / "logo.png").read_bytes()
        assert f'<img src="cid:{logo["Content-ID"].strip("<>")}" alt=""' in mail.html


def test_every_mail_has_the_headers_of_one_that_a_machine_sends(
    portal: Portal, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    mails = mails_of(portal, mailbox)
    for mail in mails:
        message = parsed(mail)
        (sender,) = message["From"].addresses
        assert mail.sender == sender.addr_spec
        assert sender.addr_spec in settings.mail.sender
        assert [address.addr_spec for address in message["To"].addresses] == list(mail.to)
        assert parsedate_to_datetime(message["Date"]) == clock()
        host = urlsplit(settings.web.portal_url).hostname
        assert re.fullmatch(rf"<[^@<>\s]+@{host}>", message["Message-ID"])
        assert message["Auto-Submitted"] == "auto-generated"
    assert len({mail.headers["Message-ID"] for mail in mails}) == len(mails)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("theme", ["dordogne", "garonne"])
def test_a_mail_leads_only_to_the_portal_and_where_the_theme_sends_for_help(
    portal_of: PortalOf, slapd: PrivateSlapd, mailbox: Mailbox, theme: str, language: str
) -> None:
    """Nothing is fetched by opening it, so that nobody learns who did; a key travels in the fragment alone."""
    write(slapd, "jmartin001", "preferredLanguage", language)
    portal = portal_of(theme)
    key_mail, *others = mails_of(portal, mailbox)
    home, words = portal.settings.web.portal_url, portal.theme.words(language)
    logo = {"cid:logo@" + str(urlsplit(home).hostname)}
    known = {words.help_url, words.assistance_url or f"{home}assistance", *logo} - {""}
    (link,) = urls(key_mail) - known
    assert re.fullmatch(re.escape(home) + r"#identifiant=jmartin001&cle=[0-9A-Z-]{17}", link)
    assert link in key_mail.text
    assert known <= urls(key_mail)
    for mail in others:
        assert logo <= _but_opposition(urls(mail)) <= known | {home}
        assert not re.search(r"[0-9A-Z]{5}(-[0-9A-Z]{5}){2}", mail.text + mail.html)


def test_a_theme_shows_in_the_mails(portal_of: PortalOf, mailbox: Mailbox) -> None:
    for mail in mails_of(portal_of("garonne"), mailbox):
        assert list(parsed(mail).walk())[-1].get_content() == (THEMES / "garonne" / "logo.png").read_bytes()
        assert "border-top:5px solid #4b2fbd" in mail.html
        assert "#b9a8ff" in mail.html.partition("prefers-color-scheme: dark")[2]
        assert "#0d5c63" not in mail.html
        for text in (mail.html, mail.text):
            assert "Université Garonne-Océan" in text
            assert "Tous les jours ouvrés, de 8 h 30 à 18 h." in text.replace("\xa0", " ")


def test_a_theme_without_a_logo_for_mails_sends_them_without(
    portal_of: PortalOf, mailbox: Mailbox, tmp_path: Path
) -> None:
    text = (THEMES / "garonne" / "theme.toml").read_text("utf-8")
    (tmp_path / "theme.toml").write_text(re.sub(r'(?m)^(mail_)?logo = ".*"$', "", text), "utf-8")
    for mail in mails_of(portal_of(str(tmp_path)), mailbox):
        assert [part.get_content_type() for part in parsed(mail).walk()][1:] == ["text/plain", "text/html"]
        assert "<img" not in mail.html
        assert "Université Garonne-Océan" in mail.html


def test_what_the_theme_says_in_french_alone_is_marked_as_french_in_an_english_mail(
    portal_of: PortalOf, slapd: PrivateSlapd, mailbox: Mailbox, tmp_path: Path
) -> None:
    """WCAG 2.2 §3.1.2."""
    (tmp_path / "theme.toml").write_text('[fr]\nuniversity = "Ici"\ndesk = "la loge"\nhours = "Le matin."\n', "utf-8")
    write(slapd, "jmartin001", "preferredLanguage", "en")
    key = mails_of(portal_of(str(tmp_path)), mailbox)[0]
    assert '<span lang="fr">la loge</span>, or' in key.html
    assert '. <span lang="fr">Le matin.</span>' in key.html
    assert "la loge, or" in key.text


def test_the_text_part_is_whole_paragraphs(portal: Portal, mailbox: Mailbox) -> None:
    """No blank at an end of a line, no gap, no tag, no entity: nothing that the HTML left behind."""
    for mail in mails_of(portal, mailbox):
        assert not re.search(r"[ \t]\n|\n{3,}|^\n|</|&\w+;", mail.text)
        assert mail.text.endswith(f"\n\n{portal.theme.fr.university}\n")


def unmarked(source: str) -> list[str]:
    """The words of a template that no catalogue could translate."""
    tree = Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).parse(source)
    marked = {
        id(argument)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name == "_"
        for argument in call.args
    }
    said = [node.value for node in tree.find_all(nodes.Const) if id(node) not in marked]
    said += [node.data for node in tree.find_all(nodes.TemplateData)]
    return [text for text in said if isinstance(text, str) and re.search(r"[^\W\d_]", text)]


@pytest.mark.parametrize("path", sorted(drafts.TEMPLATES.glob("*.jinja")), ids=lambda path: path.name)
def test_every_sentence_of_a_mail_can_be_translated(path: Path) -> None:
    """But for our own name, and the names of what the theme says."""
    names = {"layout.jinja", "say.jinja", "desk.jinja", *Words.model_fields}
    assert set(unmarked(path.read_text("utf-8"))) - names <= {"Mon compte"}


def test_the_test_above_sees_a_sentence_that_is_not_marked() -> None:
    assert unmarked('{{ _("oui") }}{{ say.para("non") }}') == ["non"]
