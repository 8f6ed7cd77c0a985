"""What each act writes, as one Modify: a pure description, attribute by attribute, in ldap3's form.

Races are decided by what is *deleted by exact value*: of two that delete the same value, the directory lets one pass.
``replace`` with no value removes an attribute whether or not it was there (RFC 4511 §4.6).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ldap3 import MODIFY_ADD, MODIFY_DELETE, MODIFY_INCREMENT, MODIFY_REPLACE

from connector import keys
from connector.directory import entries, wire
from connector.directory.entries import accepted_value, former_value, notice_value, rescue_code_value, to_time
from connector.model import Accepted, Account, Change, Former, Notice, PendingKey, RescueCode, Status
from connector.settings import Attributes

Changes = dict[str, list[tuple[object, list[str]]]]

_OF_THE_FORMER = (entries.RESCUE_BOUNCED, entries.RESCUE_FORMER, entries.RESCUE_FROZEN, entries.RESCUE_CODE)
MAILED_KEPT = timedelta(days=1)
SPENT_KEPT = 5
"""How many spent hashes an entry remembers; whoever types an older one gets the common refusal."""


def new_key(account: Account, key: PendingKey, mail_due: datetime | None) -> Changes:
    """Store a fresh key in place of the old one; ``mail_due`` also owes the mail that brings it."""
    old = [account.key.hash] if account.key else []
    changes = _our_class(account)
    changes[entries.KEY_HASH] = [*_exactly(old), (MODIFY_ADD, [key.hash])]
    changes |= _key_details(key, mail_due)
    changes[entries.SPENT_HASH] = [(MODIFY_REPLACE, _spent(account))]
    if mail_due:
        changes |= _mailed(key, account.keys_mailed)
    return changes


def decoy_key(key: PendingKey, mail_due: datetime | None) -> Changes:
    """The same attributes on the decoy, where nobody races: the directory works as it does for a person."""
    changes: Changes = {entries.KEY_HASH: [(MODIFY_REPLACE, [key.hash])]}
    changes |= _key_details(key, mail_due)
    changes[entries.SPENT_HASH] = [(MODIFY_REPLACE, [key.hash])]
    return changes | _mailed(key, ())


def claimed_key(account: Account, key: PendingKey, due: datetime) -> Changes:
    """A dispatcher takes over an owed mail: its exact due date goes, the lease and a fresh key come."""
    changes = new_key(account, key, None)
    changes[entries.MAIL_DUE] = [(MODIFY_DELETE, [account.mail_due_raw]), (MODIFY_ADD, [to_time(due)])]
    changes[entries.MAIL_FAILURES] = [(MODIFY_REPLACE, [str(account.mail_failures)])]
    return changes


def mail_moved(old: str, new: datetime | None, failures: int) -> Changes:
    """The owed mail is settled (``new`` None) or put off, if its due date is still the one we know.

    Failures without a due date are those of a mail that was given up.
    """
    due = [(MODIFY_ADD, [to_time(new)])] if new else []
    return {
        entries.MAIL_DUE: [(MODIFY_DELETE, [old]), *due],
        entries.MAIL_FAILURES: [(MODIFY_REPLACE, [str(failures)] if failures else [])],
    }


def notice_moved(old: Notice, new: Notice | None, given_up_after: int = 0) -> Changes:
    """An owed notice is settled (``new`` None), claimed or put off, if it is still exactly the one we know."""
    added = [(MODIFY_ADD, [notice_value(new)])] if new else []
    changes: Changes = {entries.NOTICE: [(MODIFY_DELETE, [old.raw or notice_value(old)]), *added]}
    if given_up_after:
        changes[entries.MAIL_FAILURES] = [(MODIFY_REPLACE, [str(given_up_after)])]
    return changes


def wrong_key() -> Changes:
    """One more wrong key was typed (RFC 4525)."""
    return {entries.KEY_FAILURES: [(MODIFY_INCREMENT, ["1"])]}


def first_wrong_key() -> Changes:
    """The same where the entry holds no count yet: an increment needs an existing value."""
    return {entries.KEY_FAILURES: [(MODIFY_ADD, ["1"])]}


def redeemed(account: Account, change: Change, names: Attributes, now: datetime, mark: str) -> Changes:
    """The one Modify of DESIGN §2: the key goes, password and rescue address and state come, whole or not at all.

    An address that waits goes too: whoever asked for it may have known the old password only. So does a freeze.
    """
    key = [account.key.hash] if account.key else []
    proved = {entries.RESCUE_VERIFIED: [(MODIFY_REPLACE, [to_time(now)])]} if change.is_proof else {}
    return (
        _key_spent(account)
        | {entries.KEY_HASH: _exactly(key), entries.RESCUE_FROZEN: [(MODIFY_REPLACE, [])]}
        | _code(account, None)
        | proved
        | _settings(account, change, names, mark)
        | _state(account, names, now)
    )


def changed(account: Account, change: Change, names: Attributes, mark: str) -> Changes:
    """A change proved by the password; it kills a pending key, which may be in somebody else's mailbox.

    Not where an address is only asked for: nothing changes yet.
    """
    killed = _key_spent(account) if change.password is not None or change.rescue is not None else {}
    return killed | _settings(account, change, names, mark)


def code_asked(account: Account, code: RescueCode, owed: tuple[Notice, ...]) -> Changes:
    """A code is to be mailed; the one before is worth nothing. Only while the sessions are those we know."""
    mark = [account.session_mark] if account.session_mark else []
    still = {entries.SESSION_MARK: [(MODIFY_DELETE, mark), (MODIFY_ADD, mark)]} if mark else {}
    return _our_class(account) | _notices(account, owed) | _code(account, code) | still


def code_tried(tried: RescueCode, counted: RescueCode) -> Changes:
    """A code is about to be compared: it is counted first, so that no crowd of tries goes uncounted."""
    return {entries.RESCUE_CODE: [(MODIFY_DELETE, [tried.raw]), (MODIFY_ADD, [counted.raw])]}


def rescue_proved(account: Account, code: RescueCode, now: datetime) -> Changes:
    """The present address is proved by its code, which is used up; mail arrives there."""
    return {
        entries.RESCUE_CODE: [(MODIFY_DELETE, [code.raw])],
        entries.RESCUE_VERIFIED: [(MODIFY_REPLACE, [to_time(now)])],
        entries.RESCUE_BOUNCED: [(MODIFY_REPLACE, [])],
    }


def rescue_replaced(
    account: Account,
    code: RescueCode,
    former: Former | None,
    names: Attributes,
    now: datetime,
    owed: tuple[Notice, ...],
    mark: str,
) -> Changes:
    """The address that waited is proved and takes its place; keys go to the ``former`` for a while."""
    return (
        _notices(account, owed)
        | rescue_proved(account, code, now)
        | _rescue(account, code.address, names)
        | _new_mark(account, mark)
        | {entries.RESCUE_FORMER: [(MODIFY_REPLACE, [former_value(former)] if former else [])]}
    )


def rescue_restored(
    account: Account, former: Former, names: Attributes, now: datetime, until: datetime, owed: tuple[Notice, ...]
) -> Changes:
    """*It was not me*: the former address is back and proved, no code waits, every session ends; frozen ``until``.

    The day's count of mailed keys begins anew: the thief may have used it up.
    """
    return (
        (revoked(account) if account.is_key_in_mailbox else {})
        | _notices(account, owed)
        | _rescue(account, former.address, names)
        | _new_mark(account, keys.random_id())
        | _code(account, None)
        | {
            entries.RESCUE_FORMER: [(MODIFY_DELETE, [former.raw])],
            entries.RESCUE_VERIFIED: [(MODIFY_REPLACE, [to_time(now)])],
            entries.RESCUE_BOUNCED: [(MODIFY_REPLACE, [])],
            entries.RESCUE_FROZEN: [(MODIFY_REPLACE, [to_time(until)])],
            entries.SENT: [(MODIFY_REPLACE, [])],
        }
    )


def decoy_opposition(now: datetime) -> Changes:
    """What *it was not me* writes for whoever may not say so."""
    return {
        entries.RESCUE_VERIFIED: [(MODIFY_REPLACE, [to_time(now)])],
        entries.SESSION_MARK: [(MODIFY_REPLACE, [keys.random_id()])],
    }


def sessions_ended(account: Account, mark: str) -> Changes:
    """No session that is open now fits any more."""
    return _our_class(account) | {entries.SESSION_MARK: [(MODIFY_REPLACE, [mark])]}


def revoked(account: Account) -> Changes:
    """The live key goes, and with it the mail that would bring it; its hash stays among the spent ones, so that whoever
    types it is told it is dead."""
    changes = _no_key() | {entries.SPENT_HASH: [(MODIFY_REPLACE, _spent(account))]}
    if account.key:
        return changes | {entries.KEY_HASH: _exactly([account.key.hash])}
    return changes | {entries.MAIL_DUE: _exactly([account.mail_due_raw])}


def unlocked(account: Account) -> Changes:
    """The password policy's temporary lock goes, if it is still the one we know; slapd deletes pwdFailureTime too."""
    assert account.locked_since  # noqa: S101 (its caller has looked)
    return {entries.LOCKED_SINCE: _exactly([to_time(account.locked_since)])}


def rescue_set(account: Account, address: str | None, names: Attributes, owed: tuple[Notice, ...]) -> Changes:
    """An operator sets the rescue address, or removes it; every session ends.

    So does all that an earlier change had left: a former address that got the keys, one that waited, a freeze.

    The session mark is deleted by its exact value: whatever its owner changes in the same instant changes it too. A new
    mailbox has had no mail today, so the day's count begins anew.
    """
    changes = revoked(account) if account.is_key_in_mailbox else {}
    mark = [account.session_mark] if account.session_mark else []
    new = [(MODIFY_ADD, [names.rescue_label + address])] if address else []
    return (
        changes
        | _our_class(account)
        | _notices(account, owed)
        | {
            names.rescue: [*_exactly(list(account.rescues)), *new],
            entries.RESCUE_VERIFIED: [(MODIFY_REPLACE, [])],
            **{name: [(MODIFY_REPLACE, [])] for name in _OF_THE_FORMER},
            entries.SENT: [(MODIFY_REPLACE, [])],
            entries.SESSION_MARK: [*_exactly(mark), (MODIFY_ADD, [keys.random_id()])],
        }
    )


def charter_accepted(account: Account, accepted: Accepted) -> Changes:
    """Which version was accepted, and when; no session ends of it."""
    return _our_class(account) | {entries.CHARTER: [(MODIFY_REPLACE, [accepted_value(accepted)])]}


def rescue_bounced(account: Account, names: Attributes, now: datetime) -> Changes:
    """Mail to the rescue address came back for good, if that still is the address: it goes and comes again, exactly.

    All of our label's values do, so that the first stays the first.
    """
    there = list(account.rescues)
    return _our_class(account) | {
        names.rescue: [*_exactly(there), (MODIFY_ADD, there)],
        entries.RESCUE_BOUNCED: [(MODIFY_REPLACE, [to_time(now)])],
    }


def leftovers_forgotten(account: Account) -> Changes:
    """What a mail that was given up left behind goes, if no other was asked for meanwhile."""
    return {entries.MAIL_FAILURES: _exactly([str(account.mail_failures)])}


def reminded(account: Account, notice: Notice, now: datetime) -> Changes:
    """A reminder is owed; that it was is kept, so that nobody gets two in a row."""
    return _our_class(account) | _notices(account, (notice,)) | {entries.REMINDED: [(MODIFY_REPLACE, [to_time(now)])]}


def still_as_read(account: Account, names: Attributes, now: datetime, max_failures: int | None) -> bytes:
    """The filter the entry must match at the instant of the Modify (RFC 4528): nothing that decided has changed.

    ``max_failures`` is given for what is done by a key: how many wrong ones it survives.
    """
    terms = [wire.negated(wire.equal(entries.LOCKED_SINCE, entries.PERMANENT_LOCK))]
    if max_failures is not None:
        terms.append(
            wire.at_least(entries.KEY_EXPIRY, to_time(now + timedelta(seconds=1)))
        )  # dead from the second itself
        terms.append(wire.negated(wire.at_least(entries.KEY_FAILURES, str(max_failures))))
    else:
        terms.append(_exactly_or_none(entries.PASSWORD_CHANGED, account.password_changed))
    if account.session_mark is None:  # nothing to delete by its exact value
        terms.append(wire.negated(wire.present(entries.SESSION_MARK)))
    if account.state.value:
        terms.append(wire.equal(names.state, account.state.value))
    return wire.every(terms)


def _exactly_or_none(attribute: str, value: str | None) -> bytes:
    return wire.equal(attribute, value) if value else wire.negated(wire.present(attribute))


def still_open(account: Account, names: Attributes) -> bytes:
    """The filter that a key in bulk rests on: same state, not locked for good. As octets: there are thousands."""
    terms = [wire.negated(wire.equal(entries.LOCKED_SINCE, entries.PERMANENT_LOCK))]
    if account.state.value:
        terms.append(wire.equal(names.state, account.state.value))
    return wire.every(terms)


def _our_class(account: Account) -> Changes:
    return {} if account.is_ours else {"objectClass": [(MODIFY_ADD, [entries.ACCOUNT_CLASS])]}


def _mailed(key: PendingKey, earlier: tuple[datetime, ...]) -> Changes:
    """The instants of the last day's mails, this one included: what the limits of ``[keys]`` are held to."""
    assert key.issued  # noqa: S101 (a key of ours is always whole)
    recent = [instant for instant in earlier if timedelta(0) <= key.issued - instant < MAILED_KEPT]
    return {entries.SENT: [(MODIFY_REPLACE, sorted({to_time(instant) for instant in (*recent, key.issued)}))]}


def _exactly(values: list[str]) -> list[tuple[object, list[str]]]:
    return [(MODIFY_DELETE, values)] if values else []


def _key_details(key: PendingKey, mail_due: datetime | None) -> Changes:
    assert key.issued and key.expiry and key.origin  # noqa: S101 (a key of ours is always whole)
    return {
        entries.KEY_ISSUED: [(MODIFY_REPLACE, [to_time(key.issued)])],
        entries.KEY_EXPIRY: [(MODIFY_REPLACE, [to_time(key.expiry)])],
        entries.KEY_ORIGIN: [(MODIFY_REPLACE, [key.origin.value])],
        entries.KEY_FAILURES: [(MODIFY_REPLACE, ["0"])],
        entries.MAIL_DUE: [(MODIFY_REPLACE, [to_time(mail_due)] if mail_due else [])],
        entries.MAIL_FAILURES: [(MODIFY_REPLACE, ["0"] if mail_due else [])],
    }


def _no_key() -> Changes:
    gone = (
        entries.KEY_HASH,
        entries.KEY_ISSUED,
        entries.KEY_EXPIRY,
        entries.KEY_ORIGIN,
        entries.KEY_FAILURES,
        entries.MAIL_DUE,
        entries.MAIL_FAILURES,
    )
    return {name: [(MODIFY_REPLACE, [])] for name in gone}


def _key_spent(account: Account) -> Changes:
    """No key any more, and what there was is remembered as spent."""
    spent = {entries.SPENT_HASH: [(MODIFY_REPLACE, _spent(account))]} if account.key else {}
    return _no_key() | spent


def _spent(account: Account) -> list[str]:
    latest = [account.key.hash] if account.key else []
    return [*account.spent_hashes, *latest][-SPENT_KEPT:]


def _settings(account: Account, change: Change, names: Attributes, mark: str) -> Changes:
    changes = _our_class(account) | _new_mark(account, mark)
    if change.password is not None:
        changes["userPassword"] = [(MODIFY_REPLACE, [change.password])]
    if change.rescue is not None:
        changes |= _rescue(account, change.rescue, names)
        changes[entries.RESCUE_VERIFIED] = [(MODIFY_REPLACE, [])]  # a new address is not proved yet
        changes[entries.RESCUE_BOUNCED] = [(MODIFY_REPLACE, [])]  # nor did a mail come back from it
    if change.code:
        changes |= _code(account, change.code)
    return changes | _notices(account, change.notices)


def _rescue(account: Account, address: str, names: Attributes) -> Changes:
    new = names.rescue_label + address
    return {names.rescue: [*_exactly(list(account.rescues)), (MODIFY_ADD, [new])]}


def _code(account: Account, code: RescueCode | None) -> Changes:
    """In place of the code we know, so that one that was entered meanwhile is not overlooked."""
    new = [rescue_code_value(code)] if code else []
    if account.rescue_code is None:
        return {entries.RESCUE_CODE: [(MODIFY_REPLACE, new)]}
    return {entries.RESCUE_CODE: [(MODIFY_DELETE, [account.rescue_code.raw]), *([(MODIFY_ADD, new)] if new else [])]}


def _new_mark(account: Account, mark: str) -> Changes:
    """No session that is open now fits any more, whatever else may look as it did before.

    The old mark is deleted by its exact value: of all who change what an account rests on in one instant, one passes.
    """
    old = [account.session_mark] if account.session_mark else []
    return {entries.SESSION_MARK: [*_exactly(old), (MODIFY_ADD, [mark])]}


def _notices(account: Account, owed: tuple[Notice, ...]) -> Changes:
    owed_already = {notice.raw for notice in account.notices}
    new = [value for value in map(notice_value, owed) if value not in owed_already]
    return {entries.NOTICE: [(MODIFY_ADD, new)]} if new else {}


def _state(account: Account, names: Attributes, now: datetime) -> Changes:
    state = account.state
    if state.status is not Status.TO_ACTIVATE or state.value is None:
        return {}
    value, dated = entries.activated(state, names.state_label, now)
    return {
        names.state: [(MODIFY_DELETE, [state.value]), (MODIFY_ADD, [value])],
        names.state_date: [*_exactly([state.dated] if state.dated else []), (MODIFY_ADD, [dated])],
    }
