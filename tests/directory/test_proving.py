"""Rescue addresses proved by a code; the former one keeps the keys for a while; *it was not me* undoes a change.

Half of each journey is done at one portal and half at another: the directory is all that they share.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connector import otp
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import (
    ChangeRefused,
    CodeExpired,
    CodeRefused,
    Conflict,
    KeyDead,
    MonCompteError,
    NothingToProve,
    OppositionRefused,
    ProofRefused,
    RescueReason,
    SessionStale,
    SignInRefused,
    Throttled,
)
from connector.model import By, Change, Done, Origin, Proof, RescueCode
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.directory.test_equal_operations import asked, trace
from tests.directory.test_redeem import NEW_PASSWORD, entry, set_values
from tests.portal_fixtures import (
    MovingClock,
    account,
    code_in,
    enter_code,
    issue,
    key_in,
    mailed_key,
    opposition_in,
)

__all__ = ["asked"]  # a fixture

JEANNE = "jmartin001"
HOME, THIEF, THIRD = "jeanne@courriel.example", "voleur@ailleurs.example", "troisieme@ailleurs.example"
COOLDOWN = timedelta(hours=72)


@pytest.fixture
def other(portal: Portal, settings: Settings, clock: MovingClock) -> Iterator[Portal]:
    """Another portal over the same directory, which knows nothing of the first."""
    portal = Portal(settings, clock)
    portal.directory.prepare()
    yield portal
    portal.stop()


@pytest.fixture
def proved(portal: Portal, slapd: PrivateSlapd) -> str:
    """Jeanne, whose rescue address is proved."""
    issue(portal, JEANNE, Origin.DESK)
    set_values(slapd, JEANNE, "moncompteRescueVerified", "20260901000000Z")
    return JEANNE


def came_in(portal: Portal, password: str = PASSWORD) -> Proof:
    return portal.sign_in(JEANNE, password)


def new_address(portal: Portal, address: str, password: str = PASSWORD) -> Done:
    """Sign in and give another address."""
    return portal.change(JEANNE, came_in(portal, password).mark, password, None, address)


def going_on(done: Done) -> Proof:
    assert done.proof is not None
    return done.proof


def prove(portal: Portal, proof: Proof, code: str) -> object:
    return portal.prove_rescue(proof.account.uid, proof.by, proof.mark, code)


def right_code(portal: Portal, uid: str = JEANNE) -> str:
    code = account(portal, uid).rescue_code
    assert code is not None
    return otp.mailed_code(portal.settings.web.secret_keys[0], uid, code.address, code.issued)


def wrong_code(portal: Portal) -> str:
    return f"{(int(right_code(portal)) + 1) % 1_000_000:06}"


def replaced(portal: Portal, mailbox: Mailbox, address: str = THIEF) -> None:
    """A change that goes through: the password is known, the code is typed."""
    enter_code(portal, mailbox, going_on(new_address(portal, address)))
    portal.outbox.send_handed()


def opposition(mailbox: Mailbox, to: str = HOME) -> str:
    told = (mail for mail in reversed(mailbox.mails) if mail.to == (to,))
    return opposition_in(next(mail for mail in told if "pas-moi" in mail.text))


def asked_key(portal: Portal, mailbox: Mailbox) -> str:
    """A key that she asks for now; the mails that were owed before have left."""
    portal.outbox.send_handed()
    return mailed_key(portal, mailbox, JEANNE)


def key_receiver(portal: Portal, mailbox: Mailbox, clock: MovingClock) -> str:
    """Who gets a key that is asked for now, past the pause between two."""
    clock.forward(minutes=6)
    asked_key(portal, mailbox)
    return mailbox.mails[-1].to[0]


def test_the_thief_gets_no_key_and_she_gets_her_account_back(
    portal: Portal, other: Portal, slapd: PrivateSlapd, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    """Issue 6, must hold 2: whoever has her session and her password sets an address, and can do nothing with it."""
    stolen = came_in(portal)
    with pytest.raises(ProofRefused):
        portal.change(proved, stolen.mark, "not her password", None, THIEF)

    done = portal.change(proved, stolen.mark, PASSWORD, None, THIEF)
    assert (done.rescue_changed, done.rescue_waits, done.code_address) == (False, True, THIEF)
    assert account(portal, proved).rescue == HOME
    assert enter_code(other, mailbox, _sent_by(portal, done)).is_new
    other.outbox.send_handed()
    thief = came_in(portal)
    told = mailbox.mails[-2:]
    assert {mail.to[0] for mail in told} == {HOME, THIEF}
    assert [mail.to[0] for mail in told if "pas-moi" in mail.text] == [HOME]

    receivers = {key_receiver(asked_at, mailbox, clock) for asked_at in (portal, other, portal, other, portal)}
    assert receivers == {HOME}

    restored = other.freeze_rescue("110000003AB", opposition(mailbox))
    assert (restored.address, restored.account.rescue) == (HOME, THIEF)
    assert restored.frozen_until == clock() + COOLDOWN
    with pytest.raises(SessionStale):
        portal.revisit(proved, thief.by, thief.mark)
    with pytest.raises(ChangeRefused) as refused:
        new_address(portal, THIEF)
    assert refused.value.rescue is RescueReason.FROZEN

    proof = other.sign_in(proved, asked_key(portal, mailbox))
    other.redeem_key(proved, proof.mark, NEW_PASSWORD, None)
    with pytest.raises(SignInRefused):
        came_in(portal)
    after = account(portal, proved)
    assert (after.rescue, after.former, after.rescue_code, after.frozen_until) == (HOME, None, None, None)
    assert after.rescue_verified == clock()


def _sent_by(portal: Portal, done: Done) -> Proof:
    portal.outbox.send_handed()
    return going_on(done)


def test_undisturbed_the_new_address_gets_the_keys_once_its_time_has_come(
    portal: Portal, other: Portal, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    replaced(portal, mailbox)
    until = clock() + COOLDOWN
    assert account(portal, proved).key_address(until) == THIEF
    clock.instant = until - timedelta(minutes=6, seconds=1)
    assert key_receiver(other, mailbox, clock) == HOME
    assert key_receiver(other, mailbox, clock) == THIEF
    with pytest.raises(OppositionRefused):
        portal.freeze_rescue(proved, opposition(mailbox))


def test_a_key_that_was_mailed_to_the_former_address_proves_no_other(
    portal: Portal, slapd: PrivateSlapd, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    replaced(portal, mailbox)
    set_values(slapd, proved, "moncompteRescueVerified")
    proof = portal.sign_in(proved, asked_key(portal, mailbox))
    clock.forward(hours=1)
    portal.redeem_key(proved, proof.mark, NEW_PASSWORD, None)
    assert account(portal, proved).rescue_verified is None


def test_a_key_that_was_mailed_proves_the_address_and_one_on_paper_does_not(
    portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)
    assert account(portal, "emercier").rescue_verified is None
    proof = portal.sign_in(JEANNE, asked_key(portal, mailbox))
    done = portal.redeem_key(JEANNE, proof.mark, NEW_PASSWORD, THIRD)
    assert done.rescue_waits
    after = account(portal, JEANNE)
    assert (after.rescue, after.rescue_verified, after.waiting_rescue) == (HOME, clock(), THIRD)
    assert enter_code(portal, mailbox, done.proof).is_new


@pytest.mark.parametrize("uid", ["nfaure", "emercier"], ids=["no address", "one that was never proved"])
def test_an_address_in_the_place_of_none_or_of_an_unproved_one_is_set_at_once(
    portal: Portal, other: Portal, mailbox: Mailbox, clock: MovingClock, uid: str
) -> None:
    proof = portal.sign_in(uid, issue(portal, uid))
    done = portal.redeem_key(uid, proof.mark, NEW_PASSWORD, THIRD)
    assert (done.rescue_changed, done.rescue_waits, done.code_address) == (True, False, THIRD)
    assert (account(portal, uid).rescue, account(portal, uid).rescue_verified) == (THIRD, None)
    assert other.revisit(uid, By.PASSWORD, going_on(done).mark).to_prove == THIRD
    result = enter_code(portal, mailbox, done.proof)
    assert (result.is_new, result.former, result.proof is not None) == (False, None, True)
    after = account(other, uid)
    assert (after.rescue_verified, after.rescue_code, after.key_address(clock())) == (clock(), None, THIRD)


def test_what_only_waits_kills_no_key(portal: Portal, proved: str) -> None:
    key = issue(portal, proved, Origin.DESK)
    new_address(portal, THIEF)
    assert portal.sign_in(proved, key).by is By.KEY


def test_a_waiting_address_does_not_outlive_a_redeemed_key(portal: Portal, proved: str) -> None:
    new_address(portal, THIEF)
    proof = portal.sign_in(proved, issue(portal, proved, Origin.DESK))
    portal.redeem_key(proved, proof.mark, NEW_PASSWORD, None)
    with pytest.raises(NothingToProve):
        portal.ask_code(proved, By.PASSWORD, came_in(portal, NEW_PASSWORD).mark)


def test_wrong_tries_are_counted_together_and_the_sixth_is_refused_though_right(
    portal: Portal, other: Portal, proved: str
) -> None:
    proof = going_on(new_address(portal, THIEF))
    left = []
    for number, at in enumerate((portal, other, portal, other, portal)):
        with pytest.raises(CodeRefused) as refused:
            prove(at, proof, wrong_code(portal) if number else "")
        left.append(refused.value.tries_left)
    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(CodeRefused) as refused:
        prove(other, proof, right_code(portal))
    assert refused.value.tries_left == 0
    other.ask_code(proved, proof.by, proof.mark)
    assert prove(portal, proof, right_code(portal))


def test_of_a_crowd_of_wrong_tries_no_more_than_five_are_compared(
    portal: Portal, proved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof, compared = going_on(new_address(portal, THIEF)), []
    compare = otp.is_mailed_code
    monkeypatch.setattr(otp, "is_mailed_code", lambda *facts: (compared.append(facts), compare(*facts))[1])
    wrong = wrong_code(portal)
    assert at_once(lambda _number: prove(portal, proof, wrong), 12) == [CodeRefused] * 12
    assert len(compared) == 5


def test_of_two_right_codes_at_once_one_wins(portal: Portal, other: Portal, proved: str, slapd: PrivateSlapd) -> None:
    proof = going_on(new_address(portal, THIEF))
    code = right_code(portal)
    ends = at_once(lambda number: prove((portal, other)[number], proof, code), 2)
    assert sorted(kind is type(None) for kind in ends) == [False, True]
    assert set(ends) - {type(None)} <= {SessionStale, NothingToProve}
    assert entry(slapd, proved)["supannMailPrive"] == [f"{{SECOURS}}{THIEF}"]


def at_once(act: object, count: int) -> list[type]:
    """The kinds of the errors that so many at once end with; NoneType for none."""
    barrier = threading.Barrier(count)

    def run(number: int) -> type:
        barrier.wait()
        try:
            act(number)  # type: ignore[operator]
        except MonCompteError as error:
            return type(error)
        return type(None)

    with ThreadPoolExecutor(count) as crowd:
        return list(crowd.map(run, range(count)))


@pytest.mark.parametrize(("minutes", "seconds", "is_alive"), [(14, 59, True), (15, 0, False)])
def test_a_code_lives_fifteen_minutes(
    portal: Portal, other: Portal, proved: str, clock: MovingClock, minutes: int, seconds: int, is_alive: bool
) -> None:
    proof = going_on(new_address(portal, THIEF))
    code = right_code(portal)
    clock.forward(minutes=minutes, seconds=seconds)
    if is_alive:
        assert prove(other, proof, f" {code[:3]} {code[3:]} ")
    else:
        with pytest.raises(CodeExpired):
            prove(other, proof, code)
        assert account(portal, proved).rescue == HOME


def test_the_code_of_an_older_asking_of_another_address_or_of_another_person_is_wrong(
    portal: Portal, other: Portal, proved: str
) -> None:
    """Even where both were asked for in one second."""
    first = going_on(new_address(portal, THIEF))
    older = right_code(portal)
    other.ask_code(proved, first.by, first.mark)
    assert older != right_code(portal)
    second = going_on(new_address(portal, THIRD))
    for strange in (older, _code_of("rbenali", THIRD, portal), _code_of(JEANNE, THIEF, portal)):
        with pytest.raises(CodeRefused):
            prove(portal, second, strange)


def _code_of(uid: str, address: str, portal: Portal) -> str:
    """What another person's code, or another address's, would be, asked for at the same instant."""
    code = account(portal, JEANNE).rescue_code
    assert code is not None
    return otp.mailed_code(portal.settings.web.secret_keys[0], uid, address, code.issued)


def test_a_code_made_with_the_secret_before_is_still_believed(
    portal: Portal, settings: Settings, proved: str, clock: MovingClock
) -> None:
    proof = going_on(new_address(portal, THIEF))
    code = right_code(portal)
    keys = type(settings.web.secret_key)(f"{'n' * 40}\n{settings.web.secret_keys[0]}")
    newer = Portal(settings.model_copy(update={"web": settings.web.model_copy(update={"secret_key": keys})}), clock)
    assert prove(newer, proof, code)
    newer.stop()


def test_a_dispatcher_mails_the_same_code_after_a_crash_and_none_that_is_of_no_use(
    portal: Portal, other: Portal, slapd: PrivateSlapd, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    proof = going_on(new_address(portal, THIEF))
    clock.forward(minutes=2)
    other.outbox.dispatch(clock())
    assert [mail.to[0] for mail in mailbox.mails] == [THIEF]
    assert code_in(mailbox.mails[0]) == right_code(portal)
    portal.ask_code(proved, proof.by, proof.mark)
    clock.forward(minutes=15)
    other.outbox.dispatch(clock())
    assert len(mailbox.mails) == 1
    assert "moncompteNotice" not in entry(slapd, proved)
    assert "moncompteMailFailures" not in entry(slapd, proved)


def test_a_second_change_keeps_the_first_former_address_and_its_time_begins_anew(
    portal: Portal, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    replaced(portal, mailbox)
    first = opposition(mailbox)
    clock.forward(hours=71)
    before = len(mailbox.mails)
    replaced(portal, mailbox, THIRD)
    assert {mail.to[0] for mail in mailbox.mails[before:]} == {HOME, THIEF, THIRD}
    former = account(portal, proved).former
    assert former is not None
    assert (former.address, former.until) == (HOME, clock() + COOLDOWN)
    with pytest.raises(OppositionRefused):
        portal.freeze_rescue(proved, first)
    assert portal.freeze_rescue(proved, opposition(mailbox)).address == HOME


def test_whoever_comes_back_to_the_former_address_is_where_they_were(
    portal: Portal, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    replaced(portal, mailbox, THIRD)
    replaced(portal, mailbox, HOME)
    after = account(portal, proved)
    assert (after.rescue, after.former, after.key_address(clock())) == (HOME, None, HOME)


def test_without_a_cool_down_the_new_address_counts_at_once(
    settings: Settings, portal: Portal, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    rescue = settings.rescue.model_copy(update={"cooldown_hours": 0})
    hasty = Portal(settings.model_copy(update={"rescue": rescue}), clock)
    hasty.directory.prepare()
    replaced(hasty, mailbox)
    assert account(hasty, proved).former is None
    assert not [mail for mail in mailbox.mails if "pas-moi" in mail.text]
    assert key_receiver(hasty, mailbox, clock) == THIEF
    hasty.stop()


def test_while_it_is_frozen_a_session_by_key_may_change_the_address(
    portal: Portal, proved: str, mailbox: Mailbox
) -> None:
    replaced(portal, mailbox)
    portal.freeze_rescue(proved, opposition(mailbox))
    proof = portal.sign_in(proved, asked_key(portal, mailbox))
    portal.judge_choice(account(portal, proved), By.KEY, None, THIRD)
    done = portal.redeem_key(proved, proof.mark, NEW_PASSWORD, THIRD)
    assert done.rescue_waits
    assert enter_code(portal, mailbox, done.proof).is_new


def test_a_freeze_ends_with_its_time(portal: Portal, proved: str, mailbox: Mailbox, clock: MovingClock) -> None:
    replaced(portal, mailbox)
    portal.freeze_rescue(proved, opposition(mailbox))
    clock.forward(hours=71, minutes=59)
    with pytest.raises(ChangeRefused):
        new_address(portal, THIRD)
    clock.forward(minutes=1)
    assert new_address(portal, THIRD).rescue_waits


def test_it_was_not_me_kills_what_was_under_way(
    portal: Portal, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    """A mailed key, a code that waits, every session, the day's count of keys; both are told."""
    replaced(portal, mailbox)
    code = opposition(mailbox)
    key = asked_key(portal, mailbox)
    thief = going_on(new_address(portal, THIRD))
    portal.freeze_rescue(proved, code.lower().replace("-", " "))
    with pytest.raises(KeyDead):
        portal.sign_in(proved, key)
    with pytest.raises(SessionStale):
        prove(portal, thief, "123456")
    before = len(mailbox.mails)
    portal.outbox.send_handed()
    told = [mail for mail in mailbox.mails[before:] if "annulé" in mail.subject]
    assert {mail.to[0] for mail in told} == {HOME, THIEF}
    assert account(portal, proved).keys_mailed == ()
    with pytest.raises(OppositionRefused):
        portal.freeze_rescue(proved, code)


def test_a_key_on_paper_outlives_it(portal: Portal, proved: str, mailbox: Mailbox) -> None:
    replaced(portal, mailbox)
    key = issue(portal, proved, Origin.DESK)
    portal.freeze_rescue(proved, opposition(mailbox))
    assert portal.sign_in(proved, key).by is By.KEY


def test_whoever_may_not_say_so_costs_the_directory_the_same(
    portal: Portal, proved: str, mailbox: Mailbox, slapd: PrivateSlapd, asked: list[str]
) -> None:
    replaced(portal, mailbox)
    right = opposition(mailbox)
    tries = [(uid, "K7QF9-M2XT4") for uid in (proved, "rbenali", "smoreau", "nobody", "*", "")]
    tries += [("rbenali", right), ("nobody", right), (proved, ""), ("", "")]

    def refused(uid: str, code: str) -> None:
        with pytest.raises(OppositionRefused):
            portal.freeze_rescue(uid, code)

    before = entry(slapd, proved)
    traces = {tuple(trace(asked, lambda uid=uid, code=code: refused(uid, code))) for uid, code in tries}  # type: ignore[misc]
    assert len(traces) == 1
    assert [step.split()[0] for step in traces.pop()] == ["search", "modify"]
    assert entry(slapd, proved) == before
    assert [step.split()[0] for step in trace(asked, lambda: portal.freeze_rescue(proved, right))] == [
        "search",
        "modify",
    ]


def test_nobody_suspended_is_touched_by_it(portal: Portal, slapd: PrivateSlapd, proved: str, mailbox: Mailbox) -> None:
    replaced(portal, mailbox)
    set_values(slapd, proved, "supannRessourceEtat", "{COMPTE}S:SupannVerrouAdministratif")
    with pytest.raises(OppositionRefused):
        portal.freeze_rescue(proved, opposition(mailbox))


def test_too_many_tries_from_one_place_are_stopped(limited: Portal) -> None:
    caller = limited.caller_from("192.0.2.7")
    for _number in range(20):
        with pytest.raises(OppositionRefused):
            limited.freeze_rescue("nobody", "K7QF9-M2XT4", caller)
    with pytest.raises(Throttled) as stopped:
        limited.freeze_rescue(JEANNE, "K7QF9-M2XT4", caller)
    assert stopped.value.word == "too-many-not-me-per-source"


def test_too_many_codes_are_asked_for(limited: Portal, slapd: PrivateSlapd) -> None:
    proof = came_in(limited)
    for _number in range(10):
        limited.ask_code(JEANNE, proof.by, proof.mark)
    with pytest.raises(Throttled) as stopped:
        limited.ask_code(JEANNE, proof.by, proof.mark)
    assert stopped.value.word == "too-many-rescue-codes-per-account"


def test_nothing_to_prove_is_said(portal: Portal, proved: str) -> None:
    proof = came_in(portal)
    with pytest.raises(NothingToProve):
        portal.ask_code(proved, proof.by, proof.mark)
    with pytest.raises(NothingToProve):
        prove(portal, proof, "123456")


@pytest.mark.parametrize("act", ["frozen", "set by the desk", "another code", "proved"])
def test_a_change_that_was_read_before_another_act_does_not_pass(
    portal: Portal, slapd: PrivateSlapd, proved: str, mailbox: Mailbox, clock: MovingClock, act: str
) -> None:
    """What the portal rested on when it read the account must still hold at the instant of the Modify."""
    replaced(portal, mailbox)
    proof = going_on(new_address(portal, THIRD))
    as_read = account(portal, proved)
    code = as_read.rescue_code
    assert code is not None
    if act == "frozen":
        portal.freeze_rescue(proved, opposition(mailbox))
    elif act == "set by the desk":
        portal.directory.set_rescue(as_read, "guichet@ailleurs.example", ())
    elif act == "another code":
        portal.ask_code(proved, proof.by, proof.mark)
    else:
        prove(portal, proof, right_code(portal))
    with pytest.raises(Conflict):
        portal.directory.replace_rescue(as_read, code, None, clock(), ())
    with pytest.raises(Conflict):
        portal.directory.ask_code(as_read, RescueCode(clock(), 0, THIEF), ())


def test_a_thief_who_is_a_moment_late_leaves_no_address_in_a_frozen_account(
    portal: Portal, other: Portal, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    replaced(portal, mailbox)
    as_read = account(portal, proved)
    other.freeze_rescue(proved, opposition(mailbox))
    with pytest.raises(Conflict):
        portal.directory.change(as_read, Change(code=RescueCode(clock(), 0, THIRD)), clock())
    assert account(portal, proved).rescue_code is None


def test_an_address_that_was_proved_meanwhile_is_not_replaced_at_once(
    portal: Portal, other: Portal, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is read, its address is proved at another portal, then the change is written: it waits."""
    proof = going_on(new_address(portal, THIRD))
    prove_first, change = [True], portal.directory.change

    def late(*facts: object) -> str:
        if prove_first.pop() if prove_first else False:
            prove(other, proof, right_code(other))
        return change(*facts)  # type: ignore[arg-type]

    monkeypatch.setattr(portal.directory, "change", late)
    done = portal.change(JEANNE, proof.mark, PASSWORD, None, THIEF)
    assert done.rescue_waits
    assert account(portal, JEANNE).rescue == THIRD


def test_a_session_that_somebody_else_ended_does_not_go_on(
    portal: Portal, proved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the change and the look at what it left, somebody else signs out: no proof is made of theirs."""
    change = portal.directory.change

    def then_ended(*facts: object) -> str:
        mark = change(*facts)  # type: ignore[arg-type]
        portal.directory.end_sessions(account(portal, proved))
        return mark

    monkeypatch.setattr(portal.directory, "change", then_ended)
    assert new_address(portal, THIEF).proof is None


def test_the_former_address_hears_of_a_new_password(portal: Portal, proved: str, mailbox: Mailbox) -> None:
    """The thief's address must not be the only one that is told."""
    replaced(portal, mailbox)
    before = len(mailbox.mails)
    portal.change(proved, came_in(portal).mark, PASSWORD, NEW_PASSWORD, None)
    portal.outbox.send_handed()
    assert {mail.to[0] for mail in mailbox.mails[before:]} == {HOME, THIEF}


def test_a_key_is_mailed_to_the_former_address_though_somebody_took_the_present_one_away(
    portal: Portal, slapd: PrivateSlapd, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    replaced(portal, mailbox)
    set_values(slapd, proved, "supannMailPrive")
    portal.request_key(proved)
    clock.forward(minutes=2)
    portal.outbox.dispatch(clock())
    assert mailbox.mails[-1].to == (HOME,)


def test_a_dispatched_key_goes_where_a_key_goes_now(
    portal: Portal, other: Portal, proved: str, mailbox: Mailbox, clock: MovingClock
) -> None:
    replaced(portal, mailbox)
    portal.request_key(proved)
    clock.forward(minutes=2)
    other.outbox.dispatch(clock())
    assert mailbox.mails[-1].to == (HOME,)
    assert portal.sign_in(proved, key_in(mailbox.mails[-1])).by is By.KEY


@pytest.mark.parametrize("is_asked_anew", [False, True])
def test_between_a_right_code_and_its_modify_another_try_does_not_matter_and_another_code_does(
    portal: Portal, other: Portal, proved: str, monkeypatch: pytest.MonkeyPatch, is_asked_anew: bool
) -> None:
    proof = going_on(new_address(portal, THIRD))
    code, wrong, replace = right_code(portal), wrong_code(portal), portal.directory.replace_rescue
    acts = [lambda: other.ask_code(proved, proof.by, proof.mark) if is_asked_anew else try_wrong()]

    def try_wrong() -> None:
        with pytest.raises(CodeRefused):
            prove(other, proof, wrong)

    def late(*facts: object) -> str:
        if acts:
            acts.pop()()
        return replace(*facts)  # type: ignore[arg-type]

    monkeypatch.setattr(portal.directory, "replace_rescue", late)
    if is_asked_anew:
        with pytest.raises(CodeExpired):
            prove(portal, proof, code)
        assert account(portal, proved).rescue == HOME
    else:
        assert prove(portal, proof, code)
