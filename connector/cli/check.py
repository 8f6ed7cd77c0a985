"""``moncompte check``: the directory doctor."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

import click

from connector.cli import shell
from connector.cli.web import log_to_stderr
from connector.clock import utc_now
from connector.doctor import Finding, Level, Report, examine
from connector.doctor.finding import To
from connector.private import create
from connector.settings import load
from connector.wording import N_, _

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.BROKEN: "red", Level.UNTRIED: "cyan"}
_MEANS = {
    0: N_("nothing is broken"),
    shell.REFUSED: N_("something is broken"),
    shell.UNAVAILABLE: N_("no server answers"),
}
_FIX_HEAD = N_(
    '# What "moncompte check" would have you change; nothing of it was applied. Read each part, cut it out into a '
    'file of its\n# own, and load that with the command that stands above it ("-f FILE" at its end).\n'
)


@click.command()
@click.option(
    "--config", "config_uri", metavar="URI", default="", help="Read cn=config too, as root on the server: ldapi:///"
)
@click.option(
    "--fix-ldif",
    "fix_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the LDIF of every remedy to a new file. Nothing is applied.",
)
@shell.json_option
@shell.settings_option
def check(config_uri: str, fix_file: Path | None, as_json: bool, path: Path) -> None:
    """Look at everything the portal rests on, say what is wrong and how to mend it. Writes nothing.

    \b
    moncompte check
    moncompte check --config ldapi:/// --fix-ldif /root/fix.ldif     (as root, on the directory's server)

    The directory, its certificate, schema, access rules, password policy, people; the mail server; this host.
    docs/check.md explains each line. Exit code 0: nothing is broken (there may be warnings); 1: something is; 69: no
    server of the directory answers; 78: the settings cannot be read.
    """
    log_to_stderr(logging.ERROR, "%(levelname)s %(name)s: %(message)s")
    with shell.explained(), shell.progress(None, "Looking at people") as note:
        uri = _socket(config_uri)
        report = examine(load(path), path, os.environ, utc_now(), uri, note)
    if fix_file:
        _write(fix_file, report)
    if as_json:
        shell.echo_json(_facts(report))
    else:
        click.echo("\n".join(_lines(report)))
    sys.exit(_exit_code(report))


def _exit_code(report: Report) -> int:
    if not report.is_reached:
        return shell.UNAVAILABLE
    return shell.REFUSED if any(report.findings(Level.BROKEN)) else 0


def _socket(uri: str) -> str:
    """``ldapi:///`` means slapd's usual socket to the LDAP commands; ldap3 wants its path."""
    return "ldapi://%2Fvar%2Frun%2Fslapd%2Fldapi" if uri == "ldapi:///" else uri


def _lines(report: Report) -> Iterator[str]:
    """The report as text: a word for each level, so that nothing rests on colour."""
    for section in report.sections:
        if section.findings:
            yield _(section.title)
            for finding in section.findings:
                yield from _told(finding)
            yield ""
    if any(finding.fix for finding in report.findings()):
        yield _("(--fix-ldif): that option writes the LDIF of the remedy to a file; --json has it, too")
    code = _exit_code(report)
    yield _("%(counts)s; exit code %(code)s: %(means)s", counts=_counts(report), code=code, means=_(_MEANS[code]))


def _counts(report: Report) -> str:
    """How many findings there are of each level."""
    counts = {level: len(list(report.findings(level))) for level in Level}
    return ", ".join(_("%(num)s %(level)s", num=num, level=_(level.value)) for level, num in counts.items())


def _told(finding: Finding) -> Iterator[str]:
    width = max(len(_(level.value)) for level in Level) + 2
    word = _(finding.level.value).ljust(width)
    yield f"  {_coloured(word, finding.level)} {shell.plain(finding.what)}"
    if finding.remedy:
        remedy = _("remedy: %(remedy)s", remedy=shell.plain(finding.remedy))
        yield f"  {'':{width}}   {remedy}" + (" (--fix-ldif)" if finding.fix else "")


def _coloured(word: str, level: Level) -> str:
    """Click drops the colour where the output is no terminal; NO_COLOR (no-color.org) drops it everywhere."""
    return word if os.environ.get("NO_COLOR") else click.style(word, fg=_COLOURS[level])


def _facts(report: Report) -> dict[str, object]:
    """For scripts: ``what`` and ``remedy`` are sentences in the shell's language, all else is the same in each."""
    findings = [
        {
            "section": section.title,
            "name": finding.name,
            "level": finding.level.value,
            "what": finding.what,
            "remedy": finding.remedy,
            "ldif": finding.fix.ldif if finding.fix else None,
        }
        for section in report.sections
        for finding in section.findings
    ]
    return {"broken": any(report.findings(Level.BROKEN)), "reached": report.is_reached, "findings": findings}


def _write(file: Path, report: Report) -> None:
    with shell.explained(), TextIOWrapper(create(file), encoding="utf-8") as out:
        out.write(_(_FIX_HEAD))
        out.writelines(_parts(report))


def _parts(report: Report) -> Iterator[str]:
    """Each fix under why and where, cn=config first: entries need the schema. Of two that are the same, one."""
    told: set[str] = set()
    fixes = [finding for finding in report.findings() if finding.fix]
    for finding in sorted(fixes, key=lambda finding: bool(finding.fix and finding.fix.to is To.DATA)):
        if finding.fix and finding.fix.ldif not in told:
            told.add(finding.fix.ldif)
            # What it found may quote a DN, and a DN may hold a line break: a line of LDIF that root would load.
            word = _(finding.level.value)
            said = (_("%(what)s: %(said)s", what=word, said=finding.what), finding.remedy)
            yield "\n" + "".join(f"# {shell.plain(line)}\n" for line in said)
            yield f"# {_(finding.fix.to.value)}\n{finding.fix.ldif}"
