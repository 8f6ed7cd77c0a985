"""``moncompte demo``: the whole product on this machine, on a private slapd, with nothing left behind."""

from __future__ import annotations

import json
import logging
import shlex
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from connector import keys
from connector.cli.shell import explained
from connector.cli.web import log_to_stderr, serving, until_stopped, wait
from connector.clock import utc_now
from connector.demo.groups import groups_ldif
from connector.demo.ldap_tools import SlapdFailed, SlapdMissing
from connector.demo.mailbox import Mailbox
from connector.demo.people import SamplePerson, sample_people, to_ldif
from connector.demo.slapd import SAMPLE_SUFFIX, PrivateSlapd
from connector.portal import Portal
from connector.settings import Settings, build
from connector.settings.effective import as_toml
from connector.settings.theme import Theme
from connector.wording import _, reason
from webui.server import listen

HOST = "127.0.0.1"
USUAL_PORT = 8080
SHOWN = 8
_TO_TRY = ("check", "show jmartin001", "issue --never-activated --letters letters.pdf", "stats", "--help")
_PERSON = ("dn", "uid", "ine", "state", "key", "password", "rescue", "note", "serves", "enrolment")


@dataclass(frozen=True, slots=True)
class Running:
    """What runs, once all of it is ready."""

    portal_url: str
    mailbox: Mailbox
    slapd: PrivateSlapd
    people: Sequence[SamplePerson]
    folder: Path

    @property
    def audit_file(self) -> Path:
        """What happens is told here."""
        return self.folder / "audit.jsonl"

    @property
    def settings_file(self) -> Path:
        """For the other commands, while the demo runs."""
        return self.folder / "moncompte.toml"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON, once all is ready, and nothing else.")
@click.option("--port", type=click.IntRange(0, 65535), help=f"The portal's port; by default {USUAL_PORT}, if free.")
@click.option("--people", "count", type=click.IntRange(1, 1_000_000), default=200, show_default=True)
@click.option(
    "--theme", default="dordogne", show_default=True, help="A sample (dordogne, garonne), or your own folder."
)
def demo(as_json: bool, port: int | None, count: int, theme: str) -> None:
    """Try everything: a private slapd with sample students, a mailbox to read the mails in, the portal.

    All of it on 127.0.0.1 and in a temporary folder; Ctrl-C leaves no process and no file behind.
    """
    log_to_stderr(logging.WARNING, "%(levelname)s %(name)s: %(message)s")
    try:
        with explained(), until_stopped(), _listener(port) as listener, running(listener, count, theme) as everything:
            click.echo(_as_json(everything) if as_json else _guide(everything))
            wait()
    except (SlapdMissing, SlapdFailed) as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def running(listener: socket.socket, count: int, theme: str = "dordogne") -> Iterator[Running]:
    """The demo, its portal on ``listener`` for the block. Raises SettingsInvalid, SlapdMissing, SlapdFailed."""
    Theme.load(theme)  # its faults are told before slapd is made
    people = sample_people(count, utc_now(), SAMPLE_SUFFIX)
    with PrivateSlapd() as slapd, Mailbox() as mailbox, TemporaryDirectory(prefix="moncompte-") as folder:
        slapd.add_ldif(to_ldif(people) + groups_ldif(people, slapd.base))
        portal = Portal(settings(slapd, mailbox, listener.getsockname()[1], f"{folder}/audit.jsonl", theme))
        run = Running(portal.settings.web.portal_url, mailbox, slapd, people, Path(folder))
        run.settings_file.touch(0o600)
        run.settings_file.write_text(as_toml(portal.settings), encoding="utf-8")
        with serving(portal, listener):
            yield run


def settings(
    slapd: PrivateSlapd, mailbox: Mailbox, port: int, audit_file: str = "-", theme: str = "dordogne"
) -> Settings:
    """The demo's settings: those of ``config/moncompte.toml``, pointed at what runs here."""
    return build(
        {
            "web": {
                "portal_url": f"http://{HOST}:{port}/",
                "secret_key": keys.random_secret() + keys.random_secret(),
                "theme": theme,
                "secure_cookies": False,
                "proxies": 0,
            },
            "directory": {
                "uri": slapd.ldapi_uri,
                "bind_dn": slapd.portal_dn,
                "password": slapd.portal_password,
                "people_dn": slapd.people_dn,
                "decoy_dn": slapd.decoy_dn,
            },
            "mail": {
                "host": HOST,
                "port": mailbox.smtp_port,
                "tls": "none",
                "sender": "Mon compte <ne-pas-repondre@universite.example>",
            },
            "rescue": {"own_domains": "universite.example"},
            "audit": {"file": audit_file},
            "desk": {
                "group_dn": f"cn=helpdesk,ou=groups,{slapd.base}",
                "component_group_dn": f"cn=secretariats,ou=groups,{slapd.base}",
                "totp_key": keys.random_secret() + keys.random_secret(),
            },
            "assistance": {"mailbox": "Assistance <assistance@universite.example>"},
        },
        "demo",
        {},
    )


def _listener(asked: int | None) -> socket.socket:
    """On the port asked for; otherwise on the usual one, or a free one where that is taken."""
    if asked is None:
        try:
            return listen(HOST, USUAL_PORT)
        except OSError:
            return listen(HOST, 0)
    try:
        return listen(HOST, asked)
    except OSError as error:
        said = _("port %(port)s: %(reason)s; give another with --port, or none", port=asked, reason=reason(error))
        raise click.ClickException(said) from None


def _as_json(run: Running) -> str:
    slapd = run.slapd
    return json.dumps(
        {
            "portal": run.portal_url,
            "mailbox": run.mailbox.json_url,
            "ldap": slapd.tcp_uri,
            "base": slapd.base,
            "root_dn": slapd.root_dn,
            "root_password": slapd.root_password,
            "portal_dn": slapd.portal_dn,
            "portal_password": slapd.portal_password,
            "audit": str(run.audit_file),
            "settings": str(run.settings_file),
            "people": [{name: getattr(person, name) for name in _PERSON} for person in run.people],
        }
    )


def _guide(run: Running) -> str:
    """What to try, in the order of a student's story."""
    first = run.people[0]
    options = ("-LLL", "-H", run.slapd.tcp_uri, *run.slapd.as_root, "-b", run.slapd.base)
    ldapsearch = shlex.join(["ldapsearch", *options, f"(uid={first.uid})", "*", "+"])
    lines = [
        f"Portal    {run.portal_url}",
        f"Mailbox   {run.mailbox.url}",
        f"Audit     {run.audit_file}",
        "",
        "Sample students:",
        *(f"  {person.uid:<19}{person.key or person.password or '':<22}{person.note}" for person in run.people[:SHOWN]),
        "",
        f"Activate: sign in as {first.uid} with that key. Forgot: type {first.ine or first.uid} in the box beside.",
        "Watch the entry change:",
        f"  {ldapsearch}",
        "",
        *_desk_guide(run),
        "As a sysadmin, in another terminal:",
        f"  export MONCOMPTE_SETTINGS={run.settings_file}",
        *(f"  {shlex.quote(sys.argv[0])} {words}" for words in _TO_TRY),
        "",
        "Ctrl-C stops everything and leaves nothing behind.",
    ]
    return "\n".join(lines)


def _desk_guide(run: Running) -> list[str]:
    """How to come in at the help desk, where there are enough people for an operator."""
    operator = next((person for person in run.people if person.serves == "everybody"), None)
    if operator is None:
        return []
    return [
        f"Help desk {run.portal_url}guichet/inscription",
        f"  Login {operator.uid}, password {operator.password}, enrolment code {operator.enrolment};",
        "  scan the QR code with an authenticator, such as FreeOTP or Aegis. Then look for a student.",
        "",
    ]
