"""A line of the export as a person: the settings' templates filled, every value judged. Pure; no directory is asked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector import columns, identifiers, rescue
from connector.directory.forms import Form, Schema
from connector.errors import RescueReason, SettingsInvalid
from connector.intake.export import Row
from connector.intake.faults import BadLine, Fault
from connector.model import Ine
from connector.settings import Intake, Settings
from connector.wording import _

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")  # RFC 5646, roughly
_DAY = re.compile(r"(\d{8})?")

Values = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Person:
    """A person as one line of the export tells: ``attributes`` by the settings' own names, none of them empty.

    ``since`` and ``until`` are the first and last day of the state, YYYYMMDD or nothing.
    """

    line: int
    uid: str
    attributes: Values
    ine: str = ""
    number: str = ""
    since: str = ""
    until: str = ""


class Reader:
    """Reads lines by the settings' mapping and the directory's schema, and remembers which identifiers it has seen.

    Raises SettingsInvalid for a mapping that could make nobody.
    """

    def __init__(self, settings: Settings, schema: Schema) -> None:
        self._rules, self._names = settings.intake, settings.attributes
        self._own_domains = settings.rescue.own_domains
        self._schema = schema
        self._login = re.compile(self._rules.login)
        self._required = {name.lower() for name in (*self._rules.required, *columns.columns_of(self._rules.dn))}
        self._seen: dict[tuple[str, str], int] = {}
        self._judges = {
            self._names.uid.lower(): self._judge_login,
            self._names.ine.lower(): self._judge_ine,
            self._names.rescue.lower(): self._judge_rescue,
            self._names.language.lower(): _judge_language,
        }
        if problems := list(_problems(settings, schema)):
            raise SettingsInvalid(problems)

    def columns(self) -> list[str]:
        """Every column that a template names."""
        return list(dict.fromkeys(column for each in self._templates() for column in columns.columns_of(each)))

    def read(self, row: Row) -> Person | list[BadLine]:
        """The person of a line, or everything that is wrong with it."""
        bad: list[BadLine] = []
        values = {name: self._values(name, templates, row, bad) for name, templates in self._rules.attributes.items()}
        bad += list(self._missing(row.line, values, {column for each in bad for column in each.where.split(", ")}))
        days = [self._day(template, row, bad) for template in (self._rules.since, self._rules.until)]
        person = self._person(row.line, {name: found for name, found in values.items() if found}, days)
        bad += self._twice(person)
        return list(dict.fromkeys(bad)) or person

    def has_seen(self, uid: str) -> bool:
        """Whether a line that was read has this login, be it good or bad otherwise."""
        return ("uid", identifiers.folded(uid)) in self._seen

    def _missing(self, line: int, values: Values, blamed: set[str]) -> Iterator[BadLine]:
        """What is required and not there; a column that was found wrong already is not missing too."""
        for name, found in values.items():
            if not found and (name.lower() in self._required or name.lower() in self._schema.demanded):
                behind = [each for template in self._rules.attributes[name] for each in columns.columns_of(template)]
                if not blamed.intersection(behind):
                    yield BadLine(line, Fault.MISSING, ", ".join(dict.fromkeys(behind)) or name)

    def _person(self, line: int, attributes: Values, days: list[str]) -> Person:
        by_name = {name.lower(): values for name, values in attributes.items()}
        names = (self._names.uid, self._names.ine, self._names.student_number)
        uid, ine, number = (next(iter(by_name.get(name.lower(), ())), "") for name in names)
        return Person(line, uid, attributes, ine, number, *days)

    def _values(self, name: str, templates: Sequence[str], row: Row, bad: list[BadLine]) -> tuple[str, ...]:
        found = dict.fromkeys(value for template in templates if (value := self._value(name, template, row, bad)))
        if len(found) > 1 and self._form(name).is_single:
            bad.append(BadLine(row.line, Fault.SYNTAX, name, _("one value at most")))
        return tuple(found)

    def _value(self, name: str, template: str, row: Row, bad: list[BadLine]) -> str:
        """One value of one attribute; nothing if there is none, or with something wrong, which is noted."""
        where = _where((template,)) or name
        try:
            text = unicodedata.normalize("NFC", _filled(template, row))
            judge = self._judges.get(name.lower())
            value = judge(text) if judge and text else text
            return self._fitting(name, value) if value else ""
        except _Wrong as wrong:
            bad.append(BadLine(row.line, wrong.fault, wrong.where or where, wrong.detail))
            return ""

    def _fitting(self, name: str, value: str) -> str:
        form = self._form(name)
        if len(value) > form.longest:
            raise _Wrong(Fault.TOO_LONG, f"{len(value)}, {form.longest}")
        if not form.is_fitting(value):
            raise _Wrong(Fault.SYNTAX, name)
        return value

    def _form(self, name: str) -> Form:
        return self._schema.forms.get(name.lower(), Form())

    def _day(self, template: str, row: Row, bad: list[BadLine]) -> str:
        try:
            day = _filled(template, row)
            if not _DAY.fullmatch(day):
                raise _Wrong(Fault.DATE)
        except _Wrong as wrong:
            bad.append(BadLine(row.line, wrong.fault, wrong.where or _where((template,)), wrong.detail))
            return ""
        return day

    def _judge_login(self, text: str) -> str:
        if not self._login.fullmatch(text):
            raise _Wrong(Fault.LOGIN)
        return text

    def _judge_ine(self, text: str) -> str:
        found = [each for each in identifiers.candidates(text) if isinstance(each, Ine)]
        if not found:
            raise _Wrong(Fault.INE)
        return found[0].value

    def _judge_rescue(self, text: str) -> str:
        address = rescue.read(text, self._own_domains)
        if isinstance(address, RescueReason):
            raise _Wrong(Fault.RESCUE, address.value)
        return self._names.rescue_label + address

    def _twice(self, person: Person) -> Iterator[BadLine]:
        """Faults of identifiers that an earlier line has; a login that slapd takes for equal is the same."""
        kinds = {"uid": identifiers.folded(person.uid), "ine": person.ine, "number": person.number}
        for kind, value in kinds.items():
            if value and (first := self._seen.setdefault((kind, value), person.line)) != person.line:
                yield BadLine(person.line, Fault.TWICE, self._where_of(kind), str(first))

    def _where_of(self, kind: str) -> str:
        names = {"uid": self._names.uid, "ine": self._names.ine, "number": self._names.student_number}
        templates = next(each for name, each in self._rules.attributes.items() if name.lower() == names[kind].lower())
        return _where(templates)

    def _templates(self) -> Iterator[str]:
        for templates in self._rules.attributes.values():
            yield from templates
        yield from (self._rules.since, self._rules.until)


class _Wrong(Exception):
    """What is wrong with one value."""

    def __init__(self, fault: Fault, detail: str = "", where: str = "") -> None:
        super().__init__(fault.value)
        self.fault, self.detail, self.where = fault, detail, where


def _filled(template: str, row: Row) -> str:
    for column in columns.columns_of(template):
        if fault := _fault_of(row.fields[column]):
            raise _Wrong(fault, where=column)
    try:
        return columns.fill(template, row.fields)
    except ValueError:
        raise _Wrong(Fault.DATE) from None


def _fault_of(field: str) -> Fault | None:
    """What is wrong with the characters of a field, whatever it means."""
    if field.isascii() and field.isprintable():
        return None
    if _CONTROL.search(field) or not " ".join(field.split()).isprintable():
        return Fault.CONTROL
    return Fault.MANGLED if "\ufffd" in field or _is_mangled(field) else None


def _is_mangled(field: str) -> bool:
    """``Ã©``: octets of UTF-8 that were read as Windows-1252 on the way to us."""
    try:
        return field.encode("cp1252").decode() != field
    except UnicodeError:
        return False


def _judge_language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise _Wrong(Fault.LANGUAGE)
    return text


def _where(templates: Sequence[str]) -> str:
    """The columns behind a value, as one reads them in the heading."""
    return ", ".join(dict.fromkeys(column for template in templates for column in columns.columns_of(template)))


def _problems(settings: Settings, schema: Schema) -> Iterator[str]:
    """What is wrong with a mapping that could make nobody, or that writes what no import may."""
    rules, names = settings.intake, settings.attributes
    mapped = {name.lower() for name in rules.attributes}
    if names.uid.lower() not in mapped:
        yield _(
            "[intake] attributes: %(name)s is not there: no login is made up here, it must come with the file",
            name=names.uid,
        )
    for name in (names.state, names.state_date):
        if name and name.lower() in mapped:
            yield _("[intake] attributes: %(name)s: a state is given by state, since and until", name=name)
    if names.uid.lower() in map(str.lower, rules.update):
        yield _("[intake] update: %(name)s: a login is how an entry is found; it never changes", name=names.uid)
    if unknown := [name for name in columns.columns_of(rules.dn) if name not in rules.attributes]:
        yield _("[intake] dn: %(names)s: not in attributes", names=", ".join(unknown))
    yield from _strangers(rules, schema)


def _strangers(rules: Intake, schema: Schema) -> Iterator[str]:
    """What the directory's schema does not know, does not allow, or demands besides."""
    mapped = {name.lower() for name in rules.attributes}
    for name in sorted(schema.demanded - mapped):
        yield _("[intake] attributes: %(name)s is not there, and the object classes demand it", name=name)
    for name in rules.attributes:
        if schema.forms and name.lower() not in schema.forms:
            yield _("[intake] attributes: %(name)s: the directory does not know it", name=name)
        elif schema.allowed and name.lower() not in schema.allowed:
            classes = ", ".join(rules.object_classes)
            yield _(
                "[intake] attributes: %(name)s: none of the object classes (%(classes)s) has it",
                name=name,
                classes=classes,
            )
    if schema.unknown:
        yield f"[intake] object_classes: {', '.join(schema.unknown)}: the directory does not know them"
