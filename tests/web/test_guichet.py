"""docs/guichet.md, the page that operators are given, says what the desk's pages and settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.portal import Portal
from connector.settings.sections import Desk
from webui import create_app, desk_words

PAGE = (Path(__file__).parents[2] / "docs" / "guichet.md").read_text(encoding="utf-8")


def test_each_act_is_told_by_its_name(portal: Portal) -> None:
    with create_app(portal).test_request_context("/guichet", headers={"Accept-Language": "fr"}):
        names = [said for _value, said in desk_words.acts()]
    assert len(names) == PAGE.count("\n| **")
    assert [name for name in names if f"| **{name}** |" not in PAGE] == []


@pytest.mark.parametrize(
    ("said", "setting", "number"),
    [
        ("plus de 5 minutes", "step_up_minutes", 5),
        ("Après 10 minutes sans un clic", "idle_minutes", 10),
        ("au bout de 2 heures", "session_minutes", 120),
        ("Dix clés par heure", "keys_per_hour", 10),
    ],
)
def test_each_number_is_the_default(said: str, setting: str, number: int) -> None:
    assert said in PAGE
    assert Desk.model_fields[setting].default == number
