"""Templates of columns: what they make of a line, and which are none."""

import pytest

from connector import columns

FIELDS = {"NOM": "LE GOFF-D'ARC", "PRENOM": "maëlle", "NE": "31/03/2007", "VIDE": ""}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{NOM}", "LE GOFF-D'ARC"),
        ("{PRENOM|capitals} {NOM|capitals}", "Maëlle Le Goff-D'Arc"),
        ("{NOM|lower}.{PRENOM|upper}", "le goff-d'arc.MAËLLE"),
        ("{NE|date}", "2007-03-31"),
        ("{NE|date8}", "20070331"),
        ("{{PERSO}}{PRENOM}", "{PERSO}maëlle"),
        ("student", "student"),
        ("  a   b ", "a b"),
        ("{VIDE} {NOM}", "LE GOFF-D'ARC"),
        ("{VIDE}@etu.universite.example", ""),
        ("{VIDE|date}", ""),
        ("", ""),
    ],
)
def test_what_a_template_makes_of_a_line(template: str, expected: str) -> None:
    assert columns.fill(columns.check(template), FIELDS) == expected


@pytest.mark.parametrize("day", ["2007-03-31", "20070331", "31/03/2007"])
def test_a_date_may_be_written_three_ways(day: str) -> None:
    assert columns.fill("{D|date}", {"D": day}) == "2007-03-31"


@pytest.mark.parametrize("day", ["31/02/2007", "31-03-2007", "3/31/2007", "2007", "٢٠٠٧-٠٣-٣١", "0000-01-01"])
def test_what_is_no_date_is_refused(day: str) -> None:
    with pytest.raises(ValueError):
        columns.fill("{D|date}", {"D": day})


@pytest.mark.parametrize("template", ["{NOM", "NOM}", "{NOM}}", "{}", "{NOM|shout}", "{NOM|}", "{{NOM}"])
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"brace|known are"):
        columns.check(template)


def test_the_columns_of_a_template() -> None:
    assert columns.columns_of("{{X}} {NOM} {NE|date} fixe") == ("NOM", "NE")
