"""A look at one server of the directory, for the doctor: raw result codes, one connection, and nothing is written.

The rights to write are tried with Modifies that cannot succeed: the last part deletes an exact value that nobody has
(256 random bits), and a Modify is done whole or not at all (RFC 4511 §4.6). slapd looks at the rights to all parts
first, so ``NO_SUCH_ATTRIBUTE`` says that every part was allowed, ``NO_ACCESS`` that one was not (tested on 2.5).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ldap3 import (
    BASE,
    DEREF_NEVER,
    EXTERNAL,
    MODIFY_ADD,
    MODIFY_DELETE,
    MODIFY_REPLACE,
    SASL,
    SUBTREE,
)
from ldap3.core.exceptions import LDAPException

from connector import keys
from connector.clock import elapsed_seconds
from connector.directory import connections, controls, entries, opening
from connector.directory.controls import PASSWORD_POLICY, PolicyError
from connector.directory.lane import INVALID_CREDENTIALS
from connector.directory.opening import Fault, Unreached
from connector.directory.operations import (
    COMPARE_FALSE,
    COMPARE_TRUE,
    CONSTRAINT,
    NO_SUCH_ATTRIBUTE,
    NO_SUCH_OBJECT,
    SIZE_LIMIT,
    SUCCESS,
    VALUE_EXISTS,
    RawEntry,
)
from connector.settings import Directory as DirectorySettings

__all__ = [
    "ADD",
    "BASE",
    "COMPARE_FALSE",
    "COMPARE_TRUE",
    "CONSTRAINT",
    "DELETE",
    "INVALID_CREDENTIALS",
    "NO_ACCESS",
    "NO_SUCH_ATTRIBUTE",
    "NO_SUCH_OBJECT",
    "PASSWORD_POLICY",
    "REPLACE",
    "SIZE_LIMIT",
    "SUBTREE",
    "SUCCESS",
    "VALUE_EXISTS",
    "Answer",
    "Fault",
    "Lane",
    "PolicyError",
    "Unreached",
]

ADD, DELETE, REPLACE = MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE
NO_ACCESS = 50  # insufficientAccessRights (RFC 4511 appendix A)
_NO_ANSWER = -1
Parts = dict[str, list[tuple[object, list[str]]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the result code, the entries, the password policy's word, and the time it took."""

    code: int
    entries: list[RawEntry] = field(default_factory=list)
    policy: PolicyError | None = None
    milliseconds: float = 0.0

    @property
    def values(self) -> dict[str, list[str]]:
        """The first entry's values as text, by lower-case name; nothing if there is no entry."""
        first = self.entries[0][1] if self.entries else {}
        return {name: [value.decode("utf-8", "replace") for value in values] for name, values in first.items()}


class Lane:
    """A connection to one server. Its methods answer with result codes, and raise nothing."""

    def __init__(self, settings: DirectorySettings, uri: str) -> None:
        """Raises Unreached."""
        self.uri = uri
        self._timeout_seconds = settings.timeout_seconds
        self._connection = opening.opened(settings, uri)

    def close(self) -> None:
        """Say goodbye."""
        opening.close(self._connection)

    def certificate_ends(self) -> datetime | None:
        """Until when the server's certificate is good; None without TLS. It was verified, or we would not be here."""
        sock = self._connection.socket
        ends = (sock.getpeercert() or {}).get("notAfter") if isinstance(sock, ssl.SSLSocket) else None
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC) if ends else None

    def bind(self, dn: str, password: str) -> Answer:
        """A simple bind; see ``connections.bind``."""
        return self._ask(lambda: connections.bind(self._connection, dn, password))

    def bind_as_owner(self) -> Answer:
        """SASL EXTERNAL (RFC 4422 appendix A): over ldapi, as the system's user who runs this."""
        connection = self._connection
        connection.authentication, connection.sasl_mechanism, connection.sasl_credentials = SASL, EXTERNAL, b""
        return self._ask(lambda: connection.bind(read_server_info=False)[1])

    def search(
        self,
        base: str,
        ldap_filter: str = "(objectClass=*)",
        attributes: Sequence[str] = ("1.1",),
        *,
        scope: str = BASE,
        limit: int = 0,
    ) -> Answer:
        """One search, without pages."""
        found: list[RawEntry] = []

        def ask() -> dict[str, Any]:
            _, result, response, _ = self._connection.search(
                base,
                ldap_filter,
                search_scope=scope,
                dereference_aliases=DEREF_NEVER,
                attributes=list(attributes),
                size_limit=limit,
                time_limit=self._timeout_seconds,
            )
            for item in response or ():
                if item["type"] == "searchResEntry":
                    found.append(
                        (
                            item["dn"],
                            {name.lower(): values for name, values in item["raw_attributes"].items() if values},
                        )
                    )
            return dict(result)

        answer = self._ask(ask)
        return Answer(answer.code, found, answer.policy, answer.milliseconds)

    def compare(self, dn: str, attribute: str, value: str) -> Answer:
        """Whether the entry holds the value, or what stops us from asking."""
        return self._ask(lambda: self._connection.compare(dn, attribute, value)[1])

    def try_modify(self, dn: str, parts: Parts, guard: str = entries.KEY_HASH) -> Answer:
        """What would become of a Modify of ``parts``. It cannot succeed: its part of ``guard`` fails (see above)."""
        guarded = {name: what for name, what in parts.items() if name != guard}
        guarded[guard] = [*parts.get(guard, []), (DELETE, [keys.random_secret()])]
        return self._modify(dn, guarded)

    def try_delete(self, dn: str, attribute: str, prefix: str = "") -> Answer:
        """The same where our own attributes are out of reach: delete a value that nobody has, ``prefix`` and noise."""
        return self._modify(dn, {attribute: [(DELETE, [prefix + keys.random_secret()])]})

    def _modify(self, dn: str, parts: Parts) -> Answer:
        return self._ask(lambda: self._connection.modify(dn, parts, controls=[controls.ask_policy()])[1])

    def _ask(self, operation: Callable[[], dict[str, Any]]) -> Answer:
        """Its result; a line that broke, or a base that is no DN, is an answer too."""
        began = elapsed_seconds()
        try:
            result = operation()
        except (LDAPException, OSError):
            return Answer(_NO_ANSWER)
        spent = (elapsed_seconds() - began) * 1000
        return Answer(int(result["result"]), policy=controls.policy_error(_policy_of(result)), milliseconds=spent)


def _policy_of(result: dict[str, Any]) -> bytes:
    control = (result.get("controls") or {}).get(controls.PASSWORD_POLICY) or {}
    return control.get("value") or b""
