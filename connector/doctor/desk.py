"""The help desk: its groups, its operators, the portal's rights to them, the key of their second factors."""

from __future__ import annotations

from collections.abc import Iterator

from connector import keys
from connector.directory import entries
from connector.directory.inspection import (
    COMPARE_FALSE,
    COMPARE_TRUE,
    NO_ACCESS,
    NO_SUCH_OBJECT,
    REPLACE,
    SUBTREE,
    Lane,
    Parts,
)
from connector.doctor.access import LOAD_ANEW, MAY_COMPARE, SOME_TIME
from connector.doctor.case import Case
from connector.doctor.census import Kind
from connector.doctor.finding import Finding, broken, ok, untried, warning
from connector.model import Operator
from connector.vault import Vault
from connector.wording import _

_ARE_OPERATORS = f"(objectClass={entries.OPERATOR_CLASS})"
_MEMBERS = ("member", "uniqueMember")  # RFC 4519 §2.17, §2.40
_GUARD = entries.RECOVERY_CODE  # an operator has no key whose deletion could fail
_FORBIDDEN = {NO_ACCESS, NO_SUCH_OBJECT}


def examine(case: Case) -> Iterator[Finding]:
    """Findings about the help desk, where the settings name a group of operators."""
    if not case.settings.desk.is_open:
        yield ok("desk", _("there is no help desk: [desk] names no group"))
    elif case.portal is None:
        yield untried("desk", case.why_not)
    elif not case.has_rights or case.lacks_rights:
        yield untried("desk", _("the portal must have its rights first"))
    else:
        yield from _look(case, case.portal)


def _look(case: Case, lane: Lane) -> Iterator[Finding]:
    faults = list(_groups(case, lane))
    yield from faults or [ok("desk-groups", _("whoever is in %(groups)s may be asked", groups="; ".join(_named(case))))]
    operators = _operators(case, lane)
    if not operators:
        yield _nobody(case)
        return
    yield _rights(case, lane, operators[0])
    yield _state(operators)
    yield from _outsiders(case, lane, operators) if not faults else []
    yield from _deciphered(case, operators)


def _named(case: Case) -> list[str]:
    """The DNs of the groups that the settings name."""
    return [*filter(None, (case.settings.desk.group_dn, case.settings.desk.component_group_dn))]


def _groups(case: Case, lane: Lane) -> Iterator[Finding]:
    """Groups that cannot be asked, whatever for: any DN does."""
    any_dn = case.settings.directory.people_dn
    for dn in _named(case):
        codes = {lane.compare(dn, name, any_dn).code for name in _MEMBERS}
        if codes & _FORBIDDEN:
            said = _("there is no group %(dn)s, or the access rules do not let the portal ask it", dn=dn)
            remedy = _("[desk] group_dn, component_group_dn; if they are right, %(load)s", load=_(LOAD_ANEW))
            yield broken("desk-groups", said, remedy, case.rules())
        elif not codes & {COMPARE_FALSE, COMPARE_TRUE}:
            said = _("%(dn)s has neither member nor uniqueMember: nobody is an operator by it", dn=dn)
            yield broken("desk-groups", said, _("a groupOfNames or groupOfUniqueNames, with its members' DNs"))


def _operators(case: Case, lane: Lane) -> list[Operator]:
    names = case.settings.attributes
    people_dn, wanted = case.settings.directory.people_dn, entries.of_operator(names)
    found = lane.search(people_dn, _ARE_OPERATORS, wanted, scope=SUBTREE).entries
    return [entries.to_operator(dn, attributes, names) for dn, attributes in found]


def _nobody(case: Case) -> Finding:
    """Nobody was marked, or the rules hide whoever was."""
    people_dn = case.settings.directory.people_dn
    if case.stranger and case.stranger.search(people_dn, _ARE_OPERATORS, scope=SUBTREE, limit=1).entries:
        said = _("strangers see operators of the help desk, and the portal none: its access rules are older than they")
        return broken("desk-rights", said, _(LOAD_ANEW), case.rules())
    said = _("nobody has the class moncompteOperator, so nobody can sign in at the help desk")
    return warning("operators", said, _('docs/desk.md; "moncompte operator enrol LOGIN" prints the LDIF'))


def _rights(case: Case, lane: Lane, operator: Operator) -> Finding:
    """The rights to one of them: they rest on the class alone."""
    hidden = [_("to read %(name)s", name=name) for name in _unreadable(case, lane, operator)]
    if missing := [*_unwritable(lane, operator), *hidden]:
        said = _("the portal lacks a right to operators: %(missing)s", missing=", ".join(missing))
        return broken("desk-rights", said, _(LOAD_ANEW), case.rules())
    return ok("desk-rights", _("the portal may keep the operators' second factors"))


def _unwritable(lane: Lane, operator: Operator) -> list[str]:
    """Without writing; the guard is tried alone first, since it is a part of each try."""
    if lane.try_modify(operator.dn, {}, _GUARD).code in _FORBIDDEN:
        return [_GUARD]
    others = [name for name in entries.OF_OPERATORS if name != _GUARD]
    return [name for name in others if lane.try_modify(operator.dn, _emptied(name), _GUARD).code in _FORBIDDEN]


def _emptied(name: str) -> Parts:
    return {name: [(REPLACE, [])]}


def _unreadable(case: Case, lane: Lane, operator: Operator) -> list[str]:
    names = case.settings.attributes
    tried = {name: keys.random_id() for name in (names.uid, names.name, names.programme) if name}
    tried |= dict.fromkeys((entries.LOCKED_SINCE, entries.PASSWORD_CHANGED), SOME_TIME)
    return [name for name, value in tried.items() if lane.compare(operator.dn, name, value).code not in MAY_COMPARE]


def _state(operators: list[Operator]) -> Finding:
    """How many they are; who has no second factor is told, for whoever wonders why they cannot sign in."""
    waiting = Kind()
    for operator in operators:
        if not operator.is_enrolled:
            waiting.add(operator.dn)
    if not waiting.count:
        return ok("operators", _("%(count)s operators, each with a second factor", count=len(operators)))
    facts = {"count": len(operators), "waiting": waiting.count, "some": waiting.some}
    return ok("operators", _("%(count)s operators, %(waiting)s not enrolled: %(some)s", **facts))


def _outsiders(case: Case, lane: Lane, operators: list[Operator]) -> Iterator[Finding]:
    outside = Kind()
    for operator in operators:
        if not _is_member(case, lane, operator):
            outside.add(operator.dn)
    if outside.count:
        facts = {"count": outside.count, "some": outside.some}
        said = _("%(count)s have the class moncompteOperator and are in no group: %(some)s", **facts)
        yield warning("operators-without-group", said, _("add them to the group, or take the class away"))


def _is_member(case: Case, lane: Lane, operator: Operator) -> bool:
    asked = ((dn, name) for dn in _named(case) for name in _MEMBERS)
    return any(lane.compare(dn, name, operator.dn).code == COMPARE_TRUE for dn, name in asked)


def _deciphered(case: Case, operators: list[Operator]) -> Iterator[Finding]:
    vault, lost = Vault(case.settings.desk.totp_keys), Kind()
    enrolled = [operator for operator in operators if operator.is_enrolled]
    for operator in enrolled:
        if vault.open(operator.uid, operator.totp) is None:
            lost.add(operator.uid)
    if lost.count:
        facts = {"count": lost.count, "some": lost.some}
        said = _("[desk] totp_key does not decipher these second factors (%(count)s): %(some)s", **facts)
        remedy = _("add the older key on a line after the new one; if it is lost: moncompte operator enrol LOGIN, each")
        yield broken("desk-key", said, remedy)
    elif enrolled:
        yield ok("desk-key", _("[desk] totp_key deciphers every second factor"))
