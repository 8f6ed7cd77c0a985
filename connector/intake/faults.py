"""What may be wrong with a line of the export, and with the whole of it: facts, for sentences made at the edge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from connector.errors import MonCompteError


class Fault(Enum):
    """What is wrong with a line."""

    FIELDS = "fields"  # more or fewer than the heading has
    QUOTES = "quotes"  # a quotation mark that is not closed on its line, or stands inside a field
    TOO_LONG_LINE = "line-too-long"
    MISSING = "missing"
    CONTROL = "control-character"
    MANGLED = "mangled"  # UTF-8 that somebody read as Latin-1, or a letter that was lost already
    DATE = "date"
    LOGIN = "login"
    INE = "ine"
    RESCUE = "rescue-address"
    LANGUAGE = "language"
    SYNTAX = "syntax"
    TOO_LONG = "too-long"
    TWICE = "twice"  # an earlier line of the file has the same
    LOGIN_TAKEN = "login-taken"  # by an entry outside the population, or as somebody's second login
    LOGIN_AMBIGUOUS = "login-ambiguous"
    INE_TAKEN = "ine-taken"
    NUMBER_TAKEN = "student-number-taken"
    REFUSED = "refused"  # by the directory, when it was written
    OUTSIDE = "outside"  # made, found to be outside the population, and taken away again
    LEFT_OUTSIDE = "left-outside"  # the same, and it could not be taken away


@dataclass(frozen=True, slots=True)
class BadLine:
    """One fault of one line: in which column or attribute, if it is in one, and a detail that is no secret."""

    line: int
    fault: Fault
    where: str = ""
    detail: str = ""


class ExportFault(Enum):
    """What is wrong with the whole file."""

    EMPTY = "empty"
    NOBODY = "nobody"  # a heading, and no line below it
    ENCODING = "encoding"
    BINARY = "binary"
    NOT_CSV = "not-csv"
    DELIMITER = "delimiter"
    COLUMNS = "columns"  # named in the settings and not there
    COLUMNS_TWICE = "columns-twice"
    TOO_BIG = "too-big"


class ExportRefused(MonCompteError):
    """The file is no export that could be read; ``details`` are columns, an encoding, a delimiter."""

    def __init__(self, fault: ExportFault, *details: str) -> None:
        super().__init__(fault.value)
        self.fault, self.details, self.word = fault, details, fault.value
