"""``moncompte issue``: a key for one person, or for a whole cohort, on a sheet or in letters."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TextIO

import click

from connector import keys
from connector.audit import Event, Line
from connector.batch import RECORD, Batch, Head
from connector.campaign import Cohort, LeftOut
from connector.cli.cohort import SAID, WOULD_GET, WOULD_REPLACE, Whom, tell
from connector.cli.office import when
from connector.cli.paper import SAMPLES, campaign_of, printable, printer_of, put_on_paper, remark_on_sample, whole_name
from connector.cli.shell import (
    dry_run_option,
    echo_json,
    filter_option,
    json_option,
    opened,
    operator,
    plain,
    refuse,
    settings_option,
)
from connector.model import Account, Origin
from connector.portal import Portal
from connector.roll import Roll, SortBy
from connector.wording import _


@click.command()
@click.argument("identifier", required=False)
@click.option(
    "--origin",
    type=click.Choice([Origin.DESK.value, Origin.LETTER.value]),
    default=Origin.DESK.value,
    show_default=True,
    help="For one person: how the key is handed over, which decides how long it lives.",
)
@click.option(
    "--never-activated", is_flag=True, help="For whom: all who never activated; of filter or list, only they."
)
@filter_option("For whom: an LDAP filter, inside the population.")
@click.option(
    "--list",
    "listed",
    metavar="FILE",
    type=click.File(encoding="utf-8-sig"),
    help="For whom: a login, INE or student number a line; - is standard input.",
)
@click.option("--column", metavar="HEADING", help="The list is a CSV: the heading of the column to read.")
@click.option(
    "--without-live-key", is_flag=True, help="Leave out who holds a live key: a letter on its way stays good."
)
@click.option(
    "--csv", "sheet", metavar="FILE", type=click.Path(path_type=Path), help="Write the keys to this new file, as CSV."
)
@click.option(
    "--letters",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Print the keys into this new PDF, a page a person.",
)
@click.option(
    "--template",
    metavar="NAME",
    default=str(SAMPLES),
    show_default="config/letters",
    help="Of the letters: a folder with one for each language, so that everybody gets theirs; or one for all, "
    "such as the samples fr, en.",
)
@click.option(
    "--sort",
    default="programme,name",
    metavar="WORDS",
    show_default=True,
    help="By programme, name, login: one or several.",
)
@click.option(
    "--resume",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Go on with a batch that broke off: its .batch file.",
)
@dry_run_option
@json_option
@settings_option
def issue(
    identifier: str | None,
    origin: str,
    never_activated: bool,
    ldap_filter: str,
    listed: TextIO | None,
    column: str | None,
    without_live_key: bool,
    sheet: Path | None,
    letters: Path | None,
    template: str,
    sort: str,
    resume: Path | None,
    dry_run: bool,
    as_json: bool,
    path: Path,
) -> None:
    """Make fresh keys: for one person, printed once; for a cohort, into a file that nobody else may read.

    \b
    moncompte issue jmartin001
    moncompte issue --never-activated --dry-run
    moncompte issue --never-activated --letters letters.pdf
    moncompte issue --resume letters.pdf.batch

    A fresh key takes the place of the one before. Beside the file, FILE.batch records who issued what, when, for whom,
    without the keys. Interrupted, wherever it was: --resume goes on, and at the end everybody's one live key is the one
    on the paper. Exit code 1: somebody who was meant to get a key got none.
    """
    whom = Whom(ldap_filter, listed, column, Cohort(never_activated, without_live_key))
    _check_usage(identifier, whom, [sheet, letters], resume, dry_run=dry_run)
    with opened(path) as portal:
        if identifier:
            _one(portal, identifier, Origin(origin), dry_run=dry_run, as_json=as_json)
        elif resume:
            with Batch.reopen(resume) as going:
                _check_place(going, portal)
                put_on_paper(portal, going, Counter(), as_json=as_json)
        elif (out := letters or sheet) and not dry_run:
            _begin(portal, whom, out, template if letters else "", _order(sort), as_json=as_json)
        else:
            _foresee(portal, whom, template if letters else "", as_json=as_json)


def _check_place(going: Batch, portal: Portal) -> None:
    there, here = going.head.people_dn, portal.settings.directory.people_dn
    if there != here:
        refuse(
            _(
                "%(path)s: is about %(there)s, the settings are about %(here)s: --settings names others",
                path=going.path,
                there=there,
                here=here,
            )
        )


def _check_usage(
    identifier: str | None, whom: Whom, files: list[Path | None], resume: Path | None, *, dry_run: bool
) -> None:
    """One person; or a cohort, with a file to write to; or a batch to go on with."""
    if [bool(identifier), whom.is_anybody, bool(resume)].count(True) != 1:
        raise click.UsageError(
            _("for whom? An IDENTIFIER; or a cohort: --never-activated, --filter, --list; or --resume FILE.batch")
        )
    if all(files):
        raise click.UsageError(_("--csv or --letters, one of them: the second would need other keys"))
    if whom.is_anybody and not any(files) and not dry_run:
        raise click.UsageError(
            _("a cohort's keys need a file: --letters or --csv. To see how many there are: --dry-run")
        )
    if any(files) and not whom.is_anybody:
        raise click.UsageError(_("--csv and --letters are for a cohort; a batch knows its file"))


def _order(sort: str) -> list[SortBy]:
    known = {by.value: by for by in SortBy}
    words = [word.strip() for word in sort.split(",")]
    if unknown := set(words) - set(known):
        said = _("--sort %(word)s: there are %(known)s", word=min(unknown), known=", ".join(known))
        raise click.UsageError(said)
    return [known[word] for word in words]


def _one(portal: Portal, identifier: str, origin: Origin, *, dry_run: bool, as_json: bool) -> None:
    account = campaign_of(portal).find(identifier)
    if account is None:
        why = SAID[LeftOut.UNKNOWN.value]
        refuse(_("%(typed)s: %(why)s", typed=identifier, why=_(why)))
    if not account.is_eligible(portal.now()):
        why = SAID[LeftOut.CLOSED.value]
        refuse(_("%(uid)s: %(why)s: no key would open it", uid=plain(account.uid), why=_(why)))
    if dry_run:
        _foresee_one(account, as_json=as_json)
        return
    until = portal.now() + portal.activation.life(origin)
    key = keys.show(portal.activation.issue_key(account, origin, portal.now()))
    portal.audit.write(Event.KEY_ISSUED, Line(account.uid, f"shell:{operator()}", details={"origin": origin.value}))
    if as_json:
        echo_json({"login": account.uid, "name": account.name, "key": key, "until": until})
    else:
        click.echo(f"{_named(account)}\n{key}\nvalid until {when(until, portal.settings)}")


def _foresee_one(account: Account, *, as_json: bool) -> None:
    if as_json:
        echo_json({"login": account.uid, "name": account.name, "replaces_key": account.key is not None})
    else:
        instead = ", in place of the one there is" if account.key else ""
        click.echo(f"{_named(account)}: would get a fresh key{instead}")


def _named(account: Account) -> str:
    return f"{plain(account.name)} ({plain(account.uid)})"


def _foresee(portal: Portal, whom: Whom, template: str, *, as_json: bool) -> None:
    told: Counter[str] = Counter()
    now, wrong_ones = portal.now(), portal.settings.keys.max_failures
    if template:
        remark_on_sample(template)
        whom = whom.printable(printable(printer_of(portal, template), now))
    for account in whom.chosen(campaign_of(portal), told):
        told[WOULD_GET] += 1
        if account.key and not account.key.why_dead(now, wrong_ones):
            told[WOULD_REPLACE] += 1
    tell(told, WOULD_GET, as_json=as_json)


def _begin(portal: Portal, whom: Whom, out: Path, template: str, order: list[SortBy], *, as_json: bool) -> None:
    if out.exists():
        refuse(_("%(path)s exists already: give another name, or move it away", path=out))
    if template:
        printer_of(portal, template)  # its faults are told before anything is done
        remark_on_sample(template)
    told: Counter[str] = Counter()
    head = Head(
        batch=keys.random_id(),
        operator=operator(),
        started=portal.now().isoformat(),
        out=out.name,
        whom=str(whom),
        people_dn=portal.settings.directory.people_dn,
        template=whole_name(template),
        never_activated=whom.cohort.never_activated,
    )
    chosen, record = whom.chosen(campaign_of(portal), told), out.with_name(out.name + RECORD)
    with (
        Roll(chosen, portal.directory.logins(), order) as roll,
        Batch.create(record, head, roll.uids()) as begun,
    ):
        people = None if whom.listed else roll.people(portal.directory.unpacked)  # those of a list come one by one
        put_on_paper(portal, begun, told, people, as_json=as_json)
