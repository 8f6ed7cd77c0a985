"""What is wrong with an export or a line of it, in words a registrar's office understands."""

from __future__ import annotations

from connector.cli.office import BAD_ADDRESS
from connector.errors import RescueReason
from connector.intake.faults import BadLine, ExportFault, ExportRefused, Fault
from connector.wording import N_, _

_LINE = {
    Fault.FIELDS: N_("it has %(first)s fields, the heading has %(second)s"),
    Fault.QUOTES: N_('a quotation mark is not closed on this line, or stands inside a field (there it is written "")'),
    Fault.TOO_LONG_LINE: N_("it is longer than any line of an export can be"),
    Fault.MISSING: N_("it is empty, and nobody can be made without"),
    Fault.CONTROL: N_("it holds a character that cannot be seen, such as a tab"),
    Fault.MANGLED: N_("its accents are broken (such as Ã© for é): the export went through a wrong encoding on its way"),
    Fault.DATE: N_("not a date; write 2007-03-31, 20070331 or 31/03/2007"),
    Fault.LOGIN: N_("not a login ([intake] login in the settings says what one looks like)"),
    Fault.INE: N_("not an INE: 11 letters and digits"),
    Fault.RESCUE: N_("not a rescue address: %(detail)s"),
    Fault.LANGUAGE: N_("not a language, such as fr or en"),
    Fault.SYNTAX: N_("the directory does not take such a value here (%(detail)s)"),
    Fault.TOO_LONG: N_("%(first)s characters, and %(second)s at most"),
    Fault.TWICE: N_("the same as on line %(detail)s"),
    Fault.LOGIN_TAKEN: N_("its login is taken by %(detail)s, which is no account of the population with this login"),
    Fault.LOGIN_AMBIGUOUS: N_("more than one entry has its login: %(detail)s"),
    Fault.INE_TAKEN: N_("its INE is that of another entry: %(detail)s"),
    Fault.NUMBER_TAKEN: N_("its student number is that of another entry: %(detail)s"),
    Fault.REFUSED: N_("refused by the directory: %(detail)s"),
    Fault.OUTSIDE: N_(
        "it came out outside the population ([directory] population), so it was taken away again: %(detail)s"
    ),
    Fault.LEFT_OUTSIDE: N_(
        "it was made, the population does not show it, and it could not be taken away; look at %(detail)s"
    ),
}
_EXPORT = {
    ExportFault.EMPTY: N_("the file is empty, or its first line is"),
    ExportFault.NOBODY: N_("the file has a heading and nobody below it"),
    ExportFault.ENCODING: N_("the file is not CSV in an encoding that fits (%(all)s); export it in UTF-8"),
    ExportFault.BINARY: N_("the file is not text: it holds NUL characters; export it as CSV in UTF-8"),
    ExportFault.NOT_CSV: N_("the file is not CSV: its first line cannot be parted into columns"),
    ExportFault.DELIMITER: N_("the columns seem to be parted by '%(first)s', and [intake] delimiter is '%(second)s'"),
    ExportFault.COLUMNS: N_("columns that [intake] attributes names are not in the heading: %(all)s"),
    ExportFault.COLUMNS_TWICE: N_("columns that are in the heading twice: %(all)s"),
    ExportFault.TOO_BIG: N_("the file is larger than any university's"),
}


def sentence(bad: BadLine) -> str:
    """What is wrong, where, and what is expected. It quotes no value: they are people's."""
    said = _(_LINE[bad.fault], **_facts(bad))
    return _("%(what)s: %(said)s", what=bad.where, said=said) if bad.where else said


def _facts(bad: BadLine) -> dict[str, str]:
    if bad.fault in {Fault.FIELDS, Fault.TOO_LONG}:
        return _two(*bad.detail.split(", ", 1))
    return {"detail": _(BAD_ADDRESS[RescueReason(bad.detail)]) if bad.fault is Fault.RESCUE else bad.detail}


def _two(first: str = "", second: str = "") -> dict[str, str]:
    return {"first": first, "second": second}


def export_sentence(refused: ExportRefused) -> str:
    """What is wrong with the whole file."""
    return _(_EXPORT[refused.fault], **_two(*refused.details[:2]), all=", ".join(refused.details))
