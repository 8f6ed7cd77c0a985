"""What a release leaves in a directory, so that later code is tried on it: ``python -m tests.upgrade.snapshot 0.1.0``.

Typed once for each tag, in a checkout of it. The folder it makes beside this file holds what a sysadmin backs up and
nothing else: the configuration as it was loaded (``ldap/``), ``data.ldif`` of slapcat, ``moncompte.toml`` with its
secrets (of a sample: they open nothing elsewhere); and ``known.json``, what the people of that day had in hand.

``0.0-before-desk`` is of commit 7c1140e, before the help desk and proved rescue addresses, made by that commit's code.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyotp

from connector import keys
from connector.cli.demo import settings as demo_settings
from connector.demo.ldap_tools import SlapdFailed, run, tool
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from connector.settings import config_folder
from connector.settings.effective import as_toml
from tests.conftest import GROUPS, PASSWORD, reset_people
from tests.desk_steps import offer
from tests.portal_fixtures import START, issue

NEW_PASSWORD = "trois-pommes-42-bleues"
FORMER = "20261125120000Z rachid@ancien.example"
Known = dict[str, str]


def take(folder: Path) -> None:
    """Let people begin what they do not finish, then keep it all in ``folder``, which is made."""
    with _mailbox() as mailbox, PrivateSlapd(password_hash="{SSHA}") as server:
        reset_people(server)
        server.add_ldif(GROUPS.format(base=server.base))
        server.run("ldapdelete", *server.as_root, f"uid=afontaine2,{server.people_dn}")  # a double, for other tests
        settings = demo_settings(server, mailbox, 8080, os.devnull)
        portal = Portal(settings, lambda: START)
        try:
            portal.directory.prepare()
            known = begin(portal) | enrol(portal) | {"former": FORMER.partition(" ")[2]}
        finally:
            portal.stop()
        change = "add: objectClass\nobjectClass: moncompteAccount\n-\n"
        change += f"add: moncompteRescueFormer\nmoncompteRescueFormer: {FORMER}"
        server.add_ldif(f"dn: uid=rbenali,{server.people_dn}\nchangetype: modify\n{change}\n")
        lock(server)
        save(folder, server, as_toml(settings), known)


def begin(portal: Portal) -> Known:
    """A letter's key that waits; a mail with a key, and a notice, that are owed."""
    letter = issue(portal, "emercier")
    portal.request_key("jmartin001")
    proof = portal.sign_in("mdarcy", PASSWORD)
    portal.change("mdarcy", proof.mark, PASSWORD, NEW_PASSWORD, None)
    return {"letter": letter}


def lock(server: PrivateSlapd) -> None:
    """Ten wrong passwords, typed elsewhere: the directory's policy locks."""
    for _try in range(10):
        with suppress(SlapdFailed):
            server.run("ldapwhoami", "-x", "-D", f"uid=lroy,{server.people_dn}", "-w", "not-the-password")


def enrol(portal: Portal) -> Known:
    """An operator with an authenticator."""
    door, code = portal.desk_door, offer(portal, "kdesk")
    begun = door.begin_enrolment("kdesk", PASSWORD, code)
    shown = door.enrolment("kdesk", begun.enrolment_mark)
    totp = pyotp.parse_uri(shown.link)
    assert isinstance(totp, pyotp.TOTP)
    _operator, recovery = door.enrol("kdesk", begun.enrolment_mark, totp.at(int(START.timestamp())))
    return {"authenticator": shown.link, "recovery": keys.show(recovery[0])}


def save(folder: Path, server: PrivateSlapd, toml: str, known: Known) -> None:
    """Keep what a sysadmin would back up of this directory, and what the people know."""
    folder.mkdir()
    shutil.copytree(config_folder() / "ldap", folder / "ldap")
    server.halt()
    data = run([tool("slapcat"), "-F", str(server.folder / "config"), "-b", server.base])
    (folder / "data.ldif").write_text(data, encoding="utf-8")
    (folder / "moncompte.toml").write_text(toml.replace(server.ldapi_uri, "ldapi:///"), encoding="utf-8")
    (folder / "known.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


@contextmanager
def restored(folder: Path) -> Iterator[PrivateSlapd]:
    """A fresh slapd with that release's configuration and data, as a sysadmin restores them."""
    config = {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / "ldap").iterdir())}
    with PrivateSlapd(password_hash="{SSHA}", config=config) as server:
        server.halt()
        shutil.rmtree(server.folder / "data")
        (server.folder / "data").mkdir()
        loading = ["-F", str(server.folder / "config"), "-b", server.base, "-l", str(folder / "data.ldif")]
        run([tool("slapadd"), "-q", *loading])
        server.launch()
        yield server


def moved(server: PrivateSlapd, mailbox: Mailbox) -> dict[str, str]:
    """The environment that points those settings at what runs here; the password stays that of the backup."""
    return {"MONCOMPTE_DIRECTORY__URI": server.ldapi_uri, "MONCOMPTE_MAIL__PORT": str(mailbox.smtp_port)}


@contextmanager
def _mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    mailbox.start()
    yield mailbox
    mailbox.stop()


if __name__ == "__main__":
    take(Path(__file__).parent / sys.argv[1])
