"""The reference says what the command says; the command completes in a shell as its page tells."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from connector.cli import main
from tests import reference

BIN = Path(sys.executable).parent
CONTEXT = click.Context(main)
COMMANDS = main.list_commands(CONTEXT)
PAGE = reference.DOCUMENT.with_name("command.md").read_text(encoding="utf-8")


def test_the_reference_is_fresh() -> None:
    """If this fails: ``python -m tests.reference``."""
    assert reference.DOCUMENT.read_text(encoding="utf-8") == reference.page()


def test_a_new_command_comes_in_by_itself_and_a_hidden_one_stays_out() -> None:
    @click.group()
    def other() -> None:
        """Do other things."""

    @other.command()
    def deep() -> None:
        """Do it deep down."""

    @other.command(hidden=True)
    def secret() -> None:
        """Not for everybody."""

    found = dict(reference.helps(other))
    assert list(found) == ["moncompte", "moncompte deep"]
    assert "Usage: moncompte deep [OPTIONS]" in found["moncompte deep"]


def test_the_reference_holds_what_is_printed_on_the_screen() -> None:
    words = {words for words, _ in reference.helps(main)}
    assert {f"moncompte {name}" for name in COMMANDS} < words
    printed = CliRunner().invoke(main, ["settings", "--help"], prog_name="moncompte", terminal_width=100)
    assert printed.output.strip() in reference.page()


@pytest.mark.parametrize("words", COMMANDS)
def test_every_help_begins_with_one_line_that_says_what(words: str) -> None:
    first = (main.get_command(CONTEXT, words).help or "").strip().partition("\n\n")[0]
    assert first.endswith("."), first
    assert len(first.replace("\n", " ")) <= 120


def test_every_link_and_every_command_of_the_page_exists() -> None:
    for target in re.findall(r"\]\(([\w.-]+\.md)\)", PAGE):
        assert (reference.DOCUMENT.parent / target).exists(), target


def completed(shell: str, script: str) -> list[str]:
    """What ``shell`` offers, after the line of the page was typed in it."""
    line = re.search(rf"(?m)^eval .*{shell}_source.*$", PAGE)
    assert line
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    command = [shell, *(["--norc"] if shell == "bash" else ["-f"]), "-c", f"{line[0]}\n{script}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["moncompte", "sett"], ["settings"]),
        (["moncompte", "acl", "--data"], ["--database"]),
        (["moncompte", "nothing-begins-like-this"], []),
    ],
)
def test_bash_completes_commands_and_options(typed: list[str], offered: list[str]) -> None:
    words = " ".join(typed)
    script = (
        f"COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; _moncompte_completion moncompte; echo ${{COMPREPLY[@]}}"
    )
    assert completed("bash", script) == offered


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_takes_the_completion() -> None:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    line = re.search(r"(?m)^eval .*zsh_source.*$", PAGE)
    assert line
    script = f"autoload -Uz compinit; compinit -D -u; {line[0]}; print $_comps[moncompte]"
    done = subprocess.run(["zsh", "-fc", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "_moncompte_completion"
