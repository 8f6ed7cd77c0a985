"""How an account stands: how its owner can sign in now, and everything that keeps them from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from connector.model import Account, By, DeadKeyReason, Status
from connector.settings import Keys

_DAY = timedelta(days=1)


class Hindrance(Enum):
    """What keeps somebody out, or will; the first ones before the others can matter."""

    LOCKED = "locked"  # for good, by an administrator
    SUSPENDED = "suspended"
    CLOSED = "closed"  # expired, deleted, not handed over yet: whatever state lets nobody in
    NOT_BEGUN = "not-begun"
    ENDED = "ended"
    RESTING = "resting"  # for a while, by the password policy: no password opens
    NO_KEY = "no-key"  # and the account is to be activated
    KEY_EXPIRED = "key-expired"
    KEY_WORN_OUT = "key-worn-out"
    NO_RESCUE = "no-rescue-address"
    BOUNCED = "bounced"  # mail to the rescue address came back for good
    MAIL_WAITS = "mail-waits"  # a key's mail is overdue, or was put off
    MAIL_GIVEN_UP = "mail-given-up"
    ENOUGH_TODAY = "enough-today"
    COOLING_DOWN = "cooling-down"


@dataclass(frozen=True, slots=True)
class Standing:
    """``ways`` that open now, ``hindrances``; ``rests_until`` if the policy's lock ends by itself.

    ``may_ask``: from when on the form mails a key; None for never, as things are.
    """

    ways: tuple[By, ...]
    hindrances: tuple[Hindrance, ...]
    rests_until: datetime | None = None
    may_ask: datetime | None = None


def standing(account: Account, now: datetime, rules: Keys, lockout_seconds: int) -> Standing:
    """How ``account`` stands at ``now``, decided as ``Selfcare`` and ``Recovery`` do."""
    is_resting = account.is_resting(now, lockout_seconds)
    shut = _shut(account, now)
    dead = account.key.why_dead(now, rules.max_failures) if account.key else None
    ways = [By.PASSWORD] if account.state.status is Status.ACTIVE and not is_resting else []
    ways += [By.KEY] if account.key and dead is None else []
    may_ask = _may_ask(account, now, rules)
    found = [
        *shut,
        *([Hindrance.RESTING] if is_resting else []),
        *_about_key(account, dead),
        *_about_mails(account, now, rules, may_ask),
    ]
    rests = is_resting and lockout_seconds and account.locked_since
    until = rests + timedelta(seconds=lockout_seconds) if rests else None
    return Standing(() if shut else tuple(ways), tuple(found), until, None if shut else may_ask)


def _shut(account: Account, now: datetime) -> list[Hindrance]:
    """Why the account is not eligible."""
    state, today = account.state, now.astimezone(account.state.zone).date()
    is_closed = state.status is Status.CLOSED
    is_suspended = is_closed and (state.value or "").upper().partition("}")[2].startswith("S")
    facts = {
        Hindrance.LOCKED: account.is_locked,
        Hindrance.SUSPENDED: is_suspended,
        Hindrance.CLOSED: is_closed and not is_suspended,
        Hindrance.NOT_BEGUN: state.since is not None and state.since > today,
        Hindrance.ENDED: state.until is not None and state.until < today,
    }
    return [hindrance for hindrance, is_true in facts.items() if is_true]


def _about_key(account: Account, dead: DeadKeyReason | None) -> list[Hindrance]:
    if dead:
        return [Hindrance.KEY_WORN_OUT if dead is DeadKeyReason.WORN_OUT else Hindrance.KEY_EXPIRED]
    return [Hindrance.NO_KEY] if not account.key and account.state.status is Status.TO_ACTIVATE else []


def _about_mails(account: Account, now: datetime, rules: Keys, may_ask: datetime | None) -> list[Hindrance]:
    waits = account.mail_due is not None and (account.mail_due <= now or account.mail_failures > 0)
    facts = {
        Hindrance.NO_RESCUE: not account.key_address(now),
        Hindrance.BOUNCED: account.rescue is not None and account.bounced is not None,
        Hindrance.MAIL_WAITS: waits,
        Hindrance.MAIL_GIVEN_UP: account.mail_due is None and account.mail_failures > 0,
        Hindrance.ENOUGH_TODAY: len(mails_of_the_day(account, now)) >= rules.mails_a_day,
    }
    found = [hindrance for hindrance, is_true in facts.items() if is_true]
    is_cooling = may_ask is not None and may_ask > now and Hindrance.ENOUGH_TODAY not in found
    return [*found, *([Hindrance.COOLING_DOWN] if is_cooling else [])]


def mails_of_the_day(account: Account, now: datetime) -> list[datetime]:
    """When keys were mailed in the last 24 hours, the oldest first."""
    return [instant for instant in account.keys_mailed if timedelta(0) <= now - instant < _DAY]


def _may_ask(account: Account, now: datetime, rules: Keys) -> datetime | None:
    """When the form would mail a key again (``Recovery``): after the pause, and once fewer than a day's were mailed."""
    if not account.key_address(now):
        return None
    today = mails_of_the_day(account, now)
    pause = [instant + timedelta(seconds=rules.cooldown_seconds) for instant in today]
    day = [today[-rules.mails_a_day] + _DAY] if len(today) >= rules.mails_a_day else []
    return max([now, *pause, *day])
