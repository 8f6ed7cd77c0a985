"""A mail as it is written, headers and parts (RFC 2045 to 2047, 5322), by the standard library's ``email``.

The library makes a class for each header, folds what every mail says anew in every mail, tries two encodings for each
text and writes it line by line: most of what a mail would cost. Here a class is made once, a header that all mails
share is read and folded once, one of plain ASCII is written as it stands, a text is always quoted-printable, and the
parts are put together as they will be sent.
"""

from __future__ import annotations

import quopri
import re
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import lru_cache
from typing import Literal, TypeVar

T = TypeVar("T", bound="_Plain")
_PLAIN = re.compile(r"[!-~]([ -~]{0,900}[!-~])?")  # a line has 998 characters at most
_USUAL = re.compile(r"(?=.{,70}\Z)(?P<local>[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*)@(?P<domain>[a-z0-9-]+(\.[a-z0-9-]+)+)")


class _FoldedOnce(BaseHeader):
    """A header that is folded for the first mail, and written as it was for the next."""

    def fold(self, *, policy: EmailPolicy) -> str:  # type: ignore[override]
        kept: dict[tuple[object, ...], str] = self.__dict__.setdefault("_kept", {})
        way = policy.utf8, policy.max_line_length, policy.linesep
        if way not in kept:
            kept[way] = super().fold(policy=policy)
        return kept[way]


class _Registry(HeaderRegistry):
    """Makes the class of each kind of header once."""

    def __init__(self) -> None:
        super().__init__(base_class=_FoldedOnce)
        self._classes: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        known = self._classes.get(name)
        return known or self._classes.setdefault(name, super().__getitem__(name))


_POLICY = SMTP.clone(header_factory=_Registry())
_INTERNATIONAL = _POLICY.clone(utf8=True)


class _Plain(str):
    """A header's text that is written as it stands."""

    __slots__ = ("name",)
    name: str

    def fold(self, *, policy: EmailPolicy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class PlainTo(_Plain):
    """The one address that ``To`` names."""

    __slots__ = ("addresses",)
    addresses: tuple[Address]


def plain(name: str, text: str) -> _Plain:
    """A header of printable ASCII that is not to be folded, ready at once. Raises ValueError for anything else."""
    return _made(_Plain, name, text)


def plain_to(address: str) -> PlainTo | None:
    """``To`` as it stands, for an address as most are; None for one that the library should read and write.

    That is also one of ``=`` and ``?``: within an atom, too, they may hide something (RFC 2047).
    """
    found = _USUAL.fullmatch(address)
    if not found:
        return None
    made = _made(PlainTo, "To", address)
    made.addresses = (Address(username=found["local"], domain=found["domain"]),)
    return made


def _made(kind: type[T], name: str, text: str) -> T:
    if not _PLAIN.fullmatch(text):
        raise ValueError(text)
    made = kind(text)
    made.name = name
    return made


@lru_cache
def header(name: str, value: str) -> BaseHeader:
    """A header that many mails share, read and folded once. Raises ValueError for a value with a line break in it."""
    made: BaseHeader = _POLICY.header_store_parse(name, value)[1]
    return made


_MIME = header("MIME-Version", "1.0")
# RFC 2045 §6.7: neither quoted-printable nor base64 has "=_" anywhere, so that no text can hold these boundaries.
_ALTERNATIVE, _RELATED = "=_alternative", "=_related"
_OF_ALTERNATIVES = header("Content-Type", f'multipart/alternative; boundary="{_ALTERNATIVE}"')
_TEXT = 'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
_WITH_PICTURE = f'Content-Type: multipart/related; boundary="{_RELATED}"\r\n\r\n'


def message() -> EmailMessage:
    """One without headers or parts."""
    return EmailMessage(_POLICY)


def picture(octets: bytes, kind: str, cid: str) -> str:
    """An image that ``cid:`` shows; for as many mails as need it."""
    part = message()
    part.set_content(octets, "image", kind, cid=f"<{cid}>", filename=f"logo.{kind}", disposition="inline")
    del part["MIME-Version"]
    return part.as_string().removesuffix("\r\n")


def add_bodies(mail: EmailMessage, text: str, html: str, shown: str) -> None:
    """Give the mail what it says, as text and as HTML, and the ``picture`` that the HTML shows, if there is one."""
    mail["MIME-Version"] = _MIME
    mail["Content-Type"] = _OF_ALTERNATIVES
    page = _text("html", html)
    if shown:
        page = _WITH_PICTURE + _parted(_RELATED, page, shown)
    mail.set_payload(_parted(_ALTERNATIVE, _text("plain", text), page))


def _text(kind: Literal["plain", "html"], text: str) -> str:
    lines = _with_plain_ends(text).removesuffix("\n") + "\n"
    return _TEXT.format(kind=kind) + quopri.encodestring(lines.encode()).decode("ascii").replace("\n", "\r\n")


def _parted(boundary: str, *parts: str) -> str:
    """The body of a multipart (RFC 2046 §5.1.1): the line break before a boundary is part of it."""
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def octets(mail: EmailMessage, *, utf8: bool = False) -> bytes:
    """The mail as it goes to the server; ``utf8``: with an address in other letters (RFC 6531)."""
    return mail.as_bytes(policy=_INTERNATIONAL if utf8 else _POLICY)


def _with_plain_ends(text: str) -> str:
    """With a line feed at the end of each line; quoted-printable takes a carriage return alone for none."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
