"""People who come to either of two portals, and what each was told, whatever happens to the servers meanwhile."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException

from connector.demo.people import SamplePerson
from tests.faults.consistency import NONE
from tests.faults.visitors import Visitor

NEW = "Trois-chaloupes-4-voiles"
TROUBLE = {502, 503, None}


class Wanderer(Visitor):
    """A browser behind a load balancer: each request goes to the next portal, or to the other where nobody listens."""

    _turns = itertools.count()

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__(ports[0])
        self._ports = ports

    def _ask(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> tuple[int, str]:
        turn = next(self._turns)
        for number in range(200):
            self._port = self._ports[(turn + number) % len(self._ports)]
            try:
                return super()._ask(method, path, body, headers)
            except ConnectionRefusedError:
                time.sleep(0.05 * (number > 0))
        raise ConnectionRefusedError


def tried(request: Callable[..., int], *words: str, **typed: str) -> int | None:
    """The status; None: the line broke, and nobody knows what was done."""
    try:
        return request(*words, **typed)
    except (OSError, HTTPException):
        return None


@dataclass
class Told:
    """What one person was told: the last status of each act, and every password that may be theirs (NONE: none)."""

    asked: int | None = None
    passwords: list[str] = field(default_factory=list)
    is_sure: bool = True
    """Whether the last of the passwords is known to be the one, from what was answered."""


class Load:
    """Clients who do one person's affair after the other: ask for a key, redeem a letter's key, change a password."""

    def __init__(self, ports: Sequence[int], people: Sequence[tuple[str, SamplePerson]]) -> None:
        self._ports, self._affairs, self._count = ports, iter(people), len(people)
        self._news = threading.Condition()
        self.told: dict[str, Told] = {}

    def work(self) -> None:
        """One client's, until nobody is left."""
        while (affair := self._next()) is not None:
            kind, person = affair
            told = getattr(self, f"_{kind}")(person)
            with self._news:
                self.told[person.uid] = told
                self._news.notify_all()

    def wait_for(self, more: int) -> None:
        """Until so many more were told something, or all."""
        with self._news:
            wanted = min(len(self.told) + more, self._count)
            assert self._news.wait_for(lambda: len(self.told) >= wanted, timeout=60)

    def _next(self) -> tuple[str, SamplePerson] | None:
        with self._news:
            return next(self._affairs, None)

    def _ask(self, person: SamplePerson) -> Told:
        """Again and again until it is not an outage."""
        told = Told(passwords=_own(person))
        while told.asked in TROUBLE:
            visitor = Wanderer(self._ports)
            if tried(visitor.get, "/") == 200:
                told.asked = tried(visitor.post, "/oubli", identifier=person.uid)
        return told

    def _redeem(self, person: SamplePerson) -> Told:
        return self._come_in(person, str(person.key), {})

    def _change(self, person: SamplePerson) -> Told:
        return self._come_in(person, str(person.password), {"current_password": str(person.password)})

    def _come_in(self, person: SamplePerson, secret: str, also: dict[str, str]) -> Told:
        """Once the door opens, one try at a password; what an outage did to it is not known."""
        told, status, visitor = Told(passwords=_own(person)), None, Wanderer(self._ports)
        while status in TROUBLE:
            visitor = Wanderer(self._ports)
            if tried(visitor.get, "/") == 200:
                status = tried(visitor.post, "/connexion", identifier=person.uid, secret=secret)
        if status != 303 or tried(visitor.get, "/mot-de-passe") != 200:
            return told
        done = tried(visitor.post, "/mot-de-passe", password=NEW, confirmation=NEW, rescue="", **also)
        told.is_sure = done not in TROUBLE
        if done == 303 or not told.is_sure:
            told.passwords.append(NEW)
        return told


def _own(person: SamplePerson) -> list[str]:
    return [person.password or NONE]
