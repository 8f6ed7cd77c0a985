"""The portal's rights: no more than it needs. Each is tried without writing, and must be refused."""

from __future__ import annotations

from collections.abc import Iterator

from connector import keys
from connector.directory import entries
from connector.directory.inspection import ADD, DELETE, NO_SUCH_ATTRIBUTE, REPLACE, SUBTREE, Lane
from connector.doctor import remedies
from connector.doctor.access import ALLOWED, LOAD_ANEW, MAY_COMPARE
from connector.doctor.case import Case
from connector.doctor.census import Census
from connector.doctor.finding import Finding, broken, ok, untried, warning
from connector.wording import _

_LOOKED_AT = 50
_PLAIN = ("description", "mail", "sn", "memberOf")
_SECRETS = (
    entries.KEY_HASH,
    entries.SPENT_HASH,
    entries.NOTICE,
    entries.RESCUE_CODE,
    entries.RESCUE_FORMER,
    entries.TOTP_SECRET,
    entries.ENROL_CODE,
    entries.RECOVERY_CODE,
    entries.REQUEST,
    "pwdHistory",
)


def examine(case: Case) -> Iterator[Finding]:
    """Rights that the portal has and must not have; secrets that strangers may read."""
    lane, census = case.portal, case.census
    if lane is None or census is None or not case.has_rights:
        yield untried("no-wider", _("the portal must have its rights first"))
        return
    if _is_above_rules(case, lane):
        case.is_above_rules = True
        dn, file = case.settings.directory.bind_dn, f"config/ldap/{remedies.ENTRIES}"
        said = _("%(dn)s is above all rules: it is the rootdn, or has manage", dn=dn)
        yield broken("no-wider", said, _("[directory] bind_dn: the entry of %(file)s", file=file))
        return
    wide = [*_too_wide(case, lane, census), *_own_branch(case, lane)]
    if wide:
        said = _("the portal may do what it never needs: %(wide)s", wide=", ".join(wide))
        remedy = _("put its rules, which end in none, in front of yours: %(load)s", load=_(LOAD_ANEW))
        yield broken("no-wider", said, remedy, case.rules())
    else:
        said = _("what it must not do is refused: to read a password, to write anything else, to anybody else")
        yield ok("no-wider", said)
    yield from _outside(case, lane)
    yield from _strangers(case, census)


def _is_above_rules(case: Case, lane: Lane) -> bool:
    places = (case.suffix, case.settings.directory.people_dn, case.settings.directory.decoy_dn)
    return all(lane.try_delete(dn, "description").code == NO_SUCH_ATTRIBUTE for dn in places)


def _too_wide(case: Case, lane: Lane, census: Census) -> Iterator[str]:
    names = case.settings.attributes
    someone = census.example("active", "to-activate") or ""
    if lane.compare(someone, "userPassword", keys.random_id()).code in MAY_COMPARE:
        yield _("to compare a password")
    if "userpassword" in lane.search(someone, attributes=["userPassword"]).values:
        yield _("to read a password's hash")
    wide = [name for name in (*_PLAIN, names.uid) if lane.try_delete(someone, name).code in ALLOWED]
    if wide:
        yield _("to write %(names)s", names=", ".join(wide))
    if names.rescue_label and lane.try_delete(someone, names.rescue, "{PERSO}").code in ALLOWED:
        yield _("to write other labels of %(name)s", name=names.rescue)
    if lane.try_modify(someone, {"objectClass": [(ADD, ["moncompteOperator"])]}).code in ALLOWED:
        yield _("to make somebody an operator")
    if names.state:
        yield from _states(case, lane, census)


def _states(case: Case, lane: Lane, census: Census) -> Iterator[str]:
    names, label = case.settings.attributes, case.settings.attributes.state_label
    waiting, shut = census.example("to-activate"), census.example("suspended")
    other = {names.state: [(DELETE, [label + entries.TO_ACTIVATE]), (ADD, [f"{label}A:SupannAnticipe"])]}
    if waiting and lane.try_modify(waiting, other).code in ALLOWED:
        yield _("to set another state than active")
    if shut and lane.try_modify(shut, {names.state: [(ADD, [label + entries.ACTIVATED])]}).code in ALLOWED:
        yield _("to make somebody active who is suspended")
    if shut and lane.try_modify(shut, {"userPassword": [(REPLACE, [keys.random_secret()])]}).code in ALLOWED:
        yield _("to give a password to somebody who is suspended")


def _own_branch(case: Case, lane: Lane) -> Iterator[str]:
    directory = case.settings.directory
    if lane.try_delete(directory.bind_dn, "userPassword").code == NO_SUCH_ATTRIBUTE:
        yield _("to change its own password")
    places = (
        directory.bind_dn,
        directory.decoy_dn,
        directory.decoy_dn.partition(",")[2],
        directory.people_dn,
        case.suffix,
    )
    wide = [dn for dn in places if lane.try_delete(dn, "description").code == NO_SUCH_ATTRIBUTE]
    if wide:
        yield _("to write to %(dns)s", dns=_(" and ").join(wide))


def _outside(case: Case, lane: Lane) -> Iterator[Finding]:
    """Whether the portal sees people whom it must not serve; operators are seen, by their login alone."""
    directory, uid = case.settings.directory, case.settings.attributes.uid
    others = f"(&({uid}=*)(!{directory.population}))"
    answer = lane.search(directory.people_dn, others, ["objectClass"], scope=SUBTREE, limit=_LOOKED_AT)
    found = [dn for dn, entry in answer.entries if b"moncompteOperator" not in entry.get("objectclass", [])]
    if found:
        said = _("the portal sees people outside the population, such as %(dn)s", dn=found[0])
        remedy = _("the access rules must name the same filter as [directory] population: %(load)s", load=_(LOAD_ANEW))
        yield warning("outside", said, remedy, case.rules())


def _strangers(case: Case, census: Census) -> Iterator[Finding]:
    """What a stranger sees of somebody who has a key, and of the decoy."""
    if case.stranger is None:
        return
    places = [dn for dn in (census.example("key"), case.settings.directory.decoy_dn) if dn]
    seen = {name for dn in places for name in case.stranger.search(dn, attributes=list(_SECRETS)).values}
    if seen:
        shown = ", ".join(name for name in _SECRETS if name.lower() in seen)
        yield broken("strangers", _("anybody may read %(names)s", names=shown), _(LOAD_ANEW), case.rules())
    else:
        yield ok("strangers", _("strangers see no key's hash"))
