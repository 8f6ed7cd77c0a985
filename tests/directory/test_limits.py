"""The limits as they are out of the box, on a real directory: what an attacker may do, what students may."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable

import pytest
from ldap3.utils.conv import escape_filter_chars

from connector.demo.mailbox import Mailbox
from connector.demo.people import sample_people, to_ldif
from connector.demo.slapd import PrivateSlapd
from connector.directory.operations import Operations
from connector.errors import DirectoryUnavailable, KeyDead, MonCompteError, ProofRefused, SignInRefused, Throttled
from connector.identifiers import candidates, canonical
from connector.model import By, Caller, DeadKeyReason, Origin
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, WallClock, account, issue, key_in, mailed_key, other_key, slip

HOME, ELSEWHERE = Caller("192.0.2.7"), Caller("198.51.100.9")
WRONG = "not the password"
NEW_PASSWORD = "trois-pommes-42-bleues"


def try_in(portal: Portal, identifier: str, secret: str = WRONG, caller: Caller = HOME) -> str:
    """What became of a try: ``in``, ``refused``, or the limit that stopped it."""
    try:
        portal.sign_in(identifier, secret, caller)
    except Throttled as error:
        return error.word
    except SignInRefused:
        return "refused"
    return "in"


def tries_let_through(act: Callable[[], str], at_most: int = 2000) -> int:
    """How many tries are worked on before a limit says stop."""
    return next(count for count in range(at_most) if act().startswith("too-many"))


def wait_asked(portal: Portal, identifier: str, caller: Caller = HOME) -> int:
    with pytest.raises(Throttled) as stopped:
        portal.sign_in(identifier, "not the password", caller)
    return stopped.value.retry_after


@pytest.mark.parametrize("identifier", ["jmartin001", "nobody", "emercier", "110000011AB", "smoreau"])
def test_after_five_failures_one_waits_more_than_a_minute_and_then_longer_whoever_it_is(
    limited: Portal, wall: WallClock, identifier: str
) -> None:
    """CNIL 2022-100, case 2: more than a minute after five failures, growing, 25 a day at most."""
    assert tries_let_through(lambda: try_in(limited, identifier)) == 5
    assert 60 < wait_asked(limited, identifier) == 120
    wall.forward(seconds=121)
    assert tries_let_through(lambda: try_in(limited, identifier)) == 2
    assert wait_asked(limited, identifier) == 15 * 60 - 121
    let_through = 7
    for number in range(200):  # from a new address each time, for a whole day
        wall.forward(minutes=7)
        let_through += try_in(limited, identifier, caller=Caller(f"203.0.113.{number}")) == "refused"
    assert let_through == 25


def test_the_wait_that_is_told_is_enough(limited: Portal, wall: WallClock) -> None:
    tries_let_through(lambda: try_in(limited, "jmartin001"))
    wall.forward(seconds=wait_asked(limited, "jmartin001") - 2)
    assert try_in(limited, "jmartin001", PASSWORD).startswith("too-many")
    wall.forward(seconds=2.1)
    assert try_in(limited, "jmartin001", PASSWORD) == "in"


def test_a_limit_is_felt_before_anybody_is_looked_up(limited: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    for act in (lambda: try_in(limited, "jmartin001"), lambda: ask(limited, "jmartin001")):
        tries_let_through(act)
    asked: list[object] = []
    for name in ("search", "modify", "binds"):
        monkeypatch.setattr(Operations, name, lambda *facts, **_named: asked.append(facts))
    assert try_in(limited, "jmartin001", PASSWORD).startswith("too-many")
    assert ask(limited, "jmartin001").startswith("too-many")
    assert not asked


def test_a_right_proof_forgives_the_wrong_ones(limited: Portal) -> None:
    for _ in range(10):
        assert [try_in(limited, "jmartin001") for _ in range(4)] == ["refused"] * 4
        assert try_in(limited, "JMartin001", PASSWORD) == "in"


def test_however_an_identifier_is_typed_it_is_one(limited: Portal) -> None:
    typed = ["jmartin001", "JMARTIN001", " jmartin001", "ｊmartin001", "jmartİn001"]
    assert [try_in(limited, identifier) for identifier in typed] == ["refused"] * 5
    assert try_in(limited, "jmartin001").startswith("too-many")
    typed = ["110000003AB", "110 000 003 ab", "110-000-003-AB", "110.000003ab", "１１0000003AB"]
    assert [try_in(limited, identifier) for identifier in typed] == ["refused"] * 5
    assert try_in(limited, "110000003AB").startswith("too-many")


def test_a_typo_in_a_key_costs_nothing(limited: Portal) -> None:
    key = issue(limited, "emercier")
    assert {try_in(limited, "emercier", slip(key)) for _ in range(20)} == {"refused"}
    assert try_in(limited, "emercier", key) == "in"


def test_what_only_looks_like_a_typo_is_no_way_to_guess_without_end(limited: Portal) -> None:
    """``azertyazerty123`` has the shape of a mistyped key, and may be somebody's password."""
    assert tries_let_through(lambda: try_in(limited, "jmartin001", "azertyazerty123")) == 30


def test_nor_to_try_it_on_everybody_from_one_address(limited: Portal) -> None:
    logins = iter(range(10_000))
    assert tries_let_through(lambda: try_in(limited, f"student{next(logins):05}", "azertyazerty123")) == 300


def test_a_clock_that_is_set_back_makes_nobody_wait_for_it(limited: Portal, wall: WallClock) -> None:
    wall.forward(days=365)
    tries_let_through(lambda: try_in(limited, "jmartin001"))
    wall.forward(days=-365)
    assert try_in(limited, "jmartin001", PASSWORD) == "in"


def test_whoever_hammers_at_a_password_does_not_shut_out_the_key(limited: Portal, mailbox: Mailbox) -> None:
    tries_let_through(lambda: try_in(limited, "jmartin001", caller=ELSEWHERE))
    assert try_in(limited, "jmartin001", PASSWORD, HOME).startswith("too-many")
    assert try_in(limited, "jmartin001", mailed_key(limited, mailbox, "jmartin001"), HOME) == "in"
    assert try_in(limited, "jmartin001", PASSWORD, HOME) == "in"  # the key forgave the rest


def test_no_single_address_keeps_anybody_out_for_the_day(limited: Portal, wall: WallClock) -> None:
    key = issue(limited, "emercier")
    for _ in range(30):
        wall.forward(minutes=20)
        stopped = try_in(limited, "emercier", other_key(key), ELSEWHERE)
    assert stopped == "too-many-sign-in-per-identifier-and-source"
    assert try_in(limited, "emercier", key, HOME) == "in"


def test_the_current_password_is_limited_like_any_other(limited: Portal) -> None:
    """Somebody at an open session must not guess there what they may not guess at the door."""
    mark = limited.sign_in("jmartin001", PASSWORD, HOME).mark
    for _ in range(5):
        with pytest.raises(ProofRefused):
            limited.change("jmartin001", mark, "not the password", NEW_PASSWORD, None, HOME)
    with pytest.raises(Throttled):
        limited.change("jmartin001", mark, PASSWORD, NEW_PASSWORD, None, HOME)
    assert try_in(limited, "jmartin001", PASSWORD, ELSEWHERE) == "in"  # at the door nobody tried anything


def test_a_right_password_counts_as_no_bind_of_a_strangers_whatever_comes_after_it(
    limited: Portal, wall: WallClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its owner, whose change the directory refused some times, would be told that the password is wrong."""
    mark = limited.sign_in("jmartin001", PASSWORD).mark

    def refuse(*_: object) -> str:
        raise DirectoryUnavailable("takes no writes")

    monkeypatch.setattr(limited.directory, "change", refuse)
    for _ in range(7):
        wall.forward(seconds=61)  # so that the tries themselves are not too many
        with pytest.raises(DirectoryUnavailable):
            limited.change("jmartin001", mark, PASSWORD, "velo-Garonne-7", None)
    wall.forward(seconds=61)
    assert limited.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


def test_one_address_that_tries_one_password_on_everybody_is_stopped(limited: Portal) -> None:
    logins = iter(range(10_000))
    assert tries_let_through(lambda: try_in(limited, f"student{next(logins):05}")) == 100
    assert try_in(limited, "jmartin001", PASSWORD, HOME) == "too-many-sign-in-failures-per-source"
    assert try_in(limited, "jmartin001", PASSWORD, ELSEWHERE) == "in"


def test_a_success_of_ones_own_does_not_let_one_go_on(limited: Portal) -> None:
    """Whoever has an account must not be forgiven the tries at everybody else's."""
    for number in range(100):
        try_in(limited, f"student{number:05}")
        if number % 20 == 0:
            assert try_in(limited, "jmartin001", PASSWORD) == "in"
    assert try_in(limited, "student99999") == "too-many-sign-in-failures-per-source"


def test_a_network_of_ipv6_is_one_address(limited: Portal) -> None:
    numbers = iter(range(10_000))

    def from_the_same_network() -> str:
        number = next(numbers)
        return try_in(limited, f"student{number}", caller=Caller(f"2001:db8:1:2::{number:x}"))

    assert tries_let_through(from_the_same_network) == 100
    assert try_in(limited, "jmartin001", caller=Caller("2001:db8:1:3::1")) == "refused"


@pytest.mark.usefixtures("wall")
def test_all_addresses_together_cannot_drown_the_directory(limited: Portal) -> None:
    numbers = iter(range(10_000))

    def from_anywhere() -> str:
        number = next(numbers)
        return try_in(limited, f"student{number}", "x", Caller(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))

    assert tries_let_through(from_anywhere) == 1200
    assert try_in(limited, "jmartin001", PASSWORD) == "too-many-sign-in-in-all"


def ask(portal: Portal, identifier: str, caller: Caller = HOME) -> str:
    try:
        portal.request_key(identifier, caller)
    except Throttled as error:
        return error.word
    return "asked"


@pytest.mark.parametrize("identifier", ["jmartin001", "nobody", "zpetit", "smoreau"])
def test_asking_is_limited_alike_for_everybody(limited: Portal, wall: WallClock, identifier: str) -> None:
    assert tries_let_through(lambda: ask(limited, identifier)) == 5
    assert ask(limited, identifier, ELSEWHERE) == "too-many-ask-per-identifier"
    wall.forward(minutes=15, seconds=1)
    assert ask(limited, identifier) == "asked"


@pytest.mark.usefixtures("wall")
def test_one_address_cannot_ask_for_everybody(limited: Portal) -> None:
    logins = iter(range(10_000))
    assert tries_let_through(lambda: ask(limited, f"student{next(logins):05}")) == 100
    assert ask(limited, "jmartin001") == "too-many-ask-per-source"
    assert ask(limited, "jmartin001", ELSEWHERE) == "asked"


HALL = {"students": 400, "minutes": 10, "wrong once": 80, "mistyped once": 120, "ask for a key": 80}


def test_a_lecture_hall_behind_one_address_passes(
    limited: Portal, slapd: PrivateSlapd, people: dict[str, str], wall: WallClock
) -> None:
    """The first day of term: the figures of HALL, all from one address; nobody waits."""
    everybody = sample_people(1000, limited.now(), slapd.base)
    new = [one for one in everybody if one.state == "to-activate" and one.key and one.uid not in people]
    students = new[: HALL["students"]]
    assert len(students) == HALL["students"]
    slapd.add_ldif(to_ldif(students))
    outcomes: Counter[str] = Counter()
    for number, student in enumerate(students):
        wall.forward(minutes=HALL["minutes"] / HALL["students"])
        if number % 5 == 0:
            outcomes["wrong once"] += try_in(limited, student.uid, "Mot-de-passe-2019") == "refused"
        key = issue(limited, student.uid)
        if number % 10 in {1, 4, 7}:
            outcomes["mistyped once"] += try_in(limited, student.uid, slip(key)) == "refused"
        if number % 5 == 2:
            outcomes["ask for a key"] += ask(limited, student.uid) == "asked"
        else:
            outcomes["in"] += try_in(limited, student.uid, key) == "in"
    assert outcomes == {name: HALL[name] for name in ("wrong once", "mistyped once", "ask for a key")} | {"in": 320}


def test_five_keys_a_day_are_mailed_exactly_whatever_the_limits_forget(
    portal: Portal, mailbox: Mailbox, slapd: PrivateSlapd, clock: MovingClock
) -> None:
    """It is the entry that says so: another server, or a restarted one, counts the same."""
    for _ in range(8):
        clock.forward(minutes=30)
        portal.request_key("jmartin001")
        portal.outbox.send_handed()
    assert len(mailbox.mails) == 5
    assert len(slapd.search("(uid=jmartin001)", "moncompteSent")[0]["moncompteSent"]) == 5
    assert portal.sign_in("jmartin001", key_in(mailbox.mails[-1])).by is By.KEY  # the last one opens
    clock.forward(hours=21)
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert len(mailbox.mails) == 6


def test_redeeming_a_key_does_not_shorten_the_cool_down(portal: Portal, mailbox: Mailbox, clock: MovingClock) -> None:
    proof = portal.sign_in("jmartin001", mailed_key(portal, mailbox, "jmartin001"))
    portal.redeem_key("jmartin001", proof.mark, NEW_PASSWORD, None)
    portal.outbox.send_handed()
    before = len(mailbox.mails)
    portal.request_key("jmartin001")
    clock.forward(minutes=4, seconds=59)
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert len(mailbox.mails) == before
    clock.forward(seconds=1)
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert len(mailbox.mails) == before + 1


def test_after_a_hundred_wrong_keys_the_right_one_is_dead(portal: Portal, slapd: PrivateSlapd) -> None:
    key = issue(portal, "emercier", Origin.LETTER)
    for _ in range(99):
        portal.directory.count_wrong_key(account(portal, "emercier"))
    session = portal.sign_in("emercier", key)
    with pytest.raises(SignInRefused):
        portal.sign_in("emercier", other_key(key))
    assert slapd.search("(uid=emercier)", "moncompteKeyFailures")[0]["moncompteKeyFailures"] == ["100"]
    with pytest.raises(KeyDead) as told:
        portal.sign_in("emercier", key)
    assert told.value.reason is DeadKeyReason.WORN_OUT
    with pytest.raises(KeyDead):
        portal.redeem_key("emercier", session.mark, NEW_PASSWORD, None)
    assert portal.sign_in("emercier", issue(portal, "emercier")).by is By.KEY


def test_the_hundredth_wrong_key_is_seen_even_in_the_instant_of_the_redeeming(portal: Portal) -> None:
    """Read at 99, then the hundredth comes, then the Modify: the assertion it carries no longer holds."""
    issue(portal, "emercier", Origin.LETTER)
    for _ in range(99):
        portal.directory.count_wrong_key(account(portal, "emercier"))
    as_read = account(portal, "emercier")
    change = portal.judge.change(as_read, NEW_PASSWORD, None)
    portal.directory.count_wrong_key(as_read)
    with pytest.raises(MonCompteError, match="assertionFailed"):
        portal.directory.redeem(as_read, change, portal.now())
    left = account(portal, "emercier").key
    assert left
    assert left.failures == 100


def test_what_slapd_takes_for_the_same_login_is_counted_as_the_same(portal: Portal, slapd: PrivateSlapd) -> None:
    """Or an attacker who varies the way of typing would have a fresh count each time: every letter that has a case, a
    mark, or a look of its own is put in the place of each letter of a login.
    """
    uid = "jmkzsftin001"
    person = f"uid={uid},{slapd.people_dn}"
    student = "objectClass: inetOrgPerson\nobjectClass: eduPerson\neduPersonAffiliation: student\ncn: x\nsn: x\n"
    slapd.add_ldif(f"dn: {person}\n{student}uid: {uid}\n")
    letters = [chr(code) for code in range(0x20, 0x10000) if not 0xD800 <= code <= 0xDFFF]
    odd = [one for one in letters if one.lower() != one or one.upper() != one or unicodedata.category(one)[0] in "MZC"]
    variants = [uid[:place] + letter + uid[place + 1 :] for letter in odd for place in range(1, 9)]
    variants += [uid[:3] + letter + uid[3:] for letter in odd]
    others = [text for text in variants if canonical(text) != uid and candidates(text)]
    assert len(others) > 10_000

    def find(texts: list[str]) -> bool:
        terms = "".join(f"(uid={escape_filter_chars(candidates(text)[0].value)})" for text in texts)
        return bool(portal.directory._operations.search(slapd.people_dn, f"(|{terms})", ["uid"], limit=2))

    assert find([uid.upper()])
    assert [start for start in range(0, len(others), 1000) if find(others[start : start + 1000])] == []
    slapd.run("ldapdelete", *slapd.as_root, person)
