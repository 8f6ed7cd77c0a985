"""``moncompte import``: people of a students' records export, made and corrected in the directory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

import click
from babel.dates import get_timezone

from connector.audit import LOCAL, Event, Line, Outcome
from connector.cli.faults import export_sentence
from connector.cli.shell import (
    REFUSED,
    dry_run_option,
    explained,
    json_option,
    opened,
    operator,
    progress,
    refuse,
    settings_option,
)
from connector.cli.tally import Tally, tell
from connector.intake import Addition, Amendment, Intake, Register, Report, Written
from connector.intake.export import LARGEST
from connector.intake.faults import ExportFault, ExportRefused
from connector.intake.ldif import ldif_of
from connector.portal import Portal
from connector.private import create
from connector.settings import Intake as Rules
from connector.wording import _


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--bind-dn", metavar="DN", help="As whom to write; the portal itself may create nobody.")
@click.option(
    "--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Holds that DN's password."
)
@click.option("--skip-bad-lines", is_flag=True, help="Write the good lines though there are bad ones.")
@click.option(
    "--ldif",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write nothing to the directory, and what would be written to this new file, for ldapmodify.",
)
@click.option("--report-missing", is_flag=True, help="List the open accounts that are not in the file.")
@dry_run_option
@json_option
@settings_option
def import_(
    file: Path,
    bind_dn: str | None,
    password_file: Path | None,
    skip_bad_lines: bool,
    ldif: Path | None,
    report_missing: bool,
    dry_run: bool,
    as_json: bool,
    path: Path,
) -> None:
    """Create and correct accounts from an export of the students' records.

    \b
    moncompte import etudiants.csv --dry-run
    moncompte import etudiants.csv --bind-dn cn=import,ou=moncompte,dc=universite,dc=example

    The whole file is checked first, and every bad line told with its number and reason; while there is one, nothing is
    written. Run it again as often as you like: what is there already stays unchanged. Nobody is deleted. Columns and
    attributes are those of [intake] in the settings; docs/import.md explains. Exit code 1: some line is bad or refused.
    """
    with opened(path) as portal, explained():
        octets = _read(file)
        with _register(portal.settings.intake, portal, bind_dn, password_file) as register:
            intake, report = _checked(portal, register, octets)
            may_write = skip_bad_lines or not report.bad
            tally = Tally(len(report.to_create), len(report.to_change), report.bad)
            if ldif and may_write:
                _write_ldif(intake, report, ldif, register.only_inside)
            elif may_write and not dry_run:
                tally = _write(portal, intake, report, file)
            missing = list(_missing(portal, intake)) if report_missing else None
    tell(report, tally, missing, is_written=may_write and not dry_run and not ldif, as_json=as_json)
    if tally.bad:
        sys.exit(REFUSED)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened_file:
        octets = opened_file.read(LARGEST + 1)
    if len(octets) > LARGEST:
        refuse(export_sentence(ExportRefused(ExportFault.TOO_BIG)))
    return octets


def _checked(portal: Portal, register: Register, octets: bytes) -> tuple[Intake, Report]:
    today = portal.now().astimezone(get_timezone(portal.settings.web.timezone)).date()
    try:
        intake = Intake(portal.settings, register, octets, today)
    except ExportRefused as refused:
        refuse(export_sentence(refused))
    with progress(intake.export.size, "Checking") as more:
        return intake, intake.check(more)


@contextmanager
def _register(rules: Rules, portal: Portal, bind_dn: str | None, password_file: Path | None) -> Iterator[Register]:
    """The directory, bound as whoever imports."""
    dn = bind_dn or rules.bind_dn
    if not dn:
        raise click.UsageError(
            _(
                "the portal's own account may create nobody: give --bind-dn and --password-file, or set bind_dn and "
                "password_file under [intake] in the settings (docs/import.md has an account for it)"
            )
        )
    with Register(portal.settings, dn, _password(rules, dn, password_file)) as register:
        yield register


def _password(rules: Rules, dn: str, file: Path | None) -> str:
    if file:
        return _first_line(file)
    if dn == rules.bind_dn and rules.password.get_secret_value():
        return rules.password.get_secret_value()
    if not sys.stdin.isatty():
        said = _("give the password of %(dn)s in a file, with --password-file; here is nobody to ask", dn=dn)
        raise click.UsageError(said)
    return str(click.prompt(f"Password of {dn}", hide_input=True, err=True))


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise click.UsageError(_("%(file)s: a password is text in UTF-8", file=file)) from None


def _write(portal: Portal, intake: Intake, report: Report, file: Path) -> Tally:
    """Write, and audit each account and the whole."""
    tally = Tally(bad=list(report.bad))
    actor = f"shell:{operator()}"
    count = len(report.to_create) + len(report.to_change)
    with progress(count, "Writing") as more, portal.audit.watch(Event.FILE_IMPORTED, LOCAL) as line:
        line.actor = actor
        try:
            for written in intake.write(report, more):
                tally.count(written)
                _audit(portal, written, actor)
        finally:
            line.details = {
                "file": file.name,
                "created": str(tally.created),
                "corrected": str(tally.changed),
                "unchanged": str(report.unchanged),
                "left_out": str(tally.bad_lines),
            }
    return tally


def _audit(portal: Portal, written: Written, actor: str) -> None:
    outcome = Outcome.FAILED if written.bad else Outcome.DONE
    reason = written.bad.fault.value if written.bad else ""
    event = Event.ACCOUNT_CREATED if written.is_new else Event.ACCOUNT_CORRECTED
    details: dict[str, str | list[str]] = {"changed": list(written.changed)} if written.changed else {}
    portal.audit.write(event, Line(written.uid, actor, outcome, reason, details), LOCAL)


def _write_ldif(intake: Intake, report: Report, path: Path, only_if: bytes) -> None:
    with TextIOWrapper(create(path), encoding="utf-8") as file:
        for _, plan in intake.plans(report):
            if isinstance(plan, Addition | Amendment):
                file.write(ldif_of(plan, only_if))


def _missing(portal: Portal, intake: Intake) -> Iterator[str]:
    """The logins of open accounts that no line of the file has."""
    for account in portal.directory.accounts():
        if account.state.is_open(portal.now()) and not intake.names(account.uid):
            yield account.uid
