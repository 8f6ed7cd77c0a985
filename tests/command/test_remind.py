"""``moncompte remind``: who never activated gets a mail, once, and nobody loses a key by it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory import Directory
from connector.directory.entries import FARTHEST, to_instant, to_time
from connector.model import By, Origin
from connector.portal import Portal
from connector.reminders import LONGEST
from tests.portal_fixtures import SHOWN_KEY, account, audited
from tests.shell_fixtures import Moncompte

REMINDED = "emercier"  # to be activated, with a rescue address


def owed(slapd: PrivateSlapd) -> dict[str, str]:
    found = slapd.search("(moncompteNotice=*)", "uid", "moncompteNotice", base=slapd.people_dn)
    return {entry["uid"][0]: entry["moncompteNotice"][0] for entry in found}


def test_a_reminder_is_mailed_and_leads_to_an_activated_account(
    moncompte: Moncompte, slapd: PrivateSlapd, portal: Portal, mailbox: Mailbox
) -> None:
    key = portal.activation.issue_key(account(portal, REMINDED), Origin.LETTER, portal.now())
    done = moncompte("remind")
    assert done.exit_code == 0, done.output
    assert list(owed(slapd)) == [REMINDED]
    portal.outbox.dispatch(portal.now() + timedelta(seconds=1))
    (mail,) = mailbox.mails
    assert mail.to == ("elodie.mercier@courriel.example",)
    assert mail.subject == "Votre compte vous attend"
    assert portal.settings.web.portal_url in mail.text
    assert portal.settings.web.portal_url in mail.html
    assert "Mot de passe oublié" in mail.text
    assert not SHOWN_KEY.search(mail.text + mail.html)
    assert portal.sign_in(REMINDED, key).by is By.KEY
    assert owed(slapd) == {}


def test_nobody_is_reminded_twice_within_the_time(
    moncompte: Moncompte, slapd: PrivateSlapd, people: dict[str, str], portal: Portal
) -> None:
    assert json.loads(moncompte("remind", "--json").stdout)["reminders_owed"] == 1
    again = json.loads(moncompte("remind", "--json").stdout)
    assert (again["reminders_owed"], again["reminded_lately"]) == (0, 1)
    before = to_time(portal.now() - timedelta(days=10, minutes=1))
    write = f"dn: {people[REMINDED]}\nchangetype: modify\nreplace: moncompteReminded\nmoncompteReminded: {before}\n"
    slapd.add_ldif(write)
    assert json.loads(moncompte("remind", "--json", "--dry-run").stdout)["reminded_lately"] == 1
    told = json.loads(moncompte("remind", "--json", "--again-after", "10").stdout)
    assert told["reminders_owed"] == 1


def test_who_activates_before_it_leaves_gets_none(
    moncompte: Moncompte, slapd: PrivateSlapd, portal: Portal, mailbox: Mailbox
) -> None:
    key = portal.activation.issue_key(account(portal, REMINDED), Origin.LETTER, portal.now())
    moncompte("remind")
    proof = portal.sign_in(REMINDED, key)
    portal.redeem_key(REMINDED, proof.mark, "Pont-de-Pierre-1823", None)
    portal.outbox.send_handed()
    portal.outbox.dispatch(portal.now() + timedelta(seconds=1))
    assert [mail.subject for mail in mailbox.mails] == ["Votre compte est activé"]
    assert owed(slapd) == {}


def test_a_dry_run_writes_nothing_and_tells_who_is_left_out(moncompte: Moncompte, slapd: PrivateSlapd) -> None:
    before = slapd.search("(objectClass=*)", "*", "+")
    told = json.loads(moncompte("remind", "--dry-run", "--json").stdout)
    assert told["would_be_reminded"] == 1
    assert told["no_rescue_address"] > 0
    assert told["activated"] > 0
    assert slapd.search("(objectClass=*)", "*", "+") == before


def test_so_many_a_minute(moncompte: Moncompte, slapd: PrivateSlapd, people: dict[str, str]) -> None:
    write = "changetype: modify\nadd: supannMailPrive\nsupannMailPrive: {SECOURS}noe@courriel.example\n"
    slapd.add_ldif(f"dn: {people['nfaure']}\n{write}")
    assert moncompte("remind", "--per-minute", "1").exit_code == 0
    first, second = sorted(to_instant(value.split()[0]) for value in owed(slapd).values())
    assert first and second and second - first == timedelta(minutes=1)


def test_more_than_a_days_mails_are_refused_with_the_way_out(
    moncompte: Moncompte, slapd: PrivateSlapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.cli.remind.LONGEST", timedelta(seconds=20))
    done = moncompte("remind", "--per-minute", "2")
    assert (done.exit_code, "--per-minute 3 or more" in done.stderr) == (1, True)
    assert moncompte("remind", "--per-minute", "3", "--dry-run").exit_code == 0
    assert owed(slapd) == {}


def test_no_mail_is_due_so_far_off_that_a_dispatcher_would_take_it_for_overdue() -> None:
    assert LONGEST + timedelta(hours=1) < FARTHEST


def test_each_is_audited_with_the_operators_name(moncompte: Moncompte, portal: Portal, audit_file: Path) -> None:
    moncompte("remind", "--filter", f"(uid={REMINDED})")
    (line,) = [line for line in audited(audit_file) if line["event"] == "operator:account:remind"]
    assert (line["account"], line["outcome"], line["actor"][:6]) == (REMINDED, "done", "shell:")


def test_whose_state_has_not_begun_is_not_reminded(
    moncompte: Moncompte, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    later = "replace: supannRessourceEtatDate\nsupannRessourceEtatDate: {COMPTE}I:SupannCree:20261201:\n"
    slapd.add_ldif(f"dn: {people[REMINDED]}\nchangetype: modify\n{later}")
    assert json.loads(moncompte("remind", "--json").stdout)["reminders_owed"] == 0
    assert owed(slapd) == {}


def test_who_is_suspended_in_the_same_instant_is_not_reminded_and_no_line_says_so(
    moncompte: Moncompte,
    slapd: PrivateSlapd,
    people: dict[str, str],
    audit_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suspended = "replace: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}S:SupannVerrouille\n"
    owe = Directory.owe_reminders

    def late(directory: Directory, people_owed: Iterable[Any], now: datetime) -> Any:
        def read_and_changed() -> Iterator[Any]:
            for one in people_owed:
                slapd.add_ldif(f"dn: {people[REMINDED]}\nchangetype: modify\n{suspended}")
                yield one

        return owe(directory, read_and_changed(), now)

    monkeypatch.setattr(Directory, "owe_reminders", late)
    done = moncompte("remind", "--json")
    assert (done.exit_code, json.loads(done.stdout)["changed_meanwhile"]) == (1, 1)
    assert owed(slapd) == {}
    assert [line for line in audited(audit_file) if line["event"] == "operator:account:remind"] == []


def test_a_filter_may_be_narrower_never_wider(moncompte: Moncompte, slapd: PrivateSlapd) -> None:
    assert moncompte("remind", "--filter", "(uid=nobody)").exit_code == 0
    assert owed(slapd) == {}
    assert moncompte("remind", "--filter", "uid=x").exit_code == 2


def test_who_asks_for_a_key_does_not_wait_behind_all_the_reminders(
    moncompte: Moncompte, portal: Portal, mailbox: Mailbox, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.directory._AT_A_TIME", 1)  # as many are claimed at a time
    assert moncompte("remind").exit_code == 0
    portal.request_key("jmartin001")  # handed over to this process, whose dispatcher is at work
    portal.outbox.dispatch(portal.now() + timedelta(seconds=1))
    assert sorted(mail.subject for mail in mailbox.mails) == ["Votre clé d’activation", "Votre compte vous attend"]
