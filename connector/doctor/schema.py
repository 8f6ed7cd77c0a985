"""The server's schema (cn=Subschema, RFC 4512 §4.2) against what config/ldap would have it say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.directory.inspection import SUCCESS
from connector.doctor import remedies
from connector.doctor.case import Case
from connector.doctor.finding import Finding, broken, ok, untried
from connector.settings import config_folder
from connector.wording import _

_FILES = ("10-schema-eduperson.ldif", "11-schema-supann.ldif", "12-schema-moncompte.ldif")
_OURS = _FILES[-1]
_FACTS = re.compile(r"(?:EQUALITY|ORDERING|SYNTAX) [\w.]+|SINGLE-VALUE")
_NAMES = re.compile(r"NAME (?:\( *)?((?:'[^']+' *)+)")
_MAY = re.compile(r" MAY \(?([^()]*)")
_ENTRY = re.compile(r"cn=(\{\d+\})?moncompte,cn=schema,cn=config", re.IGNORECASE)
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
        remedy = _('let it be read: olcAccess: to dn.base="cn=Subschema" by * read (in the frontend database)')
        yield untried("schema", _("the server does not show its schema"), remedy)
        return
    problems = [*_ours(case, known), *_named(case, known)]
    yield from problems or [ok("schema", _("it has our attributes and classes, and all that the settings name"))]


def _ours(case: Case, known: dict[str, str]) -> Iterator[Finding]:
    wanted = _by_name(_DEFINITION.findall(_unfolded(_OURS)))
    missing = [name for name in wanted if name not in known]
    case.unknown |= set(missing)
    if len(missing) == len(wanted):
        case.lacks_schema = True
        said, remedy = _("our own schema is not loaded"), _("load %(file)s", file=_OURS)
        yield broken("schema", said, remedy, case.load(_OURS))
        return
    older = [name for name in wanted if name in known and not _allowed(wanted[name]) <= _allowed(known[name])]
    if missing or older:
        case.lacks_schema = True
        yield _older(case, missing, older)
    changed = [name for name in wanted if name in known and not _facts(wanted[name]) <= _facts(known[name])]
    if changed:
        file = f"config/ldap/{_OURS}"
        said = _("defined otherwise than in %(file)s: %(names)s", file=file, names=", ".join(changed))
        yield broken("schema", said, _("without its EQUALITY rule and SINGLE-VALUE, a key would not work just once"))


def _older(case: Case, missing: list[str], older: list[str]) -> Finding:
    """Loaded from a former file. To bring it up to date takes its number in cn=config, which --config alone tells."""
    if missing:
        said = _("an older schema of ours is loaded: it lacks %(names)s", names=", ".join(missing))
    else:
        said = _("an older schema of ours is loaded: it allows too little in %(names)s", names=", ".join(older))
    for dn, entry in case.configuration.items():
        if _ENTRY.fullmatch(dn):
            fix = remedies.newer_schema(dn, entry, _DEFINITION.findall(_unfolded(_OURS)))
            remedy = _("add what is new: slapd takes it while it runs, entries stay as they are")
            return broken("schema", said, remedy, fix)
    remedy = _("as root on the directory's server, with --config ldapi:/// too, --fix-ldif writes what is to be added")
    return broken("schema", said, remedy)


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
            said = _("the directory does not know %(names)s", names=names)
            yield broken("schema", said, _("load %(file)s, or the full schema", file=file), case.load(file))
    for key, value in unknown.items():
        if key.startswith("population"):
            remedy = _("[directory] population: correct it")
        else:
            remedy = _('[attributes] %(key)s: correct it; "" where it is not kept', key=key)
        yield broken("schema", _("the directory does not know %(names)s", names=value), remedy)


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


def _allowed(definition: str) -> set[str]:
    """The attributes that a class allows; none of an attribute's definition."""
    found = _MAY.search(re.sub(r"DESC '[^']*'", "", definition))
    return set(found[1].replace("$", " ").lower().split()) if found else set()


def _unfolded(file: str) -> str:
    return (config_folder() / "ldap" / file).read_text(encoding="utf-8").replace("\n ", " ")
