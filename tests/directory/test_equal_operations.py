"""Whoever is named, the directory is asked the same: number, order and kind of operations (DESIGN rule 3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory.operations import Operations
from connector.errors import SignInRefused
from connector.model import Origin
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, issue, other_key, slip

STRANGERS = ["nobody", "", "*", "x" * 500]
SHUT_OUT = ["smoreau", "vgarnier", "ileroux", "bdubois"]
EVERYBODY = ["jmartin001", "emercier", "nfaure", "zpetit", "rbenali", "tlambert", *SHUT_OUT, *STRANGERS]


@pytest.fixture
def asked(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that the directory is asked for, as they go through; of a Modify, its attributes too."""
    seen: list[str] = []

    def spy(name: str) -> None:
        operation = getattr(Operations, name)

        def call(*arguments: object, **named: object) -> object:
            changed = arguments[2] if name == "modify" else {}
            shape = sorted(set(changed) - {"objectClass"}) if isinstance(changed, dict) else []
            seen.append(" ".join([name, *shape]))
            return operation(*arguments, **named)

        monkeypatch.setattr(Operations, name, call)

    for name in ("search", "modify", "compares", "binds"):
        spy(name)
    return seen


def trace(asked: list[str], act: Callable[[], object]) -> list[str]:
    asked.clear()
    act()
    return list(asked)


def refused(portal: Portal, uid: str, secret: str) -> None:
    with pytest.raises(SignInRefused):
        portal.sign_in(uid, secret)


def test_asking_for_a_key_is_one_search_and_one_modify_of_one_shape_for_everybody(
    portal: Portal, asked: list[str]
) -> None:
    issue(portal, "emercier", Origin.LETTER)
    traces = {uid: trace(asked, lambda uid=uid: portal.request_key(uid)) for uid in EVERYBODY}  # type: ignore[misc]
    traces["cooling down"] = trace(asked, lambda: portal.request_key("jmartin001"))
    assert len({tuple(steps) for steps in traces.values()}) == 1, traces
    assert [step.split()[0] for step in traces["nobody"]] == ["search", "modify"]


@pytest.mark.parametrize(
    ("secret", "steps"),
    [
        ("not the password", ["search", "binds"]),
        (slip(other_key("")), ["search", "binds"]),
        (other_key(""), ["search", "binds", "modify"]),
    ],
    ids=["wrong password", "mistyped key", "wrong key"],
)
def test_a_refused_sign_in_costs_the_same_for_everybody(
    portal: Portal, asked: list[str], secret: str, steps: list[str]
) -> None:
    issue(portal, "emercier", Origin.LETTER)
    issue(portal, "rbenali", Origin.DESK)
    traces = {uid: trace(asked, lambda uid=uid: refused(portal, uid, secret)) for uid in EVERYBODY}  # type: ignore[misc]
    assert len({tuple(taken) for taken in traces.values()}) == 1, traces
    assert [step.split()[0] for step in traces["nobody"]] == steps


def test_the_right_password_of_somebody_shut_out_costs_what_a_wrong_one_does(portal: Portal, asked: list[str]) -> None:
    for uid in SHUT_OUT:
        assert trace(asked, lambda uid=uid: refused(portal, uid, PASSWORD)) == ["search", "binds"]  # type: ignore[misc]


def test_somebody_whom_the_password_policy_locked_costs_the_hashing_that_everybody_costs(
    portal: Portal, slapd: PrivateSlapd, clock: MovingClock, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """slapd refuses a locked account before it hashes, in no time; so the decoy is bound to, until the lock is over."""
    for _ in range(10):
        refused(portal, "lroy", "not the password")
    locked_since = account(portal, "lroy").locked_since
    assert locked_since
    bound: list[object] = []
    binds = Operations.binds
    monkeypatch.setattr(Operations, "binds", lambda *facts: bound.append(facts[1]) or binds(*facts))
    clock.instant = locked_since + timedelta(seconds=899)
    assert trace(asked, lambda: refused(portal, "lroy", PASSWORD)) == trace(
        asked, lambda: refused(portal, "nobody", "x")
    )
    assert bound == [slapd.decoy_dn] * 2
    clock.forward(seconds=1)
    refused(portal, "lroy", PASSWORD)  # by slapd, whose clock stood still: but it is asked again
    assert bound[-1] == account(portal, "lroy").dn


def test_who_had_five_mails_today_costs_what_everybody_costs(
    portal: Portal, mailbox: Mailbox, clock: MovingClock, asked: list[str]
) -> None:
    for _ in range(5):
        portal.request_key("jmartin001")
        clock.forward(minutes=6)
    assert trace(asked, lambda: portal.request_key("jmartin001")) == trace(asked, lambda: portal.request_key("nobody"))
