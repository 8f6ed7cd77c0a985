"""What monitoring is told while all is well, and while it is not: soon, truly, and nothing of anybody's."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from connector import metrics, vitals
from connector.cli.web import observed, serving_observations
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from tests.faults.conftest import Another
from tests.faults.trouble import frozen, kill
from tests.portal_fixtures import MovingClock


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


Ask = Callable[..., Answer]
Observe = Callable[[Portal], Ask]
LATE = 16  # minutes: one more than the setting


@pytest.fixture
def observe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Observe]:
    """Serves a portal's observations; tells how to ask. Each question is asked anew, unless a test says otherwise."""
    monkeypatch.setattr(vitals, "_FRESH_SECONDS", 0.2)
    with ExitStack() as running:

        def start(portal: Portal) -> Ask:
            what = running.enter_context(observed("127.0.0.1:0"))
            assert what
            running.enter_context(serving_observations(portal, what))
            return lambda path, method="GET", **headers: _ask(what.listener.getsockname()[1], path, method, headers)

        yield start


def _ask(port: int, path: str, method: str, headers: dict[str, str]) -> Answer:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    line.request(method, path, headers=headers)
    answer = line.getresponse()
    body = answer.read().decode()
    line.close()
    return Answer(answer.status, dict(answer.headers), body)


def words(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.body))


ALL_WELL = {"ready": True, "directory": "ok", "outbox": "ok", "smtp": "ok"}


def test_while_all_is_well(portal: Portal, mailbox: Mailbox, observe: Observe) -> None:
    ask = observe(portal)
    assert (ask("/healthz").status, ask("/healthz").body) == (200, "ok\n")
    ready = ask("/readyz")
    assert (ready.status, words(ready)) == (200, ALL_WELL)
    counted = ask("/metrics")
    assert counted.headers["Content-Type"] == metrics.CONTENT_TYPE
    for line in ("directory_up 1.0", "outbox_mails 0.0", "outbox_oldest_overdue_seconds 0.0"):
        assert f"\nmoncompte_{line}\n" in counted.body
    assert f'moncompte_smtp_up{{server="127.0.0.1:{mailbox.smtp_port}"}} 1.0' in counted.body
    assert mailbox.mails == []


def test_a_directory_that_is_gone_is_told_and_what_it_knows_is_absent_not_nothing(
    portal: Portal, mortal: PrivateSlapd, observe: Observe
) -> None:
    ask = observe(portal)
    kill(mortal)
    ready = ask("/readyz")
    assert (ready.status, words(ready)) == (503, ALL_WELL | {"ready": False, "directory": "down", "outbox": "unknown"})
    assert ask("/healthz").status == 200
    counted = ask("/metrics").body
    assert "\nmoncompte_directory_up 0.0\n" in counted
    assert "moncompte_outbox" not in counted


def test_a_directory_that_hangs_stalls_nobody_for_long(
    another: Another, slapd: PrivateSlapd, people: dict[str, str], observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portal would wait for minutes; who asks is answered after the patience, and all are told alike."""
    monkeypatch.setattr(vitals, "_PATIENCE_SECONDS", 0.1)
    portal = another(directory={"timeout_seconds": 5})
    portal.directory.prepare()
    ask = observe(portal)
    with frozen(slapd):
        began = vitals.elapsed_seconds()
        answers = [ask("/readyz"), ask("/metrics"), ask("/readyz")]
        assert vitals.elapsed_seconds() - began < 5  # had one of them waited for the directory, it were more
    assert [answer.status for answer in answers] == [503, 200, 503]
    assert "moncompte_outbox" not in answers[1].body


def test_a_mail_that_is_overdue_for_too_long_is_told(portal: Portal, clock: MovingClock, observe: Observe) -> None:
    portal.request_key("jmartin001")
    clock.forward(minutes=LATE + 2)  # two: the lease
    ask = observe(portal)
    ready = ask("/readyz")
    assert (ready.status, words(ready)) == (200, ALL_WELL | {"outbox": "late"})
    counted = ask("/metrics").body
    assert "\nmoncompte_outbox_mails 1.0\n" in counted
    assert f"\nmoncompte_outbox_oldest_overdue_seconds {60.0 * LATE}\n" in counted


def test_a_mail_server_that_is_down_takes_no_portal_away_unless_told_to(another: Another, observe: Observe) -> None:
    ready = observe(another(mail={"port": 1}))("/readyz")
    assert (ready.status, words(ready)) == (200, ALL_WELL | {"smtp": "down"})


def test_what_readiness_needs_is_a_setting(another: Another, observe: Observe) -> None:
    ready = observe(another(mail={"port": 1}, observe={"ready_needs": ("directory", "smtp")}))("/readyz")
    assert (ready.status, words(ready)) == (503, ALL_WELL | {"ready": False, "smtp": "down"})


def test_probes_do_not_load_the_directory(portal: Portal, observe: Observe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "_FRESH_SECONDS", 1000)
    ask = observe(portal)
    for _ in range(10):
        ask("/readyz")
    searches = 'moncompte_ldap_operations_total{kind="search",result="ok"} 2.0'  # what is owed, and requests for help
    assert searches in ask("/metrics").body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_nothing_but_reading_is_taken(portal: Portal, observe: Observe, method: str) -> None:
    answer = observe(portal)("/metrics", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_a_head_is_the_answer_without_its_body(portal: Portal, observe: Observe) -> None:
    answer = observe(portal)("/readyz", "HEAD")
    assert (answer.status, answer.body, answer.headers["Cache-Control"]) == (200, "", "no-store")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/%2e/metrics/x", "/connexion", "/static/x"])
def test_there_is_nothing_else(portal: Portal, observe: Observe, path: str) -> None:
    assert observe(portal)(path, Host="evil.example").status == 404


def test_nobody_is_in_it(portal: Portal, clock: MovingClock, observe: Observe) -> None:
    """Neither who asked, nor from where, nor what anything of ours is called in the directory, nor a secret."""
    portal.request_key("jmartin001", portal.caller_from("192.0.2.7"))
    clock.forward(minutes=LATE)
    ask = observe(portal)
    told = ask("/metrics", Host="evil.example").body + ask("/readyz").body
    directory = portal.settings.directory
    for word in ("jmartin", "192.0.2.7", "evil", "uid=", directory.bind_dn, directory.password.get_secret_value()):
        assert word not in told


def test_scrapers_that_hang_stop_nobody(portal: Portal, observe: Observe) -> None:
    with ExitStack() as hanging:
        what = hanging.enter_context(observed("127.0.0.1:0"))
        assert what
        hanging.enter_context(serving_observations(portal, what))
        port = what.listener.getsockname()[1]
        for _ in range(20):
            line = hanging.enter_context(socket.create_connection(("127.0.0.1", port)))
            line.sendall(b"GET /metrics HTTP/1.1\r\nHost")
        assert _ask(port, "/healthz", "GET", {}).status == 200
