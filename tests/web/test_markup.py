"""What holds for every page there is: nothing inline, ids that meet, and looking at it changes nothing."""

import re

import pytest
from flask.testing import FlaskClient

from connector.demo.ldap_tools import Entry
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import issue
from tests.web.conftest import ClientWith
from tests.web.steps import NEW_PASSWORD, is_open, sign_in

INLINE = re.compile(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=\")", re.IGNORECASE)
FROM_ELSEWHERE = re.compile(r"(?:src|<link[^>]*href)=\"(?!/static/)[^\"]*")
TEMPLATE = re.compile(r"<template>.*?</template>", re.DOTALL)  # for scripts; nobody sees it
REFERENCE = re.compile(r'(?:aria-describedby|aria-labelledby|for|data-reveal|href)="#?([\w -]+)"')


def test_no_page_has_anything_inline_or_from_elsewhere(pages: dict[str, str]) -> None:
    found = {name: INLINE.findall(page) + FROM_ELSEWHERE.findall(page) for name, page in pages.items()}
    assert {name: pieces for name, pieces in found.items() if pieces} == {}


def test_ids_are_unique_and_every_reference_meets_one(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        ids = re.findall(r'\sid="([^"]+)"', page)
        references = " ".join(REFERENCE.findall(page)).split()
        assert len(ids) == len(set(ids)), name
        assert references, name
        assert set(references) <= set(ids), name


def test_every_page_has_one_heading_and_a_title_of_its_own(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        assert TEMPLATE.sub("", page).count("<h1") == 1, name
        assert re.search(r"<title>[^<]+ – Université de la Dordogne</title>", page), name
        assert '<html lang="fr">' in page, name


def whole_directory(slapd: PrivateSlapd) -> list[Entry]:
    return slapd.search("(objectClass=*)", "*", "+")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(
    client: FlaskClient, portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, method: str
) -> None:
    """Mail scanners follow links (DESIGN rule 4), with a session or without, whatever the address carries."""
    key = issue(portal, "emercier")
    for uid, secret in (("emercier", key), ("jmartin001", PASSWORD)):
        sign_in(client, uid, secret)
        before = whole_directory(slapd)
        query = {"identifier": uid, "secret": secret, "password": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
        for rule in client.application.url_map.iter_rules():
            if rule.endpoint != "static":
                client.open(rule.rule, method=method, query_string=query)
        portal.outbox.send_handed()
        assert whole_directory(slapd) == before
        assert is_open(client)
    assert mailbox.mails == []


def test_help_is_linked_where_the_university_gives_an_address_and_nowhere_else(client_with: ClientWith) -> None:
    links = {
        "assistance_url": "https://univ.example/assistance",
        "help_url": "https://univ.example/aide",
        "passwords_url": "https://univ.example/mots-de-passe",
        "legal_url": "https://univ.example/mentions",
    }
    for said in (links, dict.fromkeys(links, "")):
        client = client_with(fr=said)
        sign_in(client, "jmartin001", PASSWORD)
        page = client.get("/mot-de-passe").text + client.get("/").text
        assert {url for url in links.values() if f'href="{url}"' in page} == {url for url in said.values() if url}
        assert 'href=""' not in page


def test_the_desk_is_named_wherever_somebody_may_be_stuck(client_with: ClientWith) -> None:
    client = client_with(fr={"desk": "Bâtiment Q, bureau 7"})
    for path in ("/", "/oubli/envoye", "/nulle-part"):
        assert "Bâtiment Q, bureau 7" in client.get(path).text
