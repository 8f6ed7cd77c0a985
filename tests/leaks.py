"""The watch that every test is under: no password, key or second factor in a log, a mail, an error's text, the audit.

It lets every call through, notes each secret that goes in and each text that comes out, and compares at the end.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

import pytest

from connector import keys, otp
from connector.audit import Audit
from connector.compose import Composer
from connector.errors import MonCompteError
from connector.mail import MailSession
from connector.operators import DeskDoor
from connector.portal import Portal
from tests.mailreader import as_read

_SHORTEST = 8  # characters; shorter things that tests type are words that occur anywhere
_SECRETS: dict[type, dict[str, slice]] = {
    Portal: {"sign_in": slice(2, 3), "redeem_key": slice(3, 4), "change": slice(3, 5)},
    DeskDoor: {"sign_in": slice(2, 4), "begin_enrolment": slice(2, 4), "confirm": slice(3, 4), "enrol": slice(3, 4)},
}
"""Which arguments of the portal's methods, and of the desk's door, are secrets, ``self`` counted."""


class Watch(logging.Handler):
    """What went in and what came out during one test."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("log: %(name)s %(message)s"))
        self.secrets: set[str] = set()
        self.texts: list[str] = []
        self.codes: set[str] = set()
        self.key_of_mail: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Hear a log line, its traceback included."""
        self.texts.append(self.format(record))

    def hear(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put an ear to every door."""
        for name in ("connector", "webui"):
            monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
        self._after(monkeypatch, keys, "mint", lambda key, *_: self.secrets.add(key))
        self._after(monkeypatch, otp, "enrolment_secret", lambda secret, *_: self.secrets.add(secret))
        for owner, methods in _SECRETS.items():
            for name, places in methods.items():
                self._before(monkeypatch, owner, name, self._secrets_at(places))
        self._after(monkeypatch, otp, "mailed_code", lambda code, *_: self.codes.add(code))
        self._after(monkeypatch, otp, "opposition_code", lambda code, *_: self.codes.add(code))
        self._before(monkeypatch, Audit, "_emit", lambda _audit, text: self.texts.append(f"audit: {text}"))
        self._after(monkeypatch, Composer, "key_mail", self._key_mailed)
        self._before(monkeypatch, MailSession, "send", lambda _session, mail: self._mailed(mail))
        monkeypatch.setattr(MonCompteError, "__new__", self._raised, raising=False)

    def leaks(self) -> list[str]:
        """The texts that hold a secret."""
        forms = {form for secret in self.secrets for form in _forms(secret)}
        leaks = [text for text in self.texts if any(form in text for form in forms)]
        return leaks + [text for text in self.texts if not text.startswith("mail: ") and self.codes & set(words(text))]

    def _secrets_at(self, places: slice) -> Callable[..., None]:
        return lambda *facts: self.secrets.update(fact for fact in facts[places] if fact and len(fact) >= _SHORTEST)

    def _raised(self, kind: type[MonCompteError], *facts: object, **named: object) -> MonCompteError:
        error = Exception.__new__(kind, *facts)
        self.texts.append(f"exception: {kind.__name__} {facts!r} {named!r}")
        return error

    def _key_mailed(self, mail: EmailMessage, _composer: Composer, _account: object, key: str, *_: object) -> None:
        self.key_of_mail[id(mail)] = key

    def _mailed(self, mail: EmailMessage) -> None:
        """A mail may carry the one key that it is there to bring."""
        parts = (part for part in as_read(mail).walk() if not part.is_multipart())
        text = "".join(str(part.get_content()) for part in parts) + str(mail.items())
        for form in _forms(self.key_of_mail.get(id(mail), "")):
            text = text.replace(form, "") if form else text
        self.texts.append(f"mail: {text}")

    @staticmethod
    def _before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, ear: Callable[..., object]) -> None:
        act = getattr(owner, name)

        def call(*facts: Any, **named: Any) -> Any:
            ear(*facts)
            return act(*facts, **named)

        monkeypatch.setattr(owner, name, call)

    @staticmethod
    def _after(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, ear: Callable[..., object]) -> None:
        act = getattr(owner, name)

        def call(*facts: Any, **named: Any) -> Any:
            result = act(*facts, **named)
            ear(result, *facts)
            return result

        monkeypatch.setattr(owner, name, call)


def words(text: str) -> list[str]:
    """What may be a code, whole: six digits may well be a part of an instant. Mails are there to bring them."""
    return re.findall(
        r"(?<![0-9A-Z-])[0-9A-Z]{5}-[0-9A-Z]{5}(?![0-9A-Z-])|(?<![0-9A-Fa-f])[0-9]{6}(?![0-9A-Fa-f])", text
    )


def _forms(secret: str) -> set[str]:
    """As typed, as JSON, in a URL, and a key with and without dashes, in either case."""
    typed = keys.read(secret)
    shown = {typed.text, keys.show(typed.text)} if typed and typed.is_sound else set()
    plain = {secret, *shown, *(form.lower() for form in shown)}
    return plain | {json.dumps(form)[1:-1] for form in plain} | {quote(form) for form in plain}
