"""The catalogues of translations, brought up to date with the source: ``python -m tests.catalogues``.

New sentences arrive without a translation (``msgstr ""``), which a test refuses until somebody has written it;
sentences that the source no longer says go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from connector.languages import LANGUAGES, REFERENCE

ROOT = Path(__file__).parent.parent
_WIDTH = 120
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")
Id = str | tuple[str, str]


@dataclass(frozen=True)
class Room:
    """A folder whose sentences are translated: in what files they are, and into what language.

    ``source``, where they are said elsewhere: the command line tells what went wrong in the rooms below it.
    """

    folder: str
    language: str
    methods: tuple[tuple[str, str], ...] = (("**.py", "python"),)
    source: str = ""

    @property
    def file(self) -> Path:
        return ROOT / self.folder / "translations" / f"{self.language}.po"

    def sentences(self) -> Catalog:
        """What the source says."""
        said = Catalog(locale=self.language)
        for name, _line, message, comments, context in extract_from_dir(
            ROOT / (self.source or self.folder), self.methods, comment_tags=("Translators:",), strip_comment_tags=True
        ):
            said.add(message, None, [(name, 0)], auto_comments=comments, context=context)
        return said

    def kept(self) -> Catalog:
        """What the file holds."""
        with self.file.open("rb") as source:
            return read_po(source, locale=self.language)

    def renewed(self) -> bytes:
        """The file as it should be: every sentence of the source, with the translations there are."""
        catalog = self.kept() if self.file.exists() else Catalog(locale=self.language)
        catalog.update(self.sentences(), no_fuzzy_matching=True)
        written = BytesIO()
        write_po(
            written, catalog, _WIDTH, omit_header=True, sort_by_file=True, ignore_obsolete=True, include_lineno=False
        )
        return written.getvalue()


def rooms(languages: Iterable[str]) -> tuple[Room, ...]:
    """All there are, when these languages are spoken."""
    translated = [language for language in languages if language != REFERENCE]
    return (
        *(Room("webui", language, (("**.py", "python"), ("templates/**.html", "jinja2"))) for language in translated),
        Room("connector/cli", "fr", source="connector"),
        *(Room("connector/mails", language, (("**.jinja", "jinja2"),)) for language in translated),
    )


ROOMS = rooms(LANGUAGES)


def untranslated(catalog: Catalog) -> list[Id]:
    """The sentences without a translation, or with a doubtful one, or one that does not name the same things."""
    return [
        message.id for message in catalog if message.id and (message.fuzzy or not _is_whole(message.id, message.string))
    ]


def _is_whole(said: Id, translated: str | tuple[str, ...]) -> bool:
    sources = (said,) if isinstance(said, str) else said
    targets = (translated,) if isinstance(translated, str) else translated
    named = {frozenset(_PLACEHOLDER.findall(text)) for text in sources}
    return all(
        target and frozenset(_PLACEHOLDER.findall(target)) in named and _stray(target) in map(_stray, sources)
        for target in targets
    )


def _stray(text: str) -> list[str]:
    """Per cent signs beside the placeholders, doubled or not: one too few, and the sentence breaks the page."""
    return re.findall("%+", _PLACEHOLDER.sub("", text))


if __name__ == "__main__":
    for room in ROOMS:
        room.file.parent.mkdir(exist_ok=True)
        room.file.write_bytes(room.renewed())
        print(f"{room.file.relative_to(ROOT)}: {len(untranslated(room.kept()))} to translate")  # noqa: T201
