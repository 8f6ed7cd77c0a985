"""Does finding a person cost more in a larger directory?  ``python -m tests.bench.lookup [--help]``

Private slapds stand side by side, one with few entries, the others with many, and the portal looks people up in all of
them, in random order: by login, by INE, and logins and INEs that nobody has. The ratio of the medians, many to few, is
what counts; each comes with its 95 % interval. Exit code 1: a ratio is 1.2 or more.

65,000 entries would be slapd's worst case if it read the index of the population: a list of up to 65,536 entries (mdb's
idlexp), and a mere range beyond. The million takes a minute or more to load, and some GB of disk in TMPDIR.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from connector.cli.demo import settings as demo_settings
from connector.clock import utc_now
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory import Directory
from connector.model import Identifier, Ine, Uid
from tests.bench import crowd
from tests.bench.equal_time import interval

HIGHEST = 1.2
_dice = random.Random(20261122)  # noqa: S311 (an order, no secret)

KINDS: dict[str, Callable[[int], Identifier]] = {
    "login": lambda number: Uid(crowd.uid_of(number)),
    "INE": lambda number: Ine(crowd.ine_of(number)),
    "login of nobody": lambda number: Uid(f"nobody{number}"),
    "INE of nobody": lambda number: Ine(f"{number:09d}ZZ"),
}
Times = dict[tuple[str, int], list[float]]
"""Seconds, by the kind of look-up and the number of entries."""


def main() -> int:
    """Measure, print the table, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=1_000, help="entries in the small directory")
    parser.add_argument("--entries", type=int, nargs="+", default=[65_000, 1_000_000], help="in the large ones")
    parser.add_argument("--lookups", type=int, default=2_000, help="of each kind, in each directory")
    options = parser.parse_args()
    with ExitStack() as stack:
        directories = {size: stack.enter_context(directory_of(size)) for size in (options.few, *options.entries)}
        measure(directories, min(200, options.lookups))  # connections, caches
        times = measure(directories, options.lookups)
    return max(report(times, options.few, many) for many in options.entries)


@contextmanager
def directory_of(entries: int) -> Iterator[Directory]:
    """The portal's directory on a private slapd with so many entries."""
    with PrivateSlapd() as slapd, Mailbox() as mailbox:
        began = time.monotonic()
        crowd.load(slapd, entries, utc_now())
        print(f"{entries:,} entries loaded in {time.monotonic() - began:.0f} s")
        directory = Directory(demo_settings(slapd, mailbox, 0))
        try:
            yield directory
        finally:
            directory.close()


def measure(directories: dict[int, Directory], lookups: int) -> Times:
    """So many look-ups of each kind in each directory, in random order."""
    times: Times = defaultdict(list)
    cases = [(kind, size) for kind in KINDS for size in directories] * lookups
    for kind, size in _dice.sample(cases, len(cases)):
        number = _dice.randrange(size // 10) * 10 + _dice.randrange(crowd.STUDENTS_OF_TEN)
        identifier = KINDS[kind](number)
        began = time.perf_counter()
        found = directories[size].find([identifier])
        times[kind, size].append(time.perf_counter() - began)
        assert bool(found) is ("nobody" not in kind), identifier
    return times


def report(times: Times, few: int, many: int) -> int:
    """Print the table; 1 if a ratio is too high."""
    print(f"{'looked up by':<18}{'n':>7}{f'{few:,}':>12}{f'{many:,}':>12} (median ms){'ratio':>8}   95 % interval")
    outside = 0
    for kind in KINDS:
        small, large = times[kind, few], times[kind, many]
        ratio, (low, high) = median(large) / median(small), interval(large, small)
        outside += ratio >= HIGHEST
        figures = f"{len(small):>7}{median(small) * 1000:>12.3f}{median(large) * 1000:>12.3f}{ratio:>20.3f}"
        print(f"{kind:<18}{figures}   {low:.3f} to {high:.3f}{'   TOO HIGH' if ratio >= HIGHEST else ''}")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
