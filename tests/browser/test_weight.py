"""*Mon compte* is light: told by the browser's own timing of what it loads."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Response

from tests.browser.states import Scene

HEAVIEST = 40_000  # bytes: issue 5
FOR_EVER = "public, max-age=31536000, immutable"
FINGERPRINTED = re.compile(r"/static/[0-9a-f]{12}/[\w.-]+$")
LOADED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map((entry) => ({ url: entry.name, sent: entry.transferSize, bytes: entry.encodedBodySize, kind: entry.initiatorType,
                     blocks: entry.renderBlockingStatus }))"""
BEHIND_THE_DOOR = ("activate, strong", "change, refused")


def loaded(page: Page) -> list[dict[str, Any]]:
    """The document and all that it brought: ``sent`` and ``bytes`` as they came, compressed or not."""
    page.wait_for_load_state("networkidle")
    found: list[dict[str, Any]] = page.evaluate(LOADED)
    return found


@pytest.fixture(params=["landing", *BEHIND_THE_DOOR])
def page(request: pytest.FixtureRequest, visitor: Page, scene: Scene) -> Page:
    scene.enter(request.param, visitor)
    return visitor


def test_a_page_and_all_it_brings_is_light_and_comes_from_here_alone(page: Page, scene: Scene) -> None:
    entries = loaded(page)
    assert {"navigation", "link", "script"} <= {entry["kind"] for entry in entries}
    assert sum(entry["bytes"] for entry in entries) < HEAVIEST
    home = scene.site.settings.web.portal_url
    assert [entry["url"] for entry in entries if not entry["url"].startswith(home)] == []


def test_nothing_is_painted_later_for_a_script_or_a_font(page: Page) -> None:
    waited_for = [entry["url"] for entry in loaded(page) if entry["blocks"] == "blocking"]
    assert [url.rsplit("/", 1)[1] for url in waited_for] == ["style.css"]
    assert page.evaluate("[...document.fonts].length") == 0


@pytest.fixture
def answers(visitor: Page) -> list[Response]:
    """Every answer that the visitor's browser gets from now on."""
    heard: list[Response] = []
    visitor.on("response", lambda answer: heard.append(answer))  # noqa: PLW0108 (Playwright takes no built-in)
    return heard


def test_what_never_changes_is_asked_for_once(visitor: Page, scene: Scene, answers: list[Response]) -> None:
    visitor.goto("/")
    visitor.wait_for_load_state("networkidle")
    files = [answer for answer in answers if "/static/" in answer.url]
    assert files
    assert [answer.url for answer in files if not FINGERPRINTED.search(answer.url)] == []
    assert {answer.headers["cache-control"] for answer in files} == {FOR_EVER}
    visitor.goto("/")
    assert [entry["url"] for entry in loaded(visitor) if entry["sent"]] == [scene.site.settings.web.portal_url]
