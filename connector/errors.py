"""One exception tree. Errors carry facts, never sentences: those are made at the edge, in ``webui.messages``.

No error carries a password, a key or a hash, so any of them may be logged (DESIGN rule 6).
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from connector.model import DeadKeyReason, Refusal


class MonCompteError(Exception):
    """The root: whatever the product itself raises on purpose.

    For the audit alone, never for an answer: ``word``, the reason in one word, and ``uid``, whose account it is about.
    """

    word = "refused"
    uid: str | None = None


class SettingsInvalid(MonCompteError):
    """The settings cannot be used; ``problems`` are sentences for a sysadmin: file, key, what is expected."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Throttled(MonCompteError):
    """Too many tries, by this source, at this identifier, or in all; the next one counts after ``retry_after`` seconds.

    ``word`` says which limit it was.
    """

    def __init__(self, word: str, retry_after: int) -> None:
        super().__init__(word)
        self.word = word
        self.retry_after = retry_after


class Shut(Enum):
    """Why nobody came in; for the audit."""

    UNKNOWN = "unknown"  # nobody, or two people, answer to the identifier
    CLOSED = "closed"
    LOCKED = "locked"
    RESTING = "resting"  # locked for a while by the password policy
    ENOUGH = "too-many-binds-per-account"  # one more failure, and the policy might lock it: the decoy was tried
    WRONG_KEY = "wrong-key"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 (a word)
    MISTYPED_KEY = "mistyped-key"
    NO_MEMBER = "no-member"  # these are of the desk's door: of no group of operators any more
    NOT_ENROLLED = "not-enrolled"
    NO_OFFER = "no-enrolment-offered"  # the enrolment code was used, has expired, or there was none
    WRONG_CODE = "wrong-code"
    REPLAYED_CODE = "replayed-code"  # right, and used before
    SHUT_FACTOR = "second-factor-shut"  # after too many wrong codes in a row
    UNREADABLE_FACTOR = "second-factor-unreadable"  # sealed with another key, or for somebody else


class SignInRefused(MonCompteError):
    """The one common refusal: unknown, closed, locked, wrong password, wrong key. The page does not say which."""

    def __init__(self, why: Shut = Shut.UNKNOWN, uid: str | None = None) -> None:
        super().__init__()
        self.word, self.uid = why.value, uid


class KeyMistyped(SignInRefused):
    """What was typed has a key's shape and a check character that does not fit: a slip of the finger."""


class KeyDead(MonCompteError):
    """Somebody typed a key that once was right; only they may be told so."""

    def __init__(self, reason: DeadKeyReason, ended: datetime | None = None, uid: str | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.ended = ended
        self.word, self.uid = f"key-{reason.value}", uid


class SessionStale(MonCompteError):
    """What the session proved is no longer true: the password or the key changed elsewhere, or the account closed."""

    word = "session-stale"


class CharterDue(MonCompteError):
    """Somebody is who they say, and has not accepted the charter's present version: nothing before that."""


class ProofRefused(MonCompteError):
    """The current password, asked again before a change, is not right."""

    word = "wrong-current-password"


class FactorRefused(ProofRefused):
    """An operator's code is not right, was used before, or opens nothing any more."""

    def __init__(self, why: Shut, uid: str) -> None:
        super().__init__()
        self.why, self.word, self.uid = why, why.value, uid


class RescueReason(Enum):
    """Why a rescue address is refused."""

    MALFORMED = "malformed"
    TOO_LONG = "too-long"
    SEVERAL = "several"  # more than one address
    ACCENTED = "accented"  # not ASCII before the @: needs RFC 6531, and a directory that keeps it
    NOWHERE = "nowhere"  # a special-use domain (RFC 6761), where no mail ever arrives
    LIST = "list"  # a host of mailing lists: several people would read the key
    OWN_DOMAIN = "own-domain"  # a mailbox that is lost together with the password
    FROZEN = "frozen"  # whatever it is: till Account.frozen_until only a session opened by a key changes it


class ChangeRefused(MonCompteError):
    """The new password or the rescue address is not accepted, by us or by the directory; all reasons at once."""

    def __init__(self, refusals: tuple[Refusal, ...] = (), rescue: RescueReason | None = None) -> None:
        super().__init__(", ".join(reason.value for reason in [*(r.reason for r in refusals), rescue] if reason))
        self.refusals = refusals
        self.rescue = rescue
        self.word = "choice-refused"


class NothingToChange(MonCompteError):
    """Neither a new password nor a new rescue address was given."""

    word = "nothing-to-change"


class NothingToProve(MonCompteError):
    """No code is awaited: the rescue address is proved and none waits, there is none, or no code was asked for yet."""

    word = "nothing-to-prove"


class CodeRefused(MonCompteError):
    """The code is wrong; with ``tries_left`` 0 another has to be asked for, and even the right one counts no more."""

    word = "wrong-code"

    def __init__(self, tries_left: int) -> None:
        super().__init__(str(tries_left))
        self.tries_left = tries_left


class CodeExpired(MonCompteError):
    """Right or wrong, the code's time is over: another has to be asked for."""

    word = "code-expired"


class OppositionRefused(MonCompteError):
    """*It was not me*, said with a wrong code, by a stranger, or too late: one refusal for all.

    ``uid`` is for the audit: whose login was typed, if it is anybody's.
    """

    word = "wrong-code"

    def __init__(self, uid: str | None = None) -> None:
        super().__init__()
        self.uid = uid


class FileRefused(MonCompteError):
    """A file of the operator's cannot be made; the text says which and what to do."""


class BatchRefused(FileRefused):
    """A file of a batch cannot be made or gone on from."""


class Obstacle(Enum):
    """Why an operator's act on one account was not done."""

    UNKNOWN = "unknown"  # nobody of the population answers to what was typed
    SEVERAL = "several"  # the portal treats them as nobody
    NO_LOGIN = "no-login"  # an entry that cannot be an account
    NO_KEY = "no-key"
    NOT_LOCKED = "not-locked"
    LOCKED_FOR_GOOD = "locked-for-good"  # by an administrator, who alone may end it
    SAME_ADDRESS = "same-address"
    NO_RESCUE = "no-rescue-address"
    NO_DESK = "no-desk"  # the settings name no group of operators
    NO_OPERATOR = "no-operator"  # no entry with the class moncompteOperator answers to the login
    VAGUE = "vague"  # too few letters to look for anybody by name
    NOT_SERVED = "not-served"  # of none of the operator's components, or the operator is of no group any more
    OPERATOR = "operator"  # the operator's own entry, or another's: no operator acts on either
    SHUT = "shut"  # by the administration, suspended or locked: no act of the desk's opens it, so none is done
    CLOSED = "closed"  # expired, deleted, not begun: no key would open it
    ENOUGH_TODAY = "enough-today"  # keys mailed
    NO_REASON = "no-reason"  # none of those that the settings list
    NO_DOCUMENT = "no-document"


class ActRefused(MonCompteError):
    """What an operator asked for cannot be done; ``dns`` are the entries that answer, where that is not one account."""

    def __init__(self, why: Obstacle, uid: str | None = None, dns: tuple[str, ...] = ()) -> None:
        super().__init__(why.value)
        self.why, self.dns = why, dns
        self.word, self.uid = why.value, uid


class DirectoryError(MonCompteError):
    """The directory did not do what it was asked."""

    word = "directory-error"


class DirectoryUnavailable(DirectoryError):
    """It cannot be reached or does not answer in time: a 503 for everyone alike, never a wrong password."""

    word = "directory-unavailable"


class DirectoryMisconfigured(DirectoryError):
    """It answers, and lacks something we need: a right, a schema, a policy. For the sysadmin's log."""

    word = "directory-misconfigured"


class Conflict(DirectoryError):
    """Somebody else was first: an exact value is gone, or an assertion no longer holds."""

    word = "conflict"


class RequestsFull(MonCompteError):
    """So many requests for help wait already that no other is taken: the mail server is down, or somebody floods us."""

    word = "too-many-requests"


class LetterRefused(MonCompteError):
    """A letter that cannot be printed as it should; ``problems`` are sentences for a sysadmin, without the key."""

    def __init__(self, uid: str, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.uid = uid
        self.problems = problems


class UnknownFormat(MonCompteError):
    """A file is asked for in a format that we do not write."""


class MailFailed(MonCompteError):
    """The mail was not accepted now; worth another try later."""


class RecipientRefused(MailFailed):
    """The mail server says that the address will never take a mail; it may be wrong about it for an hour."""


class MailServerDown(MailFailed):
    """The mail server cannot be reached, or does not talk: no use trying the next mail now."""


class MailRejected(MailFailed):
    """There is no address that a mail could be sent to; another try is pointless."""
