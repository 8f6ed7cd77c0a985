"""The outbox: what was accepted is mailed, whoever dies; who asks learns nothing; one mail per cool-down."""

import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.mail import Mailer, MailSession
from connector.model import By, Happened, Notice, Origin
from connector.owed import OwedNotice
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, audited, issue, key_in, mailed_key

NEW_PASSWORD = "trois-pommes-42-bleues"


def entry(slapd: PrivateSlapd, uid: str) -> dict[str, list[str]]:
    return slapd.search(f"(uid={uid})", "*", "+")[0]


def with_mail(settings: Settings, **changed: object) -> Settings:
    return settings.model_copy(update={"mail": settings.mail.model_copy(update=changed)})


def decoy(slapd: PrivateSlapd) -> dict[str, list[str]]:
    return slapd.search("(objectClass=*)", "*", "+", base=slapd.decoy_dn)[0]


def test_who_asks_by_ine_gets_a_key_by_mail_and_comes_in_with_it(portal: Portal, mailbox: Mailbox) -> None:
    key = mailed_key(portal, mailbox, "110 000 003 ab")
    assert mailbox.mails[0].to == (account(portal, "jmartin001").rescue,)
    assert portal.sign_in("jmartin001", key).by is By.KEY


def test_the_key_is_owed_until_it_is_sent_and_its_clear_text_is_nowhere(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    portal.request_key("jmartin001")
    assert entry(slapd, "jmartin001")["moncompteMailDue"] == ["20261122120200Z"]
    portal.outbox.send_handed()
    after = entry(slapd, "jmartin001")
    assert "moncompteMailDue" not in after
    assert after["moncompteKeyOrigin"] == ["mail"]
    key = key_in(mailbox.mails[0])
    assert key.replace("-", "") not in str(after)
    assert key not in str(after)


@pytest.mark.parametrize(
    "identifier", ["nobody", "zpetit", "smoreau", "vgarnier", "ileroux", "bdubois", "", "*", "x" * 500]
)
def test_who_cannot_be_mailed_costs_the_decoy_the_same_modify(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, identifier: str
) -> None:
    """Unknown, no rescue address, suspended, expired, locked, staff, nonsense."""
    people_before = slapd.search("(uid=*)", "*", "+", base=slapd.people_dn)
    portal.request_key(identifier)
    portal.outbox.send_handed()
    assert slapd.search("(uid=*)", "*", "+", base=slapd.people_dn) == people_before
    assert decoy(slapd)["moncompteMailDue"] == ["20261122120200Z"]
    assert mailbox.mails == []


def test_an_ine_that_two_people_carry_mails_neither(portal: Portal, mailbox: Mailbox) -> None:
    portal.request_key(account(portal, "afontaine").ines[0])
    portal.outbox.send_handed()
    assert mailbox.mails == []


def test_one_mail_per_cool_down_and_the_first_key_stays_good(
    portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    key = mailed_key(portal, mailbox, "jmartin001")
    clock.forward(seconds=299)
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert len(mailbox.mails) == 1
    assert portal.sign_in("jmartin001", key).by is By.KEY
    clock.forward(seconds=1)
    assert mailed_key(portal, mailbox, "jmartin001") != key


def test_a_letter_key_is_no_reason_to_wait(portal: Portal, mailbox: Mailbox) -> None:
    issue(portal, "emercier", Origin.LETTER)
    assert portal.sign_in("emercier", mailed_key(portal, mailbox, "emercier")).by is By.KEY


def test_eight_who_ask_in_the_same_instant_get_one_mail_whose_key_works(portal: Portal, mailbox: Mailbox) -> None:
    issue(portal, "jmartin001", Origin.DESK)  # so that the class is there, whose adding would decide the race
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        portal.request_key("jmartin001")

    with ThreadPoolExecutor(8) as crowd:
        for asked in [crowd.submit(ask) for _ in range(8)]:
            asked.result()
    portal.outbox.send_handed()
    assert len(mailbox.mails) == 1
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[0])).by is By.KEY


def test_a_mail_whose_sender_died_is_claimed_when_its_lease_is_over_with_a_fresh_key(
    portal: Portal, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")  # and the process dies: another one takes over
    other = Portal(settings, clock)
    assert other.outbox.dispatch(clock()) == 0
    clock.forward(seconds=120)
    assert other.outbox.dispatch(clock()) == 1
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[0])).by is By.KEY
    portal.outbox.send_handed()
    assert len(mailbox.mails) == 1, "whoever lost the lease must not send its dead key"
    other.stop()


def test_of_four_dispatchers_one_claims(
    portal: Portal, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    for uid in ("jmartin001", "rbenali", "lroy"):
        portal.request_key(uid)
    clock.forward(seconds=120)
    others = [Portal(settings, clock) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda other: other.outbox.dispatch(clock()), others))
    assert sorted(mail.to[0] for mail in mailbox.mails) == sorted(
        account(portal, uid).rescue for uid in ("jmartin001", "rbenali", "lroy")
    )
    for mail, uid in (
        (mail, next(u for u in ("jmartin001", "rbenali", "lroy") if u in mail.text)) for mail in mailbox.mails
    ):
        assert portal.sign_in(uid, key_in(mail)).by is By.KEY
    for other in others:
        other.stop()


def test_a_server_that_says_later_is_asked_later_each_time_twice_as_late(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    mailbox.refuse(451)
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert (entry(slapd, "jmartin001")["moncompteMailDue"], entry(slapd, "jmartin001")["moncompteMailFailures"]) == (
        ["20261122120100Z"],
        ["1"],
    )
    clock.forward(minutes=1)
    portal.outbox.dispatch(clock())
    assert (entry(slapd, "jmartin001")["moncompteMailDue"], entry(slapd, "jmartin001")["moncompteMailFailures"]) == (
        ["20261122120300Z"],
        ["2"],
    )
    mailbox.refuse(None)
    clock.forward(minutes=2)
    assert portal.outbox.dispatch(clock()) == 1
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[0])).by is By.KEY
    assert not {"moncompteMailDue", "moncompteMailFailures"} & set(entry(slapd, "jmartin001"))


@pytest.mark.parametrize("code", [451, 550])
def test_a_mail_refused_for_a_day_is_given_up_audited_and_found_in_the_entry(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock, audit_file: Path, code: int
) -> None:
    """A 5yz too is tried for the day: it may be the mail server's own fault. Then no due date, but the failures."""
    mailbox.refuse(code)
    asked = clock()
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    while "moncompteMailDue" in entry(slapd, "jmartin001"):
        clock.forward(minutes=30)
        portal.outbox.dispatch(clock())
    assert timedelta(hours=23) < clock() - asked < timedelta(hours=27)
    given_up = slapd.search("(&(moncompteMailFailures>=1)(!(moncompteMailDue=*)))", "uid", "moncompteMailFailures")
    assert [(one["uid"], one["moncompteMailFailures"]) for one in given_up] == [(["jmartin001"], ["30"])]
    mails = [line for line in audited(audit_file) if line["event"] == "outbox:key:mail"]
    assert [line["outcome"] for line in mails] == ["put-off"] * 29 + ["given-up"]
    assert {(line["account"], line["actor"], line["reason"]) for line in mails} == {("jmartin001", "outbox", str(code))}


def test_a_notice_that_is_given_up_is_found_in_the_entry_too(
    portal: Portal, slapd: PrivateSlapd, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    mailbox.refuse(550)
    hasty = Portal(with_mail(settings, max_tries=1), clock)
    hasty.change("jmartin001", proof.mark, PASSWORD, "trois-pommes-42-bleues", None)
    hasty.outbox.send_handed()
    hasty.stop()
    left = entry(slapd, "jmartin001")
    assert "moncompteNotice" not in left
    assert left["moncompteMailFailures"] == ["1"]


def test_a_mail_that_got_through_leaves_no_failures(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    mailbox.refuse(451)
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    mailbox.refuse(None)
    clock.forward(minutes=2)
    portal.outbox.dispatch(clock())
    assert len(mailbox.mails) == 1
    assert not {"moncompteMailDue", "moncompteMailFailures"} & set(entry(slapd, "jmartin001"))


def test_a_mail_server_that_is_down_loses_nothing(
    portal: Portal, slapd: PrivateSlapd, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    cut_off = Portal(with_mail(settings, port=1), clock)
    for uid in ("jmartin001", "rbenali"):
        cut_off.request_key(uid)
    cut_off.outbox.send_handed()
    for uid in ("jmartin001", "rbenali"):
        assert entry(slapd, uid)["moncompteMailDue"] == ["20261122120100Z"]
    clock.forward(minutes=1)
    assert cut_off.outbox.dispatch(clock()) == 0
    assert portal.outbox.dispatch(clock()) == 2
    assert len(mailbox.mails) == 2
    cut_off.stop()


def test_an_outage_of_the_mail_server_is_one_line_in_the_log_and_its_end_another(
    portal: Portal, mailbox: Mailbox, settings: Settings, clock: MovingClock, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.hold(True)
    impatient = Portal(with_mail(settings, timeout_seconds=1), clock)
    for uid in ("jmartin001", "rbenali"):
        impatient.request_key(uid)
        impatient.outbox.send_handed()
    mailbox.hold(False)
    clock.forward(minutes=2)
    impatient.outbox.dispatch(clock())
    impatient.stop()
    said = [record.getMessage().partition(" is ")[2] for record in caplog.records]
    assert [text.partition(",")[0] for text in said] == ["down", "back"]


def test_a_mail_that_is_put_off_for_ever_is_given_up_after_the_last_try(
    portal: Portal, slapd: PrivateSlapd, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    mailbox.refuse(451)
    stubborn = Portal(with_mail(settings, max_tries=3), clock)
    stubborn.request_key("jmartin001")
    stubborn.outbox.send_handed()
    for _ in range(2):
        assert "moncompteMailDue" in entry(slapd, "jmartin001")
        clock.forward(hours=2)
        stubborn.outbox.dispatch(clock())
    assert "moncompteMailDue" not in entry(slapd, "jmartin001")
    stubborn.stop()


def test_a_mail_server_that_stays_silent_is_left_after_the_whole_timeout(
    portal: Portal, slapd: PrivateSlapd, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    mailbox.hold(True)
    waiting = Portal(with_mail(settings, timeout_seconds=1), clock)
    waiting.request_key("jmartin001")
    waiting.outbox.send_handed()
    assert entry(slapd, "jmartin001")["moncompteMailFailures"] == ["1"]
    waiting.stop()


def test_somebody_suspended_while_the_mail_waited_is_not_mailed(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")
    slapd.add_ldif(
        f"dn: uid=jmartin001,{slapd.people_dn}\nchangetype: modify\nreplace: supannRessourceEtat\n"
        "supannRessourceEtat: {COMPTE}S:SupannVerrouAdministratif\n"
    )
    clock.forward(seconds=120)
    portal.outbox.dispatch(clock())
    assert mailbox.mails == []
    assert "moncompteMailDue" not in entry(slapd, "jmartin001")


def test_a_change_is_told_to_the_old_address_and_to_the_new_one_without_key_or_password(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.change("jmartin001", proof.mark, PASSWORD, NEW_PASSWORD, "jeanne@ailleurs.example")
    portal.outbox.send_handed()
    old = proof.account.rescue
    code, *told = mailbox.mails
    assert code.to == ("jeanne@ailleurs.example",)
    assert sorted(mail.to[0] for mail in told) == sorted([str(old), "jeanne@ailleurs.example"])
    for mail in told:
        assert NEW_PASSWORD not in mail.text + mail.html
        assert "mot de passe" in mail.subject
    assert "moncompteNotice" not in entry(slapd, "jmartin001")


def test_a_notice_whose_sender_died_is_sent_by_another(
    portal: Portal, slapd: PrivateSlapd, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.change("jmartin001", proof.mark, PASSWORD, NEW_PASSWORD, None)
    assert entry(slapd, "jmartin001")["moncompteNotice"] == [f"20261122120200Z 0 password {proof.account.rescue}"]
    other = Portal(settings, clock)
    assert other.outbox.dispatch(clock()) == 0
    clock.forward(seconds=120)
    assert other.outbox.dispatch(clock()) == 1
    assert [mail.to for mail in mailbox.mails] == [(proof.account.rescue,)]
    assert "moncompteNotice" not in entry(slapd, "jmartin001")
    other.stop()


def test_a_value_that_makes_no_sense_does_not_stop_the_dispatcher(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    slapd.add_ldif(
        f"dn: uid=rbenali,{slapd.people_dn}\nchangetype: modify\nadd: objectClass\nobjectClass: moncompteAccount\n-\n"
        "add: moncompteNotice\nmoncompteNotice: 20200101000000Z nonsense\n"
    )
    portal.request_key("jmartin001")
    clock.forward(seconds=120)
    assert portal.outbox.dispatch(clock()) == 1
    assert len(mailbox.mails) == 1


@pytest.fixture
def running(portal: Portal) -> Iterator[Portal]:
    portal.start()
    yield portal


def test_the_thread_sends_by_itself(running: Portal, mailbox: Mailbox) -> None:
    rescue = account(running, "jmartin001").rescue
    running.request_key("jmartin001")
    assert key_in(mailbox.wait_for(rescue, 10))


def test_the_thread_dispatches_by_itself_what_others_left(
    running: Portal, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    other = Portal(settings, clock)
    other.request_key("jmartin001")
    other.stop()
    clock.forward(seconds=120)
    assert key_in(mailbox.wait_for(account(running, "jmartin001").rescue, 10))


def test_the_thread_survives_a_surprise(
    running: Portal, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong with one mail, the next one is sent."""
    deliver, struck = running.outbox._deliver, threading.Event()

    def surprising(mails: Iterable[object]) -> int:
        if struck.is_set():
            return deliver(mails)  # type: ignore[arg-type]
        struck.set()
        raise RuntimeError("surprise")

    monkeypatch.setattr(running.outbox, "_deliver", surprising)
    running.request_key("jmartin001")
    assert struck.wait(10)
    running.request_key("rbenali")
    mailbox.wait_for(account(running, "rbenali").rescue, 10)
    assert "unexpected" in caplog.text


def test_a_mail_says_who_writes_and_asks_for_no_answer_from_a_machine(portal: Portal, mailbox: Mailbox) -> None:
    mailed_key(portal, mailbox, "jmartin001")
    headers = mailbox.mails[0].headers
    assert headers["From"] == portal.settings.mail.sender
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Message-ID"].endswith("@127.0.0.1>")
    assert headers["Date"]
    assert mailbox.mails[0].html


def test_a_full_queue_leaves_the_mail_to_a_dispatcher(
    portal: Portal, mailbox: Mailbox, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal.outbox, "_handed", queue.Queue(maxsize=1))
    for uid in ("jmartin001", "rbenali"):
        portal.request_key(uid)
    portal.outbox.send_handed()
    assert len(mailbox.mails) == 1
    clock.forward(seconds=120)
    assert portal.outbox.dispatch(clock()) == 1


def test_a_claimed_mail_keeps_its_count_of_tries_and_the_pause_ends_growing_at_an_hour(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    mailbox.refuse(451)
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    pauses = []
    for tries in range(2, 10):
        clock.forward(hours=1)
        portal.outbox.dispatch(clock())
        assert entry(slapd, "jmartin001")["moncompteMailFailures"] == [str(tries)]
        pauses.append(account(portal, "jmartin001").mail_due - clock())
    assert [pause.seconds // 60 for pause in pauses] == [2, 4, 8, 16, 32, 60, 60, 60]


def test_nobody_is_mailed_whose_rescue_address_went_meanwhile(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")
    slapd.add_ldif(f"dn: uid=jmartin001,{slapd.people_dn}\nchangetype: modify\nreplace: supannMailPrive\n")
    clock.forward(seconds=120)
    portal.outbox.dispatch(clock())
    assert mailbox.mails == []
    assert "moncompteMailDue" not in entry(slapd, "jmartin001")


def test_asked_to_stop_it_finishes_the_mail_in_hand_and_leaves_the_rest_in_the_directory(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    for uid in ("jmartin001", "rbenali", "lroy"):
        portal.request_key(uid)
    portal.outbox._stopping.set()
    portal.outbox.send_handed()
    assert len(mailbox.mails) == 1
    assert len(slapd.search("(moncompteMailDue=*)", "uid", base=slapd.people_dn)) == 2


def test_what_it_had_in_hand_when_it_stopped_is_anybodys_at_once(
    portal: Portal, settings: Settings, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")
    portal.outbox.stop()
    other = Portal(settings, clock)
    assert other.outbox.dispatch(clock()) == 1
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[0])).by is By.KEY
    other.stop()


@pytest.fixture
def conversations(monkeypatch: pytest.MonkeyPatch) -> list[Mailer]:
    """Grows by one with each conversation."""
    begun: list[Mailer] = []
    session = Mailer.session

    def counted(mailer: Mailer) -> AbstractContextManager[MailSession]:
        begun.append(mailer)
        return session(mailer)

    monkeypatch.setattr(Mailer, "session", counted)
    return begun


def test_mails_that_follow_one_another_go_in_one_conversation(
    portal: Portal, mailbox: Mailbox, conversations: list[Mailer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is asked for while the outbox waits for it; whoever stops the outbox has it wait no more."""
    people, handed = iter(("jmartin001", "rbenali", "lroy")), portal.outbox._handed
    get = handed.get

    def waited(block: bool = True, timeout: float | None = None) -> object:
        if not block:
            return get(block=False)
        assert not portal.outbox._stopping.is_set()
        if uid := next(people, None):
            portal.request_key(uid)
        else:
            portal.outbox.stop()
        return get(timeout=timeout)

    monkeypatch.setattr(handed, "get", waited)
    portal.outbox.send_handed(wait_seconds=60)
    assert len(mailbox.mails) == 3
    assert len(conversations) == 1


def test_no_conversation_takes_more_handed_mails_than_the_strictest_relay_and_none_of_them_waits_for_a_round(
    portal: Portal, mailbox: Mailbox, conversations: list[Mailer], clock: MovingClock
) -> None:
    portal.request_key("rbenali")
    portal.outbox._handed.get()
    clock.forward(seconds=120)  # its sender died
    person = account(portal, "jmartin001")
    owed = OwedNotice(person, Notice((Happened.PASSWORD,), str(person.rescue), portal.outbox.lease(clock())))
    for _ in range(45):
        portal.outbox.hand_over(owed)
    portal.outbox.dispatch(clock())
    assert len(mailbox.mails) == 1 + 45
    assert len(conversations) == 1 + 3
