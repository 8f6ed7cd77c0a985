"""The mail server: reached, trusted, and ready to take mail from our sender; none is sent."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.finding import Finding, broken, ok, warning
from connector.errors import MailFailed, MailServerDown
from connector.mail import Mailer
from connector.settings import Settings
from connector.wording import _, in_words

_LOCAL = ("localhost", "127.", "::1")


def examine(settings: Settings) -> Iterator[Finding]:
    """One conversation, up to MAIL FROM."""
    mail = settings.mail
    where = f"{mail.host}:{mail.port}"
    try:
        with Mailer(settings).session() as session:
            session.try_sender(mail.sender)
    except MailServerDown as error:
        said = _("%(what)s: %(said)s", what=where, said=in_words(str(error)))
        yield broken("mail-server", said, _remedy(str(error)))
        return
    except MailFailed as error:
        said = _("%(where)s takes no mail from %(sender)s (%(error)s)", where=where, sender=mail.sender, error=error)
        remedy = _("[mail] sender, username and password; or let that server relay for this host")
        yield broken("mail-sender", said, remedy)
        return
    yield ok("mail-server", _("%(where)s takes mail from %(sender)s", where=where, sender=mail.sender))
    if mail.tls == "none" and not mail.host.startswith(_LOCAL):
        said = _("mails with keys travel to %(where)s in clear", where=where)
        yield warning("mail-tls", said, '[mail] tls = "starttls"')


def _remedy(said: str) -> str:
    if "ertificate" in said:
        return _("[mail] host must be a name in its certificate, ca_file the authority that signed it")
    if "NotSupported" in said:
        return _(
            '[mail] tls: "starttls" asks what this server does not offer; "tls" for port 465, "none" on this machine'
        )
    if "Authentication" in said:
        return _("[mail] username and password")
    return _("[mail] host, port and tls; is that server running, and may this host reach it?")
