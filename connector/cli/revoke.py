"""``moncompte revoke``: take somebody's key back."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.office import identifier_argument, office, when
from connector.cli.shell import dry_run_option, plain, settings_option
from connector.model import Account
from connector.settings import Settings


@click.command()
@identifier_argument
@dry_run_option
@settings_option
def revoke(identifier: str, dry_run: bool, path: Path) -> None:
    """Take somebody's activation key back: a letter that was lost, a key that others saw.

    Example: moncompte revoke jmartin001

    IDENTIFIER is a login, an INE (with or without blanks) or a student number. Whoever types the key afterwards is told
    that it was used or replaced. A mail that was owed for it is dropped. Exit code 1: nobody
    answers to that, or there is no key.
    """
    with office(path) as (desk, settings):
        account = desk.revoke_key(identifier, is_dry=dry_run)
        verb = "would be revoked" if dry_run else "revoked"
        click.echo(f"{plain(account.uid)} ({plain(account.name)}): {_what(account, settings)} {verb}")


def _what(account: Account, settings: Settings) -> str:
    mail = ", and the mail owed for it," if account.mail_due else ""
    if account.key is None:
        return "the mail of a key that was never made"
    origin = account.key.origin.value if account.key.origin else "hand-made"
    issued = f" issued {when(account.key.issued, settings)}" if account.key.issued else ""
    return f"{origin} key{issued}{mail}"
