"""An operator who is curious, or bribed, with a session and a second factor that are right: how far they get."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from connector.demo.slapd import PrivateSlapd
from connector.errors import ActRefused, ChangeRefused, Obstacle, Throttled
from connector.helpdesk import HelpDesk
from connector.portal import Portal
from tests.directory.test_helpdesk import ACTS, AT_THE_COUNTER, LOST, operator, refused
from tests.portal_fixtures import MovingClock, account, audited

MOST_LOOKS = 60  # in ten minutes: [throttle] desk_searches_per_operator
MOST_KEYS = 10  # in an hour: [desk] keys_per_hour
LOOKS = {
    "look": lambda desk, karim, uid: desk.look(karim, uid, AT_THE_COUNTER),
    "reveal": lambda desk, karim, uid: desk.reveal(karim, uid, LOST, AT_THE_COUNTER),
}


def times_until_refused(act: Callable[[int], object]) -> int:
    """How often it could be done, whether anybody was found or not."""
    for turn in range(2 * MOST_LOOKS):
        try:
            act(turn)
        except ActRefused:
            continue
        except Throttled:
            return turn
    raise AssertionError("nothing stops them")


@pytest.mark.parametrize("name", [*LOOKS, *ACTS])
def test_going_through_the_numbers_ends_like_searching(limited: Portal, name: str, audit_file: Path) -> None:
    desk, karim = HelpDesk(limited), operator(limited, "kdesk")
    act = (LOOKS | ACTS)[name]
    assert times_until_refused(lambda turn: act(desk, karim, f"{32500000 + turn}")) == MOST_LOOKS
    line = audited(audit_file)[-1]
    assert (line["outcome"], line["reason"]) == ("refused", "too-many-desk-searches-per-operator")
    assert (line["actor"], line["account"]) == ("kdesk", None)
    assert "32500000" not in audit_file.read_text(encoding="utf-8")


def test_searching_and_opening_share_one_count(limited: Portal) -> None:
    desk, karim = HelpDesk(limited), operator(limited, "kdesk")
    for _turn in range(MOST_LOOKS // 2):
        desk.search(karim, "xavier personne", AT_THE_COUNTER)
    assert times_until_refused(lambda turn: desk.look(karim, f"x{turn}", AT_THE_COUNTER)) == MOST_LOOKS // 2


def test_who_was_found_alone_or_opened_already_costs_nothing_more(limited: Portal) -> None:
    desk, karim = HelpDesk(limited), operator(limited, "kdesk")
    desk.search(karim, "jeanne martin", AT_THE_COUNTER)
    for _turn in range(MOST_LOOKS):
        desk.look(karim, "jmartin001", AT_THE_COUNTER)
    assert times_until_refused(lambda turn: desk.look(karim, f"x{turn}", AT_THE_COUNTER)) == MOST_LOOKS - 1
    assert desk.look(karim, "jmartin001", AT_THE_COUNTER)
    with pytest.raises(Throttled):
        desk.look(karim, "emercier", AT_THE_COUNTER)
    assert desk.look(operator(limited, "sroux"), "emercier", AT_THE_COUNTER)  # a colleague has a count of their own


def test_an_address_gives_an_account_away_as_a_key_does_and_counts_as_one(
    portal: Portal, clock: MovingClock, audit_file: Path
) -> None:
    """Or a bribed operator would set their own address for everybody, and ask for the keys from home."""
    desk, karim = HelpDesk(portal), operator(portal, "kdesk")

    def turn_over(turn: int) -> object:
        uid = ("zpetit", "emercier")[turn % 2]
        return desk.set_rescue(karim, uid, f"mine{turn}@home.example.org", LOST, AT_THE_COUNTER)

    desk.issue_key(karim, "nfaure", LOST, AT_THE_COUNTER)
    assert times_until_refused(turn_over) == MOST_KEYS - 1
    line = audited(audit_file)[-1]
    assert (line["event"], line["reason"]) == ("operator:rescue:set", "too-many-keys-an-hour")
    before = account(portal, "emercier")
    with pytest.raises(Throttled):
        desk.set_rescue(karim, "emercier", "mine@home.example.org", LOST, AT_THE_COUNTER)
    assert account(portal, "emercier") == before
    clock.forward(hours=1)
    assert desk.set_rescue(karim, "emercier", "mine@home.example.org", LOST, AT_THE_COUNTER)


def test_an_address_that_is_refused_costs_no_turn(portal: Portal) -> None:
    desk, karim = HelpDesk(portal), operator(portal, "kdesk")
    for typed in ("jeanne@", "jeanne@universite.example"):
        with pytest.raises(ChangeRefused):
            desk.set_rescue(karim, "jmartin001", typed, LOST, AT_THE_COUNTER)
    same = account(portal, "jmartin001").rescue or ""
    assert refused(lambda: desk.set_rescue(karim, "jmartin001", same, LOST, AT_THE_COUNTER)) is Obstacle.SAME_ADDRESS
    assert operator(portal, "kdesk").issued == ()


def test_a_colleagues_or_a_shut_persons_address_is_not_shown_in_full(
    portal: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    desk, karim = HelpDesk(portal), operator(portal, "kdesk")
    add = f"dn: {people['jmartin001']}\nchangetype: modify\nadd: objectClass\nobjectClass: moncompteOperator\n"
    slapd.run("ldapmodify", *slapd.as_root, text=add)
    for uid, why in {"jmartin001": Obstacle.OPERATOR, "smoreau": Obstacle.SHUT}.items():
        assert refused(lambda uid=uid: desk.reveal(karim, uid, LOST, AT_THE_COUNTER)) is why  # type: ignore[misc]
