"""The language of a command's errors, of what ``check`` and ``show`` say: the shell's. All else is in English.

What click says by itself goes the same way: ``CLICK`` lists it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from gettext import NullTranslations
from pathlib import Path

import click

from connector import wording
from connector.wording import N_

ENGLISH = "en"
"""The language of our source; of whoever has another, or none (the locale C)."""
_SPOKEN = (ENGLISH, "fr")
_FOLDER = Path(__file__).parent / "translations"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def language_of(environment: Mapping[str, str]) -> str:
    """What the environment asks for (POSIX.1-2024 §8.2; LANGUAGE is GNU gettext's: several, the best first)."""
    locale = next(filter(None, map(environment.get, _LOCALE)), "C")
    if _word(locale) in {"c", "posix"}:
        return ENGLISH
    asked = map(_word, (environment.get("LANGUAGE") or locale).split(":"))
    return next((word for word in asked if word in _SPOKEN), ENGLISH)


def _word(locale: str) -> str:
    """``fr`` of ``fr_FR.UTF-8``."""
    return re.split("[_.@-]", locale)[0].lower()


def speaking_as(environment: Mapping[str, str]) -> AbstractContextManager[None]:
    """Say errors inside the block in the language that the environment asks for."""
    return wording.speaking(partial(_catalogue, language_of(environment)))


def _catalogue(language: str) -> NullTranslations:
    from connector.languages import catalogue  # noqa: PLC0415 (whoever has no error needs no catalogue)

    return catalogue(_FOLDER, language)


CLICK = (
    N_("Aborted!"),
    N_("Error: {message}"),
    N_("Error: invalid input"),
    N_("Try '{command} {option}' for help."),
    N_("Did you mean {possibility}?"),
    N_("(Did you mean one of: {possibilities}?)"),
    N_("Missing command."),
    N_("Missing argument"),
    N_("Missing option"),
    N_("Missing parameter"),
    N_("Missing {param_type}"),
    N_("Missing parameter: {param_name}"),
    N_("Choose from:\n\t{choices}"),
    N_("No such option {name!r}."),
    N_("No such command {name!r}."),
    N_("Got unexpected extra argument ({args})"),
    N_("Got unexpected extra arguments ({args})"),
    N_("Option {name!r} does not take a value."),
    N_("Option {name!r} requires an argument."),
    N_("Invalid value: {message}"),
    N_("Invalid value for {param_hint}: {message}"),
    N_("{value!r} is not {choice}."),
    N_("{value!r} is not one of {choices}."),
    N_("{value!r} does not match the format {format}."),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value} is not in the range {range}."),
    N_("{name} {filename!r} does not exist."),
    N_("{name} {filename!r} is a file."),
    N_("{name} {filename!r} is a directory."),
    N_("{name} {filename!r} is not readable."),
    N_("Could not open file {filename!r}: {message}"),
    N_("unknown error"),
)
"""What click may say of a command of ours, in click's words."""


def _said(sentence: str) -> str:
    return wording._(sentence)


def _counted(one: str, many: str, count: int) -> str:
    return _said(one if count == 1 else many)


def teach_click() -> None:
    """Let click say its errors as we say ours; it would look for compiled catalogues in the system's folder."""
    for module in (click.core, click.exceptions, click.parser, click.types):
        vars(module).update({"_": _said, "ngettext": _counted} if "ngettext" in vars(module) else {"_": _said})
