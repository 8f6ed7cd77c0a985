"""The administrator's hand in the directory: people added and corrected, many at a time, for the import.

The portal's own account may create nobody (DESIGN §4.5), so whoever imports binds as somebody else. All of the people's
branch is looked at, since a login may be taken by somebody whom the portal must not touch; whether an entry is in the
population the server decides, never we.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from ldap3.core.results import RESULT_CODES
from ldap3.utils.dn import escape_rdn
from pydantic import SecretStr

from connector import columns
from connector.directory import controls, readiness, wire
from connector.directory.changes import Changes
from connector.directory.connections import Connections
from connector.directory.forms import Schema, read_schema
from connector.directory.lane import Lane, Request
from connector.directory.operations import SUCCESS, Operations
from connector.directory.servers import Breaker, Servers
from connector.errors import DirectoryMisconfigured, DirectoryUnavailable, SettingsInvalid
from connector.identifiers import folded
from connector.model import Identifier, Ine, StudentNumber
from connector.settings import Settings
from connector.wording import _

_STOPS = {10, 51, 52, 53, 80}  # referral, busy, unavailable, unwillingToPerform, other: no use in trying the next


@dataclass(frozen=True, slots=True)
class Holder:
    """An entry that holds an identifier: values by lower-case name, and whether it is in the population."""

    dn: str
    is_inside: bool
    values: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Addition:
    """An entry to be made."""

    dn: str
    attributes: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Amendment:
    """What is to be changed in an entry, if it still is in the population."""

    dn: str
    changes: Changes


class Register:
    """Bound as an administrator while the block lasts. Methods raise DirectoryUnavailable, DirectoryMisconfigured."""

    def __init__(self, settings: Settings, bind_dn: str, password: str) -> None:
        bound = {"bind_dn": bind_dn, "password": SecretStr(password)}
        self._settings = settings.directory.model_copy(update=bound)
        self._names = settings.attributes
        readiness.check_filter(self._settings.population, "[directory] population")
        self._population = controls.octets_of(self._settings.population)
        self._operations = Operations(self._settings)
        servers = Servers(self._settings)
        self._lines, self._breaker = Connections(self._settings, servers, bind=True), Breaker(servers, "import")
        self._open = ExitStack()
        self._asserts = False

    def __enter__(self) -> Self:
        """Raises SettingsInvalid when the directory does not let us in."""
        with ExitStack() as opening:
            opening.callback(self._operations.close)
            opening.callback(self._lines.close)
            if not self._operations.binds(self._settings.bind_dn, self._settings.password.get_secret_value()):
                dn = self._settings.bind_dn
                raise SettingsInvalid([_("bind as %(dn)s: the directory says no: DN or password?", dn=dn)])
            self._asserts = readiness.offers_assertions(self._operations)
            self._lane = Lane(opening.enter_context(self._lines.own()).socket)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def schema(self, classes: Sequence[str]) -> Schema:
        """What the server lets entries of these classes be."""
        return read_schema(self._operations, classes)

    def holders(self, identifiers: Iterable[Identifier], attributes: Sequence[str]) -> list[Holder]:
        """Every entry of the people's branch that answers to one of the identifiers."""
        either = wire.any_of(term for identifier in identifiers for term in self._terms(identifier))
        inside = {dn for dn, _ in self._found(wire.every((self._population, either)), ["1.1"])}
        wanted = [*filter(None, (self._names.uid, self._names.alias, self._names.ine, self._names.student_number))]
        return [
            Holder(dn, dn in inside, {name: _texts(values) for name, values in entry.items()})
            for dn, entry in self._found(either, [*wanted, *attributes])
        ]

    def inside(self, uids: Iterable[str]) -> set[str]:
        """Of the logins of entries that were just added, those that the population's filter finds, ``folded``."""
        either = wire.any_of(wire.equal(self._names.uid, uid) for uid in uids)
        found = self._found(wire.every((self._population, either)), [self._names.uid])
        return {folded(uid) for _, entry in found for uid in _texts(entry.get(self._names.uid.lower(), ()))}

    def write(self, what: Sequence[Addition | Amendment]) -> dict[int, str]:
        """Make and change entries, each by itself; of those that were refused, the directory's reason, by their place.

        Raises DirectoryUnavailable when the directory takes no writes (now), or broke off: some may be done.
        """
        refused = {}
        for place, code in self._lane.write((place, self._request(each)) for place, each in enumerate(what)):
            if code in _STOPS:
                raise DirectoryUnavailable(f"write {what[place].dn}: {RESULT_CODES[code]}")
            if code:
                refused[place] = RESULT_CODES.get(code, str(code))
        return refused

    def take_back(self, dn: str) -> bool:
        """Delete an entry that was just added and proved to be outside the population; whether it is gone."""
        only_if = (controls.ASSERTION, True, controls.octets_of(f"(!{self._settings.population})"))
        with self._lines.lend(self._breaker) as connection:
            return bool(connection.delete(dn, controls=[only_if])[1]["result"] == SUCCESS)

    @property
    def only_inside(self) -> bytes:
        """The value of the Assertion control: only if the entry is in the population. Nothing where it is unknown."""
        return self._population if self._asserts else b""

    def dn_of(self, template: str, attributes: Mapping[str, Sequence[str]]) -> str:
        """The DN of a new entry: ``uid={uid}`` with the values in it, escaped (RFC 4514), below the people."""
        relative = columns.fill(template, {name: escape_rdn(values[0]) for name, values in attributes.items()})
        return f"{relative},{self._settings.people_dn}"

    def _request(self, what: Addition | Amendment) -> Request:
        if isinstance(what, Addition):
            return lambda number: wire.add(number, what.dn, what.attributes)
        only_if = controls.assertion(self.only_inside) if self.only_inside else b""
        return lambda number: wire.modify(number, what.dn, what.changes, only_if)

    def _found(self, ldap_filter: bytes, attributes: Sequence[str]) -> Iterator[wire.Entry]:
        for found in self._lane.pages(self._settings.people_dn, ldap_filter, attributes):
            if isinstance(found, int):
                remedy = _("docs/import.md tells the rights that an import needs")
                raise DirectoryMisconfigured(
                    f"search under {self._settings.people_dn}: {RESULT_CODES.get(found, found)}: {remedy}"
                )
            yield found

    def _terms(self, identifier: Identifier) -> list[bytes]:
        if isinstance(identifier, Ine):
            names = [self._names.ine]
        elif isinstance(identifier, StudentNumber):
            names = [self._names.student_number]
        else:
            names = [self._names.uid, self._names.alias]
        return [wire.equal(name, identifier.value) for name in names if name]


def _texts(values: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(value.decode("utf-8", "replace") for value in values)
