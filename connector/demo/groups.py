"""The groups that make operators of the sample people."""

from __future__ import annotations

from collections.abc import Sequence

from connector.demo.people import SamplePerson

_SERVE = {"helpdesk": "everybody", "secretariats": "component"}


def groups_ldif(people: Sequence[SamplePerson], base: str) -> str:
    """Below ``ou=groups``, as the demo's settings name them.

    A group without any operator names ``base``, since a groupOfNames is never empty (RFC 4519 §3.5).
    """
    lines = [f"dn: ou=groups,{base}", "objectClass: organizationalUnit", ""]
    for name, whom in _SERVE.items():
        members = [person.dn for person in people if person.serves == whom] or [base]
        lines += [f"dn: cn={name},ou=groups,{base}", "objectClass: groupOfNames"]
        lines += [*(f"member: {dn}" for dn in members), ""]
    return "\n".join(lines)
