"""Strangers learn nothing (DESIGN rule 3): the answer to somebody who exists is, byte for byte, the one to nobody."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import SignInRefused
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, issue, other_key, slip
from tests.web.steps import Said, blind, post, sign_in, suspend, try_to_sign_in
from webui import create_app

LOCKED_FOR_A_WHILE, SUSPENDED_WITH_A_KEY = "lroy", "zpetit"
SHUT_OUT = {  # nobody comes in here, whatever they type
    "unknown": "nobody",
    "suspended": "smoreau",
    "expired": "vgarnier",
    "locked for good": "ileroux",
    "locked for a while": LOCKED_FOR_A_WHILE,
    "an INE of two people": "110000011AB",
    "staff": "bdubois",
    "a filter": "jmartin*",
}


@pytest.fixture
def app(portal: Portal, slapd: PrivateSlapd) -> Flask:
    """The pages; one of the people has just been locked by the password policy, for a quarter of an hour."""
    app = create_app(portal)
    sign_in(app.test_client(), LOCKED_FOR_A_WHILE, PASSWORD)
    for _ in range(10):
        with pytest.raises(SignInRefused):
            portal.sign_in(LOCKED_FOR_A_WHILE, "not the password")
    assert "pwdAccountLockedTime" in slapd.search(f"(uid={LOCKED_FOR_A_WHILE})", "+")[0]
    return app


@pytest.fixture
def key(portal: Portal) -> str:
    """Élodie's live key."""
    return issue(portal, "emercier")


@pytest.fixture
def suspended_key(portal: Portal, slapd: PrivateSlapd) -> str:
    """A key that is live but for the suspension of its owner."""
    key = issue(portal, SUSPENDED_WITH_A_KEY)
    suspend(slapd, SUSPENDED_WITH_A_KEY)
    return key


def refusals(app: Flask, cases: dict[str, tuple[str, str]]) -> dict[str, Said]:
    """The answer to each pair of identifier and secret, every one typed by another visitor."""
    answers = {}
    for case, (identifier, secret) in cases.items():
        client = app.test_client()
        answer = try_to_sign_in(client, identifier, secret)
        assert answer.status_code == 422, case
        assert holds_nothing(client), case
        answers[case] = blind(answer, identifier)
    return answers


def holds_nothing(client: FlaskClient) -> bool:
    """Whether the visitor's cookie, which they can read, is as empty as on arrival."""
    with client.session_transaction() as session:
        return set(session) == {"csrf_token"}


def odd_ones(answers: dict[str, Said]) -> list[str]:
    """The cases that are not answered as an unknown login is."""
    return [case for case, said in answers.items() if said != answers["unknown"]]


def test_the_common_refusal_is_one_and_the_same_page(app: Flask, key: str, suspended_key: str) -> None:
    """The right password of whoever may not come in, and every wrong thing of whoever may."""
    cases = {case: (identifier, PASSWORD) for case, identifier in SHUT_OUT.items()} | {
        "a wrong password": ("jmartin001", "not the password"),
        "a wrong password, by INE": ("110000003AB", "not the password"),
        "never activated": ("nfaure", PASSWORD),
        "a wrong key": ("emercier", other_key(key)),
        "a wrong key, none live": ("jmartin001", other_key(key)),
        "a wrong key, unknown": ("nobody", other_key(key)),
        "somebody else's key": ("nfaure", key),
        "a live key, suspended meanwhile": (SUSPENDED_WITH_A_KEY, suspended_key),
        "longer than any password": ("jmartin001", "x" * 1024),
    }
    answers = refusals(app, cases)
    assert odd_ones(answers) == []
    assert "Nous n’avons pas pu vous identifier" in answers["unknown"].body


def test_a_mistyped_key_is_told_alike_to_everybody(app: Flask, key: str, suspended_key: str) -> None:
    """Whose key it nearly is, and whether there is one, does not show."""
    cases = {case: (identifier, slip(key)) for case, identifier in SHUT_OUT.items()} | {
        "nearly right": ("emercier", slip(key)),
        "nearly right, suspended": (SUSPENDED_WITH_A_KEY, slip(suspended_key)),
        "somebody else's": ("nfaure", slip(key)),
        "somebody else's, active": ("jmartin001", slip(key)),
    }
    answers = refusals(app, cases)
    assert odd_ones(answers) == []
    assert "faute de frappe" in answers["unknown"].body


@pytest.mark.parametrize("mail_server", ["up", "down"])
def test_whoever_asks_for_a_key_gets_one_and_the_same_answer(
    app: Flask, portal: Portal, mailbox: Mailbox, clock: MovingClock, mail_server: str
) -> None:
    """Before, during and after the mail; also while the mail server refuses everything."""
    mailbox.refuse(451 if mail_server == "down" else None)
    for _ in range(5):
        portal.request_key("rbenali")
        clock.forward(minutes=10)
    portal.outbox.send_handed()
    mailbox.clear()
    portal.request_key("mdarcy")
    who = SHUT_OUT | {
        "active, by INE": "110000003AB",
        "five mails today, by INE": "1234567890D",
        "to activate": "emercier",
        "no rescue address": "zpetit",
        "cooling down": "mdarcy",
    }
    answers, pages_after = {}, {}
    for case, identifier in who.items():
        client = app.test_client()
        answer = post(client, "/oubli", identifier=identifier)
        assert answer.status_code == 303, case
        assert holds_nothing(client), case
        answers[case] = blind(answer, identifier)
        pages_after[case] = blind(client.get(answer.headers["Location"]), "")
        portal.outbox.send_handed()
    assert odd_ones(answers) == odd_ones(pages_after) == []
    mailed = ("mdarcy", LOCKED_FOR_A_WHILE, "jmartin001", "emercier") if mail_server == "up" else ()
    assert [mail.to for mail in mailbox.mails] == [(account(portal, uid).rescue,) for uid in mailed]
