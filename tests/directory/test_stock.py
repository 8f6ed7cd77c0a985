"""Connections on a real slapd: bounded, used again, opened anew where one is spoiled or the server began anew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from ldap3 import Connection

from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory import connections
from connector.directory.connections import Connections
from connector.directory.servers import Breaker, Servers
from connector.errors import DirectoryUnavailable
from connector.settings import Directory

MOST = 3


class Stock:
    """``opened``: every connection that was ever made."""

    def __init__(self, settings: Directory) -> None:
        self.opened: list[Connection] = []
        known = Servers(settings)
        self._connections = Connections(settings, known, bind=True)
        self.lend = partial(self._connections.lend, Breaker(known, "reading"))
        self.close = self._connections.close

    def closed(self) -> list[bool]:
        """Of each, whether its socket is."""
        return [not line.socket or line.socket.fileno() < 0 for line in self.opened]


@pytest.fixture
def stock(slapd: PrivateSlapd, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stock]:
    settings = demo_settings(slapd, mailbox, 8080).directory
    stock, really = Stock(settings.model_copy(update={"connections": MOST, "timeout_seconds": 1})), connections.opened

    def opened(settings: Directory, uri: str) -> Connection:
        stock.opened.append(really(settings, uri))
        return stock.opened[-1]

    monkeypatch.setattr(connections, "opened", opened)
    yield stock
    stock.close()


def says_who(connection: Connection) -> bool:
    """Whether it still is the portal's: the server is asked (RFC 4532)."""
    return str(connection.extend.standard.who_am_i()).startswith("dn:cn=portal,")


def test_one_after_the_other_uses_one_connection(stock: Stock) -> None:
    for _ in range(20):
        with stock.lend() as connection:
            assert says_who(connection)
    assert len(stock.opened) == 1


def test_there_are_never_more_than_the_settings_say_and_who_waits_in_vain_is_told(stock: Stock) -> None:
    with ExitStack() as stack:
        for _ in range(MOST):
            stack.enter_context(stock.lend())
        with pytest.raises(DirectoryUnavailable, match="every connection is busy"), stock.lend():
            pass
    assert len(stock.opened) == MOST
    with stock.lend() as connection:  # there is room again, and nothing new was needed
        assert says_who(connection)
    assert len(stock.opened) == MOST


def test_a_crowd_shares_them(stock: Stock) -> None:
    served = []

    def one() -> None:
        for _ in range(10):
            with stock.lend() as connection:
                served.append(says_who(connection))

    crowd = [threading.Thread(target=one) for _ in range(4 * MOST)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert served == [True] * 40 * MOST
    assert len(stock.opened) <= MOST


def test_one_that_broke_is_closed_and_makes_room_for_another(stock: Stock) -> None:
    for number in range(1, 2 * MOST):
        with pytest.raises(RuntimeError), stock.lend():
            raise RuntimeError
        assert len(stock.opened) == number
        assert stock.closed() == [True] * number
    with stock.lend() as connection:
        assert says_who(connection)


def test_one_that_the_server_closed_meanwhile_is_opened_anew_before_it_is_used(
    stock: Stock, slapd: PrivateSlapd
) -> None:
    with stock.lend() as first, stock.lend() as second:
        assert says_who(first)
        assert says_who(second)
    slapd.restart()
    for _ in range(3):
        with stock.lend() as connection:
            assert says_who(connection)
    assert len(stock.opened) == 3
    assert stock.closed() == [True, True, False]


def test_one_that_is_old_is_opened_anew(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one that was opened to the second server would keep us there for ever."""
    with stock.lend():
        pass
    later = connections.elapsed_seconds() + 61
    monkeypatch.setattr(connections, "elapsed_seconds", lambda: later)
    with stock.lend() as connection:
        assert says_who(connection)
    assert stock.closed() == [True, False]


def test_after_the_end_none_stays_open_not_even_one_that_was_lent(stock: Stock) -> None:
    with stock.lend():
        with stock.lend():
            pass
        stock.close()
    assert stock.closed() == [True, True]
