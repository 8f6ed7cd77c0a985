"""The settings in force: each with its value, secrets masked, and its source; and what the manual says of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connector.settings import SECTIONS, Settings, Tree, build, config_folder, merge, read, secrets_of

MASK = "***"
Plain = str | int | bool | list[str] | dict[str, list[str]]
_SETTING = re.compile(r"(?:# )?([a-z_]+) = ")


class Source(Enum):
    """Where a value comes from, the strongest last."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    SECRET_FILE = "secret file"  # noqa: S105 (a word)
    MISSING = "missing"  # a secret that must be given and is not


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting: ``value`` is plain data, None where it is missing, and never a secret."""

    section: str
    name: str
    value: Plain | None
    source: Source
    where: str = ""  # the variable, the secret's file, and what is wrong with it

    def __str__(self) -> str:
        """A line of TOML that tells its source; of its own accord no line depends on another, so that they compare."""
        said = " ".join(filter(None, (self.source.value, self.where)))
        if self.value is None:
            return f"# {self.name}  # {said}"
        return f"{self.name} = {to_toml(self.value)}  # {said}"


def effective(path: Path, environment: Mapping[str, str]) -> list[Effective]:
    """Every setting, in the order of the sections; raises SettingsInvalid. No secret needs to be there yet."""
    tree = read(path)
    settings = build(tree, str(path), environment, secrets=False)
    merged, variables = merge(tree, environment)
    return [
        _secret(section, name, merged, variables)
        if name in secrets_of(section)
        else _open(section, name, settings, merged, variables)
        for section, model in SECTIONS.items()
        for name in model.model_fields
    ]


def explained(name: str) -> list[str]:
    """What ``config/moncompte.toml`` says of the settings called ``name`` or ``section.name``.

    For each its section, the comment, and all the settings that share it.
    """
    return [
        "\n".join([f"[{section}]", *lines])
        for section, lines in _blocks()
        if name.removeprefix(f"{section}.") in {found for line in lines for found in _named(line)}
    ]


def _blocks() -> Iterator[tuple[str, list[str]]]:
    """The manual's comments, each with the settings that follow it, and the section they are in."""
    section, block = "", list[str]()
    for line in (config_folder() / "moncompte.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") or (block and _named(block[-1]) and not _named(line)):
            yield section, block
            section, block = (line.strip("[]") if line.startswith("[") else section), []
        if line and not line.startswith("["):
            block.append(line)
    yield section, block


def _named(line: str) -> set[str]:
    found = _SETTING.match(line)
    return {found[1], found[1].removesuffix("_file")} if found else set()


def _open(
    section: str, name: str, settings: Settings, merged: Tree, variables: dict[tuple[str, str], str]
) -> Effective:
    value = _plain(getattr(getattr(settings, section), name))
    return Effective(section, name, value, *_source(section, name, merged, variables))


def _secret(section: str, name: str, merged: Tree, variables: dict[tuple[str, str], str]) -> Effective:
    """A secret, looked at only to tell whether there is one; of a URL all but what may be a password is shown."""
    if file := merged[section].get(f"{name}_file"):
        value, trouble = _from_file(Path(str(file)))
        return Effective(section, name, _masked(value), Source.SECRET_FILE, f"{file}{trouble}")
    source, where = _source(section, name, merged, variables)
    field = SECTIONS[section].model_fields[name]
    if source is Source.DEFAULT and field.is_required():
        return Effective(section, name, None, Source.MISSING)
    value = field.default.get_secret_value() if source is Source.DEFAULT else str(merged[section][name])
    return Effective(section, name, _masked(value), source, where)


def _source(section: str, name: str, merged: Tree, variables: dict[tuple[str, str], str]) -> tuple[Source, str]:
    if variable := variables.get((section, name)):
        return Source.ENVIRONMENT, variable
    return (Source.FILE if name in merged[section] else Source.DEFAULT), ""


def _from_file(path: Path) -> tuple[str | None, str]:
    """What the file holds; or nothing, and why."""
    try:
        return path.read_text(encoding="utf-8").strip(), ""
    except OSError as error:
        return None, f": cannot be read: {error.strerror}"
    except ValueError:
        return None, ": is not text"


def _masked(value: str | None) -> str | None:
    if not value:
        return value
    url = re.fullmatch(r"([a-z+]+://)([^@]*@)?([^?@]*)(\?.*)?", value)
    if url is None:
        return MASK
    return url[1] + (f"{MASK}@" if url[2] else "") + url[3] + (f"?{MASK}" if url[4] else "")


def as_toml(settings: Settings) -> str:
    """A file that gives these settings, secrets included: for whoever may read them alone."""
    tree = settings.model_dump(mode="json")
    for name in SECTIONS:
        for key, value in getattr(settings, name):
            if isinstance(value, SecretStr):
                tree[name][key] = value.get_secret_value()
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {to_toml(value)}\n" for key, value in table.items())
        for name, table in tree.items()
    )


def to_toml(value: object) -> str:
    """A setting's value as the file bears it: of such values JSON and TOML differ in tables alone."""
    if isinstance(value, Mapping):
        pairs = (f"{to_toml(name)} = {to_toml(each)}" for name, each in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Plain:
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, dict):
        return {name: list(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
