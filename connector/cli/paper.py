"""A batch put on paper from the command line: a sheet or letters, with a bar, and what to type where it breaks off."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import click
from babel.dates import get_timezone

from connector import keys
from connector.batch import Batch
from connector.campaign import Campaign, People
from connector.cli.cohort import tell
from connector.cli.shell import operator, plain, progress
from connector.languages import LANGUAGES
from connector.letters import Printer, Template
from connector.model import Account
from connector.portal import Portal
from connector.printrun import ISSUED, More, Printable, PrintRun, letter_of
from connector.settings import config_folder
from connector.sheet import Sheet
from connector.wording import _

SAMPLES = config_folder() / "letters"
_ANY_KEY = "0" * keys.LENGTH


def campaign_of(portal: Portal) -> Campaign:
    """The portal's, for operators."""
    return Campaign(portal.directory, portal.settings.keys, portal.now)


def put_on_paper(
    portal: Portal, going: Batch, told: Counter[str], people: People | None = None, *, as_json: bool
) -> None:
    """Issue what is planned and not yet on the paper, and tell what became of it.

    ``people``: all of the plan, as they were just read; without them it goes on where it broke off.
    """
    zone = get_timezone(portal.settings.web.timezone)
    run = PrintRun(campaign_of(portal), portal.audit, operator(), zone, portal.now)
    try:
        told += (_letters if going.head.template else _sheet)(portal, run, going, people)
    except BaseException:
        resume = f"moncompte issue --resume {shlex.quote(str(going.path))}"
        click.echo(_("Not finished. Go on with: %(command)s", command=resume), err=True)
        raise
    tell(told, ISSUED, as_json=as_json)


def _sheet(_portal: Portal, run: PrintRun, going: Batch, people: People | None) -> Counter[str]:
    with Sheet(going.paper(), going.head.out) as sheet, _bar(going, sheet.written) as more:
        return run.sheet(going, sheet, people or run.campaign.read(going.uids(sheet.written)), more)


def _letters(portal: Portal, run: PrintRun, going: Batch, people: People | None) -> Counter[str]:
    printer = printer_of(portal, going.head.template)
    with going.paper() as file, _bar(going) as more:
        whole = people or run.campaign.read(going.uids())
        return run.letters(going, file, printer, whole, printable(printer, portal.now()), more)


def printer_of(portal: Portal, template: str) -> Printer:
    """After the template or templates of that name or in that folder. Raises SettingsInvalid, every fault at once."""
    return Printer(Template.load_all(_folder(template)), portal.settings.web, portal.theme, portal.now())


def remark_on_sample(template: str) -> None:
    """Say on standard error that the sender on the letters is the sample's still: a cohort is printed once."""
    samples = {sample.sender.lines for sample in Template.load_all(SAMPLES).values()}
    for lines in {mine.sender.lines: None for mine in Template.load_all(_folder(template)).values()}:
        if lines and lines in samples:
            said = _(
                "Remark: the sender on the letters is the sample's: %(lines)s; copy config/letters, edit the copy, "
                "--template FOLDER",
                lines=", ".join(lines),
            )
            click.echo(said, err=True)


def whole_name(template: str) -> str:
    """The same template, wherever the batch is gone on with."""
    return str(_folder(template).resolve()) if template else ""


def _folder(template: str) -> Path:
    return SAMPLES / template if template in LANGUAGES else Path(template)


def printable(printer: Printer, until: datetime) -> Printable:
    """Tells on standard error whose letter cannot be printed, and why."""

    def is_printable(account: Account) -> bool:
        problems = printer.problems(letter_of(account, _ANY_KEY, until))
        for problem in problems:
            click.echo(_("%(uid)s: no letter: %(problem)s", uid=plain(account.uid), problem=problem), err=True)
        return not problems

    return is_printable


def _bar(going: Batch, written: Iterable[str] = ()) -> AbstractContextManager[More]:
    return progress(sum(1 for _ in going.uids(written)), "Issuing")
