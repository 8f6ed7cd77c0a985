"""``moncompte unlock``: end the password policy's temporary lock."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.office import identifier_argument, office
from connector.cli.shell import dry_run_option, plain, settings_option
from connector.wording import _


@click.command()
@identifier_argument
@dry_run_option
@settings_option
def unlock(identifier: str, dry_run: bool, path: Path) -> None:
    """End the rest that the password policy gave an account after too many wrong passwords.

    Example: moncompte unlock jmartin001

    IDENTIFIER is a login, an INE (with or without blanks) or a student number. The failures are forgotten too, so that
    the next slip does not lock again. A lock for good, which an administrator set, stays: the message says how they end
    it. Exit code 1: nobody answers to that, there is no lock, or it is one for good.
    """
    with office(path) as (desk, settings):
        account = desk.unlock(identifier, is_dry=dry_run)
        click.echo(f"{plain(account.uid)} ({plain(account.name)}): {'would be unlocked' if dry_run else 'unlocked'}")
        if settings.throttle.storage.get_secret_value().startswith("memory:"):
            click.echo(
                _(
                    "The portal's own counters are in its memory, out of reach: there a password may have to wait, for "
                    "up to a day after many tries; a key does not (docs/limits.md)."
                ),
                err=True,
            )
