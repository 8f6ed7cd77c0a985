"""A mail as it is written, headers and parts (RFC 2045 to 2047, 5322), all of it by the standard library's ``email``.

The library makes a class for each header, folds what every mail says anew in every mail, tries two encodings for each
text and writes it line by line: most of what a mail would cost. Here a class is made once, a header that all mails
share is read and folded once, and a text is always quoted-printable.
"""

from __future__ import annotations

import quopri
from email.generator import BytesGenerator
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import lru_cache
from io import BytesIO
from typing import Literal


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


@lru_cache
def header(name: str, value: str) -> BaseHeader:
    """A header that many mails share, read and folded once. Raises ValueError for a value with a line break in it."""
    made: BaseHeader = _POLICY.header_store_parse(name, value)[1]
    return made


# RFC 2045 §6.7: neither quoted-printable nor base64 has "=_" anywhere, so that no text can hold these boundaries.
_OF_A_KIND = {
    kind: header("Content-Type", f'multipart/{kind}; boundary="=_{kind}"') for kind in ("alternative", "related")
}
_OF_TEXT = {kind: header("Content-Type", f'text/{kind}; charset="utf-8"') for kind in ("plain", "html")}
_QUOTED_PRINTABLE = header("Content-Transfer-Encoding", "quoted-printable")
_MIME = header("MIME-Version", "1.0")


def message() -> EmailMessage:
    """One without headers or parts."""
    return EmailMessage(_POLICY)


def picture(octets: bytes, kind: str, cid: str) -> EmailMessage:
    """An image that ``cid:`` shows; for as many mails as need it."""
    part = message()
    part.set_content(octets, "image", kind, cid=f"<{cid}>", filename=f"logo.{kind}", disposition="inline")
    return part


def add_bodies(mail: EmailMessage, text: str, html: str, shown: EmailMessage | None) -> None:
    """Give the mail what it says, as text and as HTML, and the picture that the HTML shows."""
    mail["MIME-Version"] = _MIME
    mail["Content-Type"] = _OF_A_KIND["alternative"]
    mail.attach(_text("plain", text))
    mail.attach(_with_picture(_text("html", html), shown) if shown else _text("html", html))


def _with_picture(html: EmailMessage, shown: EmailMessage) -> EmailMessage:
    part = message()
    part["Content-Type"] = _OF_A_KIND["related"]
    part.attach(html)
    part.attach(shown)
    return part


def _text(kind: Literal["plain", "html"], text: str) -> EmailMessage:
    part = message()
    part["Content-Type"] = _OF_TEXT[kind]
    part["Content-Transfer-Encoding"] = _QUOTED_PRINTABLE
    lines = _with_plain_ends(text).removesuffix("\n") + "\n"
    part.set_payload(quopri.encodestring(lines.encode()).decode("ascii"))
    return part


def octets(mail: EmailMessage, *, utf8: bool = False) -> bytes:
    """The mail as it goes to the server; ``utf8``: with an address in other letters (RFC 6531)."""
    written = BytesIO()
    _Writer(written, policy=_INTERNATIONAL if utf8 else None).flatten(mail, linesep="\r\n")
    return written.getvalue()


class _Writer(BytesGenerator):
    """Writes a body at once; the library's own step, which this one replaces, writes each line by itself."""

    def _write_lines(self, lines: str) -> None:
        self.write(_with_plain_ends(lines).replace("\n", "\r\n"))


def _with_plain_ends(text: str) -> str:
    """With a line feed at the end of each line; quoted-printable takes a carriage return alone for none."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
