"""The directory's servers: each is reached, trusted, and lets the portal in; together they hold the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from connector.directory import entries
from connector.directory.inspection import INVALID_CREDENTIALS, SUCCESS, Fault, Lane, Unreached
from connector.doctor import remedies
from connector.doctor.case import Case
from connector.doctor.finding import Finding, broken, ok, untried, warning
from connector.wording import _, ngettext

_SOON = timedelta(days=30)
_LATE = timedelta(seconds=10)
_SKEW = timedelta(seconds=5)
_CONFIDENTIALITY = 13  # RFC 4511 appendix A: the server asks for TLS first
_LOCAL = ("ldap://localhost", "ldap://127.", "ldap://[::1]")


def reach(case: Case) -> Iterator[Finding]:
    """Open a connection to every server; those that let the portal in are the case's lanes."""
    for uri in case.settings.directory.uri:
        try:
            lane = Lane(case.settings.directory, uri)
        except Unreached as error:
            yield _unreached(uri, error)
            continue
        case.reached = True
        yield _reached(case, lane)
        if case.stranger is None:
            _as_a_stranger(case, uri)
        yield from _sign_in(case, lane)
    yield from _suffix(case)


def _unreached(uri: str, error: Unreached) -> Finding:
    name = "server" if error.fault is Fault.SILENT else "certificate"
    return broken(name, _("%(what)s: %(said)s", what=uri, said=error.what), error.remedy)


def _reached(case: Case, lane: Lane) -> Finding:
    uri, ends = lane.uri, lane.certificate_ends()
    if ends is None:
        if uri.startswith("ldap://") and not uri.startswith(_LOCAL):
            return broken("certificate", _("%(uri)s is spoken to in clear", uri=uri), "[directory] start_tls = true")
        return ok("server", _("%(uri)s answers", uri=uri))
    days, day = (ends - case.now).days, f"{ends:%Y-%m-%d}"
    if ends - case.now < _SOON:
        said = ngettext(
            "%(uri)s: its certificate ends in %(num)d day, %(day)s",
            "%(uri)s: its certificate ends in %(num)d days, %(day)s",
            days,
            uri=uri,
            day=day,
        )
        return warning("certificate", said, _("renew it"))
    said = _("%(uri)s answers; its certificate is good for %(days)s days, until %(day)s", uri=uri, days=days, day=day)
    return ok("server", said)


def _sign_in(case: Case, lane: Lane) -> Iterator[Finding]:
    directory = case.settings.directory
    answer = lane.bind(directory.bind_dn, directory.password.get_secret_value())
    if answer.code == SUCCESS:
        case.lanes.append(lane)
        spent = f"{answer.milliseconds:.0f}"
        said = _("%(uri)s lets %(dn)s in, in %(spent)s ms", uri=lane.uri, dn=directory.bind_dn, spent=spent)
        yield ok("sign-in", said)
        return
    yield _shut_out(case, lane, answer.code)
    lane.close()


def _shut_out(case: Case, lane: Lane, code: int) -> Finding:
    """Why, as far as a stranger may see. After the failed bind the connection is a stranger's."""
    dn = case.settings.directory.bind_dn
    if code == _CONFIDENTIALITY:
        said = _("%(uri)s takes no password outside TLS", uri=lane.uri)
        return broken("sign-in", said, _("[directory] start_tls = true, or ldaps://"))
    if code != INVALID_CREDENTIALS:
        said = _("%(uri)s does not let %(dn)s in: result code %(code)s", uri=lane.uri, dn=dn, code=code)
        return broken("sign-in", said, _("slapd's log says why"))
    seen = lane.search(dn, attributes=["pwdAccountLockedTime"])
    if seen.values.get("pwdaccountlockedtime"):
        return _locked(case, dn)
    others = (lane.search(other).code for other in (dn.partition(",")[2], case.settings.directory.people_dn))
    if seen.code != SUCCESS and SUCCESS in others:  # so entries are shown to strangers, and this one is not there
        load = case.load(remedies.ENTRIES)
        missing = load if lane.search(dn.partition(",")[2]).code != SUCCESS else remedies.record(load, dn)
        remedy = _("load this, then give it a password (ldappasswd)")
        return broken("sign-in", _("there is no entry %(dn)s", dn=dn), remedy, missing)
    said = _("%(uri)s refuses the password of %(dn)s", uri=lane.uri, dn=dn)
    return broken("sign-in", said, _give_password(dn, is_seen=seen.code == SUCCESS))


def _locked(case: Case, dn: str) -> Finding:
    unlock = ("delete: pwdAccountLockedTime", "-", "replace: pwdPolicySubentry")
    fix = remedies.to_data(dn, *unlock, f"pwdPolicySubentry: {case.gentle_policy}")
    said, remedy = _("%(dn)s is locked by the password policy", dn=dn), _("unlock it, under one that never locks")
    return broken("sign-in", said, remedy, fix)


def _give_password(dn: str, *, is_seen: bool) -> str:
    """The command; and what else it may be where a stranger does not see the entry."""
    command = f"ldappasswd -x -D ADMIN -W -H ldapi:/// -T PASSWORD_FILE '{dn}'"
    if is_seen:
        return _("%(command)s (no newline at the end of the file)", command=command)
    return _(
        "%(command)s (no newline at the end of the file); or there is no such entry: %(file)s; or a rule of yours in "
        "front lets nobody sign in as it",
        command=command,
        file=remedies.ENTRIES,
    )


def _as_a_stranger(case: Case, uri: str) -> None:
    """Open a connection that is nobody's, and learn which of the naming contexts holds the people."""
    try:
        case.stranger = Lane(case.settings.directory, uri)
    except Unreached:
        return
    case.contexts = case.read("", "namingContexts").get("namingcontexts", [])
    people = _plain(case.settings.directory.people_dn)
    case.suffix = max((suffix for suffix in case.contexts if people.endswith(_plain(suffix))), key=len, default="")


def _suffix(case: Case) -> Iterator[Finding]:
    if case.contexts and not case.suffix:
        said = _(
            "this directory holds %(suffixes)s, and not %(dn)s",
            suffixes=", ".join(case.contexts),
            dn=case.settings.directory.people_dn,
        )
        yield broken("suffix", said, _("[directory] people_dn (bind_dn and decoy_dn alike), or uri"))


def compare(case: Case) -> Iterator[Finding]:
    """Whether all servers hold the same: their contextCSN, each asked apart (RFC 4533's cookie holds it)."""
    if len(case.settings.directory.uri) == 1:
        return
    if len(case.lanes) < len(case.settings.directory.uri):
        yield untried("replicas", _("not every server lets the portal in"))
        return
    stamps = {lane.uri: stamp for lane in case.lanes if (stamp := _context(case, lane))}
    if len(stamps) < len(case.settings.directory.uri):
        yield _unstamped(case, [uri for uri in case.settings.directory.uri if uri not in stamps])
        return
    newest, oldest = max(stamps, key=lambda uri: stamps[uri]), min(stamps, key=lambda uri: stamps[uri])
    ahead, behind = entries.to_instant(stamps[newest]), entries.to_instant(stamps[oldest])
    lag = ahead - behind if ahead and behind else timedelta(0)
    if lag > _LATE:
        seconds = f"{lag.total_seconds():.0f}"
        said = _("%(uri)s is %(seconds)s seconds behind %(newest)s", uri=oldest, seconds=seconds, newest=newest)
        yield warning("replicas", said, _("that server's log; until it follows, a new password does not work there"))
    else:
        yield ok("replicas", _("%(count)s servers hold the same", count=len(stamps)))


def _unstamped(case: Case, missing: list[str]) -> Finding:
    remedy = _("once the portal may read this, on each server; slapd keeps it where replication is set up (syncprov)")
    fix = remedies.to_config(
        f"olcDatabase={case.database.partition('olcDatabase=')[2]}",
        "add: olcAccess",
        f'olcAccess: {{0}}to dn.exact="{case.suffix}" attrs=entry,contextCSN',
        f'  by dn.exact="{case.settings.directory.bind_dn}" read',
        "  by * break",
    )
    return untried("replicas", _("no contextCSN is seen on %(uris)s", uris=", ".join(missing)), remedy, fix)


def _context(case: Case, lane: Lane) -> str:
    """The newest change that this server knows, as the portal or a stranger sees it."""
    found = lane.search(case.suffix, attributes=["contextCSN"]).values.get("contextcsn", [])
    if not found:
        try:
            other = Lane(case.settings.directory, lane.uri)
        except Unreached:
            return ""
        found = other.search(case.suffix, attributes=["contextCSN"]).values.get("contextcsn", [])
        other.close()
    return max((value.partition(".")[0] + "Z" for value in found), default="")


def clock(case: Case) -> Iterator[Finding]:
    """Against what the directory itself wrote: LDAP has no question for the time, and we write nothing to see it."""
    decoy = case.read(case.settings.directory.decoy_dn, "modifyTimestamp", entries.KEY_ISSUED)
    changed, issued = (_instant(decoy, name) for name in ("modifyTimestamp", entries.KEY_ISSUED))
    seen = [entries.to_instant(case.census.latest_write) if case.census else None, changed]
    monitor = case.read("cn=Current,cn=Time,cn=Monitor", "monitorTimestamp").get("monitortimestamp", [])
    exact = next(map(entries.to_instant, monitor), None)
    newest = max((instant for instant in (*seen, exact) if instant), default=None)
    if newest and newest - case.now > _SKEW:
        said = _(
            "the directory's clock is %(seconds)s seconds or more ahead of this host's", seconds=_s(newest, case.now)
        )
    elif exact and case.now - exact > _SKEW:
        said = _("the directory's clock is %(seconds)s seconds behind", seconds=_s(case.now, exact))
    elif changed and issued and issued - changed > _SKEW:  # by the portal's clock, in that change or an earlier one
        said = _(
            "the directory's clock was %(seconds)s seconds or more behind the portal's", seconds=_s(issued, changed)
        )
    else:
        yield _agreeing(newest, is_exact=exact is not None)
        return
    yield warning("clock", said, _("set both clocks by NTP; keys expire and mails fall due by them"))


def _agreeing(newest: datetime | None, *, is_exact: bool) -> Finding:
    if is_exact:
        return ok("clock", _("this host and the directory agree on the time"))
    if newest:
        latest = f"{newest:%Y-%m-%d %H:%M:%S} UTC"
        said = _("nothing in the directory was written in this host's future; the latest, %(instant)s", instant=latest)
        return ok("clock", said)
    return untried("clock", _("the directory shows no instant of its own"), _("compare: date -u, on both hosts"))


def _s(later: datetime, earlier: datetime) -> str:
    """Whole seconds in between."""
    return f"{(later - earlier).total_seconds():.0f}"


def _instant(values: dict[str, list[str]], name: str) -> datetime | None:
    return entries.to_instant(next(iter(values.get(name.lower(), [])), None))


def _plain(dn: str) -> str:
    return ",".join(part.strip().lower() for part in dn.split(","))
