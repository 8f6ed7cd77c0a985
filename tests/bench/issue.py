"""How fast are keys issued for a cohort?  ``python -m tests.bench.issue [--people 40000]``

``moncompte issue --filter … --csv …`` as a sysadmin runs it, beside the C client: ``ldapmodify`` with the very same
kind of Modify for the same people, prepared before the clock runs, in one to eight processes; on one slapd that
waits for the disk at each write as a real one does. Two rates of the command are printed: of the whole, its start and
the reading and sorting of everybody included; and of the keys, from the first one minted to the last one stored, on the
sheet and in the audit, which is what the C client does less the minting, the sheet and the audit. Beside them its peak
memory, for the cohort and for a small part of it. Exit code 1: the keys come at less than 80 % of the best rate of the
C client.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from connector import keys
from connector.cli.demo import settings as demo_settings
from connector.clock import utc_now
from connector.demo.ldap_tools import tool
from connector.demo.mailbox import Mailbox
from connector.demo.people import sample_people, to_ldif
from connector.demo.slapd import SAMPLE_SUFFIX, PrivateSlapd
from connector.directory import Directory, changes
from connector.model import Account, Origin, PendingKey
from connector.settings import Settings
from connector.settings.effective import as_toml
from tests.bench.rig import LAUNCHER

LEAST = 0.8
PROCESSES = (1, 2, 4, 8)
# As LAUNCHER, and it looks when the sheet comes into being: that is right before the first key.
_WATCHING = LAUNCHER.replace(
    "_, status",
    """
sheet = sys.argv[-1]
while not os.path.exists(sheet) and not os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
    time.sleep(0.002)
planned = time.monotonic()
_, status""",
).replace("usage.ru_maxrss", "usage.ru_maxrss, time.monotonic() - planned")
_COMMAND = str(Path(sys.executable).with_name("moncompte"))


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-sync", action="store_true", help="a slapd that does not wait for the disk")
    options = parser.parse_args()
    with PrivateSlapd(durable=False) as slapd, tempfile.TemporaryDirectory() as folder:
        slapd.add_ldif(to_ldif(sample_people(options.people, utc_now(), SAMPLE_SUFFIX)))
        if not options.no_sync:
            slapd.add_config(
                "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcDbNoSync\nolcDbNoSync: FALSE\n"
            )
        settings = demo_settings(slapd, Mailbox(25), 8080, f"{folder}/audit")
        return _measure(slapd, settings, Path(folder), options.rounds)


@dataclass(frozen=True, slots=True)
class Run:
    """Keys a second of the whole command, and from the first key on; its peak memory in MiB."""

    whole: float
    keys: float
    memory: float


def _measure(slapd: PrivateSlapd, settings: Settings, folder: Path, rounds: int) -> int:
    ours: list[Run] = []
    theirs: dict[int, list[float]] = {processes: [] for processes in PROCESSES}
    for number in range(rounds):
        for processes in PROCESSES:
            theirs[processes].append(_ldapmodify(slapd, settings, folder, processes))
        ours.append(_issue(settings, folder / f"{number}.csv", "(uid=*)"))
    small = _issue(settings, folder / "small.csv", "(uid=*1)")
    for processes, rates in theirs.items():
        _tell(f"ldapmodify, {processes} at a time", rates)
    _tell("moncompte issue, the keys", [run.keys for run in ours])
    _tell("moncompte issue, the whole", [run.whole for run in ours])
    best = max(max(rates) for rates in theirs.values())
    ratio = max(run.keys for run in ours) / best
    print(f"ratio of the best: the keys {ratio:.2f}, the whole {max(run.whole for run in ours) / best:.2f}")
    print(f"peak memory {ours[-1].memory:.0f} MiB; for a part of the people {small.memory:.0f} MiB")
    return 0 if ratio >= LEAST else 1


def _tell(what: str, rates: Sequence[float]) -> None:
    print(f"{what:<27}   {' '.join(f'{rate:8.0f}' for rate in rates)}  keys a second")


def _issue(settings: Settings, sheet: Path, ldap_filter: str) -> Run:
    file = sheet.with_name("moncompte.toml")
    file.touch(0o600)
    file.write_text(as_toml(settings), encoding="utf-8")
    command = [_COMMAND, "issue", "--settings", str(file), "--filter", ldap_filter, "--csv", str(sheet)]
    done = subprocess.run([sys.executable, "-c", _WATCHING, *command], capture_output=True, text=True, check=True)
    code, whole, memory, issuing = map(float, done.stdout.split())
    assert code == 0, done.stderr
    issued = sheet.read_bytes().count(b"\n") - 1
    return Run(issued / whole, issued / issuing, memory / 1024)


def _ldapmodify(slapd: PrivateSlapd, settings: Settings, folder: Path, processes: int) -> float:
    """Keys a second of so many ldapmodify at a time."""
    directory = Directory(settings)
    now = utc_now()
    people = [account for account in directory.accounts() if account.is_eligible(now)]
    directory.close()
    with ExitStack() as files:
        parts = []
        for place in range(processes):
            part = files.enter_context(tempfile.NamedTemporaryFile("w", dir=folder, suffix=".ldif", encoding="utf-8"))
            part.writelines(_ldif(people[place::processes]))
            part.flush()
            parts.append(part.name)
        command = [tool("ldapmodify"), "-H", slapd.ldapi_uri, *slapd.as_portal, "-f"]
        began = time.perf_counter()
        running = [subprocess.Popen([*command, part], stdout=subprocess.DEVNULL) for part in parts]
        assert [process.wait() for process in running] == [0] * processes
        return len(people) / (time.perf_counter() - began)


def _ldif(people: Sequence[Account]) -> Iterator[str]:
    now = utc_now()
    for account in people:
        key = PendingKey(keys.hash_key(keys.mint()), now, now + timedelta(days=21), Origin.LETTER)
        yield f"dn: {account.dn}\nchangetype: modify\n"
        parts = [
            f"{str(operation).removeprefix('MODIFY_').lower()}: {name}\n" + "".join(f"{name}: {v}\n" for v in values)
            for name, each in changes.new_key(account, key, None).items()
            for operation, values in each
        ]
        yield "-\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
