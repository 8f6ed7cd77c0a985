"""Which language somebody is spoken to in, and where its sentences are."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from connector.languages import LANGUAGES, REFERENCE, catalogue, choose

CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Bonjour"
msgstr "Hello"

msgid "%(count)d point"
msgid_plural "%(count)d points"
msgstr[0] "%(count)d thing"
msgstr[1] "%(count)d things"
"""


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        (None, "fr"),
        ("", "fr"),
        ("en", "en"),
        ("EN-us", "en"),
        ("en_GB", "en"),  # as some directories write it
        ("fr-CA,en;q=0.9", "fr"),
        ("en;q=0.5, fr;q=0.9", "fr"),
        ("en, fr", "en"),  # alike: the first
        ("de, es;q=0.9, en;q=0.1", "en"),
        ("de", "fr"),
        ("de, *", "fr"),
        ("en;q=0", "fr"),
        ("fr;q=0, en", "en"),
        ("fr, en;q=7", "fr"),  # nobody prefers by more than 1
        ("en;q=nonsense", "fr"),
        ("en;q=nan, fr;q=0.1", "fr"),
        ("en ; Q = 0.8 , fr;q=0.7", "en"),
        ("english", "fr"),
        ("fr;level=1;q=0.1, en", "fr"),  # no parameter but q is known here: it counts as none
        (";q=1,,;;", "fr"),
    ],
)
def test_the_best_of_our_languages_is_chosen(accepted: str | None, chosen: str) -> None:
    assert choose(accepted) == chosen


@given(st.text(alphabet="enfr-_;q=01.,* \x00é", max_size=60))
def test_whatever_is_accepted_some_language_of_ours_is_chosen(accepted: str) -> None:
    assert choose(accepted) in LANGUAGES


def test_each_language_is_called_by_its_own_name() -> None:
    assert next(iter(LANGUAGES)) == REFERENCE
    for language, name in LANGUAGES.items():
        assert (Locale.parse(language).display_name or "").casefold() == name.casefold()


def test_a_catalogue_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "en.po").write_text(CATALOGUE, encoding="utf-8")
    english = catalogue(tmp_path, "en")
    assert (english.gettext("Bonjour"), english.gettext("Bonsoir")) == ("Hello", "Bonsoir")
    assert english.ngettext("%(count)d point", "%(count)d points", 1) == "%(count)d thing"
    assert english.ngettext("%(count)d point", "%(count)d points", 0) == "%(count)d things"


def test_a_language_without_a_catalogue_says_what_the_source_says(tmp_path: Path) -> None:
    assert catalogue(tmp_path, "fr").gettext("Bonjour") == "Bonjour"
