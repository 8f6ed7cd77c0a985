"""What is checked before the first password is written: better no portal than one that leaks or finds nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ldap3 import MODIFY_REPLACE
from ldap3.core.exceptions import LDAPException
from ldap3.operation.search import parse_filter

from connector import hashing, keys
from connector.directory import controls, wire
from connector.directory.operations import Operations
from connector.errors import ChangeRefused, Conflict, DirectoryMisconfigured, SettingsInvalid
from connector.model import Reason, Refusal
from connector.wording import _

_TURNS = 200
_NAMES = re.compile(r"NAME (?:\( )?((?:'[^']+' ?)+)")


def offers_assertions(operations: Operations) -> bool:
    """Whether the server knows the Assertion control (RFC 4528), by its root DSE."""
    found = operations.search("", "(objectClass=*)", ["supportedControl"], scope=wire.BASE)
    offered = found[0][1].get("supportedcontrol", []) if found else []
    return controls.ASSERTION.encode() in offered


def check_filter(ldap_filter: str, where: str) -> None:
    """Raises SettingsInvalid for what is not one LDAP filter; ``where`` it was written."""
    try:
        parse_filter(ldap_filter, None, False, False, None, False)
    except (LDAPException, AttributeError, IndexError):  # the last two: it trips over a bracket too many
        said = _("%(where)s: %(filter)s is not an LDAP filter (RFC 4515)", where=where, filter=ldap_filter)
        raise SettingsInvalid([said]) from None


def check_names(operations: Operations, used: Iterable[str]) -> None:
    """Every attribute that is ``used`` is in the server's schema, where it lets us read it (RFC 4512 §4.2).

    Raises DirectoryMisconfigured: an unknown name in a filter would find nobody, in silence.
    """
    found = operations.search("cn=Subschema", "(objectClass=subschema)", ["attributeTypes"], scope=wire.BASE)
    known = {
        name.lower()
        for definition in (found[0][1].get("attributetypes", []) if found else [])
        for quoted in _NAMES.findall(definition.decode())
        for name in quoted.replace("'", " ").split()
    }
    bare = (name.partition(";")[0] for name in used if name)
    unknown = [name for name in bare if known and name.lower() not in known and not name[0].isdigit()]
    if unknown:
        remedy = _('correct [attributes] in the settings, or load the schema ("moncompte schema")')
        names = ", ".join(unknown)
        raise DirectoryMisconfigured(_("the directory does not know %(names)s: %(remedy)s", names=names, remedy=remedy))


def check_passwords(operations: Operations, decoy_dn: str, how: str) -> None:
    """A new password is kept hashed, and can be used.

    A random one is written to the decoy, which is ours, and *compared* there: only a value kept in clear compares
    equal. It also gives the decoy the directory's own hash scheme, hence its cost. Raises DirectoryMisconfigured.
    """
    for _turn in range(_TURNS):  # another process that starts in the same instant writes there too
        secret = keys.random_secret()
        try:
            operations.modify(decoy_dn, {"userPassword": [(MODIFY_REPLACE, [stored(secret, how)])]})
        except Conflict:  # ppolicy deletes the decoy's failures with it, and a bind of another process just did
            continue
        if operations.compares(decoy_dn, "userPassword", secret):
            raise DirectoryMisconfigured(
                _(
                    "the directory stores new passwords in clear: load 40-password-policy.ldif "
                    '(olcPPolicyHashCleartext), as "moncompte ldif" writes it, or set [password] hash = "argon2id"'
                )
            )
        if operations.binds(decoy_dn, secret):
            return
    raise DirectoryMisconfigured(
        _("the directory stores a new password and then refuses it: load slapd's argon2 module (20-modules.ldif)")
    )


def stored(password: str, how: str) -> str:
    """What we write: the clear password, which the directory judges and hashes, or a hash where it does not.

    Raises ChangeRefused for what slapd would take for a hash and store unjudged; the policy says so first.
    """
    if password.startswith("{"):
        raise ChangeRefused((Refusal(Reason.LEADING_BRACE),))
    return hashing.argon2id(password) if how == "argon2id" else password
