"""``moncompte purge``: sweep away expired keys and what is left of mails that were given up."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from connector.cli.office import office
from connector.cli.shell import dry_run_option, echo_json, json_option, settings_option


@click.command()
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(0, 36500),
    default=0,
    show_default=True,
    metavar="DAYS",
    help="Only what has been dead for that many days.",
)
@dry_run_option
@json_option
@settings_option
def purge(days: int, dry_run: bool, as_json: bool, path: Path) -> None:
    """Sweep away expired keys, and the traces of mails that were given up, of everybody.

    Example: moncompte purge --older-than 30 --dry-run

    Nobody loses anything: an expired key opens nothing anyhow, and whoever types one is still told that it is dead. A
    key issued meanwhile, and a mail that is owed, stay. Fit for a nightly timer.
    """
    with office(path) as (desk, _settings):
        purged = desk.purge(timedelta(days=days), is_dry=dry_run)
        if as_json:
            echo_json(asdict(purged) | {"dry_run": dry_run})
            return
        verb = "would be purged" if dry_run else "purged"
        kept = f"; {purged.kept} left alone: somebody got a new one meanwhile" if purged.kept else ""
        click.echo(f"{purged.keys} expired keys and {purged.mails} traces of mails given up {verb}{kept}")
