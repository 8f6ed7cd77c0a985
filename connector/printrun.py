"""A campaign put on paper: its record, the sheet or the letters, the audit; from the start or from where it broke."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import BinaryIO

from connector import languages
from connector.audit import Audit, Event, Line
from connector.batch import Batch
from connector.campaign import Campaign, Cohort, Issued, Missed, People, anybody
from connector.clock import Clock
from connector.errors import BatchRefused
from connector.letters import Letter, Printer
from connector.model import Account
from connector.sheet import Sheet
from connector.wording import _

ISSUED = "issued"
_PDF = b"%PDF-"
More = Callable[[int], None]
"""Told how many more people were dealt with."""
Printable = Callable[[Account], bool]


@dataclass(frozen=True, slots=True)
class PrintRun:
    """Prints for an operator. ``zone`` is the university's."""

    campaign: Campaign
    audit: Audit
    operator: str
    zone: tzinfo
    clock: Clock

    def sheet(self, batch: Batch, sheet: Sheet, people: People, more: More) -> Counter[str]:
        """Issue for ``people``, who follow on the sheet's last row, a row each; how many, and why others got none.

        Raises DirectoryUnavailable, DirectoryMisconfigured, FileRefused, OSError (a full disk): go on later.
        """
        told: Counter[str] = Counter()
        for issued in self._issued(batch, people, told, more):
            sheet.write(issued.account, issued.key, _local(issued.until, self.zone))
        sheet.keep()
        batch.finish({"at": self._now(), **told})
        return told

    def letters(
        self, batch: Batch, file: BinaryIO, printer: Printer, people: People, printable: Printable, more: More
    ) -> Counter[str]:
        """The same in letters, a page a person, from the first on: half a PDF is none, so everybody gets a fresh key.

        Who is not ``printable`` gets none.
        """
        told: Counter[str] = Counter()
        if not _PDF.startswith(file.read(len(_PDF))):
            raise BatchRefused(_("%(file)s: not a PDF; is it the right file?", file=batch.head.out))
        file.seek(0)
        file.truncate()
        issued = self._issued(batch, people, told, more, printable)
        printer.write(file, (letter_of(one.account, one.key, one.until) for one in issued))
        if not told[ISSUED]:
            file.truncate(0)  # nothing at all, rather than a white page
        os.fsync(file.fileno())
        batch.finish({"at": self._now(), **told})
        return told

    def _issued(
        self,
        batch: Batch,
        people: People,
        told: Counter[str],
        more: More,
        printable: Printable = anybody,
    ) -> Iterator[Issued]:
        """Each key as it comes, in the order of the plan, noted in record and audit once the next is asked for.

        Not looked at any more: whether somebody holds a live key. Where this goes on with a batch, it may be one that
        nobody ever saw.
        """
        cohort = Cohort(batch.head.never_activated, is_printable=printable)
        for outcome in self.campaign.issue(people, cohort):
            if isinstance(outcome, Missed):
                batch.note({"login": outcome.uid, "left_out": outcome.why.value})
                told[outcome.why.value] += 1
            else:
                yield outcome
                batch.note({"login": outcome.account.uid, "issued": self._now(), "until": outcome.until.isoformat()})
                self.audit.write(Event.KEY_ISSUED, self._line(outcome, batch.head.batch))
                told[ISSUED] += 1
            more(1)

    def _line(self, issued: Issued, batch: str) -> Line:
        return Line(issued.account.uid, f"shell:{self.operator}", details={"origin": "letter", "batch": batch})

    def _now(self) -> str:
        return self.clock().isoformat()


@lru_cache(maxsize=64)
def _local(instant: datetime, zone: tzinfo) -> str:
    return instant.astimezone(zone).isoformat(timespec="minutes")


def letter_of(account: Account, key: str, until: datetime) -> Letter:
    """What is on somebody's page."""
    programme = ", ".join(account.programmes)
    language = languages.choose(account.language)
    return Letter(account.name, account.uid, key, until, programme, account.address, language)
