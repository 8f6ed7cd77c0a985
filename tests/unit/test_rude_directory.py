"""The fast lane before a server that is broken, or none at all: an outage, and soon."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.directory import wire
from connector.directory.lane import _FIRST as NUMBER
from connector.directory.lane import _LARGEST, Lane
from connector.errors import DirectoryUnavailable

DONE = wire._message(NUMBER, wire._tlv(wire.SEARCH_DONE, bytes((10, 1, 0, 4, 0, 4, 0))))
WRITTEN = wire._message(NUMBER, wire._tlv(wire.MODIFY_DONE, bytes((10, 1, 0, 4, 0, 4, 0))))


def entry(number: int, dn: str) -> bytes:
    attributes = wire._tlv(0x30, wire._attribute("cn", ["x"]))
    return wire._message(number, wire._tlv(wire.SEARCH_ENTRY, wire._octets(dn) + attributes))


def talk(said: Iterable[bytes], ask: Callable[[Lane], list[object]]) -> list[object]:
    """What comes of asking a server that says this to whatever it hears, and goes."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            theirs.recv(1 << 16)
            try:
                for octets in said:
                    theirs.sendall(octets)
            except OSError:
                return  # we had enough

    server = threading.Thread(target=serve)
    server.start()
    try:
        with ours:
            return ask(Lane(ours))
    finally:
        server.join()


def search(lane: Lane) -> list[object]:
    return list(lane.pages("ou=people", wire.equal("uid", "a"), ["cn"]))


def search_once(lane: Lane) -> list[object]:
    found, code = lane.search(wire.Search("ou=people", wire.equal("uid", "a"), ["cn"]))
    return [*found, *([code] if code else [])]


def modify(lane: Lane) -> list[object]:
    return [("it", lane.modify("uid=a", {}, b"")[0])]


def write(lane: Lane) -> list[object]:
    return list(lane.write([("it", lambda number: wire.modify(number, "uid=a", {}, b""))]))


def bind(lane: Lane) -> list[object]:
    return [lane.bind("uid=a", "secret", b"")]


@pytest.mark.parametrize("body", ["", "0a", "0a00", "0a01", "0a8101", "040004000400", "020100", "0a0100 a0023005"])
@pytest.mark.parametrize(("kind", "ask"), [(wire.MODIFY_DONE, modify), (wire.BIND_DONE, bind)])
def test_no_success_is_read_into_an_answer_that_does_not_say_it(
    body: str, kind: int, ask: Callable[[Lane], list[object]]
) -> None:
    result, _, controls = (bytes.fromhex(part) for part in body.partition(" "))
    said = wire._tlv(0x30, wire._tlv(0x02, wire._big_endian(NUMBER)) + wire._tlv(kind, result) + controls)
    with pytest.raises(DirectoryUnavailable):
        talk([said], ask)


@given(st.data(), st.sampled_from([search, search_once, write, modify]))
def test_octets_that_make_no_sense_are_an_outage(data: st.DataObject, ask: Callable[[Lane], list[object]]) -> None:
    octets = bytearray(entry(NUMBER, "uid=a") + (DONE if ask in {search, search_once} else WRITTEN))
    places = st.tuples(st.integers(0, len(octets) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, min_size=1, max_size=4)):
        octets[place] = value
    with suppress(DirectoryUnavailable):
        talk([bytes(octets)], ask)


@pytest.mark.parametrize("ask", [search, search_once, write, modify])
def test_an_answer_without_an_end_is_not_waited_for(ask: Callable[[Lane], list[object]]) -> None:
    sent: list[int] = []

    def flood() -> Iterator[bytes]:
        yield b"\x30\x84\x7f\xff\xff\xff"
        while len(sent) < 64:
            sent.append(1)
            yield bytes(1 << 20)

    with pytest.raises(DirectoryUnavailable):
        talk(flood(), ask)
    assert len(sent) < 2 * _LARGEST >> 20


@pytest.mark.parametrize("ask", [search, search_once])
def test_answers_to_something_else_are_passed_over(ask: Callable[[Lane], list[object]]) -> None:
    strange = [entry(NUMBER - 1, "uid=other"), DONE.replace(NUMBER.to_bytes(3, "big"), (NUMBER - 1).to_bytes(3, "big"))]
    assert talk([*strange, entry(NUMBER, "uid=a"), DONE], ask) == [("uid=a", {"cn": [b"x"]})]


@pytest.mark.parametrize("ask", [write, modify])
def test_only_the_answer_to_a_write_settles_it(ask: Callable[[Lane], list[object]]) -> None:
    assert talk([entry(NUMBER, ""), WRITTEN], ask) == [("it", 0)]
