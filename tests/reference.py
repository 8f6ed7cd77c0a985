"""docs/reference.md, made of what the command says of itself: ``python -m tests.reference`` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from connector.cli import main

DOCUMENT = Path(__file__).parent.parent / "docs" / "reference.md"
_WIDTH = 100
_HEAD = """\
# The command, word for word

What `moncompte … --help` says, all of it; written by `python -m tests.reference`. What the commands have in common is
in [command.md](command.md), what each setting means in [`config/moncompte.toml`](../config/moncompte.toml).
"""


def page() -> str:
    """The document as it should be."""
    return "\n".join([_HEAD, *(_chapter(words, text) for words, text in helps(main))])


def helps(command: click.Command, above: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """What one types and what its ``--help`` prints: the command, then all below it, hidden ones apart."""
    name = "moncompte" if above is None else command.name
    shape = {**command.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = click.Context(command, above, name, **shape)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found and not found.hidden:
                yield from helps(found, context)


def _chapter(words: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"## {words}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    DOCUMENT.write_text(page(), encoding="utf-8")
