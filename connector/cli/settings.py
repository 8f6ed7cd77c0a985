"""``moncompte settings``: what is in force, and why."""

from __future__ import annotations

import os
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click

from connector.cli.shell import echo_json, explained, json_option, refuse, settings_option
from connector.settings.effective import Effective, effective
from connector.settings.effective import explained as comments
from connector.settings.theme import Theme
from connector.wording import _


@click.command()
@click.option("--explain", "name", metavar="NAME", help="What the manual says of a setting: NAME or SECTION.NAME.")
@json_option
@settings_option
def settings(name: str | None, as_json: bool, path: Path) -> None:
    """Print the settings in force, each with its source; secrets are masked.

    \b
    moncompte settings | grep -v 'default$'       what was changed here
    moncompte settings --explain session_minutes

    A line each, in the form of the settings file, so that two hosts or two days can be compared with diff. The sources:
    default, file, environment (and the variable), secret file (and its path), missing. Exit code 78: whatever is wrong.
    """
    if name is not None:
        _explain(name)
        return
    with explained():
        rows = effective(path, os.environ)
        Theme.load(next(str(row.value) for row in rows if (row.section, row.name) == ("web", "theme")))
    if as_json:
        echo_json([asdict(row) | {"source": row.source.value} for row in rows])
    else:
        click.echo("\n\n".join(_table(section, list(group)) for section, group in groupby(rows, lambda r: r.section)))


def _table(section: str, rows: list[Effective]) -> str:
    return "\n".join([f"[{section}]", *map(str, rows)])


def _explain(name: str) -> None:
    found = comments(name)
    if not found:
        refuse(_('no setting is called %(name)s; "moncompte settings" lists them all', name=name))
    click.echo("\n\n".join(found))
