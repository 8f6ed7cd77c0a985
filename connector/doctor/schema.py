"""The server's schema (cn=Subschema, RFC 4512 §4.2) against what config/ldap would have it say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.directory.inspection import SUCCESS
from connector.doctor.case import Case
from connector.doctor.finding import Finding, broken, ok, untried
from connector.settings import config_folder

_FILES = ("10-schema-eduperson.ldif", "11-schema-supann.ldif", "12-schema-moncompte.ldif")
_OURS = _FILES[-1]
_FACTS = re.compile(r"(?:EQUALITY|ORDERING|SYNTAX) [\w.]+|SINGLE-VALUE")
_NAMES = re.compile(r"NAME (?:\( *)?((?:'[^']+' *)+)")
_DEFINITION = re.compile(r"^olc(?:AttributeTypes|ObjectClasses): (.*)$", re.MULTILINE)


def examine(case: Case) -> Iterator[Finding]:
    """Our attributes and classes are there, and mean the same; what the settings name is known."""
    lane = case.portal or case.stranger
    if lane is None:
        yield untried("schema", case.why_not)
        return
    answer = lane.search("cn=Subschema", "(objectClass=subschema)", ["attributeTypes", "objectClasses"])
    known = _by_name([*answer.values.get("attributetypes", []), *answer.values.get("objectclasses", [])])
    if answer.code != SUCCESS or not known:
        remedy = 'let it be read: olcAccess: to dn.base="cn=Subschema" by * read (in the frontend database)'
        yield untried("schema", "the server does not show its schema", remedy)
        return
    problems = [*_ours(case, known), *_named(case, known)]
    yield from problems or [ok("schema", "it has our attributes and classes, and all that the settings name")]


def _ours(case: Case, known: dict[str, str]) -> Iterator[Finding]:
    wanted = _by_name(_DEFINITION.findall(_unfolded(_OURS)))
    missing = [name for name in wanted if name not in known]
    case.unknown |= set(missing)
    if len(missing) == len(wanted):
        case.lacks_schema = True
        yield broken("schema", "our own schema is not loaded", f"load {_OURS}", case.load(_OURS))
        return
    if missing:
        case.lacks_schema = True
        said = f"an older schema of ours is loaded: it lacks {', '.join(missing)}"
        yield broken("schema", said, f"replace cn=moncompte,cn=schema,cn=config by config/ldap/{_OURS} (ldapmodify)")
    changed = [name for name in wanted if name in known and not _facts(wanted[name]) <= _facts(known[name])]
    if changed:
        said = f"defined otherwise than in config/ldap/{_OURS}: {', '.join(changed)}"
        yield broken("schema", said, "without its EQUALITY rule and SINGLE-VALUE, a key would not work just once")


def _named(case: Case, known: dict[str, str]) -> Iterator[Finding]:
    """What [attributes] names; each file that would bring some of it, once."""
    named = {key: value for key, value in case.settings.attributes.model_dump().items() if "label" not in key and value}
    unknown = {key: value for key, value in named.items() if value.partition(";")[0].lower() not in known}
    asked = set(re.findall(r"\(([A-Za-z][\w-]*)[~<>]?=", case.settings.directory.population))
    unknown |= {f"population {name}": name for name in asked if name.lower() not in known}
    case.unknown |= {value.lower() for value in unknown.values()}
    case.lacks_schema |= any(key.startswith("population") for key in unknown)
    for file in _FILES[:2]:
        brought = set(_by_name(_DEFINITION.findall(_unfolded(file))))
        ours = [key for key, value in unknown.items() if value.lower() in brought]
        if ours:
            names = ", ".join(unknown.pop(key) for key in ours)
            said = f"the directory does not know {names}"
            yield broken("schema", said, f"load {file}, or the full schema", case.load(file))
    for key, value in unknown.items():
        section = "[directory]" if key.startswith("population") else "[attributes]"
        remedy = f"{section} {key.partition(' ')[0]}: correct it" + (
            '; "" where it is not kept' if "[att" in section else ""
        )
        yield broken("schema", f"the directory does not know {value}", remedy)


def _by_name(definitions: list[str]) -> dict[str, str]:
    return {
        name.lower(): definition
        for definition in definitions
        for quoted in _NAMES.findall(definition)
        for name in quoted.replace("'", " ").split()
    }


def _facts(definition: str) -> set[str]:
    """What decides how values compare, and how many there may be."""
    return set(_FACTS.findall(re.sub(r"DESC '[^']*'", "", definition)))


def _unfolded(file: str) -> str:
    return (config_folder() / "ldap" / file).read_text(encoding="utf-8").replace("\n ", " ")
