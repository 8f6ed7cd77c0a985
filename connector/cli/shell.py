"""What the sysadmin's commands share: settings, the portal, exit codes, tables, progress.

Exit codes, for scripts: 0 all as asked; 1 not (refused, nobody found, some left out); 2 wrong usage (click's); 69 the
directory or the mail server does not answer: try again later; 78 settings or directory must be mended first;
130 Ctrl-C. 69 and 78 are those of sysexits(3).
"""

from __future__ import annotations

import json
import logging
import os
import pwd
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Any, NoReturn

import click

from connector.audit import STANDARD_OUTPUT, SYSLOG
from connector.cli.web import Observed, log_to_stderr, observed
from connector.directory.readiness import check_filter
from connector.errors import (
    DirectoryError,
    DirectoryUnavailable,
    MailServerDown,
    MonCompteError,
    SettingsInvalid,
)
from connector.portal import Portal
from connector.settings import Settings, load
from connector.wording import _, reason

DEFAULT_FILE = Path("/etc/moncompte/moncompte.toml")
REFUSED, UNAVAILABLE, MISCONFIGURED = 1, os.EX_UNAVAILABLE, os.EX_CONFIG
INTERRUPTED = 130  # 128 and SIGINT, as shells tell it
_GAP = "  "
_REDRAWN = 100  # times, of a bar
_LOGIN, _NOBODY = Path("/proc/self/loginuid"), 2**32 - 1

settings_option = click.option(
    "--settings",
    "path",
    type=click.Path(path_type=Path, readable=False),  # what cannot be read, loading tells better
    default=DEFAULT_FILE,
    envvar="MONCOMPTE_SETTINGS",
    show_default=True,
    show_envvar=True,
    help="The settings file; config/moncompte.toml documents every line of it.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")
dry_run_option = click.option("--dry-run", "-n", is_flag=True, help="Say what would be done, and write nothing.")


def filter_option(help_text: str) -> Callable[[Any], Any]:
    """The option ``--filter``, given as ``ldap_filter``; what is no filter is wrong usage."""
    return click.option("--filter", "ldap_filter", default="", metavar="FILTER", callback=_filter, help=help_text)


def _filter(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        check_filter(value or "(objectClass=*)", _("what was given"))
    except SettingsInvalid as error:
        raise click.BadParameter(str(error)) from None
    return value


class Failure(click.ClickException):
    """An error in the sysadmin's words, and the exit code that tells a script what to do about it."""

    def __init__(self, message: str, exit_code: int = REFUSED) -> None:
        super().__init__("\n".join(map(plain, message.split("\n"))))
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance


def plain(text: str) -> str:
    """One line that steers no terminal, whatever somebody wrote into the directory; French has no-break spaces."""
    return "".join(char if char.isprintable() or char == "\xa0" else repr(char)[1:-1] for char in text)


@contextmanager
def explained() -> Iterator[None]:
    """Our errors inside the block, as a line on standard error and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        raise Failure(_("interrupted"), INTERRUPTED) from None
    except BrokenPipeError:
        raise  # whoever read what we print has seen enough: click's
    except OSError as error:
        raise Failure(reason(error, error.filename or _("standard output"))) from None
    except SettingsInvalid as error:
        raise Failure(str(error), MISCONFIGURED) from None
    except (DirectoryUnavailable, MailServerDown) as error:
        raise Failure(_unanswered(error), UNAVAILABLE) from None
    except DirectoryError as error:
        raise Failure(_('%(error)s; "moncompte check" tells more', error=error), MISCONFIGURED) from None
    except MonCompteError as error:
        raise Failure(str(error) or error.word) from None


def _unanswered(error: DirectoryUnavailable | MailServerDown) -> str:
    if isinstance(error, DirectoryUnavailable):
        return _("the directory does not answer: %(error)s", error=error)
    return _("the mail server does not answer: %(error)s", error=error)


@contextmanager
def opened(path: Path) -> Iterator[Portal]:
    """The portal of the settings at ``path``, for one command: neither serving nor sending mails.

    Its audit goes where the settings say; to the system's log where they say standard output, which is the results'.
    """
    log_to_stderr(logging.WARNING, "%(levelname)s %(name)s: %(message)s")
    with explained():
        portal = Portal(for_shell(load(path)))
        try:
            yield portal
        finally:
            portal.directory.close()
            portal.audit.close()


@contextmanager
def observing(address: str, name: str) -> Iterator[Observed | None]:
    """As ``observed``; where it cannot listen, the command ends with that, told of ``name``."""
    with ExitStack() as opened:
        try:
            what = opened.enter_context(observed(address))
        except OSError as error:
            refuse(reason(error, f"{name}: {address}"))
        yield what


def for_shell(settings: Settings) -> Settings:
    """The same settings, less what belongs to a server."""
    if settings.audit.file != STANDARD_OUTPUT:
        return settings
    return settings.model_copy(update={"audit": settings.audit.model_copy(update={"file": SYSLOG})})


def operator() -> str:
    """Who types, for the audit: whoever logged in, as the kernel knows it, whatever sudo or su made of them since.

    Where nobody did (a container, cron): who called sudo, else the system's user.
    """
    logged_in = _logged_in()
    if logged_in is None and os.geteuid() == 0 and (name := os.environ.get("SUDO_USER")):
        return name  # nobody but root may say who they were before
    user = os.getuid() if logged_in is None else logged_in
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # a container's user without a name
        return str(user)


def _logged_in() -> int | None:
    """The login's user, which sudo leaves alone (credentials(7), pam_loginuid(8)); None if there was no login."""
    try:
        number = int(_LOGIN.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if number == _NOBODY else number


def refuse(message: str, exit_code: int = REFUSED) -> NoReturn:
    """End the command with a sentence that says what to do next."""
    raise Failure(message, exit_code)


def echo_json(value: Any) -> None:
    """One JSON document; an instant is written in ISO 8601, UTC."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def table(rows: Sequence[Sequence[object]], headings: Sequence[str]) -> str:
    """Aligned columns, numbers to the right."""
    lines = [tuple(map(str, row)) for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    is_number = [bool(rows) and all(isinstance(row[place], int) for row in rows) for place in range(len(headings))]
    return "\n".join(
        _GAP.join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in lines
    )


@contextmanager
def progress(total: int | None, label: str) -> Iterator[Callable[[int], None]]:
    """A bar on standard error where that is a terminal, nothing elsewhere; call it with how many more were done."""
    if not sys.stderr.isatty():
        yield lambda _more: None
        return
    steps = repeat(None) if total is None else None  # of unknown length: click shows how many, and that it moves
    seldom = max(1, (total or 0) // _REDRAWN)  # forty thousand redraws would take longer than forty thousand keys
    with click.progressbar(
        steps, length=total, label=label, file=sys.stderr, show_pos=True, update_min_steps=seldom
    ) as bar:
        yield bar.update
