"""The use case of who can do nothing else: a request for help, kept in the directory until the desk has it by mail.

Nobody is looked up for it: whatever is typed, the same is done and the same is answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from connector import keys
from connector.directory import Directory
from connector.model import HelpRequest
from connector.outbox import Outbox
from connector.owed import OwedRequest

_OLDEST = 1900
_UNSEEN = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f\u202a-\u202e\u2066-\u2069]")  # but for tabs and line ends
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier january janv jan",
            "février fevrier february févr fev feb",
            "mars march mar",
            "avril april avr apr",
            "mai may",
            "juin june jun",
            "juillet july juil jul",
            "août aout august aug",
            "septembre september sept sep",
            "octobre october oct",
            "novembre november nov",
            "décembre decembre december déc dec",
        ),
        start=1,
    )
    for name in names.split()
}


@dataclass(frozen=True, slots=True)
class Written:
    """What is asked, as it was typed and found to be whole; ``born`` as ``read_birthday`` gives it."""

    name: str
    born: date
    identifier: str
    subject: str
    text: str
    answer_to: str


@dataclass(frozen=True, slots=True)
class Assistance:
    """Requests for help are taken in."""

    directory: Directory
    outbox: Outbox

    def ask(self, written: Written, now: datetime) -> HelpRequest:
        """Keep it, and mail it soon. Raises RequestsFull: five hundred wait already."""
        request = HelpRequest(
            number=keys.random_id(),
            received=now,
            name=_one_line(written.name),
            born=written.born.isoformat(),
            identifier=_one_line(written.identifier),
            subject=_one_line(written.subject),
            text=_UNSEEN.sub("", written.text),
            answer_to=written.answer_to,
            due=self.outbox.lease(now),
        )
        self.directory.requests.add(request)
        self.outbox.hand_over(OwedRequest(request))
        return request


def read_birthday(typed: str, today: date) -> date | None:
    """``05/03/2004``, ``5 mars 2004`` or ``2004-03-05``; None for anything else, and for a day that is to come."""
    text = " ".join(typed.lower().replace("1er", "1").split())
    if found := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text):
        year, month, day = map(int, found.groups())
    elif found := re.fullmatch(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})", text):
        day, month, year = map(int, found.groups())
    elif (found := re.fullmatch(r"(\d{1,2}) ([^\W\d]+)\.? (\d{4})", text)) and found[2] in _MONTHS:
        day, month, year = int(found[1]), _MONTHS[found[2]], int(found[3])
    else:
        return None
    try:
        born = date(year, month, day)
    except ValueError:
        return None
    return born if born.year >= _OLDEST and born < today else None


def _one_line(text: str) -> str:
    """For a header and for a list: no line break, no encoded word (RFC 2047), nothing that turns the reading round."""
    plain = _UNSEEN.sub("", text).replace("=?", "= ?")
    return " ".join(plain.split())
