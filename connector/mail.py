"""Mails: composed from the templates in ``connector/mails/``, sent by SMTP. The only place that speaks SMTP.

A conversation is bounded as a whole: smtplib's timeout bounds each socket operation, so a server that drips one byte
now and then would keep a thread for ever.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from babel.dates import format_datetime as babel_datetime
from babel.dates import get_timezone
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from connector import keys, languages, rescue
from connector.errors import MailFailed, MailRejected, MailServerDown
from connector.model import Account, Happened, Notice, Status
from connector.settings import Settings
from connector.settings.theme import Theme

TEMPLATES = Path(__file__).parent / "mails"
_READY, _TAKEN = 220, 250  # RFC 5321 §4.3.2


class Composer:
    """Turns an owed mail into a message: a template for its text and one for its HTML, in the person's language."""

    def __init__(self, settings: Settings, theme: Theme) -> None:
        self._mail, self._web, self._theme = settings.mail, settings.web, theme
        self._host = urlsplit(settings.web.portal_url).hostname
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def key_mail(self, account: Account, key: str, expiry: datetime, now: datetime) -> EmailMessage:
        """The mail that brings ``key``, to the account's rescue address: the only mail with a secret in it.

        Its link carries the key in the fragment (``keys.link``).
        """
        facts = {
            "key": keys.show(key),
            "link": keys.link(self._web.portal_url, account.uid, key),
            "until": self._local(expiry, languages.choose(account.language)),
            "to_activate": account.state.status is Status.TO_ACTIVATE,
        }
        return self._compose("key", account, account.rescue or "", now, facts)

    def notice_mail(self, account: Account, notice: Notice, now: datetime) -> EmailMessage:
        """The mail that tells about a change, or reminds of one; it carries neither key nor password."""
        if Happened.AWAITED in notice.happened:
            return self._compose("reminder", account, notice.address, now, {})
        facts = {
            "activated": Happened.ACTIVATED in notice.happened,
            "password_changed": Happened.PASSWORD in notice.happened,
            "rescue_changed": Happened.RESCUE in notice.happened,
            "rescue_removed": Happened.RESCUE_REMOVED in notice.happened,
            "rescue_first": Happened.RESCUE_FIRST in notice.happened,
        }
        return self._compose("notice", account, notice.address, now, facts)

    def _local(self, instant: datetime, language: str) -> Callable[[str], str]:
        """Says ``instant`` in the university's own time, by a pattern: those are the templates' own, as all wording."""
        return lambda pattern: babel_datetime(
            instant, pattern, tzinfo=get_timezone(self._web.timezone), locale=language
        )

    def _compose(
        self, template: str, account: Account, to: str, now: datetime, facts: Mapping[str, object]
    ) -> EmailMessage:
        base = f"{languages.choose(account.language)}/{template}"
        words = self._theme.words(languages.choose(account.language))
        facts = {"name": account.name, "uid": account.uid, "web": self._web, "words": words, **facts}
        subject, _, text = self._templates.get_template(f"{base}.txt").render(facts).partition("\n")
        message = EmailMessage()
        read = rescue.read(to, ())
        to = read if isinstance(read, str) else to  # a domain that another tool kept in Unicode is written in ASCII
        try:
            message["From"] = self._mail.sender
            message["To"] = Address(addr_spec=to)
            if to.endswith("]"):  # no host, but its number: we keep none, and Python 3.11.2 would write to nobody
                raise MailRejected("address")
            message["Subject"] = subject
        except (
            ValueError,
            LookupError,
            AttributeError,
            HeaderParseError,
            RecursionError,
        ):  # no address: nobody to write to
            raise MailRejected("address") from None
        if self._mail.reply_to:
            message["Reply-To"] = self._mail.reply_to
        message["Date"] = format_datetime(now)
        message["Message-ID"] = make_msgid(domain=self._host)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        message.set_content(text.strip() + "\n")
        message.add_alternative(
            self._templates.get_template(f"{base}.html").render(facts, subject=subject), subtype="html"
        )
        return message


class Mailer:
    """One SMTP conversation at a time, kept open for as long as the block that asked for it lasts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.mail
        self._helo = settings.mail.helo or urlsplit(settings.web.portal_url).hostname

    @contextmanager
    def session(self) -> Iterator[MailSession]:
        """A conversation with the server, for any number of mails. Raises MailServerDown."""
        client, seconds = None, self._settings.timeout_seconds
        try:
            client = self._client()
            with _bounded(client, seconds):
                self._greet(client)
        except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: a host name that is none
            if client:
                client.close()
            raise MailServerDown(_said(error)) from None
        try:
            yield MailSession(client, seconds)
        finally:
            with suppress(OSError, smtplib.SMTPException), _bounded(client, seconds):
                client.quit()  # does nothing on a line that broke
            client.close()

    def _client(self) -> smtplib.SMTP:
        if self._settings.tls == "tls":
            return smtplib.SMTP_SSL(
                timeout=self._settings.timeout_seconds, local_hostname=self._helo, context=self._tls_context()
            )
        return smtplib.SMTP(timeout=self._settings.timeout_seconds, local_hostname=self._helo)

    def _greet(self, client: smtplib.SMTP) -> None:
        settings = self._settings
        client._host = settings.host  # type: ignore[attr-defined]  # the name that TLS checks: smtplib's constructor sets it
        code, said = client.connect(settings.host, settings.port)
        if code != _READY:
            raise smtplib.SMTPConnectError(code, said)
        client.ehlo_or_helo_if_needed()  # now, while nothing is claimed yet
        if settings.tls == "starttls":
            client.starttls(context=self._tls_context())
            client.ehlo_or_helo_if_needed()
        if settings.username:
            client.login(settings.username, settings.password.get_secret_value())

    def _tls_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.ca_file or None)


class MailSession:
    """An open conversation."""

    def __init__(self, client: smtplib.SMTP, timeout_seconds: int) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds

    def send(self, message: EmailMessage) -> None:
        """Send one mail. Raises MailRejected (no use trying again), MailServerDown, or MailFailed (later)."""
        try:
            with _bounded(self._client, self._timeout_seconds):
                self._client.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            # Even a 5yz: a mail server that is set up wrongly for an hour must not cost anybody their mail.
            raise MailFailed(str(next(iter(error.recipients.values()))[0])) from None
        except smtplib.SMTPNotSupportedError:  # an address in other letters, a server without RFC 6531
            raise MailRejected("SMTPUTF8") from None
        except smtplib.SMTPResponseException as error:
            raise MailFailed(str(error.smtp_code)) from None
        except (OSError, smtplib.SMTPException) as error:
            self._client.close()
            raise MailServerDown(_said(error)) from None
        except (ValueError, UnicodeError):
            raise MailRejected("address") from None

    def try_sender(self, sender: str) -> None:
        """Whether the server would take a mail from ``sender``; none is sent. Raises MailFailed, MailServerDown."""
        try:
            with _bounded(self._client, self._timeout_seconds):
                code, _ = self._client.mail(parseaddr(sender)[1])
                self._client.rset()
        except (OSError, smtplib.SMTPException) as error:
            self._client.close()
            raise MailServerDown(_said(error)) from None
        if code != _TAKEN:
            raise MailFailed(str(code))


def _said(error: Exception) -> str:
    """What went wrong, for the log: a server's code or the system's words, never what was sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}: {error.smtp_code}"
    return f"{type(error).__name__}: {error}" if isinstance(error, OSError) else type(error).__name__


@contextmanager
def _bounded(client: smtplib.SMTP, seconds: int) -> Iterator[None]:
    """Cut the line when the whole of the block takes longer."""
    timer = threading.Timer(seconds, _cut, [client])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(client: smtplib.SMTP) -> None:
    with suppress(OSError):
        if client.sock:
            client.sock.shutdown(socket.SHUT_RDWR)
