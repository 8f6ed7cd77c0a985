"""The ``moncompte`` command on the real slapd: a settings file for it, and a way to call it; loaded by conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.cli import main, shell
from connector.portal import Portal
from connector.settings import Settings
from tests.faults.serving import as_toml
from tests.portal_fixtures import MovingClock

Moncompte = Callable[..., Result]


@pytest.fixture
def settings_file(settings: Settings, tmp_path: Path) -> Path:
    """The settings of the test's portal, in a file."""
    path = tmp_path / "moncompte.toml"
    path.touch(0o600)
    path.write_text(as_toml(settings), encoding="utf-8")
    return path


@pytest.fixture
def moncompte(
    settings_file: Path, people: dict[str, str], clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> Moncompte:
    """Call ``moncompte`` in this process and the test's time: the command line's words, and ``typed`` to be read."""
    monkeypatch.setattr(shell, "Portal", partial(Portal, clock=clock))

    def call(*words: str | Path, typed: str = "") -> Result:
        line = [str(word) for word in words]
        return CliRunner().invoke(main, [line[0], "--settings", str(settings_file), *line[1:]], input=typed)

    return call
