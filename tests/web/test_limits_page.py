"""Too many tries: one page, in minutes, with nothing lost; told alike to known and unknown."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import WallClock
from tests.web.steps import blind, change, is_open, post, sign_in, try_to_sign_in
from webui import create_app

EVERYBODY = ["jmartin001", "nobody", "emercier", "smoreau", "110000011AB"]


@pytest.fixture
def app(limited: Portal) -> Flask:
    return create_app(limited)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    return app.test_client()


def test_after_five_tries_the_page_says_in_minutes_when_to_come_back(visitor: FlaskClient, wall: WallClock) -> None:
    for _ in range(5):
        assert try_to_sign_in(visitor, "jmartin001", "not it").status_code == 422
    wall.forward(seconds=10)
    answer = try_to_sign_in(visitor, "jmartin001", PASSWORD)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "110"
    assert "réessayez dans 2 minutes" in answer.text
    assert 'value="jmartin001"' in answer.text
    assert PASSWORD not in answer.text
    wall.forward(seconds=111)
    assert try_to_sign_in(visitor, "jmartin001", PASSWORD).status_code == 303


def test_a_wait_of_hours_is_told_in_hours(visitor: FlaskClient, wall: WallClock) -> None:
    for _ in range(15):
        wall.forward(minutes=20)
        try_to_sign_in(visitor, "nobody", "not it")
    answer = try_to_sign_in(visitor, "nobody", "not it")
    assert answer.status_code == 429
    assert "réessayez dans 20 heures" in answer.text


def test_everybody_is_told_the_same(app: Flask) -> None:
    said = set()
    for identifier in EVERYBODY:
        client = app.test_client()
        for _ in range(5):
            try_to_sign_in(client, identifier, "not it")
        said.add(blind(try_to_sign_in(client, identifier, "not it"), identifier))
    assert len(said) == 1


def test_asking_too_often_is_told_the_same_to_everybody(app: Flask) -> None:
    said = set()
    for identifier in EVERYBODY:
        client = app.test_client()
        for _ in range(5):
            assert post(client, "/oubli", identifier=identifier).status_code == 303
        answer = post(client, "/oubli", identifier=identifier)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 900
        assert f'value="{identifier}"' in answer.text
        assert "réessayez dans 15 minutes" in answer.text
        said.add(blind(answer, identifier))
    assert len(said) == 1


def test_the_current_password_has_its_limit_beside_its_field_and_the_address_is_kept(visitor: FlaskClient) -> None:
    sign_in(visitor, "jmartin001", PASSWORD)
    for _ in range(5):
        assert change(visitor, "not it", rescue="jeanne@courriel.example").status_code == 422
    answer = change(visitor, PASSWORD, rescue="jeanne@courriel.example")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"]
    assert "Trop d’essais : réessayez dans 2 minutes." in answer.text
    assert 'value="jeanne@courriel.example"' in answer.text
    assert is_open(visitor)


def test_the_source_is_the_browser_and_not_the_proxy(limited: Portal) -> None:
    """As many hops as the settings say, and what a browser wrote there itself is not believed."""
    web = limited.settings.web.model_copy(update={"proxies": 1})
    limited.settings = limited.settings.model_copy(update={"web": web})
    client = create_app(limited).test_client()

    def try_as(browser: str, number: int) -> int:
        forwarded = {"X-Forwarded-For": f"203.0.113.{number % 250}, {browser}"}  # its own claim, then the proxy's word
        page = client.get("/").text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        typed = {"csrf_token": token, "identifier": f"student{number}", "secret": "x"}
        return client.post("/connexion", data=typed, headers=forwarded).status_code

    assert [try_as("192.0.2.7", number) for number in range(101)] == [422] * 100 + [429]
    assert try_as("192.0.2.8", 101) == 422


def test_without_a_proxy_nothing_that_a_browser_says_counts(app: Flask) -> None:
    client = app.test_client()
    token = client.get("/").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    statuses = []
    for number in range(101):
        typed = {"csrf_token": token, "identifier": f"student{number}", "secret": "x"}
        said = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        statuses.append(client.post("/connexion", data=typed, headers=said).status_code)
    assert statuses == [422] * 100 + [429]
