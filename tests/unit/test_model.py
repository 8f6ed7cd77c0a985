"""The nouns answer for themselves, and show no secret."""

import dataclasses
from datetime import UTC, datetime, timedelta

from connector.model import Account, AccountState, By, Change, Origin, PendingKey, Status

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HASH = "{SSHA512}a-hash-that-nobody-should-see"
KEY = PendingKey(HASH, NOW, NOW + timedelta(hours=1), Origin.MAIL)
JEANNE = Account("uid=j,dc=example", "j", "Jeanne", key=KEY, spent_hashes=(HASH,), rescue="j@courriel.example")


def test_neither_hash_nor_password_shows_in_a_repr() -> None:
    assert HASH not in repr(JEANNE)
    assert "trois-pommes" not in repr(Change(password="trois-pommes-42-bleues"))


def test_a_key_is_dead_from_the_second_of_its_expiry_and_without_one() -> None:
    assert not KEY.is_expired(NOW + timedelta(seconds=3599))
    assert KEY.is_expired(NOW + timedelta(hours=1))
    assert PendingKey(HASH, NOW, None, Origin.DESK).is_expired(NOW)


def test_a_mark_fits_until_what_was_proved_changes() -> None:
    for by in By:
        mark = JEANNE.mark(by)
        changed = {
            "state": AccountState(Status.CLOSED, "{COMPTE}S:SupannVerrouille"),
            "rescue": "thief@courriel.example",
            **({"key": None} if by is By.KEY else {"password_changed": "20261122120000Z"}),
        }
        for name, value in changed.items():
            assert dataclasses.replace(JEANNE, **{name: value}).mark(by) != mark, (by, name)
        assert dataclasses.replace(JEANNE, name="Jeanne M.").mark(by) == mark


def test_a_mark_of_the_password_outlives_a_stranger_who_asks_for_a_key() -> None:
    assert dataclasses.replace(JEANNE, key=None).mark(By.PASSWORD) == JEANNE.mark(By.PASSWORD)
