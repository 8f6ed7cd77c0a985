"""The requests for help in the directory: values of one entry of ours, until the help desk has them by mail.

A value is ``<due> <tries> <JSON>``, or ``given-up <tries> <JSON>``; who settles one deletes its exact value.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime

from ldap3 import MODIFY_ADD, MODIFY_DELETE

from connector.directory import entries, wire
from connector.directory.entries import is_due, to_instant, to_time
from connector.directory.operations import Operations
from connector.errors import RequestsFull
from connector.model import HelpRequest
from connector.settings import Directory as DirectorySettings
from connector.settings import Settings

MOST_KEPT = 500
_GIVEN_UP = "given-up"
_WRITTEN = ("number", "name", "born", "identifier", "subject", "text", "answer_to")


class Requests:
    """Every method may raise DirectoryUnavailable, DirectoryMisconfigured; every write Conflict."""

    def __init__(self, operations: Operations, settings: Settings) -> None:
        self._operations = operations
        self.dn = requests_dn(settings.directory)

    def all(self) -> list[HelpRequest]:
        """Those that wait, the oldest first; a value that makes no sense is passed over."""
        found = self._operations.search(self.dn, f"({entries.REQUEST}=*)", [entries.REQUEST], scope=wire.BASE)
        values = found[0][1].get(entries.REQUEST.lower(), []) if found else []
        read = (_read(value.decode("utf-8", "replace")) for value in values)
        return sorted((one for one in read if one), key=lambda one: one.received)

    def overdue(self, now: datetime) -> list[HelpRequest]:
        """Those that a dispatcher must mail."""
        return [one for one in self.all() if not one.is_given_up and is_due(one.due, now)]

    def add(self, request: HelpRequest) -> None:
        """One more. Raises RequestsFull: better no more than a directory that anybody can fill."""
        if len(self.all()) >= MOST_KEPT:
            raise RequestsFull
        self._operations.modify(self.dn, {entries.REQUEST: [(MODIFY_ADD, [value_of(request)])]})

    def move(self, old: HelpRequest, new: HelpRequest | None) -> None:
        """Mailed or taken (``new`` None), claimed, put off, given up; if it still is exactly the one we know."""
        added = [(MODIFY_ADD, [value_of(new)])] if new else []
        gone = (MODIFY_DELETE, [old.raw or value_of(old)])
        self._operations.modify(self.dn, {entries.REQUEST: [gone, *added]})


def requests_dn(directory: DirectorySettings) -> str:
    """The entry that keeps them, beside the decoy."""
    return f"cn=requests,{directory.decoy_dn.partition(',')[2]}"


def value_of(request: HelpRequest) -> str:
    """The request as the directory keeps it."""
    due = _GIVEN_UP if request.is_given_up else to_time(request.due)
    written = {name: getattr(request, name) for name in _WRITTEN} | {"received": to_time(request.received)}
    return f"{due} {request.tries} {json.dumps(written, ensure_ascii=False)}"


def _read(raw: str) -> HelpRequest | None:
    due, tries, written = [*raw.split(" ", 2), "", ""][:3]
    with suppress(ValueError, KeyError, TypeError):
        facts = json.loads(written)
        received = to_instant(facts.pop("received"))
        instant = received if due == _GIVEN_UP else to_instant(due)
        if received and instant and set(facts) == set(_WRITTEN):
            texts = {name: str(fact) for name, fact in facts.items()}
            return HelpRequest(
                received=received, due=instant, tries=int(tries), is_given_up=due == _GIVEN_UP, raw=raw, **texts
            )
    return None
