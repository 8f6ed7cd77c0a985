"""Against programs that fill in a form, without asking anybody to prove that they are human.

A field that people do not see; a ticket, signed and dated when the page was made, that serves once and not at once.
While there are unusually many requests the ticket must be a minute old, which who writes a letter hardly notices, or
come with a proof of work (``work.js``): no wall for who has no script, only a wait.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import Enum

from itsdangerous import BadData, URLSafeSerializer

from connector import keys
from connector.portal import Portal

WORK_BITS = 16  # some 65,000 hashes: a second or two
_LEAST_SECONDS = 3
_LEAST_UNDER_ATTACK = 60
_LONGEST = timedelta(days=1)


class Verdict(Enum):
    """What is to be done with a form that was sent."""

    GOOD = "good"
    TOO_QUICK = "too-quick"  # nobody reads and writes so fast
    TOO_SOON = "too-soon"  # under attack: neither a minute old, nor worked for
    NO_TICKET = "no-ticket"  # none of ours, or too old
    USED = "used"  # it has brought a request already


def ticket(portal: Portal) -> str:
    """For the page that is made now."""
    return str(_signed(portal).dumps([keys.random_id(), int(portal.now().timestamp())]))


def judge(portal: Portal, typed: str, work: str) -> Verdict:
    """Whether a form with this ticket, and this work or none, is good now; one that is, is used up.

    A ticket of a portal whose clock is a little ahead only has to grow older.
    """
    age = _age(portal, typed)
    if age is None:
        return Verdict.NO_TICKET
    if age < _LEAST_SECONDS:
        return Verdict.TOO_QUICK
    if age < _LEAST_UNDER_ATTACK and not (portal.throttle.is_at_ease or is_worked(typed, work)):
        return Verdict.TOO_SOON
    return Verdict.GOOD if portal.throttle.is_first_use(typed) else Verdict.USED


def give_back(portal: Portal, typed: str) -> None:
    """The ticket brought no request after all: the same page may be sent again."""
    portal.throttle.forget_use(typed)


def is_worked(typed: str, work: str) -> bool:
    """Whether SHA-256 of ``ticket:work`` begins with ``WORK_BITS`` zero bits."""
    digest = hashlib.sha256(f"{typed}:{work[:20]}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:4]) >> (32 - WORK_BITS) == 0


def _age(portal: Portal, typed: str) -> int | None:
    """In seconds; None for a ticket that is not ours, or older than a day."""
    try:
        _name, made = _signed(portal).loads(typed)
        age = int(portal.now().timestamp()) - int(made)
    except (BadData, ValueError, TypeError):
        return None
    return age if age <= _LONGEST.total_seconds() else None


def _signed(portal: Portal) -> URLSafeSerializer:
    newest, *older = portal.settings.web.secret_keys
    digest = {"digest_method": hashlib.sha256}
    return URLSafeSerializer([*reversed(older), newest], salt="assistance", signer_kwargs=digest)
