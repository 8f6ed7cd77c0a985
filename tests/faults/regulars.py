"""People who come again and again, each doing one of the things that people do; what each was told must be so.

One client at a time does one person's affair, so that what the person knows is known: which passwords may be theirs,
which key opens, which mail they were promised.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from connector.demo.mailbox import Mailbox
from connector.demo.people import SamplePerson
from tests.faults.wanderers import TROUBLE, Wanderer, tried
from tests.portal_fixtures import SHOWN_KEY

_MAIL_SECONDS = 3  # then the mail is waited for no longer: it may come late
_numbers = itertools.count(1)


@dataclass
class Regular:
    """What one person knows. ``passwords``: all that may be theirs, the likeliest last; nobody knows more of them."""

    sample: SamplePerson
    passwords: list[str]
    key: str | None
    is_promised: bool = False
    """They were told of a mail with a key, and no answer since then may have ended it: the last mailed one opens."""
    is_in_doubt: bool = False
    """An answer never came: a key that is refused is no fault."""
    waits_since: int | None = None
    """How many mails there were when they asked for the one that has not come yet; they do nothing else meanwhile."""
    spent: str | None = None
    mistyped: bool = False


@dataclass
class Regulars:
    """The load: clients call ``work``, until ``stop``. ``faults``: what was answered and must not have been."""

    port: int
    mailbox: Mailbox
    people: Sequence[Regular]
    dice: random.Random
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news, self._stopped = threading.Condition(), threading.Event()
        self._free = list(self.people)

    def stop(self) -> None:
        """Everybody finishes what they are at."""
        self._stopped.set()

    def work(self) -> None:
        """One client's, one person after the other."""
        while not self._stopped.is_set():
            person = self._take()
            name, act = self.dice.choice(self._possible(person))
            outcome = act(person)
            with self._news:
                self.done[name, outcome] += 1
                self._free.append(person)
                if outcome.startswith("fault"):
                    self.faults.append(f"{name}: {person.sample.uid}")

    def _take(self) -> Regular:
        with self._news:
            return self._free.pop(self.dice.randrange(len(self._free)))

    def _possible(self, person: Regular) -> list[tuple[str, Callable[[Regular], str]]]:
        acts: list[tuple[str, Callable[[Regular], str]]] = []
        if person.waits_since is not None:
            return [("wait for a mail that is late", self._wait)]
        if person.sample.rescue:
            acts.append(("ask for a key", self._ask))
        if person.key:
            acts += [("redeem a key", self._redeem), ("redeem a key twice at once", self._race)]
        if person.passwords:
            acts += [("change the password", self._change)] * 2
        if not person.mistyped:
            acts.append(("type a wrong secret", self._mistype))
        if person.spent:
            acts.append(("try a spent key", self._try_spent))
        return acts

    def _ask(self, person: Regular) -> str:
        visitor, seen = Wanderer([self.port]), len(self.mailbox.mails)
        if tried(visitor.get, "/") != 200:
            return "trouble"
        status = tried(visitor.post, "/oubli", identifier=person.sample.uid)
        if status in TROUBLE:
            person.key, person.is_in_doubt = None, True
            return "trouble"
        person.is_promised, person.waits_since = True, seen
        until = time.monotonic() + _MAIL_SECONDS
        while not self._has_mail(person) and time.monotonic() < until:
            time.sleep(0.01)
        return "done" if person.key else "mail is late"

    def _wait(self, person: Regular) -> str:
        time.sleep(0.1)
        return "it came" if self._has_mail(person) else "still none"

    def _has_mail(self, person: Regular) -> bool:
        """The newest key is the one that opens."""
        person.key = next(iter(self._mailed(person, person.waits_since or 0)), None)
        person.waits_since = None if person.key else person.waits_since
        return bool(person.key)

    def _mailed(self, person: Regular, seen: int = 0) -> list[str]:
        """The keys that were mailed to them since then, the newest first."""
        mails = [mail for mail in self.mailbox.mails[seen:] if person.sample.rescue in mail.to]
        return [found[0] for mail in reversed(mails) if (found := SHOWN_KEY.search(mail.text))]

    def _redeem(self, person: Regular) -> str:
        visitor, status = self._come_in(person, str(person.key))
        if status in TROUBLE:
            return "trouble"
        return self._choose(person, visitor) if status == 303 else self._key_failed(person)

    def _key_failed(self, person: Regular) -> str:
        """A mail that was sent by somebody who died before saying so is sent again, with another key."""
        used, newest = person.key, self._mailed(person)[0]
        person.key = newest if newest != used else None
        if person.key or person.is_in_doubt:
            return "refused, after trouble"
        return "fault: the key does not open"

    def _race(self, person: Regular) -> str:
        """The same key, two browsers, one instant: it opens once."""
        visitors = [self._come_in(person, str(person.key)) for _ in range(2)]
        if any(status != 303 for _, status in visitors):
            return "trouble" if any(status in TROUBLE for _, status in visitors) else self._redeem(person)
        choices = [_new_password() for _ in visitors]
        with ThreadPoolExecutor(2) as together:
            chosen = [
                together.submit(_choose, visitor, choice)
                for (visitor, _), choice in zip(visitors, choices, strict=True)
            ]
            told = [one.result() for one in chosen]
        won = [choice for choice, one in zip(choices, told, strict=True) if one == "done"]
        unknown = [choice for choice, one in zip(choices, told, strict=True) if one == "trouble"]
        if len(won) == 2:
            return "fault: both had it"
        if won:
            self._has_chosen(person, won[0])
            person.passwords[:0] = unknown  # its line broke; it cannot have won too
            return "done"
        if not unknown:
            return self._key_failed(person)
        self._may_have_chosen(person, *unknown)
        return "trouble"

    def _change(self, person: Regular) -> str:
        """With the password that may be theirs; after trouble there may be two."""
        for password in reversed(person.passwords):
            visitor, status = self._come_in(person, password)
            if status in TROUBLE:
                return "trouble"
            if status == 303:
                person.passwords, person.mistyped = [password], False
                return self._choose(person, visitor, current_password=password)
        return "fault: no password opens"

    def _choose(self, person: Regular, visitor: Wanderer, **also: str) -> str:
        choice, is_by_key = _new_password(), not also
        told = _choose(visitor, choice, **also)
        if told == "done" and is_by_key:
            self._has_chosen(person, choice)
        elif told == "done":
            person.passwords, person.key, person.is_promised = [choice], None, False  # a new password ends every key
        elif told == "trouble":
            self._may_have_chosen(person, choice)
        return told

    def _has_chosen(self, person: Regular, choice: str) -> None:
        person.spent, person.key, person.passwords = person.key, None, [choice]
        person.is_promised = person.is_in_doubt = person.mistyped = False

    def _may_have_chosen(self, person: Regular, *choices: str) -> None:
        person.passwords, person.key = [*person.passwords, *choices], None
        person.is_promised, person.is_in_doubt = False, True

    def _mistype(self, person: Regular) -> str:
        person.mistyped = True
        return self._refused(person, "Pont-de-la-Lune")

    def _try_spent(self, person: Regular) -> str:
        spent, person.spent, person.mistyped = str(person.spent), None, True
        return self._refused(person, spent)

    def _refused(self, person: Regular, secret: str) -> str:
        _, status = self._come_in(person, secret)
        return "trouble" if status in TROUBLE else "done" if status == 422 else f"fault: {status}"

    def _come_in(self, person: Regular, secret: str) -> tuple[Wanderer, int | None]:
        """At the door, and behind it if it opens."""
        visitor = Wanderer([self.port])
        if tried(visitor.get, "/") != 200:
            return visitor, None
        status = tried(visitor.post, "/connexion", identifier=person.sample.uid, secret=secret)
        if status == 303 and tried(visitor.get, "/mot-de-passe") != 200:
            status = None
        return visitor, status


def _new_password() -> str:
    return f"Vingt-mouettes-{next(_numbers)}-en-vol"


def _choose(visitor: Wanderer, password: str, **also: str) -> str:
    status = tried(visitor.post, "/mot-de-passe", password=password, confirmation=password, rescue="", **also)
    if status in TROUBLE:
        return "trouble"
    return "done" if visitor.sent_on.endswith("/fait") else "refused"
