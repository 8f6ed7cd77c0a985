"""How many people a second can come?  ``python -m tests.bench.flows [--help]``

They do what students do, as a browser does: a connection, the page, its cookie, its token, the form. slapd with 20,000
entries, a mail server and ``moncompte serve`` are processes of their own, and share the machine with whoever asks. For
each flow and number of clients: flows a second, the median time of one, and what one cost in CPU: of the web processes
(mails included), of slapd, of the clients. Each figure is the median of the rounds.

*ask for a key* and *change the password* end when the last mail is delivered. The limits are lifted, and counted all
the same; the rest is as in ``config/moncompte.toml``.

A machine that is shared is not as fast as it was a minute ago. So before and after each round ldap3 looks entries up,
over one connection, one after the other: *ldap3/s*; *x ldap3* is flows over its entries. That one differs, too: repeat.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from connector.settings import Settings
from connector.throttle import LIMITS
from tests.bench.rig import with_sections
from tests.bench.stage import Browser, Flow, Request, Stage, cpu_seconds, crowd_of, pss_mebibytes, staged

_PASSWORD = "velo-Garonne-{}"  # 14 characters, of which 10 are asked for; 25 would cost zxcvbn thrice as much
_SCHEMES = ("{SSHA}", "{ARGON2}")


def landing(_stage: Stage, browser: Browser) -> Iterator[Request]:
    """The page, for somebody new, over a connection that stays open."""
    browser.forget()
    yield browser.page("/")


def ask(stage: Stage, browser: Browser) -> Iterator[Request]:
    """Page, form, mail."""
    browser.start_anew()
    yield browser.page("/")
    yield browser.form("/oubli", identifier=next(stage.people))


def change(stage: Stage, browser: Browser) -> Iterator[Request]:
    """Sign in with the password, and choose another one."""
    uid = next(stage.people)
    turn = stage.passwords[uid] = stage.passwords.get(uid, 0) + 1
    old, new = _PASSWORD.format(turn - 1), _PASSWORD.format(turn)
    browser.start_anew()
    yield browser.page("/")
    yield browser.form("/connexion", identifier=uid, secret=old)
    yield browser.page("/mot-de-passe")
    yield browser.form("/mot-de-passe", current_password=old, password=new, confirmation=new)


FLOWS: dict[str, Flow] = {"landing page": landing, "ask for a key": ask, "change the password": change}


@dataclass(frozen=True)
class Round:
    """How long all its flows took together, and each; CPU seconds of web, slapd, clients."""

    seconds: float
    times: Sequence[float]
    cpu: Sequence[float]
    yardstick: float = 0.0
    """What ldap3 does a second, before and after."""

    @property
    def rate(self) -> float:
        """Flows a second."""
        return len(self.times) / self.seconds


def main() -> int:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=4, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--flow", choices=FLOWS, nargs="+", default=list(FLOWS))
    parser.add_argument("--scheme", choices=_SCHEMES, default=_SCHEMES[0], help="of the passwords in the directory")
    options = parser.parse_args()
    adjust = partial(adjusted, workers=options.workers)
    with staged(options.entries, _PASSWORD.format(0), options.scheme, adjust) as stage:
        play(stage, landing, 1, 0.1)
        idle = pss_mebibytes(stage.web)
        costs = f"{'CPU ms: web':>13}{'slapd':>8}{'clients':>9}"
        print(f"{'flow':<22}{'clients':>8}{'flows/s':>9}{'ldap3/s':>9}{'x ldap3':>9}{'ms':>8}{costs}")
        for name, clients in itertools.product(options.flow, options.clients):
            rounds = [measure(stage, FLOWS[name], clients, options.seconds) for _ in range(options.rounds)]
            report(name, clients, rounds)
        busy = pss_mebibytes(stage.web)
        said = f"{idle:.0f} MiB idle, {busy:.0f} MiB after all this"
        print(f"{options.workers} web processes and their parent (PSS): {said}")
    return 0


def adjusted(settings: Settings, workers: int) -> Settings:
    """The demo's settings, less what must not come between the portal and one machine that asks for thousands."""
    limits = dict.fromkeys(LIMITS, "1000000/second")
    keys = {"cooldown_seconds": 0, "mails_a_day": 1000}
    return with_sections(settings, web={"workers": workers}, throttle=limits, keys=keys)


def measure(stage: Stage, flow: Flow, clients: int, seconds: float) -> Round:
    """A round between two readings of the yardstick."""
    before = stage.yardstick(seconds / 4)
    played = play(stage, flow, clients, seconds)
    return replace(played, yardstick=(before + stage.yardstick(seconds / 4)) / 2)


def play(stage: Stage, flow: Flow, clients: int, seconds: float) -> Round:
    """So many clients, for so long, and until the last mail is there."""
    mailed, used, began = stage.mails.value, _used(stage), time.perf_counter()
    times = crowd_of(stage, flow, clients, seconds)
    if flow is not landing:
        stage.wait_for_mails(mailed + len(times))
    spent = time.perf_counter() - began
    return Round(spent, times, [now - before for now, before in zip(_used(stage), used, strict=True)])


def _used(stage: Stage) -> tuple[float, float, float]:
    return cpu_seconds(stage.web), cpu_seconds(stage.slapd), time.process_time()


def report(name: str, clients: int, rounds: Sequence[Round]) -> None:
    """A line of the table."""
    rate, ratio = median(one.rate for one in rounds), median(one.rate / one.yardstick for one in rounds)
    each = median(median(one.times) for one in rounds) * 1000
    web, slapd, ours = (median(one.cpu[place] / len(one.times) for one in rounds) * 1000 for place in range(3))
    yardstick = median(one.yardstick for one in rounds)
    figures = f"{rate:>9.0f}{yardstick:>9.0f}{ratio:>9.3f}{each:>8.1f}{web:>13.2f}{slapd:>8.2f}{ours:>9.2f}"
    print(f"{name:<22}{clients:>8}{figures}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
