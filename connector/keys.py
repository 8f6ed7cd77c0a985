"""The activation key: mint, show, read as typed, hash, verify. Pure, and the one door to randomness.

A key is 15 characters of Crockford's base 32: 14 random ones (70 bits; NIST SP 800-63B-4 §4.2.1.2 asks at least 64 of
a saved recovery code) and a check character. It is shown in three groups, ``K7QF9-M2XT4-RD8HC``, hashed without dashes.

The check character makes the fifteen values, read as a polynomial over GF(32), vanish at the primitive element x: each
place weighs a different power of x. So one wrong character never passes, and neither do two that changed places.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 15
_BITS = 5  # of a character
_LAST = len(ALPHABET) - 1
_GROUP = 5
_SALT_BYTES = 16  # ANSSI 2021: salts of 128 bits
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
_LOOKALIKES = str.maketrans("OIL", "011")
_LONGEST_TYPED = 64  # room for spaces and dashes; beyond it nobody is typing a key
_FORGIVEN = {"Zs", "Pd", "Cf", "Cc"}  # spaces, dashes of any kind, invisible characters that a paste brings along
_SCHEMES = {"{SSHA512}": "sha512", "{SSHA384}": "sha384", "{SSHA256}": "sha256", "{SSHA}": "sha1"}


@dataclass(frozen=True, slots=True)
class TypedKey:
    """Something that has the shape of a key, give or take a character; ``is_sound`` when its check character fits."""

    text: str
    is_sound: bool

    @property
    def is_mistyped(self) -> bool:
        """Fifteen characters whose check character does not fit. One more or less is as likely a password."""
        return not self.is_sound and len(self.text) == LENGTH


def mint() -> str:
    """A fresh key, 15 characters, no dashes."""
    drawn = secrets.randbits(_BITS * (LENGTH - 1))
    body = "".join(ALPHABET[drawn >> shift & _LAST] for shift in range(0, _BITS * (LENGTH - 1), _BITS))
    return body + ALPHABET[_times_x(_syndrome(body))]


def show(key: str) -> str:
    """The key as people read it: ``K7QF9-M2XT4-RD8HC``."""
    return "-".join(key[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))


def link(portal_url: str, uid: str, key: str) -> str:
    """Where the login and the key are filled in: for a mail, and for the QR code of a letter.

    They travel in the fragment, which browsers keep to themselves; following the link changes nothing.
    """
    return f"{portal_url}#identifiant={quote(uid)}&cle={quote(show(key))}"


def read(typed: str) -> TypedKey | None:
    """What was typed, if it has the shape of a key, give or take a character.

    Forgives case, spaces, dashes, ``O`` for 0, ``I`` and ``L`` for 1.
    """
    if len(typed) > _LONGEST_TYPED:
        return None
    text = normalised(typed)
    if abs(len(text) - LENGTH) > 1 or not _VALUES.keys() >= set(text):
        return None
    return TypedKey(text, is_sound=len(text) == LENGTH and _syndrome(text) == 0)


def normalised(typed: str) -> str:
    """Without blanks, dashes and what cannot be seen, in capitals; letters that look like digits are digits."""
    folded = unicodedata.normalize("NFKC", typed[:_LONGEST_TYPED])
    letters = (char for char in folded if unicodedata.category(char) not in _FORGIVEN)
    return "".join(letters).upper().translate(_LOOKALIKES)


def corrections(mistyped: str) -> list[str]:
    """The sound keys one slip away: a wrong, a missing or a surplus character, two neighbours swapped; some fifteen.

    Never accepted in its place: they only tell a slip on this very key from a password that looks like one.
    """
    heads = [(mistyped[:place], mistyped[place:]) for place in range(len(mistyped) + 1)]
    tried = {head + letter + tail[1:] for head, tail in heads for letter in ALPHABET}
    tried |= {head + letter + tail for head, tail in heads for letter in ALPHABET}
    tried |= {head + tail[1:] for head, tail in heads}
    tried |= {head + tail[1::-1] + tail[2:] for head, tail in heads}
    return sorted(key for key in tried if len(key) == LENGTH and _syndrome(key) == 0)


def hash_key(key: str) -> str:
    """Salted SHA-512 in the scheme ``{SSHA512}``, which slapd's pw-sha2 makes and verifies too.

    A slow hash would gain nothing: 70 random bits are out of reach of guessing, unlike a chosen password.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    return "{SSHA512}" + base64.b64encode(hashlib.sha512(key.encode() + salt).digest() + salt).decode()


def verify(key: str, stored: str) -> bool:
    """Whether ``stored`` is a hash of ``key``; False for a scheme we do not know or a value that makes no sense.

    Schemes: ``{SSHA512}``, ``{SSHA384}``, ``{SSHA256}``, ``{SSHA}``, whatever the case of their name (RFC 2307).
    """
    scheme, brace, encoded = stored.partition("}")
    algorithm = _SCHEMES.get(scheme.upper() + brace)
    if algorithm is None:
        return False
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    size = hashlib.new(algorithm).digest_size
    expected, salt = raw[:size], raw[size:]
    return hmac.compare_digest(hashlib.new(algorithm, key.encode() + salt).digest(), expected)


def random_secret() -> str:
    """A password that nobody will ever know: 192 bits, printable; for the decoy."""
    return secrets.token_urlsafe(24)


def random_id() -> str:
    """Names a request or a session: 64 bits, hexadecimal. It proves nothing."""
    return secrets.token_hex(8)


NOBODYS_HASH = hash_key(random_secret())
"""Verified against when there is no key, so that the same work is done for everyone."""


def _times_x(value: int) -> int:
    """``value`` times x in GF(32) with the primitive polynomial x^5 + x^2 + 1."""
    doubled = value << 1
    return doubled ^ 0b100101 if doubled & 32 else doubled


def _syndrome(text: str) -> int:
    """The polynomial of the characters' values at x, by Horner's rule: 0 for a sound key."""
    total = 0
    for letter in text:
        total = _times_x(total) ^ _VALUES[letter]
    return total
