"""The pieces that pages import know no page: what they speak of is said everywhere, or given to them."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from jinja2 import meta

from connector.languages import LANGUAGES
from webui import pages

PIECES = ["parts.html", "stay.html", "desk/parts.html"]


def imported() -> set[str]:
    """The templates that any other one imports."""
    texts = (path.read_text("utf-8") for path in Path(pages.__file__).with_name("templates").rglob("*.html"))
    return {line.split('"')[1] for text in texts for line in text.splitlines() if line.startswith("{% import ")}


def test_these_are_the_pieces() -> None:
    assert imported() == set(PIECES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_speaks_of_nothing_that_it_was_not_given(client: FlaskClient, piece: str, language: str) -> None:
    templates = client.application.extensions["moncompte.pages"][language]
    source, file, _is_fresh = templates.loader.get_source(templates, piece)
    assert meta.find_undeclared_variables(templates.parse(source, piece, file)) <= set(templates.globals)
