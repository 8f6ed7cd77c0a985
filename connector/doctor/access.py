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
from connector.wording import N_, _

ALLOWED = {NO_SUCH_ATTRIBUTE, VALUE_EXISTS}  # the rights sufficed; what failed after them had to
MAY_COMPARE = {COMPARE_FALSE, COMPARE_TRUE, NO_SUCH_ATTRIBUTE}
_NO_WRITES = {10, 53, 80}  # referral, unwillingToPerform, other
LOAD_ANEW = N_("load the rules anew; with --config ldapi:/// on the server, --fix-ldif writes them for you")
_PASSWORD = N_("the password")
SOME_TIME = "19700101000000Z"
_READ = (entries.LOCKED_SINCE, entries.PASSWORD_CHANGED)


def examine(case: Case) -> Iterator[Finding]:
    """Whom the portal sees, and what it may write to them; then the decoy."""
    if case.portal is None:
        yield untried("rights", case.why_not)
        return
    if case.lacks_schema:
        yield untried("rights", _("the schema must be loaded first"))
        return
    nobody = _nobody(case, case.portal)
    if nobody or case.census is None:
        yield nobody or untried("rights", _("nobody of the population could be read"))
    else:
        yield from _writes(case, case.portal, case.census)
    if case.has_rights or (nobody and nobody.name == "people"):
        yield from _decoy(case, case.portal)


def _nobody(case: Case, lane: Lane) -> Finding | None:
    """Why nobody is found, if so. A Modify that must fail tells a branch that is hidden from one that is not there."""
    directory = case.settings.directory
    if not case.suffix or (case.census and case.census.total):
        return None if case.suffix else untried("rights", _("the people's branch is in no directory of this server"))
    if lane.try_delete(directory.people_dn, "description").code == NO_SUCH_OBJECT:
        return broken("people", _("there is no %(dn)s", dn=directory.people_dn), "[directory] people_dn")
    if lane.search(directory.people_dn).code == NO_SUCH_OBJECT:
        said = _(
            "the portal may not see %(dn)s: its access rules are not loaded, or name another branch",
            dn=directory.people_dn,
        )
        return broken("rights", said, _("load them, in front of all others"), case.rules())
    if (
        case.stranger
        and case.stranger.search(directory.people_dn, directory.population, scope=SUBTREE, limit=1).entries
    ):
        said = _(
            "strangers find people by %(population)s, and the portal none: its access rules name other people",
            population=directory.population,
        )
        return broken("rights", said, _(LOAD_ANEW), case.rules())
    return broken("people", *_found_nobody(directory.population, directory.people_dn))


def _found_nobody(population: str, people_dn: str) -> tuple[str, str]:
    """What is wrong, and its remedy."""
    return (
        _("%(population)s finds nobody under %(dn)s", population=population, dn=people_dn),
        _(
            "nobody there yet: moncompte import; else [directory] population, and the same filter in the access rules "
            "(moncompte acl)"
        ),
    )


def _writes(case: Case, lane: Lane, census: Census) -> Iterator[Finding]:
    someone = census.example("to-activate", "active")
    if someone is None:
        yield untried("rights", _("nobody of the population may have a password: all are suspended, locked or gone"))
        return
    tries = {what: lane.try_modify(someone, parts) for what, parts in _needed(case).items()}
    case.password_try = tries[_PASSWORD]
    if any(answer.code in _NO_WRITES and answer.policy is None for answer in tries.values()):
        said = _("%(uri)s takes no writes: a consumer, read-only, or its disk is full", uri=lane.uri)
        yield broken("rights", said, _("list the provider first in [directory] uri; else look at slapd's log"))
        return
    missing = [_(what) for what, answer in tries.items() if answer.code == NO_ACCESS and answer.policy is None]
    case.has_rights = len(missing) < len(tries)
    if not case.has_rights:
        said = _("the portal may write nothing: its access rules are not loaded, or stand behind others")
        yield broken("rights", said, _("load them, in front of all others"), case.rules())
        return
    missing += _unwritable_state(case, lane, census) + _unreadable(case, lane, someone)
    case.lacks_rights = bool(missing)
    if missing:
        said = _("the portal lacks a right: %(missing)s", missing=", ".join(missing))
        yield broken("rights", said, _(LOAD_ANEW), case.rules())
    else:
        yield ok("rights", _("the portal sees %(total)s people, and may write what it must", total=census.total))


def _needed(case: Case) -> dict[str, Parts]:
    """What the portal writes to a person, and the parts of a Modify that would."""
    names = case.settings.attributes
    needed: dict[str, Parts] = {name: {name: [(REPLACE, [])]} for name in entries.OURS}
    needed[_PASSWORD] = {"userPassword": [(REPLACE, [_password()])]}
    needed[N_("the class moncompteAccount")] = {"objectClass": [(ADD, [entries.ACCOUNT_CLASS])]}
    nowhere = f"{names.rescue_label}{keys.random_id()}@nobody.invalid"
    needed[N_("the rescue address")] = {names.rescue: [(ADD, [nowhere])]}
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
        _("the step from to-activate to active"): lane.try_modify(dn, {names.state: step}),
        _("%(name)s of that step", name=names.state_date): lane.try_modify(dn, {names.state_date: dated}),
    }
    return [what for what, answer in answers.items() if answer.code == NO_ACCESS]


def _unreadable(case: Case, lane: Lane, dn: str) -> list[str]:
    """Attributes that the portal may not even compare with a value that nobody has."""
    names = case.settings.attributes
    plain = (names.uid, names.alias, names.ine, names.name, names.language, names.state, names.state_date)
    tried = {name: keys.random_id() for name in plain if name} | dict.fromkeys(_READ, SOME_TIME)
    hidden = [name for name, value in tried.items() if lane.compare(dn, name, value).code == NO_ACCESS]
    return [_("to read %(name)s", name=name) for name in hidden]


def _decoy(case: Case, lane: Lane) -> Iterator[Finding]:
    dn = case.settings.directory.decoy_dn
    code = lane.try_modify(dn, {name: [(REPLACE, [])] for name in entries.ON_THE_DECOY}).code
    compares = lane.compare(dn, "userPassword", keys.random_id()).code
    load = case.load(remedies.ENTRIES)
    if code == NO_SUCH_OBJECT:
        said = _("there is no %(dn)s: strangers would see who exists, and the portal does not start", dn=dn)
        yield broken("decoy", said, _("correct [directory] decoy_dn, or load it"), remedies.record(load, dn))
    elif code == NO_ACCESS or compares not in MAY_COMPARE:
        yield _out_of_reach(case, dn)
    elif code in ALLOWED:
        yield ok("decoy", _("the decoy is there, and the portal may write to it"))
    else:
        said = _("%(dn)s answers with result code %(code)s", dn=dn, code=code)
        yield warning("decoy", said, _("compare it with %(file)s", file=f"config/ldap/{remedies.ENTRIES}"))


def _out_of_reach(case: Case, dn: str) -> Finding:
    """The decoy may not be written, or not compared; where people may be, the rules mean another."""
    if case.has_rights:
        said = _(
            "the portal may not write to %(dn)s, or not compare its password: its access rules name another decoy",
            dn=dn,
        )
        remedy = _("correct [directory] decoy_dn; if it is right, %(load)s", load=_(LOAD_ANEW))
        return broken("decoy", said, remedy, case.rules())
    said = _(
        "the portal may not write to %(dn)s, or not compare its password: its access rules are not loaded, or name "
        "another decoy",
        dn=dn,
    )
    return broken("decoy", said, _("load them"), case.rules())
