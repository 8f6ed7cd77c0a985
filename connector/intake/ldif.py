"""What an import would write, as LDIF (RFC 2849), for ldapmodify. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from connector.directory.register import Addition, Amendment

_SAFE = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\x1f\x21-\x39\x3b\x3d-\x7f][\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )")
_ASSERTION = "1.3.6.1.1.12"
_WORDS = {"MODIFY_ADD": "add", "MODIFY_DELETE": "delete"}


def ldif_of(what: Addition | Amendment, only_if: bytes) -> str:
    """One record; a correction carries the Assertion control with the filter ``only_if``, where there is one."""
    lines = [_line("dn", what.dn)]
    if isinstance(what, Addition):
        lines.append("changetype: add")
        lines += [_line(name, value) for name, values in what.attributes.items() for value in values]
    else:
        if only_if:
            lines.append(f"control: {_ASSERTION} true:: {base64.b64encode(only_if).decode()}")
        lines += ["changetype: modify", *_modifications(what)]
    return "\n".join([*lines, "", ""])


def _modifications(what: Amendment) -> Iterator[str]:
    for name, operations in what.changes.items():
        for operation, values in operations:
            yield f"{_WORDS[str(operation)]}: {name}"
            yield from (_line(name, value) for value in values)
            yield "-"


def _line(name: str, value: str) -> str:
    if _SAFE.fullmatch(value):
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"
