"""Whatever is typed, the directory is asked for just that; whatever a login looks like, its entry alone is written."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from connector.demo.ldap_tools import Entry
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory.wire import Search
from connector.errors import SignInRefused
from connector.identifiers import candidates
from connector.model import By, Identifier, Ine, StudentNumber, Uid
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, enter_code, mailed_key, opposition_in
from tests.properties import NASTY, examples, odd_text

NEW_PASSWORD = "Trois-chaloupes-4-voiles"
ATTRIBUTES = {Uid: ["uid", "supannAliasLogin"], Ine: ["supannCodeINE"], StudentNumber: ["supannEtuId"]}
LISTS, NOT, EQUAL = {0xA0: "and", 0xA1: "or"}, 0xA2, 0xA3  # RFC 4511 §4.5.1
ODD_LOGINS = (
    *("a,b+c=d", 'quo"te', "back\\slash", "#hash", "<angle>;semi", " blanks ", "é,è", "a\\2cb", "*", "(x)", "*)(uid=*"),
    *("😀", "%41", "..", "a&b|c!d", "{x}", "'", "a/b", "uid=jmartin001", "-", "x" * 128),
)


@pytest.fixture
def filters(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every filter that is sent, as it is; the searches go through."""
    sent: list[bytes] = []
    message = Search.message

    def spy(search: Search, number: int, controls: bytes = b"") -> bytes:
        octets = message(search, number, controls)
        assert search.ldap_filter in octets
        sent.append(search.ldap_filter)
        return octets

    monkeypatch.setattr(Search, "message", spy)
    return sent


@pytest.fixture
def portal(settings: Settings, people: dict[str, str], clock: MovingClock) -> Iterator[Portal]:
    """One that also looks for aliases and student numbers."""
    names = settings.attributes.model_copy(update={"alias": "supannAliasLogin"})
    portal = Portal(settings.model_copy(update={"attributes": names}), clock)
    portal.directory.prepare()
    yield portal
    portal.stop()


def asked(octets: bytes) -> Any:
    """A filter as its octets say it (RFC 4511 §4.5.1): ("and", [...]), ("equalityMatch", attribute, value)."""
    ((kind, content, _whole),) = elements(octets)
    if kind in LISTS:
        return LISTS[kind], [asked(part) for _kind, _content, part in elements(content)]
    if kind == NOT:
        return "notFilter", asked(content)
    assert kind == EQUAL
    (_, attribute, _), (_, value, _) = elements(content)
    return "equalityMatch", attribute.decode(), value


def elements(octets: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each element in a row (X.690): tag, content, and the whole of it."""
    while octets:
        length, begin = octets[1], 2
        if length >= 0x80:
            begin += length & 0x7F
            length = int.from_bytes(octets[2:begin], "big")
        assert begin + length <= len(octets)
        yield octets[0], octets[begin : begin + length], octets[: begin + length]
        octets = octets[begin + length :]


@given(odd_text)
@examples(300)
def test_the_filter_asks_for_what_was_typed_and_for_nothing_else(
    portal: Portal, filters: list[bytes], typed: str
) -> None:
    """One equality for each attribute that may hold it, and on the real slapd nobody answers to any of these.

    Also for what was not normalised, as a session's login is not; blanks around it mean nothing (RFC 4518 §2.6.1).
    """
    raw = "x" + received(typed).strip()
    for identifiers in (candidates(typed, student_number=True), (Uid(raw), Ine(raw), StudentNumber(raw))):
        filters.clear()
        assert portal.directory.find(identifiers) is None
        assert [asked(sent) for sent in filters] == [expected(identifiers)]


def received(typed: str) -> str:
    """As the web and the directory hand it over: octets that are no UTF-8 are replaced."""
    return typed.encode("utf-8", "replace").decode()


def expected(identifiers: tuple[Identifier, ...]) -> Any:
    population = "notFilter", ("notFilter", ("equalityMatch", "eduPersonAffiliation", b"student"))
    terms = [
        ("equalityMatch", attribute, identifier.value.encode())
        for identifier in identifiers
        for attribute in ATTRIBUTES[type(identifier)]
    ]
    return "and", [population, ("or", terms)]


@pytest.mark.parametrize("typed", NASTY, ids=lambda typed: ascii(typed)[:40])
def test_nobody_answers_to_it_and_nobody_comes_in(portal: Portal, mailbox: Mailbox, typed: str) -> None:
    typed = received(typed)
    for secret in (PASSWORD, typed):
        with pytest.raises(SignInRefused):
            portal.sign_in(typed, secret)
    with pytest.raises(SignInRefused):
        portal.sign_in("jmartin001", typed)
    portal.request_key(typed)
    portal.outbox.send_handed()
    assert mailbox.mails == []


def add_student(slapd: PrivateSlapd, uid: str) -> str:
    """An active student of that login; its DN as slapd writes it."""
    octets = uid.encode()
    rdn, value = "".join(f"\\{octet:02x}" for octet in octets), base64.b64encode(octets).decode()
    classes = "".join(f"objectClass: {name}\n" for name in ("inetOrgPerson", "eduPerson", "supannPerson"))
    slapd.add_ldif(
        f"dn: uid={rdn},{slapd.people_dn}\n{classes}uid:: {value}\ncn: X\nsn: X\neduPersonAffiliation: student\n"
        f"userPassword: {PASSWORD}\nsupannMailPrive: {{SECOURS}}odd@courriel.example\n"
    )
    (dn,) = [entry["dn"][0] for entry in slapd.search("(sn=X)", "1.1")]
    return dn


def everybody_but(slapd: PrivateSlapd, dn: str) -> list[Entry]:
    return [entry for entry in slapd.search("(uid=*)", "*", "+") if entry["dn"] != [dn]]


@pytest.mark.parametrize("uid", ODD_LOGINS, ids=lambda uid: ascii(uid)[:40])
def test_whoever_has_an_odd_login_and_dn_is_served_like_anybody_and_nobody_else_is_touched(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, uid: str
) -> None:
    dn = add_student(slapd, uid)
    others = everybody_but(slapd, dn)
    assert portal.sign_in(uid, PASSWORD).account.dn == dn
    key = mailed_key(portal, mailbox, uid)
    assert [mail.to for mail in mailbox.mails] == [("odd@courriel.example",)]
    proof = portal.sign_in(uid, key)
    assert proof.by is By.KEY
    done = portal.redeem_key(proof.account.uid, proof.mark, NEW_PASSWORD, "new@courriel.example")
    enter_code(portal, mailbox, done.proof)
    proof = portal.sign_in(uid, NEW_PASSWORD)
    done = portal.change(proof.account.uid, proof.mark, NEW_PASSWORD, None, "newer@courriel.example")
    enter_code(portal, mailbox, done.proof)
    code = opposition_in(next(mail for mail in reversed(mailbox.mails) if mail.to == ("odd@courriel.example",)))
    portal.freeze_rescue(uid, code)
    assert everybody_but(slapd, dn) == others
    (entry,) = slapd.search("(sn=X)", "supannMailPrive")
    assert entry["supannMailPrive"] == ["{SECOURS}odd@courriel.example"]
