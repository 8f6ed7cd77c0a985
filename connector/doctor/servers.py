"""The directory's servers: each is reached, trusted, and lets the portal in; together they hold the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from connector.directory import entries
from connector.directory.inspection import INVALID_CREDENTIALS, NO_HANDSHAKE, SUCCESS, Lane, Stage, Unreached
from connector.doctor import remedies
from connector.doctor.case import Case
from connector.doctor.finding import Finding, broken, ok, untried, warning

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
    if error.stage is Stage.OPEN:
        return broken("server", f"{uri} does not answer: {error}", "[directory] uri; is slapd running, and reachable?")
    if "protocolError" in str(error):
        said = f"{uri} has no TLS"
        remedy = (
            "give slapd a certificate (cn=config: olcTLSCertificateFile, olcTLSCertificateKeyFile), or use ldapi://"
        )
    elif str(error).startswith(NO_HANDSHAKE):
        said = f"{uri}: {error}"
        remedy = "[directory] uri: ldaps:// is port 636, where slapd listens with -h ldaps:///; StartTLS is ldap://"
    else:
        said = f"{uri}: its certificate is not believed: {error}"
        remedy = "[directory] ca_file: the authority that signed it; uri: a name in it; an expired one: renew it"
    return broken("certificate", said, remedy)


def _reached(case: Case, lane: Lane) -> Finding:
    uri, ends = lane.uri, lane.certificate_ends()
    if ends is None:
        if uri.startswith("ldap://") and not uri.startswith(_LOCAL):
            return broken("certificate", f"{uri} is spoken to in clear", "[directory] start_tls = true")
        return ok("server", f"{uri} answers")
    days = (ends - case.now).days
    if ends - case.now < _SOON:
        return warning("certificate", f"{uri}: its certificate ends in {days} days, {ends:%Y-%m-%d}", "renew it")
    return ok("server", f"{uri} answers; its certificate is good for {days} days, until {ends:%Y-%m-%d}")


def _sign_in(case: Case, lane: Lane) -> Iterator[Finding]:
    directory = case.settings.directory
    answer = lane.bind(directory.bind_dn, directory.password.get_secret_value())
    if answer.code == SUCCESS:
        case.lanes.append(lane)
        yield ok("sign-in", f"{lane.uri} lets {directory.bind_dn} in, in {answer.milliseconds:.0f} ms")
        return
    yield _shut_out(case, lane, answer.code)
    lane.close()


def _shut_out(case: Case, lane: Lane, code: int) -> Finding:
    """Why, as far as a stranger may see. After the failed bind the connection is a stranger's."""
    dn = case.settings.directory.bind_dn
    if code == _CONFIDENTIALITY:
        return broken(
            "sign-in", f"{lane.uri} takes no password outside TLS", "[directory] start_tls = true, or ldaps://"
        )
    if code != INVALID_CREDENTIALS:
        return broken("sign-in", f"{lane.uri} does not let {dn} in: result code {code}", "slapd's log says why")
    seen = lane.search(dn, attributes=["pwdAccountLockedTime"])
    if seen.values.get("pwdaccountlockedtime"):
        fix = remedies.to_data(
            dn,
            "delete: pwdAccountLockedTime",
            "-",
            "replace: pwdPolicySubentry",
            f"pwdPolicySubentry: {case.gentle_policy}",
        )
        return broken("sign-in", f"{dn} is locked by the password policy", "unlock it, under one that never locks", fix)
    others = (lane.search(other).code for other in (dn.partition(",")[2], case.settings.directory.people_dn))
    if seen.code != SUCCESS and SUCCESS in others:  # so entries are shown to strangers, and this one is not there
        load = case.load(remedies.ENTRIES)
        missing = load if lane.search(dn.partition(",")[2]).code != SUCCESS else remedies.record(load, dn)
        return broken("sign-in", f"there is no entry {dn}", "load this, then give it a password (ldappasswd)", missing)
    give = f"ldappasswd -x -D ADMIN -W -H ldapi:/// -T PASSWORD_FILE '{dn}' (no newline at the end of the file)"
    hidden = f"; or there is no such entry: {remedies.ENTRIES}; or a rule of yours in front lets nobody sign in as it"
    hidden = "" if seen.code == SUCCESS else hidden
    return broken("sign-in", f"{lane.uri} refuses the password of {dn}", give + hidden)


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
        said = f"this directory holds {', '.join(case.contexts)}, and not {case.settings.directory.people_dn}"
        yield broken("suffix", said, "[directory] people_dn (bind_dn and decoy_dn alike), or uri")


def compare(case: Case) -> Iterator[Finding]:
    """Whether all servers hold the same: their contextCSN, each asked apart (RFC 4533's cookie holds it)."""
    if len(case.settings.directory.uri) == 1:
        return
    if len(case.lanes) < len(case.settings.directory.uri):
        yield untried("replicas", "not every server lets the portal in")
        return
    stamps = {lane.uri: stamp for lane in case.lanes if (stamp := _context(case, lane))}
    if len(stamps) < len(case.settings.directory.uri):
        missing = [uri for uri in case.settings.directory.uri if uri not in stamps]
        remedy = "once the portal may read this, on each server; slapd keeps it where replication is set up (syncprov)"
        fix = remedies.to_config(
            f"olcDatabase={case.database.partition('olcDatabase=')[2]}",
            "add: olcAccess",
            f'olcAccess: {{0}}to dn.exact="{case.suffix}" attrs=entry,contextCSN',
            f'  by dn.exact="{case.settings.directory.bind_dn}" read',
            "  by * break",
        )
        yield untried("replicas", f"no contextCSN is seen on {', '.join(missing)}", remedy, fix)
        return
    newest, oldest = max(stamps, key=lambda uri: stamps[uri]), min(stamps, key=lambda uri: stamps[uri])
    ahead, behind = entries.to_instant(stamps[newest]), entries.to_instant(stamps[oldest])
    lag = ahead - behind if ahead and behind else timedelta(0)
    if lag > _LATE:
        said = f"{oldest} is {lag.total_seconds():.0f} seconds behind {newest}"
        yield warning("replicas", said, "that server's log; until it follows, a new password does not work there")
    else:
        yield ok("replicas", f"{len(stamps)} servers hold the same")


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
    remedy = "set both clocks by NTP; keys expire and mails fall due by them"
    if newest and newest - case.now > _SKEW:
        ahead = (newest - case.now).total_seconds()
        yield warning("clock", f"the directory's clock is {ahead:.0f} seconds or more ahead of this host's", remedy)
    elif exact and case.now - exact > _SKEW:
        yield warning(
            "clock", f"the directory's clock is {(case.now - exact).total_seconds():.0f} seconds behind", remedy
        )
    elif changed and issued and issued - changed > _SKEW:  # by the portal's clock, in that change or an earlier one
        behind = (issued - changed).total_seconds()
        yield warning("clock", f"the directory's clock was {behind:.0f} seconds or more behind the portal's", remedy)
    elif exact:
        yield ok("clock", "this host and the directory agree on the time")
    elif newest:
        yield ok(
            "clock",
            f"nothing in the directory was written in this host's future; the latest, {newest:%Y-%m-%d %H:%M:%S} UTC",
        )
    else:
        yield untried("clock", "the directory shows no instant of its own", "compare: date -u, on both hosts")


def _instant(values: dict[str, list[str]], name: str) -> datetime | None:
    return entries.to_instant(next(iter(values.get(name.lower(), [])), None))


def _plain(dn: str) -> str:
    return ",".join(part.strip().lower() for part in dn.split(","))
