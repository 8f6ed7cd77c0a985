"""Headers of every answer, and forms that come from elsewhere."""

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import ClientWith
from tests.web.steps import token

HOME = "https://localhost"
PATHS = [
    "/",
    "/mot-de-passe",
    "/oubli/envoye",
    "/fait",
    "/nulle-part",
    "/connexion",
    "/static/x/style.css",
    "/.well-known/security.txt",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers
    beside = ["sandbox"] if path.startswith("/static") else []
    assert headers.getlist("Content-Security-Policy") == [
        *beside,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ]
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert (headers["Cache-Control"] == "no-store") is not path.startswith("/static")


@pytest.mark.parametrize("secure", [True, False])
def test_browsers_are_held_to_https_where_the_site_is_https(client_with: ClientWith, secure: bool) -> None:
    answer = client_with(web={"secure_cookies": secure}).get("/", base_url=HOME)
    assert answer.headers.get("Strict-Transport-Security") == (
        "max-age=31536000; includeSubDomains" if secure else None
    )


@pytest.mark.parametrize(
    ("referer", "status"), [("https://evil.example/", 403), ("https://127.0.0.1:8080/", 303), (None, 403)]
)
def test_over_https_a_form_from_elsewhere_is_refused_and_ours_is_not(
    client_with: ClientWith, referer: str | None, status: int
) -> None:
    client = client_with(web={"secure_cookies": True})
    typed = {"csrf_token": token(client, HOME), "identifier": "nobody"}
    headers = {"Referer": referer} if referer else {}
    assert client.post("/oubli", base_url=HOME, data=typed, headers=headers).status_code == status
