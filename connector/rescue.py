"""The rescue address: what is accepted as one. Pure; no DNS look-up."""

from __future__ import annotations

from collections.abc import Sequence

from email_validator import EmailNotValidError, validate_email

from connector.errors import RescueReason

LONGEST = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets


def read(typed: str, own_domains: Sequence[str]) -> str | RescueReason:
    """The address as it will be kept (domain in ASCII, RFC 5891), or why it is refused.

    ``own_domains`` are the university's: a mailbox there is lost together with the password. The local part must be
    ASCII, since older directories keep it as IA5 and not every mail server speaks RFC 6531.
    """
    if len(typed) > LONGEST + 1:
        return RescueReason.MALFORMED
    try:
        address = validate_email(typed.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return RescueReason.MALFORMED
    domain = address.ascii_domain.lower()
    if any(domain == own.lower() or domain.endswith("." + own.lower()) for own in own_domains):
        return RescueReason.OWN_DOMAIN
    return address.ascii_email or RescueReason.MALFORMED
