"""What goes wrong keeps its status, our design, and its silence. What is left of an old form is in test_expired.py."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from connector.cli.web import LineFormatter
from connector.demo.slapd import PrivateSlapd
from connector.errors import Throttled
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import audited, issue
from tests.web.conftest import ClientWith
from tests.web.steps import (
    NEW_PASSWORD,
    REFERENCE,
    blind,
    change,
    choose,
    is_open,
    post,
    reference_in,
    sign_in,
    try_to_sign_in,
)
from webui import create_app


@pytest.fixture
def outage(slapd: PrivateSlapd) -> Iterator[PrivateSlapd]:
    """A directory that a test may ``halt``; it is back afterwards."""
    yield slapd
    slapd.halt()
    slapd.launch()


def test_an_outage_is_a_503_the_same_for_everyone_with_when_to_return(
    client: FlaskClient, portal: Portal, outage: PrivateSlapd
) -> None:
    key = issue(portal, "emercier")
    student = create_app(portal).test_client()
    sign_in(student, "emercier", key)
    outage.halt()
    answers = [
        try_to_sign_in(client, "jmartin001", PASSWORD),
        try_to_sign_in(client, "emercier", key),
        try_to_sign_in(client, "nobody", "x"),
        post(client, "/oubli", identifier="jmartin001"),
        post(client, "/oubli", identifier="nobody"),
        student.get("/mot-de-passe"),
        choose(student, NEW_PASSWORD),
    ]
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"120"}
    assert len({blind(answer, "").body for answer in answers}) == 1
    assert len({found[0] for answer in answers if (found := REFERENCE.search(answer.text))}) == len(answers)
    assert "L’annuaire de l’université ne répond pas" in answers[0].text
    assert "pas pu vous identifier" not in answers[0].text


def test_an_outage_ends_no_session(client: FlaskClient, outage: PrivateSlapd) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    outage.halt()
    assert client.get("/mot-de-passe").status_code == 503
    outage.launch()
    assert is_open(client)


def test_the_landing_page_stands_without_the_directory(client: FlaskClient, outage: PrivateSlapd) -> None:
    outage.halt()
    assert [client.get(path).status_code for path in ("/", "/oubli/envoye")] == [200, 200]


@pytest.mark.parametrize("path", ["/connexion", "/oubli"])
def test_the_address_of_a_refused_form_opened_anew_leads_to_the_front(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("path", ["/force", "/deconnexion"])
def test_an_act_is_no_link(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/connexion", "/oubli", "/mot-de-passe", "/force"])
def test_every_form_needs_its_token(client: FlaskClient, asked: list[str], path: str) -> None:
    sign_in(client, "jmartin001", PASSWORD)
    typed = {
        "identifier": "emercier",
        "secret": PASSWORD,
        "current_password": PASSWORD,
        "rescue": "j@ailleurs.example",
    }
    assert client.post(path, data=typed).status_code == 403
    assert asked == ["sign_in"]
    assert is_open(client)


@pytest.mark.parametrize(
    ("path", "typed"),
    [("/connexion", {"identifier": "jmartin001", "secret": PASSWORD}), ("/oubli", {"identifier": "jmartin001"})],
)
def test_a_fault_of_ours_is_a_500_that_tells_nothing_of_itself(
    client_with: ClientWith, caplog: pytest.LogCaptureFixture, path: str, typed: dict[str, str]
) -> None:
    """Here the portal has a wrong password of its own; the log says so, and no secret."""
    answer = post(client_with(directory={"password": SecretStr("not-the-portals")}), path, **typed)
    assert answer.status_code == 500
    assert "cassé chez nous" in answer.text
    assert "cn=portal" not in answer.text
    assert "cn=portal" in caplog.text
    assert PASSWORD not in caplog.text
    assert "not-the-portals" not in caplog.text


def test_statuses_keep_their_meaning_in_our_design_with_a_reference_that_is_in_the_logs(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, audit_file: Path
) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.setFormatter(LineFormatter("%(message)s"))
    many = {f"field{number}": "x" for number in range(30)}
    answers = [
        client.post("/oubli", data={"identifier": "jmartin001"}),
        client.get("/nulle-part"),
        client.get("/force"),
        client.get("/deconnexion"),
        client.post("/oubli", data={"identifier": "x" * 70_000}),
        client.post("/oubli", data=many, content_type="multipart/form-data"),
    ]
    assert [answer.status_code for answer in answers] == [403, 404, 405, 405, 413, 413]
    assert [set(answer.allow) for answer in answers[2:4]] == [{"POST", "OPTIONS"}] * 2
    written = caplog.text + audit_file.read_text(encoding="utf-8")
    for answer in answers:
        assert '<header class="letterhead">' in answer.text
        assert reference_in(answer.text) in written
    assert "nulle-part" not in written  # it might have been a key


def test_too_many_tries_are_told_in_the_form_with_a_reference_that_is_audited(
    limited: Portal, audit_file: Path
) -> None:
    client = create_app(limited).test_client()
    for _ in range(5):
        assert "Référence" not in try_to_sign_in(client, "jmartin001", "not it").text
    answer = try_to_sign_in(client, "jmartin001", PASSWORD)
    assert (answer.status_code, audited(audit_file)[-1]["request"]) == (429, reference_in(answer.text))


def test_too_many_tries_behind_the_door_as_well(limited: Portal, audit_file: Path) -> None:
    client = create_app(limited).test_client()
    sign_in(client, "jmartin001", PASSWORD)
    for _ in range(5):
        assert change(client, "not it", NEW_PASSWORD).status_code == 422
    answer = change(client, PASSWORD, NEW_PASSWORD, "j@ailleurs.example")
    assert (answer.status_code, audited(audit_file)[-1]["request"]) == (429, reference_in(answer.text))
    assert "Rien n’a été changé" in answer.text
    assert 'value="j@ailleurs.example"' in answer.text


def test_a_limit_that_no_form_tells_of_has_a_page_too(portal: Portal) -> None:
    app = create_app(portal)

    def worn_out() -> None:
        raise Throttled("asks_per_source", 300)

    app.add_url_rule("/epuise", view_func=worn_out)
    answer = app.test_client().get("/epuise")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "300")
    assert "réessayez dans 5 minutes" in answer.text
    assert reference_in(answer.text)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nulle-part", 404), ("PUT", "/", 405), ("POST", "/prolonger", 403)]
)
def test_a_script_gets_a_status_and_no_page(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.data) == (status, b"")
