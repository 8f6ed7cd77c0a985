"""What a letter says and where: ``letter.toml`` and the files beside it, every fault of it told at once."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from connector.errors import SettingsInvalid
from connector.languages import LANGUAGES, REFERENCE
from connector.settings.problems import judged, located
from connector.settings.toml import read_toml
from connector.wording import N_, _, reason

FILE = "letter.toml"
NO_LOGO = "none"
PLACEHOLDERS = ("name", "uid", "until", "portal", "programme", "date", "desk", "university")
"""What a text may name in braces; the key is not among them, it has its own place."""
_SAMPLE = datetime(2026, 12, 28)  # noqa: DTZ001  only to try a pattern


@dataclass(frozen=True, slots=True)
class Letter:
    """One page: who it is for, what it brings. ``until`` is an aware instant; ``address`` its lines, name or not.

    ``language`` is the reader's, one of ours (``connector.languages``).
    """

    name: str
    uid: str
    key: str = field(repr=False)
    until: datetime
    programme: str = ""
    address: tuple[str, ...] = ()
    language: str = REFERENCE


def _text(value: str) -> str:
    """A text whose placeholders are all known; a brace is written twice."""
    try:
        pieces = list(string.Formatter().parse(value))
    except ValueError as error:
        raise ValueError(_("%(error)s; write a brace that is meant twice, {{ or }}", error=error)) from None
    for _text_before, name, spec, conversion in pieces:
        if name is not None and (name not in PLACEHOLDERS or spec or conversion):
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ValueError(_("unknown placeholder {%(name)s}; known: %(known)s", name=name, known=known))
    return value


def _pattern(value: str) -> str:
    """A date pattern of Unicode's (CLDR), as Babel reads it."""
    try:
        format_datetime(_SAMPLE, value, locale="fr")
    except (ValueError, AttributeError) as error:
        raise ValueError(_("%(error)s; a date pattern is such as EEEE d MMMM y", error=error)) from None
    return value


def _locale(value: str) -> str:
    try:
        Locale.parse(value, sep="-")
    except (ValueError, LookupError, UnknownLocaleError):
        raise ValueError(_("a language we have the months' names of, such as fr or en-GB")) from None
    return value


Text = Annotated[str, AfterValidator(_text)]
Texts = Annotated[tuple[Text, ...], Field(max_length=12)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Fonts = Annotated[tuple[str, ...], Field(min_length=1, description=N_("one or more file names, tried in order"))]
Size = Annotated[float, Field(ge=7, le=14, description=N_("points, 7 to 14"))]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(_Table):
    """How it looks. The paper is A4."""

    language: Annotated[str, AfterValidator(_locale)]
    date_pattern: Pattern = "d MMMM y"
    until_pattern: Pattern
    color: str = Field(
        default="", pattern="^(#[0-9a-fA-F]{6})?$", description=N_("such as #1c4a7a; nothing: the theme's")
    )
    size: Size = 10.0
    fold_marks: bool = True
    text_fonts: Fonts = ("OpenSans-Regular.ttf", "DejaVuSans.ttf")
    bold_fonts: Fonts = ("OpenSans-Semibold.ttf", "DejaVuSans-Bold.ttf")
    key_fonts: Fonts = ("DejaVuSansMono-Bold.ttf",)


class Sender(_Table):
    """Who writes, at the top on the left."""

    name: Text
    lines: Annotated[tuple[Text, ...], Field(max_length=6, description=N_("six lines at most"))] = ()
    logo: str = Field(
        default="",
        pattern=rf"(?i)^({NO_LOGO})?$|\.(png|jpe?g)$",
        description=N_("a PNG or JPEG file beside this one; nothing: the theme's; none: no logo"),
    )
    logo_height: float = Field(default=16, ge=5, le=30, description=N_("millimetres, 5 to 30"))


class Address(_Table):
    """Where the envelope's window is, in millimetres from the paper's left and top edge."""

    left: float = Field(default=105, ge=15, le=150, description=N_("millimetres, 15 to 150"))
    top: float = Field(default=54, ge=40, le=75, description=N_("millimetres, 40 to 75"))
    width: float = Field(default=85, ge=40, le=120, description=N_("millimetres, 40 to 120"))
    height: float = Field(default=25, ge=20, le=35, description=N_("millimetres, 20 to 35"))


class Words(_Table):
    """What it says, from top to bottom."""

    place_and_date: Text = ""
    subject: Text
    greeting: Text
    opening: Texts
    login_label: Text
    key_label: Text
    valid: Text
    scan: Text = ""
    steps_title: Text = ""
    steps: Annotated[Texts, Field(min_length=1)]
    help_title: Text = ""
    help: Texts = ()
    closing: Text = ""
    signature: Text = ""
    footer: Text = ""


class Template(_Table):
    """A template as read; ``folder`` is where its logo and fonts are looked for first."""

    page: Page
    sender: Sender
    address: Address = Address()
    text: Words
    folder: Path = Path()

    @classmethod
    def load(cls, path: Path) -> Self:
        """The template in the folder or file at ``path``; raises SettingsInvalid with one sentence for each problem."""
        file = path / FILE if path.is_dir() else path
        try:
            tree = read_toml(file)
        except OSError as error:
            why = reason(error)
            raise SettingsInvalid([_("%(file)s cannot be read: %(reason)s", file=file, reason=why)]) from None
        except ValueError as error:
            raise SettingsInvalid([_("%(path)s: is not TOML: %(error)s", path=file, error=error)]) from None
        try:
            return cls.model_validate({**tree, "folder": file.parent})
        except ValidationError as error:
            raise SettingsInvalid([_problem(file, item) for item in error.errors()]) from None

    @classmethod
    def load_all(cls, path: Path) -> dict[str, Self]:
        """By language: the one at ``path``, for everybody; or those in its folders that are named after our languages.

        Raises SettingsInvalid, every problem of every template at once.
        """
        folders = [path / language for language in LANGUAGES if (path / language).is_dir()]
        if (path / FILE).is_file() or not folders:
            return {REFERENCE: cls.load(path)}
        read, problems = dict[str, Self](), list[str]()
        for folder in folders:
            try:
                read[folder.name] = cls.load(folder)
            except SettingsInvalid as error:
                problems += error.problems
        if problems:
            raise SettingsInvalid(problems)
        return read


def _problem(file: Path, fault: ErrorDetails) -> str:
    """File, table, key, what is expected."""
    table, *keys = fault["loc"]
    model = Template.model_fields[str(table)].annotation if table in Template.model_fields else None
    known = list(model.model_fields) if isinstance(model, type) and issubclass(model, _Table) else []
    said = judged(fault)
    if fault["type"] == "extra_forbidden":
        tables = ["page", "sender", "address", "text"]
        said = _("unknown; known: %(known)s", known=", ".join(known if keys else tables))
    field_info = model.model_fields.get(str(keys[0])) if known and keys and model else None  # type: ignore[union-attr]
    place = "".join(_(", line %(number)s", number=key + 1) if isinstance(key, int) else f" {key}" for key in keys)
    where = _("%(what)s: %(said)s", what=file, said=f"[{table}]{place}")
    return located(where, said, field_info.description if field_info else None)
