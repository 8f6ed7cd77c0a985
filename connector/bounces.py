"""Mail that comes back for good: whose rescue address it was, and the flag that it leaves in their entry.

Two ways to hear of it: the mail server refuses the recipient at once, or takes the mail and sends a delivery status
notification (RFC 3464) later. That one may be anybody's forgery: it counts only with the Message-ID that we gave, which
names the person and the address to us alone (``connector.vault.Postmark``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from enum import Enum

from connector.choices import TURNS
from connector.directory import Directory
from connector.errors import Conflict, DirectoryUnavailable
from connector.model import Uid
from connector.vault import Postmark
from connector.wording import _

LARGEST = 1 << 20  # octets of a notification; ours come back with a mail of some ten thousand
# Of parts in parts and of a header's parameters a hostile mail may hold so many that reading it takes a minute.
_PARSED_AT_MOST = {b"boundary": 20, b";": 10_000}
_FOR_GOOD = re.compile(r"5\.(?!7\.)[0-9]{1,3}\.[0-9]{1,3}\b")  # RFC 3463; 5.7.* is policy: about us, not the address
_MESSAGE_ID = re.compile(r"\s*<([0-9A-Za-z_-]{1,1000}={0,2})@[^<>@\s]+>\s*")


class Bounced(Enum):
    """What became of mail that came back, in the audit's words."""

    FLAGGED = "flagged"
    BEFORE = "already-flagged"
    TOO_LARGE = "too-large"
    NO_REPORT = "no-delivery-report"  # an answer, a vacation, a notification that is broken or inside another mail
    NOT_FOR_GOOD = "not-for-good"  # late, delivered, 4.*, or refused for a reason that is not the address
    NOT_OURS = "not-our-mail"  # or a forgery
    UNKNOWN = "unknown"  # nobody has that login any more, or two have
    ANOTHER_ADDRESS = "another-address"  # it was changed since, or the mail went to a former one


def flag(directory: Directory, uid: str, is_it: Callable[[str], bool], now: datetime) -> Bounced:
    """Flag the rescue address of ``uid``, if it still ``is_it`` and has no flag yet. Raises DirectoryError."""
    for _turn in range(TURNS):
        account = directory.find([Uid(uid)])
        if account is None:
            return Bounced.UNKNOWN
        if account.rescue is None or not is_it(account.rescue):
            return Bounced.ANOTHER_ADDRESS
        if account.bounced:
            return Bounced.BEFORE
        with suppress(Conflict):
            directory.flag_bounced(account, now)
            return Bounced.FLAGGED
    raise DirectoryUnavailable(_("somebody else was first, again and again"))


def take(directory: Directory, postmark: Postmark, octets: bytes, now: datetime) -> tuple[Bounced, str | None]:
    """What became of a notification, and whose it was, as far as that is known. Raises DirectoryError."""
    found = _failed(octets)
    if isinstance(found, Bounced):
        return found, None
    addressee = postmark.read(found)
    if addressee is None:
        return Bounced.NOT_OURS, None
    return flag(directory, addressee.uid, addressee.had, now), addressee.uid


def _failed(octets: bytes) -> str | Bounced:
    """The left side of the Message-ID of the mail that failed for good; or why there is none."""
    if len(octets) > LARGEST:
        return Bounced.TOO_LARGE
    if any(octets.lower().count(word) > most for word, most in _PARSED_AT_MOST.items()):
        return Bounced.NO_REPORT
    try:
        return _read(message_from_bytes(octets))
    except Exception:  # the standard parser means never to raise, and on broken mails does: whoever likes wrote it
        return Bounced.NO_REPORT


def _read(report: Message) -> str | Bounced:
    """As ``_failed``; of the three parts of RFC 3462 §3, nothing deeper. Raises whatever a broken mail makes it."""
    kind = str(report.get_param("report-type")).lower()
    if report.get_content_type() != "multipart/report" or kind != "delivery-status":
        return Bounced.NO_REPORT
    _words, status, *returned = _parts(report)
    if status.get_content_type() != "message/delivery-status":
        return Bounced.NO_REPORT
    recipients = [fields for fields in _parts(status) if "action" in fields]
    if not recipients or not all(map(_is_for_good, recipients)):
        return Bounced.NOT_FOR_GOOD
    ids = _headers(returned[0]).get_all("message-id", []) if returned else []
    found = _MESSAGE_ID.fullmatch(str(ids[0])) if len(ids) == 1 else None
    return found[1] if found else Bounced.NOT_OURS


def _is_for_good(fields: Message) -> bool:
    """RFC 3464 §2.3.3 and §2.3.4."""
    is_failed = str(fields["action"]).strip().lower() == "failed"
    return is_failed and _FOR_GOOD.match(str(fields["status"]).strip()) is not None


def _headers(returned: Message) -> Message:
    """The mail that came back, whole or its headers alone (RFC 3462 §2)."""
    kind, octets = returned.get_content_type(), returned.get_payload(decode=True)
    if kind == "text/rfc822-headers" and isinstance(octets, bytes):
        return message_from_bytes(octets)
    return _parts(returned)[0] if kind == "message/rfc822" else Message()


def _parts(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []
