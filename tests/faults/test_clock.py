"""A clock that jumps, by a year or by hours, there and back: no dead key opens, no mail is lost or goes out twice."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import DeadKeyReason, KeyDead
from connector.model import By
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.faults.conftest import Another
from tests.portal_fixtures import START, MovingClock, account, key_in, mailed_key
from tests.web.steps import is_open, sign_in
from webui import create_app

YEAR, HOURS = timedelta(days=365), timedelta(hours=5)
FAR = [YEAR, -YEAR, HOURS, -HOURS]
NEW_PASSWORD = "trois-pommes-42-bleues"


@pytest.mark.parametrize("jump", FAR)
def test_a_session_is_over_wherever_the_clock_goes(portal: Portal, clock: MovingClock, jump: timedelta) -> None:
    """Set back, it must not last until the clock is there again."""
    client = create_app(portal).test_client()
    sign_in(client, "jmartin001", PASSWORD)
    assert is_open(client)
    clock.instant += jump
    assert not is_open(client)


@pytest.mark.parametrize("jump", [YEAR, HOURS * 5])
def test_a_key_that_a_jump_killed_opens_nothing_not_even_what_it_had_opened(
    portal: Portal, mailbox: Mailbox, clock: MovingClock, jump: timedelta
) -> None:
    key = mailed_key(portal, mailbox, "jmartin001")
    proof = portal.sign_in("jmartin001", key)
    clock.instant += jump
    for act in (
        lambda: portal.sign_in("jmartin001", key),
        lambda: portal.redeem_key("jmartin001", proof.mark, NEW_PASSWORD, None),
    ):
        with pytest.raises(KeyDead) as caught:
            act()
        assert caught.value.reason is DeadKeyReason.EXPIRED


def test_a_key_lives_on_when_the_clock_is_set_right_and_dies_when_its_mail_said(
    portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    key = mailed_key(portal, mailbox, "jmartin001")
    for jump in FAR:
        clock.instant = START + jump
        if jump > timedelta(days=1):
            with pytest.raises(KeyDead):
                portal.sign_in("jmartin001", key)
    clock.instant = START + timedelta(hours=23, minutes=59)
    assert portal.sign_in("jmartin001", key).by is By.KEY
    clock.instant = START + timedelta(hours=24)
    with pytest.raises(KeyDead):
        portal.sign_in("jmartin001", key)


@pytest.mark.parametrize("jump", FAR)
def test_after_a_jump_who_asks_again_and_again_gets_one_mail_whose_key_works(
    portal: Portal, mailbox: Mailbox, clock: MovingClock, jump: timedelta
) -> None:
    """Nobody waits for the clock to come back to the cool-down of a mail that was sent before."""
    mailed_key(portal, mailbox, "jmartin001")
    clock.instant += jump
    for _ in range(5):
        portal.request_key("jmartin001")
        portal.outbox.send_handed()
        clock.forward(seconds=59)
    assert len(mailbox.mails) == 2
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[1])).by is By.KEY


@pytest.mark.parametrize("jump", FAR)
def test_a_mail_handed_over_before_a_jump_goes_out_once(
    portal: Portal, another: Another, mailbox: Mailbox, clock: MovingClock, jump: timedelta
) -> None:
    """Another process finds it overdue, or not; and nothing more comes when the clock is set right."""
    other = another()
    portal.request_key("jmartin001")
    clock.instant += jump
    other.outbox.dispatch(clock())
    portal.outbox.send_handed()
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[0])).by is By.KEY
    for instant in (START, START + jump, START + timedelta(days=800)):
        clock.instant = instant
        assert (portal.outbox.dispatch(instant), other.outbox.dispatch(instant)) == (0, 0)
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("jump", [YEAR, HOURS])
def test_mails_left_by_who_died_go_out_once_each_when_the_clock_jumps_on(
    portal: Portal, another: Another, mailbox: Mailbox, clock: MovingClock, jump: timedelta
) -> None:
    people = ("jmartin001", "rbenali", "lroy")
    for uid in people:
        portal.request_key(uid)
    clock.instant += jump
    other = another()
    assert [other.outbox.dispatch(clock()) for _ in range(3)] == [3, 0, 0]
    clock.instant -= jump
    assert other.outbox.dispatch(clock()) == 0
    assert sorted(mail.to[0] for mail in mailbox.mails) == sorted(str(account(portal, uid).rescue) for uid in people)


@pytest.mark.parametrize(
    "ahead",
    [
        YEAR,
        HOURS,
    ],
)
def test_what_is_owed_by_a_clock_that_ran_ahead_is_sent_within_a_day_of_its_setting_right(
    portal: Portal, another: Another, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock, ahead: timedelta
) -> None:
    """A mail with a key, which somebody may ask for again, and a notice, which nobody can."""
    clock.instant += ahead
    proof = portal.sign_in("rbenali", PASSWORD)
    portal.request_key("jmartin001")
    portal.change("rbenali", proof.mark, PASSWORD, NEW_PASSWORD, None)
    clock.instant = START + timedelta(days=1)
    other = another()
    assert other.outbox.dispatch(clock()) == 2
    assert sorted(mail.to[0] for mail in mailbox.mails) == sorted(
        str(account(portal, uid).rescue) for uid in ("jmartin001", "rbenali")
    )
    assert slapd.search("(|(moncompteMailDue=*)(moncompteNotice=*))", "1.1", base=slapd.people_dn) == []


def test_a_dispatcher_goes_on_with_its_rounds_when_the_clock_is_set_back(
    portal: Portal, another: Another, mailbox: Mailbox, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch, has_made_a_round = portal.outbox.dispatch, threading.Event()

    def dispatching(now: datetime) -> int:
        done = dispatch(now)
        has_made_a_round.set()
        return done

    monkeypatch.setattr(portal.outbox, "dispatch", dispatching)
    portal.start()
    assert has_made_a_round.wait(10)
    clock.instant -= HOURS
    another().request_key("jmartin001")
    clock.forward(seconds=120)
    mailbox.wait_for(str(account(portal, "jmartin001").rescue))
