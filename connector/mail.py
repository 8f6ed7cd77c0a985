"""Mails sent by SMTP: the only place that speaks it.

A conversation is bounded as a whole: smtplib's timeout bounds each socket operation, so a server that drips one byte
now and then would keep a thread for ever.
"""

from __future__ import annotations

import io
import math
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from connector import metrics, mime
from connector.clock import elapsed_seconds
from connector.errors import MailFailed, MailRejected, MailServerDown, RecipientRefused
from connector.settings import Settings

_TOLERATED = 1.1  # what a wait may exceed its bound by; less would cost a system call each time
_READY, _TAKEN = 220, 250  # RFC 5321 §4.3.2
_RECIPIENT_TAKEN = {250, 251}
_OF_THE_ADDRESS = {550, 551, 552, 553, 554}  # RFC 5321 §4.2.3; the other 5yz speak of commands, or of signing in
_ENHANCED = re.compile(rb"5\.([0-9]{1,3})\.[0-9]{1,3}\b")  # RFC 2034: the reply begins with it


class Mailer:
    """One SMTP conversation at a time, kept open for as long as the block that asked for it lasts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.mail
        self._helo = settings.mail.helo or urlsplit(settings.web.portal_url).hostname

    @contextmanager
    def session(self) -> Iterator[MailSession]:
        """A conversation with the server, for any number of mails. Raises MailServerDown."""
        client, seconds = self._opened(), self._settings.timeout_seconds
        try:
            yield MailSession(client, seconds)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                client.allow(seconds)
                client.quit()  # does nothing on a line that broke
            client.close()

    @metrics.smtp("connect")
    def _opened(self) -> _Client:
        client = None
        try:
            client = self._client()
            client.allow(self._settings.timeout_seconds)
            self._greet(client)
        except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: a host name that is none
            if client:
                client.close()
            raise MailServerDown(_said(error)) from None
        return client

    def _client(self) -> _Client:
        if self._settings.tls == "tls":
            return _TlsClient(
                timeout=self._settings.timeout_seconds, local_hostname=self._helo, context=self._tls_context()
            )
        return _Client(timeout=self._settings.timeout_seconds, local_hostname=self._helo)

    def _greet(self, client: _Client) -> None:
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

    def __init__(self, client: _Client, timeout_seconds: int) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds

    @metrics.smtp("send")
    def send(self, message: EmailMessage) -> None:
        """Send one mail. Raises MailRejected (no use trying again), MailServerDown, or MailFailed (later).

        RecipientRefused is one that may be tried later too: a mail server that is set up wrongly for an hour must not
        cost anybody their mail.
        """
        try:
            self._client.allow(self._timeout_seconds)
            self._hand_over(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise (RecipientRefused if _is_the_address(code, said) else MailFailed)(str(code)) from None
        except smtplib.SMTPNotSupportedError:  # an address in other letters, a server without RFC 6531
            raise MailRejected("SMTPUTF8") from None
        except smtplib.SMTPResponseException as error:
            raise MailFailed(str(error.smtp_code)) from None
        except (OSError, smtplib.SMTPException) as error:
            self._client.close()
            raise MailServerDown(_said(error)) from None
        except (ValueError, UnicodeError):
            raise MailRejected("address") from None

    def _hand_over(self, message: EmailMessage) -> None:
        sender, to = (message[header].addresses[0].addr_spec for header in ("From", "To"))
        if f"{sender}{to}".isascii():
            self._client.hand_over(sender, to, mime.octets(message))
        else:  # RFC 6531
            self._client.sendmail(sender, to, mime.octets(message, utf8=True), ["SMTPUTF8", "BODY=8BITMIME"])

    def try_sender(self, sender: str) -> None:
        """Whether the server would take a mail from ``sender``; none is sent. Raises MailFailed, MailServerDown."""
        try:
            self._client.allow(self._timeout_seconds)
            code, _ = self._client.mail(parseaddr(sender)[1])
            self._client.rset()
        except (OSError, smtplib.SMTPException) as error:
            self._client.close()
            raise MailServerDown(_said(error)) from None
        if code != _TAKEN:
            raise MailFailed(str(code))


def _is_the_address(code: int, said: bytes) -> bool:
    """Whether a refused RCPT is about the address for good, and not about us: policy and relaying (RFC 3463 §3.8)."""
    found = _ENHANCED.match(said)
    return code in _OF_THE_ADDRESS and (found is None or found[1] != b"7")


def _said(error: Exception) -> str:
    """What went wrong, for the log: a server's code or the system's words, never what was sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}: {error.smtp_code}"
    return f"{type(error).__name__}: {error}" if isinstance(error, OSError) else type(error).__name__


class _Client(smtplib.SMTP):
    """Talks and listens until a deadline: ``allow``."""

    _deadline = math.inf

    def allow(self, seconds: int) -> None:
        """What follows, up to the next such call, may take so long as a whole."""
        self._deadline = elapsed_seconds() + seconds

    def hurried(self) -> socket.socket:
        """The line, which waits no longer than what is left. Raises TimeoutError."""
        left = self._deadline - elapsed_seconds()
        if left <= 0:
            raise TimeoutError("timed out")
        if not self.sock:
            raise smtplib.SMTPServerDisconnected
        if not left <= (self.sock.gettimeout() or math.inf) <= left * _TOLERATED:
            self.sock.settimeout(left)
        return self.sock

    def hand_over(self, sender: str, to: str, octets: bytes) -> None:
        """A mail for one address, which is told together with the sender where the server agrees (RFC 2920 §3.1).

        Not DATA with them: it would be one more error to a server that counts them, for each address that is wrong.
        Raises what ``sendmail`` does.
        """
        if not self.has_extn("pipelining"):
            self.sendmail(sender, to, octets)
            return
        if not f"{sender}{to}".isprintable():
            raise ValueError("an address of several lines")
        size = f" SIZE={len(octets)}" if self.has_extn("size") else ""
        self.send(f"MAIL FROM:<{sender}>{size}\r\nRCPT TO:<{to}>\r\n")
        from_, recipient = self.getreply(), self._next_reply()
        try:
            if from_[0] != _TAKEN:
                raise smtplib.SMTPSenderRefused(*from_, sender)
            if recipient[0] not in _RECIPIENT_TAKEN:
                raise smtplib.SMTPRecipientsRefused({to: recipient})
            end = self.data(octets)
            if end[0] != _TAKEN:
                raise smtplib.SMTPDataError(*end)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            with suppress(smtplib.SMTPServerDisconnected):
                self.rset()
            raise

    def _next_reply(self) -> tuple[int, bytes]:
        """The reply after another, which tells more than a line that broke since: that is a 451 (RFC 5321 §3.8)."""
        try:
            return self.getreply()
        except smtplib.SMTPServerDisconnected:
            return 451, b"closed"

    def send(self, s: Any) -> None:
        """As smtplib's own, which every command goes through."""
        self.hurried()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's own, which reads every answer from ``file``."""
        self.file = self.file or io.BufferedReader(_Hearing(self))
        return super().getreply()


class _TlsClient(_Client, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


class _Hearing(io.RawIOBase):
    """What the server says; each wait for more of it is bounded by what is left."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._client.hurried().recv_into(buffer)
