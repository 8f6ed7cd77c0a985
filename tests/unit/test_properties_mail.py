"""Whatever stands in an entry or in the settings: a mail has the headers we wrote, one recipient, and is text."""

from __future__ import annotations

import email
import email.policy
import io
import re
from email.generator import BytesGenerator
from email.message import EmailMessage
from email.utils import getaddresses
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import rescue
from connector.compose import Composer
from connector.errors import MailRejected, SettingsInvalid
from connector.model import Account, Happened, Notice
from connector.settings import Settings, build
from connector.settings.theme import Theme
from tests.mailreader import as_read
from tests.portal_fixtures import START
from tests.properties import examples, odd_text
from tests.unit.test_settings import minimal

KEY = "K7QF9M2XT4RD8HC"
HEADERS = [
    "auto-submitted",
    "content-language",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "reply-to",
    "subject",
    "to",
]
INJECTIONS = (
    "\r\nBcc: x@evil.example",
    "\nBcc: x@evil.example\n\n",
    "\r",
    "\x0b\x0c\x1c\x85\u2028\u2029",
    "\0",
    "=?utf-8?q?=0ABcc=3A_x?=",
)
ADDRESSES = (
    *("a@b.example, c@d.example", "J <a@b.example>", "<a@b.example>", '"a, c"@b.example', "g:a@b.example;"),
    *("a@[1.2.3.4]", "a@[1.2.3.4", "a(c)@b.example", "@x,@y:a@b.example", "=?utf-8?q?a=0ABcc?=@b.example", "", "@"),
    *("é@b.example", "a@é.example", "a@b.example\r\nBcc: c@d.example", "a@b.example\0", "a b@c.example"),
    *("a@b.example ", "a@b.example,"),
)  # fmt: skip
odd_lines = st.one_of(
    odd_text.map(lambda text: text.encode("utf-8", "replace").decode()),  # as the directory's octets are read
    st.builds("{}{}{}".format, st.text(max_size=9), st.sampled_from(INJECTIONS), st.text(max_size=9)),
)
odd_addresses = st.one_of(
    st.sampled_from(ADDRESSES),
    st.emails(),
    st.builds("{}{}@b.example".format, st.text(max_size=9), st.sampled_from(INJECTIONS)),
    st.text(alphabet='ab@.,;:<>()[]"\\ \t\r\né', max_size=20),
)


def settings_with(**sections: dict[str, object]) -> Settings:
    mail = {"sender": "Mon compte <ne-pas-repondre@universite.example>", "reply_to": "aide@universite.example"}
    return build(minimal(mail={**mail, **sections.pop("mail", {})}, **sections), "test", {})


def both_mails(composer: Composer, account: Account) -> list[EmailMessage]:
    notice = Notice((Happened.PASSWORD, Happened.RESCUE), account.rescue or "", START)
    return [composer.key_mail(account, KEY, START, START), composer.notice_mail(account, notice, START)]


def as_sent(message: EmailMessage) -> tuple[list[str], EmailMessage]:
    """The recipients that smtplib would name, and the message it would send, as a mail program reads it."""
    recipients = [address for _name, address in getaddresses([str(message["To"])])]
    is_ascii = "".join(recipients).isascii()
    octets = io.BytesIO()
    BytesGenerator(octets, policy=message.policy.clone(utf8=not is_ascii)).flatten(message, linesep="\r\n")
    back = email.message_from_string(octets.getvalue().decode(), policy=email.policy.SMTPUTF8)
    assert isinstance(back, EmailMessage)
    return recipients, back


THEME = Theme.load("dordogne")
COMPOSER = Composer(settings_with(), THEME)


@given(odd_lines, odd_lines, odd_lines)
@examples(60)
def test_no_name_uid_or_title_reaches_a_header(name: str, uid: str, title: str) -> None:
    account = Account("uid=x", uid, name, rescue="jeanne@courriel.example")
    words = dict.fromkeys(("university", "desk", "hours", "help_url", "assistance_url"), title)
    theme = THEME.model_copy(update={"fr": THEME.fr.model_copy(update=words)})
    subjects = ["Votre clé d’activation", "Votre mot de passe et votre adresse de secours ont été changés"]
    for message, subject in zip(both_mails(Composer(settings_with(), theme), account), subjects, strict=True):
        recipients, back = as_sent(message)
        assert recipients == ["jeanne@courriel.example"]
        assert sorted(header.lower() for header in back) == HEADERS
        assert [address.addr_spec for address in back["To"].addresses] == recipients
        assert back["Subject"] == subject
        assert [address.addr_spec for address in back["From"].addresses] == ["ne-pas-repondre@universite.example"]
        assert [part.get_content_type() for part in back.iter_parts()] == ["text/plain", "multipart/related"]


@given(odd_lines.filter(bool))
@examples(60)
def test_the_link_of_a_key_mail_carries_the_login_whatever_it_is_and_nothing_else(uid: str) -> None:
    mail = COMPOSER.key_mail(Account("uid=x", uid, "Jeanne", rescue="jeanne@courriel.example"), KEY, START, START)
    text = as_read(mail).get_body(("plain",))
    assert text
    (link,) = re.findall(r"^https:\S+$", text.get_content(), re.MULTILINE)
    assert link.partition("#")[0] == "https://moncompte.universite.example/"
    assert parse_qs(urlsplit(link).fragment) == {"identifiant": [uid], "cle": ["K7QF9-M2XT4-RD8HC"]}


def bare(address: str) -> str:
    """Without comments and blanks, which are no part of it (RFC 5322 §3.2.2)."""
    return re.sub(r"\(.*\)|\s", "", address)


@given(odd_addresses)
@examples(150)
def test_whatever_stands_for_an_address_the_mail_goes_there_alone_or_nowhere(to: str) -> None:
    try:
        messages = both_mails(COMPOSER, Account("uid=x", "jmartin001", "Jeanne Martin", rescue=to))
    except MailRejected:
        return
    for message in messages:
        recipients, back = as_sent(message)
        assert recipients == [address.addr_spec for address in back["To"].addresses]
        read = rescue.read(to, ())  # a domain in Unicode is written in ASCII
        assert [bare(recipient) for recipient in recipients] == [bare(read if isinstance(read, str) else to)]
        assert sorted(header.lower() for header in back) == HEADERS


@given(st.emails(domains=st.just("courriel.example")).filter(lambda address: '"' not in address))
@examples(50)
def test_every_ordinary_address_is_written_to(to: str) -> None:
    for message in both_mails(COMPOSER, Account("uid=x", "jmartin001", "Jeanne Martin", rescue=to)):
        assert as_sent(message)[0] == [to]


SENDERS = (
    "a@b.example",
    "<a@b.example>",
    "Mon compte <a@b.example>",
    "Univ. du Lac – l'été <a@b.example>",
    '"Université, Mon compte" <a@b.example>',
    '"Lac (Annecy): x; y" <a@b.example>',
)
NO_SENDERS = (
    "Université, Mon compte <a@b.example>",  # From would hold two addresses, the first of them none
    "Université: Mon compte <a@b.example>",
    "A; B <a@b.example>",
    "Univ [test] <a@b.example>",
    "Mon compte (univ) <a@b.example>",
    "=?utf-8?q?a=0ABcc?= <a@b.example>",
    "=?utf-8?q?a=0ABcc?=@b.example",
    "a@b.example>",
    "Mon compte <a@b.example",
    "a,b@c.example",
    "Mon\u2028compte <a@b.example>",
    "Mon\x85compte <a@b.example>",
    "Mon\0compte <a@b.example>",
    "a@b.example\n",
)


@pytest.mark.parametrize("sender", NO_SENDERS)
@pytest.mark.parametrize("setting", ["sender", "reply_to"])
def test_a_sender_that_no_header_could_carry_is_told_at_the_start(sender: str, setting: str) -> None:
    with pytest.raises(SettingsInvalid, match=rf"\[mail\] {setting}: .* \(expected: an ASCII address"):
        settings_with(mail={setting: sender})


@given(st.sampled_from(SENDERS) | st.builds("{}<a@b.example>".format, odd_lines) | odd_addresses | st.text(max_size=30))
@examples(80)
def test_whatever_sender_the_settings_accept_a_mail_has_exactly_that_one(sender: str) -> None:
    try:
        settings = settings_with(mail={"sender": sender, "reply_to": sender})
    except SettingsInvalid:
        assert sender not in SENDERS
        return
    account = Account("uid=x", "jmartin001", "Jeanne Martin", rescue="j@courriel.example")
    for message in both_mails(Composer(settings, THEME), account):
        _recipients, back = as_sent(message)
        ((_name, envelope),) = getaddresses([str(message["From"])])
        for header in ("From", "Reply-To"):
            assert [address.addr_spec for address in back[header].addresses] == [envelope], header
        assert envelope in sender
        assert sorted(header.lower() for header in back) == HEADERS


@pytest.mark.parametrize("host", ["école.example", "a\u202eb.example", "a'\"<>.example", "a b.example", "a\0.example"])
def test_a_portal_whose_name_no_message_id_could_carry_is_told_at_the_start(host: str) -> None:
    """Such a mail cannot be written out: smtplib would refuse it, and it would count as refused for good."""
    with pytest.raises(SettingsInvalid, match=r"\[web\] portal_url: .* \(expected: the portal's own address"):
        settings_with(web={"portal_url": f"https://{host}"})


@pytest.mark.parametrize(
    "url", ["https://xn--cole-9oa.example", "http://127.0.0.1:8080/", "https://[::1]", "http://a_b"]
)
def test_every_mail_of_a_portal_can_be_written_out(url: str) -> None:
    settings = settings_with(web={"portal_url": url, "secure_cookies": url.startswith("https")})
    account = Account("uid=x", "jmartin001", "Jeanne Martin", rescue="j@courriel.example")
    for message in both_mails(Composer(settings, THEME), account):
        assert as_sent(message)[1]["Message-ID"]


@pytest.mark.parametrize("language", [None, "", " ", ",", "de", "q=en", "*", "en;q=0"])
def test_whose_entry_names_no_language_of_ours_is_written_to_in_french(language: str | None) -> None:
    account = Account("uid=x", "jmartin001", "Jeanne", language=language, rescue="j@courriel.example")
    for message in both_mails(COMPOSER, account):
        assert message["Content-Language"] == "fr"
