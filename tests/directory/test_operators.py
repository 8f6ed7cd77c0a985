"""The second factor at the desk's door: what opens, once, on whichever portal; and what a stranger learns, nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr

from connector import keys
from connector.audit import Event
from connector.demo.slapd import PrivateSlapd
from connector.directory.operations import Operations
from connector.directory.operators import Operators
from connector.errors import FactorRefused, MonCompteError, SessionStale, SignInRefused, Throttled
from connector.model import Operator
from connector.operators import RECOVERY_CODES, SHUT_AFTER
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.desk_steps import Phone, offer
from tests.portal_fixtures import MovingClock, audited
from tests.web.steps import write

PortalWith = Callable[..., Portal]
STRANGERS = ["nobody", "", "*", "x" * 500, "jmartin001", "bdubois"]


@pytest.fixture
def other(settings: Settings, people: dict[str, str], clock: MovingClock) -> Iterator[Portal]:
    """A second portal over the same directory, with a memory of its own."""
    portal = Portal(settings, clock)
    yield portal
    portal.stop()


@pytest.fixture
def phone(portal: Portal, clock: MovingClock) -> Phone:
    """The authenticator of kdesk, enrolled half a minute ago."""
    return enrolled(portal, clock, "kdesk")


@pytest.fixture
def portal_with(settings: Settings, people: dict[str, str], clock: MovingClock) -> Iterator[PortalWith]:
    """A portal whose operators' secrets are sealed with these keys."""
    with ExitStack() as opened:

        def make(*several: str) -> Portal:
            desk = settings.desk.model_copy(update={"totp_key": SecretStr("\n".join(several))})
            portal = Portal(settings.model_copy(update={"desk": desk}), clock)
            opened.callback(portal.stop)
            return portal

        yield make


def enrolled(portal: Portal, clock: MovingClock, login: str) -> Phone:
    """Enrol ``login``; the code that did it is gone by now."""
    begun = portal.desk_door.begin_enrolment(login, PASSWORD, offer(portal, login))
    link = portal.desk_door.enrolment(login, begun.enrolment_mark).link
    phone = Phone(login, link, clock, [])
    _operator, phone.recovery_codes = portal.desk_door.enrol(login, begun.enrolment_mark, phone.code())
    clock.forward(seconds=30)
    return phone


def sign_in(portal: Portal, phone: Phone, code: str | None = None) -> Operator:
    return portal.desk_door.sign_in(phone.login, PASSWORD, phone.code() if code is None else code)


def why_refused(act: Callable[[], object]) -> str:
    """The word for the audit of a sign-in that must be refused."""
    with pytest.raises(SignInRefused) as refused:
        act()
    return refused.value.word


def both(act: Callable[[Portal], object], *portals: Portal) -> list[object]:
    """What each thread got, or its error."""

    def tried(portal: Portal) -> object:
        try:
            return act(portal)
        except MonCompteError as error:
            return error.word

    with ThreadPoolExecutor(len(portals)) as pool:
        return list(pool.map(tried, portals))


def at_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Hold the first two calls of that write back until both are there."""
    method, barrier, waiting = getattr(Operators, name), Barrier(2, timeout=30), [1, 2]

    def call(operators: Operators, *facts: Any) -> object:
        if waiting:
            waiting.pop()
            barrier.wait()
        return method(operators, *facts)

    monkeypatch.setattr(Operators, name, call)


def found(portal: Portal, login: str = "kdesk") -> Operator:
    operator = portal.directory.operators.find(login)
    assert operator
    return operator


# Codes


def test_password_and_code_open(portal: Portal, phone: Phone, audit_file: Path) -> None:
    operator = sign_in(portal, phone)
    assert (operator.uid, operator.serves_everybody) == ("kdesk", True)
    line = audited(audit_file)[-1]
    assert (line["event"], line["outcome"], line["actor"], line["by"]) == (
        "operator:session:open",
        "done",
        "kdesk",
        "totp",
    )


def test_who_is_of_a_component_alone_does_not_serve_everybody(portal: Portal, clock: MovingClock) -> None:
    operator = sign_in(portal, enrolled(portal, clock, "sroux"))
    assert (operator.serves_everybody, operator.components) == (False, ("UFR-LETTRES",))


def test_a_code_opens_once_on_whichever_portal(portal: Portal, other: Portal, phone: Phone) -> None:
    """RFC 6238 §5.2: whoever looked over a shoulder has half a minute."""
    code = phone.code()
    sign_in(portal, phone, code)
    for one in (portal, other):
        assert why_refused(lambda one=one: sign_in(one, phone, code)) == "replayed-code"  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_of_two_portals_that_are_given_one_code_in_one_instant_one_opens(
    portal: Portal, other: Portal, phone: Phone, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    code = phone.code() if kind == "totp" else phone.recovery_codes[0]
    at_once(monkeypatch, "use_step" if kind == "totp" else "use_recovery_code")
    ended = both(lambda one: sign_in(one, phone, code).uid, portal, other)
    assert sorted(map(str, ended)) == ["kdesk", "replayed-code"]


def test_the_code_that_enrolled_opens_nothing_more(portal: Portal, clock: MovingClock) -> None:
    phone = enrolled(portal, clock, "kdesk")
    clock.forward(seconds=-30)
    assert why_refused(lambda: sign_in(portal, phone)) == "replayed-code"


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(portal: Portal, clock: MovingClock, phone: Phone, steps: int, opens: bool) -> None:
    clock.forward(minutes=5)
    if opens:
        assert sign_in(portal, phone, phone.code(steps)).uid == "kdesk"
    else:
        assert why_refused(lambda: sign_in(portal, phone, phone.code(steps))) == "wrong-code"


def test_no_older_code_opens_after_a_newer_one(portal: Portal, clock: MovingClock, phone: Phone) -> None:
    clock.forward(minutes=5)
    sign_in(portal, phone, phone.code(1))
    for steps in (-1, 0, 1):
        assert why_refused(lambda steps=steps: sign_in(portal, phone, phone.code(steps))) == "replayed-code"  # type: ignore[misc]


def test_a_code_is_read_as_people_type_it(portal: Portal, phone: Phone) -> None:
    code = phone.code()
    assert sign_in(portal, phone, f" {code[:3]}\u202f{code[3:]} ").uid == "kdesk"


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "000000000000000000000000", "\x00", "١٢٣٤٥٦", "\ud800"])
def test_what_is_no_code_opens_nothing(portal: Portal, phone: Phone, code: str) -> None:
    assert why_refused(lambda: sign_in(portal, phone, code)) == "wrong-code"


def wrong(phone: Phone) -> str:
    """Six digits that are not a code anywhere near."""
    near = {phone.code(steps) for steps in range(-3, 4)}
    return next(
        code
        for code in ("000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777")
        if code not in near
    )


def test_wrong_codes_are_counted_across_portals_and_shut_the_factor(
    portal: Portal, other: Portal, phone: Phone, clock: MovingClock
) -> None:
    for number in range(SHUT_AFTER):
        assert (
            why_refused(lambda number=number: sign_in([portal, other][number % 2], phone, wrong(phone))) == "wrong-code"
        )  # type: ignore[misc]
    clock.forward(days=30)
    for one in (portal, other):
        assert why_refused(lambda one=one: sign_in(one, phone)) == "second-factor-shut"  # type: ignore[misc]
        assert why_refused(lambda one=one: sign_in(one, phone, phone.recovery_codes[0])) == "second-factor-shut"  # type: ignore[misc]
    assert found(portal).failures == SHUT_AFTER
    assert sign_in(portal, enrolled(portal, clock, "kdesk")).uid == "kdesk"


def test_a_right_code_forgives_the_wrong_ones(portal: Portal, other: Portal, phone: Phone) -> None:
    for _number in range(SHUT_AFTER - 1):
        why_refused(lambda: sign_in(portal, phone, wrong(phone)))
    sign_in(other, phone)
    assert found(portal).failures == 0


def test_wrong_codes_in_one_instant_each_count(
    portal: Portal, other: Portal, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(monkeypatch, "count_failure")
    assert both(lambda one: sign_in(one, phone, wrong(phone)), portal, other) == ["wrong-code"] * 2
    assert found(portal).failures == 2


def test_who_does_not_know_the_password_shuts_nobody_out(portal: Portal, phone: Phone) -> None:
    for _number in range(SHUT_AFTER + 1):
        assert why_refused(lambda: portal.desk_door.sign_in("kdesk", "not the password", "000000"))
    assert found(portal).failures == 0


def test_a_recovery_code_opens_once_and_leaves_the_others(portal: Portal, other: Portal, phone: Phone) -> None:
    code = phone.recovery_codes[0].lower().replace("-", " ")
    assert sign_in(portal, phone, code).uid == "kdesk"
    assert why_refused(lambda: sign_in(other, phone, code)) == "wrong-code"
    assert len(found(portal).recovery_hashes) == RECOVERY_CODES - 1
    assert sign_in(other, phone, phone.recovery_codes[1]).uid == "kdesk"


def test_anothers_recovery_code_opens_nothing(portal: Portal, phone: Phone, clock: MovingClock) -> None:
    theirs = enrolled(portal, clock, "sroux").recovery_codes[0]
    assert why_refused(lambda: sign_in(portal, phone, theirs)) == "wrong-code"


def test_a_secret_copied_to_anothers_entry_opens_nothing(
    portal: Portal, slapd: PrivateSlapd, phone: Phone, clock: MovingClock
) -> None:
    """Whoever may write the attribute still makes nobody an operator who has the other's phone."""
    enrolled(portal, clock, "sroux")
    write(slapd, "sroux", "moncompteTotpSecret", found(portal).totp)
    theirs = Phone("sroux", phone.link, clock, [])
    assert why_refused(lambda: sign_in(portal, theirs)) == "second-factor-unreadable"


def test_the_directory_keeps_no_secret_that_opens(portal: Portal, slapd: PrivateSlapd, phone: Phone) -> None:
    kept = str(slapd.search("(uid=kdesk)", "*", "+"))
    assert not any(one in kept for one in (phone.secret, *phone.recovery_codes))


def test_a_new_key_enciphers_and_the_old_one_still_opens(
    settings: Settings, phone: Phone, clock: MovingClock, portal_with: PortalWith
) -> None:
    fresh, old = keys.random_secret() + keys.random_secret(), settings.desk.totp_key.get_secret_value()
    rotated = portal_with(fresh, old)
    assert sign_in(rotated, phone).uid == "kdesk"
    clock.forward(minutes=1)
    assert why_refused(lambda: sign_in(portal_with(fresh), phone)) == "second-factor-unreadable"
    assert sign_in(portal_with(fresh), enrolled(rotated, clock, "sroux")).uid == "sroux"


# Who is refused, and what that tells


def test_who_is_in_no_group_is_no_operator(
    portal: Portal, slapd: PrivateSlapd, people: dict[str, str], audit_file: Path
) -> None:
    slapd.add_ldif(f"dn: {people['bdubois']}\nchangetype: modify\nadd: objectClass\nobjectClass: moncompteOperator\n")
    assert why_refused(lambda: portal.desk_door.sign_in("bdubois", PASSWORD, "000000")) == "no-member"
    line = audited(audit_file)[-1]
    assert (line["outcome"], line["reason"], line["account"]) == ("refused", "no-member", "bdubois")


def test_who_is_in_the_group_and_not_enrolled_does_not_get_in(portal: Portal) -> None:
    assert why_refused(lambda: portal.desk_door.sign_in("kdesk", PASSWORD, "000000")) == "not-enrolled"
    assert why_refused(lambda: portal.desk_door.sign_in("kdesk", PASSWORD, "")) == "not-enrolled"


def test_a_suspended_operator_does_not_get_in(portal: Portal, slapd: PrivateSlapd, phone: Phone) -> None:
    write(slapd, "kdesk", "pwdAccountLockedTime", "000001010000Z", "-e", "relax")
    assert why_refused(lambda: sign_in(portal, phone)) == "locked"


@pytest.fixture
def operations(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the directory is asked, as it goes through."""
    seen: list[str] = []
    for name in ("search", "modify", "compares", "binds"):
        operation = getattr(Operations, name)

        def call(*facts: Any, operation: Any = operation, name: str = name, **named: Any) -> object:
            seen.append(name)
            return operation(*facts, **named)

        monkeypatch.setattr(Operations, name, call)
    return seen


@pytest.mark.parametrize("page", ["sign in", "enrol"])
def test_a_refusal_costs_the_same_for_everybody(
    portal: Portal, slapd: PrivateSlapd, clock: MovingClock, operations: list[str], page: str
) -> None:
    """Nobody learns by it who works at the desk."""
    enrolled(portal, clock, "sroux")
    door = portal.desk_door
    act = door.sign_in if page == "sign in" else door.begin_enrolment
    traces = {}
    for login in ("kdesk", "sroux", *STRANGERS):
        operations.clear()
        why_refused(lambda login=login: act(login, "not the password", "000000"))  # type: ignore[misc]
        traces[login] = list(operations)
    write(slapd, "kdesk", "pwdAccountLockedTime", "000001010000Z", "-e", "relax")
    operations.clear()
    why_refused(lambda: act("kdesk", PASSWORD, "000000"))
    traces["locked"] = list(operations)
    assert set(map(tuple, traces.values())) == {("search", "binds")}, traces


def test_too_many_tries_are_refused_before_anybody_is_looked_up(limited: Portal, clock: MovingClock) -> None:
    for login in ("kdesk", "nobody"):
        with pytest.raises(Throttled):
            for _number in range(50):
                why_refused(lambda login=login: limited.desk_door.sign_in(login, "not the password", "0"))  # type: ignore[misc]


def test_the_desks_door_and_the_students_count_apart(limited: Portal) -> None:
    """Whoever hammers at one does not shut the other."""
    with pytest.raises(Throttled):
        for _number in range(50):
            why_refused(lambda: limited.desk_door.sign_in("jmartin001", "not the password", "0"))
    assert limited.sign_in("jmartin001", PASSWORD).account.uid == "jmartin001"


# Enrolling


def test_an_enrolment_code_serves_once(portal: Portal, other: Portal, clock: MovingClock) -> None:
    code = offer(portal, "kdesk")
    begun = portal.desk_door.begin_enrolment("kdesk", PASSWORD, code)
    assert begun.enrolment_mark == other.desk_door.begin_enrolment("kdesk", PASSWORD, code).enrolment_mark
    phone = Phone("kdesk", other.desk_door.enrolment("kdesk", begun.enrolment_mark).link, clock, [])
    portal.desk_door.enrol("kdesk", begun.enrolment_mark, phone.code())
    for one in (portal, other):
        with pytest.raises(SessionStale):
            one.desk_door.enrol("kdesk", begun.enrolment_mark, phone.next_code())
        assert (
            why_refused(lambda one=one: one.desk_door.begin_enrolment("kdesk", PASSWORD, code))
            == "no-enrolment-offered"
        )  # type: ignore[misc]


def test_of_two_windows_that_enrol_in_one_instant_one_does(
    portal: Portal, other: Portal, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = portal.desk_door.begin_enrolment("kdesk", PASSWORD, offer(portal, "kdesk"))
    phone = Phone("kdesk", portal.desk_door.enrolment("kdesk", begun.enrolment_mark).link, clock, [])
    at_once(monkeypatch, "enrol")
    ended = both(lambda one: one.desk_door.enrol("kdesk", begun.enrolment_mark, phone.code())[1], portal, other)
    assert ended.count("session-stale") == 1
    (codes,) = (codes for codes in ended if isinstance(codes, list))
    assert (
        sum(any(keys.verify(code.replace("-", ""), one) for one in found(portal).recovery_hashes) for code in codes)
        == 8
    )


@pytest.mark.parametrize("late", ["at the door", "before the QR code", "with the code typed"])
def test_an_enrolment_code_expires(portal: Portal, clock: MovingClock, late: str) -> None:
    code = offer(portal, "kdesk", hours=24)
    clock.forward(hours=23, minutes=59, seconds=59)
    begun = portal.desk_door.begin_enrolment("kdesk", PASSWORD, code)
    phone = Phone("kdesk", portal.desk_door.enrolment("kdesk", begun.enrolment_mark).link, clock, [])
    clock.forward(seconds=1)
    if late == "at the door":
        assert why_refused(lambda: portal.desk_door.begin_enrolment("kdesk", PASSWORD, code)) == "no-enrolment-offered"
    else:
        act = portal.desk_door.enrolment if late == "before the QR code" else portal.desk_door.enrol
        with pytest.raises(SessionStale):
            act("kdesk", begun.enrolment_mark, *([phone.code()] if late == "with the code typed" else []))
    assert not found(portal).is_enrolled


def test_an_enrolment_code_is_its_owners_alone(portal: Portal) -> None:
    theirs = offer(portal, "sroux")
    offer(portal, "kdesk")
    assert why_refused(lambda: portal.desk_door.begin_enrolment("kdesk", PASSWORD, theirs)) == "wrong-code"
    assert (
        why_refused(lambda: portal.desk_door.begin_enrolment("sroux", "not the password", theirs)) == "wrong-password"
    )


def test_a_newer_enrolment_code_ends_the_older(portal: Portal) -> None:
    older = offer(portal, "kdesk")
    begun = portal.desk_door.begin_enrolment("kdesk", PASSWORD, older)
    offer(portal, "kdesk")
    assert why_refused(lambda: portal.desk_door.begin_enrolment("kdesk", PASSWORD, older)) == "wrong-code"
    with pytest.raises(SessionStale):
        portal.desk_door.enrolment("kdesk", begun.enrolment_mark)


def test_a_wrong_first_code_writes_nothing(portal: Portal, slapd: PrivateSlapd, clock: MovingClock) -> None:
    begun = portal.desk_door.begin_enrolment("kdesk", PASSWORD, offer(portal, "kdesk"))
    phone = Phone("kdesk", portal.desk_door.enrolment("kdesk", begun.enrolment_mark).link, clock, [])
    before = slapd.search("(uid=kdesk)", "*", "+")
    with pytest.raises(FactorRefused):
        portal.desk_door.enrol("kdesk", begun.enrolment_mark, wrong(phone))
    assert slapd.search("(uid=kdesk)", "*", "+") == before


# In the session


def test_a_step_up_uses_a_code_of_its_own(portal: Portal, phone: Phone, audit_file: Path) -> None:
    code = phone.code()
    operator = sign_in(portal, phone, code)
    with pytest.raises(FactorRefused):
        portal.desk_door.confirm("kdesk", operator.mark, code)
    portal.desk_door.confirm("kdesk", operator.mark, phone.next_code())
    ended = [
        (line["outcome"], line["reason"])
        for line in audited(audit_file)
        if line["event"] == Event.OPERATOR_CONFIRMED.value
    ]
    assert ended == [("refused", "replayed-code"), ("done", "")]


def test_wrong_codes_in_a_stolen_session_are_counted_with_the_others(portal: Portal, phone: Phone) -> None:
    operator = sign_in(portal, phone)
    for _number in range(SHUT_AFTER):
        with pytest.raises(FactorRefused):
            portal.desk_door.confirm("kdesk", operator.mark, wrong(phone))
    with pytest.raises(FactorRefused) as refused:
        portal.desk_door.confirm("kdesk", operator.mark, phone.next_code())
    assert refused.value.word == "second-factor-shut"


def test_signing_out_on_one_portal_ends_the_session_on_the_other(portal: Portal, other: Portal, phone: Phone) -> None:
    operator = sign_in(portal, phone)
    assert other.desk_door.revisit("kdesk", operator.mark).uid == "kdesk"
    portal.desk_door.sign_out("kdesk", operator.mark)
    with pytest.raises(SessionStale):
        other.desk_door.revisit("kdesk", operator.mark)


def test_no_code_and_no_secret_is_told_to_the_audit(portal: Portal, phone: Phone, audit_file: Path) -> None:
    typed = [phone.code(), wrong(phone)]
    sign_in(portal, phone, typed[0])
    why_refused(lambda: sign_in(portal, phone, typed[1]))
    why_refused(lambda: portal.desk_door.sign_in("typed-as-a-login", PASSWORD, typed[0]))
    told = audit_file.read_text()
    facts = [str(value) for line in audited(audit_file) for name, value in line.items() if name != "request"]
    assert not set(typed) & set(facts)
    assert not any(secret in told for secret in (*phone.recovery_codes, PASSWORD, "typed-as-a-login"))
