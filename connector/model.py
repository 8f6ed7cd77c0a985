"""The nouns: frozen dataclasses that every floor may pass around. No behaviour beyond answering about themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum, IntEnum
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Identifier:
    """What a person typed to be found, normalised; one of the three kinds below."""

    value: str


class Uid(Identifier):
    """A login, such as ``jmartin001``; compared without regard to case by the directory."""


class Ine(Identifier):
    """An INE (identifiant national étudiant): 11 characters of ``0-9A-Z``. It identifies; it proves nothing."""


class StudentNumber(Identifier):
    """The university's own student number (``supannEtuId``), case-exact."""


class Status(Enum):
    """What an account's state allows (SUPANN 2019, ``supannRessourceEtat`` of the label ``{COMPTE}``)."""

    TO_ACTIVATE = "to-activate"  # I:SupannCree: operational, its owner has not taken it over
    ACTIVE = "active"  # A:*, or a directory that keeps no state
    CLOSED = "closed"  # S:*, expired, deleted, pre-created, or outside its dates: no key, no sign-in


@dataclass(frozen=True, slots=True)
class AccountState:
    """The account's state as read: ``status`` for decisions, the raw values for the exact-value Modify."""

    status: Status
    value: str | None = None  # e.g. "{COMPTE}I:SupannCree"
    dated: str | None = None  # e.g. "{COMPTE}I:SupannCree:20260901:"
    since: date | None = None  # the first and the last day of the state, both included
    until: date | None = None
    zone: tzinfo = UTC  # where those days begin and end

    def is_open(self, now: datetime) -> bool:
        """Whether the state lets anybody in today."""
        today = _day(now, self.zone)
        begun = self.since is None or self.since <= today
        return self.status is not Status.CLOSED and begun and (self.until is None or today <= self.until)


@lru_cache(maxsize=16)
def _day(now: datetime, zone: tzinfo) -> date:
    """Which day it is there; asked forty thousand times in a second, of one instant."""
    return now.astimezone(zone).date()


class Origin(Enum):
    """Where a key was handed over; decides its lifetime (NIST SP 800-63B-4 §4.2.1.2) and the wording."""

    LETTER = "letter"
    MAIL = "mail"
    DESK = "desk"


class DeadKeyReason(Enum):
    """Why a key that once was right is worth nothing now."""

    EXPIRED = "expired"
    SPENT = "spent"  # redeemed, or replaced by a newer one
    WORN_OUT = "worn-out"  # too many wrong keys were typed against it (NIST SP 800-63B-4 §3.2.2)


@dataclass(frozen=True, slots=True)
class PendingKey:
    """The one live key of a person as the directory stores it: a hash, never the key."""

    hash: str = field(repr=False)
    issued: datetime | None
    expiry: datetime | None  # None: the entry says no end, which counts as expired
    origin: Origin | None
    failures: int = 0

    def is_expired(self, now: datetime) -> bool:
        """True from the very second of ``expiry`` on, and when no expiry was written."""
        return self.expiry is None or self.expiry <= now

    def why_dead(self, now: datetime, max_failures: int) -> DeadKeyReason | None:
        """Why this key opens nothing any more, though it was never used nor replaced; None while it does."""
        if self.failures >= max_failures:
            return DeadKeyReason.WORN_OUT
        return DeadKeyReason.EXPIRED if self.is_expired(now) else None


class Asked(Enum):
    """What became of a request for a key; for the audit alone."""

    MAILED = "mailed"  # owed, that is
    UNKNOWN = "unknown"
    CLOSED = "closed"
    NO_RESCUE = "no-rescue-address"
    COOLING_DOWN = "cooling-down"
    ENOUGH_TODAY = "enough-today"
    ANOTHER_WAS_FIRST = "another-was-first"


class Happened(Enum):
    """What a notice tells about."""

    ACTIVATED = "activated"
    PASSWORD = "password"  # noqa: S105 (a word)
    RESCUE = "rescue"
    RESCUE_FIRST = "first-rescue"  # there was none before
    RESCUE_REMOVED = "removed-rescue"  # by an operator
    RESCUE_FROZEN = "frozen-rescue"  # a change was said not to be its owner's, and undone
    CODE = "code"  # nothing yet: the mail brings the code that proves the address
    AWAITED = "awaited"  # nothing, though it should have: a reminder to activate the account


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is owed: what ``happened`` and which address must hear of it.

    ``raw`` is the directory's exact value, which whoever claims or settles the notice must name. A value that makes no
    sense is a notice without an address, long overdue: it is dropped by whoever meets it.
    """

    happened: tuple[Happened, ...]
    address: str
    due: datetime
    tries: int = 0
    raw: str = ""


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """What somebody wrote who could do nothing else; none of it is verified, nobody was looked up for it.

    It is mailed to the help desk before ``due``; ``tries`` so far. ``is_given_up``: no mail goes any more, an operator
    reads it in the desk's queue. ``raw`` is the directory's exact value, whoever settles it must name it.
    """

    number: str  # names it in the audit and to its writer; tells nothing
    received: datetime
    name: str
    born: str
    identifier: str
    subject: str
    text: str = field(repr=False)
    answer_to: str = field(repr=False)
    due: datetime
    tries: int = 0
    is_given_up: bool = False
    raw: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RescueCode:
    """A six-digit code was mailed to ``address`` at ``issued``; the code itself is kept nowhere (``connector.otp``).

    ``raw`` is the directory's exact value, so that of two tries at once one counts first.
    """

    issued: datetime
    tries: int
    address: str
    raw: str = ""

    def is_alive(self, now: datetime, life: timedelta) -> bool:
        """Whether its time lasts; one from a clock that ran ahead by more than ``life`` is none."""
        return abs(now - self.issued) < life


@dataclass(frozen=True, slots=True)
class Former:
    """The proved rescue address that goes on getting the keys until ``until``, though another is set."""

    until: datetime
    address: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Which version of the charter its owner accepted, and when."""

    version: str
    at: datetime


class By(Enum):
    """How a session was opened."""

    PASSWORD = "password"  # noqa: S105 (a word)
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a call comes from, for the limits and the audit; it proves nothing.

    ``source`` is the IP address of the browser, empty on the command line; ``request`` ties the lines of one request
    together.
    """

    source: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A person's entry, as the portal may see it; a snapshot, true when it was read."""

    dn: str
    uid: str
    name: str
    ines: tuple[str, ...] = ()
    language: str | None = None
    state: AccountState = AccountState(Status.ACTIVE)
    key: PendingKey | None = None
    spent_hashes: tuple[str, ...] = field(default=(), repr=False)
    rescues: tuple[str, ...] = ()  # raw directory values, label included
    rescue: str | None = None  # the address alone
    rescue_verified: datetime | None = None  # when it was proved; asked for by operators alone
    mail_due: datetime | None = None
    mail_due_raw: str = ""  # the directory's exact value, for whoever claims or settles the mail
    mail_failures: int = 0
    notices: tuple[Notice, ...] = ()
    keys_mailed: tuple[datetime, ...] = ()  # when, of late
    is_locked: bool = False  # administratively: pwdAccountLockedTime 000001010000Z
    locked_since: datetime | None = None  # for a while, by the password policy
    failed_binds: tuple[datetime, ...] = ()  # what the policy counts towards a lock; asked for by operators alone
    password_changed: str | None = None  # pwdChangedTime as the directory writes it
    session_mark: str | None = None  # changes when the sessions are to end
    is_ours: bool = False  # already carries the class moncompteAccount
    rescue_code: RescueCode | None = None
    former: Former | None = None
    frozen_until: datetime | None = None  # till then a password alone does not change the rescue address
    bounced: datetime | None = None  # when mail to the rescue address came back for good
    accepted: Accepted | None = None
    is_operator: bool = False  # carries the class moncompteOperator
    reminded: datetime | None = None  # this and the next three only where a whole population is read
    surname: str = ""
    programmes: tuple[str, ...] = ()
    address: tuple[str, ...] = ()  # the lines of a postal one
    packed: str = field(default="", repr=False, compare=False)  # the whole entry as the directory may unpack it again

    def is_eligible(self, now: datetime) -> bool:
        """May hold a key and sign in; whoever may not is treated as if nobody were there."""
        return self.state.is_open(now) and not self.is_locked

    def has_accepted(self, version: str) -> bool:
        """Whether this version of the charter was accepted; true of none, which asks nothing."""
        return not version or (self.accepted is not None and self.accepted.version == version)

    @property
    def was_never_activated(self) -> bool:
        """The state says so; where the directory keeps none, no password was ever set under the password policy."""
        has_no_password = self.state.value is None and self.password_changed is None
        return self.state.status is Status.TO_ACTIVATE or has_no_password

    def is_resting(self, now: datetime, lockout_seconds: int) -> bool:
        """Whether the password policy has locked it for a while, so that no password would open it now."""
        return _is_resting(self.locked_since, now, lockout_seconds)

    def key_address(self, now: datetime) -> str | None:
        """Where a key is mailed: the former address as long as its time lasts, for its owner to say *it was not me*."""
        former = self.former_in_force(now)
        return former.address if former else self.rescue

    def former_in_force(self, now: datetime) -> Former | None:
        """The former rescue address while its time lasts."""
        return self.former if self.former and now < self.former.until else None

    def addresses(self, now: datetime) -> tuple[str, ...]:
        """Every address that must hear of a change: a former one that is in force, and the present one."""
        return tuple(dict.fromkeys(item for item in (self.key_address(now), self.rescue) if item))

    def is_frozen(self, now: datetime) -> bool:
        """Whether a password alone changes no rescue address now."""
        return self.frozen_until is not None and now < self.frozen_until

    @property
    def waiting_rescue(self) -> str | None:
        """The address that takes the place of the proved one once its code is entered."""
        return self.rescue_code.address if self.rescue_code and self.rescue_code.address != self.rescue else None

    @property
    def to_prove(self) -> str | None:
        """The address that a code would prove: the one that waits, else the present one while it is not proved."""
        return self.waiting_rescue or (None if self.rescue_verified else self.rescue)

    def mark(self, by: By) -> str:
        """What a session remembers of its proof: it fits until key or password, state or rescue address change, or
        until somebody signs out.

        A digest, so that the cookie shows no hash; not a secret, the cookie is signed.
        """
        proved = (self.key.hash if self.key else "") if by is By.KEY else (self.password_changed or "")
        facts = (by.value, proved, str(self.state.value), str(self.rescue), str(self.session_mark))
        return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]

    @property
    def is_key_in_mailbox(self) -> bool:
        """Whether the live key may lie in the rescue mailbox: unless it was printed, or handed over at the desk."""
        return self.key is not None and self.key.origin not in {Origin.LETTER, Origin.DESK}

    @property
    def personal_words(self) -> tuple[str, ...]:
        """What a password must not contain: login, names, INE, rescue address."""
        return tuple(word for word in (self.uid, self.name, *self.ines, self.rescue) if word)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody of the help desk: an entry with the class moncompteOperator; a snapshot, true when it was read.

    ``serves_everybody``: the whole population, as a member of the group for that; else those alone who share one of the
    ``components``. ``totp`` is the enciphered secret; ``step`` the last RFC 6238 time step whose code was used,
    ``failures`` the wrong codes in a row since. ``enrol_raw``, ``issued_raw``: the directory's exact values of the
    enrolment code and of the instants of the last hour's keys.
    """

    dn: str
    uid: str
    name: str
    components: tuple[str, ...] = ()
    serves_everybody: bool = False
    totp: str = field(default="", repr=False)
    step: int | None = None
    failures: int | None = None
    recovery_hashes: tuple[str, ...] = field(default=(), repr=False)
    enrol_until: datetime | None = None
    enrol_hash: str = field(default="", repr=False)
    enrol_raw: str = field(default="", repr=False)
    issued: tuple[datetime, ...] = ()
    issued_raw: str = ""
    is_locked: bool = False
    locked_since: datetime | None = None
    password_changed: str | None = None
    session_mark: str | None = None

    @property
    def is_enrolled(self) -> bool:
        """Whether there is a second factor."""
        return bool(self.totp)

    def is_resting(self, now: datetime, lockout_seconds: int) -> bool:
        """As of an ``Account``."""
        return _is_resting(self.locked_since, now, lockout_seconds)

    @property
    def mark(self) -> str:
        """What a session at the desk remembers: it fits until password or second factor change, or somebody signs out.

        A digest of what the directory holds, as ``Account.mark``.
        """
        facts = (self.totp, str(self.password_changed), str(self.session_mark), str(self.is_locked))
        return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]

    @property
    def enrolment_mark(self) -> str:
        """The same while they enrol: it fits until the enrolment code is used or replaced, or the password changed."""
        facts = (self.enrol_raw, str(self.password_changed), str(self.is_locked))
        return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What somebody is shown who enrols a second factor: the secret in base 32, and the link that a QR code brings."""

    operator: Operator
    secret: str = field(repr=False)
    link: str = field(repr=False)


def _is_resting(since: datetime | None, now: datetime, lockout_seconds: int) -> bool:
    """Whether a lock that began ``since`` lasts; of 0 seconds, for ever."""
    return since is not None and (not lockout_seconds or now < since + timedelta(seconds=lockout_seconds))


def masked(address: str) -> str:
    """``j***@g***.fr``: enough for its owner, useless to others; three stars whatever the length."""
    local, _at, domain = address.rpartition("@")
    host, _dot, top = domain.rpartition(".")
    return f"{local[:1]}***@{host[:1]}***.{top}"


@dataclass(frozen=True, slots=True)
class Proof:
    """Somebody showed who they are. ``mark`` no longer fits once that has changed."""

    account: Account
    by: By
    mark: str


class Strength(IntEnum):
    """The meter's three words: Faible, Moyen, Fort."""

    WEAK = 0
    MEDIUM = 1
    STRONG = 2


class Reason(Enum):
    """Why a new password is refused: ours first, then what only the directory knows (ppolicy)."""

    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    FORBIDDEN_CHARACTER = "forbidden-character"
    TOO_FEW_NON_LETTERS = "too-few-non-letters"
    LEADING_BRACE = "leading-brace"
    PERSONAL = "personal"
    COMMON = "common"
    TOO_WEAK = "too-weak"
    IS_A_KEY = "is-a-key"
    IN_HISTORY = "in-history"
    TOO_YOUNG = "too-young"
    DIRECTORY_QUALITY = "directory-quality"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason, with the fact its sentence needs: a bound (``limit``) or the offending text (``found``)."""

    reason: Reason
    limit: int = 0
    found: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What one Modify shall set; None leaves it as it is.

    ``code``: one is mailed to its address, which is ``rescue``, or waits where that is None. ``is_proof``: what is done
    proves the present rescue address.
    """

    password: str | None = field(default=None, repr=False)
    rescue: str | None = None
    code: RescueCode | None = None
    is_proof: bool = False
    notices: tuple[Notice, ...] = ()

    def owing(self, notices: tuple[Notice, ...]) -> Change:
        """The same change, and the notices it owes."""
        return replace(self, notices=notices)


@dataclass(frozen=True, slots=True)
class Done:
    """What a person just did, for the page after and for the notices; ``account`` is as it was before.

    ``rescue_changed``: a new address is set, not proved yet. ``rescue_waits``: a new address takes the place of the
    proved one once its code is entered, and nothing changed so far. Either way a code was mailed to ``code_address``.
    ``proof``: that of a session By.PASSWORD that goes on, so that the code can be entered; None where none was mailed,
    or somebody else was quicker: then they sign in anew.
    """

    account: Account
    activated: bool = False
    password_changed: bool = False
    rescue_changed: bool = False
    rescue_waits: bool = False
    code_address: str | None = None
    proof: Proof | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RescueProved:
    """A code was right: ``account`` as it was, ``address`` is proved.

    ``is_new``: it took the place of ``account.rescue``, and keys are mailed to ``former`` until its time is over (None:
    to the new one from now on). ``proof`` as in ``Done``.
    """

    account: Account
    address: str
    is_new: bool = False
    former: Former | None = None
    proof: Proof | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RescueRestored:
    """*It was not me*: ``address`` is the rescue address again; a password changes it no more until ``frozen_until``.

    ``account`` is as it was: ``account.rescue`` is the address that was undone.
    """

    account: Account
    address: str
    frozen_until: datetime
