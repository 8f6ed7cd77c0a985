"""One exception tree. Errors carry facts, never sentences: those are made at the edge, in ``webui.messages``.

No error carries a password, a key or a hash, so any of them may be logged (DESIGN rule 6).
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from connector.model import Refusal


class MonCompteError(Exception):
    """The root: whatever the product itself raises on purpose."""


class SettingsInvalid(MonCompteError):
    """The settings cannot be used; ``problems`` are sentences for a sysadmin: file, key, what is expected."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SignInRefused(MonCompteError):
    """The one common refusal: unknown, closed, locked, wrong password, wrong key. It does not say which."""


class KeyMistyped(SignInRefused):
    """What was typed has a key's shape and a check character that does not fit: a slip of the finger."""


class DeadKeyReason(Enum):
    """Why a key that once was right is worth nothing now."""

    EXPIRED = "expired"
    SPENT = "spent"  # redeemed, or replaced by a newer one


class KeyDead(MonCompteError):
    """Somebody typed a key that once was right; only they may be told so."""

    def __init__(self, reason: DeadKeyReason, ended: datetime | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.ended = ended


class SessionStale(MonCompteError):
    """What the session proved is no longer true: the password or the key changed elsewhere, or the account closed."""


class ProofRefused(MonCompteError):
    """The current password, asked again before a change, is not right."""


class RescueReason(Enum):
    """Why a rescue address is refused."""

    MALFORMED = "malformed"
    OWN_DOMAIN = "own-domain"  # a mailbox that is lost together with the password


class ChangeRefused(MonCompteError):
    """The new password or the rescue address is not accepted, by us or by the directory; all reasons at once."""

    def __init__(self, refusals: tuple[Refusal, ...] = (), rescue: RescueReason | None = None) -> None:
        super().__init__(", ".join(reason.value for reason in [*(r.reason for r in refusals), rescue] if reason))
        self.refusals = refusals
        self.rescue = rescue


class NothingToChange(MonCompteError):
    """Neither a new password nor a new rescue address was given."""


class DirectoryError(MonCompteError):
    """The directory did not do what it was asked."""


class DirectoryUnavailable(DirectoryError):
    """It cannot be reached or does not answer in time: a 503 for everyone alike, never a wrong password."""


class DirectoryMisconfigured(DirectoryError):
    """It answers, and lacks something we need: a right, a schema, a policy. For the sysadmin's log."""


class Conflict(DirectoryError):
    """Somebody else was first: an exact value is gone, or an assertion no longer holds."""


class MailFailed(MonCompteError):
    """The mail was not accepted now; worth another try later."""


class MailServerDown(MailFailed):
    """The mail server cannot be reached, or does not talk: no use trying the next mail now."""


class MailRejected(MailFailed):
    """The mail server refuses this recipient for good (RFC 5321 5yz); another try is pointless."""
