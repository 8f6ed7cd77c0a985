"""After a key: one form, one act, everything that is wrong told at once."""

import re

from flask.testing import FlaskClient

from connector.model import By
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import account, issue
from tests.web.conftest import ClientWith
from tests.web.steps import NEW_PASSWORD, change, choose, is_open, pointed_at, post, sign_in, told_at


def come_by_key(client: FlaskClient, portal: Portal, uid: str = "emercier") -> FlaskClient:
    sign_in(client, uid, issue(portal, uid))
    return client


def test_one_act_gives_password_and_rescue_address_and_the_session_can_do_no_more(
    client: FlaskClient, portal: Portal
) -> None:
    answer = choose(come_by_key(client, portal), NEW_PASSWORD, rescue=" elodie@ailleurs.example ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/adresse")
    assert "Votre compte est activé" in client.get("/fait").text
    assert portal.sign_in("emercier", NEW_PASSWORD).by is By.PASSWORD
    assert account(portal, "emercier").rescue == "elodie@ailleurs.example"
    with client.session_transaction() as session:
        assert set(session) == {"done", "opened", "click", "csrf_token", "uid", "by", "mark"}
    assert post(client, "/adresse/plus-tard").headers["Location"] == "/fait"
    with client.session_transaction() as session:
        assert set(session) == {"done", "opened", "click", "csrf_token"}
    assert client.get("/mot-de-passe").headers["Location"] == "/"


def test_an_empty_rescue_field_means_keep(client: FlaskClient, portal: Portal) -> None:
    before = account(portal, "emercier").rescue
    assert choose(come_by_key(client, portal), NEW_PASSWORD, rescue="  ").status_code == 303
    assert account(portal, "emercier").rescue == before


def test_all_refusals_at_once_beside_their_fields_and_in_the_summary(client: FlaskClient, portal: Portal) -> None:
    answer = choose(come_by_key(client, portal), "Mercier", rescue="elodie@etu.universite.example")
    refusals = portal.judge.verdict(account(portal, "emercier"), "Mercier").refusals
    assert answer.status_code == 422
    assert len(refusals) > 2
    assert pointed_at(answer.text) == ["password", "rescue"]
    assert len(told_at(answer.text, "password")) == len(refusals) - 1  # that it is weak goes without saying
    assert f"Nouveau mot de passe\N{NO-BREAK SPACE}: {len(refusals) - 1} points à revoir" in answer.text
    assert "Bienvenue" not in answer.text
    assert 'aria-describedby="password-errors rules" aria-invalid="true"' in answer.text
    assert 'aria-describedby="rescue-errors rescue-help" aria-invalid="true"' in answer.text
    assert is_open(client)


def test_a_refusal_keeps_the_address_and_never_the_password(client: FlaskClient, portal: Portal) -> None:
    page = choose(come_by_key(client, portal), NEW_PASSWORD, rescue="elodie@universite.example").text
    assert 'value="elodie@universite.example"' in page
    assert NEW_PASSWORD not in page
    assert choose(client, NEW_PASSWORD, rescue="elodie@ailleurs.example").status_code == 303


def test_a_refusal_says_that_the_passwords_are_to_be_typed_again(client: FlaskClient, portal: Portal) -> None:
    page = choose(come_by_key(client, portal), NEW_PASSWORD, "pas une adresse").text
    assert pointed_at(page) == ["rescue"]
    assert "mots de passe sont à retaper" in page


def test_what_only_the_directory_refuses_is_told_at_the_password_too(client: FlaskClient, portal: Portal) -> None:
    page = choose(come_by_key(client, portal, "jmartin001"), PASSWORD).text
    assert pointed_at(page) == ["password"]
    assert "Vous avez déjà utilisé ce mot de passe" in page
    assert choose(client, NEW_PASSWORD).status_code == 303


def test_a_wrong_confirmation_does_not_hide_what_else_is_wrong(
    client: FlaskClient, portal: Portal, asked: list[str]
) -> None:
    page = choose(come_by_key(client, portal), "court", "e@universite.example", confirmation="long").text
    assert told_at(page, "password")[0].startswith("Trop court")
    assert '<a href="#rescue">C’est une adresse de l’université' in page
    assert 'href="#confirmation"' in page
    assert asked == ["sign_in"]


def test_a_confirmation_left_empty_is_told_so(client: FlaskClient, portal: Portal) -> None:
    page = choose(come_by_key(client, portal), NEW_PASSWORD, confirmation="").text
    assert told_at(page, "confirmation") == ["Tapez le mot de passe une seconde fois."]


def test_the_page_after_tells_the_first_rescue_address_from_a_changed_one_and_where_the_mail_goes(
    client: FlaskClient, portal: Portal
) -> None:
    come_by_key(client, portal, "zpetit")  # without a rescue address so far
    choose(client, NEW_PASSWORD)
    assert "secours" not in client.get("/fait").text
    for address, shown, told in (
        ("zoe@un.example", "z***@u***.example", "est enregistrée"),
        ("zoe@deux.example", "z***@d***.example", "est changée"),
    ):
        sign_in(client, "zpetit", NEW_PASSWORD)
        change(client, NEW_PASSWORD, rescue=address)
        page = client.get("/fait").text
        assert f"Votre adresse de secours {told}" in page
        assert shown in page
        assert address not in page


def test_without_a_password_the_portal_is_not_asked(client: FlaskClient, portal: Portal, asked: list[str]) -> None:
    answer = choose(come_by_key(client, portal), "", rescue="elodie@ailleurs.example")
    assert answer.status_code == 422
    assert pointed_at(answer.text) == ["password"]
    assert asked == ["sign_in"]


def test_the_rescue_address_on_file_is_masked(client: FlaskClient, portal: Portal) -> None:
    page = come_by_key(client, portal).get("/mot-de-passe").text
    assert "e***@c***.example" in page
    assert "courriel" not in page


def test_the_heading_knows_who_activates_and_who_forgot(client: FlaskClient, portal: Portal) -> None:
    assert "Activer votre compte" in come_by_key(client, portal).get("/mot-de-passe").text
    page = come_by_key(client, portal, "jmartin001").get("/mot-de-passe").text
    assert "Choisir un nouveau mot de passe" in page
    assert "Activer votre compte" not in page


def test_the_rules_shown_before_typing_are_those_of_the_policy(client: FlaskClient, portal: Portal) -> None:
    page = come_by_key(client, portal).get("/mot-de-passe").text
    assert re.findall(r'data-rule="([^"]+)"', page) == [rule.reason.value for rule in portal.policy.rules()]
    assert "au moins 10 caractères" in page


def test_the_rules_shown_follow_the_settings(client_with: ClientWith) -> None:
    client = client_with(password={"min_length": 14})
    sign_in(client, "jmartin001", PASSWORD)
    assert "au moins 14 caractères" in client.get("/mot-de-passe").text


def test_password_managers_find_the_login_and_the_right_tokens(client: FlaskClient, portal: Portal) -> None:
    page = come_by_key(client, portal).get("/mot-de-passe").text
    assert 'value="emercier" readonly autocomplete="username"' in page
    assert page.count('autocomplete="new-password"') == 2
    assert page.count('autocomplete="email"') == 1
    assert 'autocomplete="current-password"' not in page
