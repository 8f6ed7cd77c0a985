"""The log of the commands: one line a message, in UTC."""

import logging
import re
import time
from collections.abc import Iterator

import pytest

from connector.cli.web import LineFormatter

FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def line(message: str, *facts: object) -> str:
    record = logging.makeLogRecord({"name": "connector", "levelname": "WARNING", "msg": message, "args": facts})
    record.created, record.msecs = 1_795_348_800.25, 250.0
    return LineFormatter(FORM).format(record)


@pytest.mark.parametrize("nasty", ["\n", "\r\n", "\x0b", "\x0c", "\x1b[2J", "\x85", "\u2028", "\u202e", "\x00"])
def test_a_line_break_in_a_message_stays_in_its_line(nasty: str) -> None:
    """Nor does anything else move the reader's cursor."""
    written = line("mail for %s put off", f"jmartin001{nasty}2026-11-22T12:00:00Z WARNING connector: all is well")
    assert written.isprintable()
    assert len(written.splitlines()) == 1
    assert "jmartin001\\" in written


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in another time zone."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def test_the_log_is_in_utc_and_says_so(far_away: None) -> None:
    assert time.localtime(0).tm_hour == 9
    assert re.match(r"2026-11-22T12:00:00\.250Z WARNING connector: café", line("café"))
