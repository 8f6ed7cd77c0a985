"""LDAP messages as octets: search, modify, add, bind, and their answers (RFC 4511, in BER of definite lengths, §5.1).

What every request does, and what is done for thousands of entries at a time: ldap3 works ten times as long on each.
Whatever else is said to the directory, ldap3 says: it opens and secures the connections, binds them as the portal, and
compares. Pure; an answer that makes no sense raises ValueError or IndexError, which a ``Lane`` takes for a broken line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

Entry = tuple[str, dict[str, list[bytes]]]
"""A DN, and octets by lower-case attribute name."""

BIND_DONE, SEARCH_ENTRY, SEARCH_DONE, MODIFY_DONE, ADD_DONE = 0x61, 0x64, 0x65, 0x67, 0x69  # RFC 4511 appendix B
BASE, SUBTREE = 0, 2  # the scopes of a search (RFC 4511 §4.5.1.2)
_BIND, _SEARCH, _MODIFY, _ADD = 0x60, 0x63, 0x66, 0x68
_SIMPLE = 0x80  # a password as it is (RFC 4511 §4.2)
_SEQUENCE, _SET, _INTEGER, _OCTETS, _ENUMERATED, _BOOLEAN = 0x30, 0x31, 0x02, 0x04, 0x0A, 0x01
_CONTROLS = 0xA0
_AND, _OR, _NOT, _EQUAL, _AT_LEAST, _PRESENT = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0x87  # RFC 4511 §4.5.1
_PAGED = b"1.2.840.113556.1.4.319"  # RFC 2696
_LONG, _MORE = 0x80, 0xFF
_TAGS = (*range(_BOOLEAN, _ENUMERATED + 1), _SIMPLE, _SEQUENCE, _SET, *range(0x60, 0x69), _PRESENT, *range(0xA0, 0xA6))
_HEADS = {tag: [bytes((tag, size)) for size in range(_LONG)] for tag in _TAGS}
"""Tag and length of whatever is short, ready made: half of all that is said consists of them."""
_TRUE = bytes((_BOOLEAN, 1, 0xFF))
OPERATIONS = {
    "MODIFY_ADD": 0,
    "MODIFY_DELETE": 1,
    "MODIFY_REPLACE": 2,
    "MODIFY_INCREMENT": 3,
}  # RFC 4511 §4.6, RFC 4525


@dataclass(frozen=True, slots=True)
class Answer:
    """One message of the server's: ``kind`` is the tag of the operation, ``body`` its content, ``controls`` raw."""

    number: int
    kind: int
    body: memoryview
    controls: memoryview

    @property
    def code(self) -> int:
        """The result code of an answer that ends an operation (RFC 4511 §4.1.9). Raises ValueError: there is none.

        No octets would be read as 0, which is success.
        """
        start, end = _span(self.body, 0)
        if self.body[0] != _ENUMERATED or not start < end <= len(self.body):
            raise ValueError
        return int.from_bytes(self.body[start:end], "big")

    def entry(self) -> Entry:
        """The entry of a ``SEARCH_ENTRY``. What is short is read without a call: there may be a million."""
        body = bytes(self.body)
        start, end = _span(body, 0)
        attributes: dict[str, list[bytes]] = {}
        place, last = _span(body, end)
        while place < last:
            size = body[place + 1]
            one, place = (place + 2, place + 2 + size) if size < _LONG else _span(body, place)
            name_start, name_end = _span(body, one)
            size = body[name_end + 1]
            value, values_end = (name_end + 2, name_end + 2 + size) if size < _LONG else _span(body, name_end)
            values = []
            while value < values_end:
                size = body[value + 1]
                value_start, value = (value + 2, value + 2 + size) if size < _LONG else _span(body, value)
                values.append(body[value_start:value])
            attributes[body[name_start:name_end].decode().lower()] = values
        return body[start:end].decode(), attributes

    def controls_told(self) -> dict[bytes, bytes]:
        """The controls that came with it: their values by their OIDs."""
        return {name: bytes(value) for name, value in _read_controls(self.controls)}

    def cookie(self) -> bytes:
        """Where the next page of a search begins; nothing when this was the last."""
        value = self.controls_told().get(_PAGED)
        if not value:
            return b""
        body, _ = _span(value, 0)
        _, after_size = _span(value, body)
        return value[slice(*_span(value, after_size))]


def answers(received: bytearray) -> Iterator[Answer]:
    """The whole messages at the beginning of ``received``, which are taken out of it."""
    place = 0
    view = memoryview(bytes(received))
    while (end := _end_of(view, place)) and end <= len(view):
        body, _ = _span(view, place)
        number_start, number_end = _span(view, body)
        start, stop = _span(view, number_end)
        number = int.from_bytes(view[number_start:number_end], "big")
        controls = view[slice(*_span(view, stop))] if stop < end else view[:0]
        yield Answer(number, view[number_end], view[start:stop], controls)
        place = end
    del received[:place]


def bind(number: int, dn: str, password: bytes, controls: bytes) -> bytes:
    """A simple bind, of version 3."""
    return _message(number, _tlv(_BIND, bytes((_INTEGER, 1, 3)) + _octets(dn) + _tlv(_SIMPLE, password)), controls)


def modify(
    number: int, dn: str, changes: Mapping[str, Sequence[tuple[object, Sequence[str]]]], controls: bytes
) -> bytes:
    """A Modify, in the form that ``directory.changes`` describes; ``controls``: one after the other, or none."""
    parts = [
        _tlv(_SEQUENCE, _tlv(_ENUMERATED, bytes((OPERATIONS[str(operation)],))) + _attribute(name, values))
        for name, each in changes.items()
        for operation, values in each
    ]
    return _message(number, _tlv(_MODIFY, _octets(dn) + _tlv(_SEQUENCE, b"".join(parts))), controls)


def add(number: int, dn: str, attributes: Mapping[str, Sequence[str]]) -> bytes:
    """An Add of a whole entry."""
    parts = [_attribute(name, values) for name, values in attributes.items()]
    return _message(number, _tlv(_ADD, _octets(dn) + _tlv(_SEQUENCE, b"".join(parts))))


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. ``scope``: ``BASE``, ``SUBTREE``; ``limit`` entries and ``seconds`` at most, if given.

    Aliases are never followed.
    """

    base: str
    ldap_filter: bytes
    attributes: Sequence[str]
    scope: int = SUBTREE
    limit: int = 0
    seconds: int = 0

    def message(self, number: int, controls: bytes = b"") -> bytes:
        """The request."""
        body = (
            _octets(self.base)
            + bytes((_ENUMERATED, 1, self.scope, _ENUMERATED, 1, 0))
            + _tlv(_INTEGER, _big_endian(self.limit))
            + _tlv(_INTEGER, _big_endian(self.seconds))
            + bytes((_BOOLEAN, 1, 0))
            + self.ldap_filter
            + _tlv(_SEQUENCE, b"".join(map(_name, self.attributes)))
        )
        return _message(number, _tlv(_SEARCH, body), controls)


def page(size: int, cookie: bytes) -> bytes:
    """The control that asks for one page of a search (RFC 2696): ``cookie`` is that of the page before."""
    return control(_PAGED, _tlv(_SEQUENCE, _tlv(_INTEGER, _big_endian(size)) + _tlv(_OCTETS, cookie)))


def control(oid: bytes, value: bytes | None, *, is_critical: bool = True) -> bytes:
    """A control (RFC 4511 §4.1.11)."""
    parts = _tlv(_OCTETS, oid) + (_TRUE if is_critical else b"")
    return _tlv(_SEQUENCE, parts if value is None else parts + _tlv(_OCTETS, value))


def texts(*each: str) -> bytes:
    """A sequence of octet strings."""
    return _tlv(_SEQUENCE, b"".join(map(_octets, each)))


def equal(attribute: str, value: str) -> bytes:
    """A term of a filter; nothing in ``value`` needs escaping, there is no text to escape from."""
    return _tlv(_EQUAL, _octets(attribute) + _octets(value))


def at_least(attribute: str, value: str) -> bytes:
    """The same for what is that or more, by the attribute's own order."""
    return _tlv(_AT_LEAST, _octets(attribute) + _octets(value))


def present(attribute: str) -> bytes:
    """The entry has some value of it."""
    return _tlv(_PRESENT, attribute.encode())


def negated(term: bytes) -> bytes:
    """Whatever does not match the term."""
    return _tlv(_NOT, term)


def any_of(terms: Iterable[bytes]) -> bytes:
    """Whatever matches one of the terms."""
    return _tlv(_OR, b"".join(terms))


def every(terms: Iterable[bytes]) -> bytes:
    """Whatever matches all of the terms."""
    return _tlv(_AND, b"".join(terms))


def _message(number: int, operation: bytes, controls: bytes = b"") -> bytes:
    extra = _tlv(_CONTROLS, controls) if controls else b""
    return _tlv(_SEQUENCE, _tlv(_INTEGER, _big_endian(number)) + operation + extra)


def _attribute(name: str, values: Iterable[str]) -> bytes:
    return _tlv(_SEQUENCE, _name(name) + _tlv(_SET, b"".join(map(_octets, values))))


@lru_cache(maxsize=1024)
def _name(attribute: str) -> bytes:
    return _octets(attribute)


def _octets(text: str) -> bytes:
    return _tlv(_OCTETS, text.encode())


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < _LONG:
        return _HEADS[tag][size] + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + content


def _big_endian(number: int) -> bytes:
    """A number that is not negative, with room for the sign."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _span(view: memoryview | bytes, place: int) -> tuple[int, int]:
    """Where the content of the element at ``place`` begins and ends."""
    size = view[place + 1]
    if size < _LONG:
        return place + 2, place + 2 + size
    begin = place + 2 + (size & ~_LONG)
    return begin, begin + int.from_bytes(view[place + 2 : begin], "big")


def _end_of(view: memoryview, place: int) -> int:
    """Where the message at ``place`` ends; 0 while its length has not come yet."""
    if place + 2 > len(view) or (view[place + 1] >= _LONG and place + 2 + (view[place + 1] & ~_LONG) > len(view)):
        return 0
    return _span(view, place)[1]


def _read_controls(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Type and value of each control; the criticality in between, of an answer, is none."""
    place = 0
    while place < len(view):
        start, place = _span(view, place)
        name_start, name_end = _span(view, start)
        last = name_end
        while last < place and view[last] != _OCTETS:
            last = _span(view, last)[1]
        value = view[slice(*_span(view, last))] if last < place else view[:0]
        yield bytes(view[name_start:name_end]), value
