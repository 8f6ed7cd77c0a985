"""LDIF that a sysadmin may apply, written for the configuration at hand."""

from __future__ import annotations

import re

from connector import ldif
from connector.doctor.finding import Fix, To
from connector.errors import SettingsInvalid
from connector.settings import Settings, config_folder

DATABASE = "olcDatabase={1}mdb,cn=config"
SCHEMA, ENTRIES, ACCESS = "12-schema-moncompte.ldif", "50-entries.ldif", "60-access.ldif"
_HIDING = re.compile(r"toattrs=[\w;,-]*moncomptekeyhash[\w;,-]*by\*none")  # as _same() writes it
_OURS_ALONE = re.compile(r"toattrs=((moncompte\w+|pwdhistory),)*(moncompte\w+|pwdhistory)by\*none")
MODULES, INDEXES, POLICY = "20-modules.ldif", "30-indexes.ldif", "40-password-policy.ldif"


def file_for(settings: Settings, name: str, database: str = DATABASE) -> Fix | None:
    """A file of ``config/ldap`` for this directory; None where it cannot be made for these settings.

    ``database`` is the DN of the one that holds the people.
    """
    number = database.partition(",")[0].removeprefix("olcDatabase=")
    try:
        text = ldif.written_for(config_folder() / "ldap" / name, settings, number)
    except SettingsInvalid:
        return None
    return Fix(To.DATA if name.startswith("50-") else To.CONFIG, _without_comments(text))


def change(dn: str, *lines: str) -> str:
    """One change record."""
    return "\n".join((f"dn: {dn}", "changetype: modify", *lines)) + "\n"


def to_config(dn: str, *lines: str) -> Fix:
    """One change of cn=config."""
    return Fix(To.CONFIG, change(dn, *lines))


def to_data(dn: str, *lines: str) -> Fix:
    """One change of an entry."""
    return Fix(To.DATA, change(dn, *lines))


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip() + "\n"


def record(fix: Fix | None, dn: str) -> Fix | None:
    """Of a fix that makes several entries, the one of ``dn``."""
    if fix is None:
        return None
    records = [text for text in fix.ldif.split("\n\n") if text.lower().startswith(f"dn: {dn.lower()}\n")]
    return Fix(fix.to, "\n\n".join(records).strip() + "\n") if records else fix


def newer_schema(dn: str, present: dict[str, list[str]], wanted: list[str]) -> Fix:
    """What the schema at ``dn`` lacks of ``wanted``, definitions as in the file: attributes, then all classes anew.

    Attributes only come: none that entries may hold is taken out. A class is exchanged at its own place in one Modify.
    """
    definitions = {_defined(text): " ".join(text.split()) for text in wanted}
    attributes = {_defined(text) for text in present.get("olcattributetypes", [])}
    classes = {_defined(text): number for number, text in enumerate(present.get("olcobjectclasses", []))}
    lines: list[str] = []
    for name, text in definitions.items():
        if "SYNTAX" in text and name not in attributes:
            lines += ["add: olcAttributeTypes", f"olcAttributeTypes: {text}", "-"]
        elif name in classes:
            place = f"{{{classes[name]}}}"
            lines += ["delete: olcObjectClasses", f"olcObjectClasses: {place}", "-"]
            lines += ["add: olcObjectClasses", f"olcObjectClasses: {place}{text}", "-"]
        elif "SYNTAX" not in text:
            lines += ["add: olcObjectClasses", f"olcObjectClasses: {text}", "-"]
    return to_config(dn, *lines)


def _defined(text: str) -> str:
    """The (first) name that a definition gives."""
    found = re.search(r"NAME \(? *'([^']+)'", text)
    return found[1].lower() if found else ""


def rules_anew(fix: Fix, present: list[str], bind_dn: str) -> Fix:
    """The access rules of ``fix`` in front of what is ``present``; whatever is there about the portal goes.

    slapd refuses to add a rule that it has already, so all of them are replaced. A site's own rule about the secrets,
    for its administrators or a replica, stays in front. One that hides them from everybody would hide them from the
    portal there: a former one of ours goes, one that hides a site's own attributes, too, stays behind.
    """
    ours = _rules_of(fix)
    others = [re.sub(r"^\{\d+\}", "", rule) for rule in present]
    known = {_same(rule) for rule in ours}
    kept = [rule for rule in others if bind_dn.lower() not in rule.lower() and _same(rule) not in known]
    kept = [rule for rule in kept if not _OURS_ALONE.fullmatch(_same(rule))]
    first = [rule for rule in kept if "moncompteKeyHash" in rule and not _HIDING.fullmatch(_same(rule))]
    rules = (*first, *ours, *(rule for rule in kept if rule not in first))
    lines = (f"olcAccess: {{{number}}}{rule}" for number, rule in enumerate(rules))
    database = fix.ldif.partition("\n")[0].removeprefix("dn: ")
    return to_config(database, "replace: olcAccess", *lines)


def is_partly_there(fix: Fix, present: list[str], bind_dn: str) -> bool:
    """Whether slapd would refuse to add the access rules of ``fix``, or some stand there for ``bind_dn`` already.

    Those about the secrets name nobody: loaded for another portal, or with the sample's names, they are the same.
    """
    known = {_same(rule) for rule in _rules_of(fix)}
    return any(bind_dn.lower() in rule.lower() or _same(re.sub(r"^\{\d+\}", "", rule)) in known for rule in present)


def _rules_of(fix: Fix) -> list[str]:
    return re.findall(r"^olcAccess: \{\d+\}(.*)$", fix.ldif.replace("\n ", ""), re.MULTILINE)


def _same(rule: str) -> str:
    """A rule as it compares: slapd writes it with other blanks and quotes than it was loaded with."""
    return "".join(rule.replace('"', "").split()).lower()


def limits_only(fix: Fix | None) -> Fix | None:
    """The limit, without the access rules that are there already."""
    return Fix(fix.to, fix.ldif.partition("\n-\nadd: olcAccess")[0] + "\n") if fix else None
