"""No time limit without a warning: the page says until when it is open, and a click has more of it, within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.demo.slapd import PrivateSlapd
from connector.model import Origin
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, issue
from tests.web.conftest import ClientWith
from tests.web.steps import NEW_PASSWORD, is_open, post, sign_in, suspend, token
from webui import create_app
from webui.security import EXTENSIONS

SCRIPT = {"Accept": "application/json"}
RESCUE = "elodie@ailleurs.example"
BUTTON = 'formaction="/prolonger"'


def until(page: str) -> str:
    """What the page says, on top and beside the button, of when it ends."""
    (said,) = {time.replace("\N{NO-BREAK SPACE}", " ") for time in re.findall(r"data-until>([^<]*)<", page)}
    return said


def extend(client: FlaskClient, **typed: str) -> TestResponse:
    """The button, in a browser without scripts."""
    return post(client, "/prolonger", **typed)


def extend_by_script(client: FlaskClient) -> TestResponse:
    return client.post("/prolonger", headers={**SCRIPT, "X-CSRFToken": token(client)})


def copy_of(client: FlaskClient) -> FlaskClient:
    """Another browser with a copy of the cookie as it is now."""
    thief = client.application.test_client()
    cookie = client.get_cookie("moncompte")
    assert cookie
    thief.set_cookie("moncompte", cookie.value)
    return thief


def test_the_page_says_in_words_until_when_it_is_open(client_with: ClientWith) -> None:
    """At noon in UTC it is one o'clock in Paris, and four in Saint-Denis."""
    for timezone, said in (("Europe/Paris", "13 h 15"), ("Indian/Reunion", "16 h 15")):
        client = client_with(web={"timezone": timezone})
        sign_in(client, "jmartin001", PASSWORD)
        assert until(client.get("/mot-de-passe").text) == said


def test_a_click_without_scripts_brings_the_form_back_with_the_rescue_address_and_no_secret(
    client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    sign_in(client, "emercier", issue(portal, "emercier"))
    clock.forward(minutes=14, seconds=59)
    assert "mots de passe seront à retaper" in client.get("/mot-de-passe").text
    answer = extend(client, username="emercier", password=NEW_PASSWORD, confirmation=NEW_PASSWORD, rescue=RESCUE)
    assert answer.status_code == 200
    assert f'value="{RESCUE}"' in answer.text
    assert NEW_PASSWORD not in answer.text
    assert until(answer.text) == "13 h 29"
    with client.session_transaction() as session:
        assert RESCUE not in str(dict(session))
    clock.forward(minutes=14, seconds=59)
    typed = {"password": NEW_PASSWORD, "confirmation": NEW_PASSWORD, "rescue": RESCUE}
    assert post(client, "/mot-de-passe", **typed).headers["Location"] == "/adresse"
    assert account(portal, "emercier").rescue == RESCUE


def test_a_click_changes_nothing_in_the_directory(client: FlaskClient, slapd: PrivateSlapd) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    before = slapd.search("(objectClass=*)", "*", "+")
    extend(client, current_password=PASSWORD, password=NEW_PASSWORD, confirmation=NEW_PASSWORD, rescue=RESCUE)
    assert slapd.search("(objectClass=*)", "*", "+") == before


def test_a_script_is_told_how_long(client: FlaskClient, clock: MovingClock) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    clock.forward(minutes=10)
    assert 'data-seconds="300"' in client.get("/mot-de-passe").text
    told = extend_by_script(client).json
    assert told == {"until": "13\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}25", "seconds": 900, "is_extensible": True}


def test_ten_times_and_then_the_proof_is_asked_again(client: FlaskClient, clock: MovingClock) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    for _ in range(EXTENSIONS):
        assert BUTTON in client.get("/mot-de-passe").text
        clock.forward(minutes=14)
        assert extend(client).status_code == 200
    assert EXTENSIONS == 10
    clock.forward(minutes=14)
    page = extend(client).text
    assert until(page) == "15 h 35"  # as it was
    assert BUTTON not in page
    assert "quittez la page et identifiez-vous à nouveau" in page
    told = extend_by_script(client).json
    assert told
    assert (told["seconds"], told["is_extensible"]) == (60, False)
    clock.forward(minutes=1)
    assert not is_open(client)


def test_a_copy_of_the_cookie_has_no_more_than_what_is_left(client: FlaskClient, clock: MovingClock) -> None:
    """Nor does it help to extend copies of one instant in turn."""
    sign_in(client, "jmartin001", PASSWORD)
    thieves = [copy_of(client)]
    for _ in range(EXTENSIONS + 3):
        clock.forward(minutes=14)
        for thief in list(thieves):
            if extend(thief).status_code == 200:
                thieves.append(copy_of(thief))
        thieves = [thief for thief in thieves[-4:] if is_open(thief)]
    assert thieves == []


@pytest.mark.parametrize("uid", ["jmartin001", "emercier"], ids=["by password", "by key"])
@pytest.mark.parametrize("ask", [extend, extend_by_script])
@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda slapd, clock, copy, uid: post(copy, "/deconnexion"),
        lambda slapd, clock, copy, uid: suspend(slapd, uid),
        lambda slapd, clock, copy, uid: clock.forward(minutes=15),
    ],
    ids=["signed out elsewhere", "suspended", "too late"],
)
def test_what_is_over_is_not_revived(
    client: FlaskClient,
    portal: Portal,
    slapd: PrivateSlapd,
    clock: MovingClock,
    uid: str,
    ask: Callable[[FlaskClient], TestResponse],
    meanwhile: Callable[[PrivateSlapd, MovingClock, FlaskClient, str], object],
) -> None:
    sign_in(client, uid, issue(portal, uid) if uid == "emercier" else PASSWORD)
    meanwhile(slapd, clock, copy_of(client), uid)
    answer = ask(client)
    assert answer.status_code == (401 if ask is extend_by_script else 303)
    assert answer.headers.get("Location") == (None if ask is extend_by_script else "/")
    assert not is_open(client)


def test_it_needs_a_session_and_a_token(client: FlaskClient, clock: MovingClock) -> None:
    assert extend(client).headers["Location"] == "/"
    sign_in(client, "jmartin001", PASSWORD)
    clock.forward(minutes=10)
    assert client.post("/prolonger").status_code == 403
    assert client.post("/prolonger", headers=SCRIPT).status_code == 403
    clock.forward(minutes=5)
    assert not is_open(client)


def test_its_address_opened_anew_leads_to_the_form_and_extends_nothing(client: FlaskClient, clock: MovingClock) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    clock.forward(minutes=10)
    assert client.get("/prolonger").headers["Location"] == "/mot-de-passe"
    assert until(client.get("/mot-de-passe").text) == "13 h 15"


def test_a_session_opened_with_a_key_ends_with_the_key_and_says_so(
    client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    key = issue(portal, "emercier", Origin.DESK)
    clock.forward(hours=23, minutes=50)
    sign_in(client, "emercier", key)
    page = client.get("/mot-de-passe").text
    assert until(page) == "13 h 00"
    assert BUTTON not in page
    assert until(extend(client).text) == "13 h 00"
    clock.forward(minutes=10)
    assert not is_open(client)


def test_an_impatient_second_click_costs_no_extension(client: FlaskClient, clock: MovingClock) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    clock.forward(minutes=10)
    for _ in range(EXTENSIONS + 1):
        assert until(extend(client).text) == "13 h 25"
        clock.forward(seconds=2)
    assert BUTTON in client.get("/mot-de-passe").text


def test_a_key_that_waits_shortens_nothing_for_who_came_with_the_password(
    client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    issue(portal, "jmartin001", Origin.DESK)
    clock.forward(hours=23, minutes=50)
    sign_in(client, "jmartin001", PASSWORD)
    page = client.get("/mot-de-passe").text
    assert until(page) == "13 h 05"
    assert BUTTON in page


def test_another_server_knows_how_often_it_was_extended(
    client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    for _ in range(EXTENSIONS):
        clock.forward(minutes=1)
        extend(client)
    elsewhere = create_app(portal).test_client()
    cookie = client.get_cookie("moncompte")
    assert cookie
    elsewhere.set_cookie("moncompte", cookie.value)
    assert BUTTON not in elsewhere.get("/mot-de-passe").text


def test_a_fresh_sign_in_may_be_extended_as_often_again(client: FlaskClient, clock: MovingClock) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    for _ in range(EXTENSIONS):
        clock.forward(minutes=1)
        extend(client)
    sign_in(client, "jmartin001", PASSWORD)
    assert BUTTON in client.get("/mot-de-passe").text
