"""Does time tell a stranger who exists?  ``python -m tests.bench.equal_time [--help]``

Asks for keys, tries to sign in, at the help desk too, and says *it was not me*, over a socket, for people of every kind
in random order, and compares the median time of each kind with that of unknown people for whom the same was typed: of
the request itself, of another's asking right after it, and of eight small pages right after it, which a mail being sent
would slow down. The passwords are not hashed as the decoy's is: that must not show either. slapd, mail server, portal
and visitor are processes of their own.
Exit code 1: a ratio of medians lies outside 0.98 to 1.02, and its 95 % interval does not hold 1: it is not noise.

The defaults take some twenty minutes; ``--no-steps`` shows what the steps of ``[throttle]`` hide.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count, cycle
from statistics import median

from connector import keys
from connector.clock import utc_now
from connector.demo.people import SamplePerson, sample_people, to_ldif
from connector.demo.slapd import SAMPLE_SUFFIX, PrivateSlapd
from connector.directory.entries import to_time
from connector.settings import Settings
from connector.throttle import LIMITS
from tests.bench.rig import Visitor, portal_on, with_sections
from tests.portal_fixtures import slip

LOWEST, HIGHEST = 0.98, 1.02
UNKNOWN = "unknown"
ITSELF, ASKED_AFTER, READ_AFTER = "itself", "ask after", "pages after"
PASSWORD = "Pont-de-Pierre-1822"  # nobody's
_TWO_PEOPLES_INE = "2222222222B"
_OPERATORS = "expired"  # who else is of no kind that is measured
_COOLING = 50  # people who ask before the clock runs
_RESAMPLES = 4000
_PAGES = 8
_REST_SECONDS = 0.01
_dice = random.Random(20261122)  # noqa: S311 (an order, no secret)

Times = dict[tuple[str, str, str], list[float]]
"""Seconds, by what was typed, for whom, and which request was measured."""


@dataclass(frozen=True, slots=True)
class Kind:
    """People whom time must not tell from the unknown ones for whom the same is ``typed``."""

    typed: str
    who: str
    request: Callable[[], bytes]


def adjusted(settings: Settings, smtp_down: bool, no_steps: bool) -> Settings:
    """The demo's settings, less what must not come between the portal and a visitor who asks ten thousand times."""
    mail = {"port": 1} if smtp_down else {}
    limits: dict[str, object] = dict.fromkeys(LIMITS, "1000000/second")
    steps = {"ask_step_ms": 0, "refusal_step_ms": 0} if no_steps else {}
    quiet = {"file": "/dev/null"}
    return with_sections(
        settings, keys={"cooldown_seconds": 24 * 3600}, mail=mail, throttle=limits | steps, audit=quiet
    )


def main() -> int:
    """Measure, print the table, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000, help="for a key, of each kind")
    parser.add_argument("--sign-ins", type=int, default=300, help="of each kind; each costs slapd an argon2")
    parser.add_argument("--smtp-down", action="store_true", help="nothing listens where mail should go")
    parser.add_argument("--no-steps", action="store_true", help="answer as soon as can be")
    options = parser.parse_args()
    count_of_all = 400 + 4 * options.requests + options.sign_ins
    people = [_or_operator(person) for person in sample_people(count_of_all, utc_now(), SAMPLE_SUFFIX)]
    times: Times = defaultdict(list)
    with PrivateSlapd() as slapd:
        changed = _in_a_cool_down(people)
        slapd.add_ldif(to_ldif([*people, *_two_with_one_ine(people), *changed]))
        adjust = partial(adjusted, smtp_down=options.smtp_down, no_steps=options.no_steps)
        with portal_on(slapd, adjust) as port, Visitor(port) as visitor:
            _measure(visitor, _asking(visitor, people), options.requests, times)
            _measure(visitor, _signing_in(visitor, people), options.sign_ins, times)
            _measure(visitor, _at_the_desk(visitor, people), options.sign_ins, times)
            _measure(visitor, _opposing(visitor, people, changed), options.sign_ins, times)
    return report(times)


def _two_with_one_ine(people: Sequence[SamplePerson]) -> list[SamplePerson]:
    """Two of the people once more, by other logins: an INE must not be theirs both."""
    return [
        replace(
            person,
            dn=person.dn.replace("uid=", "uid=z", 1),
            attributes={**person.attributes, "uid": [f"z{person.uid}"], "supannCodeINE": [_TWO_PEOPLES_INE]},
        )
        for person in [person for person in people if person.rescue and person.ine][:2]
    ]


def _or_operator(person: SamplePerson) -> SamplePerson:
    """Whoever is expired works at the help desk, so that there are enough of them for nobody to be locked."""
    if person.state != _OPERATORS:
        return person
    classes = [*person.attributes["objectClass"], "moncompteOperator"]
    return replace(person, attributes={**person.attributes, "objectClass": classes})


def _in_a_cool_down(people: Sequence[SamplePerson]) -> list[SamplePerson]:
    """Some of the people once more, by other logins, whose rescue address was changed of late."""
    former = f"{to_time(utc_now() + timedelta(days=3))} former@courriel.example"
    changed = {"supannCodeINE": [], "moncompteRescueFormer": [former]}
    return [
        replace(
            person,
            uid=f"c{person.uid}",
            dn=person.dn.replace("uid=", "uid=c", 1),
            attributes={
                **person.attributes,
                **changed,
                "uid": [f"c{person.uid}"],
                "objectClass": [*person.attributes["objectClass"], "moncompteAccount"],
            },
        )
        for person in people
        if person.state == "active" and person.rescue
    ][:_COOLING]


def _asking(visitor: Visitor, people: Sequence[SamplePerson]) -> list[Kind]:
    eligible = _logins(people, "active", has_rescue=True)
    cooling, fresh = eligible[:_COOLING], iter(eligible[_COOLING:])
    for uid in cooling:
        visitor.say(visitor.form("/oubli", identifier=uid))
    who = {
        UNKNOWN: _unknown(people),
        "eligible": fresh,
        "cooling down": cycle(cooling),
        "no rescue address": cycle(_logins(people, "active", has_rescue=False)),
        "suspended": cycle(_logins(people, "suspended", has_rescue=True)),
        "never activated": cycle(_logins(people, "to-activate", has_rescue=False)),
    }

    by_ine = {
        UNKNOWN: (f"{number:09d}ZZ" for number in count()),
        "suspended": cycle([str(person.ine) for person in people if person.state == "suspended" and person.rescue]),
        "two people": cycle([_TWO_PEOPLES_INE]),
    }

    def request(typed: Iterator[str]) -> bytes:
        return visitor.form("/oubli", identifier=next(typed))

    return [
        Kind(typed, name, partial(request, one))
        for typed, everybody in (("(asks) login", who), ("(asks) INE", by_ine))
        for name, one in everybody.items()
    ]


def _signing_in(visitor: Visitor, people: Sequence[SamplePerson]) -> list[Kind]:
    """In turn, so that nobody fails ten times: whom the policy locks is another kind."""
    who = {
        UNKNOWN: _unknown(people),
        "active": cycle(_logins(people, "active", has_rescue=True)),
        "suspended": cycle(_logins(people, "suspended", has_rescue=True)),
        "never activated": cycle(_logins(people, "to-activate", has_rescue=False)),
    }
    secrets: dict[str, Callable[[], str]] = {
        "wrong password": lambda: PASSWORD,
        "mistyped key": lambda: slip(keys.mint()),
        "wrong key": keys.mint,
    }

    def request(logins: Iterator[str], secret: Callable[[], str]) -> bytes:
        return visitor.form("/connexion", identifier=next(logins), secret=secret())

    return [
        Kind(typed, name, partial(request, logins, secret))
        for typed, secret in secrets.items()
        for name, logins in who.items()
    ]


def _at_the_desk(visitor: Visitor, people: Sequence[SamplePerson]) -> list[Kind]:
    who = {
        UNKNOWN: _unknown(people),
        "operator": cycle(_logins(people, _OPERATORS, has_rescue=True)),
        "student": cycle(_logins(people, "active", has_rescue=True)),
    }

    def request(logins: Iterator[str]) -> bytes:
        return visitor.form("/guichet/connexion", identifier=next(logins), password=PASSWORD, code="123456")

    return [Kind("(desk) password", name, partial(request, logins)) for name, logins in who.items()]


def _opposing(visitor: Visitor, people: Sequence[SamplePerson], changed: Sequence[SamplePerson]) -> list[Kind]:
    who = {
        UNKNOWN: _unknown(people),
        "changed address": cycle([person.uid for person in changed]),
        "active": cycle(_logins(people, "active", has_rescue=True)),
    }

    def request(logins: Iterator[str]) -> bytes:
        return visitor.form("/pas-moi", identifier=next(logins), code="K7QF9-M2XT4")

    return [Kind("(not me) code", name, partial(request, logins)) for name, logins in who.items()]


def _logins(people: Sequence[SamplePerson], state: str, *, has_rescue: bool) -> list[str]:
    return [person.uid for person in people if person.state == state and bool(person.rescue) is has_rescue]


def _unknown(people: Sequence[SamplePerson]) -> Iterator[str]:
    """Logins like the others', that nobody has."""
    return cycle([f"{person.uid[:-3]}xyz" for person in people])


def _measure(visitor: Visitor, kinds: Sequence[Kind], requests: int, times: Times) -> None:
    """Each kind so many times, in random order: a request, and at once another's or some pages; a rest."""
    ask, read = [visitor.form("/oubli", identifier="nobody-at-all")], [visitor.page("/connexion")] * _PAGES
    for kind in _dice.sample(list(kinds) * requests, len(kinds) * requests):
        own = times[kind.typed, kind.who, ITSELF]
        own.append(visitor.say(kind.request()))
        what, after = (ASKED_AFTER, ask) if len(own) % 2 else (READ_AFTER, read)
        times[kind.typed, kind.who, what].append(sum(map(visitor.say, after)))
        time.sleep(_REST_SECONDS * _dice.uniform(0.8, 1.2))


def report(times: Times) -> int:
    """Print the table; 1 if a ratio is out of bounds."""
    print(f"{'typed':<18}{'for whom':<19}{'request':<11}{'n':>5}{'median ms':>11}{'ratio':>8}   95 % interval")
    outside = 0
    for (typed, who, what), seconds in sorted(times.items(), key=lambda item: (item[0][0], item[0][2], item[0][1])):
        usual = times[typed, UNKNOWN, what]
        ratio, (low, high) = median(seconds) / median(usual), interval(seconds, usual)
        is_outside = not LOWEST <= ratio <= HIGHEST and not low <= 1 <= high
        outside += is_outside
        figures = f"{len(seconds):>5}{median(seconds) * 1000:>11.3f}{ratio:>8.3f}   {low:.3f} to {high:.3f}"
        print(f"{typed:<18}{who:<19}{what:<11}{figures}{'   OUTSIDE' if is_outside else ''}")
    return 1 if outside else 0


def interval(seconds: Sequence[float], usual: Sequence[float]) -> tuple[float, float]:
    """The bootstrap's 95 % interval of the ratio of medians."""
    ratios = sorted(a / b for a, b in zip(_medians(seconds), _medians(usual), strict=True))
    return ratios[len(ratios) * 25 // 1000], ratios[len(ratios) * 975 // 1000]


def _medians(values: Sequence[float]) -> Iterator[float]:
    """Medians of resamples: that of a resample is an order statistic, whose rank follows a Beta distribution."""
    ordered, half = sorted(values), (len(values) + 1) / 2
    return (ordered[int(_dice.betavariate(half, half) * len(ordered))] for _ in range(_RESAMPLES))


if __name__ == "__main__":
    sys.exit(main())
