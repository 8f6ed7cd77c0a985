"""What the pages, the directory, the mail server and the limits do is counted where it happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from connector import metrics
from connector.demo.mailbox import Mailbox
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.web.steps import post, try_to_sign_in
from webui import create_app

Told = Callable[[], dict[str, float]]
_SAMPLE = re.compile(r"^(?P<series>moncompte_\S+) (?P<value>\S+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def told() -> Iterator[Told]:
    """Every series and its value, as Prometheus would read them now; counted from nothing for this test."""
    with metrics.shared() as counts:
        yield lambda: {found["series"]: float(found["value"]) for found in _SAMPLE.finditer(counts.text({}).decode())}


def test_a_request_is_counted_by_page_and_status_and_timed(client: FlaskClient, told: Told) -> None:
    client.get("/")
    try_to_sign_in(client, "nobody", "wrong")
    seen = told()
    assert seen['moncompte_http_requests_total{method="GET",route="entry.landing",status="2xx"}'] == 2
    assert seen['moncompte_http_requests_total{method="POST",route="entry.sign_in",status="4xx"}'] == 1
    assert seen['moncompte_http_request_duration_seconds_count{route="entry.sign_in"}'] == 1


def test_what_anybody_makes_up_makes_no_series_of_its_own(client: FlaskClient, told: Told) -> None:
    """Or a program that asks for a million pages fills the memory of ours and of Prometheus."""
    client.get("/jmartin001?login=jmartin001")
    client.get("/guichet/compte/jmartin001")
    client.open("/", method="JMARTIN001")
    series = [name for name in told() if name.startswith("moncompte_http_requests")]
    assert 'moncompte_http_requests_total{method="GET",route="none",status="4xx"}' in series
    assert any('method="other"' in name for name in series)
    assert "jmartin001" not in "".join(told()).lower()


def test_operations_connections_mails_and_the_audit_are_counted(
    client: FlaskClient, portal: Portal, mailbox: Mailbox, told: Told
) -> None:
    before, server = told(), portal.settings.directory.uri[0]
    post(client, "/oubli", identifier="jmartin001")
    portal.outbox.send_handed()
    seen = {name: value - before.get(name, 0) for name, value in told().items()}
    assert seen['moncompte_audit_events_total{event="account:key:ask",outcome="done"}'] == 1
    assert seen['moncompte_audit_events_total{event="outbox:key:mail",outcome="done"}'] == 1
    assert seen['moncompte_ldap_operations_total{kind="search",result="ok"}'] == 1
    assert seen['moncompte_ldap_operations_total{kind="modify",result="ok"}'] == 2  # the key is owed; it is settled
    assert seen['moncompte_ldap_operation_duration_seconds_count{kind="modify"}'] == 2
    assert seen[f'moncompte_ldap_connections{{server="{server}",state="in-use"}}'] == 0
    assert seen['moncompte_smtp_exchanges_total{result="ok",step="connect"}'] == 1
    assert seen['moncompte_smtp_exchanges_total{result="ok",step="send"}'] == 1
    assert seen[f'moncompte_smtp_up{{server="127.0.0.1:{mailbox.smtp_port}"}}'] == 1


def test_known_and_unknown_are_counted_alike(client: FlaskClient, portal: Portal, told: Told) -> None:
    """Or whoever reads the metrics while they ask learns who exists."""

    def counted(identifier: str) -> dict[str, float]:
        before = told()
        try_to_sign_in(client, identifier, "Not-the-password-1")
        return {name: value - before.get(name, 0) for name, value in told().items() if _is_a_count(name)}

    counted("jmartin001")  # opens the connections
    assert counted("jmartin001") == counted("nobody")


def _is_a_count(name: str) -> bool:
    return not name.partition("{")[0].endswith(("_sum", "_bucket"))


def test_the_connections_that_wait_are_told(portal: Portal, told: Told) -> None:
    idle = f'moncompte_ldap_connections{{server="{portal.settings.directory.uri[0]}",state="idle"}}'
    portal.sign_in("jmartin001", PASSWORD)
    before = told()
    portal.directory.close()
    assert told()[idle] == before[idle] - 2  # one that works, one that proves


def test_a_limit_that_is_hit_is_told_by_the_name_of_its_setting(limited: Portal, told: Told) -> None:
    client = create_app(limited).test_client()
    for _ in range(7):
        try_to_sign_in(client, "nobody", "wrong")
    assert told()['moncompte_throttle_hits_total{limit="sign_in_per_identifier"}'] == 2
