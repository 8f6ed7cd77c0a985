"""What an operator does at the shell: revoke, unlock, set-rescue; to the end of each person's journey."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory import Directory
from connector.directory.entries import to_time
from connector.errors import KeyDead, SessionStale, SignInRefused
from connector.model import Account, By, Origin
from connector.office import Office
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, audited, issue, mailed_key
from tests.shell_fixtures import Typed, entry, write

NEW_PASSWORD = "Trois-chaloupes-4-voiles"
NEW = "jeanne@nouveau.example"


def last_line(file: Path) -> tuple[str, str, str, str, str | None]:
    """Of the audit's last line: event, outcome, reason, actor, account."""
    line = audited(file)[-1]
    return line["event"], line["outcome"], line["reason"], line["actor"], line["account"]


def in_between(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], object]) -> None:
    """Do something else in the instant between the look and the first Modify of the Directory's method ``name``."""
    method, todo = getattr(Directory, name), [act]

    def call(directory: Directory, *facts: Any) -> object:
        while todo:
            todo.pop()()
        return method(directory, *facts)

    monkeypatch.setattr(Directory, name, call)


def lock(portal: Portal, slapd: PrivateSlapd, dn: str) -> None:
    """By ten wrong passwords at some other service."""
    for _ in range(10):
        assert not portal.directory.prove(Account(dn, "", ""), "not the password")
    assert "pwdAccountLockedTime" in slapd.search("(objectClass=person)", "+", base=dn)[0]


def rule_of(slapd: PrivateSlapd, number: int) -> str:
    """The access rule of that number, without it."""
    as_root = ("-Q", "-Y", "EXTERNAL", "-LLL", "-o", "ldif-wrap=no")
    beginning = f"olcAccess: {{{number}}}"
    found = slapd.run("ldapsearch", *as_root, "-b", "olcDatabase={1}mdb,cn=config", "olcAccess").splitlines()
    return next(line for line in found if line.startswith(beginning)).removeprefix(beginning)


# revoke


def test_a_revoked_key_is_told_to_be_dead(typed: Typed, portal: Portal, audit_file: Path) -> None:
    key = issue(portal, "emercier")
    proof = portal.sign_in("emercier", key)
    result = typed("revoke", "110 000 001 ab")
    assert result.stdout == "emercier (Élodie Mercier): letter key issued 2026-11-22 13:00:00 +0100 revoked\n"
    assert last_line(audit_file) == ("operator:key:revoke", "done", "", "shell:alice", "emercier")
    with pytest.raises(KeyDead):
        portal.sign_in("emercier", key)
    with pytest.raises(SessionStale):
        portal.revisit("emercier", By.KEY, proof.mark)


def test_the_mail_owed_for_a_revoked_key_is_not_sent(
    typed: Typed, portal: Portal, mailbox: Mailbox, slapd: PrivateSlapd, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")
    assert "and the mail owed for it" in typed("revoke", "jmartin001").stdout
    clock.forward(hours=1)
    assert portal.outbox.dispatch(clock()) == 0
    assert mailbox.mails == []
    assert not {"moncompteKeyHash", "moncompteKeyExpiry", "moncompteMailDue"} & set(entry(slapd, "jmartin001"))


def test_without_a_key_there_is_nothing_to_revoke(typed: Typed, audit_file: Path) -> None:
    assert typed("revoke", "emercier", code=1).stderr == "Error: emercier has no key\n"
    assert last_line(audit_file) == ("operator:key:revoke", "refused", "no-key", "shell:alice", "emercier")


def test_a_mail_that_is_owed_without_a_key_is_dropped(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    due = f"add: moncompteMailDue\nmoncompteMailDue: {to_time(portal.now())}"
    write(slapd, people["jmartin001"], f"add: objectClass\nobjectClass: moncompteAccount\n-\n{due}")
    assert "the mail of a key that was never made revoked" in typed("revoke", "jmartin001").stdout
    assert "moncompteMailDue" not in entry(slapd, "jmartin001")


def test_a_key_issued_in_the_same_instant_is_revoked_too(
    typed: Typed, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever revokes wants none to be left, whichever it was when they looked."""
    issue(portal, "emercier")
    fresh: list[str] = []
    in_between(monkeypatch, "revoke_key", lambda: fresh.append(issue(portal, "emercier")))
    typed("revoke", "emercier")
    with pytest.raises(KeyDead):
        portal.sign_in("emercier", fresh[0])


@pytest.mark.parametrize(
    ("command", "arguments"), [("revoke", []), ("set-rescue", [NEW]), ("set-rescue", ["--remove"]), ("unlock", [])]
)
def test_a_dry_run_writes_nothing_no_line_either(
    typed: Typed,
    portal: Portal,
    slapd: PrivateSlapd,
    people: dict[str, str],
    audit_file: Path,
    command: str,
    arguments: list[str],
) -> None:
    issue(portal, "jmartin001")
    lock(portal, slapd, people["jmartin001"])
    before = entry(slapd, "jmartin001")
    assert "would" in typed(command, "jmartin001", *arguments, "--dry-run").stdout
    assert entry(slapd, "jmartin001") == before
    assert audit_file.read_text() == ""


@pytest.mark.parametrize("command", ["revoke", "unlock", "set-rescue"])
def test_no_act_reaches_whom_the_portal_does_not_serve(
    typed: Typed, slapd: PrivateSlapd, audit_file: Path, command: str
) -> None:
    before = [entry(slapd, uid) for uid in ("bdubois", "afontaine", "afontaine2")]
    arguments = [NEW] if command == "set-rescue" else []
    assert "nobody answers" in typed(command, "bdubois", *arguments, code=1).stderr
    assert last_line(audit_file)[2:] == ("unknown", "shell:alice", None)
    assert "2 entries answer" in typed(command, "110000011AB", *arguments, code=1).stderr
    assert last_line(audit_file)[2:] == ("several", "shell:alice", None)
    assert [entry(slapd, uid) for uid in ("bdubois", "afontaine", "afontaine2")] == before


# unlock


def test_after_unlock_the_password_opens_and_the_next_slip_does_not_lock(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, people: dict[str, str], audit_file: Path
) -> None:
    lock(portal, slapd, people["jmartin001"])
    jeanne = account(portal, "jmartin001")
    assert not portal.directory.prove(jeanne, PASSWORD)
    assert typed("unlock", "jmartin001").stdout == "jmartin001 (Jeanne Martin): unlocked\n"
    assert last_line(audit_file) == ("operator:account:unlock", "done", "", "shell:alice", "jmartin001")
    assert "pwdFailureTime" not in entry(slapd, "jmartin001")
    assert not portal.directory.prove(jeanne, "not the password")
    assert portal.directory.prove(jeanne, PASSWORD)
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD
    assert typed("unlock", "jmartin001", code=1).stderr.startswith("Error: jmartin001 is not locked")


def test_a_lock_for_good_stays_and_the_line_that_ends_it_is_told(
    typed: Typed, slapd: PrivateSlapd, audit_file: Path
) -> None:
    assert "delete: pwdAccountLockedTime" in typed("unlock", "ileroux", code=1).stderr
    assert entry(slapd, "ileroux")["pwdAccountLockedTime"] == ["000001010000Z"]
    assert last_line(audit_file)[1:3] == ("refused", "locked-for-good")


def test_a_lock_for_good_set_in_the_same_instant_stays(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(portal, slapd, people["jmartin001"])
    for_good = "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z"
    in_between(monkeypatch, "unlock", lambda: write(slapd, people["jmartin001"], for_good))
    typed("unlock", "jmartin001", code=1)
    assert entry(slapd, "jmartin001")["pwdAccountLockedTime"] == ["000001010000Z"]


def test_unlock_clears_the_portals_own_count_of_failed_binds_where_it_is_shared(
    limited: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    """Here shared by being the same process: until then whatever is typed is tried at the decoy."""
    while limited.throttle.may_bind("jmartin001", "not the password"):
        pass
    with pytest.raises(SignInRefused):
        limited.sign_in("jmartin001", PASSWORD)
    lock(limited, slapd, people["jmartin001"])
    Office(limited, "shell:alice").unlock("jmartin001")
    assert limited.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


# set-rescue


def test_both_addresses_hear_of_a_new_rescue_address_and_the_next_key_goes_to_the_new_one(
    typed: Typed, portal: Portal, mailbox: Mailbox, clock: MovingClock, audit_file: Path
) -> None:
    result = typed("set-rescue", "jmartin001", NEW)
    assert result.stdout == "jmartin001 (Jeanne Martin): changed from j***@c***.example to j***@n***.example\n"
    line = audited(audit_file)[-1]
    assert last_line(audit_file) == ("operator:rescue:set", "done", "", "shell:alice", "jmartin001")
    assert line["changed"] == ["rescue"]
    assert typed("dispatch", "--once").stdout == "2 mailed, 0 put off, 0 given up\n"
    assert sorted(mail.to[0] for mail in mailbox.mails) == ["jeanne@courriel.example", NEW]
    assert {mail.subject for mail in mailbox.mails} == {"Votre adresse de secours a été changée"}
    key = mailed_key(portal, mailbox, "jmartin001")
    assert mailbox.mails[-1].to == (NEW,)
    assert portal.sign_in("jmartin001", key).by is By.KEY


def test_a_removed_address_hears_of_it_and_gets_no_key_any_more(
    typed: Typed, portal: Portal, mailbox: Mailbox, slapd: PrivateSlapd
) -> None:
    assert typed("set-rescue", "lroy", "--remove").stdout.endswith(": changed from l***@c***.example to none\n")
    others = ["{PERSO}lucas.roy@perso.example", "{PARENTS}famille.roy@parents.example"]
    assert sorted(entry(slapd, "lroy")["supannMailPrive"]) == sorted(others)
    typed("dispatch", "--once")
    assert [mail.subject for mail in mailbox.mails] == ["Votre adresse de secours a été retirée"]
    assert "vient d’être retirée" in mailbox.mails[0].text
    assert "vient d’être retirée" in mailbox.mails[0].html
    portal.request_key("lroy")
    portal.outbox.send_handed()
    assert len(mailbox.mails) == 1
    assert typed("set-rescue", "lroy", "--remove", code=1).stderr == "Error: lroy has no rescue address\n"


def test_a_first_address_hears_of_it(typed: Typed, mailbox: Mailbox) -> None:
    assert "from none to z***@n***.example" in typed("set-rescue", "zpetit", "zoe@nouveau.example").stdout
    typed("dispatch", "--once")
    assert [mail.subject for mail in mailbox.mails] == ["Votre adresse de secours est enregistrée"]


def test_every_session_ends_and_the_address_is_not_proved_any_more(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    issue(portal, "jmartin001")
    write(slapd, people["jmartin001"], "add: moncompteRescueVerified\nmoncompteRescueVerified: 20261001000000Z")
    proof = portal.sign_in("jmartin001", PASSWORD)
    typed("set-rescue", "jmartin001", NEW)
    with pytest.raises(SessionStale):
        portal.revisit("jmartin001", By.PASSWORD, proof.mark)
    assert "moncompteRescueVerified" not in entry(slapd, "jmartin001")


def test_a_key_in_the_old_mailbox_dies_and_its_owner_may_ask_again_at_once(
    typed: Typed, portal: Portal, mailbox: Mailbox, audit_file: Path
) -> None:
    key = mailed_key(portal, mailbox, "jmartin001")
    assert typed("set-rescue", "jmartin001", NEW).stdout.endswith("; the key mailed to the old one is dead\n")
    assert audited(audit_file)[-1]["changed"] == ["rescue", "key"]
    with pytest.raises(KeyDead):
        portal.sign_in("jmartin001", key)
    assert mailed_key(portal, mailbox, "jmartin001") != key


@pytest.mark.parametrize("origin", [Origin.LETTER, Origin.DESK])
def test_a_key_on_paper_lives(typed: Typed, portal: Portal, origin: Origin) -> None:
    """It is not in the old mailbox, and may be all that lets its owner in."""
    key = issue(portal, "emercier", origin)
    assert typed("set-rescue", "emercier", "elodie@nouveau.example").stdout.endswith(".example\n")
    assert portal.sign_in("emercier", key).by is By.KEY


def test_a_key_of_unknown_origin_may_lie_in_the_old_mailbox_and_dies(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    key = issue(portal, "jmartin001")
    write(slapd, people["jmartin001"], "delete: moncompteKeyOrigin")
    assert "dead" in typed("set-rescue", "jmartin001", NEW).stdout
    with pytest.raises(KeyDead):
        portal.sign_in("jmartin001", key)


def test_a_label_without_an_address_is_removed_too(typed: Typed, slapd: PrivateSlapd, people: dict[str, str]) -> None:
    """Some import left it there; the next address must not stand beside it."""
    write(slapd, people["nfaure"], "replace: supannMailPrive\nsupannMailPrive: {SECOURS}")
    typed("set-rescue", "nfaure", "--remove")
    assert "supannMailPrive" not in entry(slapd, "nfaure")


def test_a_mail_that_was_owed_to_the_old_address_is_not_sent(
    typed: Typed, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal.request_key("jmartin001")
    typed("set-rescue", "jmartin001", NEW)
    clock.forward(hours=1)
    portal.outbox.dispatch(clock())
    assert [mail for mail in mailbox.mails if "adresse de secours" not in mail.subject] == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("jeanne@etu.universite.example", "own_domains"),
        ("jeanne", "not a mail address"),
        ("a@courriel.example, b@courriel.example", "more than one"),
        ("promo@listes.free.fr", "mailing list"),
        ("jeanne@localhost", "no mail ever arrives"),
        ("é@free.fr", "ASCII"),
        ("x" * 300, "too long"),
    ],
)
def test_an_address_is_judged_as_the_form_judges_it(typed: Typed, slapd: PrivateSlapd, address: str, said: str) -> None:
    before = entry(slapd, "jmartin001")
    result = typed("set-rescue", "jmartin001", address, "--dry-run", code=1)
    assert said in result.stderr
    assert said in typed("set-rescue", "jmartin001", address, code=1).stderr
    assert entry(slapd, "jmartin001") == before


def test_the_same_address_is_no_change(typed: Typed) -> None:
    assert "already" in typed("set-rescue", "jmartin001", "jeanne@courriel.example", code=1).stderr


@pytest.mark.parametrize("arguments", [[], [NEW, "--remove"]])
def test_an_address_or_its_removal_must_be_asked_for(typed: Typed, arguments: list[str]) -> None:
    assert "give an ADDRESS, or --remove" in typed("set-rescue", "jmartin001", *arguments, code=2).stderr


def test_what_its_owner_changes_in_the_same_instant_is_seen(
    typed: Typed, portal: Portal, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator's address stands at the end, and whoever's was replaced hears of it."""
    issue(portal, "zpetit")  # she carries our class already, which would be a race of its own
    proof = portal.sign_in("zpetit", PASSWORD)
    own = "zoe@courriel.example"
    change = lambda: portal.change("zpetit", proof.mark, PASSWORD, None, own)  # noqa: E731
    in_between(monkeypatch, "set_rescue", change)
    typed("set-rescue", "zpetit", "zoe@nouveau.example")
    found = account(portal, "zpetit")
    assert found.rescues == ("{SECOURS}zoe@nouveau.example",)
    assert {(notice.address, notice.happened[0].value) for notice in found.notices} >= {
        (own, "rescue"),
        ("zoe@nouveau.example", "rescue"),
    }


# purge


def test_a_purged_key_is_still_told_to_be_dead(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, clock: MovingClock, audit_file: Path
) -> None:
    old = issue(portal, "emercier")
    clock.forward(days=20)
    young = issue(portal, "nfaure")
    clock.forward(days=1)
    assert typed("purge", "--dry-run").stdout.startswith("1 expired keys and 0 traces of mails given up would be")
    assert "moncompteKeyHash" in entry(slapd, "emercier")
    assert typed("purge", "--older-than", "1").stdout.startswith("0 expired keys")
    assert json.loads(typed("purge", "--json").stdout) == {"keys": 1, "mails": 0, "kept": 0, "dry_run": False}
    assert last_line(audit_file) == ("operator:key:purge", "done", "", "shell:alice", None)
    assert audited(audit_file)[-1]["keys"] == "1"
    assert not {"moncompteKeyHash", "moncompteKeyExpiry", "moncompteKeyOrigin"} & set(entry(slapd, "emercier"))
    with pytest.raises(KeyDead):
        portal.sign_in("emercier", old)
    assert portal.sign_in("nfaure", young).by is By.KEY


def test_a_key_issued_while_others_are_purged_survives(
    typed: Typed, portal: Portal, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(portal, "emercier")
    clock.forward(days=22)
    fresh: list[str] = []
    in_between(monkeypatch, "purge", lambda: None)
    accounts = Directory.accounts

    def late(directory: Directory, ldap_filter: str = "") -> Any:
        for found in accounts(directory, ldap_filter):
            fresh.append(issue(portal, found.uid))
            yield found

    monkeypatch.setattr(Directory, "accounts", late)
    assert "1 left alone" in typed("purge").stdout
    assert portal.sign_in("emercier", fresh[0]).by is By.KEY


def test_a_mail_that_is_owed_stays_owed_and_a_live_key_of_a_mail_given_up_stays(
    typed: Typed,
    portal: Portal,
    slapd: PrivateSlapd,
    people: dict[str, str],
    mailbox: Mailbox,
    clock: MovingClock,
) -> None:
    """A mail server that was down for two days: the key is expired, and a fresh one is still to be mailed."""
    portal.request_key("jmartin001")
    clock.forward(days=2)
    assert typed("purge").stdout.startswith("0 expired keys and 0 traces")
    typed("dispatch", "--once")
    assert len(mailbox.mails) == 1
    mailed_key(portal, mailbox, "lroy")
    write(slapd, people["lroy"], "replace: moncompteMailFailures\nmoncompteMailFailures: 30")
    assert typed("purge").stdout.startswith("0 expired keys and 0 traces")
    clock.forward(days=1)
    assert typed("purge").stdout.startswith("2 expired keys and 0 traces")
    assert "moncompteMailFailures" not in entry(slapd, "lroy")


def test_traces_of_mails_given_up_go_with_their_time(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    issue(portal, "lroy")
    issue(portal, "jmartin001")
    write(slapd, people["lroy"], "replace: moncompteMailFailures\nmoncompteMailFailures: 30")
    due = "replace: moncompteMailFailures\nmoncompteMailFailures: 3\n-\nadd: moncompteMailDue\nmoncompteMailDue: "
    write(slapd, people["jmartin001"], due + to_time(portal.now()))
    assert typed("purge").stdout.startswith("0 expired keys and 1 traces of mails given up purged")
    assert "moncompteMailFailures" not in entry(slapd, "lroy")
    assert "moncompteKeyHash" in entry(slapd, "lroy")
    assert entry(slapd, "jmartin001")["moncompteMailFailures"] == ["3"]


def test_the_trace_of_a_mail_stays_while_its_day_is_younger_than_asked(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, people: dict[str, str], clock: MovingClock
) -> None:
    issue(portal, "lroy")
    sent = f"replace: moncompteSent\nmoncompteSent: {to_time(portal.now())}"
    write(slapd, people["lroy"], f"replace: moncompteMailFailures\nmoncompteMailFailures: 30\n-\n{sent}")
    assert "0 traces" in typed("purge", "--older-than", "1").stdout
    clock.forward(days=1)
    assert "1 traces" in typed("purge", "--older-than", "1").stdout


def test_a_purge_that_the_directory_refuses_says_so(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, clock: MovingClock
) -> None:
    """Where the portal may read our attributes and no longer write them."""
    issue(portal, "emercier")
    clock.forward(days=22)
    database = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\n"
    rule = rule_of(slapd, 1)
    write_no_more = f"{database}delete: olcAccess\nolcAccess: {{1}}\n-\nadd: olcAccess\nolcAccess: {{1}}"
    slapd.add_config(write_no_more + rule.replace(" write", " read") + "\n")
    try:
        assert "load 60-access.ldif" in typed("purge", code=78).stderr
    finally:
        slapd.add_config(write_no_more + rule + "\n")
    assert "moncompteKeyHash" in entry(slapd, "emercier")


def test_a_purge_reaches_more_than_a_search_without_pages_returns(
    typed: Typed, slapd: PrivateSlapd, portal: Portal
) -> None:
    crowd = (
        f"dn: uid=foule{n},{slapd.people_dn}\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\n"
        f"objectClass: moncompteAccount\nuid: foule{n}\ncn: Foule\nsn: Foule\neduPersonAffiliation: student\n"
        f"moncompteKeyHash: {{SSHA}}{n}\n" + ("" if n % 2 else "moncompteKeyExpiry: 20260101000000Z\n") + "\n"
        for n in range(1200)
    )
    slapd.add_ldif("".join(crowd))
    assert typed("purge").stdout.startswith("1200 expired keys")
    assert slapd.search("(moncompteKeyHash=*)", "1.1", base=slapd.people_dn) == []
    assert entry(slapd, "foule7")["moncompteSpentHash"] == ["{SSHA}7"]


# the rights


def test_a_directory_whose_rules_are_older_is_told_to_load_them(
    typed: Typed, portal: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    lock(portal, slapd, people["jmartin001"])
    database = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\n"
    rule = rule_of(slapd, 6)
    slapd.add_config(f"{database}delete: olcAccess\nolcAccess: {{6}}\n")
    try:
        assert "load 60-access.ldif" in typed("unlock", "jmartin001", code=78).stderr
    finally:
        slapd.add_config(f"{database}add: olcAccess\nolcAccess: {{6}}{rule}\n")


def test_a_directory_that_does_not_answer_is_no_refusal(typed: Typed, settings_file: Path) -> None:
    text = settings_file.read_text()
    settings_file.write_text(text.replace("ldapi://", "ldapi://%2Fnowhere"))
    for command in ("show", "revoke", "unlock"):
        typed(command, "jmartin001", code=69)


def test_nobody_signs_in_by_these(typed: Typed, portal: Portal) -> None:
    """Whoever was shut out before is so after."""
    typed("set-rescue", "smoreau", "sofia@nouveau.example")
    with pytest.raises(SignInRefused):
        portal.sign_in("smoreau", PASSWORD)
