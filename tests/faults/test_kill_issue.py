"""``moncompte issue`` is killed wherever it is: at the end everybody's one live key is the one on the paper."""

from __future__ import annotations

import csv
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector import keys
from connector.cli.demo import settings as demo_settings
from connector.clock import utc_now
from connector.demo.mailbox import Mailbox
from connector.demo.people import sample_people, to_ldif
from connector.demo.slapd import PrivateSlapd
from connector.settings.effective import as_toml
from tests.portal_fixtures import SHOWN_KEY

COMMAND = str(Path(sys.executable).with_name("moncompte"))
KILLS = 20
COHORT = 2000


@dataclass
class Issuing:
    """The command, run again and again: each time it dies, it is told to go on."""

    settings: Path
    sheet: Path
    said: list[str] = field(default_factory=list)

    @property
    def record(self) -> Path:
        return self.sheet.with_name(self.sheet.name + ".batch")

    def start(self) -> subprocess.Popen[str]:
        begin = ["--filter", "(uid=*)", "--letters" if self.sheet.suffix == ".pdf" else "--csv", str(self.sheet)]
        words = ["--resume", str(self.record)] if self.record.exists() else begin
        return subprocess.Popen(
            [COMMAND, "issue", "--settings", str(self.settings), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_paper(self, process: subprocess.Popen[str], size: float) -> None:
        """Until there is so much of it, or the process ended before."""
        while process.poll() is None and (not self.sheet.exists() or self.sheet.stat().st_size < size):
            time.sleep(0)

    def end(self, process: subprocess.Popen[str]) -> int:
        self.said += process.communicate(timeout=120)
        return process.returncode


@pytest.fixture
def crowd(mailbox: Mailbox, tmp_path: Path) -> Iterator[tuple[PrivateSlapd, Path]]:
    """A directory of its own, and the settings' file."""
    with PrivateSlapd(password_hash="{SSHA}") as server:
        server.add_ldif(to_ldif(sample_people(COHORT, utc_now(), server.base)))
        settings = tmp_path / "moncompte.toml"
        settings.write_text(as_toml(demo_settings(server, mailbox, 8080, str(tmp_path / "audit"))), encoding="utf-8")
        yield server, settings


def papers(sheet: Path) -> dict[str, str]:
    with sheet.open(encoding="utf-8", newline="") as file:
        rows = [(row["login"], row["key"]) for row in csv.DictReader(file)]
    assert len(rows) == len(dict(rows)), "somebody is on the paper twice"
    return dict(rows)


def stored(slapd: PrivateSlapd) -> dict[str, str]:
    found = slapd.search("(moncompteKeyOrigin=letter)", "uid", "moncompteKeyHash", base=slapd.people_dn)
    return {entry["uid"][0]: entry["moncompteKeyHash"][0] for entry in found}


@pytest.mark.long
def test_killed_twenty_times_everybodys_key_is_on_the_paper(crowd: tuple[PrivateSlapd, Path], tmp_path: Path) -> None:
    slapd, settings = crowd
    dice = random.Random(20261122)  # noqa: S311 (when to kill)
    kills = batches = broken_off = 0
    began = time.monotonic()
    whole = Issuing(settings, tmp_path / "whole.csv")
    assert whole.end(whole.start()) == 0, whole.said
    seconds, size = time.monotonic() - began, whole.sheet.stat().st_size
    while kills < KILLS:
        batches += 1
        issuing = Issuing(settings, tmp_path / f"{batches}.csv")
        for is_anywhere in dice.choice(([False], [True], [False, False], [False, True])):
            process = issuing.start()
            if is_anywhere:
                time.sleep(dice.uniform(0, seconds))
            else:  # in the middle of the paper; behind what is there already
                written = issuing.sheet.stat().st_size if issuing.sheet.exists() else 0
                issuing.wait_for_paper(process, dice.uniform(written, size))
            process.kill()
            kills += issuing.end(process) != 0
            broken_off += issuing.sheet.exists() and 0 < len(papers(issuing.sheet)) < len(papers(whole.sheet))
        process = issuing.start()
        code = issuing.end(process)
        assert code == 0 or "is finished" in issuing.said[-1], issuing.said
        paper, directory = papers(issuing.sheet), stored(slapd)
        assert len(paper) == len(papers(whole.sheet))
        assert [uid for uid, key in paper.items() if not keys.verify(key.replace("-", ""), directory[uid])] == []
        in_clear = {key.replace("-", "") for key in paper.values()} | set(paper.values())
        assert not any(key in text for text in issuing.said for key in in_clear)
        record = issuing.record.read_text(encoding="utf-8")
        assert not any(key in record for key in in_clear)
    assert broken_off >= 3, f"of {kills} kills, {broken_off} were in the middle of the paper"


@pytest.mark.long
def test_letters_that_were_killed_hold_everybodys_key_in_the_end(
    crowd: tuple[PrivateSlapd, Path], tmp_path: Path
) -> None:
    slapd, settings = crowd
    issuing = Issuing(settings, tmp_path / "letters.pdf")
    for size in (0, 100_000, 1_000_000):  # of some 4 MB
        process = issuing.start()
        issuing.wait_for_paper(process, size)
        process.kill()
        assert issuing.end(process) == -signal.SIGKILL
    assert issuing.end(issuing.start()) == 0, issuing.said
    done = subprocess.run(["pdftotext", issuing.sheet, "-"], capture_output=True, text=True, check=True)
    printed = [SHOWN_KEY.findall(page) for page in done.stdout.split("\f")[:-1]]
    lines = map(json.loads, issuing.record.read_text(encoding="utf-8").splitlines())
    planned = [line["plan"] for line in lines if line.get("plan")]
    assert [len(set(found)) for found in printed] == [1] * len(planned)
    live = stored(slapd)
    for uid, found in zip(planned, printed, strict=True):
        assert keys.verify(found[0].replace("-", ""), live[uid])
    assert len(planned) > COHORT * 0.7
