"""The ``moncompte`` command. Each subcommand is a file of its own, read when it is called: a command starts sooner."""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = {  # in the order of ``--help``, and where each is
    "demo": "demo",
    "settings": "settings",
    "ldif": "ldif",
    "schema": "ldif",
    "acl": "ldif",
    "check": "check",
    "serve": "serve",
    "dispatch": "dispatch",
    "import": "import_",
    "issue": "issue",
    "remind": "remind",
    "stats": "stats",
    "purge": "purge",
    "show": "show",
    "revoke": "revoke",
    "unlock": "unlock",
    "set-rescue": "set_rescue",
}


class Commands(click.Group):
    """The subcommands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In an order that tells a story."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The one of that name."""
        if cmd_name not in _COMMANDS:
            return None
        file = import_module(f"connector.cli.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(file, cmd_name.replace("-", "_"), None) or file.import_
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="moncompte")
def main() -> None:
    """Mon compte: the account portal of a university on an LDAP directory.

    Start with "moncompte demo": a directory, a mailbox and the portal on this machine, to try everything.
    """
