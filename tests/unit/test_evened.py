"""What takes a while takes a whole number of steps."""

from __future__ import annotations

import pytest

from connector import clock
from connector.errors import KeyMistyped, SignInRefused


class Time:
    """The clock's own door, moved by hand; sleeping moves it too."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    moved = Time()
    monkeypatch.setattr(clock, "time", moved)
    return moved


@pytest.mark.parametrize(("took", "seems"), [(0.004, 0.1), (0.0277, 0.1), (0.099, 0.1), (0.101, 0.2), (0.25, 0.3)])
def test_whatever_it_took_it_ends_on_a_step(time: Time, took: float, seems: float) -> None:
    with clock.evened(100):
        time.now += took
    assert time.now - 1000 == pytest.approx(seems)


def test_no_step_no_wait(time: Time) -> None:
    with clock.evened(0):
        time.now += 0.004
    assert time.now - 1000 == pytest.approx(0.004)


@pytest.mark.parametrize(("error", "seems"), [(SignInRefused, 0.1), (KeyMistyped, 0.1), (ValueError, 0.004)])
def test_a_refusal_waits_and_what_else_is_raised_does_not(time: Time, error: type[Exception], seems: float) -> None:
    with pytest.raises(error), clock.evened(100, SignInRefused):
        time.now += 0.004
        raise error
    assert time.now - 1000 == pytest.approx(seems)


def test_a_success_waits_only_where_everything_does(time: Time) -> None:
    with clock.evened(100, SignInRefused):
        time.now += 0.004
    assert time.now - 1000 == pytest.approx(0.004)
