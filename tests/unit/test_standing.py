"""How an account stands: the bounds of days, of a day's mails, of a rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from connector.model import Account, AccountState, By, Status
from connector.settings import Keys
from connector.standing import Hindrance, mails_of_the_day, standing

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RULES = Keys(mails_a_day=2, cooldown_seconds=300)
REST_SECONDS = 900
JEANNE = Account("uid=j,dc=example", "j", "Jeanne", rescue="j@courriel.example")


def mailed(*hours: float) -> Account:
    """Keys were mailed so many hours ago."""
    return replace(JEANNE, keys_mailed=tuple(sorted(NOW - timedelta(hours=each) for each in hours)))


@pytest.mark.parametrize(
    ("since", "until", "hindrances"),
    [
        (date(2026, 11, 22), date(2026, 11, 22), ()),
        (date(2026, 11, 23), None, (Hindrance.NOT_BEGUN,)),
        (None, date(2026, 11, 21), (Hindrance.ENDED,)),
    ],
)
def test_a_state_holds_on_its_first_day_and_on_its_last(
    since: date | None, until: date | None, hindrances: tuple[Hindrance, ...]
) -> None:
    account = replace(JEANNE, state=AccountState(Status.ACTIVE, since=since, until=until))
    found = standing(account, NOW, RULES, REST_SECONDS)
    assert (found.hindrances, found.ways) == (hindrances, () if hindrances else (By.PASSWORD,))


def test_a_mail_counts_for_a_day_and_one_from_the_future_for_none() -> None:
    """A clock that ran ahead must not shut anybody out."""
    account = mailed(24, 23.9, -1)
    assert mails_of_the_day(account, NOW) == [NOW - timedelta(hours=23.9)]
    assert standing(account, NOW, RULES, REST_SECONDS).may_ask == NOW


def test_after_a_days_mails_the_next_waits_for_the_last_but_so_many_also_where_there_were_more() -> None:
    """The number of a day may have been lowered since."""
    found = standing(mailed(20, 10, 5), NOW, RULES, REST_SECONDS)
    assert found.hindrances == (Hindrance.ENOUGH_TODAY,)
    assert found.may_ask == NOW + timedelta(hours=14)  # when that of ten hours ago is a day old: one is left then
