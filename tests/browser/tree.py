"""The accessibility tree, which screen readers read, as Chromium makes it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from playwright.sync_api import Page

NAMED = {"button", "link", "textbox", "heading", "image", "alert", "region", "navigation", "RootWebArea"}
ONCE = ("banner", "main", "contentinfo", "RootWebArea")


def tree(page: Page) -> list[dict[str, Any]]:
    """Its nodes that are not ignored."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    return [node for node in nodes if not node["ignored"]]


def value(node: dict[str, Any], name: str) -> str:
    return str(node.get(name, {}).get("value", ""))


def faults(page: Page) -> list[str]:
    """What a screen reader stops at and has no name for, and landmarks that are not there once."""
    nodes = tree(page)
    roles = Counter(value(node, "role") for node in nodes)
    nameless = [node for node in nodes if value(node, "role") in NAMED and not value(node, "name").strip()]
    return [f"a nameless {value(node, 'role')}: {node.get('properties')}" for node in nameless] + [
        f"{role}: {roles[role]} times" for role in ONCE if roles[role] != 1
    ]
