"""Delivery status notifications as mail servers write them (RFC 3464), about a mail that the mailbox caught."""

from __future__ import annotations

from email import message_from_bytes, policy

from connector.demo.mailbox import CaughtMail

TEMPLATE = """\
Return-Path: <>
From: MAILER-DAEMON@mx.universite.example (Mail Delivery System)
To: ne-pas-repondre@universite.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="=_report"

This is a MIME-encapsulated message.

--=_report
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.universite.example.
I'm sorry to have to inform you that your message could not be delivered.

--=_report
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.universite.example
X-Postfix-Queue-ID: 1B2C3D4E5F
Arrival-Date: Sun, 22 Nov 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; jeanne@courriel.example
Original-Recipient: rfc822;jeanne@courriel.example
Action: {action}
Status: {status}
Remote-MTA: dns; mx.courriel.example
Diagnostic-Code: smtp; 550 5.1.1 <jeanne@courriel.example>: Recipient address
    rejected: User unknown

--=_report
Content-Description: Undelivered Message{headers_alone}
Content-Type: {returned_type}

{returned}
--=_report--
"""


def report(
    mail: CaughtMail | str,
    action: str = "failed",
    status: str = "5.1.1",
    *,
    kind: str = "delivery-status",
    headers_alone: bool = False,
) -> bytes:
    """The notification that ``mail``, or one with that Message-ID, came to this; with the mail or its headers alone."""
    returned = f"Message-ID: {mail}\nSubject: Mon compte\n\nBonjour\n" if isinstance(mail, str) else _text(mail)
    if headers_alone:
        returned = returned.partition("\n\n")[0] + "\n"
    text = TEMPLATE.format(
        kind=kind,
        action=action,
        status=status,
        headers_alone=" Headers" if headers_alone else "",
        returned_type="text/rfc822-headers" if headers_alone else "message/rfc822",
        returned=returned,
    )
    return text.encode()


def message_id(mail: CaughtMail) -> str:
    return str(message_from_bytes(mail.octets, policy=policy.default)["Message-ID"])


def _text(mail: CaughtMail) -> str:
    return mail.octets.decode("ascii").replace("\r\n", "\n")
