"""What the census says, line by line: identifiers of two people, contradictions, mails that nobody sends."""

from __future__ import annotations

from collections.abc import Iterator

from connector.doctor.case import Case
from connector.doctor.census import Census, Kind
from connector.doctor.finding import Finding, ok, untried, warning
from connector.wording import N_, _

_HALF = 0.5
_CONTRADICTIONS = {
    "several-states": (N_("have several states"), N_("keep one; the strictest counts")),
    "unreadable-state": (
        N_("have a state that SUPANN does not know"),
        N_("supannRessourceEtat: {COMPTE}A:SupannActif and the like"),
    ),
    "dated-state-differs": (N_("have a dated state that is another than their state"), N_("write both alike")),
    "to-activate-with-password": (
        N_("wait to be activated and have a password"),
        N_("set the state to active, or take the password"),
    ),
    "key-without-expiry": (
        N_("have a key without an end, which counts as expired"),
        N_("moncompte revoke, then issue another"),
    ),
    "expiry-without-key": (N_("have a key's end and no key"), N_("moncompte revoke clears it")),
    "active-with-letter-key": (
        N_("are active, and the key of a letter still opens the account"),
        "moncompte revoke",
    ),
    "mail-without-key": (
        N_("are owed a mail and have no key"),
        N_("the dispatcher makes one; or moncompte revoke"),
    ),
    "mail-without-rescue": (
        N_("are owed a mail and have no rescue address"),
        N_("moncompte set-rescue, or revoke"),
    ),
    "unreadable": (N_("hold values of ours that nobody can read"), N_("moncompte revoke clears them")),
    "no-login": (
        N_("have no login that the portal can read"),
        N_("[attributes] uid; the access rules must let it be read"),
    ),
}
_STATES = {
    "to-activate": N_("to-activate"),
    "active": N_("active"),
    "suspended": N_("suspended"),
    "closed": N_("closed"),
    "locked": N_("locked"),
}
_SHARED = {
    "login": N_("two people share a login (or alias), and neither is found by it (%(count)s in all): %(some)s"),
    "ine": N_("two people share an INE, and neither is found by it (%(count)s in all): %(some)s"),
}


def examine(case: Case) -> Iterator[Finding]:
    """Findings about the people of the population."""
    census = case.census
    if census is None or not census.total:
        nobody = _("nobody of the population could be read")
        yield untried("people", case.why_not if case.portal is None else nobody)
        return
    yield ok("people", _population(census))
    yield from _doubles(census)
    yield from _contradictions(census)
    yield _rescue(census)
    yield from _keys(census)
    yield from _mails(case, census)


def _population(census: Census) -> str:
    """How many there are, and how many of each state."""
    shares = [f"{_(said)} {census.kinds[name].count}" for name, said in _STATES.items() if name in census.kinds]
    if not shares:
        return _("%(total)s in the population", total=census.total)
    return _("%(total)s in the population: %(shares)s", total=census.total, shares=", ".join(shares))


def _doubles(census: Census) -> Iterator[Finding]:
    """Two matches are nobody: neither of them can come in by that identifier. No INE is shown."""
    for what, kind in census.doubles.items():
        said = _(_SHARED[what], count=kind.count, some=kind.some)
        yield warning(f"double-{what}", said, _("correct one of each"))
    if not census.doubles:
        yield ok("doubles", _("no login, alias or INE belongs to two people"))


def _contradictions(census: Census) -> Iterator[Finding]:
    for name, (what, remedy) in _CONTRADICTIONS.items():
        if name in census.kinds:
            yield warning(name, _said(census.kind(name), _(what)), _(remedy))
    if not census.kinds.keys() & _CONTRADICTIONS.keys():
        yield ok("contradictions", _("no entry contradicts itself"))


def _rescue(census: Census) -> Finding:
    kind, active = census.kind("no-rescue"), census.kind("active-without-rescue")
    facts = {"count": kind.count, "total": census.total, "share": f"{100 * kind.count / census.total:.0f}"}
    users = census.kind("active").count or census.total
    if active.count > users * _HALF:
        said = _(
            "%(count)s of %(total)s (%(share)s%%) have no rescue address, most of those who are active",
            **facts,
        )
        return warning("rescue", said, _("import them, or tell people to give one"))
    return ok("rescue", _("%(count)s of %(total)s (%(share)s%%) have no rescue address", **facts))


def _keys(census: Census) -> Iterator[Finding]:
    expired, live = census.kind("expired-key"), census.kind("key").count
    if expired.count:
        said = _said(expired, _("have a key that expired more than a day ago"))
        yield warning("expired-keys", said, "moncompte purge")
    else:
        yield ok("keys", _("%(count)s have a key, none expired long ago", count=live))


def _mails(case: Case, census: Census) -> Iterator[Finding]:
    late, given_up = census.kind("late-mail"), census.kind("given-up-mail")
    if late.count:
        remedy = _('is a portal or "moncompte dispatch" running? Its log says what the mail server answers')
        yield warning("late-mails", _said(late, _("wait for a mail that is late")), remedy)
    if given_up.count:
        what = _("never got a mail, given up after %(tries)s tries", tries=case.settings.mail.max_tries)
        remedy = _("moncompte show says whose address it is; moncompte purge clears the count")
        yield warning("given-up-mails", _said(given_up, what), remedy)
    if not late.count and not given_up.count:
        yield ok("mails", _("no mail is late, none was given up"))


def _said(kind: Kind, what: str) -> str:
    return _("%(count)s %(what)s: %(some)s", count=kind.count, what=what, some=kind.some)
