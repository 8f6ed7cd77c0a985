"""The rescue address: what is accepted as one. Pure; no DNS look-up."""

from __future__ import annotations

import re
from collections.abc import Sequence

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, ValidatedEmail, validate_email

from connector.errors import RescueReason

LONGEST = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
_LONGEST_LOCAL_PART = 64  # RFC 5321 §4.5.3.1.1
_USUAL = (  # where students have their mailboxes; longer than seven characters, or anything would be a slip of them
    "gmail.com",
    "hotmail.fr",
    "hotmail.com",
    "outlook.fr",
    "outlook.com",
    "yahoo.fr",
    "yahoo.com",
    "orange.fr",
    "wanadoo.fr",
    "laposte.net",
    "icloud.com",
    "protonmail.com",
    "numericable.fr",
)
_OFTEN_MEANT = {
    "gmail.fr": "gmail.com",
    "laposte.fr": "laposte.net",
    "icloud.fr": "icloud.com",
}
_COM_MISTYPED = {"con", "cmo", "ocm", "vom", "xom", "comm"}
_COUNTRY = 2  # letters of a country's domain
_LOOK_ALIKES = {"ymail.com", "mail.com", "email.com", "gmx.com", "yahoo.co", "orange.com"}  # one slip away, and real
_BLANKS = " \t\u00a0\u202f\u200b\u2060\ufeff"  # what a paste brings along at either end; a line break is no accident
_ANY_ADDRESS = re.compile(r"[^\s,;/|<>()\"']+@[^\s,;/|<>()\"']+")
# Only a host's name tells a list by its form; not list.ru, which gives people mailboxes.
_LIST_HOST = re.compile(
    r"(listes?|lists?|mailman|sympa)\.[^.]+\..+|(.+\.)?(googlegroups\.com|groups\.io|framalistes\.org)"
)


def read(typed: str, own_domains: Sequence[str]) -> str | RescueReason:
    """The address as it will be kept (domain in ASCII, RFC 5891), or why it is refused.

    ``own_domains`` are the university's, as the settings keep them: ASCII, lower case. A mailbox there is lost together
    with the password. The local part must be ASCII, since older directories keep it as IA5 and not every mail server
    speaks RFC 6531. Whoever reads the mails of the address can take the account, so it is neither several addresses nor
    that of a list.
    """
    if len(typed) > LONGEST:  # before any work
        return RescueReason.TOO_LONG
    text = typed.strip(_BLANKS)
    try:
        address = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return _fault(text)
    return _objection(address, own_domains) or address.ascii_email or RescueReason.ACCENTED


def suggestion(address: str) -> str | None:
    """The address that was probably meant, where the domain is one slip away from one that many people have.

    Only pointed out, never put in its place: a rare domain may look like a common one.
    """
    read_as = read(address, ())
    if isinstance(read_as, RescueReason):
        return None
    local, _at, domain = read_as.rpartition("@")
    meant = _meant(domain.lower())
    return f"{local}@{meant}" if meant else None


def _meant(domain: str) -> str | None:
    if domain in _USUAL or domain in _LOOK_ALIKES:
        return None
    name, _dot, top = domain.rpartition(".")
    if domain in _OFTEN_MEANT or top in _COM_MISTYPED:
        return _OFTEN_MEANT.get(domain) or _meant(f"{name}.com") or f"{name}.com"
    if len(top) == _COUNTRY and name in {usual.rpartition(".")[0] for usual in _USUAL}:
        return None  # hotmail.fi, yahoo.gr: other countries have them too
    return next((usual for usual in _USUAL if _is_one_slip(domain, usual)), None)


def _is_one_slip(typed: str, meant: str) -> bool:
    """A wrong, missing or surplus character, or two neighbours swapped (Damerau's distance of one)."""
    head = next((place for place, pair in enumerate(zip(typed, meant, strict=False)) if len(set(pair)) > 1), len(meant))
    rest, wanted = typed[head:], meant[head:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return wanted in {rest[1:], swapped} or rest[1:] == wanted[1:] or rest == wanted[1:]


def _fault(text: str) -> RescueReason:
    """Why it is no address at all; the one thing its owner can do about it."""
    if len(_ANY_ADDRESS.findall(text)) > 1:
        return RescueReason.SEVERAL
    top = text.rpartition("@")[2].rpartition(".")[2].lower()
    return RescueReason.NOWHERE if top in SPECIAL_USE_DOMAIN_NAMES else RescueReason.MALFORMED


def _objection(address: ValidatedEmail, own_domains: Sequence[str]) -> RescueReason | None:
    """What is wrong with an address that is one."""
    domain = address.ascii_domain
    if any(domain == own or domain.endswith(f".{own}") for own in own_domains):
        return RescueReason.OWN_DOMAIN
    if len(address.local_part.encode()) > _LONGEST_LOCAL_PART:  # which the library leaves to its callers
        return RescueReason.TOO_LONG
    return RescueReason.LIST if _LIST_HOST.fullmatch(domain) else None
