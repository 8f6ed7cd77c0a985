"""The mail server: reached, trusted, and ready to take mail from our sender; none is sent."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.finding import Finding, broken, ok, warning
from connector.errors import MailFailed, MailServerDown
from connector.mail import Mailer
from connector.settings import Settings

_LOCAL = ("localhost", "127.", "::1")


def examine(settings: Settings) -> Iterator[Finding]:
    """One conversation, up to MAIL FROM."""
    mail = settings.mail
    where = f"{mail.host}:{mail.port}"
    try:
        with Mailer(settings).session() as session:
            session.try_sender(mail.sender)
    except MailServerDown as error:
        yield broken("mail-server", f"{where}: {error}", _remedy(str(error)))
        return
    except MailFailed as error:
        said = f"{where} takes no mail from {mail.sender} ({error})"
        yield broken(
            "mail-sender", said, "[mail] sender, username and password; or let that server relay for this host"
        )
        return
    yield ok("mail-server", f"{where} takes mail from {mail.sender}")
    if mail.tls == "none" and not mail.host.startswith(_LOCAL):
        yield warning("mail-tls", f"mails with keys travel to {where} in clear", '[mail] tls = "starttls"')


def _remedy(said: str) -> str:
    if "ertificate" in said:
        return "[mail] host must be a name in its certificate, ca_file the authority that signed it"
    if "NotSupported" in said:
        return '[mail] tls: "starttls" asks what this server does not offer; "tls" for port 465, "none" on this machine'
    if "Authentication" in said:
        return "[mail] username and password"
    return "[mail] host, port and tls; is that server running, and may this host reach it?"
