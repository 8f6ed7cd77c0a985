"""*Mot de passe oublié*: the box beside, and the page after."""

from flask.testing import FlaskClient

from connector.demo.mailbox import Mailbox
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import key_in
from tests.web.conftest import ClientWith
from tests.web.steps import pointed_at, post, sign_in, try_to_sign_in


def test_the_key_it_mails_opens_the_door(client: FlaskClient, portal: Portal, mailbox: Mailbox) -> None:
    answer = post(client, "/oubli", identifier=" 110 000 003 ab ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/oubli/envoye")
    portal.outbox.send_handed()
    sign_in(client, "jmartin001", key_in(mailbox.mails[0]))


def test_nothing_typed_is_told_at_its_field(client: FlaskClient, asked: list[str]) -> None:
    answer = post(client, "/oubli", identifier="")
    assert answer.status_code == 422
    assert pointed_at(answer.text) == ["forgotten-identifier"]
    assert asked == []


def test_the_page_after_tells_spam_lifetime_pause_and_desk(client: FlaskClient, portal: Portal) -> None:
    page = client.get("/oubli/envoye").text
    links = ('href="/#connexion"', 'href="/#forgotten-identifier"')
    for fact in ("spam", "24 heures", "5 minutes", portal.theme.fr.desk, *links):
        assert fact in page


def test_the_page_after_tells_the_lifetime_and_the_pause_of_the_settings(client_with: ClientWith) -> None:
    for cooldown, told in ((60, "un mail par minute"), (61, "toutes les 2 minutes"), (0, None)):
        page = client_with(keys={"mail_hours": 1, "cooldown_seconds": cooldown}).get("/oubli/envoye").text
        assert "1 heure," in page
        assert (told in page) if told else ("redemander" not in page)


def test_the_box_names_and_takes_the_student_number_only_where_it_is_accepted(client_with: ClientWith) -> None:
    for accepted in (True, False):
        client = client_with(identifiers={"student_number": accepted})
        assert ("numéro d’étudiant" in client.get("/").text) is accepted
        assert (try_to_sign_in(client, "22500003", PASSWORD).status_code == 303) is accepted
