"""The charter: asked before anything else behind the door, once a version; where there is none, nothing is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.demo.slapd import PrivateSlapd
from connector.directory.operations import Operations
from connector.model import Accepted, Account
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import START, MovingClock, account, audited, issue
from tests.web.conftest import ClientWith
from tests.web.steps import (
    NEW_PASSWORD,
    change,
    choose,
    is_open,
    pointed_at,
    post,
    sign_in,
    suspend,
    token,
    told_at,
    write,
)

URL = "https://universite.example/charte"
FIRST = {"version": "2026-1", "url": URL}
SECOND = {"version": "2027", "url": URL}


@pytest.fixture
def client(client_with: ClientWith) -> FlaskClient:
    """A visitor of a portal with a charter."""
    return client_with(charter=FIRST)


def accept(client: FlaskClient, version: str = "2026-1") -> TestResponse:
    return post(client, "/charte", accepted="on", version=version)


def leads_to(answer: TestResponse) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("Location")


def events(file: Path) -> list[tuple[str, str, str | None, object]]:
    """What the audit says of charters."""
    found = [line for line in audited(file) if line["event"] == "account:charter:accept"]
    return [(line["outcome"], line["actor"], line["account"], line.get("version")) for line in found]


@pytest.mark.parametrize("uid", ["jmartin001", "emercier"], ids=["by password", "by key"])
def test_whoever_comes_in_meets_it_once(
    client: FlaskClient, portal: Portal, slapd: PrivateSlapd, audit_file: Path, uid: str
) -> None:
    sign_in(client, uid, issue(portal, uid) if uid == "emercier" else PASSWORD)
    assert leads_to(client.get("/mot-de-passe")) == (303, "/charte")
    page = client.get("/charte").text
    assert f'href="{URL}" target="_blank" rel="external noopener noreferrer"' in page
    assert "version 2026-1" in page
    assert leads_to(accept(client)) == (303, "/mot-de-passe")
    assert is_open(client)
    assert leads_to(client.get("/charte")) == (303, "/mot-de-passe")
    assert slapd.search(f"(uid={uid})", "moncompteCharter")[0]["moncompteCharter"] == ["20261122120000Z 2026-1"]
    assert events(audit_file) == [("done", uid, uid, "2026-1")]


def test_nothing_is_done_behind_the_door_before(client: FlaskClient, portal: Portal, slapd: PrivateSlapd) -> None:
    """No account is activated, no password changed, no address set, and the meter answers nothing."""
    for uid, secret in (("emercier", issue(portal, "emercier")), ("jmartin001", PASSWORD)):
        sign_in(client, uid, secret)
        before = slapd.search("(objectClass=*)", "*", "+")
        act = choose if uid == "emercier" else change
        typed = (NEW_PASSWORD,) if uid == "emercier" else (PASSWORD, NEW_PASSWORD)
        assert leads_to(act(client, *typed, rescue="a@ailleurs.example")) == (303, "/charte")
        assert post(client, "/force", password=NEW_PASSWORD).status_code == 403
        assert slapd.search("(objectClass=*)", "*", "+") == before


def test_after_it_the_account_is_activated_as_ever(client: FlaskClient, portal: Portal) -> None:
    sign_in(client, "emercier", issue(portal, "emercier"))
    accept(client)
    assert leads_to(choose(client, NEW_PASSWORD)) == (303, "/fait")
    sign_in(client, "emercier", NEW_PASSWORD)
    assert is_open(client)


def test_the_box_must_be_ticked(client: FlaskClient, portal: Portal, audit_file: Path) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    answer = post(client, "/charte", version="2026-1")
    assert answer.status_code == 422
    assert pointed_at(answer.text) == ["accepted"]
    assert told_at(answer.text, "accepted") == ["Pour continuer, cochez cette case une fois la charte lue."]
    assert 'aria-invalid="true"' in answer.text
    assert (account(portal, "jmartin001").accepted, events(audit_file)) == (None, [])
    assert not is_open(client)


def test_a_new_version_is_asked_at_the_next_visit_and_says_what_was_accepted(
    client: FlaskClient, client_with: ClientWith, portal: Portal, clock: MovingClock
) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    accept(client)
    clock.forward(days=60)
    later = client_with(charter=SECOND)
    sign_in(later, "jmartin001", PASSWORD)
    assert leads_to(later.get("/mot-de-passe")) == (303, "/charte")
    page = later.get("/charte").text
    assert "La charte a changé" in page
    assert "la version 2026-1 le 22 novembre 2026" in page.replace("\N{NO-BREAK SPACE}", " ")
    accept(later, "2027")
    found = account(portal, "jmartin001").accepted
    assert found
    assert (found.version, found.at) == ("2027", clock())


def test_what_they_accept_is_what_they_saw(client: FlaskClient, client_with: ClientWith, portal: Portal) -> None:
    """A page left open while the charter changed, or shown by a portal whose settings are older."""
    renewed = client_with(charter=SECOND)
    sign_in(renewed, "jmartin001", PASSWORD)
    for version in ("2026-1", "", "x" * 5000):
        answer = accept(renewed, version)
        assert answer.status_code == 422
        assert "La charte vient de changer" in answer.text
        assert 'name="version" value="2027"' in answer.text
    assert account(portal, "jmartin001").accepted is None


def test_two_portals_and_two_tabs_share_it(client: FlaskClient, client_with: ClientWith, portal: Portal) -> None:
    """Shown by one portal, accepted at another; the second click keeps the first one's date, and ends no session."""
    other = client_with(charter=FIRST)
    sign_in(client, "jmartin001", PASSWORD)
    cookie = client.get_cookie("moncompte")
    assert cookie
    other.set_cookie("moncompte", cookie.value)
    assert leads_to(accept(other)) == (303, "/mot-de-passe")
    assert is_open(client)
    before = account(portal, "jmartin001")
    assert leads_to(accept(client)) == (303, "/mot-de-passe")
    assert account(portal, "jmartin001") == before


def test_of_two_at_once_both_go_on_and_the_first_is_kept(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read the entry before either wrote: the class that the first adds makes the second look again."""
    proof = portal.sign_in("jmartin001", PASSWORD)
    write_it = portal.directory.accept_charter

    def late(read: Account, accepted: Accepted) -> None:
        monkeypatch.undo()
        portal.selfcare.accept_charter("jmartin001", proof.by, proof.mark, "2026-1", START)
        write_it(read, accepted)

    monkeypatch.setattr(portal.directory, "accept_charter", late)
    portal.selfcare.accept_charter("jmartin001", proof.by, proof.mark, "2026-1", START + timedelta(seconds=5))
    assert account(portal, "jmartin001").accepted == Accepted("2026-1", START)


def test_whose_account_closed_meanwhile_accepts_nothing(
    client: FlaskClient, portal: Portal, slapd: PrivateSlapd
) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    suspend(slapd, "jmartin001")
    assert leads_to(accept(client)) == (303, "/")
    assert account(portal, "jmartin001").accepted is None


def test_it_needs_a_session_and_a_token(client: FlaskClient, portal: Portal) -> None:
    """Without a token nothing is accepted, and the page is shown again to whoever is inside."""
    assert leads_to(client.get("/charte")) == (303, "/")
    assert leads_to(accept(client)) == (303, "/")
    sign_in(client, "jmartin001", PASSWORD)
    answer = client.post("/charte", data={"accepted": "on", "version": "2026-1"})
    assert leads_to(answer) == (303, "/charte")
    assert account(portal, "jmartin001").accepted is None


def test_leaving_ends_the_session_and_accepts_nothing(client: FlaskClient, portal: Portal) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    assert 'action="/deconnexion"' in client.get("/charte").text
    post(client, "/deconnexion")
    assert leads_to(client.get("/charte")) == (303, "/")
    assert account(portal, "jmartin001").accepted is None


def test_reading_may_take_longer_for_a_click(client: FlaskClient, clock: MovingClock) -> None:
    """WCAG 2.2 §2.2.1, with scripts and without."""
    sign_in(client, "jmartin001", PASSWORD)
    clock.forward(minutes=14)
    assert leads_to(post(client, "/prolonger")) == (303, "/charte")
    clock.forward(minutes=14)
    asked = {"Accept": "application/json", "X-CSRFToken": token(client)}
    told = json.loads(client.post("/prolonger", headers=asked).text)
    assert told["seconds"] == 900
    clock.forward(minutes=14)
    page = client.get("/charte").text
    assert "mots de passe seront à retaper" not in page  # none are typed here


def test_an_old_form_behind_the_door_leads_to_it(client: FlaskClient) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    answer = client.post("/mot-de-passe", data={"username": "jmartin001", "password": NEW_PASSWORD})
    assert leads_to(answer) == (303, "/charte")


def test_a_value_that_makes_no_sense_is_asked_anew_and_replaced(
    client: FlaskClient, portal: Portal, slapd: PrivateSlapd
) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    accept(client)
    write(slapd, "jmartin001", "moncompteCharter", "since last year")
    assert leads_to(client.get("/mot-de-passe")) == (303, "/charte")
    assert leads_to(accept(client)) == (303, "/mot-de-passe")
    assert account(portal, "jmartin001").has_accepted("2026-1")


def test_where_there_is_none_nothing_is_asked(client_with: ClientWith, portal: Portal, audit_file: Path) -> None:
    client = client_with()
    sign_in(client, "jmartin001", PASSWORD)
    assert is_open(client)
    assert leads_to(client.get("/charte")) == (303, "/mot-de-passe")
    assert leads_to(accept(client, "")) == (303, "/mot-de-passe")
    assert (account(portal, "jmartin001").accepted, events(audit_file)) == (None, [])
    assert "charte" not in client.get("/confidentialite").text


def test_the_privacy_page_tells_that_it_is_kept(client: FlaskClient) -> None:
    assert "la version de la charte que vous avez acceptée, et la date" in client.get("/confidentialite").text


def test_it_costs_the_directory_one_modify_and_who_has_accepted_nothing(
    client: FlaskClient, client_with: ClientWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version accepted comes with the account, which is read afresh at every request anyhow."""
    done: list[str] = []
    for name in ("search", "modify", "binds"):
        act = getattr(Operations, name)
        monkeypatch.setattr(
            Operations, name, lambda *facts, _act=act, _name=name, **more: done.append(_name) or _act(*facts, **more)
        )

    def cost(act: Callable[[], object]) -> list[str]:
        done.clear()
        act()
        return list(done)

    none = client_with()
    for visitor in (client, none):
        sign_in(visitor, "jmartin001", PASSWORD)
    csrf = token(client)
    told = {"csrf_token": csrf, "accepted": "on", "version": "2026-1"}
    assert cost(lambda: client.post("/charte", data=told)) == ["search", "search", "modify"]
    assert cost(lambda: client.get("/mot-de-passe")) == cost(lambda: none.get("/mot-de-passe")) == ["search"]
