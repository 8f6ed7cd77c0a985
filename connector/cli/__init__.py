"""The ``moncompte`` command. Each subcommand is a file of its own, read when it is called: a command starts sooner."""

from __future__ import annotations

import errno
import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from connector.cli.language import speaking_as, teach_click
from connector.wording import _, reason

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
    "bounce": "bounce",
    "operator": "operator",
}


_STREAMS = (("stdin", os.devnull, "r"), ("stdout", "/dev/full", "w"), ("stderr", os.devnull, "w"))


class Commands(click.Group):
    """The subcommands."""

    def main(self, *words: Any, **options: Any) -> Any:
        """Run the command that was typed; what goes wrong is told in the shell's language."""
        _open_standard_streams()
        with speaking_as(os.environ):
            return super().main(*words, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """The same; what cannot be printed on a full disk is an error like others. A pipe nobody reads is click's."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            raise click.ClickException(reason(error, error.filename or _("standard output"))) from None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command that was typed, or what it may have been meant to be."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if close := get_close_matches(args[0], _COMMANDS, n=1):
                guess = _("Did you mean %(word)s?", word=close[0])
                raise click.UsageError(f"{error.message} {guess}", ctx) from None
            raise

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


def _open_standard_streams() -> None:
    """Descriptors that whoever called us had closed: the next file or socket would take their number.

    What is printed then fails, as on a full disk: a key must not vanish while all seems well. A terminal that lacks a
    letter of a name gets its number instead.
    """
    for number, (name, place, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(place, os.O_RDWR)  # the lowest that is free
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 (as long as we live)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


teach_click()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="moncompte")
def main() -> None:
    """Mon compte: the account portal of a university on an LDAP directory.

    Start with "moncompte demo": a directory, a mailbox and the portal on this machine, to try everything.
    """
