"""``moncompte schema``, ``acl`` and ``ldif``: what a sysadmin loads into the directory, for this configuration."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from connector.cli.shell import dry_run_option, explained, plain, refuse, settings_option
from connector.ldif import ACCESS, DATABASE, FULL_SCHEMA, SCHEMA, files, suffix, written_for
from connector.settings import Settings, load
from connector.wording import _, reason

_FIRST_LINE = "# Printed by moncompte for the settings in {path}; whatever differs from the sample is in here.\n"

SCRIPT = "load.sh"
_SCRIPT_BEGINS = """\
# Loads the files beside it, as root on the directory's host; asks for the password of the directory's administrator,
# whose name may be another with you. Stops at the first file that is refused: mend it, take out what is above, go on.
set -e
cd "$(dirname "$0")"
"""

full_supann_option = click.option(
    "--full-supann", is_flag=True, help="The directory has eduPerson and SUPANN already: leave out our parts of them."
)
database_option = click.option(
    "--database",
    default=DATABASE,
    show_default=True,
    metavar="{N}TYPE",
    help="The database's name in cn=config (olcDatabase).",
)


@click.command()
@full_supann_option
@settings_option
def schema(full_supann: bool, path: Path) -> None:
    """Print the schema as LDIF: what the people of this directory may hold.

    \b
    moncompte schema > schema.ldif
    ldapadd -Q -Y EXTERNAL -H ldapi:/// -f schema.ldif

    Needs the settings, neither their secrets nor a directory.
    """
    _print(FULL_SCHEMA if full_supann else SCHEMA, path, DATABASE)


@click.command()
@database_option
@settings_option
def acl(database: str, path: Path) -> None:
    """Print the access rules as LDIF: what the portal may do, what nobody else may read.

    \b
    moncompte acl > access.ldif
    ldapmodify -Q -Y EXTERNAL -H ldapi:/// -f access.ldif

    People's branch, population, the portal's account, the names of attributes, the rescue address's label are those of
    the settings; rules about a state that is not kept are left out. Needs neither secrets nor a directory.
    """
    _print(ACCESS, path, database)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@full_supann_option
@database_option
@dry_run_option
@settings_option
def ldif(folder: Path, full_supann: bool, database: str, dry_run: bool, path: Path) -> None:
    """Write to FOLDER what the directory has to load, and load.sh, which loads it.

    \b
    moncompte ldif /root/moncompte-ldap
    sh /root/moncompte-ldap/load.sh

    Schema, modules, indexes, password policy, our own entries, access rules, a file each, in this order: each says at
    its top what it does, what to mind and how to check it. Needs the settings, neither their secrets nor a
    directory. Exit code 1: a file of that name is there already; none is written then.
    """
    with explained():
        settings = load(path, secrets=False)
        texts = {source.name: _text(source, path, settings, database) for source in files(full_supann)}
    texts[SCRIPT] = _script(list(texts), settings)
    if not dry_run:
        _write(folder, texts)
    click.echo("\n".join(str(folder / name) for name in texts))


def _print(numbers: Sequence[str], path: Path, database: str) -> None:
    with explained():
        settings = load(path, secrets=False)
        chosen = [source for source in files() if source.name[:2] in numbers]
        click.echo("\n".join(_text(source, path, settings, database) for source in chosen), nl=False)


def _text(source: Path, path: Path, settings: Settings, database: str) -> str:
    return _FIRST_LINE.format(path=plain(str(path))) + written_for(source, settings, database)


def _write(folder: Path, texts: dict[str, str]) -> None:
    """All of them, or none: a file that is there already may have been mended by hand."""
    there = [name for name in texts if (folder / name).exists()]
    if there:
        names = ", ".join(there)
        refuse(
            _("%(folder)s: %(names)s there already; name another folder, or remove them", folder=folder, names=names)
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with (folder / name).open("x", encoding="utf-8") as file:  # through no link, not even one to nowhere
                file.write(text)
    except OSError as error:
        refuse(reason(error, folder))


def _script(names: list[str], settings: Settings) -> str:
    """What a sysadmin types: cn=config is the system administrator's, the data are the directory's administrator's."""
    as_root, administrator = "-Q -Y EXTERNAL -H ldapi:///", shlex.quote(f"cn=admin,{suffix(settings)}")
    commands = [
        f"ldapadd -x -D {administrator} -W -H ldapi:/// -f {name}"
        if name.startswith("50")
        else f"ldapadd {as_root} -f {name}"
        for name in names
    ]
    return "\n".join([_SCRIPT_BEGINS, *commands, ""])
