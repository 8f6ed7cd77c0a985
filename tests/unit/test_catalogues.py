"""Whatever is said is said in every language: no sentence without its translation, none that nobody says any more."""

import pytest
from babel.messages import Catalog

from tests.catalogues import ROOMS, Room, rooms, untranslated

each = pytest.mark.parametrize("room", ROOMS, ids=lambda room: f"{room.folder} in {room.language}")


def test_a_language_more_is_a_catalogue_more_of_pages_and_of_mails() -> None:
    """As docs/theme.md promises: its code in ``LANGUAGES`` is enough."""
    new = [room.folder for room in rooms(["fr", "en", "br"]) if room.language == "br"]
    assert new == ["webui", "connector/mails"]


@each
def test_every_sentence_is_translated(room: Room) -> None:
    assert len(room.kept()) > 0
    assert untranslated(room.kept()) == []


@each
def test_the_catalogue_holds_what_the_source_says_and_nothing_else(room: Room) -> None:
    """Where it does not: ``python -m tests.catalogues``."""
    assert room.file.read_bytes() == room.renewed()


@pytest.mark.parametrize(
    "translated",
    ["", "Hello %(nam)s", "Hello", "Hello %(name)s, 100 %"],
)
def test_the_test_above_sees_what_is_missing(translated: str) -> None:
    catalog = Catalog(locale="en")
    catalog.add("Bonjour %(name)s", translated)
    assert untranslated(catalog) == ["Bonjour %(name)s"]
