"""The server's own configuration, cn=config: seen by root on the server alone (``--config ldapi:///``)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector import keys
from connector.directory import entries
from connector.directory.inspection import SUBTREE, SUCCESS, Lane, Unreached
from connector.doctor import remedies
from connector.doctor.case import Case
from connector.doctor.finding import Finding, broken, ok, untried, warning
from connector.settings import Settings
from connector.wording import _

_TERM = re.compile(r"\(([A-Za-z][\w.-]*)[~<>]?=(\*\))?")
_LARGE, _SLOW_MS, _MUCH = 5000, 20.0, 10
_ARGON2 = "olcModuleLoad: argon2 m=19456 t=2 p=1"
_WEAK = {"{CLEARTEXT}", "{MD5}", "{SMD5}", "{SHA}", "{CRYPT}"}

Entry = dict[str, list[str]]


def look(case: Case, uri: str) -> Iterator[Finding]:
    """Open cn=config as the system's user, and read the database that holds the people."""
    try:
        lane = Lane(case.settings.directory.model_copy(update={"start_tls": False}), uri)
    except Unreached as error:
        said = _("%(uri)s does not answer: %(error)s", uri=uri, error=error)
        yield broken("config", said, _("--config: ldapi:/// on the directory's own host"))
        return
    if lane.bind_as_owner().code != SUCCESS or not (found := _configuration(lane)):
        because = _("%(uri)s does not show cn=config to this user", uri=uri)
        yield untried("config", because, _("run it as root on the directory's host"))
        lane.close()
        return
    case.owner = lane
    people = case.settings.directory.people_dn.lower().replace(" ", "")
    for dn, entry in found.items():
        if any(people.endswith(suffix.lower().replace(" ", "")) for suffix in entry.get("olcsuffix", [])):
            case.database = dn
    for dn, entry in found.items():
        if dn.lower().endswith(f",{case.database.lower()}") and "olcoverlay" in entry:
            name = re.sub(r"^\{\d+\}", "", entry["olcoverlay"][0])
            case.overlays[name] = entry | {"dn": [dn]}
    case.configuration = found


def _configuration(lane: Lane) -> dict[str, Entry]:
    everything = lane.search("cn=config", attributes=["*"], scope=SUBTREE).entries
    return {
        dn: {name: [v.decode("utf-8", "replace") for v in values] for name, values in raw.items()}
        for dn, raw in everything
    }


def examine(case: Case) -> Iterator[Finding]:
    """Findings about the configuration, where it was shown; after those of the schema, which it rests on."""
    found = case.configuration
    if not found:
        return
    database = found.get(case.database, {})
    yield from _root(case, database)
    yield from _indexes(case, database)
    yield from _overlays(case)
    yield from _hash(case, found)
    yield from _rules(case, database)


def _root(case: Case, database: Entry) -> Iterator[Finding]:
    if any(dn.lower() == case.settings.directory.bind_dn.lower() for dn in database.get("olcrootdn", [])):
        said = _("[directory] bind_dn is the rootdn: no rule and no policy holds it")
        yield broken("rootdn", said, _("the entry of %(file)s", file=f"config/ldap/{remedies.ENTRIES}"))


def _indexes(case: Case, database: Entry) -> Iterator[Finding]:
    """Every attribute of our filters, of the kind the filter asks."""
    has: dict[str, set[str]] = {}
    for line in database.get("olcdbindex", []):
        names, _space, kinds = re.sub(r"^\{\d+\}", "", line).partition(" ")
        has |= {name.lower(): set(re.split("[, ]+", kinds or "pres,eq")) for name in names.split(",")}
    asked = {name: kind for name, kind in wanted(case.settings).items() if name.lower() not in case.unknown}
    missing = {name: kind for name, kind in asked.items() if kind not in has.get(name.lower(), set())}
    if missing:
        lines = [f"olcDbIndex: {name} {_kinds(has, name, kind)}" for name, kind in missing.items()]
        said = _("no index: %(names)s; each of those searches reads the whole directory", names=", ".join(missing))
        remedy = _background([name for name in missing if name.lower() in has])
        yield warning("indexes", said, remedy, remedies.to_config(case.database, "add: olcDbIndex", *lines))
    else:
        yield ok("indexes", _("there is an index for every search of the portal"))


def _background(replaced: list[str]) -> str:
    """What becomes of a new index; ``replaced`` have a line already."""
    if not replaced:
        return _("slapd builds it in the background")
    return _("slapd builds it in the background; take the old line of %(names)s out first", names=", ".join(replaced))


def wanted(settings: Settings) -> dict[str, str]:
    """The attributes of our filters, and the kind of index that each needs."""
    names = settings.attributes
    number = names.student_number if settings.identifiers.student_number else ""
    kinds = dict.fromkeys(filter(None, (names.uid, names.alias, names.ine, number)), "eq")
    kinds |= {name: "pres" if star else "eq" for name, star in _TERM.findall(settings.directory.population)}
    return kinds | {entries.MAIL_DUE: "eq", entries.NOTICE: "pres"}


def feel(case: Case) -> Iterator[Finding]:
    """Without cn=config: whether a search for nobody takes much longer by one identifier than by another."""
    lane, directory = case.portal, case.settings.directory
    if lane is None or case.owner or case.census is None or case.census.total < _LARGE:
        return
    spent = {}
    for name in [name for name, kind in wanted(case.settings).items() if kind == "eq" and name != entries.MAIL_DUE]:
        asked = f"(&{directory.population}({name}={keys.random_id()}))"
        answers = [lane.search(directory.people_dn, asked, scope=SUBTREE) for _turn in range(2)]
        spent[name] = min(answer.milliseconds for answer in answers)
    slow = [name for name, took in spent.items() if took > _SLOW_MS and took > _MUCH * min(spent.values())]
    if slow:
        longest = f"{max(spent.values()):.0f}"
        said = _("a search by %(names)s takes %(spent)s ms: is there no index?", names=", ".join(slow), spent=longest)
        fix = remedies.to_config(case.database, "add: olcDbIndex", *(f"olcDbIndex: {name} eq" for name in slow))
        yield warning("indexes", said, _background([]), fix)


def _kinds(has: dict[str, set[str]], name: str, kind: str) -> str:
    return ",".join(sorted(has.get(name.lower(), set()) | {kind}))


def _overlays(case: Case) -> Iterator[Finding]:
    if "ppolicy" not in case.overlays:
        return
    if case.overlays["ppolicy"].get("olcppolicyuselockout") == ["TRUE"]:
        dn = case.overlays["ppolicy"]["dn"][0]
        fix = remedies.to_config(dn, "replace: olcPPolicyUseLockout", "olcPPolicyUseLockout: FALSE")
        said = _("olcPPolicyUseLockout tells strangers that an account is locked, and so exists")
        yield warning("lockout", said, "FALSE", fix)
    yield from _unique(case)


def _unique(case: Case) -> Iterator[Finding]:
    """That overlay looks for doubles with the controls of the Modify it judges, our assertion (RFC 4528) among them."""
    overlay, rescue = case.overlays.get("unique", {}), case.settings.attributes.rescue
    uris = " ".join(value for name, values in overlay.items() if name.startswith("olcunique") for value in values)
    guarded = {word.lower() for word in re.findall(r"[\w.-]+", uris)}
    if rescue.lower() in guarded:
        said = _("the unique overlay guards %(name)s: with our assertions every redeem fails (122)", name=rescue)
        yield broken("unique", said, _("take that attribute out of olcUniqueURI: families share an address, too"))
    held = [name for name in case.settings.intake.update if name.lower() in guarded]
    if held:
        names = ", ".join(held)
        said = _("the unique overlay guards %(names)s: with our assertions no import can correct it (122)", names=names)
        yield warning("unique", said, _("take it out of olcUniqueURI: moncompte import and check look for doubles"))


def _hash(case: Case, found: dict[str, Entry]) -> Iterator[Finding]:
    frontend = next((entry for dn, entry in found.items() if "olcdatabase={-1}" in dn.lower()), {})
    scheme = next(iter(frontend.get("olcpasswordhash", [])), "{SSHA}")
    modules = [line for entry in found.values() for line in entry.get("olcmoduleload", [])]
    argon2 = next((line for line in modules if "argon2" in line), "")
    needs = scheme == "{ARGON2}" or case.settings.password.hash == "argon2id"
    if needs and not argon2:
        fix = remedies.to_config("cn=module{0},cn=config", "add: olcModuleLoad", _ARGON2)
        said = _("passwords are hashed with argon2, and slapd has not loaded that module")
        yield broken("scheme", said, _("load it"), fix)
    elif scheme == "{ARGON2}" and "m=" not in argon2:
        said = _("the argon2 module is loaded without parameters: slapd before 2.5.19 and 2.6.9 then takes 4 MiB")
        yield warning("scheme", said, _("%(line)s, in place of that line", line=_ARGON2))
    elif scheme.upper() in _WEAK:
        said = _("new passwords are hashed as %(scheme)s, which is weak", scheme=scheme)
        yield warning("scheme", said, f"config/ldap/{remedies.MODULES}")
    else:
        yield ok("scheme", _("new passwords are hashed as %(scheme)s", scheme=scheme))


def _rules(case: Case, database: Entry) -> Iterator[Finding]:
    """Replicas read with an account that must see what our rules hide."""
    rules = [rule.lower() for rule in database.get("olcaccess", [])]
    for line in database.get("olcsyncrepl", []):
        reader = re.search(r'binddn="?([^"\s]+)', line)
        if reader and not any(reader[1].lower() in rule and "keyhash" in rule for rule in rules):
            said = _(
                "%(dn)s, which a replica reads with, has no rule of its own: that replica lacks the keys", dn=reader[1]
            )
            yield warning("replica-reader", said, _("docs/directory.md, Administrators and replicas"))
    ours = [rule for rule in rules if case.settings.directory.bind_dn.lower() in rule]
    said = _("%(count)s access rules, %(ours)s of them about the portal", count=len(rules), ours=len(ours))
    yield ok("rules", said)
