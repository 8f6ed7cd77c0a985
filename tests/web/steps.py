"""What visitors do at the pages, without a browser, and what an administrator does in the directory meanwhile."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.demo.slapd import PrivateSlapd

NEW_PASSWORD = "Trois-chaloupes-4-voiles"
_TOKEN = re.compile(r'(name="csrf_token" value=")([^"]+)')
REFERENCE = re.compile(r'<span class="exact">[0-9a-f]{16}</span>')  # of the request, where somebody may ask for help
_COOKIE = re.compile(r"(moncompte=)[^;]*")


def reference_in(page: str) -> str:
    """The request's name, as the page tells it; the test fails where it tells none."""
    found = REFERENCE.search(page)
    assert found
    return found[0].partition(">")[2].partition("<")[0]


def token(client: FlaskClient, base_url: str = "http://localhost") -> str:
    """The CSRF token of this visitor's forms."""
    found = _TOKEN.search(client.get("/", base_url=base_url).text)
    assert found
    return found[2]


def post(client: FlaskClient, path: str, **typed: str) -> TestResponse:
    return client.post(path, data={"csrf_token": token(client), **typed})


def try_to_sign_in(client: FlaskClient, identifier: str, secret: str) -> TestResponse:
    return post(client, "/connexion", identifier=identifier, secret=secret)


def sign_in(client: FlaskClient, identifier: str, secret: str) -> None:
    """Come in; the test fails where the door stays shut."""
    answer = try_to_sign_in(client, identifier, secret)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/mot-de-passe")


def choose(client: FlaskClient, password: str, rescue: str = "", confirmation: str | None = None) -> TestResponse:
    """The form after a key."""
    again = password if confirmation is None else confirmation
    return post(client, "/mot-de-passe", password=password, confirmation=again, rescue=rescue)


def change(client: FlaskClient, current: str, password: str = "", rescue: str = "") -> TestResponse:
    """The form after a password."""
    typed = {"current_password": current, "password": password, "confirmation": password, "rescue": rescue}
    return post(client, "/mot-de-passe", **typed)


def told_at(page: str, field: str) -> list[str]:
    """The sentences beside a field."""
    found = re.search(rf'<ul class="errors" id="{field}-errors">(.*?)</ul>', page, re.DOTALL)
    return re.findall(r"<li>(.*?)</li>", found[1]) if found else []


def is_open(client: FlaskClient) -> bool:
    """Whether this visitor's session still opens the page behind the door."""
    return client.get("/mot-de-passe").status_code == 200


def pointed_at(page: str) -> list[str]:
    """The fields that the summary of problems on top of a page leads to, once each."""
    summary = page.partition('role="alert"')[2].partition("</div>")[0]
    return re.findall(r'<li><a href="#([\w-]+)">', summary)


class Said(NamedTuple):
    """All that an answer says, less what is the visitor's own: cookie, CSRF token, the identifier they typed."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


def blind(answer: TestResponse, typed: str) -> Said:
    """What ``answer`` says to somebody who typed the identifier ``typed``."""
    # Content-Length only counts the bytes, which are compared; X-Request-ID names the request, as the reference does.
    told = [(name, value) for name, value in answer.headers if name not in {"Content-Length", "X-Request-ID"}]
    headers = tuple((name, _COOKIE.sub(r"\1", value)) for name, value in told)
    body = REFERENCE.sub("", _TOKEN.sub(r"\1", answer.data.decode())).replace(f'value="{typed}"', 'value=""')
    return Said(answer.status_code, headers, body)


def write(slapd: PrivateSlapd, uid: str, name: str, value: str, *options: str) -> None:
    """Replace one attribute of a person, as the directory's administrator."""
    encoded = base64.b64encode(value.encode()).decode()
    change = f"dn: uid={uid},{slapd.people_dn}\nchangetype: modify\nreplace: {name}\n{name}:: {encoded}\n"
    slapd.run("ldapmodify", *slapd.as_root, *options, text=change)


def suspend(slapd: PrivateSlapd, uid: str) -> None:
    write(slapd, uid, "supannRessourceEtat", "{COMPTE}S:SupannVerrouAdministratif")
