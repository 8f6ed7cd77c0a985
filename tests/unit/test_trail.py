"""The audit read back from its end."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from connector.trail import last_events


def line(uid: str | None, number: int) -> str:
    return json.dumps({"event": "account:session:open", "account": uid, "number": number}) + "\n"


def numbers(file: Path, uid: str, count: int = 10) -> list[int]:
    return [event["number"] for event in last_events(file, uid, count)]


def test_the_last_of_one_account_the_newest_first_across_blocks_and_files(tmp_path: Path) -> None:
    file, rotated = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1"
    rotated.write_text("".join(line("élodie" if n % 10 == 0 else "other", n) for n in range(3000)))
    file.write_text("".join(line("élodie" if n % 1000 == 0 else None, n) for n in range(3000, 6000)))
    assert file.stat().st_size > 3 << 16
    assert numbers(file, "élodie", 5) == [5000, 4000, 3000, 2990, 2980]
    assert numbers(file, "élodie", 2) == [5000, 4000]
    assert numbers(file, "nobody") == []


def test_a_login_inside_another_is_another(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text(line("jmartin0011", 1) + json.dumps({"actor": "jmartin001", "account": "x"}) + "\n")
    assert last_events(file, "jmartin001", 10) == []


def test_lines_that_are_cut_off_or_of_anothers_hand_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text(
        line("a", 1) + '"a"\n[\n' + '{"x": "a"\n' + "a" * 200_000 + '"a"\n' + line("a", 2) + line("a", 3)[:-9]
    )
    assert numbers(file, "a") == [2, 1]


def test_a_file_without_an_end_of_line_and_an_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text(line("a", 1) + line("a", 2).rstrip())
    assert numbers(file, "a") == [2, 1]
    file.write_text("")
    assert numbers(file, "a") == []


def test_an_audit_that_is_not_there_is_an_error_a_rotated_one_is_not(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        last_events(tmp_path / "audit.jsonl", "a", 10)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """30 MB, read to its beginning: of an account that never did anything."""
    file = tmp_path / "audit.jsonl"
    with file.open("w") as lines:
        for n in range(300):
            lines.write("".join(line("other", n) for _ in range(1000)))
        lines.write("x" * 5_000_000)
    tracemalloc.start()
    assert numbers(file, "nobody") == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
