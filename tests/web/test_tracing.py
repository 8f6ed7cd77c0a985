"""One name for a request: in the answer, on the page of a fault, in the audit, in the log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from connector import calling
from connector.cli.web import LineFormatter
from connector.portal import Portal
from tests.portal_fixtures import audited
from tests.web.conftest import ClientWith
from tests.web.steps import post, reference_in, try_to_sign_in
from webui import create_app

NAME = "req-7f.0_A"


@pytest.fixture
def behind_a_proxy(client_with: ClientWith) -> FlaskClient:
    return client_with(web={"proxies": 1})


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """As the commands write it."""
    caplog.set_level(logging.INFO)
    caplog.handler.setFormatter(LineFormatter("%(message)s"))
    return caplog


def test_the_answer_the_page_and_the_audit_name_it_alike(client: FlaskClient, audit_file: Path) -> None:
    answer = client.post("/oubli", data={"identifier": "jmartin001"})  # without the form's token
    name = answer.headers["X-Request-ID"]
    assert reference_in(answer.text) == name
    assert audited(audit_file)[-1]["request"] == name


def test_what_is_logged_far_below_names_it_and_what_comes_after_does_not(
    portal: Portal, log: pytest.LogCaptureFixture
) -> None:
    """The directory's lines are written where nobody knows of requests."""
    app = create_app(portal)
    below = logging.getLogger("connector.directory")

    @app.get("/below")
    def page() -> str:
        below.warning("passed over")
        return ""

    name = app.test_client().get("/below").headers["X-Request-ID"]
    below.warning("afterwards")
    assert log.text.splitlines() == [f"passed over [{name}]", "afterwards"]
    assert calling.caller.get() is calling.NOBODY


def test_the_proxy_in_front_names_it(behind_a_proxy: FlaskClient, log: pytest.LogCaptureFixture) -> None:
    answer = behind_a_proxy.get("/nulle-part", headers={"X-Request-ID": NAME})
    assert answer.headers["X-Request-ID"] == NAME
    assert f">{NAME}<" in answer.text
    assert f"answered 404 [{NAME}]" in log.text


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "<b>", "é", "a,b", 'a"b', "a;b"])
def test_a_name_that_is_none_is_not_taken(behind_a_proxy: FlaskClient, name: str) -> None:
    answer = behind_a_proxy.get("/", headers={"X-Request-ID": name})
    assert len(answer.headers["X-Request-ID"]) == 16


def test_where_no_proxy_stands_nobody_names_it(client: FlaskClient) -> None:
    assert client.get("/", headers={"X-Request-ID": NAME}).headers["X-Request-ID"] != NAME


def test_two_requests_have_two_names(client: FlaskClient) -> None:
    first, second = try_to_sign_in(client, "nobody", "wrong"), post(client, "/oubli", identifier="nobody")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
