"""SECURITY.md says of each ASVS requirement what docs/asvs.toml says, and what that names exists."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from tests import asvs
from tests.asvs import DOCUMENT, MET, NOT_APPLICABLE, NOT_MET, OPEN, ROOT, Row

PUBLISHED = ROOT.parent / "shared" / "asvs" / "asvs-5.0.0.csv"
ROWS = asvs.read()
LEVELS = {1: 70, 2: 183, 3: 13}
"""How many there are of levels 1 and 2, and of level 3 in chapters V6 and V7 alone."""
QUOTED_WORDS = 9
beside = pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published list is not beside the checkout")


def published() -> dict[str, tuple[int, str]]:
    """Level and text of each requirement that the table must hold."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        rows = {row["req_id"]: (int(row["L"]), row["req_description"]) for row in csv.DictReader(file)}
    wanted = ("V6.", "V7.")
    return {name: told for name, told in rows.items() if told[0] < 3 or name.startswith(wanted)}


def test_every_row_is_whole_and_in_its_place() -> None:
    assert [sentence for row in ROWS for sentence in asvs.faults(row)] == []
    assert [row.requirement for row in ROWS] == [row.requirement for row in sorted(ROWS, key=lambda row: row.place)]


def test_no_requirement_is_left_out_and_none_is_made_up() -> None:
    assert Counter(row.level for row in ROWS) == LEVELS
    assert {row.chapter for row in ROWS if row.level == 3} == {"V6", "V7"}
    assert {row.chapter for row in ROWS} == set(asvs.CHAPTERS)


@beside
def test_requirements_and_levels_are_the_published_ones() -> None:
    assert {row.requirement: row.level for row in ROWS} == {name: level for name, (level, _) in published().items()}


@beside
def test_the_words_are_our_own() -> None:
    """The standard is CC BY-SA: it is cited by number."""
    ours = " ".join(words((ROOT / "docs" / "asvs.toml").read_text("utf-8") + " " + DOCUMENT.read_text("utf-8")))
    runs = {
        " ".join(said[start : start + QUOTED_WORDS])
        for _level, text in published().values()
        for said in [words(text)]
        for start in range(len(said) - QUOTED_WORDS + 1)
    }
    assert [run for run in sorted(runs) if run in ours] == []


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def test_what_the_rows_name_exists() -> None:
    named = [(row.requirement, proof) for row in ROWS for proof in row.proof if not proof.startswith(OPEN)]
    assert [f"{name}: {proof} {why}" for name, proof in named if (why := asvs.missing(proof))] == []


def test_no_proof_is_still_to_be_written() -> None:
    assert [f"{row.requirement}: {proof}" for row in ROWS for proof in row.proof if proof.startswith(OPEN)] == []


def test_the_document_holds_the_table_that_the_data_make() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == asvs.renewed(document, asvs.render(ROWS)), "write it anew: .venv/bin/python -m tests.asvs"


def test_every_file_that_the_document_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)", DOCUMENT.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


GOOD = Row("V1.1.1", 2, MET, "It is.", ("tests/test_a.py::test_it",))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (Row("1.1.1", 2, NOT_MET, "It is not."), "is no requirement's number"),
        (Row("V1.1.1", 4, NOT_MET, "It is not."), "is no level"),
        (Row("V1.1.1", 2, "partly", "It is not."), "is no verdict"),
        (Row("V1.1.1", 2, NOT_APPLICABLE, ""), "has no reason"),
        (Row("V1.1.1", 2, MET, "It is."), "is met without a proof"),
        (Row("V1.1.1", 2, MET, "The installation decides.", GOOD.proof), "is met, and an installation's to decide"),
    ],
)
def test_a_row_that_says_too_little_is_told(row: Row, fault: str) -> None:
    assert asvs.faults(GOOD) == []
    assert asvs.faults(row) == [f"{row.requirement} {fault}"]


@pytest.mark.parametrize(
    ("proof", "stands"),
    [
        ("tests/test_a.py::test_it", True),
        ("tests/test_a.py::test_inside", True),
        ("tests/test_a.py::test_gone", False),
        ("tests/test_a.py::helper", False),
        ("tests/test_b.py::test_it", False),
        ("tests/helpers.py::test_it", False),
        ("tests/test_a.py: # a remark", True),
        ("tests/test_a.py: # another remark", False),
        ("SECURITY.md: broken in two", True),
        ("tests/test_a.py: def", False),  # too short to show anything
        ("SECURITY.md: in its prose", True),
        ("SECURITY.md: in its table", False),  # or each row would prove itself
        ("docs/asvs.toml: in its data", False),
        ("TODO: tests/test_a.py::test_it", False),
        ("it is so", False),
    ],
)
def test_a_proof_stands_only_where_it_is_found(tmp_path: Path, proof: str, stands: bool) -> None:
    source = "# a remark\ndef test_it(): ...\ndef helper(): ...\nclass TestIt:\n    def test_inside(self): ...\n"
    for name, text in {
        "tests/test_a.py": source,
        "tests/helpers.py": source,
        "docs/asvs.toml": "in its data",
        "SECURITY.md": f"in its prose\nbroken\n  in two\n{asvs.BEGIN}\nin its table\n{asvs.END}\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert (asvs.missing(proof, tmp_path) is None) is stands


def test_a_document_without_its_markers_is_not_written_over() -> None:
    assert asvs.renewed(f"a\n{asvs.BEGIN} old {asvs.END}\nb", "new") == "a\nnew\nb"
    for document in ("", f"a {asvs.BEGIN} b", f"a {asvs.END} b"):
        with pytest.raises(ValueError, match="asvs"):
            asvs.renewed(document, "new")


def test_the_counts_are_those_of_the_rows() -> None:
    rows = [GOOD, Row("V1.1.2", 1, NOT_MET, "The installation decides: | it is its proxy."), *[NOTHING] * 2]
    table = asvs.render(rows)
    assert "**In all: 4 requirements: 1 met, 1 not met (1 of them for the installation to decide), 2 not" in table
    assert "### V1: escaping and injection\n\n2 requirements: 1 met" in table
    assert "### V17: WebRTC\n\n2 requirements: 0 met, 0 not met, 2 not applicable." in table
    assert "| V1.1.1 | 2 | met | It is.<br>`tests/test_a.py::test_it` |" in table
    assert r"decides: \| it" in table


NOTHING = Row("V17.1.1", 2, NOT_APPLICABLE, "No WebRTC.")
