"""The ``moncompte`` command on the real slapd: a settings file for it, two ways to call it; loaded by conftest.py."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import main, shell
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from connector.settings import Settings
from connector.settings.effective import as_toml
from tests.portal_fixtures import SHOWN_KEY, MovingClock

Moncompte = Callable[..., Result]
Typed = Callable[..., Result]
INE = re.compile(r"\b[0-9]{9}[ .-]?[A-Za-z]{2}\b|\b1234567890D\b")
ADDRESS = re.compile(r"[\w.+-]+@(courriel|nouveau)\.example")
HASH = re.compile(r"\{(SSHA|SSHA512|ARGON2)\}[\w+/=$]{8}")


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


@pytest.fixture
def typed(moncompte: Moncompte, audit_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """Types a command as alice; nothing it prints holds a key, a hash, a whole INE or, but for --reveal, an address."""
    monkeypatch.setattr(shell, "operator", lambda: "alice")
    monkeypatch.setattr("connector.cli.office.operator", lambda: "alice")

    def type_command(command: str, *arguments: str, code: int = 0) -> Result:
        result = moncompte(command, *arguments)
        assert result.exit_code == code, (result.output, result.exception)
        for secret in (SHOWN_KEY, HASH, INE, *([] if "--reveal" in arguments else [ADDRESS])):
            assert not secret.search(result.output), secret
        return result

    yield type_command
    lines = audit_file.read_text(encoding="utf-8") if audit_file.exists() else ""
    assert not any(secret.search(lines) for secret in (SHOWN_KEY, HASH, INE, ADDRESS))


def shown(typed: Typed, identifier: str, *options: str, code: int = 0) -> dict[str, Any]:
    """What ``show --json`` tells."""
    told: dict[str, Any] = json.loads(typed("show", identifier, "--json", *options, code=code).stdout)
    return told


def write(slapd: PrivateSlapd, dn: str, changes: str) -> None:
    """As the directory's administrator."""
    slapd.add_ldif(f"dn: {dn}\nchangetype: modify\n{changes}\n")


def entry(slapd: PrivateSlapd, uid: str) -> dict[str, list[str]]:
    """All of an entry, operational attributes too."""
    return slapd.search(f"(uid={uid})", "*", "+")[0]
