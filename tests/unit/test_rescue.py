"""The rescue address: what is accepted, how it is kept, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import rescue
from connector.errors import RescueReason

OWN = ("universite.example", "Etu.Autre.example")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Jeanne.Martin+x@Courriel.EXAMPLE ", "Jeanne.Martin+x@courriel.example"),
        ("jeanne@école.example", "jeanne@xn--cole-9oa.example"),
        ("j@notuniversite.example", "j@notuniversite.example"),
    ],
)
def test_an_address_is_kept_as_it_can_be_written_to(typed: str, kept: str) -> None:
    assert rescue.read(typed, OWN) == kept


@pytest.mark.parametrize("typed", ["a@universite.example", "a@ETU.universite.example", "a@etu.autre.example"])
def test_a_mailbox_of_the_university_itself_is_refused(typed: str) -> None:
    assert rescue.read(typed, OWN) is RescueReason.OWN_DOMAIN


@pytest.mark.parametrize(
    "typed",
    [
        *("", "a", "a@b", "a@b@c.example", "a b@c.example", "élodie@c.example", f"{'a' * 300}@c.example"),
        *(
            "a@c.example\r\nBcc: d@e.example",
            "a@c.example, d@e.example",
            "<a@c.example>",
            "a@[127.0.0.1]",
            "a@c.example\x00",
        ),
    ],
)
def test_what_is_no_single_address_is_refused(typed: str) -> None:
    assert rescue.read(typed, OWN) is RescueReason.MALFORMED


@given(st.text(max_size=300))
def test_no_text_at_all_breaks_the_reading(typed: str) -> None:
    kept = rescue.read(typed, OWN)
    assert isinstance(kept, RescueReason) or (kept.isascii() and kept.isprintable() and " " not in kept)
