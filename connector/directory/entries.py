"""A raw entry read as an Account, and the directory's way of writing instants, states and notices. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from ldap3.protocol.formatters.formatters import format_time

from connector.errors import DirectoryMisconfigured
from connector.model import (
    Accepted,
    Account,
    AccountState,
    Former,
    Happened,
    Notice,
    Operator,
    Origin,
    PendingKey,
    RescueCode,
    Status,
)
from connector.settings import Attributes
from connector.wording import _

ACCOUNT_CLASS, OPERATOR_CLASS = "moncompteAccount", "moncompteOperator"
KEY_HASH, KEY_ISSUED, KEY_EXPIRY = "moncompteKeyHash", "moncompteKeyIssued", "moncompteKeyExpiry"
KEY_ORIGIN, KEY_FAILURES = "moncompteKeyOrigin", "moncompteKeyFailures"
MAIL_DUE, MAIL_FAILURES = "moncompteMailDue", "moncompteMailFailures"
SPENT_HASH, NOTICE, RESCUE_VERIFIED = "moncompteSpentHash", "moncompteNotice", "moncompteRescueVerified"
SENT, SESSION_MARK, REMINDED = "moncompteSent", "moncompteSessionMark", "moncompteReminded"
RESCUE_CODE, RESCUE_FORMER = "moncompteRescueCode", "moncompteRescueFormer"
RESCUE_FROZEN, RESCUE_BOUNCED, CHARTER = "moncompteRescueFrozen", "moncompteRescueBounced", "moncompteCharter"
TOTP_SECRET, TOTP_STEP, TOTP_FAILURES = "moncompteTotpSecret", "moncompteTotpStep", "moncompteTotpFailures"
ENROL_CODE, RECOVERY_CODE = "moncompteEnrolCode", "moncompteRecoveryCode"
KEYS_ISSUED, REQUEST = "moncompteKeysIssued", "moncompteRequest"
FARTHEST = timedelta(days=1)  # no lease and no pause is half as long
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_WORD = "|".join(word.value for word in Happened)
_NOTICE = re.compile(rf"(?P<due>\S+) (?P<tries>\d{{1,4}}) (?P<happened>({_WORD})(\+({_WORD}))*) (?P<address>.+)")
_LABEL = re.compile(r"^\{[^}]*\}")
_USUAL_TIME = re.compile(r"[0-9]{14}Z")
_DATES = re.compile(r":(\d{8}|):(\d{8}|)$")
_OF_THE_KEY = (KEY_HASH, KEY_ISSUED, KEY_EXPIRY, KEY_ORIGIN, KEY_FAILURES, SENT)
OF_THE_RESCUE = (RESCUE_VERIFIED, RESCUE_CODE, RESCUE_FORMER, RESCUE_FROZEN, RESCUE_BOUNCED)
ON_THE_DECOY = (*_OF_THE_KEY, MAIL_DUE, MAIL_FAILURES, SPENT_HASH, NOTICE, SESSION_MARK)
OURS = (*ON_THE_DECOY, *OF_THE_RESCUE, CHARTER)
OF_OPERATORS = (TOTP_SECRET, TOTP_STEP, TOTP_FAILURES, ENROL_CODE, RECOVERY_CODE, KEYS_ISSUED, SESSION_MARK)

PERMANENT_LOCK = "000001010000Z"  # draft-behera-ldap-password-policy-10 §5.3.3
LOCKED_SINCE, PASSWORD_CHANGED = "pwdAccountLockedTime", "pwdChangedTime"
FAILED_BINDS = "pwdFailureTime"
TO_ACTIVATE, ACTIVATED = "I:SupannCree", "A:SupannActif"  # SUPANN 2019, supannRessourceEtat


def wanted(names: Attributes) -> list[str]:
    """The attributes a search asks for: nothing that is not used."""
    configured = (names.uid, names.ine, names.name, names.language, names.rescue, names.state, names.state_date)
    return [*filter(None, configured), "objectClass", LOCKED_SINCE, PASSWORD_CHANGED, *OURS]


def wanted_by_operators(names: Attributes) -> list[str]:
    """The same, and what only whoever looks into an account uses."""
    return [*wanted(names), FAILED_BINDS, *([names.programme] if names.programme else [])]


def of_operator(names: Attributes) -> list[str]:
    """What is asked of an operator's entry."""
    configured = (names.uid, names.name, names.programme)
    return [*filter(None, configured), LOCKED_SINCE, PASSWORD_CHANGED, *OF_OPERATORS]


def printed(names: Attributes) -> list[str]:
    """The same for letters and lists, and what these need beside."""
    return [*wanted(names), *filter(None, (names.surname, names.programme, names.address)), REMINDED]


def to_account(
    dn: str, attributes: dict[str, list[bytes]], names: Attributes, zone: tzinfo, packed: str = ""
) -> Account:
    """The Account of a raw entry; ``attributes`` are octets by lower-case name, ``zone`` is where its days begin."""

    def every(name: str) -> tuple[str, ...]:
        values = attributes.get(name.lower())
        return tuple([value.decode("utf-8", "replace") for value in values]) if values else ()

    def one(name: str) -> str | None:
        values = attributes.get(name.lower())
        return values[0].decode("utf-8", "replace") if values else None

    uid = one(names.uid)
    if uid is None:
        said = _("%(dn)s: %(name)s cannot be read; see the access rules, 60-access.ldif", dn=dn, name=names.uid)
        raise DirectoryMisconfigured(said)
    rescues = tuple(value for value in every(names.rescue) if has_label(value, names.rescue_label))
    return Account(
        dn=dn,
        uid=uid,
        name=" ".join((one(names.name) or uid).split()),  # one line, whatever is in there
        ines=every(names.ine),
        language=one(names.language),
        state=to_state(every(names.state), every(names.state_date), names, zone),
        key=_key(one),
        spent_hashes=every(SPENT_HASH),
        rescues=rescues,
        rescue=rescues[0][len(names.rescue_label) :] if rescues else None,
        rescue_verified=to_instant(one(RESCUE_VERIFIED)),
        mail_due=(to_instant(one(MAIL_DUE)) or _LONG_AGO) if one(MAIL_DUE) else None,
        mail_due_raw=one(MAIL_DUE) or "",
        mail_failures=to_count(one(MAIL_FAILURES)),
        notices=tuple(map(to_notice, every(NOTICE))),
        keys_mailed=tuple(sorted(filter(None, map(to_instant, every(SENT))))),
        is_locked=is_locked_for_good(one(LOCKED_SINCE)),
        locked_since=to_instant(one(LOCKED_SINCE)),
        failed_binds=tuple(sorted(filter(None, map(to_instant, every(FAILED_BINDS))))),
        password_changed=one(PASSWORD_CHANGED),
        session_mark=one(SESSION_MARK),
        is_ours=ACCOUNT_CLASS.lower() in (value.lower() for value in every("objectClass")),
        rescue_code=_rescue_code(one(RESCUE_CODE)),
        former=_former(one(RESCUE_FORMER)),
        frozen_until=to_instant(one(RESCUE_FROZEN)),
        bounced=to_instant(one(RESCUE_BOUNCED)),
        accepted=to_accepted(one(CHARTER)),
        is_operator=OPERATOR_CLASS.lower() in (value.lower() for value in every("objectClass")),
        reminded=to_instant(one(REMINDED)),
        surname=one(names.surname) or "",
        programmes=tuple(sorted(every(names.programme))),
        address=_postal(one(names.address) or ""),
        packed=packed,
    )


def to_operator(dn: str, attributes: dict[str, list[bytes]], names: Attributes) -> Operator:
    """The Operator of a raw entry; ``attributes`` as of ``to_account``."""

    def every(name: str) -> tuple[str, ...]:
        return tuple(value.decode("utf-8", "replace") for value in attributes.get(name.lower(), ()))

    def one(name: str) -> str | None:
        return next(iter(every(name)), None)

    uid = one(names.uid) or ""
    enrol, issued = one(ENROL_CODE) or "", one(KEYS_ISSUED) or ""
    until, _blank, hashed = enrol.partition(" ")
    return Operator(
        dn=dn,
        uid=uid,
        name=" ".join((one(names.name) or uid).split()),
        components=every(names.programme) if names.programme else (),
        totp=one(TOTP_SECRET) or "",
        step=to_count(step) if (step := one(TOTP_STEP)) else None,
        failures=to_count(failures) if (failures := one(TOTP_FAILURES)) else None,
        recovery_hashes=every(RECOVERY_CODE),
        enrol_until=to_instant(until),
        enrol_hash=hashed,
        enrol_raw=enrol,
        issued=tuple(sorted(filter(None, map(to_instant, issued.split())))),
        issued_raw=issued,
        is_locked=is_locked_for_good(one(LOCKED_SINCE)),
        locked_since=to_instant(one(LOCKED_SINCE)),
        password_changed=one(PASSWORD_CHANGED),
        session_mark=one(SESSION_MARK),
    )


def pack(dn: str, attributes: dict[str, list[bytes]]) -> str:
    """The raw entry as text, octet by octet."""
    return json.dumps([dn, {name: [value.decode("latin-1") for value in each] for name, each in attributes.items()}])


def unpack(text: str) -> tuple[str, dict[str, list[bytes]]]:
    """The raw entry that was packed."""
    dn, attributes = json.loads(text)
    return dn, {name: [value.encode("latin-1") for value in each] for name, each in attributes.items()}


def is_locked_for_good(locked_since: str | None) -> bool:
    """Whether an administrator locked it: the year 0000, however it is written (``PERMANENT_LOCK``)."""
    return (locked_since or "").startswith(PERMANENT_LOCK[:4])


def to_instant(text: str | None) -> datetime | None:
    """A GeneralizedTime (RFC 4517 §3.3.13) as an aware UTC instant; None for nothing or for nonsense."""
    try:
        if text and _USUAL_TIME.fullmatch(text):  # as slapd and we write it; ten times as fast
            return datetime.fromisoformat(f"{text[:8]}T{text[8:]}")
        parsed = format_time(text.encode()) if text else None
        return parsed.astimezone(UTC) if isinstance(parsed, datetime) else None
    except (ValueError, OverflowError):
        return None


def dues(attributes: dict[str, list[bytes]]) -> list[datetime]:
    """When each mail and notice of an entry is due; without what makes no sense."""
    mails = (to_instant(value.decode("utf-8", "replace")) for value in attributes.get(MAIL_DUE.lower(), ()))
    notices = (to_notice(value.decode("utf-8", "replace")).due for value in attributes.get(NOTICE.lower(), ()))
    return [due for due in (*mails, *notices) if due]


def is_due(due: datetime, now: datetime) -> bool:
    """Past, or so far off that only a clock that ran ahead can have meant it."""
    return not now < due < now + FARTHEST


@lru_cache(maxsize=64)
def to_time(instant: datetime) -> str:
    """An aware instant as a GeneralizedTime in whole seconds of UTC: ``20261122120000Z``."""
    return instant.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")


def to_notice(raw: str) -> Notice:
    """``<due> <tries> <happened+…> <address>`` as a Notice; without an address if it makes no sense."""
    found = _NOTICE.fullmatch(raw)
    due = to_instant(found["due"]) if found else None
    if found is None or due is None:
        return Notice((), "", _LONG_AGO, raw=raw)
    happened = tuple(Happened(word) for word in found["happened"].split("+"))
    return Notice(happened, found["address"], due, int(found["tries"]), raw)


def notice_value(notice: Notice) -> str:
    """The Notice as the directory keeps it, readable by a human."""
    return f"{to_time(notice.due)} {notice.tries} {'+'.join(word.value for word in notice.happened)} {notice.address}"


def rescue_code_value(code: RescueCode) -> str:
    """``<issued> <tries> <address>``, as the directory keeps it."""
    return f"{to_time(code.issued)} {code.tries} {code.address}"


def counted(code: RescueCode) -> RescueCode:
    """The code with one more try, as the directory then keeps it."""
    tried = replace(code, tries=code.tries + 1)
    return replace(tried, raw=rescue_code_value(tried))


def former_value(former: Former) -> str:
    """``<until> <address>``, as the directory keeps it."""
    return f"{to_time(former.until)} {former.address}"


def accepted_value(accepted: Accepted) -> str:
    """``<at> <version>``, as the directory keeps it."""
    return f"{to_time(accepted.at)} {accepted.version}"


def to_accepted(raw: str | None) -> Accepted | None:
    """Which version of the charter was accepted, and when; None for nothing, and for nonsense."""
    at, _blank, version = (raw or "").partition(" ")
    instant = to_instant(at)
    return Accepted(version, instant) if instant and version else None


def _rescue_code(raw: str | None) -> RescueCode | None:
    """None for nothing, and for nonsense: another code may be asked for."""
    issued, tries, address = [*(raw or "").split(" ", 2), "", ""][:3]
    instant = to_instant(issued)
    return RescueCode(instant, to_count(tries), address, raw) if raw and instant and address else None


def _former(raw: str | None) -> Former | None:
    until, _blank, address = (raw or "").partition(" ")
    instant = to_instant(until)
    return Former(instant, address, raw) if raw and instant and address else None


def activated(state: AccountState, label: str, now: datetime) -> tuple[str, str]:
    """The two values, state and dated state, that activation writes: from today to whatever end there was."""
    end = f"{state.until:%Y%m%d}" if state.until else ""
    return f"{label}{ACTIVATED}", f"{label}{ACTIVATED}:{now.astimezone(state.zone):%Y%m%d}:{end}"


def _key(one: Any) -> PendingKey | None:
    stored = one(KEY_HASH)
    if stored is None:
        return None
    origin = one(KEY_ORIGIN)
    return PendingKey(
        hash=stored,
        issued=to_instant(one(KEY_ISSUED)),
        expiry=to_instant(one(KEY_EXPIRY)),
        origin=Origin(origin.lower()) if origin and origin.lower() in {item.value for item in Origin} else None,
        failures=to_count(one(KEY_FAILURES)),
    )


def _postal(address: str) -> tuple[str, ...]:
    """The lines of a postal address (RFC 4517 §3.3.28), less SUPANN's label in front."""
    bare = _LABEL.sub("", address)
    lines = (line.replace("\\24", "$").replace("\\5C", "\\").strip() for line in bare.split("$"))
    return tuple(filter(None, lines))


def to_count(text: str | None) -> int:
    """A small number; 0 for nothing, and for what somebody's hand wrote there instead."""
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text) else 0


def has_label(value: str, label: str) -> bool:
    """Whether a value begins with our label (``{SECOURS}``, ``{COMPTE}``), in whatever case: slapd compares so too."""
    return value.upper().startswith(label.upper())


def to_state(values: tuple[str, ...], dated: tuple[str, ...], names: Attributes, zone: tzinfo) -> AccountState:
    """The state of our label. A directory that keeps none is SUPANN 2009's: everybody there is active."""
    label = names.state_label
    ours = [item for item in values if has_label(item, label)]
    if not ours:
        return AccountState(Status.ACTIVE)
    value = max(ours, key=lambda item: _status(item[len(label) :]) is Status.CLOSED)  # of several, the strictest
    bare = value[len(label) :]
    date_value = next((item for item in dated if has_label(item, label + bare)), None)
    return AccountState(_status(bare), value, date_value, *_dates(date_value), zone)


def _status(bare: str) -> Status:
    if bare.upper() == TO_ACTIVATE.upper():
        return Status.TO_ACTIVATE
    return Status.ACTIVE if bare.upper().split(":")[0] == "A" else Status.CLOSED


def _dates(dated: str | None) -> tuple[date | None, date | None]:
    """Start and end of ``{COMPTE}A:SupannActif:AAAAMMJJ:AAAAMMJJ``; either may be empty."""
    found = _DATES.search(dated or "")
    return (_day(found[1]), _day(found[2])) if found else (None, None)


def _day(digits: str) -> date | None:
    try:
        return date.fromisoformat(digits)
    except ValueError:
        return None
