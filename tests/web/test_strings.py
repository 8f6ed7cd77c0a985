"""Every string a reader sees goes through gettext, so that another language is a catalogue and not a rewrite."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from jinja2 import Environment

import webui

TEMPLATES = sorted((Path(webui.__file__).parent / "templates").glob("*.html"))
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
