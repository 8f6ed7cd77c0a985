"""The mails' templates, and drafts: what all mails of a kind share is rendered once, with holes for the rest.

Rendering is most of what a mail costs, and two mails that tell the same differ in a name and a login. Holes are marked
by noncharacters (Unicode §23.7), which no text of ours has. All are filled in one pass: what a name says is never read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from jinja2 import FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from connector import languages
from connector.translated import Translated

TEMPLATES = Path(__file__).parent / "mails"
_HOLE = re.compile("\ufdd0([a-z_]+)(?:\ufdd1([^\ufdd2]*))?\ufdd2")  # the name of a fact; what it is told
Told = Callable[[str], str]
"""A fact that depends on what the template tells it: an instant, said by a pattern."""
Facts = Mapping[str, str | bool | Told]
Skin = Literal["text", "html"]


class Drafts:
    """The drafts of one theme; ``always`` gives what every mail in a language may speak of."""

    def __init__(self, always: Callable[[str], Mapping[str, object]]) -> None:
        self._always = always
        self._drafts: dict[tuple[object, ...], str] = {}

    def filled_in(self, mail: str, skin: Skin, language: str, facts: Facts) -> str:
        """The mail in one skin and language: as if its template had been rendered with these facts.

        A template may ask whether a text is empty, and nothing else about it: that and each bool decide what is said,
        and make a draft of their own. All other facts leave a hole.
        """
        decisive = tuple((name, value) for name, value in facts.items() if isinstance(value, bool) or not value)
        which = mail, skin, language, decisive
        draft = self._drafts.get(which)
        if draft is None:
            mark = Markup if skin == "html" else str
            holes = {name: _hole(name, value, mark) for name, value in facts.items()}
            given = {**self._always(language), **holes, **dict(decisive)}
            draft = self._drafts[which] = rendered(mail, skin, language, given)
        finish = escape if skin == "html" else str

        def fill(hole: re.Match[str]) -> str:
            fact = facts[hole[1]]
            return finish(fact(hole[2]) if callable(fact) else fact)

        return _HOLE.sub(fill, draft)


def _hole(name: str, value: object, mark: type[str]) -> str | Told:
    return (lambda told: mark(f"\ufdd0{name}\ufdd1{told}\ufdd2")) if callable(value) else mark(f"\ufdd0{name}\ufdd2")


def rendered(mail: str, skin: Skin, language: str, facts: Mapping[str, object]) -> str:
    """The mail in one skin and language, at its full price."""
    return _templates(skin, language).get_template(f"{mail}.jinja").render(facts)


@lru_cache
def _templates(skin: Skin, language: str) -> Translated:
    """The templates as one skin and one language see them."""
    return Translated(
        languages.catalogue(TEMPLATES / "translations", language).gettext,
        loader=FileSystemLoader([TEMPLATES / skin, TEMPLATES]),
        autoescape=skin == "html",  # in the text part nothing is a tag
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
