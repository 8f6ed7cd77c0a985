"""The doctor asked by a test: what it says of some settings, and what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from connector.doctor import Finding, Level, Report, examine
from connector.settings import Settings


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
