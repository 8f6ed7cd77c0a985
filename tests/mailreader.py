"""What a mail program makes of a mail that the portal wrote."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

from connector import mime


def as_read(mail: EmailMessage) -> EmailMessage:
    """The mail as it arrives, part by part, its lines as they are on this host."""
    octets = mime.octets(mail, utf8=not str(mail["To"]).isascii()).replace(b"\r\n", b"\n")
    back = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(back, EmailMessage)
    return back
