"""The difference between what an entry holds and what the export says, as one Modify of exact values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldap3 import MODIFY_ADD, MODIFY_DELETE

from connector.directory.changes import Changes
from connector.directory.entries import OF_THE_RESCUE
from connector.settings import Attributes


def amended(held: Mapping[str, Sequence[str]], told: Mapping[str, Sequence[str]], names: Attributes) -> Changes:
    """What to delete, value by value, and what to add; nothing where both agree. ``held`` is by lower-case name.

    An INE joins those that are there: a person may have two, and each finds them. Of the rescue address only the values
    of our label go; one that changes takes along all that was known of it: its proof, a code that waits, a former one.
    """
    changes: Changes = {}
    for name, values in told.items():
        there = held.get(name.lower(), ())
        gone = [value for value in there if value not in values and _is_replaced(name, value, names)]
        come = [value for value in values if not _is_there(name, value, there, names)]
        if gone or come:
            changes[name] = [*([(MODIFY_DELETE, gone)] if gone else []), *([(MODIFY_ADD, come)] if come else [])]
    if any(name.lower() == names.rescue.lower() for name in changes):
        known = {name: list(held.get(name.lower(), ())) for name in OF_THE_RESCUE}
        changes |= {name: [(MODIFY_DELETE, values)] for name, values in known.items() if values}
    return changes


def _is_replaced(name: str, value: str, names: Attributes) -> bool:
    if name.lower() == names.rescue.lower():
        return value.upper().startswith(names.rescue_label.upper())
    return name.lower() != names.ine.lower()


def _is_there(name: str, value: str, there: Sequence[str], names: Attributes) -> bool:
    """An INE is the same in either case, and the directory would refuse it a second time."""
    if name.lower() == names.ine.lower():
        return value.upper() in map(str.upper, there)
    return value in there
