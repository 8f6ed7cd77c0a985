"""The ``moncompte`` command on the real slapd: a settings file for it, and a way to call it; loaded by conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.cli import main
from connector.settings import Settings
from tests.faults.serving import as_toml

Moncompte = Callable[..., Result]


@pytest.fixture
def settings_file(settings: Settings, tmp_path: Path) -> Path:
    """The settings of the test's portal, in a file."""
    path = tmp_path / "moncompte.toml"
    path.touch(0o600)
    path.write_text(as_toml(settings), encoding="utf-8")
    return path


@pytest.fixture
def moncompte(settings_file: Path, people: dict[str, str]) -> Moncompte:
    """Call ``moncompte`` in this process: the words of the command line, and ``typed`` on standard input."""

    def call(*words: str | Path, typed: str = "") -> Result:
        line = [str(word) for word in words]
        return CliRunner().invoke(main, [line[0], "--settings", str(settings_file), *line[1:]], input=typed)

    return call
