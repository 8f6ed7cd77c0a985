"""What the commands for one account share: the office, what may be typed, the sentences of what cannot be done."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path

import click
from babel.dates import get_timezone

from connector.cli.shell import opened, operator, plain, refuse
from connector.errors import ActRefused, ChangeRefused, Obstacle, RescueReason
from connector.office import Office
from connector.settings import Settings
from connector.wording import N_, _

identifier_argument = click.argument("identifier", metavar="IDENTIFIER")

BAD_ADDRESS = {
    RescueReason.MALFORMED: N_("that is not a mail address"),
    RescueReason.TOO_LONG: N_("that is too long for a mail address"),
    RescueReason.SEVERAL: N_("that is more than one address; give the one its owner reads"),
    RescueReason.ACCENTED: N_("what stands before the @ must be ASCII: not every mail server takes other letters"),
    RescueReason.NOWHERE: N_("no mail ever arrives at that domain (RFC 6761)"),
    RescueReason.LIST: N_("that is a mailing list: several people would read the key"),
    RescueReason.OWN_DOMAIN: N_("that is the university's own mailbox ([rescue] own_domains), lost with the password"),
}


@contextmanager
def office(path: Path) -> Iterator[tuple[Office, Settings]]:
    """The office of the settings at ``path``, for whoever types; what it refuses is said in a sentence."""
    with opened(path) as portal:
        try:
            yield Office(portal, f"shell:{operator()}"), portal.settings
        except ActRefused as refused:
            refuse(_sentence(refused, portal.settings))
        except ChangeRefused as refused:
            if refused.rescue is None:
                raise
            refuse(_(BAD_ADDRESS[refused.rescue]))


def when(instant: datetime, settings: Settings) -> str:
    """An instant in the university's time, with its distance from UTC: summer time makes an hour happen twice."""
    zone: tzinfo = get_timezone(settings.web.timezone)
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S %z}"


def nobody(settings: Settings) -> str:
    """Why nobody may answer, and how an administrator looks beyond what the portal sees."""
    names, directory = settings.attributes, settings.directory
    terms = (names.uid, names.alias, names.ine, names.student_number)
    ldap_filter = f"(|{''.join(f'({name}=IDENTIFIER)' for name in terms if name)})"
    base = shlex.join(["-b", directory.people_dn, ldap_filter])
    said = _(
        "nobody answers to that. It is mistyped; or the entry is outside the population, which is all that the portal "
        "sees (%(population)s under %(people_dn)s): staff, somebody who left, an affiliation that is not set yet. Look "
        "as the directory's administrator:",
        population=directory.population,
        people_dn=directory.people_dn,
    )
    return f"{said}\n  ldapsearch -x -D ADMIN_DN -W -H {shlex.quote(directory.uri[0])} {base}"


def several(dns: tuple[str, ...]) -> str:
    """That the portal treats them as nobody, and what to do."""
    listed = "".join(f"\n  {plain(dn)}" for dn in dns)
    said = _(
        "%(count)s entries answer to that, and so nobody can use it: the portal treats them as nobody. Their logins "
        "still work. Correct whichever entry is wrong:",
        count=len(dns),
    )
    return said + listed


def no_login(dn: str, settings: Settings) -> str:
    """That an entry without a login is no account."""
    return _(
        "%(dn)s has no %(uid)s, or one the portal may not read: it cannot be an account",
        dn=plain(dn),
        uid=settings.attributes.uid,
    )


def end_lock(dn: str, settings: Settings) -> str:
    """The line with which an administrator ends a lock for good."""
    return modify_line(dn, ["delete: pwdAccountLockedTime"], settings)


def modify_line(dn: str, changes: list[str], settings: Settings) -> str:
    """What an administrator types to change an entry; LDIF has a DN that is not plain in base64."""
    is_plain = dn.isascii() and dn.isprintable()
    name = f"dn: {dn}" if is_plain else f"dn:: {base64.b64encode(dn.encode()).decode()}"
    lines = shlex.join([name, "changetype: modify", *changes])
    return f"printf '%s\\n' {lines} | ldapmodify -x -D ADMIN_DN -W -H {shlex.quote(settings.directory.uri[0])}"


def _sentence(refused: ActRefused, settings: Settings) -> str:
    uid = plain(refused.uid or "")
    if refused.why is Obstacle.UNKNOWN:
        return nobody(settings)
    if refused.why is Obstacle.SEVERAL:
        return several(refused.dns)
    if refused.why is Obstacle.NO_LOGIN:
        return no_login(refused.dns[0], settings)
    if refused.why is Obstacle.LOCKED_FOR_GOOD:
        said = _("%(uid)s is locked for good, by an administrator, who alone may end that:", uid=uid)
        return f"{said}\n  {end_lock(refused.dns[0], settings)}"
    return _(_OBSTACLE[refused.why], uid=uid)


_OBSTACLE = {
    Obstacle.NO_KEY: N_("%(uid)s has no key"),
    Obstacle.NOT_LOCKED: N_("%(uid)s is not locked; 'moncompte show %(uid)s' says what else keeps them out"),
    Obstacle.SAME_ADDRESS: N_("that is %(uid)s's rescue address already"),
    Obstacle.NO_RESCUE: N_("%(uid)s has no rescue address"),
}
