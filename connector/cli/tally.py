"""What an import came to: counted while it is written, told at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import click

from connector.cli.faults import sentence
from connector.cli.shell import echo_json
from connector.intake import BadLine, Report, Written
from connector.wording import _


@dataclass(slots=True)
class Tally:
    """Accounts created and changed, and every fault of every line that is bad."""

    created: int = 0
    changed: int = 0
    bad: list[BadLine] = field(default_factory=list)

    @property
    def bad_lines(self) -> int:
        """How many lines are bad, each with one fault or several."""
        return len({each.line for each in self.bad})

    def count(self, written: Written) -> None:
        """One more line was dealt with."""
        if written.bad:
            self.bad.append(written.bad)
        elif written.is_new:
            self.created += 1
        else:
            self.changed += 1


def tell(report: Report, tally: Tally, missing: list[str] | None, *, is_written: bool, as_json: bool) -> None:
    """Every bad line, who is missing from the file if that was asked for, and the sums."""
    counts: dict[str, Any] = {
        "written": is_written,
        "lines": report.lines,
        "created": tally.created,
        "changed": tally.changed,
        "unchanged": report.unchanged,
        "bad_lines": tally.bad_lines,
    }
    if as_json:
        bad = [
            {"line": each.line, "fault": each.fault.value, "where": each.where, "said": sentence(each)}
            for each in tally.bad
        ]
        echo_json(counts | {"bad": bad} | ({} if missing is None else {"missing": missing}))
        return
    for each in tally.bad:
        click.echo(_("line %(line)s: %(said)s", line=each.line, said=sentence(each)))
    for uid in missing or ():
        click.echo(f"not in the file: {uid}")
    click.echo(_summary(counts, missing))


def _summary(counts: dict[str, Any], missing: list[str] | None) -> str:
    to = "" if counts["written"] else "to be "
    told = [
        f"{counts['lines']} lines: {counts['created']} {to}created, {counts['changed']} {to}changed, "
        f"{counts['unchanged']} unchanged, {counts['bad_lines']} bad"
    ]
    if missing is not None:
        told.append(f"{len(missing)} open accounts are not in the file; nobody is deleted")
    if not counts["written"]:
        told.append("Nothing was written to the directory.")
    return "\n".join(told)
