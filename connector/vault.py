"""What is enciphered: operators' secrets in the directory, and whom a mail was for, in its Message-ID.

Fernet (AES-128-CBC and HMAC-SHA256, dated and authenticated). Each operator's secret is sealed together with its
owner's login, so that a copy of the value in another's entry opens nothing: whoever reads the directory alone can sign
in as nobody.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_FINGERPRINT = 16  # hexadecimal digits: it tells two addresses of one person apart, and keeps a Message-ID short


class Vault:
    """``keys`` as ``[desk] totp_key``: the first enciphers, all decipher."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_key("totp", text)) for text in keys]) if keys else None

    def seal(self, uid: str, secret: str) -> str:
        """The value to keep in the entry of ``uid``; needs a key."""
        assert self._fernet  # noqa: S101 (settings with a help desk have one)
        return self._fernet.encrypt(f"{uid.lower()}\0{secret}".encode()).decode()

    def open(self, uid: str, sealed: str) -> str | None:
        """The secret; None for a value that is another's, of another key, or nonsense."""
        if self._fernet is None:
            return None
        try:
            owner, _nul, secret = self._fernet.decrypt(sealed.encode()).decode().partition("\0")
        except (InvalidToken, UnicodeError):
            return None
        return secret if owner == uid.lower() and secret else None


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a mail of ours was for."""

    uid: str
    fingerprint: str

    def had(self, address: str | None) -> bool:
        """Whether the mail was sent to this very address."""
        return address is not None and hmac.compare_digest(self.fingerprint, _fingerprint(address))


class Postmark:
    """Tells us, and nobody else, whom a mail of ours was for: who sees it learns no login, and nobody can forge one.

    ``keys`` as ``[web] secret_key``: the first makes it, all are believed.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_key("postmark", text)) for text in keys])

    def make(self, uid: str, address: str) -> str:
        """Letters, digits, ``-``, ``_`` and ``=``, never twice the same: fit for a Message-ID (RFC 5322 §3.2.3)."""
        return self._fernet.encrypt(f"{_fingerprint(address)}{uid}".encode()).decode()

    def read(self, made: str) -> Addressee | None:
        """Whom it names; None for what is not ours."""
        try:
            text = self._fernet.decrypt(made.encode()).decode()
        except (InvalidToken, UnicodeError):
            return None
        return Addressee(text[_FINGERPRINT:], text[:_FINGERPRINT])


def _fingerprint(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:_FINGERPRINT]


def _key(purpose: str, text: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"moncompte {purpose}\0{text}".encode()).digest())
