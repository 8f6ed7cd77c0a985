"""A mail from a draft is, letter for letter, what its template says."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import drafts
from connector.compose import Composer
from connector.drafts import TEMPLATES, Drafts, Skin, Told, rendered
from connector.languages import LANGUAGES
from tests.properties import examples
from tests.unit.test_properties_mail import THEME, odd_lines, settings_with

ALWAYS = Composer(settings_with(), THEME)._always
DRAFTS = Drafts(ALWAYS)
HAPPENED = ("activated", "password_changed", "rescue_changed", "rescue_removed", "rescue_first")
OWN: dict[str, tuple[str, ...]] = {
    "notice": HAPPENED,
    "key": ("key", "link", "until", "to_activate"),
    "reminder": (),
    "code": ("code", "until"),
    "undone": ("until", "is_restored"),
    "replaced": ("until", "code", "link"),
}
"""What each mail is told besides name and login."""
SKINS: tuple[Skin, ...] = ("text", "html")


HOLES = ("\ufdd0uid\ufdd2", "\ufdd0key\ufdd2", "\ufdd0until\ufdd1x\ufdd2", "\ufdd0", "\ufdd2")
odd_texts = odd_lines | st.sampled_from(HOLES)


def fact(name: str) -> st.SearchStrategy[str | bool | Told]:
    if name == "until":
        return odd_texts.map(lambda said: lambda pattern: f"{said}{pattern}")
    return st.booleans() if name in HAPPENED or "_" in name else odd_texts


@pytest.mark.parametrize("mail", OWN)
@examples(40)
@given(st.data())
def test_a_draft_that_is_filled_in_says_what_the_template_says(mail: str, data: st.DataObject) -> None:
    facts = {name: data.draw(fact(name), name) for name in ("name", "uid", *OWN[mail])}
    for skin, language in product(SKINS, LANGUAGES):
        told = DRAFTS.filled_in(mail, skin, language, facts)
        assert told == rendered(mail, skin, language, {**ALWAYS(language), **facts})


def test_every_mail_that_is_drafted_is_tried_above() -> None:
    """The others are macros, and the request for help, which says whatever was typed."""
    assert {path.stem for path in TEMPLATES.glob("*.jinja")} - {"desk", "request"} == set(OWN)


def test_two_people_share_a_draft_and_nothing_of_the_first_is_in_the_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(drafts, "rendered", lambda *which: asked.append(which[1]) or rendered(*which))
    shared, facts = Drafts(ALWAYS), dict.fromkeys(HAPPENED, True)
    for name, skin in product(("Ada <1>", "Grace <2>", ""), SKINS):
        told = shared.filled_in("notice", skin, "fr", {"name": name, "uid": "x", **facts})
        assert told.count("&lt;" if skin == "html" else "<2>" if "2" in name else "<1>") == bool(name)
        assert ("Ada" in told, "Grace" in told) == ("Ada" in name, "Grace" in name)
    assert sorted(asked) == ["html", "html", "text", "text"]  # with a name, and without
