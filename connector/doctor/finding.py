"""What a check found: one line, its remedy, and where a remedy has to be applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from connector.wording import N_, _


class Level(Enum):
    """How bad it is, in a word that ``moncompte check`` translates."""

    OK = N_("ok")
    WARNING = N_("warning")  # works, and will surprise somebody
    BROKEN = N_("broken")  # somebody cannot be served, or a secret is not safe
    UNTRIED = N_("untried")  # what it rests on is broken, or cannot be seen from here


class To(Enum):
    """To which part of the server a remedy is applied, and hence by which command."""

    # ldapadd takes a record without "changetype", as a schema or an entry is, and one with it.
    CONFIG = N_("ldapadd -Q -Y EXTERNAL -H ldapi:///     (as root on the directory's server: cn=config)")
    DATA = N_("ldapadd -x -D ADMIN -W -H ldapi:///      (as the directory's administrator: the data)")


@dataclass(frozen=True, slots=True)
class Fix:
    """Changes in LDIF (RFC 2849) that a sysadmin may apply; nothing of ours ever does."""

    to: To
    ldif: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``name`` is stable, for scripts; ``what`` and ``remedy`` are said to whoever typed."""

    name: str
    level: Level
    what: str
    remedy: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Findings that belong together, under a title that ``moncompte check`` translates."""

    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it; ``is_reached`` says whether any server of the directory answered."""

    sections: tuple[Section, ...]
    is_reached: bool

    def findings(self, *levels: Level) -> Iterator[Finding]:
        """Those of the given levels, or all, in order."""
        for section in self.sections:
            yield from (finding for finding in section.findings if not levels or finding.level in levels)


def ok(name: str, what: str) -> Finding:
    """All is as it must be."""
    return Finding(name, Level.OK, what)


def warning(name: str, what: str, remedy: str, fix: Fix | None = None) -> Finding:
    """It works, and will surprise somebody."""
    return Finding(name, Level.WARNING, what, remedy, fix)


def broken(name: str, what: str, remedy: str, fix: Fix | None = None) -> Finding:
    """Somebody cannot be served, or a secret is not safe."""
    return Finding(name, Level.BROKEN, what, remedy, fix)


def untried(name: str, because: str, remedy: str = "", fix: Fix | None = None) -> Finding:
    """Not known, and why."""
    return Finding(name, Level.UNTRIED, _("untried, because %(because)s", because=because), remedy, fix)
