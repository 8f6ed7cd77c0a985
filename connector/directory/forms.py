"""What the directory's own schema lets values be (RFC 4512 §4.2), so that a bad one is told before it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ldap3.core.exceptions import LDAPException
from ldap3.protocol.rfc4512 import AttributeTypeInfo, ObjectClassInfo

from connector.directory import wire
from connector.directory.operations import Operations

LONGEST = 512
"""Characters of a value that the schema does not bound."""
_SYNTAX = "1.3.6.1.4.1.1466.115.121.1."
_FITTING: dict[str, Callable[[str], bool]] = {  # RFC 4517 §3.3
    "7": lambda text: text in {"TRUE", "FALSE"},
    "11": lambda text: bool(re.fullmatch("[A-Za-z]{2}", text)),
    "12": lambda text: "=" in text,
    "24": lambda text: bool(re.fullmatch(r"\d{10,14}([.,]\d+)?(Z|[+-]\d{2,4})", text, re.ASCII)),
    "26": str.isascii,
    "27": lambda text: bool(re.fullmatch("-?[1-9][0-9]*|0", text)),
    "36": lambda text: bool(re.fullmatch("[0-9 ]+", text)),
    "44": lambda text: bool(re.fullmatch(r"[A-Za-z0-9'()+,./:? =-]+", text)),
    "50": lambda text: bool(re.fullmatch(r"[A-Za-z0-9'()+,./:? =-]+", text)),
}


@dataclass(frozen=True, slots=True)
class Form:
    """What the values of one attribute may be; ``longest`` in characters."""

    is_fitting: Callable[[str], bool] = bool
    longest: int = LONGEST
    is_single: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """Of the object classes asked for, what they demand (by its first name) and allow; and the form of every attribute.
    All names are in lower case.

    ``unknown``: object classes that the directory does not know. All of it is empty where the schema may not be read.
    """

    forms: Mapping[str, Form]
    demanded: frozenset[str]
    allowed: frozenset[str]
    unknown: tuple[str, ...] = ()


def read_schema(operations: Operations, classes: Iterable[str]) -> Schema:
    """The server's schema, where it lets us read it."""
    wanted = ["attributeTypes", "objectClasses"]
    found = operations.search("cn=Subschema", "(objectClass=subschema)", wanted, scope=wire.BASE)
    texts = found[0][1] if found else {}
    types = _definitions(AttributeTypeInfo, texts.get("attributetypes", []))
    by_name = _definitions(ObjectClassInfo, texts.get("objectclasses", []))
    chain = list(_with_superiors([name.lower() for name in classes], by_name))
    return Schema(
        forms={name: _form(name, types) for name in types},
        demanded=frozenset(_aliases(name, types)[0] for each in chain for name in _told(by_name[each].must_contain)),
        allowed=frozenset(
            alias
            for each in chain
            for name in [*_told(by_name[each].must_contain), *_told(by_name[each].may_contain)]
            for alias in _aliases(name, types)
        ),
        unknown=tuple(name for name in classes if by_name and name.lower() not in by_name),
    )


def _definitions(kind: Any, texts: Iterable[bytes]) -> dict[str, Any]:
    """Definitions by each of their names, lower case; one that ldap3 cannot read is passed over."""
    read: dict[str, Any] = {}
    for text in texts:
        with suppress(LDAPException, ValueError, IndexError):
            for definition in kind.from_definition([text.decode()]).values():
                read |= dict.fromkeys((name.lower() for name in definition.name or ()), definition)
    return read


def _with_superiors(names: list[str], known: Mapping[str, Any]) -> Iterator[str]:
    waiting, told = list(names), set()
    while waiting:
        name = waiting.pop()
        if name in known and name not in told:
            told.add(name)
            yield name
            waiting += [superior.lower() for superior in known[name].superior or ()]


def _told(names: list[str] | None) -> list[str]:
    return [name.lower() for name in names or () if name.lower() != "objectclass"]


def _aliases(name: str, types: Mapping[str, Any]) -> list[str]:
    return [alias.lower() for alias in types[name].name] if name in types else [name]


def _form(name: str, types: Mapping[str, Any]) -> Form:
    """The form of an attribute: its own syntax, or its superior's."""
    definition = types[name]
    chain = (types[each] for each in _with_superiors([name], types))
    described = next((each for each in chain if each.syntax), definition)
    syntax = str(described.syntax or "").removeprefix(_SYNTAX)
    return Form(_FITTING.get(syntax, bool), described.min_length or LONGEST, bool(definition.single_value))
