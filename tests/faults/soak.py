"""Does it last?  ``python -m tests.faults.soak [--minutes 30] [--clients 3] [--seed 1]``

``moncompte serve`` with two processes and ``moncompte dispatch`` on a private slapd and Redis; people who ask, redeem,
change, mistype; and every few seconds a mishap: processes are killed, reloaded, restarted, slapd dies or hangs, the
mail server falls silent or refuses. At the end nothing may be owed, every entry is looked at, and everybody must have
what they were told. The exit code is 1 where something is wrong, and the same seed throws the same dice.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from connector import keys
from connector.cli.demo import settings as demo_settings
from connector.clock import utc_now
from connector.demo.mailbox import Mailbox
from connector.demo.people import SamplePerson, sample_people, to_ldif
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from connector.settings import Settings
from connector.throttle import LIMITS
from tests.bench.rig import free_port, with_sections
from tests.bench.stage import pss_mebibytes
from tests.faults import trouble
from tests.faults.consistency import NONE, faults, password_of
from tests.faults.regulars import Regular, Regulars
from tests.faults.serving import PROGRAM, Serving
from tests.portal_fixtures import SHOWN_KEY
from tests.storage import shared_storage

_PEOPLE = 400
_WORKERS = 2
_PAUSE_SECONDS = 3  # between two mishaps, and as long as what hangs hangs


@dataclass
class Soak:
    """A site, what befell it, and what was wrong at the end. ``memory``: MiB of the web processes, first and last."""

    slapd: PrivateSlapd
    mailbox: Mailbox
    settings: Settings
    serving: Serving
    people: Sequence[Regular]
    dice: random.Random
    mishaps: Counter[str] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def run(self, seconds: float, clients: int) -> Counter[tuple[str, str]]:
        """The load and the mishaps, for so long; how often who did what, and how it ended."""
        load = Regulars(self.serving.port, self.mailbox, self.people, self.dice)
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(clients) as crowd, self._dispatcher():
            working = [crowd.submit(load.work) for _ in range(clients)]
            try:
                time.sleep(_PAUSE_SECONDS)
                self._weigh()
                while time.monotonic() < until and not any(one.done() for one in working):
                    self._strike()
                    time.sleep(_PAUSE_SECONDS)
            finally:
                load.stop()
            for one in working:
                one.result()
            self._weigh()
        self.faults += load.faults
        return load.done

    def look(self) -> None:
        """When nothing is owed any more: at every entry, and at what each person was told."""
        _drain(self.settings, self.slapd)
        passwords = {one.sample.uid: one.passwords or [NONE] for one in self.people}
        self.faults += faults([self.slapd], utc_now(), passwords)
        self.faults += self._untrue()
        self.faults += [line for line in self.serving.log.splitlines() if line.startswith("Traceback")]

    def _untrue(self) -> Iterator[str]:
        """Who was told of a password, or of a mail with a key, and has it not."""
        mails = {mail.to[0]: found[0] for mail in self.mailbox.mails if (found := SHOWN_KEY.search(mail.text))}
        people = self.slapd.search("(uid=*)", "moncompteKeyHash", "uid", base=self.slapd.people_dn)
        live = {entry["uid"][0]: entry.get("moncompteKeyHash", [""])[0] for entry in people}
        for one in self.people:
            person = one.sample
            if len(one.passwords) == 1 and not password_of(self.slapd, person.dn, one.passwords):
                yield f"{person.uid}: not the password they were told of"
            if one.is_promised:
                typed = keys.read(mails.get(str(person.rescue), ""))
                if not typed or not keys.verify(typed.text, live[person.uid]):
                    yield f"{person.uid}: no mail with a key that works"

    def _weigh(self) -> None:
        self.serving.wait_for_workers(_WORKERS)
        self.memory.append(pss_mebibytes(self.serving.pid))

    def _strike(self) -> None:
        act = self.dice.choice(MISHAPS)
        act(self)
        self.mishaps[_name(act)] += 1

    @contextmanager
    def _dispatcher(self) -> Iterator[None]:
        self._start_dispatcher()
        try:
            yield
        finally:
            self._sender.terminate()
            self._sender.wait(timeout=60)

    def _start_dispatcher(self) -> None:
        command = [PROGRAM, "dispatch", "--settings", str(self.serving.file)]
        self._sender = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def a_web_process_is_killed(self) -> None:
        self.serving.wait_for_workers(_WORKERS)
        os.kill(self.dice.choice(self.serving.workers), signal.SIGKILL)

    def all_web_processes_are_killed(self) -> None:
        self.serving.kill()
        self.serving.start()

    def the_portal_is_restarted(self) -> None:
        self.serving.stop()
        self.serving.start()

    def the_settings_are_read_anew(self) -> None:
        self.serving.wait_for_workers(_WORKERS)
        self.serving.reload()

    def the_dispatcher_is_killed(self) -> None:
        self._sender.kill()
        self._sender.wait()
        self._start_dispatcher()

    def slapd_is_killed(self) -> None:
        trouble.kill(self.slapd)
        self.slapd.restart()

    def slapd_hangs(self) -> None:
        with trouble.frozen(self.slapd):
            time.sleep(_PAUSE_SECONDS)

    def slapd_refuses_writes(self) -> None:
        with trouble.read_only(self.slapd):
            time.sleep(_PAUSE_SECONDS)

    def the_mail_server_is_silent(self) -> None:
        self.mailbox.hold(True)
        time.sleep(_PAUSE_SECONDS)
        self.mailbox.hold(False)

    def the_mail_server_refuses(self) -> None:
        self.mailbox.refuse(451)
        time.sleep(_PAUSE_SECONDS)
        self.mailbox.refuse(None)


MISHAPS: Sequence[Callable[[Soak], None]] = (
    Soak.a_web_process_is_killed,
    Soak.all_web_processes_are_killed,
    Soak.the_portal_is_restarted,
    Soak.the_settings_are_read_anew,
    Soak.the_dispatcher_is_killed,
    Soak.slapd_is_killed,
    Soak.slapd_hangs,
    Soak.slapd_refuses_writes,
    Soak.the_mail_server_is_silent,
    Soak.the_mail_server_refuses,
)


def _name(act: Callable[[Soak], None]) -> str:
    return act.__name__.replace("_", " ")


@contextmanager
def site(seed: int) -> Iterator[Soak]:
    """Everything that runs, with some hundred people."""
    with (
        PrivateSlapd(password_hash="{SSHA}") as slapd,
        Mailbox() as mailbox,
        tempfile.TemporaryDirectory(prefix="moncompte-soak-") as folder,
        shared_storage(Path(folder)) as storage,
    ):
        people = sample_people(_PEOPLE, utc_now(), slapd.base)
        slapd.add_ldif(to_ldif(people))
        settings = _settings(slapd, mailbox, folder, storage)
        serving = Serving(settings, Path(folder))
        serving.start()
        serving.wait_for_workers(_WORKERS)
        try:
            come = [_regular(person) for person in people if _comes(person)]
            yield Soak(slapd, mailbox, settings, serving, come, random.Random(seed))  # noqa: S311 - no secret
        finally:
            serving.stop()


def _settings(slapd: PrivateSlapd, mailbox: Mailbox, folder: str, storage: str) -> Settings:
    """No limit is in the way; nobody waits long."""
    port = free_port()
    limits = dict.fromkeys(LIMITS, "1000000/second") | {"ask_step_ms": 0, "refusal_step_ms": 0}
    return with_sections(
        demo_settings(slapd, mailbox, port, f"{folder}/audit.jsonl"),
        web={"listen": f"127.0.0.1:{port}", "workers": _WORKERS},
        directory={"timeout_seconds": 1},
        mail={"timeout_seconds": 1, "lease_seconds": 2, "dispatch_every_seconds": 1},
        keys={"cooldown_seconds": 0, "mails_a_day": 10_000},
        throttle=limits | {"storage": SecretStr(storage)},
    )


def _comes(person: SamplePerson) -> bool:
    """An account like any other: open, with a way in that is known."""
    return person.serves is None and person.state == "active" and bool(person.password)


def _regular(person: SamplePerson) -> Regular:
    return Regular(person, [str(person.password)], None)


def _drain(settings: Settings, slapd: PrivateSlapd) -> None:
    """Another process sends what is left, half an hour later, and half an hour later."""
    later = utc_now()
    for _turn in range(20):
        if not slapd.search("(moncompteMailDue=*)", "1.1", base=slapd.people_dn):
            return
        later += timedelta(minutes=30)
        portal = Portal(settings, lambda: later)  # noqa: B023 - it is gone before the next
        portal.outbox.dispatch(later)
        portal.stop()


def report(soak: Soak, done: Counter[tuple[str, str]]) -> Iterator[str]:
    """What happened, a line each."""
    yield from (f"{count:>7}  {name}: {outcome}" for (name, outcome), count in sorted(done.items()))
    yield from (f"{count:>7}  {name}" for name, count in sorted(soak.mishaps.items()))
    yield f"{len(soak.mailbox.mails):>7}  mails"
    yield "{:.0f} MiB of web processes at the beginning, {:.0f} at the end (PSS)".format(*soak.memory)
    yield from (f"FAULT: {fault}" for fault in soak.faults)
    yield f"{len(soak.faults)} faults in {len(soak.people)} accounts"


def main() -> int:
    """Run, look, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))  # noqa: S311 - no secret
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with site(options.seed) as soak:
        done = soak.run(options.minutes * 60, options.clients)
        soak.look()
        print(*report(soak, done), sep="\n")
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main())
