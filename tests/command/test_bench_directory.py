"""The benchmarks that fill a directory run, small; their figures are for a quiet machine, so none is asserted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("bench", "options", "rows"),
    [
        (
            "issue",
            ("--people", "60", "--rounds", "1"),
            [
                *(f"ldapmodify, {processes} at a time" for processes in (1, 2, 4, 8)),
                "moncompte issue, the keys",
                "moncompte issue, the whole",
            ],
        ),
        (
            "lookup",
            ("--few", "100", "--entries", "300", "400", "--lookups", "20"),
            ["login", "INE", "login of nobody", "INE of nobody"] * 2,
        ),
        (
            "whole_directory",
            ("--entries", "1500", "--rounds", "1"),
            ["stats", "stats --by programme", "stats --by day", "ldapsearch"],
        ),
    ],
)
def test_it_measures_and_leaves_nothing_behind(
    bench: str, options: tuple[str, ...], rows: list[str], tmp_path: Path
) -> None:
    folder = Path(f"{tmp_path}-t")  # not below, whose path may be too long for a unix socket
    folder.mkdir()
    command = [sys.executable, "-m", f"tests.bench.{bench}", *options]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert (done.returncode in {0, 1}, done.stderr) == (True, "")
    told = [line.split("   ")[0].strip() for line in done.stdout.splitlines()]
    assert [line for line in told if line in rows] == rows
    assert list(folder.iterdir()) == []
