"""Operators' secrets, enciphered before they go into the directory: whoever reads that alone can sign in as nobody.

Fernet (AES-128-CBC and HMAC-SHA256, dated and authenticated); each secret is sealed together with its owner's login, so
that a copy of the value in another's entry opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Vault:
    """``keys`` as ``[desk] totp_key``: the first enciphers, all decipher."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_key(text)) for text in keys]) if keys else None

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


def _key(text: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"moncompte totp\0" + text.encode()).digest())
