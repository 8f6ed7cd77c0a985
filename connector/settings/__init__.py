"""Typed settings from a TOML file, the environment and secret files; every problem is told at once.

Order, the later wins: the defaults below, the TOML file, the environment (``MONCOMPTE_DIRECTORY__PEOPLE_DN=…``: section
and key joined by two underscores). A secret ``x`` may be given as ``x_file``, the path of a file that holds it, so that
it appears on no command line and in no process list. ``config/moncompte.toml`` documents every setting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from connector.errors import SettingsInvalid
from connector.settings.problems import problem
from connector.settings.sections import (
    SECTIONS,
    Attributes,
    Directory,
    Intake,
    Keys,
    Mail,
    Rescue,
    Settings,
    Throttle,
    Web,
)
from connector.settings.toml import read_toml
from connector.wording import _, reason

__all__ = [
    "SECTIONS",
    "Attributes",
    "Directory",
    "Intake",
    "Keys",
    "Mail",
    "Rescue",
    "Settings",
    "Throttle",
    "Web",
    "build",
    "config_folder",
    "load",
    "merge",
    "read",
    "secrets_of",
]

ENVIRONMENT_PREFIX = "MONCOMPTE_"

Tree = dict[str, dict[str, Any]]

_STAND_IN = "x" * 32
_STAND_INS = {"storage": "redis://given"}  # where several workers serve, that there is one counts


def load(path: Path, environment: Mapping[str, str] | None = None, secrets: bool = True) -> Settings:
    """The settings of the file at ``path``; raises SettingsInvalid with one sentence for each problem.

    Without ``secrets`` none is read, and none needs to be there yet: for what is printed before anything runs.
    """
    return build(read(path), str(path), os.environ if environment is None else environment, secrets)


def read(path: Path) -> Tree:
    """What the file at ``path`` says, not judged yet; raises SettingsInvalid when it is no TOML, or not there."""
    try:
        return read_toml(path)
    except OSError as error:
        way_out = _("--settings names another file")
        if isinstance(error, PermissionError):
            way_out = _("it is for the portal's user: sudo -u moncompte moncompte …")
        said = _("%(path)s: cannot be read: %(reason)s; %(way_out)s", path=path, reason=reason(error), way_out=way_out)
        raise SettingsInvalid([said]) from None
    except ValueError as error:
        raise SettingsInvalid([_("%(path)s: is not TOML: %(error)s", path=path, error=error)]) from None


def build(tree: Tree, source: str, environment: Mapping[str, str], secrets: bool = True) -> Settings:
    """Settings from a parsed file and an environment; ``source`` names the file in the problems. See ``load``."""
    problems = [
        _("%(source)s: %(name)s: expected a table [section]", source=source, name=name)
        for name, table in tree.items()
        if not isinstance(table, dict)
    ]
    merged, variables = merge(tree, environment)
    if variables:
        source = _("%(file)s and environment", file=source)
    if secrets:
        problems += _read_secret_files(merged, source)
    else:
        _leave_secrets_out(merged)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        problems += [problem(source, item) for item in error.errors()]
    if problems:
        raise SettingsInvalid(problems)
    return settings


def merge(tree: Tree, environment: Mapping[str, str]) -> tuple[Tree, dict[tuple[str, str], str]]:
    """``tree`` with every section, overridden by the environment, and the variables that did it, by what they set."""
    merged = {name: dict(table) for name, table in tree.items() if isinstance(table, dict)}
    for name in SECTIONS:
        merged.setdefault(name, {})
    return merged, _apply_environment(merged, environment)


def secrets_of(section: str) -> list[str]:
    """The names of the section's secrets, each of which may be given as a file."""
    return [key for key, field in SECTIONS[section].model_fields.items() if field.annotation is SecretStr]


def config_folder() -> Path:
    """Where ``config/`` is: in the installed wheel, or in the checkout beside this package."""
    package = Path(__file__).parent.parent
    installed = package / "_config"
    return installed if installed.is_dir() else package.parent / "config"


def _apply_environment(tree: Tree, environment: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Let the environment override ``tree``; the variables that did."""
    applied: dict[tuple[str, str], str] = {}
    for variable, value in environment.items():
        section, separator, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if variable.startswith(ENVIRONMENT_PREFIX) and separator:
            table = tree.setdefault(section, {})
            table.pop(key.removesuffix("_file") if key.endswith("_file") else f"{key}_file", None)
            table[key] = value
            applied[section, key] = variable
    return applied


def _read_secret_files(tree: Tree, source: str) -> list[str]:
    """Replace each ``x_file`` of a secret ``x`` by ``x``; what a file holds ends up in no message."""
    problems = []
    for section in SECTIONS:
        for key in secrets_of(section):
            if path := tree[section].pop(f"{key}_file", None):
                facts = {"source": source, "section": section, "key": key, "path": path}
                if key in tree[section]:
                    said = _(
                        "%(source)s: [%(section)s] %(key)s: given twice, here and as %(key)s_file; keep one", **facts
                    )
                    problems.append(said)
                try:
                    tree[section][key] = Path(str(path)).read_text(encoding="utf-8").strip()
                except (OSError, ValueError) as error:  # whose own text may quote what it read
                    why = reason(error) if isinstance(error, OSError) else type(error).__name__
                    said = _(
                        "%(source)s: [%(section)s] %(key)s_file: %(path)s cannot be read: %(why)s", **facts, why=why
                    )
                    problems.append(said)
                    tree[section][key] = _STAND_INS.get(key, _STAND_IN)  # so that one fault is told once
    return problems


def _leave_secrets_out(tree: Tree) -> None:
    """Something that passes for each secret that has a file, or must be given and is not; the others stay."""
    for section, model in SECTIONS.items():
        for key in secrets_of(section):
            is_missing = model.model_fields[key].is_required() and key not in tree[section]
            if tree[section].pop(f"{key}_file", None) or is_missing:
                tree[section][key] = _STAND_INS.get(key, _STAND_IN)
