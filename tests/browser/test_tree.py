"""The accessibility tree, which screen readers read, as Chromium makes it: everything in it has its name and place."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.states import STATES, Scene

NAMED = {"button", "link", "textbox", "heading", "image", "alert", "region", "navigation", "RootWebArea"}
INVALID = {"name": "invalid", "value": {"type": "token", "value": "true"}}
ONCE = ("banner", "main", "contentinfo", "RootWebArea")


def tree(page: Page) -> list[dict[str, Any]]:
    """Its nodes that are not ignored."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    return [node for node in nodes if not node["ignored"]]


def value(node: dict[str, Any], name: str) -> str:
    return str(node.get(name, {}).get("value", ""))


@pytest.mark.parametrize("state", STATES)
def test_whatever_a_screen_reader_stops_at_has_a_name(visitor: Page, scene: Scene, state: str) -> None:
    scene.enter(state, visitor)
    nodes = tree(visitor)
    roles = Counter(value(node, "role") for node in nodes)
    assert [roles[role] for role in ONCE] == [1] * len(ONCE)
    nameless = [node for node in nodes if value(node, "role") in NAMED and not value(node, "name").strip()]
    assert [(value(node, "role"), node.get("properties")) for node in nameless] == []


@pytest.mark.parametrize("state", ["activate, refused", "change, refused", "landing, nothing typed"])
def test_a_field_that_was_refused_says_so_and_why(visitor: Page, scene: Scene, state: str) -> None:
    scene.enter(state, visitor)
    fields = [node for node in tree(visitor) if value(node, "role") == "textbox"]
    invalid = [node for node in fields if INVALID in node["properties"]]
    assert invalid != []
    assert [value(node, "name") for node in invalid if not value(node, "description")] == []
