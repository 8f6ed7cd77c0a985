"""What is wrong with an export or a line of it, in words a registrar's office understands."""

from __future__ import annotations

from connector.cli.office import BAD_ADDRESS
from connector.errors import RescueReason
from connector.intake.faults import BadLine, ExportFault, ExportRefused, Fault

_LINE = {
    Fault.FIELDS: "it has {0} fields, the heading has {1}",
    Fault.QUOTES: 'a quotation mark is not closed on this line, or stands inside a field (there it is written "")',
    Fault.TOO_LONG_LINE: "it is longer than any line of an export can be",
    Fault.MISSING: "it is empty, and nobody can be made without",
    Fault.CONTROL: "it holds a character that cannot be seen, such as a tab",
    Fault.MANGLED: "its accents are broken (such as Ã© for é): the export went through a wrong encoding on its way",
    Fault.DATE: "not a date; write 2007-03-31, 20070331 or 31/03/2007",
    Fault.LOGIN: "not a login ([intake] login in the settings says what one looks like)",
    Fault.INE: "not an INE: 11 letters and digits",
    Fault.RESCUE: "not a rescue address: {0}",
    Fault.LANGUAGE: "not a language, such as fr or en",
    Fault.SYNTAX: "the directory does not take such a value here ({0})",
    Fault.TOO_LONG: "{0} characters, and {1} at most",
    Fault.TWICE: "the same as on line {0}",
    Fault.LOGIN_TAKEN: "its login is taken by {0}, which is no account of the population with this login",
    Fault.LOGIN_AMBIGUOUS: "more than one entry has its login: {0}",
    Fault.INE_TAKEN: "its INE is that of another entry: {0}",
    Fault.NUMBER_TAKEN: "its student number is that of another entry: {0}",
    Fault.REFUSED: "refused by the directory: {0}",
    Fault.OUTSIDE: "it came out outside the population ([directory] population), so it was taken away again: {0}",
    Fault.LEFT_OUTSIDE: "it was made, the population does not show it, and it could not be taken away; look at {0}",
}
_EXPORT = {
    ExportFault.EMPTY: "the file is empty, or its first line is",
    ExportFault.NOBODY: "the file has a heading and nobody below it",
    ExportFault.ENCODING: "the file is not CSV in an encoding that fits ({0}); export it in UTF-8",
    ExportFault.BINARY: "the file is not text: it holds NUL characters; export it as CSV in UTF-8",
    ExportFault.NOT_CSV: "the file is not CSV: its first line cannot be parted into columns",
    ExportFault.DELIMITER: "the columns seem to be parted by {0!r}, and [intake] delimiter is {1!r}",
    ExportFault.COLUMNS: "columns that [intake] attributes names are not in the heading: {all}",
    ExportFault.COLUMNS_TWICE: "columns that are in the heading twice: {all}",
    ExportFault.TOO_BIG: "the file is larger than any university's",
}


def sentence(bad: BadLine) -> str:
    """What is wrong, where, and what is expected. It quotes no value: they are people's."""
    details = [BAD_ADDRESS[RescueReason(bad.detail)]] if bad.fault is Fault.RESCUE else bad.detail.split(", ", 1)
    if bad.fault not in {Fault.FIELDS, Fault.TOO_LONG, Fault.RESCUE}:
        details = [bad.detail]
    said = _LINE[bad.fault].format(*details)
    return f"{bad.where}: {said}" if bad.where else said


def export_sentence(refused: ExportRefused) -> str:
    """What is wrong with the whole file."""
    return _EXPORT[refused.fault].format(*refused.details, all=", ".join(refused.details))
