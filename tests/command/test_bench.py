"""The benchmark of ``tests/bench`` runs; its figures are for a quiet machine and a long run, so none is asserted."""

import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASKING = {"unknown", "eligible", "cooling down", "no rescue address", "suspended", "never activated"}
SIGNING_IN = {"unknown", "active", "suspended", "never activated"}
LETTERS_HEADINGS = ["pages", "pages/s", "x", "300/s", "x", "empty", "peak", "MB"]
KINDS = {
    "(asks) login": ASKING,
    "(asks) INE": {"unknown", "suspended", "two people"},
    "wrong password": SIGNING_IN,
    "mistyped key": SIGNING_IN,
    "wrong key": SIGNING_IN,
    "(desk) password": {"unknown", "operator", "student"},
    "(not me) code": {"unknown", "changed address", "active"},
}


@pytest.mark.long
def test_it_compares_every_kind_of_person_with_nobody(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.bench.equal_time", "--requests", "3", "--sign-ins", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in {0, 1}, done.stderr
    assert done.stderr == ""
    rows = done.stdout.splitlines()[1:]
    itself = [row for row in rows if row[37:48].strip() == "itself"]
    measured = {(row[:18].strip(), row[18:37].strip(), int(row[48:53])) for row in itself}
    assert measured == {(typed, who, 3) for typed, everybody in KINDS.items() for who in everybody}


def test_it_prints_letters_and_says_how_fast() -> None:
    script = "from tests.bench.letters import main; main((20, 60))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    headings, *rows, last = done.stdout.splitlines()
    assert headings.split() == LETTERS_HEADINGS
    assert [row.split()[0] for row in rows] == ["20", "60"]
    assert "memory grows by" in last


@pytest.mark.long
def test_it_plays_every_flow_and_tells_what_it_costs() -> None:
    options = ["--entries", "200", "--clients", "2", "--seconds", "0.3", "--rounds", "1", "--workers", "2"]
    command = [sys.executable, "-m", "tests.bench.flows", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    _room, _headings, *rows, memory = done.stdout.splitlines()
    assert [row[:22].strip() for row in rows] == ["landing page", "ask for a key", "change the password"]
    assert all(float(figure) > 0 for row in rows for figure in row[30:].split()[:3])
    assert re.fullmatch(r"2 web processes .*: [1-9]\d* MiB idle, [1-9]\d* MiB after all this", memory)


@pytest.mark.long
def test_it_asks_while_the_mail_server_hangs() -> None:
    """The mails come minutes later; whether they do is ``tests.faults``' to see."""
    options = ["--entries", "200", "--clients", "2", "--seconds", "0.3", "--rounds", "1", "--patience", "0"]
    command = [sys.executable, "-m", "tests.bench.silent_mail", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)
    assert done.stderr == ""
    _room, _headings, *rows, mails = done.stdout.splitlines()
    moods = ["answers", "is silent", "is a black hole"]
    assert [(row[:18].strip(), row[18:30].strip()) for row in rows] == list(product(moods, ["a key", "the page"]))
    assert all(float(figure) > 0 for row in rows for figure in row[30:].split())
    assert re.match(r"[1-9]\d* asked, ", mails)
