"""docs/cookbook.md: each block is typed as it stands, and what it answers or changes is what its sentence promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.demo.ldap_tools import entries_of
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory.entries import to_time
from connector.errors import SessionStale, SignInRefused
from connector.model import By, Operator, Origin
from connector.portal import Portal
from connector.roster import Roster
from connector.settings import Settings
from connector.settings.sections import Charter
from connector.vault import Vault
from tests.conftest import PASSWORD
from tests.portal_fixtures import account, issue, key_in, mailed_key

PAGE = Path(__file__).parents[2] / "docs" / "cookbook.md"
BLOCKS = dict(re.findall(r"```sh (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
FAR = "20991231225959Z"
OURS = re.compile(r"moncompte\w+")

Typed = Callable[[str], str]


@pytest.fixture
def typed(slapd: PrivateSlapd, people: dict[str, str], tmp_path: Path) -> Typed:
    """What a block of the page prints, typed after the page's setup; only the addresses are the test's."""

    def run(name: str) -> str:
        script = f"{BLOCKS['setup']}\n{BLOCKS[name]}"
        for old, new in (
            ("ldapi:///", slapd.ldapi_uri),
            ("/root/admin-password", str(slapd.folder / "root.password")),
            ("/opt/moncompte/bin/python", sys.executable),
        ):
            script = script.replace(old, new)
        environment = {**os.environ, "LDAPNOINIT": "1", "PATH": f"{os.environ['PATH']}:/usr/sbin"}
        done = subprocess.run(
            ["sh", "-eu", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def today(settings: Settings, people: dict[str, str]) -> Iterator[Portal]:
    """A portal by the real clock, for blocks that say ``date``; its outbox runs only when a test says so."""
    portal = Portal(settings)
    portal.directory.prepare()
    yield portal
    portal.stop()


def logins(printed: str) -> set[str]:
    return {uid for entry in entries_of(printed) for uid in entry["uid"]}


def entry_of(slapd: PrivateSlapd, uid: str) -> dict[str, list[str]]:
    return slapd.search(f"(uid={uid})", "*", "+")[0]


def put(slapd: PrivateSlapd, dn: str, **values: str) -> None:
    """Write what the portal would have written by now, as the root DN."""
    lines = "".join(f"-\nreplace: {name}\n{name}: {value}\n" for name, value in values.items())
    slapd.run("ldapmodify", *slapd.as_root, text=f"dn: {dn}\nchangetype: modify\n{lines.removeprefix('-' + chr(10))}")


def ago(**duration: int) -> str:
    return to_time(datetime.now(UTC) - timedelta(**duration))


def test_every_block_of_the_page_is_tried_here() -> None:
    tried = re.findall(r"typed\(\"(\S+?)\"\)", Path(__file__).read_text(encoding="utf-8"))
    assert {"setup", *tried} == set(BLOCKS)
    assert len(BLOCKS) > 20


# One person


def test_everything(typed: Typed, slapd: PrivateSlapd) -> None:
    assert list(entries_of(typed("everything"))) == [entry_of(slapd, "jmartin001")]


def test_whose_address_and_whose_ine(typed: Typed) -> None:
    assert logins(typed("whose-address")) == {"jmartin001"}
    assert logins(typed("whose-ine")) == {"jmartin001"}


# Keys


def test_who_was_mailed_and_who_asked_today(typed: Typed, today: Portal, mailbox: Mailbox) -> None:
    used = mailed_key(today, mailbox, "lroy")
    today.redeem_key("lroy", today.sign_in("lroy", used).mark, "trois-pommes-42-bleues", None)
    today.outbox.send_handed()  # the notice
    mailed_key(today, mailbox, "jmartin001")
    issue(today, "emercier")  # by letter
    assert logins(typed("mailed-today")) == {"lroy", "jmartin001"}
    assert logins(typed("asked")) == {"jmartin001"}


def test_whose_key_is_alive_dies_soon_or_is_dead(
    typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    issue(today, "emercier", Origin.LETTER)
    issue(today, "jmartin001", Origin.DESK)
    issue(today, "lroy", Origin.DESK)
    put(slapd, people["lroy"], moncompteKeyExpiry=ago(minutes=1))
    assert logins(typed("alive")) == {"emercier", "jmartin001"}
    assert logins(typed("dies-soon")) == {"jmartin001"}
    assert logins(typed("dead")) == {"lroy"}


def test_an_expiry_is_moved(typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str]) -> None:
    for uid, origin in (("emercier", Origin.LETTER), ("nfaure", Origin.LETTER), ("lroy", Origin.DESK)):
        issue(today, uid, origin)
    put(slapd, people["emercier"], moncompteKeyExpiry=ago(minutes=1))
    typed("move-expiry")
    moved = [uid for uid in ("emercier", "nfaure", "lroy") if entry_of(slapd, uid)["moncompteKeyExpiry"] == [FAR]]
    assert moved == ["emercier"]
    typed("move-letters")
    moved = [uid for uid in ("emercier", "nfaure", "lroy") if entry_of(slapd, uid)["moncompteKeyExpiry"] == [FAR]]
    assert moved == ["emercier", "nfaure"]


def test_a_killed_key_opens_nothing_and_no_mail_brings_another(
    typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    key = issue(today, "emercier")
    put(slapd, people["emercier"], moncompteMailDue=ago(minutes=1))
    typed("kill-key")
    with pytest.raises(SignInRefused):
        today.sign_in("emercier", key)
    assert today.outbox.dispatch(today.now()) == 0
    assert account(today, "emercier").key is None


def test_dead_keys_are_swept_away_and_no_other(
    typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    alive = issue(today, "emercier")
    issue(today, "lroy")
    put(slapd, people["lroy"], moncompteKeyExpiry=ago(minutes=1))
    typed("sweep")
    assert account(today, "lroy").key is None
    assert today.sign_in("emercier", alive).by is By.KEY


def test_a_key_minted_by_hand_is_a_key(typed: Typed, today: Portal, tmp_path: Path) -> None:
    for _ in range(2):  # with our class on the entry, and without
        typed("mint")
        assert today.sign_in("emercier", (tmp_path / "key").read_text()).by is By.KEY
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


# Mails


def test_what_is_stuck_is_found_and_what_is_in_hand_is_not(
    typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    for uid in ("emercier", "lroy", "jmartin001"):
        issue(today, uid)
    put(slapd, people["emercier"], moncompteMailDue=ago(hours=1))
    put(slapd, people["lroy"], moncompteNotice=f"{ago(hours=1)} 2 password lucas@courriel.example")
    put(slapd, people["jmartin001"], moncompteMailDue=ago(minutes=1))
    assert logins(typed("stuck")) == {"emercier", "lroy"}


def test_a_mail_that_was_given_up_is_found_and_sent_after_all(
    typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str], mailbox: Mailbox
) -> None:
    today.request_key("jmartin001")
    today.directory.move_mail(
        account(today, "jmartin001"), entry_of(slapd, "jmartin001")["moncompteMailDue"][0], None, 30
    )
    assert logins(typed("given-up")) == {"jmartin001"}
    typed("mail-now")
    assert today.outbox.dispatch(today.now()) == 1
    assert today.sign_in("jmartin001", key_in(mailbox.mails[0])).by is By.KEY
    assert logins(typed("given-up")) == set()


def test_a_key_nobody_asked_for_is_mailed(typed: Typed, today: Portal, mailbox: Mailbox) -> None:
    typed("mail-now")
    assert today.outbox.dispatch(today.now()) == 1
    assert today.sign_in("jmartin001", key_in(mailbox.mails[0])).by is By.KEY


# Rescue addresses


def test_who_has_no_rescue_address(typed: Typed) -> None:
    assert logins(typed("no-rescue")) == {"nfaure", "zpetit", "tlambert"}


def test_a_rescue_address_is_set_beside_the_other_labels(
    typed: Typed, today: Portal, slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    typed("set-rescue")
    assert set(entry_of(slapd, "lroy")["supannMailPrive"]) == {
        "{PERSO}lucas.roy@perso.example",
        "{PARENTS}famille.roy@parents.example",
        "{SECOURS}lucas.roy@nouveau.example",
    }
    assert today.sign_in("lroy", mailed_key(today, mailbox, "lroy")).by is By.KEY
    assert mailbox.mails[0].to == ("lucas.roy@nouveau.example",)


def test_whose_address_is_unproved_frozen_or_bounced(
    typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str], mailbox: Mailbox
) -> None:
    assert "lroy" in logins(typed("unproved"))
    key = mailed_key(today, mailbox, "lroy")  # who redeems a mailed key has proved where it was mailed
    today.redeem_key("lroy", today.sign_in("lroy", key).mark, "trois-pommes-42-bleues", None)
    for uid in ("jmartin001", "mdarcy"):
        issue(today, uid)  # our class comes with it
    put(slapd, people["jmartin001"], moncompteRescueFrozen=ago(hours=-1), moncompteRescueBounced=ago(hours=1))
    put(slapd, people["mdarcy"], moncompteRescueFrozen=ago(hours=1))
    assert {"jmartin001", "mdarcy"} <= logins(typed("unproved"))
    assert not {"lroy", "nfaure"} & logins(typed("unproved"))
    assert logins(typed("frozen")) == {"jmartin001"}
    assert logins(typed("bounced")) == {"jmartin001"}


def test_whose_keys_still_go_to_the_former_address(
    typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    until, over = ago(hours=-1), ago(hours=1)
    for uid in ("jmartin001", "lroy"):
        issue(today, uid)
    put(slapd, people["jmartin001"], moncompteRescueFormer=f"{until} jeanne@ancien.example")
    put(slapd, people["lroy"], moncompteRescueFormer=f"{over} lucas@ancien.example")
    assert typed("cool-down") == f"{until} jeanne@ancien.example dn: {people['jmartin001']}\n"


# The help desk


def test_who_is_an_operator_and_who_is_enrolled(typed: Typed, slapd: PrivateSlapd, people: dict[str, str]) -> None:
    assert [entry["uid"] for entry in entries_of(typed("operators"))] == [["kdesk"], ["sroux"]]
    put(slapd, people["sroux"], moncompteTotpSecret="sealed", moncompteTotpFailures="3")
    assert [entry["uid"] for entry in entries_of(typed("operators"))] == [["kdesk"], ["sroux"], ["sroux"]]
    assert "moncompteTotpFailures: 3\n" in typed("operators")


def test_who_is_in_the_group_without_the_class(typed: Typed, slapd: PrivateSlapd, people: dict[str, str]) -> None:
    assert typed("without-class") == ""
    group = f"dn: cn=helpdesk,ou=groups,{slapd.base}\nchangetype: modify"
    slapd.add_ldif(f"{group}\nadd: member\nmember: {people['bdubois']}\n")
    try:
        assert logins(typed("without-class")) == {"bdubois"}
    finally:
        slapd.add_ldif(f"{group}\ndelete: member\nmember: {people['bdubois']}\n")


def test_an_operator_is_thrown_out_of_the_desk(typed: Typed, today: Portal, settings: Settings) -> None:
    operators, vault = today.directory.operators, Vault(settings.desk.totp_keys)
    Roster(today, "shell:test").offer("kdesk")
    operators.enrol(operator(today, "kdesk"), vault.seal("kdesk", "JBSWY3DPEHPK3PXP"), 1, [])
    mark = operator(today, "kdesk").mark
    assert today.desk_door.revisit("kdesk", mark)
    typed("end-desk-sessions")
    with pytest.raises(SessionStale):
        today.desk_door.revisit("kdesk", mark)
    assert operator(today, "kdesk").is_enrolled


def operator(portal: Portal, uid: str) -> Operator:
    found = portal.directory.operators.find(uid)
    assert found
    return found


def test_which_requests_wait(typed: Typed, slapd: PrivateSlapd) -> None:
    dn, waiting = f"cn=requests,ou=moncompte,{slapd.base}", f'{ago(minutes=5)} 2 {{"name": "Jeanne Martin"}}'
    put(slapd, dn, moncompteRequest=waiting)
    try:
        assert [entry["moncompteRequest"] for entry in entries_of(typed("requests"))] == [[waiting]]
    finally:
        slapd.add_ldif(f"dn: {dn}\nchangetype: modify\nreplace: moncompteRequest\n")


# The charter


def test_who_accepted_which_charter_and_who_did_not(
    typed: Typed, settings: Settings, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    charter = Charter(version="2026-09", url="https://www.universite.example/charte")
    portal = Portal(settings.model_copy(update={"charter": charter}))
    portal.directory.prepare()
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.accept_charter("jmartin001", proof.by, proof.mark)
    issue(portal, "lroy")
    portal.stop()
    put(slapd, people["lroy"], moncompteCharter=f"{ago(days=300)} 2025-09")
    assert [line.split() for line in typed("charter").splitlines()] == [["1", "2025-09"], ["1", "2026-09"]]
    missing = typed("charter-missing").splitlines()
    assert f"dn: {people['lroy']}" in missing
    assert f"dn: {people['jmartin001']}" not in missing
    assert len(missing) == 7  # of the eight who are active


# Shutting out, letting in


def test_who_never_activated_and_how_many_are_in_which_state(typed: Typed) -> None:
    assert logins(typed("never-activated")) == {"emercier", "nfaure"}
    counts = [tuple(line.split()) for line in typed("states").splitlines()]
    assert counts[0] == ("8", "A:SupannActif")
    assert set(counts[1:]) == {("2", "I:SupannCree"), ("1", "I:SupannExpire"), ("1", "S:SupannVerrouAdministratif")}


def test_who_is_suspended_gets_in_no_more_and_is_shown_out(typed: Typed, today: Portal, mailbox: Mailbox) -> None:
    key = mailed_key(today, mailbox, "jmartin001")
    proof = today.sign_in("jmartin001", PASSWORD)
    typed("suspend")
    for secret in (PASSWORD, key):
        with pytest.raises(SignInRefused):
            today.sign_in("jmartin001", secret)
    with pytest.raises(SessionStale):
        today.revisit("jmartin001", proof.by, proof.mark)
    assert account(today, "jmartin001").state.since is not None


def test_a_temporary_lock_is_found_and_lifted(
    typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "wrong").write_text("faux")
    for _ in range(10):
        with pytest.raises(Exception, match="Invalid credentials"):
            slapd.run("ldapwhoami", "-x", "-D", people["jmartin001"], "-y", str(tmp_path / "wrong"))
    assert logins(typed("locked")) == {"jmartin001", "ileroux"}
    typed("unlock")
    assert logins(typed("locked")) == {"ileroux"}
    assert "pwdFailureTime" not in entry_of(slapd, "jmartin001")
    assert today.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


def test_who_is_locked_for_good_gets_in_by_nothing(typed: Typed, today: Portal, mailbox: Mailbox) -> None:
    key = mailed_key(today, mailbox, "jmartin001")
    typed("lock")
    for secret in (PASSWORD, key):
        with pytest.raises(SignInRefused):
            today.sign_in("jmartin001", secret)
    typed("unlock")
    assert today.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


def test_sessions_end_and_the_password_stays(typed: Typed, today: Portal) -> None:
    proof = today.sign_in("jmartin001", PASSWORD)
    assert today.revisit("jmartin001", proof.by, proof.mark)
    typed("end-sessions")
    with pytest.raises(SessionStale):
        today.revisit("jmartin001", proof.by, proof.mark)
    assert today.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


# Trouble


def test_the_most_wrong_tries_come_first(
    typed: Typed, today: Portal, slapd: PrivateSlapd, people: dict[str, str], tmp_path: Path
) -> None:
    for uid, count in (("emercier", "3"), ("lroy", "12"), ("nfaure", "0")):
        issue(today, uid)
        put(slapd, people[uid], moncompteKeyFailures=count)
    assert typed("wrong-keys").splitlines() == [f"12 dn: {people['lroy']}", f"3 dn: {people['emercier']}"]
    (tmp_path / "wrong").write_text("faux")
    for uid, count in (("lroy", 1), ("jmartin001", 3)):
        for _ in range(count):
            with pytest.raises(Exception, match="Invalid credentials"):
                slapd.run("ldapwhoami", "-x", "-D", people[uid], "-y", str(tmp_path / "wrong"))
    assert typed("wrong-passwords").splitlines() == [f"3 dn: {people['jmartin001']}", f"1 dn: {people['lroy']}"]


def test_an_ine_that_two_people_hold_is_found(typed: Typed) -> None:
    assert typed("twice") == "110000011AB\n"


def test_nothing_of_ours_is_left_on_somebody(
    typed: Typed, today: Portal, slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    before = entry_of(slapd, "emercier")
    proof = today.sign_in("emercier", mailed_key(today, mailbox, "emercier"))
    today.redeem_key("emercier", proof.mark, "trois-pommes-42-bleues", "elodie@nouveau.example")
    issue(today, "emercier")
    assert len(OURS.findall(str(entry_of(slapd, "emercier").keys()))) > 6
    typed("remove")
    after = entry_of(slapd, "emercier")
    assert OURS.findall(str(after)) == []
    assert after["objectClass"] == before["objectClass"]
    assert today.sign_in("emercier", "trois-pommes-42-bleues").by is By.PASSWORD
