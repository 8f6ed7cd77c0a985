"""The LDAP controls of ours: assertion and session tracking, the password policy's answer; and filters as octets."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Any

from ldap3.operation.search import compile_filter, parse_filter
from ldap3.protocol.controls import build_control
from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import namedtype, tag, univ

from connector.directory import wire

ASSERTION = "1.3.6.1.1.12"
SESSION_TRACKING = "1.3.6.1.4.1.21008.108.63.1"
_REQUEST = "2.25.134786308879017455175355557276824610079.3.1"  # of our own arc: what follows names a request of ours
PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105 (an OID)


class PolicyError(IntEnum):
    """Why the password policy refused (draft-behera-ldap-password-policy-10 §6.2)."""

    PASSWORD_EXPIRED = 0
    ACCOUNT_LOCKED = 1
    CHANGE_AFTER_RESET = 2
    MOD_NOT_ALLOWED = 3
    MUST_SUPPLY_OLD = 4
    INSUFFICIENT_QUALITY = 5
    TOO_SHORT = 6
    TOO_YOUNG = 7
    IN_HISTORY = 8


ASK_POLICY = wire.control(PASSWORD_POLICY.encode(), None, is_critical=False)
"""The request for the password policy's reasons; not critical: a server without ppolicy ignores it."""


def assertion(ldap_filter: bytes) -> bytes:
    """The Assertion control (RFC 4528): the operation is done only if the entry matches the filter just then.

    Critical: a server that does not know it must refuse, not ignore it.
    """
    return wire.control(ASSERTION.encode(), ldap_filter)


def octets_of(ldap_filter: str) -> bytes:
    """The filter as it travels (RFC 4511 §4.5.1.7)."""
    tree = parse_filter(ldap_filter, None, auto_escape=False, auto_encode=False, validator=None, check_names=False)
    return bytes(encoder.encode(compile_filter(tree.elements[0])))


def ask_policy() -> Any:
    """``ASK_POLICY`` in ldap3's form."""
    return build_control(PASSWORD_POLICY, False, None)


@lru_cache(maxsize=256)  # a request asks the directory several times
def session_tracking(request: str) -> bytes:
    """The Session Tracking control (draft-wahl-ldap-session-03): slapd's log tells for which request of ours it works.

    Without the address of whoever asks: the directory's log is no place for it. Not critical, as the draft demands: a
    server that does not know it ignores it (RFC 4511 §4.1.11). None lists it; slapd 2.5 hides it in its root DSE.
    """
    return wire.control(SESSION_TRACKING.encode(), _session(request), is_critical=False)


def track_session(request: str) -> Any:
    """``session_tracking`` in ldap3's form."""
    return build_control(SESSION_TRACKING, False, _session(request), encode_control_value=False)


def _session(request: str) -> bytes:
    return wire.texts("", "moncompte", _REQUEST, request)


def policy_error(value: bytes) -> PolicyError | None:
    """The reason in a response's password policy control, if the server gave one that we know."""
    if not value:
        return None
    try:
        answer, _ = decoder.decode(value, asn1Spec=_PolicyAnswer())
        return PolicyError(int(answer["error"])) if answer["error"].isValue else None
    except (PyAsn1Error, ValueError):
        return None


def _context(number: int, shape: int) -> tag.Tag:
    return tag.Tag(tag.tagClassContext, shape, number)


class _Warning(univ.Choice):  # type: ignore[misc]
    componentType = namedtype.NamedTypes(  # noqa: N815 (pyasn1's name)
        namedtype.NamedType(
            "timeBeforeExpiration", univ.Integer().subtype(implicitTag=_context(0, tag.tagFormatSimple))
        ),
        namedtype.NamedType(
            "graceAuthNsRemaining", univ.Integer().subtype(implicitTag=_context(1, tag.tagFormatSimple))
        ),
    )


class _PolicyAnswer(univ.Sequence):  # type: ignore[misc]
    """PasswordPolicyResponseValue (draft-behera-ldap-password-policy-10 §6.2)."""

    componentType = namedtype.NamedTypes(  # noqa: N815 (pyasn1's name)
        namedtype.OptionalNamedType("warning", _Warning().subtype(explicitTag=_context(0, tag.tagFormatConstructed))),
        namedtype.OptionalNamedType("error", univ.Integer().subtype(implicitTag=_context(1, tag.tagFormatSimple))),
    )
