"""The languages we speak: which one somebody gets, and the catalogue of its sentences.

A catalogue is a gettext file, ``translations/<language>.po`` in the room whose sentences it translates, read as it is:
no compiled copy could fall behind it. Pages and mails are written in French, the command line in English: each room's
own language needs no catalogue. ``python -m tests.catalogues`` brings the files up to date with the source.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

REFERENCE = "fr"
"""The language of those whose own we do not speak, and of the law on this page: French universities'."""
LANGUAGES = {"fr": "Français", "en": "English"}
"""What pages, mails and letters are offered in, each by its own name."""


def choose(accepted: str | None) -> str:
    """Our best language for an Accept-Language list (RFC 9110 §12.5.4); ``preferredLanguage`` is one (RFC 2798)."""
    ranked = sorted(enumerate((accepted or "").split(",")), key=lambda item: (-_weight(item[1]), item[0]))
    for _place, item in ranked:
        language = item.partition(";")[0].strip().replace("_", "-").partition("-")[0].lower()
        if language in LANGUAGES and _weight(item) > 0:
            return language
    return REFERENCE


def _weight(item: str) -> float:
    """``q`` of one item of the list, 0 to 1; 1 where there is none, 0 where it is no number."""
    name, _, value = item.partition(";")[2].strip().lower().partition("=")
    try:
        return min(max(float(value), 0.0), 1.0) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


@lru_cache
def catalogue(folder: Path, language: str) -> NullTranslations:
    """The catalogue of ``language`` in the folder ``translations``; the source's own words where there is none."""
    file = folder / f"{language}.po"
    if not file.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled)
