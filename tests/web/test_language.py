"""In which language one is answered: the one chosen, else the browser's, else French."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import ClientWith
from tests.web.steps import post, token

HOME = "https://127.0.0.1:8080"
SWITCH = re.compile(r'<button class="plain" name="language" value="(\w+)" lang="(\w+)">')


def language(client: FlaskClient, path: str = "/", accepted: str = "fr") -> str:
    found = re.search(r'<html lang="(\w+)">', client.get(path, headers={"Accept-Language": accepted}).text)
    assert found
    return found[1]


def switch(client: FlaskClient, chosen: str, page: str = "/") -> str:
    """Press the button of a page; where it leads."""
    typed = {"csrf_token": token(client), "language": chosen}
    answer = client.post("/langue", data=typed, headers={"Referer": f"http://localhost{page}"})
    assert answer.status_code == 303
    return answer.headers["Location"]


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("de,en;q=0.5", "en"),
        ("de", "fr"),
        ("en;q=0,fr;q=0.1", "fr"),
        ("", "fr"),
        ("*", "fr"),
        (";q=x,en;q=nan,,é", "fr"),
    ],
)
def test_the_browser_says_what_its_reader_reads(client: FlaskClient, accepted: str, expected: str) -> None:
    assert language(client, accepted=accepted) == expected


def test_a_choice_outlives_the_page_and_beats_the_browser(client: FlaskClient) -> None:
    assert switch(client, "en", "/oubli/envoye") == "/oubli/envoye"
    assert language(client) == "en"
    assert language(client, "/oubli/envoye") == "en"
    assert language(client, "/nulle-part") == "en"
    switch(client, "fr")
    assert language(client, accepted="en") == "fr"


def test_every_page_offers_the_other_language_in_its_own_words(client: FlaskClient) -> None:
    for path in ("/", "/oubli/envoye", "/nulle-part"):
        assert SWITCH.findall(client.get(path).text) == [("en", "en")], path
        assert SWITCH.findall(client.get(path, headers={"Accept-Language": "en"}).text) == [("fr", "fr")], path
    assert SWITCH.findall(post(client, "/connexion").text) == [("en", "en")]


@pytest.mark.parametrize(
    "page", ["//evil.example/", "https://evil.example/connexion", "/connexion", "/langue", "/nulle-part", "\\", "/\t/x"]
)
def test_the_choice_leads_to_no_other_site(client: FlaskClient, page: str) -> None:
    typed = {"csrf_token": token(client), "language": "en"}
    answer = client.post("/langue", data=typed, headers={"Referer": page})
    assert answer.headers["Location"] in {"/", "/oubli"}  # the address of a refused form, which leads to the front door


@pytest.mark.parametrize("chosen", ["", "de", "../../etc", "EN", "é"])
def test_a_language_that_nobody_offers_is_not_remembered(client: FlaskClient, chosen: str) -> None:
    switch(client, chosen)
    assert client.get_cookie("language") is None
    assert language(client, accepted="en") == "en"


def test_a_choice_that_was_planted_or_mangled_is_none(client: FlaskClient) -> None:
    client.set_cookie("language", "de")
    assert language(client, accepted="en") == "en"


def test_the_choice_is_kept_where_no_script_reads_it(client_with: ClientWith) -> None:
    client = client_with(web={"secure_cookies": True})
    typed = {"csrf_token": token(client, HOME), "language": "en"}
    answer = client.post("/langue", base_url=HOME, data=typed, headers={"Referer": "https://127.0.0.1:8080/"})
    (kept,) = [line for line in answer.headers.getlist("Set-Cookie") if "language=" in line]
    for attribute in ("__Host-language=en;", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=31536000", "Path=/"):
        assert attribute in kept
    assert "Domain" not in kept
    assert 'lang="en"' in client.get("/", base_url=HOME).text
    assert "__Host-language" in client.get("/confidentialite", base_url=HOME).text


def test_what_the_university_says_is_said_in_the_readers_language(client_with: ClientWith) -> None:
    client = client_with(fr={"desk": "le bureau 7"}, en={"desk": "room 7"})
    assert "le bureau 7" in client.get("/", headers={"Accept-Language": "fr"}).text
    assert "room 7" in client.get("/", headers={"Accept-Language": "en"}).text
