"""The directory doctor: looks at everything that the portal rests on, says what is wrong and how to mend it. Read only.

Each check goes on where others fail, and one cause is told once: what rests on it is ``untried``, with the reason. The
rights are tried by writes that cannot succeed (``directory.inspection``); docs/check.md explains each line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from connector.directory import Directory
from connector.doctor import (
    access,
    assistance,
    census,
    desk,
    house,
    no_wider,
    passwords,
    people,
    post,
    remedies,
    schema,
    servers,
    tuning,
)
from connector.doctor.case import Case
from connector.doctor.finding import Finding, Level, Report, Section, broken
from connector.settings import Settings
from connector.wording import N_, _

__all__ = ["Finding", "Level", "Report", "Section", "examine"]


def examine(
    settings: Settings,
    path: Path,
    environment: Mapping[str, str],
    now: datetime,
    config_uri: str = "",
    note: Callable[[int], None] = lambda _more: None,
) -> Report:
    """Look at everything. ``config_uri``: where cn=config is shown to this user; ``note`` hears of people looked at.

    Raises SettingsInvalid for a population that is no filter.
    """
    directory = Directory(settings)
    case = Case(settings, now)
    try:
        return Report(tuple(_sections(case, directory, path, environment, config_uri, note)), case.reached)
    finally:
        case.close()
        directory.close()


def _sections(
    case: Case,
    directory: Directory,
    path: Path,
    environment: Mapping[str, str],
    config_uri: str,
    note: Callable[[int], None],
) -> Iterable[Section]:
    """In the order of reading, which is nearly that of what rests on what."""
    yield _section(N_("this host"), house.examine(case.settings, path, environment))
    yield _section(N_("servers"), [*servers.reach(case), *(tuning.look(case, config_uri) if config_uri else [])])
    yield _section(N_("schema"), schema.examine(case))
    yield _section(N_("server's configuration"), tuning.examine(case))
    swept = list(_sweep(case, directory, note))
    yield _section(N_("replicas and clock"), [*servers.compare(case), *servers.clock(case)])
    yield _section(N_("rights"), [*swept, *access.examine(case), *tuning.feel(case), *no_wider.examine(case)])
    yield _section(N_("passwords"), passwords.examine(case))
    yield _section(N_("people"), people.examine(case))
    yield _section(N_("help desk"), [*desk.examine(case), *assistance.examine(case)])
    yield _section(N_("mail"), post.examine(case.settings))


def _section(title: str, findings: Iterable[Finding]) -> Section:
    return Section(title, tuple(findings))


def _sweep(case: Case, directory: Directory, note: Callable[[int], None]) -> Iterator[Finding]:
    """Take the census. A sweep that stops half-way is told here, one that cannot begin by the checks of the rights."""
    if case.portal is None:
        return
    case.census = census.take(directory, case.settings, case.now, note)
    if case.census.stopped and case.census.total:
        remedy = _("give the portal this limit, in place of another of its own if it has one")
        said = _(
            "only %(total)s people could be read: %(stopped)s", total=case.census.total, stopped=case.census.stopped
        )
        yield broken("limits-of-size", said, remedy, remedies.limits_only(case.load(remedies.ACCESS)))
