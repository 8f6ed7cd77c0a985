"""``moncompte dispatch``: send the mails that the directory says are owed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from connector.audit import Outcome
from connector.cli.office import office
from connector.cli.shell import REFUSED, dry_run_option, echo_json, json_option, observing, settings_option
from connector.cli.web import serving_observations, until_stopped, wait
from connector.office import Office
from connector.settings.values import listen_address
from connector.wording import _

_ADDRESS = re.compile(r"([^\s:]+:[0-9]{1,5})?")


def _address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise click.BadParameter(_("host:port"))
    try:
        return listen_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.option("--once", is_flag=True, help="One round: send what is overdue, say how many, and end.")
@click.option(
    "--observe",
    "address",
    metavar="HOST:PORT",
    default="",
    callback=_address,
    help="Answer /healthz, /readyz and /metrics there (docs/observe.md).",
)
@dry_run_option
@json_option
@settings_option
def dispatch(once: bool, address: str, dry_run: bool, as_json: bool, path: Path) -> None:
    """Send the mails that are owed: keys that were asked for, notices of changes.

    Example: moncompte dispatch --once

    Every portal does so by itself; this is for mails on a host of their own (docs/running.md has a systemd unit), or
    for a look. Without --once it goes on until Ctrl-C or SIGTERM. With --once, exit code 69: the mail server does not
    answer, and the mails wait; 1: some were put off or given up.
    """
    with observing(address, "--observe") as what, office(path) as (desk, _settings):
        if dry_run:
            _foresee(desk, as_json=as_json)
            return
        if not once:
            with until_stopped(), desk.dispatching(), serving_observations(desk.portal, what):
                wait()
            return
        sent = desk.dispatch_once()
        if as_json:
            echo_json({outcome.value.replace("-", "_"): count for outcome, count in sent.items()})
        else:
            done, put_off, given_up = (sent[item] for item in (Outcome.DONE, Outcome.PUT_OFF, Outcome.GIVEN_UP))
            click.echo(f"{done} mailed, {put_off} put off, {given_up} given up")
        if sent[Outcome.PUT_OFF] or sent[Outcome.GIVEN_UP]:
            sys.exit(REFUSED)


def _foresee(desk: Office, *, as_json: bool) -> None:
    keys, notices, later = desk.overdue()
    if as_json:
        echo_json({"keys": keys, "notices": notices, "later": later})
    else:
        click.echo(f"{keys} keys and {notices} notices would be mailed; {later} mails wait for later")
