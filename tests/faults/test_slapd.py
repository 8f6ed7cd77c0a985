"""slapd killed, or without room to write: an honest 503 for everyone alike, nothing half done, all well after."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest
from flask.testing import FlaskClient

from connector.demo.ldap_tools import Entry
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import DirectoryMisconfigured, DirectoryUnavailable
from connector.model import By
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.faults.conftest import THREADS, Another, Serve
from tests.faults.trouble import full, kill, kill_in, read_only
from tests.faults.visitors import ask
from tests.portal_fixtures import MovingClock, issue, key_in, other_key
from tests.web.steps import NEW_PASSWORD, blind, choose, post, sign_in
from webui import create_app

EVERYBODY = ("jmartin001", "emercier", "nobody")


@pytest.fixture
def client(portal: Portal) -> FlaskClient:
    return create_app(portal).test_client()


@pytest.mark.parametrize(
    ("path", "typed", "operation"),
    [
        ("/oubli", {"identifier": "jmartin001"}, "search"),
        ("/oubli", {"identifier": "jmartin001"}, "modify"),
        ("/oubli", {"identifier": "nobody"}, "modify"),
        ("/connexion", {"identifier": "jmartin001", "secret": PASSWORD}, "search"),
        ("/connexion", {"identifier": "jmartin001", "secret": PASSWORD}, "binds"),
    ],
)
def test_a_request_in_hand_when_slapd_is_killed_is_a_503_and_works_after_its_restart(
    client: FlaskClient,
    mortal: PrivateSlapd,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    typed: dict[str, str],
    operation: str,
) -> None:
    kill_in(operation, mortal, monkeypatch)
    assert post(client, path, **typed).status_code == 503
    mortal.restart()
    assert post(client, path, **typed).status_code == 303


def test_a_new_password_in_hand_when_slapd_is_killed_costs_nobody_their_key(
    client: FlaskClient, portal: Portal, mortal: PrivateSlapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "emercier", issue(portal, "emercier"))
    kill_in("modify", mortal, monkeypatch)
    assert choose(client, NEW_PASSWORD).status_code == 503
    mortal.restart()
    assert choose(client, NEW_PASSWORD).status_code == 303
    assert portal.sign_in("emercier", NEW_PASSWORD).by is By.PASSWORD


def test_a_mail_whose_end_slapd_did_not_hear_of_is_sent_again_with_a_key_that_works(
    portal: Portal, mortal: PrivateSlapd, mailbox: Mailbox, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.request_key("jmartin001")
    kill_in("modify", mortal, monkeypatch)
    with pytest.raises(DirectoryUnavailable):
        portal.outbox.send_handed()
    mortal.restart()
    clock.forward(seconds=120)
    portal.outbox.dispatch(clock())
    assert len(mailbox.mails) == 2
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[-1])).by is By.KEY
    assert "moncompteMailDue" not in mortal.search("(uid=jmartin001)", "*")[0]


def test_nobody_notices_the_idle_connections_that_died_with_slapd(portal: Portal, mortal: PrivateSlapd) -> None:
    with ThreadPoolExecutor(8) as crowd:
        for _ in range(2):
            proofs = [crowd.submit(portal.sign_in, "jmartin001", PASSWORD) for _ in range(16)]
            assert {proof.result().by for proof in proofs} == {By.PASSWORD}
            kill(mortal)
            mortal.restart()


def test_while_slapd_comes_and_goes_under_load_no_right_password_is_called_wrong(
    portal: Portal, serve: Serve, mortal: PrivateSlapd
) -> None:
    port, answers, is_over = serve(portal), Counter[tuple[str, int]](), threading.Event()
    news = threading.Condition()

    def keep_coming(uid: str) -> None:
        while not is_over.is_set():
            status = ask(port, "/connexion", identifier=uid, secret=PASSWORD)
            with news:
                answers[uid, status] += 1
                news.notify_all()

    def wait_for(status: int) -> None:
        with news:
            seen = answers["jmartin001", status]
            assert news.wait_for(lambda: answers["jmartin001", status] >= seen + 5, timeout=30)

    with ThreadPoolExecutor(THREADS) as crowd:
        crowds = [crowd.submit(keep_coming, uid) for uid in ("jmartin001", "jmartin001", "jmartin001", "nobody")]
        try:
            for _ in range(4):
                wait_for(303)
                kill(mortal)
                wait_for(503)
                mortal.restart()
            wait_for(303)
        finally:
            is_over.set()
    assert [done.exception() for done in crowds] == [None] * len(crowds)
    assert set(answers) == {("jmartin001", 303), ("jmartin001", 503), ("nobody", 422), ("nobody", 503)}


NO_ROOM = [(read_only, "is it read-only"), (full, "is its disk full")]
Trouble = Callable[[PrivateSlapd], AbstractContextManager[None]]


def kept(slapd: PrivateSlapd) -> list[Entry]:
    """All that we write. The times of failed binds are slapd's own, which it goes on keeping while it is read-only."""
    return slapd.search("(objectClass=person)", "*", "pwdChangedTime", "pwdHistory")


@pytest.mark.parametrize(("trouble", "remedy"), NO_ROOM)
def test_a_directory_that_takes_no_writes_is_an_outage_alike_for_everybody_and_keeps_what_it_has(
    portal: Portal,
    client: FlaskClient,
    slapd: PrivateSlapd,
    caplog: pytest.LogCaptureFixture,
    trouble: Trouble,
    remedy: str,
) -> None:
    sign_in(client, "emercier", issue(portal, "emercier"))
    before = kept(slapd)
    with trouble(slapd):
        strangers = create_app(portal).test_client()
        refused = [post(strangers, "/oubli", identifier=uid) for uid in EVERYBODY]
        refused += [post(strangers, "/connexion", identifier=uid, secret=other_key("")) for uid in EVERYBODY]
        refused += [choose(client, NEW_PASSWORD)]
        assert {answer.status_code for answer in refused} == {503}
        assert len({blind(answer, "") for answer in refused}) == 1
        assert kept(slapd) == before
        assert post(strangers, "/connexion", identifier="jmartin001", secret=PASSWORD).status_code == 303
    assert [remedy in record.getMessage() for record in caplog.records] == [True] * len(refused)
    assert choose(client, NEW_PASSWORD).status_code == 303
    assert {post(strangers, "/oubli", identifier=uid).status_code for uid in EVERYBODY} == {303}


@pytest.mark.parametrize(("trouble", "remedy"), NO_ROOM)
def test_nobody_starts_a_portal_on_a_directory_that_takes_no_writes(
    another: Another, people: dict[str, str], slapd: PrivateSlapd, trouble: Trouble, remedy: str
) -> None:
    with trouble(slapd), pytest.raises(DirectoryMisconfigured, match=remedy):
        another().start()
