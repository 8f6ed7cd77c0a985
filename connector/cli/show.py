"""``moncompte show``: everything about one account, and why its owner cannot get in."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from connector.audit import STANDARD_OUTPUT, SYSLOG
from connector.cli.dossier import Dossier
from connector.cli.office import identifier_argument, no_login, nobody, office, several, when
from connector.cli.shell import REFUSED, echo_json, json_option, plain, refuse, settings_option
from connector.office import Look
from connector.settings import Settings
from connector.trail import last_events
from connector.wording import _, reason

_EVENTS = 10


@click.command()
@identifier_argument
@click.option("--reveal", is_flag=True, help="Print the rescue address in full; this is audited with your name.")
@json_option
@settings_option
def show(identifier: str, reveal: bool, as_json: bool, path: Path) -> None:
    """Show everything about one account, and above all why its owner cannot get in.

    Example: moncompte show jmartin001

    IDENTIFIER is what a visitor types: a login, an INE (with or without blanks) or a student number. Never the key nor
    a hash. Last events: from the audit, if the settings name a file and you may read it. Exit code 1: nobody answers to
    that, or several do.
    """
    with office(path) as (desk, settings):
        look = desk.look(identifier, reveal=reveal)
        if look.account is None or look.standing is None:
            _tell_nobody(look, settings, as_json)
            return
        dossier = Dossier(look.account, look.standing, look.now, settings, reveal)
        events, unread = _events(look.account.uid, settings)
        if as_json:
            echo_json(dossier.facts() | {"events": events, "events_unread": unread or None})
        else:
            listed = [f"  {_in_words(event, settings)}" for event in events] or [f"  {unread or _('none')}"]
            click.echo("\n".join([dossier.text(), "", _("Last events:"), *listed, "", dossier.verdict()]))


def _tell_nobody(look: Look, settings: Settings, as_json: bool) -> None:
    """That it is no account of ours, and what that may mean."""
    if len(look.dns) > 1:
        what, said = "several", several(look.dns)
    elif look.dns:
        what, said = "no-login", no_login(look.dns[0], settings)
    else:
        what, said = "unknown", nobody(settings)
    if not as_json:
        refuse(said)
    echo_json({"found": what, "dns": look.dns, "said": said})
    sys.exit(REFUSED)


def _events(uid: str, settings: Settings) -> tuple[list[dict[str, Any]], str]:
    """The last events of the account, the newest first; or why there are none to be read."""
    file = settings.audit.file
    if file in {STANDARD_OUTPUT, SYSLOG}:
        return [], _("the audit goes to no file: look where your system keeps the portal's output")
    try:
        return last_events(Path(file), uid, _EVENTS), ""
    except OSError as error:
        return [], _("%(file)s cannot be read: %(reason)s", file=file, reason=reason(error))


def _in_words(event: dict[str, Any], settings: Settings) -> str:
    """One line of the audit, on one line."""
    said = {
        name: plain(str(event.get(name) or "")) for name in ("time", "event", "outcome", "reason", "actor", "source")
    }
    with suppress(ValueError):  # another's hand wrote it
        said["time"] = when(datetime.fromisoformat(said["time"]), settings)
    ended = f"{said['outcome']} ({said['reason']})" if said["reason"] else said["outcome"]
    by = _("by %(actor)s", actor=said["actor"])
    if said["source"]:
        by = _("by %(actor)s from %(source)s", actor=said["actor"], source=said["source"])
    return f"{said['time']}  {said['event']:<26}  {ended}, {by}"
