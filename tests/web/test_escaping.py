"""Whoever wrote it, a name, an address or a setting is text: never a tag, on no page and in no mail."""

import pytest
from flask.testing import FlaskClient

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import key_in
from tests.web.conftest import ClientWith
from tests.web.steps import NEW_PASSWORD, change, choose, pointed_at, post, sign_in, try_to_sign_in, write

NAME = "<b>Léa</b> & \"Cie\" <script>alert('1')</script> {{ 77777*3 }}"
TAGS = ("<b>", "<script>alert")
TYPED = '"><b>x</b><script>alert(1)</script>'


def is_text(page: str) -> bool:
    return "&lt;b&gt;" in page and not any(tag in page for tag in TAGS) and "233331" not in page


def test_a_name_is_text_on_the_page_and_in_both_mails(
    client: FlaskClient, portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    write(slapd, "emercier", "displayName", NAME)
    post(client, "/oubli", identifier="emercier")
    portal.outbox.send_handed()
    sign_in(client, "emercier", key_in(mailbox.mails[0]))
    assert is_text(client.get("/mot-de-passe").text)
    assert choose(client, NEW_PASSWORD).status_code == 303
    portal.outbox.send_handed()
    assert [mail.subject for mail in mailbox.mails] == ["Votre clé d’activation", "Votre compte est activé"]
    for mail in mailbox.mails:
        assert is_text(mail.html)
        assert NAME in mail.text  # where nothing is a tag, it is what it is


@pytest.mark.parametrize("path", ["/connexion", "/oubli"])
def test_what_was_typed_comes_back_as_text(client: FlaskClient, path: str) -> None:
    """Against a form on another site that sends its victim here with a script for an identifier."""
    pages = [
        try_to_sign_in(client, TYPED, "wrong").text,
        post(client, path, identifier=TYPED + "x" * 128).text,
        client.post(path, data={"identifier": TYPED}).text,
    ]
    assert [page for page in pages if any(tag in page for tag in TAGS)] == []
    assert all("&lt;b&gt;" in page for page in pages)


def test_a_refused_address_and_what_a_refusal_quotes_come_back_as_text(
    client: FlaskClient, slapd: PrivateSlapd
) -> None:
    """A password that holds one's own name is refused with that name in the sentence."""
    write(slapd, "jmartin001", "displayName", NAME)
    sign_in(client, "jmartin001", PASSWORD)
    page = change(client, PASSWORD, NAME, rescue=TYPED).text
    assert pointed_at(page)[-1] == "rescue"
    assert "&lt;b&gt;lea&lt;/b&gt;" in page
    assert is_text(page)


def test_what_the_university_wrote_in_its_settings_is_text(client_with: ClientWith) -> None:
    client = client_with(web={"title": NAME, "desk": NAME, "help_url": TYPED, "assistance_url": TYPED})
    for path in ("/", "/oubli/envoye", "/nulle-part"):
        assert is_text(client.get(path).text)
