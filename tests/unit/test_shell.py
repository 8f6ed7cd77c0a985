"""What the sysadmin's commands share."""

from __future__ import annotations

import errno
import io
import json
import os
import pwd
import socket
import sys
from datetime import UTC, datetime
from logging.handlers import SysLogHandler
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from connector import audit
from connector.audit import Audit, Event, Line
from connector.cli import main, shell
from connector.errors import (
    Conflict,
    DirectoryMisconfigured,
    DirectoryUnavailable,
    MailServerDown,
    MonCompteError,
    SettingsInvalid,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsInvalid(["a", "b"]), 78),
        (DirectoryMisconfigured("no schema"), 78),
        (DirectoryUnavailable("silence"), 69),
        (MailServerDown("silence"), 69),
        (Conflict("gone"), 78),
        (MonCompteError(), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_a_sentence(error: MonCompteError, code: int) -> None:
    @click.command()
    def fail() -> None:
        with shell.explained():
            raise error

    result = CliRunner().invoke(fail)
    assert result.exit_code == code
    assert result.stderr.startswith("Error: ")
    assert str(error) in result.stderr


def test_settings_that_only_the_portals_user_may_read_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    file = tmp_path / "moncompte.toml"
    file.touch(0o000)
    monkeypatch.setattr(Path, "read_text", refused)  # root may read everything
    result = CliRunner().invoke(main, ["stats", "--settings", str(file)])
    assert (result.exit_code, "sudo -u moncompte" in result.stderr) == (78, True)


def test_a_table_is_aligned_numbers_to_the_right() -> None:
    rows = [("Lettres", 12), ("Droit et société", 3)]
    assert shell.table(rows, ("programme", "n")) == "programme          n\nLettres           12\nDroit et société   3"


def test_json_writes_an_instant_as_iso_8601(capsys: pytest.CaptureFixture[str]) -> None:
    shell.echo_json({"until": datetime(2026, 11, 22, 12, tzinfo=UTC), "name": "Élodie"})
    assert json.loads(capsys.readouterr().out) == {"until": "2026-11-22T12:00:00+00:00", "name": "Élodie"}


def test_the_operator_is_who_logged_in_whatever_sudo_makes_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = tmp_path / "loginuid"
    monkeypatch.setattr(shell, "_LOGIN", login)
    monkeypatch.setenv("SUDO_USER", "mallory")
    login.write_text(str(pwd.getpwnam("daemon").pw_uid), encoding="ascii")
    assert shell.operator() == "daemon"
    login.write_text("2147483000", encoding="ascii")
    assert shell.operator() == "2147483000"


@pytest.mark.parametrize("content", [str(2**32 - 1), "", None])
def test_without_a_login_it_is_who_called_sudo_and_nobody_else_may_claim_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    monkeypatch.setattr(shell, "_LOGIN", tmp_path / "loginuid")
    if content is not None:
        (tmp_path / "loginuid").write_text(content, encoding="ascii")
    monkeypatch.setenv("SUDO_USER", "alice")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert shell.operator() == "alice"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert shell.operator() == pwd.getpwuid(os.getuid()).pw_name


def test_the_bar_is_for_terminals(capsys: pytest.CaptureFixture[str]) -> None:
    with shell.progress(3, "issuing") as more:
        more(3)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_redrawn_a_hundred_times_however_much_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with shell.progress(10_000, "Issuing") as more:
        for _ in range(10_000):
            more(1)
    assert "10000/10000" in terminal.getvalue()
    assert 50 < terminal.getvalue().count("/10000") < 150


@pytest.mark.parametrize(
    ("typed", "told"), [("chek", "Did you mean check?"), ("set-rescu", "set-rescue?"), ("xyz", "'xyz'.")]
)
def test_a_command_that_is_mistyped_is_guessed(typed: str, told: str) -> None:
    result = CliRunner().invoke(main, [typed])
    assert (result.exit_code, result.stderr.rstrip().endswith(told)) == (2, True), result.stderr


def test_an_audit_line_reaches_the_system_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_SYSTEM_LOG", tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        written = Audit("syslog", lambda: datetime(2026, 11, 22, tzinfo=UTC))
        written.write(Event.PORTAL_STARTED, Line(actor="portal"))
        said = log.recv(4096)
        written.close()
    assert said.startswith(b"<%d>moncompte: {" % (SysLogHandler.LOG_AUTHPRIV << 3 | SysLogHandler.LOG_INFO))
    assert json.loads(said.partition(b": ")[2].rstrip(b"\0"))["event"] == "portal:process:start"


def test_without_a_system_log_it_goes_to_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "_SYSTEM_LOG", tmp_path / "none")
    Audit("syslog", lambda: datetime(2026, 11, 22, tzinfo=UTC)).write(Event.PORTAL_STARTED, Line(actor="portal"))
    out, complaints = capsys.readouterr()
    assert (out, json.loads(complaints)["actor"]) == ("", "portal")
