"""Every string a reader sees goes through gettext, so that another language is a catalogue and not a rewrite."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.support import NullTranslations
from jinja2 import Environment

import webui
from connector import languages
from connector.portal import Portal
from tests.catalogues import ROOMS
from tests.web.steps import REFERENCE

TEMPLATES = sorted((Path(webui.__file__).parent / "templates").glob("*.html"))
DATA = {"Élodie Mercier", "Jeanne Martin", "emercier", "jmartin001", "English", "en"}
KEY = "K7QF9-M2XT4-RD8HC"  # the sample is the same in every language


class BareText(HTMLParser):
    """Collects what a reader would see that did not come through ``_()``."""

    SPOKEN = frozenset({"title", "placeholder", "alt", "aria-label", "value", "content"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        if re.search(r"[^\W\d_]", data):
            self.found.append(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.found += [v for name, v in attrs if name in self.SPOKEN and v and re.search(r"[^\W\d_]", v)]


def bare_texts(source: str) -> list[str]:
    """The texts of a template outside of its expressions."""
    parser = BareText()
    parser.feed("".join(text for _line, kind, text in Environment(autoescape=True).lex(source) if kind == "data"))
    return parser.found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_speaks_without_gettext(path: Path) -> None:
    assert [text for text in bare_texts(path.read_text("utf-8")) if text != KEY] == []


def test_the_test_above_sees_bare_text() -> None:
    assert bare_texts('<p title="Oui">Bonjour {{ _("vous") }}</p>') == ["Oui", "Bonjour"]


def test_the_catalogue_holds_the_sentences_of_templates_forms_and_messages() -> None:
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    extracted = {message for _file, _line, message, *_ in extract_from_dir(Path(webui.__file__).parent, methods)}
    assert {"Mot de passe oublié", "Confirmation du mot de passe", "Fort"} <= extracted
    assert ("au plus %(num)d caractère", "au plus %(num)d caractères") in extracted


class Marked(NullTranslations):
    """A language in which every sentence is the French one between brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    ugettext = gettext

    def ngettext(self, one: str, many: str, count: int) -> str:
        return f"⟦{one if count == 1 else many}⟧"

    ungettext = ngettext


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages speak the language of brackets."""
    monkeypatch.setattr(languages, "catalogue", lambda _folder, _language: Marked())


def test_every_page_says_nothing_that_cannot_be_translated(marked: None, pages: dict[str, str], portal: Portal) -> None:
    """What templates, forms and Python say, once it has all come together."""
    for name, page in pages.items():
        parser = BareText()
        parser.feed(re.sub(r' value="[^"]*"', "", REFERENCE.sub("", page)))  # those hold what was typed, and tokens
        said = re.sub(r"\b\w\*+@\S+", "", "\n".join(parser.found))  # an address, masked
        while (less := re.sub(r"⟦[^⟦⟧]*⟧", "", said)) != said:
            said = less
        data = {*portal.theme.fr.model_dump().values(), *DATA, KEY}
        assert {line.strip(" –") for line in said.splitlines() if re.search(r"[^\W\d_]", line)} <= data, name


def test_the_catalogues_french_has_its_no_break_spaces() -> None:
    """Or a line might begin with a question mark."""
    french = (room for room in ROOMS if room.language != languages.REFERENCE)
    said = [
        text
        for room in french
        for message in room.sentences()
        for text in _both(message.id)
        if re.search(r" [;:!?»]|« ", text)
    ]
    assert said == []


def _both(message: str | tuple[str, ...]) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else message
