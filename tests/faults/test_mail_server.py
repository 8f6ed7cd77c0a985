"""A mail server that refuses, drips, hangs up at any step: nobody at the form notices, and the mail comes in the end.

What is refused at RCPT, once and for good, and a server that cannot be reached, are in tests/directory/test_outbox.py.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.model import By
from connector.portal import Portal
from tests.faults.conftest import TIMEOUT_SECONDS, Another, Serve
from tests.faults.rude import DRIPS, HANGS_UP, SAVES_UP, STAYS_SILENT, RudeServer
from tests.faults.visitors import ask
from tests.portal_fixtures import MovingClock, account, key_in

ONE_BY_ONE, IN_A_ROW = "250 hello", "250-hello\r\n250 PIPELINING"  # how it takes commands
MANNERS = [
    *((step, "451 not now") for step in ("MAIL", "RCPT", "DATA", ".")),
    *((step, "554 not you") for step in ("MAIL", "DATA", ".")),
    *((step, "421 we close") for step in ("MAIL", ".")),
    *(("greeting", answer) for answer in ("421 not now", "554 not you")),
    *((step, HANGS_UP) for step in ("greeting", "EHLO", "MAIL", "RCPT", "DATA", ".")),
    *((step, DRIPS) for step in ("greeting", ".")),
    ("RCPT", STAYS_SILENT),
]


@pytest.mark.parametrize("hello", [ONE_BY_ONE, IN_A_ROW], ids=["one by one", "in a row"])
@pytest.mark.parametrize(("step", "answer"), MANNERS)
def test_a_mail_that_a_server_did_not_take_is_put_off_once_and_comes_later(
    portal: Portal,
    another: Another,
    slapd: PrivateSlapd,
    mailbox: Mailbox,
    clock: MovingClock,
    step: str,
    answer: str,
    hello: str,
) -> None:
    with RudeServer(step, answer, hello) as rude:
        ill_served = another(mail={"port": rude.port})
        ill_served.request_key("jmartin001")
        began = time.monotonic()
        ill_served.outbox.send_handed()
        assert time.monotonic() - began < 5 * TIMEOUT_SECONDS
        assert len(rude.mails) == (step == ".")
    entry = slapd.search("(uid=jmartin001)", "*")[0]
    assert (entry["moncompteMailDue"], entry["moncompteMailFailures"]) == (["20261122120100Z"], ["1"])
    clock.forward(minutes=1)
    assert portal.outbox.dispatch(clock()) == 1
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[-1])).by is By.KEY
    assert not {"moncompteMailDue", "moncompteMailFailures"} & set(slapd.search("(uid=jmartin001)", "*")[0])


@pytest.mark.usefixtures("people")
def test_a_server_that_takes_commands_in_a_row_is_not_asked_one_by_one(another: Another) -> None:
    with RudeServer("MAIL", SAVES_UP, IN_A_ROW) as patient, RudeServer("MAIL", SAVES_UP, ONE_BY_ONE) as deaf:
        for server in (patient, deaf):
            served = another(mail={"port": server.port})
            served.request_key("jmartin001" if server is patient else "rbenali")
            served.outbox.send_handed()
    assert (len(patient.mails), len(deaf.mails)) == (1, 0)


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("greeting", HANGS_UP),
        ("greeting", "554 no"),
        ("EHLO", DRIPS),
    ],
)
def test_a_server_that_does_not_begin_to_talk_costs_one_try_a_round_and_no_mail_its_turn(
    portal: Portal, another: Another, slapd: PrivateSlapd, clock: MovingClock, step: str, answer: str
) -> None:
    people = ("jmartin001", "rbenali", "lroy")
    for uid in people:
        portal.request_key(uid)
    clock.forward(seconds=120)
    before = slapd.search("(moncompteMailDue=*)", "*", "+", base=slapd.people_dn)
    with RudeServer(step, answer) as rude:
        ill_served = another(mail={"port": rude.port})
        assert [ill_served.outbox.dispatch(clock()) for _ in range(2)] == [0, 0]
    assert slapd.search("(moncompteMailDue=*)", "*", "+", base=slapd.people_dn) == before
    assert portal.outbox.dispatch(clock()) == len(people)


def test_while_the_mail_server_is_silent_nobody_at_the_form_waits_for_it(
    portal: Portal, another: Another, serve: Serve, mailbox: Mailbox, clock: MovingClock
) -> None:
    people = ("jmartin001", "rbenali", "lroy", "emercier")
    with RudeServer("greeting", STAYS_SILENT) as rude, ThreadPoolExecutor(40) as crowd:
        patient = another(mail={"port": rude.port, "timeout_seconds": 20})
        port, began = serve(patient), time.monotonic()
        patient.outbox.start()
        asked = [crowd.submit(ask, port, identifier=uid) for uid in (*people, "nobody") * 8]
        assert Counter(done.result() for done in asked) == {303: 40}
        assert time.monotonic() - began < 10
    patient.outbox.stop()
    clock.forward(minutes=2)
    assert portal.outbox.dispatch(clock()) == len(people)
    assert len(mailbox.mails) == len(people)
    for uid in people:
        mail = mailbox.wait_for(str(account(portal, uid).rescue))
        assert portal.sign_in(uid, key_in(mail)).by is By.KEY
