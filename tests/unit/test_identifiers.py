"""What a person types is read as every identifier it may be, and never breaks anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.identifiers import candidates
from connector.model import Ine, StudentNumber, Uid


@pytest.mark.parametrize(
    "typed", ["110000001AB", "110 000 001 ab", "110-000-001-ab", "１１００００００１ＡＢ", " 110.000.001ab\t"]
)
def test_an_ine_is_read_with_spaces_dots_dashes_and_in_lower_case(typed: str) -> None:
    assert Ine("110000001AB") in candidates(typed)


def test_a_login_is_always_tried_as_typed() -> None:
    assert candidates(" jmartin001 ") == (Uid("jmartin001"),)


def test_eleven_characters_are_tried_as_a_login_and_as_an_ine() -> None:
    assert candidates("jmartin0012") == (Uid("jmartin0012"), Ine("JMARTIN0012"))


def test_a_student_number_is_tried_only_where_configured() -> None:
    assert StudentNumber("22600001") in candidates("22600001", student_number=True)
    assert StudentNumber("22600001") not in candidates("22600001")


@pytest.mark.parametrize("typed", ["", "   ", "a" * 129, "jmartin\x00", "j\nmartin", "\u202ejmartin"])
def test_what_cannot_name_anybody_names_nobody(typed: str) -> None:
    assert candidates(typed) == ()


@given(st.text(max_size=300))
def test_no_text_at_all_breaks_the_reading(typed: str) -> None:
    for candidate in candidates(typed, student_number=True):
        assert candidate.value
        assert candidate.value.isprintable()
