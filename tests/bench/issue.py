"""How fast are keys issued for a cohort?  ``python -m tests.bench.issue [--people 40000]``

``moncompte issue --filter … --csv …`` as a sysadmin runs it, its start and the reading of everybody included, beside
the C client: ``ldapmodify`` with the very same kind of Modify for the same people, prepared before the clock runs, in
one to eight processes. In turn, on one slapd that waits for the disk at each write as a real one does. Prints rates,
their ratio, and the command's peak memory for the cohort and for a small part of it. Exit code 1: less than 80 % of
the best rate of the C client.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
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
from tests.faults.serving import as_toml

LEAST = 0.8
PROCESSES = (1, 2, 4, 8)
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


def _measure(slapd: PrivateSlapd, settings: Settings, folder: Path, rounds: int) -> int:
    ours: list[float] = []
    theirs: dict[int, list[float]] = {processes: [] for processes in PROCESSES}
    memory = 0
    for number in range(rounds):
        for processes in PROCESSES:
            theirs[processes].append(_ldapmodify(slapd, settings, folder, processes))
        rate, memory = _issue(settings, folder / f"{number}.csv", "(uid=*)")
        ours.append(rate)
    _, small = _issue(settings, folder / "small.csv", "(uid=*1)")
    best = max(max(rates) for rates in theirs.values())
    for processes, rates in theirs.items():
        print(f"ldapmodify, {processes} at a time  {' '.join(f'{rate:8.0f}' for rate in rates)}  keys a second")
    print(f"moncompte issue           {' '.join(f'{rate:8.0f}' for rate in ours)}  keys a second")
    ratio = max(ours) / best
    print(f"ratio of the best {ratio:.2f}")
    print(f"peak memory {memory / 1024:.0f} MiB; for a tenth of the people {small / 1024:.0f} MiB")
    return 0 if ratio >= LEAST else 1


def _issue(settings: Settings, sheet: Path, ldap_filter: str) -> tuple[float, int]:
    """Keys a second, and the command's peak memory in KiB."""
    file = sheet.with_name("moncompte.toml")
    file.touch(0o600)
    file.write_text(as_toml(settings), encoding="utf-8")
    command = [_COMMAND, "issue", "--settings", str(file), "--filter", ldap_filter, "--csv", str(sheet)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    issued = sheet.read_bytes().count(b"\n") - 1
    return issued / seconds, usage.ru_maxrss


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
