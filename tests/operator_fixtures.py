"""An operator at a shell: the ``moncompte`` command on the session's slapd, and a watch on what it prints."""

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
from tests.portal_fixtures import SHOWN_KEY, MovingClock

Typed = Callable[..., Result]
INE = re.compile(r"\b[0-9]{9}[ .-]?[A-Za-z]{2}\b|\b1234567890D\b")
ADDRESS = re.compile(r"[\w.+-]+@(courriel|nouveau)\.example")
HASH = re.compile(r"\{(SSHA|SSHA512|ARGON2)\}[\w+/=$]{8}")


@pytest.fixture
def typed(
    settings_file: Path, audit_file: Path, clock: MovingClock, people: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Typed]:
    """Types a command; nothing that it prints holds a key, a hash, a whole INE or, but for --reveal, an address."""
    monkeypatch.setattr(shell, "Portal", partial(Portal, clock=clock))
    monkeypatch.setattr(shell, "operator", lambda: "alice")
    monkeypatch.setattr("connector.cli.office.operator", lambda: "alice")

    def type_command(command: str, *arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [command, "--settings", str(settings_file), *arguments])
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
