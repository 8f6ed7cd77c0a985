"""The OWASP ASVS 5.0 table of SECURITY.md, made of docs/asvs.toml: ``python -m tests.asvs`` writes it.

A proof is ``path::test_name``, a test function of that file, or ``path: text``, text that stands in that file.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATA = ROOT / "docs" / "asvs.toml"
DOCUMENT = ROOT / "SECURITY.md"
BEGIN, END = "<!-- asvs: begin, written by python -m tests.asvs -->", "<!-- asvs: end -->"
VERDICTS = MET, NOT_MET, NOT_APPLICABLE = "met", "not met", "not applicable"
OPEN = "TODO: "
"""Begins a proof that is still to be written; it shows nothing, since there is no file of that name."""
INSTALLATION = "The installation decides"
"""Begins the reason of a requirement that is not met by the portal alone."""
CHAPTERS = {
    "V1": "escaping and injection",
    "V2": "validation and the rules of the business",
    "V3": "the browser",
    "V4": "HTTP",
    "V5": "files",
    "V6": "signing in",
    "V7": "sessions",
    "V8": "who may do what",
    "V9": "signed tokens",
    "V10": "OAuth and OpenID Connect",
    "V11": "cryptography",
    "V12": "TLS",
    "V13": "configuration",
    "V14": "data",
    "V15": "code and dependencies",
    "V16": "logs and errors",
    "V17": "WebRTC",
}
_ID = re.compile(r"V([0-9]+)\.([0-9]+)\.([0-9]+)")
_TEST = re.compile(r"(?P<path>tests/\S+\.py)::(?P<name>test_\w+)")
_TEXT = re.compile(r"(?P<path>[^\s:]+): (?P<text>.{8,})")


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement: what we say of it, and what shows it."""

    requirement: str
    level: int
    verdict: str
    why: str
    proof: tuple[str, ...] = ()

    @property
    def chapter(self) -> str:
        """``V3`` of ``V3.4.1``."""
        return self.requirement.partition(".")[0]

    @property
    def place(self) -> list[int]:
        """What rows are sorted by."""
        return [int(number) for number in re.findall("[0-9]+", self.requirement)]


def read(path: Path = DATA) -> list[Row]:
    """The rows as they stand in the file. Raises TypeError for a key that is missing or unknown."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Row(name, **(entry | {"proof": tuple(entry.get("proof", ()))})) for name, entry in entries.items()]


def faults(row: Row) -> list[str]:
    """What is wrong with a row by itself, in sentences; nothing of whether its proofs exist."""
    wrong = {
        "is no requirement's number": not _ID.fullmatch(row.requirement),
        "is no level": row.level not in {1, 2, 3},
        "is no verdict": row.verdict not in VERDICTS,
        "has no reason": not re.fullmatch(r".{4,}[.]", row.why),
        "is met without a proof": row.verdict == MET and not row.proof,
        "is met, and an installation's to decide": row.verdict == MET and row.why.startswith(INSTALLATION),
    }
    return [f"{row.requirement} {sentence}" for sentence, is_so in wrong.items() if is_so]


def missing(proof: str, root: Path = ROOT) -> str | None:
    """Why ``proof`` shows nothing, or None where it stands."""
    if found := _TEST.fullmatch(proof):
        return None if found["name"] in _tests(root / found["path"]) else "names a test that does not exist"
    if found := _TEXT.fullmatch(proof):
        return (
            None if _filled(found["text"]) in _prose(root / found["path"]) else "names text that does not stand there"
        )
    return "is neither path::test_name nor path: text"


def render(rows: Iterable[Row]) -> str:
    """The whole table, chapter by chapter, between its two markers."""
    rows = list(rows)
    chapters = [_chapter(name, list(members)) for name, members in groupby(rows, key=lambda row: row.chapter)]
    return "\n".join([BEGIN, "", f"**In all: {_count(rows)}.**", "", *chapters, END])


def renewed(document: str, table: str) -> str:
    """``document`` with ``table`` where the old one was. Raises ValueError without both markers."""
    before, _, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"no {BEGIN} … {END}")
    return before + table + after


def _tests(path: Path) -> set[str]:
    """The tests that pytest would find in the file."""
    if not path.is_file() or not path.name.startswith("test_"):
        return set()
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def _prose(path: Path) -> str:
    """The text of a file, each break or row of blanks one blank, so that lines may be filled anew.

    Of SECURITY.md without the table, which quotes every proof; and the data prove nothing.
    """
    if not path.is_file() or path.name == DATA.name:
        return ""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    return _filled(before + rest.partition(END)[2])


def _filled(text: str) -> str:
    return " ".join(text.split())


def _chapter(name: str, rows: list[Row]) -> str:
    head = f"### {name}: {CHAPTERS[name]}", "", f"{_count(rows)}.", "", "| | level | | why, and what shows it |"
    return "\n".join([*head, "|---|---|---|---|", *map(_line, rows), ""])


def _line(row: Row) -> str:
    shown = "<br>".join([row.why, *(f"`{proof}`" for proof in row.proof)]).replace("|", r"\|")
    verdict = f"**{row.verdict}**" if row.verdict == NOT_MET else row.verdict
    return f"| {row.requirement} | {row.level} | {verdict} | {shown} |"


def _count(rows: list[Row]) -> str:
    counted = Counter(row.verdict for row in rows)
    theirs = sum(row.why.startswith(INSTALLATION) for row in rows)
    beside = f" ({theirs} of them for the installation to decide)" if theirs else ""
    of_each = f"{counted[MET]} met, {counted[NOT_MET]} not met{beside}, {counted[NOT_APPLICABLE]} not applicable"
    return f"{len(rows)} requirements: {of_each}"


def main() -> None:
    """Write the table anew."""
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(renewed(document, render(read())), encoding="utf-8")


if __name__ == "__main__":
    main()
