"""The ``moncompte`` command. Each subcommand is a file of its own."""

from __future__ import annotations

import click

from connector.cli.demo import demo
from connector.cli.issue import issue
from connector.cli.ldif import acl, ldif, schema
from connector.cli.serve import serve
from connector.cli.settings import settings
from connector.cli.stats import stats


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="moncompte")
def main() -> None:
    """Mon compte: the account portal of a university on an LDAP directory.

    Start with "moncompte demo": a directory, a mailbox and the portal on this machine, to try everything.
    """


main.add_command(demo)
main.add_command(issue)
main.add_command(serve)
main.add_command(stats)
main.add_command(settings)
main.add_command(schema)
main.add_command(acl)
main.add_command(ldif)
