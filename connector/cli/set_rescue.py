"""``moncompte set-rescue``: set somebody's rescue address, or remove it."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.office import identifier_argument, office
from connector.cli.shell import dry_run_option, plain, settings_option
from connector.model import masked
from connector.wording import _


@click.command("set-rescue")
@identifier_argument
@click.argument("address", required=False)
@click.option("--remove", is_flag=True, help="Remove the rescue address, and set none.")
@dry_run_option
@settings_option
def set_rescue(identifier: str, address: str | None, remove: bool, dry_run: bool, path: Path) -> None:
    """Set somebody's rescue address, once you know who asks; a notice goes to the old one and to the new.

    Example: moncompte set-rescue jmartin001 jeanne@example.net

    IDENTIFIER is a login, an INE (with or without blanks) or a student number; ADDRESS is judged as the form judges it.
    Every session ends. A key that was mailed to the old address dies; one on paper lives ("moncompte revoke" kills it).
    The notices are owed in the directory: a running portal sends them, or "moncompte dispatch --once". Exit code 1:
    nobody answers to IDENTIFIER, or the address is refused, and why.
    """
    if remove == (address is not None):
        raise click.UsageError(_("give an ADDRESS, or --remove"))
    with office(path) as (desk, _settings):
        done = desk.set_rescue(identifier, address, is_dry=dry_run)
        old, new = (masked(item) if item else "none" for item in (done.account.rescue, done.address))
        verb = "would change" if dry_run else "changed"
        key = "; the key mailed to the old one is dead" if done.is_key_dead else ""
        click.echo(f"{plain(done.account.uid)} ({plain(done.account.name)}): {verb} from {old} to {new}{key}")
