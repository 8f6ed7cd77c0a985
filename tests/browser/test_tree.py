"""What the accessibility tree says of a refused field. That everything in it has a name is seen in test_axe.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.states import Scene
from tests.browser.tree import tree, value

INVALID = {"name": "invalid", "value": {"type": "token", "value": "true"}}


@pytest.mark.parametrize("state", ["activate, refused", "change, refused", "landing, nothing typed"])
def test_a_field_that_was_refused_says_so_and_why(visitor: Page, scene: Scene, state: str) -> None:
    scene.enter(state, visitor)
    fields = [node for node in tree(visitor) if value(node, "role") == "textbox"]
    invalid = [node for node in fields if INVALID in node["properties"]]
    assert invalid != []
    assert [value(node, "name") for node in invalid if not value(node, "description")] == []
