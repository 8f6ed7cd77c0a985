"""The limits' own machinery: what counts as one source, what is remembered, what happens when the storage is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from connector import counters, limits
from connector.counters import Counter, Counters, Memory
from connector.errors import KeyMistyped, SettingsInvalid, SignInRefused, Throttled
from connector.limits import Limit, Window
from connector.settings import Throttle as ThrottleSettings
from connector.throttle import Throttle, network
from tests.storage import shared_storage

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("source", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", "unknown"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_a_source_is_an_address_or_a_network_of_ipv6(source: str, counted_as: str) -> None:
    assert network(source) == counted_as


def fail(limits: Throttle, identifier: str = "jmartin001", source: str = "192.0.2.7") -> None:
    with pytest.raises((SignInRefused, Throttled)), limits.try_to_sign_in(source, identifier, "wrong"):
        raise SignInRefused


def is_full(limits: Throttle, identifier: str = "jmartin001", source: str = "192.0.2.7") -> bool:
    """Whether the next try is stopped; it is counted, but as nobody's failure."""
    try:
        with limits.try_to_sign_in(source, identifier, "wrong"):
            raise KeyMistyped
    except KeyMistyped:
        return False
    except Throttled:
        return True


def test_a_flood_of_identifiers_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were idle longest go first: whoever is being attacked now stays counted."""
    monkeypatch.setattr(counters, "_MOST_KEPT", 500)
    limits = Throttle(ThrottleSettings(sign_in_in_all="1000000/second", sign_in_failures_per_source="9999/day"), SECRET)
    for _ in range(5):
        fail(limits, "jmartin001")
    for number in range(1000):
        fail(limits, f"student{number}")
        if number % 50 == 0:
            assert is_full(limits, "jmartin001")
    assert len(kept(limits)) <= 500


def kept(limits: Throttle) -> dict[str, list[float]]:
    return limits._counters.own.kept


def test_no_login_and_no_ine_lies_about_in_the_counters() -> None:
    limits = Throttle(ThrottleSettings(), SECRET)
    fail(limits, "jmartin001")
    fail(limits, "110000003AB")
    names = str(list(kept(limits))).lower()
    assert names
    assert "jmartin001" not in names
    assert "110000003ab" not in names
    other = Throttle(ThrottleSettings(), SECRET[::-1])
    fail(other, "jmartin001")
    fail(other, "110000003AB")
    shared_names = set(kept(limits)) & set(kept(other))
    assert all("identifier" not in name for name in shared_names)  # without the secret nobody finds out whose they are


def test_a_try_that_another_thread_counts_meanwhile_stays_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between asking for the lock and getting it; instants from the future are dropped, since clocks are set back."""
    now, memory, window = 100.0, Memory(), Window("one", Limit(10, 60))
    really = memory._lock

    @contextmanager
    def overtaken() -> Iterator[None]:
        nonlocal now
        memory._lock = really
        now += 1
        memory.take([window], [])
        with really:
            yield

    monkeypatch.setattr(counters, "wall_seconds", lambda: now)
    memory._lock = overtaken()  # type: ignore[assignment]
    memory.take([window], [])
    assert memory.kept[window.name] == [101.0, 101.0]


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[str]:
    """The URL of a storage that several processes share."""
    with shared_storage(tmp_path) as url:
        yield url


def test_two_processes_with_one_storage_count_together(shared: str) -> None:
    settings = ThrottleSettings(storage=SecretStr(shared))
    one, other = Throttle(settings, SECRET), Throttle(settings, SECRET)
    for portal in (one, other, one, other, one):
        assert not is_full(portal)
    assert is_full(one)
    assert is_full(other)


def test_a_right_proof_forgives_in_the_shared_storage_too(shared: str) -> None:
    limits = Throttle(ThrottleSettings(storage=SecretStr(shared)), SECRET)
    for _ in range(4):
        fail(limits)
    with limits.try_to_sign_in("192.0.2.7", "jmartin001", "right"):
        pass
    for _ in range(4):
        fail(limits)
    assert not is_full(limits)


def test_two_portals_with_one_storage_know_of_an_attack_and_of_each_others_tickets(shared: str) -> None:
    settings = ThrottleSettings(storage=SecretStr(shared), assistance_at_ease="1/hour")
    one, other = Throttle(settings, SECRET), Throttle(settings, SECRET)
    assert one.is_first_use("ticket")
    assert not other.is_first_use("ticket")
    one.forget_use("ticket")
    assert other.is_first_use("ticket")
    assert other.is_at_ease
    one.ask_for_help("192.0.2.7")
    assert not other.is_at_ease


def test_while_the_storage_does_not_answer_each_process_counts_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    """Limits that only hold in one process are better than none, and than a portal that stops."""
    nowhere = SecretStr("valkey://:a-password@127.0.0.1:1/0")
    limits = Throttle(ThrottleSettings(storage=nowhere), SECRET)
    for _ in range(5):
        assert not is_full(limits)
    assert is_full(limits)
    assert [record.getMessage() for record in caplog.records] == [
        "[throttle] storage does not answer, limits are counted here: ConnectionError"
    ]


def test_a_storage_that_is_back_is_used_again(shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 0.0
    monkeypatch.setattr(counters, "elapsed_seconds", lambda: seconds)
    limits = Throttle(ThrottleSettings(storage=SecretStr(shared)), SECRET)
    monkeypatch.setattr(limits._counters, "_lost_at", seconds)
    for _ in range(5):
        fail(limits)  # counted here
    assert is_full(limits)
    seconds = 10.1
    assert not is_full(limits)  # counted there


@pytest.mark.parametrize(
    "url", ["redis://h:99999999/0", "rediss://localhost:notaport/0", "redis://127.0.0.1:1/0?foo=bar"]
)
def test_a_storage_that_no_client_could_use_is_told_at_once(url: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"\[throttle\] storage: cannot be used"):
        Throttle(ThrottleSettings(storage=SecretStr(url)), SECRET)


@pytest.fixture(params=["memory", "shared"])
def counts(request: pytest.FixtureRequest) -> Counters:
    """Counters in either place, which must count alike."""
    return Counters("memory://" if request.param == "memory" else request.getfixturevalue("shared"))


def test_what_one_act_counts_is_counted_in_all_of_its_windows_or_in_none(counts: Counters) -> None:
    """Or whoever is full here would fill up somebody else's count there."""
    small, large, watched = (Counter(word, limits.read(f"{word}/day"), "key") for word in ("2", "5", "1"))
    for _turn in range(2):
        counts.take([large, small])
    with pytest.raises(Throttled) as stopped:
        counts.take([large, small])
    assert stopped.value.word == "2"
    assert 86390 < stopped.value.retry_after <= 86400
    for _turn in range(3):  # five in all: those that were stopped are not among them
        counts.take([large], unless_full=[watched])
    assert not counts.has_room(large)
    assert counts.has_room(watched)
    assert counts.add(watched)
    counts.clear([large, small])
    with pytest.raises(Throttled, match="1"):
        counts.take([large, small], unless_full=[watched])
    counts.take([large, small])


def test_a_window_moves_on(counts: Counters, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second after the oldest try has left it there is room for one, and not for two."""
    seconds = 1_700_000_000.25
    for module in ("connector.counters", "connector.shared"):
        monkeypatch.setattr(f"{module}.wall_seconds", lambda: seconds)
    counter = Counter("word", limits.read("2/10 seconds"), "key")
    counts.take([counter])
    seconds += 4
    counts.take([counter])
    with pytest.raises(Throttled) as stopped:
        counts.take([counter])
    assert stopped.value.retry_after == 6
    seconds += 7
    counts.take([counter])
    with pytest.raises(Throttled) as stopped:
        counts.take([counter])
    assert stopped.value.retry_after == 3


def test_a_limit_reads_as_it_is_said() -> None:
    read = limits.read("5/2 minutes; 7 per 15 minutes;1/day")
    assert [(limit.tries, limit.seconds) for limit in read] == [(5, 120), (7, 900), (1, 86400)]


@pytest.mark.parametrize("nonsense", ["0/minute", "5 par minute", "", "-1/day", "5/day;", "5/0 days", "٥/day"])
def test_a_limit_that_nobody_can_mean_is_told(nonsense: str) -> None:
    with pytest.raises(ValueError, match="is no limit"):
        ThrottleSettings(sign_in_per_identifier=nonsense)


def test_a_storage_that_is_slow_in_all_is_left_alone(
    shared: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each answer in time, a dozen of them too late: or every sign-in would take as long."""
    seconds = iter(range(0, 1000, 2))
    monkeypatch.setattr(counters, "elapsed_seconds", lambda: float(next(seconds)))
    limits = Throttle(ThrottleSettings(storage=SecretStr(shared)), SECRET)
    fail(limits)
    assert "counted here: slow" in caplog.text
