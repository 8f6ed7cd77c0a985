"""``moncompte operator``: who works at the help desk, and with which second factor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from connector.cli.office import modify_line, when
from connector.cli.shell import echo_json, json_option, opened, plain, refuse, settings_option
from connector.cli.shell import operator as who_types
from connector.errors import ActRefused, Obstacle
from connector.model import Operator
from connector.operators import SHUT_AFTER
from connector.roster import Badge, Roster
from connector.settings import Settings
from connector.wording import _

login_argument = click.argument("login", metavar="LOGIN")


@click.group()
def operator() -> None:
    """Operators of the help desk: enrol a second factor, take it away, look.

    Example: moncompte operator enrol kdesk

    Who is an operator the directory's administrator decides: the class moncompteOperator on their entry, and a group
    that [desk] names (docs/desk.md).
    """


@operator.command()
@login_argument
@json_option
@settings_option
def enrol(login: str, as_json: bool, path: Path) -> None:
    """Print an enrolment code for an operator, once: they link their phone with it, at /guichet/inscription.

    Example: moncompte operator enrol kdesk

    Hand it over in person, and make sure who it is: with their directory password it makes them an operator. It works
    once, for [desk] enrol_hours. The second factor they had is gone at once, with its recovery codes, an older
    enrolment code and every session at the desk: so it is for a lost phone too. Exit code 1: the entry is not an
    operator's; the message says how to make it one.
    """
    with _roster(path, login) as (roster, settings):
        badge, code = roster.offer(login)
        if as_json:
            echo_json(_facts(badge, settings) | {"enrolment_code": code, "page": _page(settings)})
        else:
            rows = [(_("Enrolment code"), code), (_("until"), when(badge.operator.enrol_until or badge.now, settings))]
            click.echo(_name(badge.operator))
            click.echo(_aligned([*rows, (_("to be typed at"), _page(settings)), (_("serves"), _serves(badge))]))
        _warn(badge, settings)


@operator.command()
@login_argument
@settings_option
def reset(login: str, path: Path) -> None:
    """Take an operator's second factor away: a phone that was stolen, somebody who leaves.

    Example: moncompte operator reset kdesk

    With it go the recovery codes, an enrolment code that was not used yet, and every session at the desk. Nobody
    signs in there as them until they are enrolled again. Exit code 1: the entry is not an operator's.
    """
    with _roster(path, login) as (roster, _settings):
        click.echo(_("%(who)s: no second factor any more, every session ended", who=_name(roster.reset(login))))


@operator.command()
@login_argument
@json_option
@settings_option
def show(login: str, as_json: bool, path: Path) -> None:
    """Show how an operator stands: second factor, groups, wrong codes, recovery codes left, keys issued this hour.

    Example: moncompte operator show kdesk

    No secret and no hash. Exit code 1: the entry is not an operator's.
    """
    with _roster(path, login) as (roster, settings):
        badge = roster.look(login)
        if as_json:
            echo_json(_facts(badge, settings))
        else:
            click.echo(_name(badge.operator))
            click.echo(_aligned(_rows(badge, settings)))
        _warn(badge, settings)


@contextmanager
def _roster(path: Path, login: str) -> Iterator[tuple[Roster, Settings]]:
    """The roster of the settings at ``path``, for whoever types; what it refuses is said in a sentence."""
    with opened(path) as portal:
        try:
            yield Roster(portal, f"shell:{who_types()}"), portal.settings
        except ActRefused as refused:
            if refused.why is Obstacle.NO_DESK:
                refuse(_("there is no help desk: name its group in [desk] group_dn or component_group_dn"))
            refuse(_no_operator(login, portal.settings))


def _facts(badge: Badge, settings: Settings) -> dict[str, Any]:
    operator = badge.operator
    return {
        "login": operator.uid,
        "name": operator.name,
        "dn": operator.dn,
        "enrolled": operator.is_enrolled,
        "enrolment_until": badge.offer_until,
        "in_group": badge.in_group,
        "in_component_group": badge.in_component_group,
        "components": operator.components,
        "wrong_codes": operator.failures or 0,
        "shut": badge.is_shut,
        "recovery_codes": len(operator.recovery_hashes),
        "keys_this_hour": badge.keys_this_hour,
        "keys_per_hour": settings.desk.keys_per_hour,
    }


def _rows(badge: Badge, settings: Settings) -> list[tuple[str, str]]:
    operator, until = badge.operator, badge.offer_until
    issued = _("%(count)s of %(most)s", count=badge.keys_this_hour, most=settings.desk.keys_per_hour)
    return [
        (_("second factor"), _factor(badge)),
        (_("enrolment code"), _("until %(when)s", when=when(until, settings)) if until else _("none")),
        (_("serves"), _serves(badge)),
        (_("wrong codes in a row"), _("%(count)s of %(most)s", count=operator.failures or 0, most=SHUT_AFTER)),
        (_("recovery codes left"), str(len(operator.recovery_hashes))),
        (_("keys issued this hour"), issued),
    ]


def _factor(badge: Badge) -> str:
    if not badge.operator.is_enrolled:
        return _("none")
    return _("shut, after too many wrong codes: enrol them again") if badge.is_shut else _("enrolled")


def _serves(badge: Badge) -> str:
    if badge.in_group:
        return _("everybody")
    components = ", ".join(map(plain, badge.operator.components))
    return components if badge.in_component_group and components else _("nobody")


def _warn(badge: Badge, settings: Settings) -> None:
    """Say why somebody who has everything else still serves nobody."""
    desk, names = settings.desk, settings.attributes
    if not badge.in_group and not badge.in_component_group:
        group_dn = desk.group_dn or desk.component_group_dn
        said = _("in no group of operators, so the desk stays shut for them; as the directory's administrator:")
        add = ["add: member", f"member: {plain(badge.operator.dn)}"]
        click.echo(f"{said}\n  {modify_line(group_dn, add, settings)}", err=True)
    elif not badge.in_group and not badge.operator.components:
        click.echo(_("their entry has no %(name)s, so they serve nobody", name=names.programme), err=True)


def _no_operator(login: str, settings: Settings) -> str:
    people_dn = settings.directory.people_dn
    said = _(
        "nobody under %(people_dn)s with the class moncompteOperator answers to that login. If it is somebody who "
        "shall work at the help desk, as the directory's administrator, with their DN:",
        people_dn=people_dn,
    )
    known = re.fullmatch(r"[A-Za-z0-9._@-]+", login)
    dn = f"{settings.attributes.uid}={login},{people_dn}" if known else "DN"
    return f"{said}\n  {modify_line(dn, ['add: objectClass', 'objectClass: moncompteOperator'], settings)}"


def _name(operator: Operator) -> str:
    return f"{plain(operator.uid)} ({plain(operator.name)})"


def _page(settings: Settings) -> str:
    return f"{(settings.desk.url or settings.web.portal_url).rstrip('/')}/guichet/inscription"


def _aligned(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _value in rows)
    return "\n".join(f"  {name.ljust(width)}  {value}" for name, value in rows)
