"""The ``moncompte`` command. Each subcommand is a file of its own."""

from __future__ import annotations

import click

from connector.cli.check import check
from connector.cli.demo import demo
from connector.cli.dispatch import dispatch
from connector.cli.import_ import import_
from connector.cli.issue import issue
from connector.cli.ldif import acl, ldif, schema
from connector.cli.purge import purge
from connector.cli.revoke import revoke
from connector.cli.serve import serve
from connector.cli.set_rescue import set_rescue
from connector.cli.settings import settings
from connector.cli.show import show
from connector.cli.stats import stats
from connector.cli.unlock import unlock


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="moncompte")
def main() -> None:
    """Mon compte: the account portal of a university on an LDAP directory.

    Start with "moncompte demo": a directory, a mailbox and the portal on this machine, to try everything.
    """


for command in (
    *(demo, check, serve, dispatch, settings, ldif, schema, acl),
    *(import_, issue, stats, purge),
    *(show, revoke, unlock, set_rescue),
):
    main.add_command(command)
