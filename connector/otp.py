"""One-time codes of six digits, and what they are made from; pure, and the only import of pyotp.

Two kinds. An operator's authenticator makes one every thirty seconds (RFC 6238), from a secret that their entry holds.
A code that proves a rescue address is made from the server's secret, the person, the address and the instant it was
asked for (RFC 4226): it is in the mail, and nowhere else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote

import pyotp

from connector import keys

DIGITS = 6
STEP_SECONDS = 30
WINDOW = 1  # steps before and after: RFC 6238 §5.2 recommends one
_OPPOSITION_LENGTH = 10  # 50 bits, typed once, behind a throttle


def enrolment_secret(server_secret: str, uid: str, offer: str) -> str:
    """The secret that one ``offer`` (the directory's raw value) enrols with: until it is proved, it is kept nowhere.

    The offer holds a salt of 128 bits, so no two are alike (RFC 4226 §7.5: derived from a master key).
    """
    return base64.b32encode(_derived(server_secret, "enrolment", uid, offer)).decode()


def matching_step(secret: str, typed: str, now: datetime, after: int | None) -> int | None:
    """The time step whose code ``typed`` is, of the present one and its neighbours; None for a wrong code.

    ``after``: the last step used. It and those before it open nothing: RFC 6238 §5.2 forbids a second use.
    """
    code, generator = digits(typed), pyotp.TOTP(secret, interval=STEP_SECONDS)
    here = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(here - WINDOW, here + WINDOW + 1):  # all of them, whichever fits: time tells nothing
        if hmac.compare_digest(generator.generate_otp(step), code) and (after is None or step > after):
            found = step
    return found


def enrolment_link(secret: str, login: str, issuer: str) -> str:
    """The ``otpauth:`` link that an authenticator reads from a QR code."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=login, issuer_name=issuer)


def mailed_code(server_secret: str, uid: str, address: str, issued: datetime) -> str:
    """The code that proves ``address``, asked for by ``uid`` at ``issued`` (whole seconds)."""
    secret = base64.b32encode(_derived(server_secret, "rescue code", uid, address)).decode()
    return pyotp.HOTP(secret).at(int(issued.timestamp()))


def is_mailed_code(server_secrets: Iterable[str], typed: str, uid: str, address: str, issued: datetime) -> bool:
    """Whether ``typed`` is that code, made with any of the secrets that are still believed."""
    code = digits(typed)
    made = [mailed_code(one, uid, address, issued) for one in server_secrets]
    return any(hmac.compare_digest(one, code) for one in made)


def opposition_code(server_secret: str, uid: str, change: str) -> str:
    """What says *it was not me* of one ``change`` (the directory's raw value): ten characters, ``K7QF9-M2XT4``."""
    number = int.from_bytes(_derived(server_secret, "not me", uid, change)[:8])
    text = "".join(keys.ALPHABET[number >> 5 * place & 31] for place in range(_OPPOSITION_LENGTH))
    return f"{text[:5]}-{text[5:]}"


def opposition_link(portal_url: str, uid: str, code: str) -> str:
    """Where login and code are filled in; they travel in the fragment, as a key does (``keys.link``)."""
    return f"{portal_url.rstrip('/')}/pas-moi#identifiant={quote(uid)}&code={quote(code)}"


def is_opposition_code(server_secrets: Iterable[str], typed: str, uid: str, change: str) -> bool:
    """Whether ``typed`` is that; forgives case, blanks, dashes, and the letters that look like digits."""
    code = keys.normalised(typed).encode("utf-8", "surrogatepass")
    made = [opposition_code(one, uid, change).replace("-", "").encode() for one in server_secrets]
    return any(hmac.compare_digest(one, code) for one in made)


def digits(typed: str) -> str:
    """The digits of what was typed, which authenticators show in groups."""
    return "".join(char for char in typed if char in "0123456789")[: 2 * DIGITS]


def _derived(server_secret: str, purpose: str, *facts: str) -> bytes:
    """160 bits for one purpose and these facts."""
    message = "\0".join((purpose, *facts)).encode("utf-8", "surrogatepass")
    return hmac.new(server_secret.encode(), message, hashlib.sha256).digest()[:20]
