"""``moncompte bounce``: read mail that came back, as a mail server hands it over."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from connector.bounces import LARGEST, Bounced
from connector.cli.office import office
from connector.cli.shell import Failure, settings_option

_SAID = {
    Bounced.FLAGGED: "the rescue address is flagged: mail to it came back for good",
    Bounced.BEFORE: "nothing done: the rescue address is flagged already",
    Bounced.TOO_LARGE: "nothing done: larger than any bounce of ours",
    Bounced.NO_REPORT: "nothing done: no delivery status notification (RFC 3464)",
    Bounced.NOT_FOR_GOOD: "nothing done: it does not say that the address failed for good",
    Bounced.NOT_OURS: "nothing done: not about a mail of ours",
    Bounced.UNKNOWN: "nothing done: nobody has that login",
    Bounced.ANOTHER_ADDRESS: "nothing done: not the rescue address of today",
}


@click.command()
@settings_option
def bounce(path: Path) -> None:
    """Read one bounce on standard input, and flag the rescue address that it is about.

    Example: moncompte bounce < bounce.eml

    For a mail server's pipe (docs/mail.md has Postfix's): where mail to the sender's address goes. A delivery status
    notification (RFC 3464) that says that an address failed for good flags it, if it is about a mail of ours
    and still the person's rescue address. Whatever else comes does nothing, has a line in the audit, and ends with exit
    code 0: no bounce is bounced. Exit code 75: settings or directory do not work now; the mail server keeps it and
    tries again.
    """
    try:
        with office(path) as (desk, _settings):
            found = desk.take_bounce(sys.stdin.buffer.read(LARGEST + 1))
    except Failure as failure:
        raise Failure(failure.message, os.EX_TEMPFAIL) from None
    click.echo(_SAID[found])
