"""The session: how long it lives, what ends it, what it holds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from connector.demo.slapd import PrivateSlapd
from connector.model import Account, By, Caller, Origin
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, issue
from tests.web.conftest import ClientWith
from tests.web.steps import NEW_PASSWORD, change, choose, is_open, post, sign_in, suspend, token, try_to_sign_in, write
from webui import create_app

LONG_AGO = "20260101000000Z"


def test_it_ends_after_its_minutes_by_the_portals_clock(client: FlaskClient, clock: MovingClock) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    clock.forward(minutes=14, seconds=59)
    assert is_open(client)
    clock.forward(seconds=1)
    assert client.get("/mot-de-passe").headers["Location"] == "/"
    page = client.get("/").text
    assert "au bout de 15 minutes" in page
    assert 'value="jmartin001"' in page


def test_the_answer_to_a_refused_form_may_be_loaded_again(client: FlaskClient) -> None:
    typed = {"csrf_token": token(client), "identifier": "jmartin001", "secret": "not it"}
    assert [client.post("/connexion", data=typed).status_code for _ in range(2)] == [422, 422]


def test_who_was_never_signed_in_is_asked_to_and_told_of_no_session(client: FlaskClient) -> None:
    assert client.get("/mot-de-passe").headers["Location"] == "/"
    page = client.get("/").text
    assert "Identifiez-vous d’abord." in page
    assert "session" not in page


def test_the_second_click_on_a_form_lands_where_the_first_did(client: FlaskClient, portal: Portal) -> None:
    """The first click's answer has brought a new session, and the second brings the token of the old one."""
    typed = {"csrf_token": token(client), "identifier": "emercier", "secret": issue(portal, "emercier")}
    for _click in range(2):
        assert client.post("/connexion", data=typed).headers["Location"] == "/mot-de-passe"
    typed = {
        "csrf_token": token(client),
        "username": "emercier",
        "password": NEW_PASSWORD,
        "confirmation": NEW_PASSWORD,
    }
    for _click in range(2):
        assert client.post("/mot-de-passe", data=typed).headers["Location"] == "/fait"
    typed = {"csrf_token": token(client)}
    for _click in range(2):
        assert client.post("/deconnexion", data=typed).headers["Location"] == "/"
    assert "Votre session est fermée" in client.get("/").text


def test_another_tabs_form_is_no_second_click(client: FlaskClient, portal: Portal, clock: MovingClock) -> None:
    """Two tabs, two passwords: whose form came second must not be told that the password in it was set."""
    sign_in(client, "emercier", issue(portal, "emercier"))
    first = token(client)
    page = {"password": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    other = {"password": "sept-chats-dansent-ici", "confirmation": "sept-chats-dansent-ici"}
    assert client.post("/mot-de-passe", data={"csrf_token": first, **page}).headers["Location"] == "/fait"
    assert client.post("/mot-de-passe", data={"csrf_token": first, **page}).headers["Location"] == "/fait"
    with client.session_transaction() as session:
        session["click"] = "the mark of the form in another tab"
    assert client.post("/mot-de-passe", data={"csrf_token": first, **other}).status_code == 403


def test_an_old_form_never_leads_into_somebody_elses_session(client: FlaskClient) -> None:
    """Two tabs of a shared computer: in one Jeanne is signed in, in the other Élodie types."""
    old = token(client)
    sign_in(client, "jmartin001", PASSWORD)
    answer = client.post("/connexion", data={"csrf_token": old, "identifier": "emercier", "secret": "x"})
    assert answer.status_code == 403
    assert "enregistré" not in answer.text  # nobody knows that here


def test_an_old_form_after_the_session_is_over_leads_nowhere(client: FlaskClient, clock: MovingClock) -> None:
    old = token(client)
    sign_in(client, "jmartin001", PASSWORD)
    clock.forward(minutes=15)
    typed = {"csrf_token": old, "identifier": "jmartin001", "username": "jmartin001"}
    assert [client.post(path, data=typed).status_code for path in ("/connexion", "/mot-de-passe")] == [403, 403]


def test_its_minutes_are_a_setting(client_with: ClientWith, clock: MovingClock) -> None:
    client = client_with(web={"session_minutes": 60})
    sign_in(client, "jmartin001", PASSWORD)
    clock.forward(minutes=59)
    assert is_open(client)
    clock.forward(minutes=1)
    assert not is_open(client)


def test_a_suspended_account_ends_it_for_good(client: FlaskClient, slapd: PrivateSlapd) -> None:
    """The session is gone, and does not come back when the account does."""
    sign_in(client, "jmartin001", PASSWORD)
    suspend(slapd, "jmartin001")
    assert not is_open(client)
    write(slapd, "jmartin001", "supannRessourceEtat", "{COMPTE}A:SupannActif")
    assert not is_open(client)


def test_a_password_changed_elsewhere_ends_it(client: FlaskClient, slapd: PrivateSlapd) -> None:
    write(slapd, "jmartin001", "pwdChangedTime", LONG_AGO, "-e", "relax")
    sign_in(client, "jmartin001", PASSWORD)
    assert is_open(client)
    write(slapd, "jmartin001", "userPassword", NEW_PASSWORD)
    assert not is_open(client)


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda portal, clock: issue(portal, "emercier"),
        lambda portal, clock: clock.forward(minutes=10),
    ],
    ids=["a newer key", "the end of its life"],
)
def test_a_key_that_no_longer_counts_ends_it(
    client: FlaskClient, portal: Portal, clock: MovingClock, meanwhile: Callable[[Portal, MovingClock], object]
) -> None:
    key = issue(portal, "emercier", Origin.DESK)
    clock.forward(hours=23, minutes=50)
    sign_in(client, "emercier", key)
    assert is_open(client)
    meanwhile(portal, clock)
    assert not is_open(client)


def test_a_key_replaced_in_the_very_instant_of_its_use_ends_it_and_offers_a_fresh_one(
    client: FlaskClient, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page was let in, then another server issued a key, then this one redeems: the directory decides."""
    sign_in(client, "emercier", issue(portal, "emercier"))
    revisit = portal.revisit

    def overtaken(uid: str, by: By, mark: str, caller: Caller) -> Account:
        seen = revisit(uid, by, mark, caller)
        issue(portal, uid)
        return seen

    monkeypatch.setattr(portal, "revisit", overtaken)
    answer = choose(client, NEW_PASSWORD)
    monkeypatch.undo()
    assert answer.status_code == 422
    assert '<input type="hidden" name="identifier" value="emercier">' in answer.text
    assert "seule la dernière est valable" in answer.text
    with client.session_transaction() as session:
        assert set(session) == {"csrf_token"}


def test_the_second_of_two_clicks_is_told_to_try_the_new_password(client: FlaskClient, portal: Portal) -> None:
    """A second window with the same session: the first won, and nothing bad has happened."""
    sign_in(client, "emercier", issue(portal, "emercier"))
    other = create_app(portal).test_client()
    copy = client.get_cookie("moncompte")
    assert copy
    other.set_cookie("moncompte", copy.value)
    assert choose(client, NEW_PASSWORD).headers["Location"] == "/fait"
    assert choose(other, NEW_PASSWORD).headers["Location"] == "/"
    assert "Si vous veniez de valider un nouveau mot de passe, essayez-le" in other.get("/").text


def test_signing_out_forgets_everything_and_says_so(client: FlaskClient) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    assert post(client, "/deconnexion").headers["Location"] == "/"
    assert "Votre session est fermée" in client.get("/").text
    with client.session_transaction() as session:
        assert set(session) == {"csrf_token"}
    assert not is_open(client)


def test_the_page_after_is_only_for_who_did_something_and_not_for_long(client: FlaskClient, clock: MovingClock) -> None:
    assert client.get("/fait").headers["Location"] == "/"
    sign_in(client, "jmartin001", PASSWORD)
    assert client.get("/fait").headers["Location"] == "/"
    change(client, PASSWORD, NEW_PASSWORD)
    assert client.get("/fait").status_code == 200
    clock.forward(minutes=15)
    assert client.get("/fait").headers["Location"] == "/"


def test_the_cookie_holds_no_secret(client: FlaskClient, portal: Portal) -> None:
    """It is signed, not encrypted: whoever holds it can read it."""
    key = issue(portal, "emercier")
    for uid, secret in (("jmartin001", PASSWORD), ("emercier", key), ("emercier", key.replace("-", ""))):
        sign_in(client, uid, secret)
        with client.session_transaction() as session:
            held = str(dict(session))
        assert uid in held
        assert secret not in held


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_is_locked_down(client_with: ClientWith, secure: bool) -> None:
    client = client_with(web={"secure_cookies": secure})
    cookie = client.get("/", base_url="https://localhost").headers["Set-Cookie"]
    assert cookie.startswith("__Host-moncompte=" if secure else "moncompte=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) is secure


def stolen(client: FlaskClient) -> FlaskClient:
    """Another browser with a copy of the cookie."""
    thief = client.application.test_client()
    cookie = client.get_cookie("moncompte")
    assert cookie
    thief.set_cookie("moncompte", cookie.value)
    return thief


@pytest.mark.parametrize("uid", ["jmartin001", "emercier"], ids=["by password", "by key"])
def test_signing_out_ends_every_copy_of_the_session(client: FlaskClient, portal: Portal, uid: str) -> None:
    sign_in(client, uid, PASSWORD if uid == "jmartin001" else issue(portal, uid))
    thief = stolen(client)
    elsewhere = client.application.test_client()
    sign_in(elsewhere, uid, PASSWORD if uid == "jmartin001" else issue(portal, uid))
    if uid == "emercier":  # a newer key has ended the first session already: leave by the second
        client, thief = elsewhere, stolen(elsewhere)
    assert is_open(thief)
    answer = post(client, "/deconnexion")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert not is_open(thief)
    assert not is_open(elsewhere)


def test_who_signed_out_may_come_back_at_once(client: FlaskClient) -> None:
    for _ in range(3):
        sign_in(client, "jmartin001", PASSWORD)
        post(client, "/deconnexion")
        assert not is_open(client)


def test_a_sysadmin_ends_somebodys_sessions_with_ldapmodify(client: FlaskClient, slapd: PrivateSlapd) -> None:
    sign_in(client, "rbenali", PASSWORD)
    thief = stolen(client)
    document = (Path(__file__).parents[2] / "docs" / "sessions.md").read_text(encoding="utf-8")
    block = document.partition("```ldif sessions\n")[2].partition("```")[0]
    slapd.run("ldapmodify", *slapd.as_root, text=block.replace("dc=universite,dc=example", slapd.base))
    assert not is_open(thief)


def test_a_refused_sign_in_leaves_nobody_in_the_session_of_who_was_there_before(client: FlaskClient) -> None:
    """A shared computer: Jeanne went without signing out, Rachid mistypes his password and opens the page."""
    sign_in(client, "jmartin001", PASSWORD)
    try_to_sign_in(client, "rbenali", "not the password")
    assert not is_open(client)


def test_a_new_secret_key_signs_and_the_old_one_is_still_believed(client_with: ClientWith, settings: Settings) -> None:
    """On a page loaded before the change the form still works, and the session goes on."""
    old, new = settings.web.secret_keys[0], "n" * 40
    client = client_with()
    sign_in(client, "jmartin001", PASSWORD)
    loaded = token(client)
    cookie = client.get_cookie("moncompte")
    assert cookie

    def with_keys(*keys: str) -> FlaskClient:
        other = client_with(web={"secret_key": SecretStr("\n".join(keys))})
        other.set_cookie("moncompte", cookie.value)
        return other

    assert is_open(with_keys(new, old))
    assert not is_open(with_keys(new))
    answer = with_keys(new, old).post("/oubli", data={"csrf_token": loaded, "identifier": "nobody"})
    assert answer.status_code == 303
    fresh = with_keys(new, old)
    sign_in(fresh, "jmartin001", PASSWORD)
    written = fresh.get_cookie("moncompte")
    assert written
    only_new = client_with(web={"secret_key": SecretStr(new)})
    only_new.set_cookie("moncompte", written.value)
    assert is_open(only_new)


def test_a_new_sign_in_ends_the_session_before_it_for_every_copy(client: FlaskClient, portal: Portal) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    copy = client.get_cookie("moncompte")
    assert copy
    other = create_app(portal).test_client()
    other.set_cookie("moncompte", copy.value)
    assert is_open(other)
    sign_in(client, "jmartin001", PASSWORD)
    assert is_open(client)
    assert not is_open(other)
