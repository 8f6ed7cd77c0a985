"""Is every account whole? Looks at all entries of one server, or of several that should hold the same."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from ldap3 import Connection, Server

from connector.demo.ldap_tools import Entry
from connector.demo.slapd import PrivateSlapd
from connector.directory.entries import to_instant

_KEY = ("moncompteKeyHash", "moncompteKeyIssued", "moncompteKeyExpiry", "moncompteKeyOrigin")
_STATE, _DATE = "supannRessourceEtat", "supannRessourceEtatDate"
_PATIENCE = timedelta(seconds=60)  # more than any lease of the tests

NONE = ""
Passwords = Mapping[str, Sequence[str]]


def faults(servers: Sequence[PrivateSlapd], now: datetime, passwords: Passwords) -> list[str]:
    """All that is wrong, a line each. ``passwords``: by login, all that might be somebody's; one of them must be.

    NONE among them: they may have none.
    """
    found: list[str] = []
    for other in servers[1:]:  # first: a wrong password tried below is a change, which takes its time to the others
        found += _different(servers[0], other)
    for server in servers:
        people = server.search("(uid=*)", "*", "+", base=server.people_dn)
        found += [f"{server.ldapi_uri}: {entry['uid'][0]}: {said}" for entry in people for said in _of(entry, now)]
        found += [f"{server.ldapi_uri}: {said}" for said in _shut_out(server, people, passwords)]
    return found


def _of(entry: Entry, now: datetime) -> Iterator[str]:
    """What is wrong with one entry by itself."""
    parts = [name for name in _KEY if name in entry]
    if parts and len(parts) < len(_KEY):
        yield f"a torn key: only {parts}"
    due = to_instant(entry.get("moncompteMailDue", [None])[0])
    if due and not parts:
        yield "a mail is owed, and there is no key to send"
    if due and due < now - _PATIENCE:
        yield f"a mail is owed since {due}, and nobody sends it"
    if len(entry.get("userPassword", ())) > 1:
        yield "more than one password"
    if _STATE in entry and _DATE in entry and not any(date.startswith(f"{entry[_STATE][0]}:") for date in entry[_DATE]):
        yield f"state and date differ: {entry[_STATE]}, {entry[_DATE]}"


def _shut_out(server: PrivateSlapd, people: Sequence[Entry], passwords: Passwords) -> Iterator[str]:
    """Who has none of the passwords that might be theirs. The likeliest comes last, and is tried first."""
    for entry in people:
        uid, dn = entry["uid"][0], entry["dn"][0]
        if "userPassword" in entry and uid in passwords and password_of(server, dn, passwords[uid]) is None:
            yield f"{uid}: none of the {len(passwords[uid])} passwords that were set"
        if "userPassword" not in entry and NONE not in passwords.get(uid, [NONE]):
            yield f"{uid}: the password is gone"


def password_of(server: PrivateSlapd, dn: str, passwords: Sequence[str]) -> str | None:
    """The one that binds."""
    for password in filter(None, reversed(passwords)):
        connection = Connection(Server(server.ldapi_uri), dn, password)
        is_right = connection.bind()
        connection.unbind()
        if is_right:
            return password
    return None


def _different(one: PrivateSlapd, other: PrivateSlapd) -> Iterator[str]:
    """Entries that two servers do not hold alike. A failed sign-in is each server's own affair until it is told."""
    here, there = (_everything(server) for server in (one, other))
    for dn in here.keys() | there.keys():
        if here.get(dn) != there.get(dn):
            yield f"{dn} differs: {_apart(here.get(dn), there.get(dn))}"


def mend(one: PrivateSlapd, other: PrivateSlapd) -> list[str]:
    """Have the newer of each two entries that differ told anew, by a change that changes nothing; their DNs."""
    here, there = _everything(one), _everything(other)
    apart = [dn for dn in here.keys() & there.keys() if here[dn] != there[dn]]
    for dn in apart:
        server, entry = max((one, here[dn]), (other, there[dn]), key=lambda side: side[1]["entryCSN"])
        kept = "".join(f"cn:: {base64.b64encode(value.encode()).decode()}\n" for value in entry["cn"])
        server.add_ldif(f"dn: {dn}\nchangetype: modify\nreplace: cn\n{kept}")
    return apart


def _apart(one: dict[str, list[str]] | None, other: dict[str, list[str]] | None) -> list[str]:
    one, other = one or {}, other or {}
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _everything(server: PrivateSlapd) -> dict[str, dict[str, list[str]]]:
    entries = server.search("(objectClass=*)", "*", "+")
    return {entry["dn"][0]: {name: sorted(values) for name, values in entry.items()} for entry in entries}
