"""The pages of the rescue address: its code now or later, a change that waits, *it was not me*."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.model import By
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, issue, key_in
from tests.web.steps import NEW_PASSWORD, blind, change, choose, is_open, post, sign_in, told_at, write
from webui import create_app

ADDRESS = "elodie@ailleurs.example"
THIEFS = "voleur@ailleurs.example"
_CODE = re.compile(r"(?<!\d)(\d{3}) ?(\d{3})(?!\d)")
_OPPOSITION = re.compile(r"code=([0-9A-Z]{5}-[0-9A-Z]{5})")


@pytest.fixture
def second(settings: Settings, portal: Portal, clock: MovingClock) -> Iterator[FlaskClient]:
    """A visitor of the same portal on another port, whose cookies are the first one's."""
    other = Portal(settings, clock)
    yield create_app(other).test_client()
    other.stop()


def mailed_code(portal: Portal, mailbox: Mailbox, to: str = ADDRESS) -> str:
    """The six digits of the latest mail to ``to``."""
    portal.outbox.send_handed()
    codes = [_CODE.search(mail.text) for mail in mailbox.mails if mail.to == (to,) and "Confirmez" in mail.subject]
    found = codes[-1]
    assert found
    return found[1] + found[2]


def opposition_code(portal: Portal, mailbox: Mailbox, to: str) -> str:
    portal.outbox.send_handed()
    found = next(found for mail in mailbox.mails[::-1] if mail.to == (to,) and (found := _OPPOSITION.search(mail.text)))
    return found[1]


def lend_cookies(giver: FlaskClient, taker: FlaskClient) -> None:
    cookie = giver.get_cookie("moncompte")
    assert cookie
    taker.set_cookie("moncompte", cookie.value)


def activate(client: FlaskClient, portal: Portal) -> TestResponse:
    sign_in(client, "emercier", issue(portal, "emercier"))
    return choose(client, NEW_PASSWORD, ADDRESS)


def prove(portal: Portal, slapd: PrivateSlapd, uid: str = "jmartin001") -> str:
    """The rescue address on file was proved some time ago."""
    dn = f"uid={uid},{slapd.people_dn}"
    if not account(portal, uid).is_ours:
        slapd.add_ldif(f"dn: {dn}\nchangetype: modify\nadd: objectClass\nobjectClass: moncompteAccount\n")
    write(slapd, uid, "moncompteRescueVerified", "20260901080000Z")
    return account(portal, uid).rescue or ""


def text(answer: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_after_activation_the_code_is_asked_for_and_proves_the_address(
    client: FlaskClient, portal: Portal, mailbox: Mailbox
) -> None:
    assert activate(client, portal).headers["Location"] == "/adresse"
    page = client.get("/adresse")
    assert "Votre compte est activé" in page.text
    assert ADDRESS not in page.text  # masked: somebody may look over a shoulder
    code = mailed_code(portal, mailbox)
    assert post(client, "/adresse", code=f" {code[:3]} {code[3:]} ").headers["Location"] == "/fait"
    done = text(client.get("/fait"))
    assert "Votre compte est activé" in done
    assert "Votre adresse de secours est vérifiée" in done
    assert account(portal, "emercier").rescue_verified == portal.now()
    assert not is_open(client)


def test_it_may_wait_until_the_next_sign_in_which_asks_again(
    client: FlaskClient, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    activate(client, portal)
    assert post(client, "/adresse/plus-tard").headers["Location"] == "/fait"
    assert not is_open(client)
    clock.forward(days=1)
    sign_in(client, "emercier", NEW_PASSWORD)
    assert "n’est pas encore vérifiée" in text(client.get("/mot-de-passe"))
    assert 'name="code"' not in client.get("/adresse").text  # yesterday's is over
    assert post(client, "/adresse/code").headers["Location"] == "/adresse"
    assert post(client, "/adresse", code=mailed_code(portal, mailbox)).headers["Location"] == "/fait"
    sign_in(client, "emercier", NEW_PASSWORD)
    assert "vérifiée" not in text(client.get("/mot-de-passe"))
    assert client.get("/adresse").headers["Location"] == "/mot-de-passe"


def test_a_wrong_code_tells_how_many_tries_are_left_on_whatever_server(
    client: FlaskClient, second: FlaskClient, portal: Portal, mailbox: Mailbox
) -> None:
    activate(client, portal)
    code = mailed_code(portal, mailbox)
    wrong = f"{(int(code) + 1) % 1000000:06d}"
    lend_cookies(client, second)
    told = [told_at(post((client, second)[turn % 2], "/adresse", code=wrong).text, "code")[0] for turn in range(5)]
    assert [left for sentence in told for left in re.findall(r"(\d) essai", sentence)] == ["4", "3", "2", "1"]
    for each in (client, second):
        answer = post(each, "/adresse", code=code)
        assert (answer.status_code, "Trop d’essais" in answer.text) == (422, True)
    assert account(portal, "emercier").rescue_verified is None
    post(client, "/adresse/code")
    assert post(second, "/adresse", code=mailed_code(portal, mailbox)).headers["Location"] == "/fait"


def test_a_code_that_is_over_says_so(client: FlaskClient, portal: Portal, mailbox: Mailbox, clock: MovingClock) -> None:
    activate(client, portal)
    code = mailed_code(portal, mailbox)
    clock.forward(minutes=14)
    post(client, "/prolonger")
    clock.forward(minutes=1)
    answer = post(client, "/adresse", code=code)
    assert answer.status_code in {303, 422}
    if answer.status_code == 422:
        assert "n’est plus valable" in answer.text
    assert account(portal, "emercier").rescue_verified is None


@pytest.mark.parametrize("typed", ["", "x" * 65])
def test_what_cannot_be_a_code_costs_no_try(client: FlaskClient, portal: Portal, typed: str) -> None:
    activate(client, portal)
    assert post(client, "/adresse", code=typed).status_code == 422
    code = account(portal, "emercier").rescue_code
    assert code and code.tries == 0


def test_a_proved_address_is_replaced_once_the_code_is_typed_half_on_each_server(
    client: FlaskClient, second: FlaskClient, portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    old = prove(portal, slapd)
    sign_in(client, "jmartin001", PASSWORD)
    assert change(client, PASSWORD, rescue=ADDRESS).headers["Location"] == "/adresse"
    assert account(portal, "jmartin001").rescue == old
    assert "ne remplacera l’ancienne qu’une fois son code tapé" in text(client.get("/adresse"))
    lend_cookies(client, second)
    assert post(second, "/adresse", code=mailed_code(portal, mailbox)).headers["Location"] == "/fait"
    assert "les clés vont encore à l’ancienne jusqu’au" in text(second.get("/fait"))
    now = account(portal, "jmartin001")
    assert (now.rescue, now.key_address(clock())) == (ADDRESS, old)
    sign_in(client, "jmartin001", PASSWORD)
    assert "les clés vont encore à l’ancienne" in text(client.get("/mot-de-passe"))


def test_an_address_that_waits_is_told_at_the_next_sign_in(
    client: FlaskClient, portal: Portal, slapd: PrivateSlapd
) -> None:
    prove(portal, slapd)
    sign_in(client, "jmartin001", PASSWORD)
    change(client, PASSWORD, rescue=ADDRESS)
    post(client, "/deconnexion")
    sign_in(client, "jmartin001", PASSWORD)
    assert "attend son code" in text(client.get("/mot-de-passe"))


def test_whom_mail_came_back_from_is_told(client: FlaskClient, portal: Portal, slapd: PrivateSlapd) -> None:
    prove(portal, slapd)
    write(slapd, "jmartin001", "moncompteRescueBounced", "20261120080000Z")
    sign_in(client, "jmartin001", PASSWORD)
    assert "nous est revenu" in text(client.get("/mot-de-passe"))


def test_the_thief_changes_the_address_and_its_owner_undoes_it(
    client: FlaskClient, second: FlaskClient, portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    hers = prove(portal, slapd)
    sign_in(client, "jmartin001", PASSWORD)
    change(client, PASSWORD, rescue=THIEFS)
    post(client, "/adresse", code=mailed_code(portal, mailbox, THIEFS))
    sign_in(client, "jmartin001", PASSWORD)
    code = opposition_code(portal, mailbox, hers)
    answer = post(second, "/pas-moi", identifier="jmartin001", code=code.lower().replace("-", " "))
    assert answer.status_code == 200
    assert "Votre adresse de secours est revenue" in answer.text
    assert account(portal, "jmartin001").rescue == hers
    assert not is_open(client)
    assert post(second, "/oubli", identifier="jmartin001").status_code == 303
    sign_in(client, "jmartin001", PASSWORD)  # the thief still knows it
    assert "ne se change qu’avec une clé" in text(client.get("/mot-de-passe"))
    refused = change(client, PASSWORD, rescue=THIEFS)
    assert (refused.status_code, bool(told_at(refused.text, "rescue"))) == (422, True)
    clock.forward(minutes=3)  # what the other portal was handed is anybody's now
    portal.outbox.dispatch(portal.now())
    keys = [mail for mail in mailbox.mails if "clé" in mail.subject]
    assert {mail.to for mail in keys} == {(hers,)}
    sign_in(second, "jmartin001", key_in(keys[-1]))
    assert choose(second, NEW_PASSWORD).status_code == 303
    assert portal.sign_in("jmartin001", NEW_PASSWORD).by is By.PASSWORD


@pytest.mark.parametrize("who", ["nobody", "jmartin001", "smoreau", "*"])
def test_a_wrong_code_of_opposition_tells_nothing(
    client: FlaskClient, portal: Portal, slapd: PrivateSlapd, who: str
) -> None:
    prove(portal, slapd)
    plain = blind(post(client, "/pas-moi", identifier="strangers", code="K7QF9-M2XT4"), "strangers")
    said = blind(post(client, "/pas-moi", identifier=who, code="K7QF9-M2XT4"), who)
    assert said == plain
    assert plain.status == 422


def test_nothing_typed_is_told_beside_its_field(client: FlaskClient) -> None:
    page = post(client, "/pas-moi").text
    assert told_at(page, "identifier")
    assert told_at(page, "code")


def test_nobody_comes_to_the_code_without_a_session(client: FlaskClient) -> None:
    assert client.get("/adresse").headers["Location"] == "/"
    for path in ("/adresse", "/adresse/code"):
        assert post(client, path, code="123456").headers["Location"] == "/"
