"""Data of every release, and of before the first: restored, brought up to date as docs/running.md says, and used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import pyotp
import pytest
from pydantic import SecretStr

from connector import keys
from connector.demo.ldap_tools import run, tool
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.doctor import Level, Report
from connector.doctor.finding import To
from connector.errors import SettingsInvalid, SignInRefused
from connector.model import By
from connector.portal import Portal
from connector.settings import Settings, load
from tests.checked import changed, examined
from tests.conftest import PASSWORD
from tests.portal_fixtures import START, MovingClock, issue, key_in
from tests.upgrade.snapshot import NEW_PASSWORD, moved, restored, take

HERE = Path(__file__).parent
SNAPSHOTS = sorted(path.parent for path in HERE.glob("*/known.json"))
ROUNDS = 3  # the schema; what rests on it; and then check is content
TODAY = "today"


@dataclass
class Restored:
    """A backup that was loaded somewhere else."""

    folder: Path
    server: PrivateSlapd
    settings: Settings
    known: dict[str, str]


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What this very code leaves in a directory."""
    folder = tmp_path_factory.mktemp("snapshot") / TODAY
    take(folder)
    return folder


@pytest.fixture(params=[*SNAPSHOTS, TODAY], ids=lambda folder: Path(folder).name)
def backup(request: pytest.FixtureRequest, mailbox: Mailbox, audit_file: Path, tmp_path: Path) -> Iterator[Restored]:
    folder = request.getfixturevalue("today") if request.param == TODAY else request.param
    with restored(folder) as server:
        environment = moved(server, mailbox) | {"MONCOMPTE_AUDIT__FILE": str(audit_file)}
        settings = settled(folder, tmp_path / "moncompte.toml", environment)
        yield Restored(folder, server, settings, json.loads((folder / "known.json").read_text(encoding="utf-8")))


def settled(folder: Path, file: Path, environment: dict[str, str]) -> Settings:
    """That release's settings; the names that are no more, each told by its section and name, are taken out."""
    text = (folder / "moncompte.toml").read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    try:
        return load(file, environment)
    except SettingsInvalid as error:
        told = [re.search(r"\[(\w+)\] (\w+): the theme says it now", problem) for problem in error.problems]
    for found in told:
        assert found, "a setting that is refused without saying what takes its place"
        text = re.sub(rf"^{found[2]} = .*\n", "", text, count=1, flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")
    return load(file, environment)


def look(backup: Restored) -> Report:
    return examined(backup.settings, backup.server.ldapi_uri, now=START)


def broken(report: Report) -> list[str]:
    return [f"{finding.name}: {finding.what}" for finding in report.findings(Level.BROKEN)]


def upgrade(backup: Restored) -> list[list[str]]:
    """What ``check`` found broken, round by round; each fix applied, cn=config first, while slapd runs."""
    rounds = []
    for _round in range(ROUNDS):
        report = look(backup)
        if not (found := broken(report)):
            break
        rounds.append(found)
        fixes = {finding.fix.ldif: finding.fix.to for finding in report.findings() if finding.fix}
        for ldif, to in sorted(fixes.items(), key=lambda fix: fix[1] is To.DATA):
            (backup.server.add_ldif if to is To.DATA else backup.server.add_config)(ldif)
    return rounds


def test_what_people_had_in_hand_still_serves(backup: Restored, mailbox: Mailbox, clock: MovingClock) -> None:
    rounds = upgrade(backup)
    assert broken(look(backup)) == [], rounds
    assert (rounds == []) == (backup.folder.name == TODAY)
    backup.server.restart()  # what was changed in cn=config is there to stay
    clock.forward(minutes=5)
    portal = Portal(backup.settings, clock)
    portal.directory.prepare()
    try:
        owed(portal, mailbox)
        pending(portal, backup)
        former(portal, mailbox, backup.known)
        enrolled(portal, backup.known, clock)
    finally:
        portal.stop()


def owed(portal: Portal, mailbox: Mailbox) -> None:
    """The mails of then go out, once."""
    for _look in range(2):
        portal.outbox.dispatch(portal.now())
    told = {mail.to[0]: mail for mail in mailbox.mails}
    assert sorted(told) == ["jeanne@courriel.example", "maelle.darcy@courriel.example"]
    assert len(mailbox.mails) == 2
    assert portal.sign_in("jmartin001", key_in(told["jeanne@courriel.example"])).by is By.KEY


def pending(portal: Portal, backup: Restored) -> None:
    """The letter's key opens, a changed password holds, whoever was locked out still is, a new key can be made."""
    proof = portal.sign_in("emercier", backup.known["letter"])
    assert proof.by is By.KEY
    portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)
    assert portal.sign_in("mdarcy", NEW_PASSWORD).by is By.PASSWORD
    assert backup.server.search("(uid=lroy)", "pwdAccountLockedTime")[0]["pwdAccountLockedTime"]
    assert portal.sign_in("nfaure", issue(portal, "nfaure")).by is By.KEY


def former(portal: Portal, mailbox: Mailbox, known: dict[str, str]) -> None:
    """The address that was replaced less than 72 hours before still gets the keys."""
    if "former" in known:
        portal.outbox.send_handed()  # the notice of what emercier just did
        mailbox.clear()
        portal.request_key("rbenali")
        portal.outbox.send_handed()
        assert {mail.to[0] for mail in mailbox.mails} == {known["former"]}


def enrolled(portal: Portal, known: dict[str, str], clock: MovingClock) -> None:
    """An operator comes in with the authenticator of then, which rests on ``[desk] totp_key``."""
    if "authenticator" in known:
        totp = pyotp.parse_uri(known["authenticator"])
        assert isinstance(totp, pyotp.TOTP)
        assert portal.desk_door.sign_in("kdesk", PASSWORD, totp.at(int(clock().timestamp()))).uid == "kdesk"


@pytest.mark.parametrize("backup", [TODAY], indirect=True)
def test_a_restore_without_the_secret_keys_loses_sessions_and_second_factors_alone(
    backup: Restored, mailbox: Mailbox, clock: MovingClock
) -> None:
    """``secret_key`` may be made anew at any time; without ``totp_key`` operators enrol again, and check says so."""
    fresh = SecretStr(keys.random_secret() + keys.random_secret())
    backup.settings = changed(backup.settings, "web", secret_key=fresh)
    backup.settings = changed(backup.settings, "desk", totp_key=fresh)
    assert [told.partition(":")[0] for told in broken(look(backup))] == ["desk-key"]
    portal = Portal(backup.settings, clock)
    portal.directory.prepare()
    try:
        clock.forward(minutes=5)
        owed(portal, mailbox)
        pending(portal, backup)
        with pytest.raises(SignInRefused):
            enrolled(portal, backup.known, clock)
    finally:
        portal.stop()


@pytest.mark.parametrize("backup", [TODAY], indirect=True)
def test_slapcat_of_configuration_and_data_makes_the_whole_server_again(backup: Restored) -> None:
    server = backup.server
    server.halt()
    config = ["-F", str(server.folder / "config")]
    dumps = {number: run([tool("slapcat"), *config, "-n", number]) for number in ("0", "1")}
    for name in ("config", "data"):
        rmtree(server.folder / name)
        (server.folder / name).mkdir()
    for number, dump in dumps.items():
        file = server.folder / f"dump-{number}.ldif"
        file.write_text(dump, encoding="utf-8")
        run([tool("slapadd"), *config, "-n", number, "-l", str(file)])
    server.launch()
    assert broken(look(backup)) == []
