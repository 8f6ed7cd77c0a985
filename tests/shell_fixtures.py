"""The ``moncompte`` command on the real slapd: a settings file for it, and a way to call it; loaded by conftest.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from connector.cli import main
from connector.settings import SECTIONS, Settings

Moncompte = Callable[..., Result]


def toml_of(settings: Settings) -> str:
    """The settings as a file that gives the same ones."""

    def told(value: object) -> str:
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        return json.dumps(value.name.lower() if isinstance(value, Enum) else value)

    return "\n".join(
        line
        for name in SECTIONS
        for line in (f"[{name}]", *(f"{key} = {told(value)}" for key, value in getattr(settings, name)), "")
    )


@pytest.fixture
def settings_file(settings: Settings, tmp_path: Path) -> Path:
    """The settings of the test's portal, in a file."""
    path = tmp_path / "moncompte.toml"
    path.touch(0o600)
    path.write_text(toml_of(settings), encoding="utf-8")
    return path


@pytest.fixture
def moncompte(settings_file: Path, people: dict[str, str]) -> Moncompte:
    """Call ``moncompte`` in this process: the words of the command line, and ``typed`` on standard input."""

    def call(*words: str | Path, typed: str = "") -> Result:
        line = [str(word) for word in words]
        return CliRunner().invoke(main, [line[0], "--settings", str(settings_file), *line[1:]], input=typed)

    return call
