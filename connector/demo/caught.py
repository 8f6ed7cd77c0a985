"""A mail as it arrived, read with all tolerance: whoever can reach the SMTP port wrote it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TypeVar
from urllib.parse import unquote

_T = TypeVar("_T")
_CID = re.compile(r"\bcid:([^\s\"'<>]+)")
_PICTURES = {"image/png", "image/jpeg", "image/gif"}  # no SVG: it may hold scripts


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """A mail as it arrived. ``sender`` and ``to`` are the envelope's; ``text`` and ``html`` are empty if there is none.

    ``headers`` are decoded; of a header that occurs twice, all values, one a line.
    """

    number: int
    received: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    octets: bytes = field(repr=False)

    @property
    def page(self) -> str:
        """``html`` with the pictures that came with it (RFC 2392) inside: nothing is left to fetch."""
        message = message_from_bytes(self.octets, policy=policy.default)
        pictures = _tolerant(lambda: dict(_pictures(message)), dict[str, str])
        return _CID.sub(lambda found: pictures.get(unquote(found[1]), found[0]), self.html)

    def as_json(self) -> dict[str, object]:
        """What ``/mails.json`` gives of it."""
        names = ("subject", "text", "html", "headers")
        return {"to": list(self.to), "from": self.sender, **{name: getattr(self, name) for name in names}}


def read(octets: bytes, sender: str, recipients: list[str], number: int, received: datetime) -> CaughtMail:
    """The mail in ``octets``, with its envelope; whatever they hold, it does not raise."""
    message = message_from_bytes(octets, policy=policy.default)
    headers = _headers(message)
    return CaughtMail(
        number=number,
        received=received,
        sender=_clean(sender),
        to=tuple(map(_clean, recipients)),
        subject=next((value for name, value in headers.items() if name.lower() == "subject"), ""),
        text=_body(message, "text/plain"),
        html=_body(message, "text/html"),
        headers=headers,
        octets=octets,
    )


def _headers(message: EmailMessage) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, raw in message.raw_items():
        value = _decoded(name, raw)
        headers[_clean(name)] = f"{headers[name]}\n{value}" if name in headers else value
    return headers


def _decoded(name: str, raw: str) -> str:
    return _tolerant(lambda: _clean(str(policy.default.header_fetch_parse(name, raw))), lambda: _clean(raw))


def _body(message: EmailMessage, content_type: str) -> str:
    """The first part of this type that is not an attachment, or nothing."""
    parts = (part for part in message.walk() if part.get_content_type() == content_type and not part.is_attachment())
    part = _tolerant(lambda: next(parts, None), lambda: None)
    return "" if part is None else _content(part)


def _pictures(message: EmailMessage) -> Iterator[tuple[str, str]]:
    """Content-ID and data URL of each part that is a picture."""
    for part in message.walk():
        kind, octets = part.get_content_type(), part.get_payload(decode=True)
        if kind in _PICTURES and isinstance(octets, bytes):
            name = str(part.get("Content-ID", "")).strip(" <>")
            yield name, f"data:{kind};base64,{base64.b64encode(octets).decode()}"


def _content(part: EmailMessage) -> str:
    text = _tolerant(lambda: str(part.get_content()), lambda: str(part.get_payload()))
    return _clean(text).replace("\r\n", "\n")


def _tolerant(read: Callable[[], _T], otherwise: Callable[[], _T]) -> _T:
    """The standard parser means never to raise, and on broken mails does: LookupError, IndexError, AttributeError…"""
    try:
        return read()
    except Exception:
        return otherwise()


def _clean(text: str) -> str:
    """Without the lone surrogates that stand for undecodable bytes, which no page could be encoded with."""
    return text.encode("utf-8", "replace").decode()
