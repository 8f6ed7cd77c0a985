"""The table of states forgets no page: whoever adds one adds its state, and with it every test of looks."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.states import Scene
from webui import create_app

PAGES = {  # every address that a browser may open, and a state that stands there
    "/": "landing",
    "/connexion": "landing, nothing typed",
    "/oubli": "forgotten, nothing typed",
    "/oubli/envoye": "key sent",
    "/mot-de-passe": "activate",
    "/charte": "charter",
    "/prolonger": "activate, time extended",
    "/fait": "done, password",
    "/aide": "help",
    "/confidentialite": "privacy",
    "/accessibilite": "accessibility",
    "/adresse": "rescue, code after activation",
    "/pas-moi": "not me",
    "/assistance": "assistance",
    "/assistance/envoyee": "assistance, sent",
    "/guichet": "desk",
    "/guichet/connexion": "desk door",
    "/guichet/inscription": "desk, enrol",
    "/guichet/inscription/code": "desk, QR code",
    "/guichet/recherche": "desk, found nobody",
    "/guichet/demandes": "desk, requests",
}
ONLY_LEADS_ON = {"/adresse/code"}


def test_every_page_has_a_state(scene: Scene) -> None:
    rules = create_app(scene.site).url_map.iter_rules()
    pages = {rule.rule for rule in rules if "GET" in (rule.methods or ()) and not rule.arguments}
    assert {page for page in pages if not page.startswith("/.well-known/")} == set(PAGES) | ONLY_LEADS_ON


@pytest.mark.parametrize(("address", "state"), PAGES.items())
def test_a_state_is_where_it_says(visitor: Page, scene: Scene, address: str, state: str) -> None:
    scene.enter(state, visitor)
    assert urlsplit(visitor.url).path == address
