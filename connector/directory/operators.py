"""Operators of the help desk in the directory: found by login and class, their second factor kept in their own entry.

Each write names the exact value it takes away: of two servers that use one code, one passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ldap3 import MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE
from ldap3.utils.conv import escape_filter_chars

from connector import keys
from connector.directory import entries
from connector.directory.changes import Changes
from connector.directory.entries import to_time
from connector.directory.operations import Operations
from connector.model import Operator
from connector.settings import Settings

_HOUR = timedelta(hours=1)


class Operators:
    """Every method may raise DirectoryUnavailable, DirectoryMisconfigured; every write Conflict: somebody was first."""

    def __init__(self, operations: Operations, settings: Settings) -> None:
        self._operations, self._settings = operations, settings

    def find(self, login: str) -> Operator | None:
        """Who has the class and this login; two are nobody."""
        names, uid = self._settings.attributes, escape_filter_chars(login)
        found = self._operations.search(
            self._settings.directory.people_dn,
            f"(&(objectClass={entries.OPERATOR_CLASS})({names.uid}={uid}))",
            entries.of_operator(names),
            limit=2,
        )
        return entries.to_operator(*found[0], names) if len(found) == 1 else None

    def is_member(self, group_dn: str, dn: str) -> bool:
        """Whether the group (groupOfNames, groupOfUniqueNames: RFC 4519 §3.5, §3.6) names ``dn``; asked by Compare."""
        return any(self._operations.compares(group_dn, name, dn, or_none=True) for name in ("member", "uniqueMember"))

    def prove(self, operator: Operator, password: str) -> bool:
        """Whether the directory lets them bind."""
        return self._operations.binds(operator.dn, password)

    def offer_enrolment(self, operator: Operator, until: datetime, hashed: str) -> None:
        """An enrolment code, in place of an older one; what second factor there was is gone, and every session."""
        self._write(
            operator,
            {
                **_no_factor(),
                entries.ENROL_CODE: [*_exactly(operator.enrol_raw), (MODIFY_ADD, [f"{to_time(until)} {hashed}"])],
                **_sessions_ended(),
            },
        )

    def enrol(self, operator: Operator, sealed: str, step: int, recovery_hashes: Sequence[str]) -> None:
        """The enrolment code is used up; the secret comes, and the step of the code that proved it."""
        self._write(
            operator,
            {
                entries.ENROL_CODE: [(MODIFY_DELETE, [operator.enrol_raw])],
                entries.TOTP_SECRET: [(MODIFY_REPLACE, [sealed])],
                entries.TOTP_STEP: [(MODIFY_REPLACE, [str(step)])],
                entries.TOTP_FAILURES: [(MODIFY_REPLACE, ["0"])],
                entries.RECOVERY_CODE: [(MODIFY_REPLACE, list(recovery_hashes))],
                **_sessions_ended(),
            },
        )

    def use_step(self, operator: Operator, step: int) -> None:
        """A code was right: its step is the last, and no wrong code counts any more."""
        last = str(operator.step) if operator.step is not None else ""
        self._write(
            operator,
            {
                entries.TOTP_STEP: [*_exactly(last), (MODIFY_ADD, [str(step)])],
                entries.TOTP_FAILURES: [(MODIFY_REPLACE, ["0"])],
            },
        )

    def count_failure(self, operator: Operator) -> None:
        """One more wrong code, before it is told to be wrong: exact, however many are tried at once."""
        before = str(operator.failures) if operator.failures is not None else ""
        self._write(
            operator,
            {entries.TOTP_FAILURES: [*_exactly(before), (MODIFY_ADD, [str((operator.failures or 0) + 1)])]},
        )

    def use_recovery_code(self, operator: Operator, hashed: str) -> None:
        """A recovery code opens once."""
        self._write(
            operator,
            {entries.RECOVERY_CODE: [(MODIFY_DELETE, [hashed])], entries.TOTP_FAILURES: [(MODIFY_REPLACE, ["0"])]},
        )

    def forget_factor(self, operator: Operator) -> None:
        """No second factor, no enrolment, no session: nobody signs in as them until they are enrolled again."""
        self._write(operator, {**_no_factor(), entries.ENROL_CODE: [(MODIFY_REPLACE, [])], **_sessions_ended()})

    def reserve_key(self, operator: Operator, now: datetime) -> None:
        """One more key issued in this hour; the older ones are forgotten."""
        recent = [instant for instant in operator.issued if timedelta(0) <= now - instant < _HOUR]
        value = " ".join(to_time(instant) for instant in (*recent, now))
        self._write(operator, {entries.KEYS_ISSUED: [*_exactly(operator.issued_raw), (MODIFY_ADD, [value])]})

    def end_sessions(self, operator: Operator) -> None:
        """End every session that is open at the desk in their name."""
        self._write(operator, _sessions_ended())

    def _write(self, operator: Operator, changes: Changes) -> None:
        self._operations.modify(operator.dn, changes)


def _no_factor() -> Changes:
    gone = (entries.TOTP_SECRET, entries.TOTP_STEP, entries.TOTP_FAILURES, entries.RECOVERY_CODE)
    return {name: [(MODIFY_REPLACE, [])] for name in gone}


def _sessions_ended() -> Changes:
    return {entries.SESSION_MARK: [(MODIFY_REPLACE, [keys.random_id()])]}


def _exactly(value: str) -> list[tuple[object, list[str]]]:
    return [(MODIFY_DELETE, [value])] if value else []
