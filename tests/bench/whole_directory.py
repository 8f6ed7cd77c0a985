"""What the commands cost that read everybody: ``python -m tests.bench.whole_directory [--help]``

``moncompte stats`` and ``moncompte check`` on a private slapd with 100,000 entries, each a process of its own: seconds
from its start to its end, and the most memory it ever held (getrusage(2), ``ru_maxrss``). Beside them stands what C
takes: ``ldapsearch`` as the portal, paged, of the same attributes, written to /dev/null. All in turn, some rounds.
Exit code 1: ``stats`` took 5 s or more (median), or ``check`` 10; of more entries, as much longer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click

from connector.cli import main as moncompte
from connector.cli.demo import settings as demo_settings
from connector.clock import utc_now
from connector.demo.ldap_tools import tool
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.settings import Settings
from connector.settings.effective import as_toml
from connector.statistics import Census
from tests.bench import crowd
from tests.bench.rig import LAUNCHER

_USUAL_ENTRIES = 100_000
C_CLIENT = "ldapsearch"
BOUNDS_SECONDS = {"stats": 5.0, "stats --by programme": 5.0, "stats --by day": 5.0, "check": 10.0}
_COMMAND = Path(sys.executable).with_name("moncompte")
_FOUND_SOMETHING = 1  # says check, and a crowd by template has its faults


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a command took: seconds, and MiB at most."""

    seconds: float
    memory: float


def main() -> int:
    """Measure, print the table, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=_USUAL_ENTRIES)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with PrivateSlapd() as slapd, Mailbox() as mailbox:
        crowd.load(slapd, options.entries, utc_now())
        settings = demo_settings(slapd, mailbox, 0)
        file = slapd.folder / "moncompte.toml"  # which only we may enter
        file.write_text(as_toml(settings), encoding="utf-8")
        commands = _ours(file) | {C_CLIENT: _theirs(slapd, settings)}
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                runs[name].append(timed(command))
    return report(runs, max(1, options.entries / _USUAL_ENTRIES))


def _ours(file: Path) -> dict[str, list[str]]:
    commands = {}
    for words in BOUNDS_SECONDS:
        name, *rest = words.split()
        if moncompte.get_command(click.Context(moncompte), name):
            commands[words] = [str(_COMMAND), name, "--settings", str(file), *rest]
        else:
            print(f"moncompte {name}: left out, there is no such command yet")
    return commands


def _theirs(slapd: PrivateSlapd, settings: Settings) -> list[str]:
    """The C client: the same filter, attributes and pages, bound as the portal."""
    options = ("-LLL", "-E", "pr=1000/noprompt", "-b", settings.directory.people_dn, "-H", slapd.ldapi_uri)
    attributes = Census(settings, utc_now()).attributes
    return [tool(C_CLIENT), *slapd.as_portal, *options, settings.directory.population, *attributes]


def timed(command: Sequence[str]) -> Run:
    """Run it to its end, its output thrown away. An error is one."""
    launcher = [sys.executable, "-IS", "-c", LAUNCHER, *command]
    done = subprocess.run(launcher, capture_output=True, text=True, env={**os.environ, "LDAPNOINIT": "1"}, check=True)
    code, seconds, kibibytes = done.stdout.split()
    assert code == "0" or (int(code) == _FOUND_SOMETHING and "check" in command), f"{command}: {done.stderr}"
    return Run(float(seconds), int(kibibytes) / 1024)


def report(runs: Mapping[str, Sequence[Run]], times_the_bound: float) -> int:
    """Print the table; 1 if something took too long."""
    usual = median(run.seconds for run in runs[C_CLIENT])
    late = 0
    print(f"{'command':<24}{'rounds':>7}{'median s':>10}{'slowest':>9}{'to ldapsearch':>15}{'most MiB':>10}")
    for name, each in runs.items():
        seconds = median(run.seconds for run in each)
        is_late = seconds >= BOUNDS_SECONDS.get(name, float("inf")) * times_the_bound
        late += is_late
        figures = f"{len(each):>7}{seconds:>10.2f}{max(run.seconds for run in each):>9.2f}{seconds / usual:>15.2f}"
        print(f"{name:<24}{figures}{max(run.memory for run in each):>10.0f}{'   TOO LONG' if is_late else ''}")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
