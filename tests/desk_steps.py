"""What an operator does at the desk's door, without a browser; and the authenticator in their pocket."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import timedelta

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector import keys
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import SHOWN_KEY, MovingClock

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)')
_LINK = re.compile(r'href="(otpauth:[^"]+)"')
DOOR = "/guichet/connexion"


@dataclass
class Phone:
    """An authenticator that holds one secret, and the clock that it reads."""

    login: str
    link: str
    clock: MovingClock
    recovery_codes: list[str]

    @property
    def secret(self) -> str:
        """What it makes them from, in base 32."""
        return self.link.partition("secret=")[2].partition("&")[0]

    def code(self, steps: int = 0) -> str:
        """What it shows now, or that many steps of thirty seconds later."""
        totp = pyotp.parse_uri(self.link)
        assert isinstance(totp, pyotp.TOTP)
        return totp.at(int(self.clock().timestamp()) + 30 * steps)

    def next_code(self) -> str:
        """What it shows once the present code has gone."""
        self.clock.instant += timedelta(seconds=30)
        return self.code()


def desk_token(client: FlaskClient) -> str:
    """The CSRF token of this operator's forms."""
    found = _TOKEN.search(client.get(DOOR).text)
    assert found
    return found[1]


def desk_post(client: FlaskClient, path: str, **typed: str) -> TestResponse:
    return client.post(path, data={"csrf_token": desk_token(client), **typed})


def offer(portal: Portal, login: str, hours: int = 24) -> str:
    """A fresh enrolment code, as ``moncompte operator enrol`` makes it."""
    operator = portal.directory.operators.find(login)
    assert operator
    code = keys.mint()
    portal.directory.operators.offer_enrolment(operator, portal.now() + timedelta(hours=hours), keys.hash_key(code))
    return keys.show(code)


def enrol(client: FlaskClient, portal: Portal, clock: MovingClock, login: str = "kdesk") -> Phone:
    """Through the pages, to a phone that makes codes; its owner is signed in by that."""
    begun = desk_post(client, "/guichet/inscription", identifier=login, password=PASSWORD, offered=offer(portal, login))
    assert (begun.status_code, begun.headers["Location"]) == (303, "/guichet/inscription/code")
    found = _LINK.search(client.get("/guichet/inscription/code").text)
    assert found
    phone = Phone(login, html.unescape(found[1]), clock, [])
    done = desk_post(client, "/guichet/inscription/code", code=phone.code())
    assert done.status_code == 200
    phone.recovery_codes = SHOWN_KEY.findall(done.text)
    return phone


def try_desk(client: FlaskClient, login: str, code: str, password: str = PASSWORD) -> TestResponse:
    return desk_post(client, DOOR, identifier=login, password=password, code=code)


def sign_in_at_desk(client: FlaskClient, phone: Phone) -> None:
    """Come in with the next code; the test fails where the door stays shut."""
    answer = try_desk(client, phone.login, phone.next_code())
    assert (answer.status_code, answer.headers["Location"]) == (303, "/guichet")


def is_at_desk(client: FlaskClient) -> bool:
    """Whether this operator's session still opens the desk's pages."""
    return client.get("/guichet").status_code == 200
