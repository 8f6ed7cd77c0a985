"""What is said on a connection that ldap3 has opened and secured: one operation, or thousands.

Whole populations are read page by page; up to so many writes are on their way at the same time (slapd works on them in
parallel, and takes 1,000 of one connection), and each is still one Modify that succeeds or fails by itself. Memory does
not grow with the number of entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from socket import socket
from typing import TypeVar

from connector.directory import wire
from connector.directory.changes import Changes
from connector.directory.wire import Answer, Entry, Search
from connector.errors import DirectoryUnavailable
from connector.wording import _

PAGE = 500  # entries; 60-access.ldif allows 1,000
_ON_THEIR_WAY = 32  # more only wait for one another: slapd has 16 threads, and its database one writer
_CHUNK = 1 << 18  # octets
_FIRST = 1 << 20  # message numbers that ldap3 has not used on this connection
_LARGEST = 1 << 24  # octets of one answer: a server that is none may send for ever
INVALID_CREDENTIALS = 49  # RFC 4511 appendix A
_WRITTEN = {wire.MODIFY_DONE, wire.ADD_DONE}
_PATIENCE_SECONDS = 60  # for the first answer of a page: without an index slapd reads everything first

T = TypeVar("T")
Request = Callable[[int], bytes]
"""Given a message number, the message."""


class Lane:
    """One connection, which nobody else speaks on. Methods raise DirectoryUnavailable when it breaks.

    A server that says nothing for ``patience_seconds`` has broken it.
    """

    def __init__(self, line: socket, patience_seconds: int = _PATIENCE_SECONDS) -> None:
        if line.gettimeout() != patience_seconds:
            line.settimeout(patience_seconds)
        self._line = line
        self._received = bytearray()
        self._numbers = count(_FIRST)

    def search(self, wanted: Search, controls: bytes = b"") -> tuple[list[Entry], int]:
        """The entries that match, and the result code."""
        number = next(self._numbers)
        self._say(wanted.message(number, controls))
        entries, code, _cookie = self._found(number)
        return entries, code

    def modify(self, dn: str, what: Changes, controls: bytes) -> tuple[int, dict[bytes, bytes]]:
        """Make one Modify; the result code, and the controls that came with it: their values by their OIDs."""
        number = next(self._numbers)
        self._say(wire.modify(number, dn, what, controls))
        return self._answer(number, wire.MODIFY_DONE)

    def bind(self, dn: str, password: str, controls: bytes) -> int:
        """Prove to be ``dn`` (RFC 4513 §5.1.3); the result code.

        An empty password would be an *unauthenticated* bind, which succeeds for anybody (RFC 4513 §5.1.2): refused
        here. Nothing prepares the password (RFC 4013): slapd compares octets.
        """
        if not dn or not password:
            return INVALID_CREDENTIALS
        number = next(self._numbers)
        self._say(wire.bind(number, dn, password.encode("utf-8", "replace"), controls))
        code, _controls = self._answer(number, wire.BIND_DONE)
        return code

    def pages(self, base: str, ldap_filter: bytes, attributes: Sequence[str]) -> Iterator[Entry | int]:
        """Every entry under ``base`` that matches; then, where the server ends with an error, its result code."""
        wanted, cookie = Search(base, ldap_filter, attributes), b""
        while True:
            number = next(self._numbers)
            self._say(wanted.message(number, wire.page(PAGE, cookie)))
            entries, code, cookie = self._found(number)
            yield from entries
            if code:
                yield code
            if code or not cookie:
                return

    def write(self, requests: Iterable[tuple[T, Request]]) -> Iterator[tuple[T, int]]:
        """Send every request; of each, what it was for and its result code, in the order of the answers."""
        waiting: dict[int, T] = {}
        unsent = bytearray()
        for item, request in requests:
            number = next(self._numbers)
            waiting[number] = item
            unsent += request(number)
            if len(waiting) >= _ON_THEIR_WAY:
                while len(waiting) > _ON_THEIR_WAY // 2:  # then the next half goes at once: fewer, longer packets
                    yield from self._settled(waiting, unsent)
        while waiting:
            yield from self._settled(waiting, unsent)

    def _settled(self, waiting: dict[int, T], unsent: bytearray) -> list[tuple[T, int]]:
        """Send what is to be sent, and wait for an answer or some."""
        with _translated():
            self._line.sendall(unsent)
            unsent.clear()
            return [(waiting.pop(answer.number), answer.code) for answer in self._hear() if answer.kind in _WRITTEN]

    def _answer(self, number: int, kind: int) -> tuple[int, dict[bytes, bytes]]:
        """The result code, and the controls that came with it."""
        with _translated():
            while True:
                for answer in self._hear():
                    if answer.number == number and answer.kind == kind:
                        return answer.code, answer.controls_told()

    def _found(self, number: int) -> tuple[list[Entry], int, bytes]:
        """Entries, the result code that ends them, and where the next page begins."""
        entries: list[Entry] = []
        with _translated():
            while True:
                for answer in self._hear():
                    if answer.number != number:
                        continue
                    if answer.kind == wire.SEARCH_ENTRY:  # no referrals: they are another server's entries
                        entries.append(answer.entry())
                    elif answer.kind == wire.SEARCH_DONE:
                        return entries, answer.code, answer.cookie()

    def _say(self, message: bytes) -> None:
        with _translated():
            self._line.sendall(message)

    def _hear(self) -> Iterator[Answer]:
        received = self._line.recv(_CHUNK)
        if not received:
            raise DirectoryUnavailable(_("the connection was closed"))
        self._received += received
        if len(self._received) > _LARGEST:
            raise DirectoryUnavailable(_("an answer is larger than any entry"))
        for answer in wire.answers(self._received):
            if not answer.number:
                raise DirectoryUnavailable(_("the server says goodbye"))  # RFC 4511 §4.4.1
            yield answer


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, LookupError) as error:
        raise DirectoryUnavailable(type(error).__name__) from None
