"""Mails as they are written: each once, in ``connector/mails/``, said twice, as text and as HTML, in two languages.

A mail's template says what is said; ``mails/text`` and ``mails/html`` say how, under the same names: ``layout.jinja``
around it and the macros of ``say.jinja`` in it. Its sentences are French, and translated by the catalogue beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address, BaseHeader
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache, partial
from urllib.parse import urlsplit

from babel.dates import format_date, get_timezone
from babel.dates import format_datetime as babel_datetime

from connector import keys, languages, mime, otp, rescue
from connector.drafts import Drafts, Facts, rendered
from connector.errors import MailRejected
from connector.languages import REFERENCE
from connector.model import Account, Former, Happened, HelpRequest, Notice, Status
from connector.settings import Settings
from connector.settings.theme import Theme
from connector.vault import Postmark

_LONGEST_SUBJECT = 120  # characters
_GAP = re.compile(r"\n{3,}")


class Composer:
    """Turns an owed mail into a message in the person's language, as the theme looks."""

    def __init__(self, settings: Settings, theme: Theme) -> None:
        self._mail, self._web, self._theme = settings.mail, settings.web, theme
        self._host = urlsplit(settings.web.portal_url).hostname
        self._assistance = parseaddr(settings.assistance.mailbox)[1]
        self._postmark = Postmark(settings.web.secret_keys)
        self._code_life = timedelta(minutes=settings.rescue.code_minutes)
        self._logo_id = f"logo@{self._host}" if theme.look.mail_logo else ""
        self._logo = _logo(theme, self._logo_id)
        self._drafts = Drafts(self._always)

    def key_mail(self, account: Account, key: str, expiry: datetime, now: datetime) -> EmailMessage:
        """The mail that brings ``key``, to the account's rescue address: the only mail with a secret in it.

        Its link carries the key in the fragment (``keys.link``).
        """
        facts: Facts = {
            "key": keys.show(key),
            "link": keys.link(self._web.portal_url, account.uid, key),
            "until": self._said(account, expiry),
            "to_activate": account.state.status is Status.TO_ACTIVATE,
        }
        return self._compose("key", account, account.key_address(now) or "", now, facts)

    def notice_mail(self, account: Account, notice: Notice, now: datetime) -> EmailMessage:
        """The mail that tells about a change, reminds of one, or brings a code; it carries neither key nor password.

        A code is made here, from what the account says of it: whoever sends the mail anew sends the same.
        """
        mail, facts = self._told(account, notice, now)
        return self._compose(mail, account, notice.address, now, facts)

    def request_mail(self, request: HelpRequest, now: datetime) -> EmailMessage:
        """A request for help, to the desk's mailbox, in French: whoever answers it writes to the person by itself.

        Nothing in it is verified, and it says so; nothing typed becomes a header but the address to answer to, which
        was read as one.
        """
        born = format_date(date.fromisoformat(request.born), "d MMMM y", locale=REFERENCE)
        received = self._local(request.received, REFERENCE)
        facts = {**self._always(REFERENCE), "request": request, "born": born, "received": received}
        subject, _, text = rendered("request", "text", REFERENCE, facts).partition("\n")
        message = self._addressed(self._assistance, " ".join(subject.split())[:_LONGEST_SUBJECT])
        message["Reply-To"] = Address(addr_spec=request.answer_to)
        message["Date"] = mime.plain("Date", format_datetime(now))
        # the same, should it be sent twice
        message["Message-ID"] = mime.plain("Message-ID", f"<{request.number}@{self._host}>")
        message["Content-Language"] = mime.header("Content-Language", REFERENCE)
        self._add_bodies(message, text, rendered("request", "html", REFERENCE, facts))
        return message

    def _told(self, account: Account, notice: Notice, now: datetime) -> tuple[str, Facts]:
        """Which mail a notice is, and what it says."""
        former = account.former_in_force(now)
        if Happened.AWAITED in notice.happened:
            return "reminder", {}
        if Happened.CODE in notice.happened:
            return "code", self._code(account, notice)
        if Happened.RESCUE_FROZEN in notice.happened:
            until = self._said(account, account.frozen_until or now)
            return "undone", {"until": until, "is_restored": notice.address == account.rescue}
        if former and notice.happened == (Happened.RESCUE,):
            return "replaced", self._replaced(account, former, notice)
        return "notice", {
            "activated": Happened.ACTIVATED in notice.happened,
            "password_changed": Happened.PASSWORD in notice.happened,
            "rescue_changed": Happened.RESCUE in notice.happened,
            "rescue_removed": Happened.RESCUE_REMOVED in notice.happened,
            "rescue_first": Happened.RESCUE_FIRST in notice.happened,
        }

    def _code(self, account: Account, notice: Notice) -> Facts:
        """Raises MailRejected where another address was given meanwhile."""
        code = account.rescue_code
        if code is None or code.address != notice.address:
            raise MailRejected("no code for this address")
        made = otp.mailed_code(self._web.secret_keys[0], account.uid, code.address, code.issued)
        return {"code": made, "until": self._said(account, code.issued + self._code_life)}

    def _replaced(self, account: Account, former: Former, notice: Notice) -> Facts:
        """Only the former address may undo the change, so that only it is told the code."""
        code = otp.opposition_code(self._web.secret_keys[0], account.uid, former.raw)
        told = {"code": code, "link": otp.opposition_link(self._web.portal_url, account.uid, code)}
        is_theirs = notice.address == former.address
        return {"until": self._said(account, former.until), **(told if is_theirs else dict.fromkeys(told, ""))}

    def _said(self, account: Account, instant: datetime) -> Callable[[str], str]:
        """The same in the account's language."""
        return self._local(instant, languages.choose(account.language))

    def _local(self, instant: datetime, language: str) -> Callable[[str], str]:
        """Says ``instant`` in the university's own time, by a pattern: each language has its own, as all wording."""
        zone = get_timezone(self._web.timezone)
        return cache(lambda pattern: babel_datetime(instant, str(pattern), tzinfo=zone, locale=language))

    def _compose(self, mail: str, account: Account, to: str, now: datetime, facts: Facts) -> EmailMessage:
        language = languages.choose(account.language)
        facts = {"name": account.name, "uid": account.uid, **facts}
        subject, _, text = self._drafts.filled_in(mail, "text", language, facts).partition("\n")
        message = self._addressed(to, mime.header("Subject", subject))
        if self._mail.reply_to:
            message["Reply-To"] = mime.header("Reply-To", self._mail.reply_to)
        message["Date"] = mime.plain("Date", format_datetime(now))
        mark = self._postmark.make(account.uid, to)  # a bounce brings it back
        message["Message-ID"] = mime.plain("Message-ID", f"<{mark}@{self._host}>")
        message["Auto-Submitted"] = mime.header(
            "Auto-Submitted", "auto-generated"
        )  # RFC 3834: no out-of-office answers
        message["Content-Language"] = mime.header("Content-Language", language)
        self._add_bodies(message, text, self._drafts.filled_in(mail, "html", language, facts))
        return message

    def _always(self, language: str) -> dict[str, object]:
        """What every mail may speak of."""
        theme = self._theme
        looks = {"look": theme.look, "light": theme.light, "dark": theme.dark, "logo": self._logo_id}
        words = theme.words(language)
        ours = f"{self._web.portal_url.rstrip('/')}/assistance" if self._assistance else ""
        said = {"language": language, "words": words, "tongue": partial(theme.tongue, language)}
        said["assistance_url"] = words.assistance_url or ours
        return {**said, "web": self._web, **looks}

    def _addressed(self, to: str, subject: str | BaseHeader) -> EmailMessage:
        """A message with its first headers. Raises MailRejected where ``to`` is no address: nobody to write to."""
        message = mime.message()
        try:
            message["From"] = mime.header("From", self._mail.sender)
            message["To"] = mime.plain_to(to) or _address(to)
            message["Subject"] = subject
        except (ValueError, LookupError, AttributeError, HeaderParseError, RecursionError):
            raise MailRejected("address") from None
        if to.endswith("]"):  # no host, but its number: we keep none, and Python 3.11.2 would write to nobody
            raise MailRejected("address")
        return message

    def _add_bodies(self, message: EmailMessage, text: str, html: str) -> None:
        mime.add_bodies(message, _GAP.sub("\n\n", text.strip()), html, self._logo)


def _address(to: str) -> Address:
    """By the library; a domain that another tool kept in Unicode is written in ASCII. Raises what ``Address`` does."""
    read = rescue.read(to, ())
    return Address(addr_spec=read if isinstance(read, str) else to)


def _logo(theme: Theme, cid: str) -> str:
    """The logo within the mail, so that reading it tells nobody; if the theme has one."""
    if not theme.look.mail_logo:
        return ""
    file = theme.folder / theme.look.mail_logo
    return mime.picture(file.read_bytes(), "png" if file.suffix == ".png" else "jpeg", cid)
