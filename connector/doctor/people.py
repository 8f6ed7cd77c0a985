"""What the census says, line by line: identifiers of two people, contradictions, mails that nobody sends."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.case import Case
from connector.doctor.census import SHOWN, Census, Kind
from connector.doctor.finding import Finding, ok, untried, warning

_HALF = 0.5
_CONTRADICTIONS = {
    "several-states": ("have several states", "keep one; the strictest counts"),
    "unreadable-state": (
        "have a state that SUPANN does not know",
        "supannRessourceEtat: {COMPTE}A:SupannActif and the like",
    ),
    "dated-state-differs": ("have a dated state that is another than their state", "write both alike"),
    "to-activate-with-password": (
        "wait to be activated and have a password",
        "set the state to active, or take the password",
    ),
    "key-without-expiry": (
        "have a key without an end, which counts as expired",
        "moncompte revoke, then issue another",
    ),
    "expiry-without-key": ("have a key's end and no key", "moncompte revoke clears it"),
    "active-with-letter-key": ("are active, and the key of a letter still opens the account", "moncompte revoke"),
    "mail-without-key": ("are owed a mail and have no key", "the dispatcher makes one; or moncompte revoke"),
    "mail-without-rescue": ("are owed a mail and have no rescue address", "moncompte set-rescue, or revoke"),
    "unreadable": ("hold values of ours that nobody can read", "moncompte revoke clears them"),
    "no-login": ("have no login that the portal can read", "[attributes] uid; the access rules must let it be read"),
}


def examine(case: Case) -> Iterator[Finding]:
    """Findings about the people of the population."""
    census = case.census
    if census is None or not census.total:
        yield untried("people", case.why_not if case.portal is None else "nobody of the population could be read")
        return
    shares = [f"{name} {census.kinds[name].count}" for name in _STATES if name in census.kinds]
    yield ok("people", f"{census.total} in the population" + (f": {', '.join(shares)}" if shares else ""))
    yield from _doubles(census)
    yield from _contradictions(census)
    yield _rescue(census)
    yield from _keys(census)
    yield from _mails(case, census)


_STATES = ("to-activate", "active", "suspended", "closed", "locked")


def _doubles(census: Census) -> Iterator[Finding]:
    """Two matches are nobody: neither of them can come in by that identifier. No INE is shown."""
    words = {"login": "a login (or alias)", "ine": "an INE"}
    remedy = "correct one of each"
    for what, kind in census.doubles.items():
        said = f"two people share {words[what]}, and neither is found by it ({kind.count} in all): {_some(kind)}"
        yield warning(f"double-{what}", said, remedy)
    if not census.doubles:
        yield ok("doubles", "no login, alias or INE belongs to two people")


def _contradictions(census: Census) -> Iterator[Finding]:
    for name, (what, remedy) in _CONTRADICTIONS.items():
        if name in census.kinds:
            yield warning(name, _said(census.kind(name), what), remedy)
    if not census.kinds.keys() & _CONTRADICTIONS.keys():
        yield ok("contradictions", "no entry contradicts itself")


def _rescue(census: Census) -> Finding:
    kind, active = census.kind("no-rescue"), census.kind("active-without-rescue")
    said = f"{kind.count} of {census.total} ({kind.count / census.total:.0%}) have no rescue address"
    users = census.kind("active").count or census.total
    if active.count > users * _HALF:
        return warning("rescue", f"{said}, most of those who are active", "import them, or tell people to give one")
    return ok("rescue", said)


def _keys(census: Census) -> Iterator[Finding]:
    expired, live = census.kind("expired-key"), census.kind("key").count
    if expired.count:
        yield warning("expired-keys", _said(expired, "have a key that expired more than a day ago"), "moncompte purge")
    else:
        yield ok("keys", f"{live} have a key, none expired long ago")


def _mails(case: Case, census: Census) -> Iterator[Finding]:
    late, given_up = census.kind("late-mail"), census.kind("given-up-mail")
    if late.count:
        remedy = 'is a portal or "moncompte dispatch" running? Its log says what the mail server answers'
        yield warning("late-mails", _said(late, "wait for a mail that is late"), remedy)
    if given_up.count:
        said = _said(given_up, f"never got a mail, given up after {case.settings.mail.max_tries} tries")
        yield warning(
            "given-up-mails", said, "moncompte show says whose address it is; moncompte purge clears the count"
        )
    if not late.count and not given_up.count:
        yield ok("mails", "no mail is late, none was given up")


def _said(kind: Kind, what: str) -> str:
    return f"{kind.count} {what}: {_some(kind)}"


def _some(kind: Kind) -> str:
    """A few of them; ``and so on`` where there are more."""
    return "; ".join(kind.examples) + ("; and so on" if kind.count > SHOWN else "")
