"""The four LDAP operations we use, with their results as values or as our errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ldap3.core.results import RESULT_CODES

from connector import calling, metrics
from connector.directory import controls, wire
from connector.directory.changes import Changes
from connector.directory.connections import Connections
from connector.directory.lane import Lane, Request
from connector.directory.servers import Breaker, Servers
from connector.directory.wire import Search
from connector.errors import (
    ChangeRefused,
    Conflict,
    DirectoryMisconfigured,
    DirectoryUnavailable,
    MonCompteError,
)
from connector.model import Reason, Refusal
from connector.settings import Directory as DirectorySettings
from connector.wording import N_, _

T = TypeVar("T")
RawEntry = tuple[str, dict[str, list[bytes]]]
"""A DN, and octets by lower-case attribute name."""
Sweep = Callable[[str, bytes, Sequence[str]], Iterator[RawEntry]]

SUCCESS, SIZE_LIMIT, COMPARE_FALSE, COMPARE_TRUE = 0, 4, 5, 6  # RFC 4511 appendix A
NO_SUCH_ATTRIBUTE, CONSTRAINT, VALUE_EXISTS, NO_SUCH_OBJECT, ENTRY_EXISTS = 16, 19, 20, 32, 68
ASSERTION_FAILED = 122  # RFC 4528
_UNAVAILABLE = {3, 11, 51, 52}  # timeLimitExceeded, adminLimitExceeded, busy, unavailable
_CONFLICT = {NO_SUCH_ATTRIBUTE, CONSTRAINT, VALUE_EXISTS, NO_SUCH_OBJECT, ENTRY_EXISTS, ASSERTION_FAILED}
_LIMITS = {SIZE_LIMIT, 11}  # adminLimitExceeded: of a search by pages, too large a page or too many entries
_NO_WRITES = {10, 53, 80}  # referral, unwillingToPerform, other
_NOT_PROVED = {CONSTRAINT, 48, 49, 50, 53}  # no password, wrong password, no right to bind, an account not in use
REMEDIES = {
    10: N_("this server takes no writes: list the provider first in [directory] uri"),
    17: N_('the schema is not loaded: 12-schema-moncompte.ldif, as "moncompte ldif" writes it'),
    21: N_('the schema is not loaded: 12-schema-moncompte.ldif, as "moncompte ldif" writes it'),
    NO_SUCH_OBJECT: N_('no such entry, or no right to see it: check the DN, load what "moncompte ldif" writes'),
    50: N_('a right is missing: load 60-access.ldif, as "moncompte ldif" writes it'),
    53: N_("this server takes no writes now: is it read-only, or a consumer?"),
    80: N_("this server cannot write: is its disk full, or its database (olcDbMaxSize)?"),
}
_POLICY = controls.PASSWORD_POLICY.encode()
_POLICY_REASONS = {
    None: Reason.DIRECTORY_QUALITY,
    controls.PolicyError.INSUFFICIENT_QUALITY: Reason.DIRECTORY_QUALITY,
    controls.PolicyError.TOO_SHORT: Reason.DIRECTORY_QUALITY,
    controls.PolicyError.TOO_YOUNG: Reason.TOO_YOUNG,
    controls.PolicyError.IN_HISTORY: Reason.IN_HISTORY,
}


class Operations:
    """Search, modify and compare as the portal; bind as anybody. All may raise DirectoryUnavailable."""

    def __init__(self, settings: DirectorySettings) -> None:
        self._timeout_seconds = settings.timeout_seconds
        servers = Servers(settings)
        self._working = Connections(settings, servers, bind=True)
        self._proving = Connections(settings, servers, bind=False)
        self._reading, self._writing = Breaker(servers, "read"), Breaker(servers, "write")
        self._trying = Breaker(servers, "bind")
        self._names_requests = settings.session_tracking
        self._has_written = False

    def close(self) -> None:
        """Close the idle connections."""
        self._working.close()
        self._proving.close()

    @metrics.ldap("search")
    def search(
        self, base: str, ldap_filter: str | bytes, attributes: list[str], *, scope: int = wire.SUBTREE, limit: int = 0
    ) -> list[RawEntry]:
        """Entries, at most ``limit`` if given; more than that is no error. Raises DirectoryMisconfigured.

        A filter is text, or as it travels already (``controls.octets_of``, ``wire``).
        """
        octets = controls.octets_of(ldap_filter) if isinstance(ldap_filter, str) else ldap_filter
        wanted = Search(base, octets, attributes, scope, limit, self._timeout_seconds)
        with self._working.lend(self._reading) as connection:
            found, code = Lane(connection.socket, self._timeout_seconds).search(wanted, self._tracking())
        if code not in {SUCCESS, SIZE_LIMIT}:
            raise _failure(_result(code), f"search under {base}")
        return found

    @contextmanager
    def sweeping(self) -> Iterator[Sweep]:
        """Give a function that searches by pages (RFC 2696), on a connection of its own while the block lasts.

        It takes base, filter and attributes, and gives every entry that matches. It raises DirectoryMisconfigured.
        """
        with self._working.own() as connection:
            lane = Lane(connection.socket)

            def sweep(base: str, ldap_filter: bytes, attributes: Sequence[str]) -> Iterator[RawEntry]:
                for entry in lane.pages(base, ldap_filter, attributes):
                    if isinstance(entry, int):
                        raise _sweep_error(entry, base)
                    yield entry

            yield sweep

    def write_all(self, requests: Iterable[tuple[T, Request]]) -> Iterator[tuple[T, MonCompteError | None]]:
        """Many writes at a time; of each, what it was for and its error, in the order of the answers.

        An error is what ``modify`` would raise: Conflict, DirectoryMisconfigured. When the connection breaks, what was
        not told yet may have been done or not.
        """
        with self._working.own() as connection:
            for item, code in Lane(connection.socket).write(requests):
                yield item, None if code == SUCCESS else _write_error(_result(code), "write", is_password=False)

    @metrics.ldap("modify")
    def modify(self, dn: str, what: Changes, assertion: bytes = b"") -> None:
        """One Modify, under ``controls.assertion`` where one is given.

        Raises Conflict, ChangeRefused (the password policy), DirectoryMisconfigured. A directory that takes no writes
        cannot be started on; one that did take them and stops is an outage.
        """
        with self._working.lend(self._writing) as connection:
            lane = Lane(connection.socket, self._timeout_seconds)
            code, told = lane.modify(dn, what, self._tracking() + controls.ASK_POLICY + assertion)
        result = _result(code) | {"policy": controls.policy_error(told.get(_POLICY, b""))}
        if result["result"] in _NO_WRITES and self._has_written:
            raise DirectoryUnavailable(_said(result, f"modify {dn}"))
        if result["result"] != SUCCESS:
            raise _write_error(result, f"modify {dn}", is_password="userPassword" in what)
        self._has_written = True

    @metrics.ldap("compare")
    def compares(self, dn: str, attribute: str, value: str, *, or_none: bool = False) -> bool:
        """Whether the entry holds this very value; ``or_none``: it may hold nothing of the attribute.

        Raises DirectoryMisconfigured where we may not even compare.
        """
        with self._working.lend(self._reading) as connection:
            result = connection.compare(dn, attribute, value, controls=self._track())[1]
        if result["result"] not in {COMPARE_FALSE, COMPARE_TRUE, *([NO_SUCH_ATTRIBUTE] if or_none else [])}:
            raise _failure(result, f"compare {dn}")
        return bool(result["result"] == COMPARE_TRUE)

    @metrics.ldap("bind")
    def binds(self, dn: str, password: str) -> bool:
        """Whether the directory lets ``dn`` in with ``password``. Raises DirectoryMisconfigured."""
        with self._proving.lend(self._trying) as connection:
            code = Lane(connection.socket, self._timeout_seconds).bind(dn, password, self._tracking())
        if code not in _NOT_PROVED | {SUCCESS}:
            raise _failure(_result(code), "bind")
        return code == SUCCESS

    def _tracking(self) -> bytes:
        """What names the request in hand to the directory's log, where the settings want it."""
        request = calling.caller.get().request if self._names_requests else ""
        return controls.session_tracking(request) if request else b""

    def _track(self) -> list[Any]:
        """The same in ldap3's form."""
        request = calling.caller.get().request if self._names_requests else ""
        return [controls.track_session(request)] if request else []


def _result(code: int) -> dict[str, Any]:
    return {"result": code, "description": RESULT_CODES.get(code, str(code))}


def _sweep_error(code: int, base: str) -> MonCompteError:
    if code in _LIMITS:
        remedy = _('the portal may not read page by page: load the olcLimits of 60-access.ldif ("moncompte acl")')
        return DirectoryMisconfigured(f"search under {base}: {RESULT_CODES[code]}: {remedy}")
    return _failure(_result(code), f"search under {base}")


def _write_error(result: dict[str, Any], act: str, *, is_password: bool) -> MonCompteError:
    """What went wrong with a write: the policy's word, somebody else's write, or a fault."""
    code, policy = result["result"], result.get("policy")
    if code == CONSTRAINT and is_password and policy in _POLICY_REASONS:
        return ChangeRefused((Refusal(_POLICY_REASONS[policy]),))
    if code in _CONFLICT:
        return Conflict(f"{act}: {result['description']}")
    return _failure(result, act)


def _failure(result: dict[str, Any], act: str) -> MonCompteError:
    """A fault of the directory's."""
    kind = DirectoryUnavailable if result["result"] in _UNAVAILABLE else DirectoryMisconfigured
    return kind(_said(result, act))


def _said(result: dict[str, Any], act: str) -> str:
    """What went wrong, with the remedy. The directory's own message stays behind: it may quote what was sent."""
    policy, remedy = result.get("policy"), REMEDIES.get(result["result"])
    said = f"{act}: {result['description']}" + (f", {policy.name.lower()}" if policy is not None else "")
    return f"{said}: {_(remedy)}" if remedy else said
