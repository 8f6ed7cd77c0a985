"""What the doctor says of the people: each contradiction is named, with whose it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.demo.slapd import PrivateSlapd
from connector.directory.entries import to_time
from connector.doctor import Level
from connector.settings import Settings
from tests.checked import examined, names, wrong

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = "add: objectClass\nobjectClass: moncompteAccount\n-\nadd: moncompteKeyHash\nmoncompteKeyHash: {SSHA512}x\n-\n"
ALIVE = KEY + "add: moncompteKeyExpiry\nmoncompteKeyExpiry: 20261201000000Z\n"
OURS = "add: objectClass\nobjectClass: moncompteAccount\n-\n"
STATE = "supannRessourceEtat"

FAULTS = {
    "several-states": ("jmartin001", f"add: {STATE}\n{STATE}: {{COMPTE}}S:SupannVerrouille\n"),
    "unreadable-state": (
        "jmartin001",
        f"replace: {STATE}\n{STATE}: {{COMPTE}}actif\n-\nreplace: {STATE}Date\n",
    ),
    "dated-state-differs": ("jmartin001", f"replace: {STATE}Date\n{STATE}Date: {{COMPTE}}I:SupannCree:20260901:\n"),
    "to-activate-with-password": ("nfaure", "add: userPassword\nuserPassword: Pont-de-Pierre-1822\n"),
    "key-without-expiry": ("jmartin001", KEY),
    "expiry-without-key": ("jmartin001", OURS + "add: moncompteKeyExpiry\nmoncompteKeyExpiry: 20261201000000Z\n"),
    "active-with-letter-key": ("jmartin001", ALIVE + "-\nadd: moncompteKeyOrigin\nmoncompteKeyOrigin: letter\n"),
    "mail-without-key": ("jmartin001", OURS + "add: moncompteMailDue\nmoncompteMailDue: 20261122120500Z\n"),
    "mail-without-rescue": ("nfaure", ALIVE + "-\nadd: moncompteMailDue\nmoncompteMailDue: 20261122120500Z\n"),
    "unreadable": ("jmartin001", ALIVE + "-\nadd: moncompteKeyOrigin\nmoncompteKeyOrigin: pigeon\n"),
    "expired-keys": ("jmartin001", KEY + "add: moncompteKeyExpiry\nmoncompteKeyExpiry: 20261101000000Z\n"),
    "late-mails": ("jmartin001", ALIVE + "-\nadd: moncompteMailDue\nmoncompteMailDue: 20261122110000Z\n"),
    "given-up-mails": ("jmartin001", ALIVE + "-\nadd: moncompteMailFailures\nmoncompteMailFailures: 30\n"),
    "double-login": ("mdarcy", "add: supannAliasLogin\nsupannAliasLogin: JMARTIN001\n"),
}


def said(settings: Settings, now: datetime = NOW) -> dict[str, str]:
    """What is wrong with people, by name; less the two who share an INE on purpose."""
    found = wrong(examined(settings, now=now))
    return {finding.name: finding.what for finding in found if finding.name not in {"double-ine", "clock"}}


@pytest.fixture
def ready(settings: Settings) -> Settings:
    """With an alias as a second login, and a policy that fits."""
    attributes = settings.attributes.model_copy(update={"alias": "supannAliasLogin"})
    limits = {"binds_per_account": "7/15 minutes", "key_like_binds_per_account": "2/15 minutes"}
    throttle = settings.throttle.model_copy(update=limits)
    return settings.model_copy(update={"attributes": attributes, "throttle": throttle})


@pytest.mark.parametrize("name", FAULTS)
def test_a_contradiction_is_named_with_whose_it_is(
    ready: Settings, slapd: PrivateSlapd, people: dict[str, str], name: str
) -> None:
    assert said(ready) == {}
    uid, changes = FAULTS[name]
    slapd.add_ldif(f"dn: {people[uid]}\nchangetype: modify\n{changes}")
    found = said(ready)
    assert list(found) == [name]
    assert people[uid] in found[name]


def test_people_who_share_an_ine_are_told_and_the_ine_is_not(
    ready: Settings, people: dict[str, str], slapd: PrivateSlapd
) -> None:
    report = examined(ready, now=NOW)
    found = next(finding for finding in wrong(report) if finding.name == "double-ine")
    assert people["afontaine"] in found.what
    assert people["afontaine2"] in found.what
    ines = [ine for entry in slapd.search("(supannCodeINE=*)", "supannCodeINE") for ine in entry["supannCodeINE"]]
    everything = str(report)
    assert len(ines) > 10
    assert not any(ine in everything for ine in ines)


def test_a_handful_is_shown_and_all_are_counted(ready: Settings, slapd: PrivateSlapd, people: dict[str, str]) -> None:
    some = [people[uid] for uid in ("jmartin001", "mdarcy", "rbenali", "zpetit", "lroy", "emercier", "nfaure")]
    slapd.add_ldif("\n".join(f"dn: {dn}\nchangetype: modify\n{KEY}" for dn in some))
    found = said(ready)["key-without-expiry"]
    assert found.startswith("7 have")
    assert sum(dn in found for dn in some) == 5
    assert "and so on" in found


def test_who_has_no_rescue_address_is_counted(ready: Settings, slapd: PrivateSlapd, people: dict[str, str]) -> None:
    report = examined(ready, now=NOW)
    line = next(finding for finding in report.findings(Level.OK) if finding.name == "rescue")
    without = [e for e in slapd.search("(eduPersonAffiliation=student)", "supannMailPrive") if not _rescue(e)]
    assert line.what.startswith(f"{len(without)} of {len(people) - 3}")  # less three of the staff
    slapd.add_ldif("\n".join(f"dn: {dn}\nchangetype: modify\nreplace: supannMailPrive\n" for dn in people.values()))
    assert "rescue" in said(ready)


def _rescue(entry: dict[str, list[str]]) -> bool:
    return any(value.startswith("{SECOURS}") for value in entry.get("supannMailPrive", []))


def test_a_directory_whose_clock_is_ahead_is_named(ready: Settings, people: dict[str, str]) -> None:
    written = datetime.now(UTC)
    assert "clock" in names(examined(ready, now=written - timedelta(hours=1)))
    assert "clock" not in names(examined(ready, now=written + timedelta(seconds=1)))


def test_a_directory_whose_clock_is_behind_is_named(
    ready: Settings, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    """The portal writes its own time, and slapd its own beside it."""
    later = f"{datetime.now(UTC) + timedelta(minutes=1):%Y%m%d%H%M%SZ}"
    slapd.add_ldif(
        f"dn: {slapd.decoy_dn}\nchangetype: modify\nreplace: moncompteKeyIssued\nmoncompteKeyIssued: {later}\n"
    )
    found = [finding for finding in wrong(examined(ready)) if finding.name == "clock"]
    assert len(found) == 1
    assert "behind" in found[0].what


def test_who_is_locked_for_good_is_no_example_of_what_the_portal_may_write(
    ready: Settings, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    """The rules let nobody give them a password; that is no right the portal lacks."""
    gone = [dn for uid, dn in people.items() if uid != "ileroux"]
    slapd.run("ldapdelete", *slapd.as_root, *gone)
    report = examined(ready, now=NOW)
    assert "rights" in [finding.name for finding in report.findings(Level.UNTRIED)]
    assert [finding.name for finding in wrong(report) if finding.name != "clock"] == []


def test_what_is_overdue_is_told_once_its_time_of_grace_is_over(
    ready: Settings, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    """Three rounds of a dispatcher and a lease for a mail or a notice, a day for an expired key."""
    grace = timedelta(seconds=3 * ready.mail.dispatch_every_seconds + ready.mail.lease_seconds)
    written = {
        "jmartin001": f"{ALIVE}-\nadd: moncompteMailDue\nmoncompteMailDue: {to_time(NOW - grace)}\n",
        "lroy": f"{OURS}add: moncompteNotice\nmoncompteNotice: {to_time(NOW - grace)} 0 password l@courriel.example\n",
        "mdarcy": f"{KEY}add: moncompteKeyExpiry\nmoncompteKeyExpiry: {to_time(NOW - timedelta(days=1))}\n",
    }
    for uid, changes in written.items():
        slapd.add_ldif(f"dn: {people[uid]}\nchangetype: modify\n{changes}")
    assert said(ready) == {}
    found = said(ready, NOW + timedelta(seconds=1))
    assert list(found) == ["expired-keys", "late-mails"]
    assert people["mdarcy"] in found["expired-keys"]
    assert found["late-mails"].startswith("2 wait")


def test_tries_of_a_notice_that_is_still_owed_are_no_mail_that_was_given_up(
    ready: Settings, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    tries = "add: moncompteMailFailures\nmoncompteMailFailures: 3"
    notice = f"add: moncompteNotice\nmoncompteNotice: {to_time(NOW)} 3 password j@courriel.example"
    slapd.add_ldif(f"dn: {people['jmartin001']}\nchangetype: modify\n{OURS}{tries}\n-\n{notice}\n")
    assert said(ready) == {}


def test_a_first_password_that_its_owner_must_change_is_no_contradiction(
    ready: Settings, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    reset = "add: userPassword\nuserPassword: Pont-de-Pierre-1822\n-\nadd: pwdReset\npwdReset: TRUE\n"
    slapd.add_ldif(f"dn: {people['nfaure']}\nchangetype: modify\n{reset}")
    assert said(ready) == {}
