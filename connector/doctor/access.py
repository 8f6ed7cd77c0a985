"""The portal's rights: all that it needs, tried without writing (``directory.inspection`` says how)."""

from __future__ import annotations

from collections.abc import Iterator

from connector import keys
from connector.directory import entries
from connector.directory.inspection import (
    ADD,
    COMPARE_FALSE,
    COMPARE_TRUE,
    DELETE,
    NO_ACCESS,
    NO_SUCH_ATTRIBUTE,
    NO_SUCH_OBJECT,
    REPLACE,
    SUBTREE,
    VALUE_EXISTS,
    Lane,
    Parts,
)
from connector.doctor import remedies
from connector.doctor.case import Case
from connector.doctor.census import Census
from connector.doctor.finding import Finding, broken, ok, untried, warning

ALLOWED = {NO_SUCH_ATTRIBUTE, VALUE_EXISTS}  # the rights sufficed; what failed after them had to
MAY_COMPARE = {COMPARE_FALSE, COMPARE_TRUE, NO_SUCH_ATTRIBUTE}
_NO_WRITES = {10, 53, 80}  # referral, unwillingToPerform, other
LOAD_ANEW = "load the rules anew; with --config ldapi:/// on the server, --fix-ldif writes them for you"
_SOME_TIME = "19700101000000Z"
_READ = (entries.LOCKED_SINCE, entries.PASSWORD_CHANGED)


def examine(case: Case) -> Iterator[Finding]:
    """Whom the portal sees, and what it may write to them; then the decoy."""
    if case.portal is None:
        yield untried("rights", case.why_not)
        return
    if case.lacks_schema:
        yield untried("rights", "the schema must be loaded first")
        return
    nobody = _nobody(case, case.portal)
    if nobody or case.census is None:
        yield nobody or untried("rights", "nobody of the population could be read")
    else:
        yield from _writes(case, case.portal, case.census)
    if case.has_rights or (nobody and nobody.name == "people"):
        yield from _decoy(case, case.portal)


def _nobody(case: Case, lane: Lane) -> Finding | None:
    """Why nobody is found, if so. A Modify that must fail tells a branch that is hidden from one that is not there."""
    directory = case.settings.directory
    if not case.suffix or (case.census and case.census.total):
        return None if case.suffix else untried("rights", "the people's branch is in no directory of this server")
    if lane.try_delete(directory.people_dn, "description").code == NO_SUCH_OBJECT:
        return broken("people", f"there is no {directory.people_dn}", "[directory] people_dn")
    if lane.search(directory.people_dn).code == NO_SUCH_OBJECT:
        said = f"the portal may not see {directory.people_dn}: its access rules are not loaded, or name another branch"
        return broken("rights", said, "load them, in front of all others", case.rules())
    if (
        case.stranger
        and case.stranger.search(directory.people_dn, directory.population, scope=SUBTREE, limit=1).entries
    ):
        said = (
            f"strangers find people by {directory.population}, and the portal none: its access rules name other people"
        )
        return broken("rights", said, LOAD_ANEW, case.rules())
    said = f"{directory.population} finds nobody under {directory.people_dn}"
    remedy = "nobody there yet: moncompte import; else [directory] population, and the same filter in the access rules"
    return broken("people", said, f"{remedy} (moncompte acl)")


def _writes(case: Case, lane: Lane, census: Census) -> Iterator[Finding]:
    someone = census.example("to-activate", "active")
    if someone is None:
        yield untried("rights", "nobody of the population may have a password: all are suspended, locked or gone")
        return
    tries = {what: lane.try_modify(someone, parts) for what, parts in _needed(case).items()}
    case.password_try = tries["the password"]
    if any(answer.code in _NO_WRITES and answer.policy is None for answer in tries.values()):
        said = f"{lane.uri} takes no writes: a consumer, read-only, or its disk is full"
        yield broken("rights", said, "list the provider first in [directory] uri; else look at slapd's log")
        return
    missing = [what for what, answer in tries.items() if answer.code == NO_ACCESS and answer.policy is None]
    case.has_rights = len(missing) < len(tries)
    if not case.has_rights:
        said = "the portal may write nothing: its access rules are not loaded, or stand behind others"
        yield broken("rights", said, "load them, in front of all others", case.rules())
        return
    missing += _unwritable_state(case, lane, census) + _unreadable(case, lane, someone)
    if missing:
        said = f"the portal lacks a right: {', '.join(missing)}"
        yield broken("rights", said, LOAD_ANEW, case.rules())
    else:
        yield ok("rights", f"the portal sees {census.total} people, and may write what it must")


def _needed(case: Case) -> dict[str, Parts]:
    """What the portal writes to a person, and the parts of a Modify that would."""
    names = case.settings.attributes
    needed: dict[str, Parts] = {name: {name: [(REPLACE, [])]} for name in (*entries.OURS, entries.RESCUE_VERIFIED)}
    needed["the password"] = {"userPassword": [(REPLACE, [_password()])]}
    needed["the class moncompteAccount"] = {"objectClass": [(ADD, [entries.ACCOUNT_CLASS])]}
    needed["the rescue address"] = {names.rescue: [(ADD, [f"{names.rescue_label}{keys.random_id()}@nobody.invalid"])]}
    return needed


def _password() -> str:
    """One that any policy takes: long, with letters of both kinds, digits and signs."""
    return f"{keys.random_secret()}-aZ9!"


def _unwritable_state(case: Case, lane: Lane, census: Census) -> list[str]:
    names, dn = case.settings.attributes, census.example("to-activate")
    if not names.state or dn is None:
        return []
    step = [(DELETE, [names.state_label + entries.TO_ACTIVATE]), (ADD, [names.state_label + entries.ACTIVATED])]
    dated = [(ADD, [f"{names.state_label}{entries.ACTIVATED}:20000101:"])]
    answers = {
        "the step from to-activate to active": lane.try_modify(dn, {names.state: step}),
        f"{names.state_date} of that step": lane.try_modify(dn, {names.state_date: dated}),
    }
    return [what for what, answer in answers.items() if answer.code == NO_ACCESS]


def _unreadable(case: Case, lane: Lane, dn: str) -> list[str]:
    """Attributes that the portal may not even compare with a value that nobody has."""
    names = case.settings.attributes
    plain = (names.uid, names.alias, names.ine, names.name, names.language, names.state, names.state_date)
    tried = {name: keys.random_id() for name in plain if name} | dict.fromkeys(_READ, _SOME_TIME)
    return [f"to read {name}" for name, value in tried.items() if lane.compare(dn, name, value).code == NO_ACCESS]


def _decoy(case: Case, lane: Lane) -> Iterator[Finding]:
    dn = case.settings.directory.decoy_dn
    code = lane.try_modify(dn, {name: [(REPLACE, [])] for name in entries.OURS}).code
    compares = lane.compare(dn, "userPassword", keys.random_id()).code
    load = case.load(remedies.ENTRIES)
    if code == NO_SUCH_OBJECT:
        said = f"there is no {dn}: strangers would see who exists, and the portal does not start"
        yield broken("decoy", said, "correct [directory] decoy_dn, or load it", remedies.record(load, dn))
    elif code == NO_ACCESS or compares not in MAY_COMPARE:
        said = f"the portal may not write to {dn}, or not compare its password: its access rules "
        if case.has_rights:
            remedy = f"correct [directory] decoy_dn; if it is right, {LOAD_ANEW}"
            yield broken("decoy", f"{said}name another decoy", remedy, case.rules())
        else:
            yield broken("decoy", f"{said}are not loaded, or name another decoy", "load them", case.rules())
    elif code in ALLOWED:
        yield ok("decoy", "the decoy is there, and the portal may write to it")
    else:
        yield warning(
            "decoy", f"{dn} answers with result code {code}", f"compare it with config/ldap/{remedies.ENTRIES}"
        )
