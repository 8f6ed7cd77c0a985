"""What the mails say is true of whoever reads them, at the old address and at the new one."""

import re

import pytest
from flask.testing import FlaskClient

from connector.demo.mailbox import Mailbox
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import issue
from tests.web.steps import NEW_PASSWORD, change, choose, sign_in

NEVER_ASK = "Ne demandez pas de nouvelle clé"


def test_whose_rescue_address_was_changed_is_not_sent_to_ask_for_a_key(
    client: FlaskClient, portal: Portal, mailbox: Mailbox
) -> None:
    """The key would go to the address that the thief has given."""
    sign_in(client, "jmartin001", PASSWORD)
    change(client, PASSWORD, rescue="jeanne@ailleurs.example")
    portal.outbox.send_handed()
    assert [mail.to for mail in mailbox.mails] == [("jeanne@courriel.example",), ("jeanne@ailleurs.example",)]
    for mail in mailbox.mails:
        assert mail.subject == "Votre adresse de secours a été changée"
        for text in (mail.text, mail.html):
            assert NEVER_ASK in text
            assert "elle partirait à la nouvelle adresse" in text
            assert portal.settings.web.desk in text
            assert "Demandez tout de suite" not in text


def test_whose_password_alone_was_changed_is_told_to_ask_for_a_key(
    client: FlaskClient, portal: Portal, mailbox: Mailbox
) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    change(client, PASSWORD, NEW_PASSWORD)
    portal.outbox.send_handed()
    assert "Demandez tout de suite une nouvelle clé" in mailbox.mails[0].text
    assert NEVER_ASK not in mailbox.mails[0].text


def test_a_first_rescue_address_is_not_called_changed(client: FlaskClient, portal: Portal, mailbox: Mailbox) -> None:
    sign_in(client, "zpetit", issue(portal, "zpetit"))
    choose(client, NEW_PASSWORD)
    sign_in(client, "zpetit", NEW_PASSWORD)
    change(client, NEW_PASSWORD, rescue="zoe@ailleurs.example")
    portal.outbox.send_handed()
    (mail,) = mailbox.mails
    assert mail.subject == "Votre adresse de secours est enregistrée"
    assert "changée" not in mail.text + mail.html
    assert NEVER_ASK in mail.text


def test_a_notice_of_a_first_address_outlives_the_process_that_owed_it(
    client: FlaskClient, portal: Portal, mailbox: Mailbox, clock
) -> None:
    sign_in(client, "zpetit", issue(portal, "zpetit"))
    choose(client, NEW_PASSWORD, rescue="zoe@ailleurs.example")
    clock.forward(minutes=10)
    portal.outbox.dispatch(clock())
    assert mailbox.mails[0].to == ("zoe@ailleurs.example",)
    assert "enregistrée" in mailbox.mails[0].text


@pytest.mark.parametrize(("uid", "has_password"), [("jmartin001", True), ("emercier", False)])
def test_a_key_mail_speaks_of_a_password_only_to_who_has_one(
    portal: Portal, mailbox: Mailbox, uid: str, has_password: bool
) -> None:
    portal.request_key(uid)
    portal.outbox.send_handed()
    mail = mailbox.mails[0]
    for text in (mail.text, mail.html):
        assert ("l’actuel reste valable" in text) is has_password
        assert re.search(r"lundi 23 novembre à 13\sh\s00", text)
    assert "<title>Votre clé d’activation</title>" in mail.html
