"""Whoever wrote it, a name, an address or a setting is text: never a tag, on no page and in no mail."""

from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from connector.compose import Composer
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.model import Account, Happened, Notice
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.mailreader import as_read
from tests.portal_fixtures import START, key_in
from tests.properties import examples, odd_text
from tests.web.conftest import ClientWith
from tests.web.steps import NEW_PASSWORD, change, choose, pointed_at, post, sign_in, try_to_sign_in, write

NAME = "<b>Léa</b> & \"Cie\" <script>alert('1')</script> {{ 77777*3 }}"
TAGS = ("<b>", "<script>alert")
TYPED = '"><b>x</b><script>alert(1)</script>'


KEY = "K7QF9M2XT4RD8HC"
SIGNS = "<>&\"'=/`{}%# -!"
TRICKS = ["--><svg/onload=x>", "&lt;b&gt;", "&#60;b&#62;", "]]>", "'-alert(1)-'", "{{7*7}}", "{% x", "<!--", "</title>"]


def as_kept(text: str) -> str:
    """As far as a field, an entry and a browser hold it: 128 characters, no NUL, no carriage return."""
    return text[:128].encode("utf-8", "replace").decode().translate({0: None, 13: None})


markup = st.one_of(
    st.text(alphabet=SIGNS + "abs\u00e9\u202e\n", min_size=1, max_size=60),
    st.sampled_from([NAME, TYPED, *TRICKS]),
    odd_text,
)
markup = markup.map(as_kept).filter(str.strip)


class Bones(HTMLParser):
    """A page as a browser understands it: its tags with their attributes, its text, what its fields hold."""

    def __init__(self, page: str, *but: str) -> None:
        """``but``: names of attributes whose values may differ."""
        super().__init__()
        self.tags: list[object] = []
        self.texts: list[str] = []
        self.values: dict[str | None, str | None] = {}
        self._but = but
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [(name, value if name not in self._but else "") for name, value in attrs]))
        found = dict(attrs)
        self.values.setdefault(found.get("id"), found.get("value"))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)

    def handle_comment(self, data: str) -> None:
        self.tags.append(data)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


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


def test_what_the_university_wrote_in_its_theme_is_text(client_with: ClientWith) -> None:
    client = client_with(
        fr={
            "university": NAME,
            "desk": NAME,
            "hours": NAME,
            "help_url": TYPED,
            "assistance_url": TYPED,
            "legal_url": TYPED,
        }
    )
    for path in ("/", "/oubli/envoye", "/nulle-part"):
        assert is_text(client.get(path).text)


@given(markup)
@examples(60)
def test_any_identifier_comes_back_as_what_its_field_holds(client: FlaskClient, typed: str) -> None:
    plain = Bones(try_to_sign_in(client, "nobody", "wrong").text, "value")
    page = Bones(try_to_sign_in(client, typed, "wrong").text, "value")
    assert page.values["identifier"] == typed.strip()
    assert page.tags == plain.tags


def test_any_name_is_text_on_the_page(client: FlaskClient, slapd: PrivateSlapd) -> None:
    sign_in(client, "jmartin001", PASSWORD)

    def page() -> Bones:
        return Bones(client.get("/mot-de-passe").text, "value")

    plain = page()

    @given(markup)
    @examples(30)
    def is_shown(name: str) -> None:
        write(slapd, "jmartin001", "displayName", name)
        shown = page()
        assert shown.tags == plain.tags
        assert " ".join(name.split()) in shown.texts

    is_shown()


@given(name=markup, uid=markup, university=markup)
@examples(40)
def test_any_name_login_and_university_are_text_in_both_mails(
    portal: Portal, name: str, uid: str, university: str
) -> None:
    for plain, odd in zip(mails_of(portal, "N", "u", "U"), mails_of(portal, name, uid, university), strict=True):
        assert odd.tags == plain.tags
        for text in (f"Bonjour {name},", uid, university):
            assert text in odd.texts


def mails_of(portal: Portal, name: str, uid: str, university: str) -> list[Bones]:
    """The HTML of both mails to somebody of that name and login, from a university of that name."""
    words = portal.theme.fr.model_copy(update={"university": university, "desk": university})
    composer = Composer(portal.settings, portal.theme.model_copy(update={"fr": words}))
    person = Account("uid=x", uid, name, rescue="jeanne@courriel.example")
    notice = Notice((Happened.PASSWORD, Happened.RESCUE), "jeanne@courriel.example", START)
    mails = [composer.key_mail(person, KEY, START, START), composer.notice_mail(person, notice, START)]
    parts = [part for mail in mails if (part := as_read(mail).get_body(("html",)))]
    return [Bones(part.get_content(), "href") for part in parts]
