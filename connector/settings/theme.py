"""The theme: a folder that says how the university looks and what it says of itself. ``theme.toml``, and its logo.

Colours that could not be read on one another are refused with their contrast, so that no theme takes the page below
WCAG 2.2 AA; every fault is told at once.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from connector.errors import SettingsInvalid
from connector.languages import LANGUAGES, REFERENCE
from connector.settings import config_folder
from connector.settings.colors import Dark, Light
from connector.settings.problems import judged, located
from connector.settings.sections import Section
from connector.settings.toml import read_toml
from connector.wording import N_, _, reason

FILE = "theme.toml"
SAMPLES = config_folder() / "theme"
_LARGEST_LOGO = 64 * 1024  # bytes: it travels with every mail
_JPEG = re.compile(rb"\xff\xd8\xff")
_BEGINNINGS = {
    ".svg": re.compile(rb".*<([\w-]+:)?svg\b", re.DOTALL),
    ".png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
Link = Annotated[
    str, Field(pattern=r"^((https?://|mailto:)[^\s\"<>]+)?$", description=N_("https://…, mailto:… or nothing"))
]
_FONT = r"""([\w-]+( [\w-]+)*|"[\w -]+"|'[\w -]+')"""  # a quotation mark left open would swallow the stylesheet
Fonts = Annotated[
    str,
    Field(pattern=f"^{_FONT}(, *{_FONT})*$", description=N_('names of fonts, as in CSS: Georgia, "Noto Serif", serif')),
]


class Look(Section):
    """What is neither colour nor text."""

    logo: str = Field(
        default="",
        pattern=r"^([\w.-]+\.(svg|png|jpe?g|webp))?$",
        description=N_(
            "an SVG, PNG, JPEG or WebP file beside this one; its name without spaces, its end in small letters"
        ),
    )
    mail_logo: str = Field(
        default="",
        pattern=r"^([\w.-]+\.(png|jpe?g))?$",
        description=N_("a PNG or JPEG file beside this one: few mail programs show SVG"),
    )
    radius: int = Field(default=4, ge=0, le=24, description=N_("pixels, 0 to 24"))
    text_fonts: Fonts = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"
    heading_fonts: Fonts = "'Iowan Old Style', 'Palatino Linotype', Palatino, P052, 'Book Antiqua', Georgia, serif"

    @field_validator("logo", "mail_logo")
    @classmethod
    def _there(cls, name: str, info: ValidationInfo) -> str:
        if name and info.context and (fault := _fault(info.context / name)):
            raise ValueError(fault)
        return name


def _fault(logo: Path) -> str:
    """Why the file cannot be the logo; empty where it can.

    What is no picture is not shown to the world: whoever may write in this folder need not be who may read the
    portal's secrets, and a link there named ``logo.png`` may lead to one.
    """
    try:
        if not logo.is_file():
            return _("%(name)s is not there", name=logo.name)
        if logo.stat().st_size > _LARGEST_LOGO:
            return _("%(name)s is larger than %(most)s KiB", name=logo.name, most=_LARGEST_LOGO // 1024)
        is_picture = _BEGINNINGS[logo.suffix].match(logo.read_bytes())
        return "" if is_picture else _("%(name)s is another kind of file than its name says", name=logo.name)
    except OSError as error:
        return reason(error, _("%(name)s cannot be read", name=logo.name))


class Words(Section):
    """What the university says of itself, in one language. ``desk`` ends sentences: no capital, no full stop."""

    university: str = Field(min_length=1)
    desk: str = Field(min_length=1)
    hours: str = ""
    help_url: Link = ""
    assistance_url: Link = ""
    passwords_url: Link = ""
    legal_url: Link = ""
    controller: str = ""
    data_protection: str = ""
    recipients: str = ""
    accessibility_contact: str = ""
    accessibility_report_url: Link = ""
    accessibility_plan_url: Link = ""
    not_accessible: tuple[str, ...] = Field(default=(), description=N_("a list of sentences"))


def _day(value: str) -> str:
    """A day of the calendar, or nothing."""
    try:
        date.fromisoformat(value or "2000-01-01")
    except ValueError:
        raise ValueError(_("no day of the calendar")) from None
    return value


class Accessibility(Section):
    """What an audit said (RGAA 4.1.2): the law asks every page to say so. Without one the state is ``none``."""

    conformity: Literal["none", "partial", "full"] = "none"
    rate: int | None = Field(default=None, ge=0, le=100, description=N_("per cent of the RGAA's criteria that are met"))
    auditor: str = ""
    audited: Annotated[str, AfterValidator(_day)] = Field(
        default="", pattern=r"^(\d{4}-\d{2}-\d{2})?$", description=N_('a date, such as "2026-09-01"')
    )


class Theme(Section):
    """A theme as read; ``folder`` is where its logo is."""

    look: Look = Look()
    light: Light = Light()
    dark: Dark = Dark()
    fr: Words
    en: Words
    accessibility: Accessibility = Accessibility()
    folder: Path

    @classmethod
    def load(cls, name: str) -> Self:
        """The theme of that name in ``config/theme``, or in the folder ``name``.

        Raises SettingsInvalid with one sentence for each problem.
        """
        file = Path(name) / FILE
        try:
            if (sample := SAMPLES / name / FILE).is_file():
                file = sample
            tree = read_toml(file)
        except OSError as error:
            way_out = _("[web] theme names its folder")
            said = _(
                "%(path)s: cannot be read: %(reason)s; %(way_out)s",
                path=file.absolute(),
                reason=reason(error),
                way_out=way_out,
            )
            raise SettingsInvalid([said]) from None
        except ValueError as error:
            raise SettingsInvalid([_("%(path)s: is not TOML: %(error)s", path=file, error=error)]) from None
        try:
            return cls.model_validate(_completed(tree) | {"folder": file.parent}, context=file.parent)
        except ValidationError as error:
            faults = [fault for fault in error.errors() if not _is_inherited(tree, fault["loc"])]
            raise SettingsInvalid([_problem(file, fault) for fault in faults]) from None

    def tongue(self, language: str, name: str) -> str:
        """The language in which ``words(language)`` says ``name``: what it does not say is French."""
        is_own = getattr(self.words(language), name) != getattr(self.words(REFERENCE), name)
        return language if is_own else REFERENCE

    def words(self, language: str) -> Words:
        """What the university says of itself in one of our languages."""
        words: Words = getattr(self, language)
        return words


def _completed(tree: dict[str, Any]) -> dict[str, Any]:
    """What another language does not say of its own is said as in French, the reference."""
    reference, *others = LANGUAGES
    said = tree.get(reference)
    if not isinstance(said, dict):
        return tree
    return tree | {language: said | table for language in others if isinstance(table := tree.get(language, {}), dict)}


def _is_inherited(tree: dict[str, Any], location: tuple[int | str, ...]) -> bool:
    """Whether the fault is the reference language's, which is told by itself."""
    table, *names = map(str, location)
    own = tree.get(table, {})
    return table in [*LANGUAGES][1:] and isinstance(own, dict) and not own.keys() & names


def _problem(file: Path, fault: ErrorDetails) -> str:
    """File, table, name, what is wrong, and what is expected."""
    table, name = (*map(str, fault["loc"]), "")[:2]
    model = Theme.model_fields[table].annotation if table in Theme.model_fields else None
    known = model.model_fields if isinstance(model, type) and issubclass(model, Section) else {}
    tables = [each for each in Theme.model_fields if each != "folder"]
    said = {
        "string_too_short": _("empty"),
        "string_pattern_mismatch": _('"%(input)s" will not do', input=fault["input"]),
        "extra_forbidden": _("unknown; known: %(known)s", known=", ".join(known if name else tables)),
    }.get(fault["type"]) or judged(fault)
    where = _("%(what)s: %(said)s", what=file, said=f"[{table}] {name}".strip())
    return located(where, said, known[name].description if name in known else None)
