"""The doctor asked by a test: what it says of some settings, what is wrong, and a server to be spoilt for a while."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from connector.demo.slapd import EXTERNAL, PrivateSlapd
from connector.doctor import Finding, Level, Report, examine
from connector.settings import Settings

DATABASE = "olcDatabase={1}mdb,cn=config"
Edit = Callable[[list[str]], list[str]]


def examined(
    settings: Settings, config_uri: str = "", path: Path = Path("/dev/null"), now: datetime | None = None
) -> Report:
    """Everything looked at, by settings that came from no file."""
    return examine(settings, path, {}, now or datetime.now(UTC), config_uri)


def wrong(report: Report) -> list[Finding]:
    """What is broken or a warning; not that the portal looks like a sample's university, as in every test."""
    found = report.findings(Level.BROKEN, Level.WARNING)
    return [finding for finding in found if "runs with a sample" not in finding.what]


def names(report: Report) -> list[str]:
    """The names of what is wrong."""
    return [finding.name for finding in wrong(report)]


def only(report: Report) -> Finding:
    """The one thing that is wrong: one cause, one line."""
    found = wrong(report)
    assert len(found) == 1, found
    return found[0]


def changed(settings: Settings, section: str, **values: object) -> Settings:
    """The same settings but for these values of one section."""
    return settings.model_copy(update={section: getattr(settings, section).model_copy(update=values)})


def record(dn: str, changes: str) -> str:
    """One change record."""
    return f"dn: {dn}\nchangetype: modify\n{changes}\n"


@contextmanager
def with_rules(server: PrivateSlapd, edit: Edit) -> Iterator[None]:
    """The access rules as ``edit`` changes them (a function of the list), for a while."""
    options = (*EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", DATABASE, "-s", "base", "olcAccess")
    old = re.findall(r"^olcAccess: \{\d+\}(.*)$", server.run("ldapsearch", *options), re.MULTILINE)
    server.add_config(_replaced(edit(old)))
    try:
        yield
    finally:
        server.add_config(_replaced(old))


def _replaced(rules: list[str]) -> str:
    lines = "".join(f"olcAccess: {{{n}}}{rule}\n" for n, rule in enumerate(rules))
    return record(DATABASE, f"replace: olcAccess\n{lines}")


@contextmanager
def with_change(server: PrivateSlapd, dn: str, change: str, back: str) -> Iterator[None]:
    """A change of the configuration or of an entry, for a while."""
    apply = server.add_config if dn.endswith("cn=config") else server.add_ldif
    apply(record(dn, change))
    try:
        yield
    finally:
        apply(record(dn, back))


def without(part: str) -> Edit:
    """The rules but for those that hold ``part``."""
    return lambda rules: [rule for rule in rules if part not in rule]


def mended(server: PrivateSlapd, settings: Settings, name: str) -> None:
    """What is written for this fault, where cn=config is shown, can be loaded, and nothing is wrong any more."""
    fix = next(finding.fix for finding in wrong(examined(settings, server.ldapi_uri)) if finding.name == name)
    assert fix
    text = fix.ldif
    if "add: olcLimits" in text:  # the test took the rules away, and not the limit
        text = re.sub(r"add: olcLimits\n.*?\n-\n", "", text, flags=re.DOTALL)
    server.add_config(text)
    assert wrong(examined(settings, server.ldapi_uri)) == []
