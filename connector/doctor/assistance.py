"""The assistance form: the entry that keeps its requests while the mail server is down."""

from __future__ import annotations

from collections.abc import Iterator

from connector.directory.entries import REQUEST
from connector.directory.inspection import NO_SUCH_ATTRIBUTE, Lane
from connector.directory.requests import requests_dn
from connector.doctor import remedies
from connector.doctor.access import LOAD_ANEW
from connector.doctor.case import Case
from connector.doctor.finding import Finding, broken, ok, untried
from connector.wording import _


def examine(case: Case) -> Iterator[Finding]:
    """One finding, where the settings name a mailbox."""
    if not case.settings.assistance.mailbox:
        yield ok("assistance", _("there is no assistance form: [assistance] names no mailbox"))
    elif case.portal is None:
        yield untried("assistance", case.why_not)
    elif case.lacks_schema:
        yield untried("assistance", _("the schema must be loaded first"))
    else:
        yield _entry(case, case.portal)


def _entry(case: Case, lane: Lane) -> Finding:
    """Tried by a delete of what is not there: slapd says so to whoever could have done it."""
    dn = requests_dn(case.settings.directory)
    if lane.try_modify(dn, {}, REQUEST).code == NO_SUCH_ATTRIBUTE:
        return ok("assistance", _("requests for help wait in %(dn)s for the mail server", dn=dn))
    if case.read(dn, "cn"):
        said = _("the portal may not keep requests for help in %(dn)s: the assistance form takes none", dn=dn)
        return broken("assistance", said, _(LOAD_ANEW), case.rules())
    said = _("there is no entry %(dn)s, or nobody may see it: the assistance form takes no request", dn=dn)
    remedy = _("load the entry; if it is there, %(load)s", load=_(LOAD_ANEW))
    return broken("assistance", said, remedy, remedies.record(case.load(remedies.ENTRIES), dn))
