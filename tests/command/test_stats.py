"""``moncompte stats`` as a sysadmin types it."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connector.cli.terminal import fitted
from connector.demo.slapd import PrivateSlapd
from connector.statistics import Dated, Fact
from tests.shell_fixtures import Moncompte

ROWS = [("{UAI:0240000X}L3-HISTOIRE-DE-L'ART", 120_000, 7, 0), ("L1", 3, 2, 1)]
HEADINGS = ("programme", "people", "activated", "closed")


@pytest.fixture
def stats(moncompte: Moncompte) -> Moncompte:
    return partial(moncompte, "stats")


def document(stats: Moncompte, *arguments: str) -> dict[str, Any]:
    done = stats("--json", *arguments)
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_table_names_every_fact_once_with_its_number(stats: Moncompte) -> None:
    done = stats()
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert len(lines) == len(Fact)
    assert lines[0].split() == ["people", "13", "100.0%"]
    assert lines[1].split() == ["activated", "8", "61.5%"]


def test_json_has_the_shape_that_the_help_tells(stats: Moncompte) -> None:
    told = document(stats)
    assert set(told) == {"at", "filter", "total", "charters"}
    assert set(told["total"]) == {fact.value for fact in Fact}
    assert (told["filter"], told["total"]["people"], told["total"]["locked"]) == (None, 13, 1)


def test_who_accepted_which_charter_is_counted_by_version(
    stats: Moncompte, people: dict[str, str], slapd: PrivateSlapd
) -> None:
    """The last one that each accepted; what makes no sense is nobody's."""
    values = {"zpetit": "20261122120000Z 2027", "lroy": "20261122120000Z 2026-1", "mdarcy": "20251122120000Z 2026-1"}
    for uid, value in {**values, "rbenali": "yes"}.items():
        slapd.add_ldif(
            f"dn: {people[uid]}\nchangetype: modify\nadd: objectClass\nobjectClass: moncompteAccount\n-\n"
            f"add: moncompteCharter\nmoncompteCharter: {value}\n"
        )
    assert document(stats)["charters"] == {"2026-1": 2, "2027": 1}
    assert document(stats, "--filter", "(uid=zpetit)")["charters"] == {"2027": 1}
    lines = stats().stdout.splitlines()
    assert [line.split() for line in lines[len(Fact) :]] == [
        ["accepted", "the", "charter", "2026-1", "2", "15.4%"],
        ["accepted", "the", "charter", "2027", "1", "7.7%"],
    ]


def test_by_programme_whoever_has_none_comes_last(
    stats: Moncompte, people: dict[str, str], slapd: PrivateSlapd
) -> None:
    dn = people["zpetit"]
    slapd.add_ldif(f"dn: {dn}\nchangetype: modify\nadd: supannEntiteAffectation\nsupannEntiteAffectation: IUT\n")
    told = document(stats, "--by", "programme")["programmes"]
    assert [(one["programme"], one["people"], one["no_rescue"]) for one in told] == [
        ("IUT", 1, 1),
        ("UFR-LETTRES", 1, 0),
        (None, 11, 2),
    ]
    rows = [line.split() for line in stats("--by", "programme").stdout.splitlines()]
    assert [row[:2] for row in rows] == [
        ["programme", "people"],
        ["IUT", "1"],
        ["UFR-LETTRES", "1"],
        ["—", "11"],
        ["all", "13"],
    ]


def test_by_day_since_leaves_out_what_was_before(stats: Moncompte, people: dict[str, str], slapd: PrivateSlapd) -> None:
    value = "supannRessourceEtatDate: {COMPTE}A:SupannActif:20261001:"
    slapd.add_ldif(f"dn: {people['zpetit']}\nchangetype: modify\nreplace: supannRessourceEtatDate\n{value}\n")
    days = document(stats, "--by", "day")["days"]
    assert [(one["day"], one["activated"]) for one in days] == [("2025-09-03", 7), ("2026-10-01", 1)]
    assert set(days[0]) == {"day", *(fact.value for fact in Dated)}
    assert document(stats, "--by", "day", "--since", "2026-10-01")["days"] == days[1:]
    assert [line.split()[0] for line in stats("--by", "day").stdout.splitlines()] == [
        "day",
        "2025-09-03",
        "2026-10-01",
    ]


def test_a_filter_is_of_the_population_only(stats: Moncompte) -> None:
    told = document(stats, "--filter", "(|(uid=zpetit)(uid=bdubois))")
    assert (told["filter"], told["total"]["people"]) == ("(|(uid=zpetit)(uid=bdubois))", 1)


def test_what_the_portal_may_not_read_is_not_taken_for_nobody(
    stats: Moncompte, monkeypatch: pytest.MonkeyPatch
) -> None:
    """supannEtuAnneeInscription is Élodie's, and not the portal's to see."""
    done = stats("--json", "--filter", "(supannEtuAnneeInscription=2026)")
    assert (done.exit_code, json.loads(done.stdout)["total"]["people"]) == (1, 0)
    assert "may the portal read" in done.stderr
    monkeypatch.setenv("MONCOMPTE_ATTRIBUTES__PROGRAMME", "supannEtuAnneeInscription")
    done = stats("--by", "programme")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 3)
    assert "nobody has a programme; may the portal read" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--filter", "(uid=zpetit"], "not an LDAP filter"),
        (["--filter", "(uid=zpetit))(|(uid=bdubois"], "not an LDAP filter"),
        (["--since", "2026-10-01"], "--since goes with --by day"),
        (["--by", "day", "--since", "yesterday"], "does not match the format"),
    ],
)
def test_wrong_usage_is_told_with_exit_code_2(stats: Moncompte, arguments: list[str], word: str) -> None:
    done = stats(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert word in done.stderr


def test_a_directory_that_does_not_answer_is_exit_code_69(stats: Moncompte, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONCOMPTE_DIRECTORY__URI", "ldapi://%2Fnowhere")
    done = stats()
    assert (done.exit_code, done.stdout) == (69, "")


def test_an_attribute_that_the_schema_lacks_is_told_and_not_counted_as_nobodys(
    stats: Moncompte, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONCOMPTE_ATTRIBUTES__PROGRAMME", "supannEntiteAfectation")
    done = stats("--by", "programme")
    assert (done.exit_code, done.stdout) == (78, "")
    assert "supannEntiteAfectation" in done.stderr


@pytest.mark.parametrize("columns", range(24, 60))
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(columns: int) -> None:
    text = fitted(ROWS, HEADINGS, columns)
    assert max(map(len, text.splitlines())) <= columns
    assert [text.count(number) for number in ("120000", "people", "activated", "closed")] == [1, 1, 1, 1]
    assert "…" in text or columns > 57


def test_nothing_is_cut_where_there_is_no_terminal() -> None:
    assert "…" not in fitted(ROWS, HEADINGS, None)


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ([], [">people<", ">activated (8)<", ">mails given up<"]),
        (["--by", "programme"], [">UFR-LETTRES<", ">to activate, without (3)<", ">closed (2)<"]),
        (["--by", "day"], [">2025-09-03<", ">activated (8)<"]),
    ],
)
def test_a_chart_is_drawn_of_what_the_table_says(
    stats: Moncompte, tmp_path: Path, by: list[str], words: list[str]
) -> None:
    chart = tmp_path / "chart.svg"
    done = stats(*by, "--chart", str(chart))
    assert (done.exit_code, done.stderr) == (0, "")
    drawn = chart.read_text(encoding="utf-8")
    assert [word for word in words if word not in drawn] == []


def test_a_chart_is_a_picture_too(stats: Moncompte, tmp_path: Path) -> None:
    chart = tmp_path / "chart.PNG"
    assert stats("--by", "day", "--chart", str(chart)).exit_code == 0
    assert chart.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "code"), [("chart.pdf", 2), ("nowhere/chart.svg", 1)])
def test_a_chart_that_cannot_be_is_told(stats: Moncompte, tmp_path: Path, name: str, code: int) -> None:
    done = stats("--chart", str(tmp_path / name))
    assert done.exit_code == code
    assert name in done.stderr
