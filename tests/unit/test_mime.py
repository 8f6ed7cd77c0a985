"""A mail is, to its reader, what the standard library alone would have made of the same words."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import mime
from connector.compose import Composer
from connector.demo.mailbox import Mailbox
from connector.mail import Mailer
from connector.model import Account, Former, Happened, HelpRequest, Notice, RescueCode
from connector.settings.theme import Theme
from tests.mailreader import as_read
from tests.portal_fixtures import START
from tests.properties import examples, odd_text
from tests.unit.test_properties_mail import KEY, settings_with

LONG = "Univ. du Lac – l'été et l’université de quelque part au bout d’un très long monde <a@b.example>"
LOGO = b"\x89PNG" + bytes(range(256)) * 9
NAMES = (
    "Jeanne Martin",
    "Nguyễn Thị Hồng Łucja",
    "李小龙 " * 30,
    "a\r\nBcc: x@y.example\n.\n.\rb \x0b\u2028\n",
    "x" * 1200,
)
ADDRESSES = (
    "jeanne@courriel.example",
    "Jeanne.Martin+secours@xn--cole-9oa.example",
    "jeanne@école.example",
    "jeanne@listes.école.example",  # kept as it is: a list's address is none that we would take
    '"a, c"@b.example',
    f"{'x' * 64}@{'y' * 60}.example",
)
texts = odd_text.map(lambda text: text.encode("utf-8", "replace").decode()) | st.sampled_from(NAMES)


def the_librarys(subject: str, text: str, html: str, logo: bytes) -> EmailMessage:
    """The same mail, as the library's own documentation makes it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = LONG, ADDRESSES[0], subject
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    if logo:
        _text, part = mail.iter_parts()
        assert isinstance(part, EmailMessage)
        part.add_related(logo, "image", "png", cid="<logo@x.example>", filename="logo.png", disposition="inline")
    return mail


def the_librarys_copy(mail: EmailMessage) -> bytes:
    """The mail's headers and words, put together by the library alone."""
    copy, written = EmailMessage(), as_read(mail)
    text, html = (body.get_content() for kind in ("plain", "html") if (body := written.get_body((kind,))))
    copy.set_content(text)
    copy.add_alternative(html, subtype="html")
    for image in (part for part in written.walk() if part.get_content_maintype() == "image"):
        _text, part = copy.iter_parts()
        assert isinstance(part, EmailMessage)
        kind, name = image.get_content_subtype(), image.get_filename()
        part.add_related(
            image.get_content(), "image", kind, cid=image["Content-ID"], filename=name, disposition="inline"
        )
    for name in ("From", "To", "Subject", "Reply-To", "Date", "Auto-Submitted", "Content-Language"):
        if name in mail:
            copy[name] = str(mail[name])
    is_ascii = str(mail["To"]).isascii()
    return copy.as_bytes(policy=email.policy.SMTP.clone(utf8=not is_ascii))


def ours(subject: str, text: str, html: str, logo: bytes) -> EmailMessage:
    mail = mime.message()
    mail["From"], mail["To"], mail["Subject"] = mime.header("From", LONG), ADDRESSES[0], subject
    mime.add_bodies(mail, text, html, mime.picture(logo, "png", "logo@x.example") if logo else "")
    return mail


def read(octets: bytes) -> Any:
    """All that a reader's program makes of a mail: headers, decoded, and parts, within one another."""
    return _read(email.message_from_bytes(octets, policy=email.policy.default))


def _read(part: Any) -> Any:
    said = ("subject", "from", "to", "date", "reply-to", "auto-submitted", "content-language", "content-id")
    headers = {name.lower(): str(value) for name, value in part.items() if name.lower() in said}
    parameters = {name.lower(): value for name, value in part.get_params()[1:] if name != "boundary"}
    what = part.get_content_type(), part.get_content_disposition(), part.get_filename(), parameters, headers
    if part.is_multipart():
        return *what, [_read(inner) for inner in part.iter_parts()]
    said = part.get_content()
    return *what, re.sub(r"\r\n|\r", "\n", said) if isinstance(said, str) else said


@given(texts, texts, texts, st.sampled_from([b"", LOGO]))
@examples(150)
def test_what_a_mail_says_arrives_as_it_would_by_the_library_alone(
    subject: str, text: str, html: str, logo: bytes
) -> None:
    subject = " ".join(subject.split())
    assert read(mime.octets(ours(subject, text, html, logo))) == read(
        the_librarys(subject, text, html, logo).as_bytes()
    )


@given(
    st.lists(st.sampled_from(["--=_alternative", "--=_related--", "\r\n", "\n.\n", "--", "=_", "é", " ", "\n", "\r"]))
)
@examples(100)
def test_no_text_ends_its_part_or_the_mail(pieces: list[str]) -> None:
    text = "".join(pieces)
    octets = mime.octets(ours("x", text, text, LOGO))
    assert octets.count(b"--=_alternative") == octets.count(b"--=_related") == 3
    assert b"\n.\r" not in octets
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|[ \t]\r\n", octets)  # servers drop a space at the end of a line
    assert max(map(len, octets.split(b"\r\n"))) <= 78
    assert octets.isascii()


@pytest.mark.parametrize("value", ["a\nBcc: x@evil.example", "a\r\n\r\nb", "a\rb"])
def test_a_shared_header_holds_no_line_break(value: str) -> None:
    with pytest.raises(ValueError, match="linefeed or carriage return"):
        mime.header("Subject", value)


def test_a_shared_header_is_written_as_each_mail_needs_it() -> None:
    """To a server of RFC 6531 headers go in UTF-8; the next server may know ASCII alone."""
    mail = ours("x", "", "", b"")
    first, international, again = mime.octets(mail), mime.octets(mail, utf8=True), mime.octets(mail)
    assert first == again
    assert first.isascii()
    assert "l'été" in international.decode()
    assert read(first)[4]["from"] == read(international)[4]["from"]


def every_mail(composer: Composer, name: str, to: str, language: str) -> Iterator[EmailMessage]:
    """One of each kind."""
    account = Account("uid=x", "jmartin001", name, language=language, rescue=to, frozen_until=START)
    account = replace(account, rescue_code=RescueCode(START, 0, to))
    yield composer.key_mail(account, KEY, START, START)
    for happened in Happened:
        yield composer.notice_mail(account, Notice((happened,), to, START), START)
    for former in (to, "jeanne@ailleurs.example"):
        cooling = replace(account, former=Former(START + timedelta(hours=1), former))
        yield composer.notice_mail(cooling, Notice((Happened.RESCUE,), to, START), START)
    yield composer.request_mail(
        HelpRequest("K7QF9", START, name, "2001-02-03", "", name, f".\n{name}", ADDRESSES[0], START), START
    )


@pytest.fixture(scope="module")
def composers() -> Iterator[tuple[Mailbox, list[Composer], Mailer]]:
    """One with a logo and one without, and a server to send to."""
    with Mailbox() as mailbox:
        mail = {"port": mailbox.smtp_port, "tls": "none", "sender": LONG}
        settings = settings_with(mail=mail, assistance={"mailbox": "aide@universite.example"})
        theme = Theme.load("dordogne")
        bare = theme.model_copy(update={"look": theme.look.model_copy(update={"mail_logo": ""})})
        yield mailbox, [Composer(settings, each) for each in (theme, bare)], Mailer(settings)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("name", "to"), [*((name, ADDRESSES[0]) for name in NAMES), *((NAMES[0], to) for to in ADDRESSES)]
)
def test_every_mail_arrives_at_its_one_address_as_it_was_written(
    composers: tuple[Mailbox, list[Composer], Mailer], name: str, to: str, language: str
) -> None:
    mailbox, both, mailer = composers
    mailbox.clear()
    with mailer.session() as session:
        sent = [mail for composer in both for mail in every_mail(composer, name, to, language)]
        for mail in sent:
            session.send(mail)
    for mail, arrived in zip(sent, mailbox.mails, strict=True):
        assert arrived.to == (mail["To"].addresses[0].addr_spec,)
        assert read(arrived.octets) == read(the_librarys_copy(mail))
        assert b"=_related" not in mime.octets(mail) or b"cid:logo@" in mime.octets(mail).replace(b"=\r\n", b"")
