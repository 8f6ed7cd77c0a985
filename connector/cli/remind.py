"""``moncompte remind``: mail those who never activated that their account waits for them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import click

from connector.audit import Event, Line
from connector.cli.cohort import tell
from connector.cli.shell import (
    dry_run_option,
    filter_option,
    json_option,
    opened,
    operator,
    progress,
    refuse,
    settings_option,
)
from connector.portal import Portal
from connector.reminders import LONGEST, Reminders
from connector.wording import _

_OWED, _WOULD = "reminders-owed", "would-be-reminded"


@click.command()
@filter_option("Only these: an LDAP filter, inside the population.")
@click.option(
    "--again-after",
    type=click.IntRange(0),
    metavar="DAYS",
    default=14,
    show_default=True,
    help="Spare who was reminded since so many days.",
)
@click.option(
    "--per-minute", type=click.IntRange(1), metavar="MAILS", default=100, show_default=True, help="So many at most."
)
@dry_run_option
@json_option
@settings_option
def remind(ldap_filter: str, again_after: int, per_minute: int, dry_run: bool, as_json: bool, path: Path) -> None:
    """Remind those who never activated and have a rescue address that their account waits for them.

    \b
    moncompte remind --dry-run
    moncompte remind --filter '(supannEntiteAffectation=UFR-DROIT)'

    The mail carries no key, so that the one on the letter lives on; it tells how to ask for another. The mails are owed
    in the directory, as all mails are: portals and dispatchers send them, so many a minute. Interrupted, do it again:
    nobody is reminded twice. Exit code 1: somebody was to be reminded, and the directory did not take it.
    """
    with opened(path) as portal:
        reminders = Reminders(portal.directory, portal.now, timedelta(days=again_after))
        told: Counter[str] = Counter()
        count = sum(1 for _ in reminders.chosen(ldap_filter, lambda why: told.update([why.value])))
        each = timedelta(minutes=1) / per_minute
        if count * each > LONGEST:
            _refuse_so_many(count)
        if not dry_run:
            told += _owe(portal, reminders, ldap_filter, count, each)
        else:
            told[_WOULD] = count
        tell(told, _WOULD if dry_run else _OWED, as_json=as_json)


def _refuse_so_many(count: int) -> NoReturn:
    least = -(-count * 60 // int(LONGEST.total_seconds()))
    way_out = _("--per-minute %(least)s or more, or fewer with --filter", least=least)
    refuse(_("%(count)s mails would take more than a day: %(way_out)s", count=count, way_out=way_out))


def _owe(portal: Portal, reminders: Reminders, ldap_filter: str, count: int, each: timedelta) -> Counter[str]:
    told: Counter[str] = Counter()
    actor = f"shell:{operator()}"
    with progress(count, "Reminding") as more:
        for account, why in reminders.owe(reminders.chosen(ldap_filter, lambda _why: None), each):
            told[why.value if why else _OWED] += 1
            if not why:
                portal.audit.write(Event.REMINDED, Line(account.uid, actor))
            more(1)
    return told
