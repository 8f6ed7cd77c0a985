"""A cohort as it is asked for on the command line, and what is told of it."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TextIO

import click

from connector.campaign import Campaign, Cohort, LeftOut
from connector.cli.shell import REFUSED, echo_json, refuse
from connector.model import Account
from connector.wording import N_, _

WOULD_GET, WOULD_REPLACE = "would-get-a-key", "would-replace-live-key"
SAID = {
    WOULD_REPLACE: "of these, hold a live key, which would die",
    LeftOut.UNKNOWN.value: N_("nobody, or two people, answer to it"),
    LeftOut.CLOSED.value: N_("suspended, expired, locked, or not begun yet"),
    LeftOut.ACTIVATED.value: "activated already",
    LeftOut.NO_RESCUE.value: "without a rescue address",
    LeftOut.REMINDED.value: "reminded lately",
    LeftOut.HAS_LIVE_KEY.value: "hold a live key, and keep it",
    LeftOut.UNPRINTABLE.value: "whose letter cannot be printed",
    LeftOut.MOVED.value: "changed while we wrote: ask for these again",
    LeftOut.REFUSED.value: "refused by the directory, these entries alone: does another tool write them so?",
}
_FAULTS = {LeftOut.UNKNOWN.value, LeftOut.UNPRINTABLE.value, LeftOut.MOVED.value, LeftOut.REFUSED.value}
"""Somebody was meant to be served, and was not."""


@dataclass(frozen=True, slots=True)
class Whom:
    """What was asked for: everybody a filter matches, or a list; ``column`` is the heading of its column, in a CSV."""

    ldap_filter: str
    listed: TextIO | None
    column: str | None
    cohort: Cohort

    @property
    def is_anybody(self) -> bool:
        """Whether a cohort was asked for at all."""
        return bool(self.ldap_filter or self.listed or self.cohort.never_activated)

    def __str__(self) -> str:
        words = [self.ldap_filter, f"list {_name(self.listed)}" if self.listed else ""]
        words.append("who never activated" if self.cohort.never_activated else "")
        words.append("without a live key" if self.cohort.without_live_key else "")
        return ", ".join(filter(None, words))

    def printable(self, is_printable: Callable[[Account], bool]) -> Whom:
        """The same, less those whose letter cannot be printed."""
        return replace(self, cohort=replace(self.cohort, is_printable=is_printable))

    def chosen(self, campaign: Campaign, told: Counter[str]) -> Iterator[Account]:
        """Those to serve; the others are counted in ``told``, whom the list names in vain on standard error too."""
        found = self._of_list(campaign, self.listed, told) if self.listed else campaign.everybody(self.ldap_filter)
        return campaign.chosen(found, self.cohort, lambda why: told.update([why.value]))

    def _of_list(self, campaign: Campaign, listed: TextIO, told: Counter[str]) -> Iterator[Account]:
        for number, typed in _entries(listed, self.column):
            account = campaign.find(typed)
            if account:
                yield account
            else:
                where = _("%(file)s, line %(number)s", file=_name(listed), number=number)
                why = _(SAID[LeftOut.UNKNOWN.value])
                click.echo(_("%(what)s: %(typed)s: %(why)s", what=where, typed=typed, why=why), err=True)
                told[LeftOut.UNKNOWN.value] += 1


def tell(told: Counter[str], done: str, *, as_json: bool) -> None:
    """What became of the cohort, or would; exit code 1 if somebody was to be served and was not."""
    told.setdefault(done, 0)
    if as_json:
        echo_json({what.replace("-", "_"): count for what, count in told.items()})
    else:
        for what, count in sorted(told.items(), key=lambda item: item[0] != done):
            click.echo(f"{count:>7}  {SAID.get(what, what.replace('-', ' '))}")
    if any(told[fault] for fault in _FAULTS):
        sys.exit(REFUSED)


def _entries(listed: TextIO, column: str | None) -> Iterator[tuple[int, str]]:
    """Line numbers and identifiers; blank lines are nothing. Refuses a column that is not there."""
    try:
        yield from _plain(listed) if column is None else _column(listed, column)
    except UnicodeDecodeError:
        refuse(_("%(file)s: not UTF-8; iconv -f ISO-8859-1 -t UTF-8 makes it so", file=_name(listed)))
    except csv.Error as error:
        refuse(_("%(file)s: not a CSV: %(error)s", file=_name(listed), error=error))


def _name(listed: TextIO) -> str:
    return getattr(listed, "name", "-")


def _plain(listed: TextIO) -> Iterator[tuple[int, str]]:
    return ((number, line.strip()) for number, line in enumerate(listed, start=1) if line.strip())


def _column(listed: TextIO, column: str) -> Iterator[tuple[int, str]]:
    heading = listed.readline()
    rows = csv.reader([heading], delimiter=(delimiter := max(";,\t", key=heading.count)))
    headings = [name.strip() for name in next(rows, [])]
    if column not in headings:
        there = ", ".join(headings)
        refuse(_("%(file)s: no column %(name)s; there are: %(there)s", file=_name(listed), name=column, there=there))
    place = headings.index(column)
    for number, row in enumerate(csv.reader(listed, delimiter=delimiter), start=2):
        if len(row) > place and row[place].strip():
            yield number, row[place].strip()
