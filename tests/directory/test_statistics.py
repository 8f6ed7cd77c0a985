"""The population counted: each fact means what the account itself says, and what a sysadmin takes it for."""

from collections import Counter
from datetime import date, timedelta

import pytest

from connector.demo.slapd import PrivateSlapd
from connector.directory.entries import to_time
from connector.model import Account, Origin, Status
from connector.portal import Portal
from connector.settings import Settings
from connector.statistics import NO_PROGRAMME, Census, Dated, Fact, Statistics
from tests.portal_fixtures import START, MovingClock, account, issue

TO_ACTIVATE, ACTIVATED, CLOSED = {"emercier", "nfaure", "tlambert"}, 8, 2  # of the thirteen students of people.ldif


def census(portal: Portal, ldap_filter: str = "") -> Statistics:
    counting = Census(portal.settings, portal.now())
    return counting.count(portal.directory.sweep(ldap_filter, counting.attributes))


def change(slapd: PrivateSlapd, dn: str, **values: str) -> None:
    parts = "-\n".join(f"replace: {name}\n{name}: {value}\n" for name, value in values.items())
    slapd.add_ldif(f"dn: {dn}\nchangetype: modify\n{parts}")


def test_the_test_people_are_counted_and_staff_is_not(portal: Portal) -> None:
    assert census(portal).total == {
        Fact.PEOPLE: 13,
        Fact.ACTIVATED: ACTIVATED,
        Fact.WITHOUT_KEY: len(TO_ACTIVATE),
        Fact.CLOSED: CLOSED,
        Fact.NO_RESCUE: 3,  # Noé, Zoé, and Théo, whose address is under another name
        Fact.LOCKED: 1,
    }


def test_every_state_and_key_counts_as_the_account_says(portal: Portal, clock: MovingClock) -> None:
    """The fast lane's reading agrees with the one that every other use case rests on."""
    for uid in ("emercier", "nfaure", "jmartin001"):
        issue(portal, uid)
    portal.request_key("lroy")
    portal.directory.flag_bounced(account(portal, "mdarcy"), portal.now())
    for days in (0, 1, 20):  # the mailed key expires, then the letters
        clock.forward(days=days)
        assert census(portal).total == Counter(
            fact for one in portal.directory.accounts() for fact in said(one, portal)
        )


def said(one: Account, portal: Portal) -> list[Fact]:
    """The facts, from the account."""
    now, settings = portal.now(), portal.settings
    live = one.key and not one.key.why_dead(now, settings.keys.max_failures)
    is_open = one.state.is_open(now)
    status = Status.TO_ACTIVATE if one.was_never_activated else Status.ACTIVE
    key = Fact.WITH_KEY if live else Fact.WITHOUT_KEY
    facts = {
        {Status.ACTIVE: Fact.ACTIVATED, Status.TO_ACTIVATE: key}[status] if is_open else Fact.CLOSED: True,
        Fact.PEOPLE: True,
        Fact.EXPIRED_KEY: one.key and one.key.is_expired(now),
        Fact.NO_RESCUE: is_open and not one.rescue,
        Fact.LOCKED: one.is_locked,
        Fact.RESTING: one.is_resting(now, settings.directory.lockout_seconds),
        Fact.MAILS_GIVEN_UP: one.mail_failures and not one.mail_due,
        Fact.BOUNCED: one.bounced,
    }
    return [fact for fact, holds in facts.items() if holds] + [Fact.MAILS_WAITING] * (
        bool(one.mail_due) + len(one.notices)
    )


def test_a_key_is_live_until_it_expires_or_is_worn_out(
    portal: Portal, people: dict[str, str], slapd: PrivateSlapd, clock: MovingClock
) -> None:
    for uid in TO_ACTIVATE:
        issue(portal, uid)
    assert census(portal).total[Fact.WITH_KEY] == 3
    change(slapd, people["nfaure"], moncompteKeyFailures="100")
    worn_out = census(portal).total
    assert (worn_out[Fact.WITH_KEY], worn_out[Fact.WITHOUT_KEY], worn_out[Fact.EXPIRED_KEY]) == (2, 1, 0)
    clock.forward(days=21)
    expired = census(portal).total
    assert (expired[Fact.WITH_KEY], expired[Fact.WITHOUT_KEY], expired[Fact.EXPIRED_KEY]) == (0, 3, 3)


def test_a_key_dies_at_the_second_of_its_expiry(
    portal: Portal, people: dict[str, str], slapd: PrivateSlapd, clock: MovingClock
) -> None:
    issue(portal, "emercier")
    change(slapd, people["emercier"], moncompteKeyExpiry=to_time(START + timedelta(seconds=30)))
    clock.forward(seconds=29)
    assert census(portal).total[Fact.WITH_KEY] == 1
    clock.forward(seconds=1)
    assert census(portal).total[Fact.WITH_KEY] == 0


def test_a_rest_ends_and_a_lock_for_good_does_not(
    portal: Portal, people: dict[str, str], slapd: PrivateSlapd, clock: MovingClock
) -> None:
    change(slapd, people["zpetit"], pwdAccountLockedTime=to_time(START))
    resting = census(portal).total
    assert (resting[Fact.RESTING], resting[Fact.LOCKED], resting[Fact.ACTIVATED]) == (1, 1, ACTIVATED)
    clock.forward(seconds=portal.settings.directory.lockout_seconds)
    rested = census(portal).total
    assert (rested[Fact.RESTING], rested[Fact.LOCKED]) == (0, 1)


def test_mails_that_wait_and_that_were_given_up(portal: Portal, people: dict[str, str], slapd: PrivateSlapd) -> None:
    portal.request_key("lroy")  # nobody sends it here
    for uid in ("mdarcy", "rbenali"):
        issue(portal, uid)
    change(slapd, people["mdarcy"], moncompteNotice=f"{to_time(START)} 0 password x@y.example")
    change(slapd, people["rbenali"], moncompteMailFailures="30")
    change(slapd, people["lroy"], moncompteMailFailures="2")  # put off, not given up
    counted = census(portal).total
    assert (counted[Fact.MAILS_WAITING], counted[Fact.MAILS_GIVEN_UP]) == (2, 1)


def test_a_state_outside_its_dates_is_closed(portal: Portal, people: dict[str, str], slapd: PrivateSlapd) -> None:
    change(slapd, people["zpetit"], supannRessourceEtatDate="{COMPTE}A:SupannActif:20250903:20261121")
    counted = census(portal).total
    assert (counted[Fact.CLOSED], counted[Fact.ACTIVATED]) == (CLOSED + 1, ACTIVATED - 1)
    assert counted[Fact.NO_RESCUE] == 2  # who is closed is rescued by no address


def test_whoever_is_in_two_programmes_counts_in_each_and_once_in_all(
    portal: Portal, people: dict[str, str], slapd: PrivateSlapd
) -> None:
    change(slapd, people["zpetit"], supannEntiteAffectation="ufr-lettres")  # for slapd, the same as Élodie's
    slapd.add_ldif(
        f"dn: {people['emercier']}\nchangetype: modify\nadd: supannEntiteAffectation\nsupannEntiteAffectation: IUT\n"
    )
    counted = census(portal)
    people_of = {name: counts[Fact.PEOPLE] for name, counts in counted.programmes.items()}
    assert {name.upper(): number for name, number in people_of.items()} == {
        "UFR-LETTRES": 2,
        "IUT": 1,
        NO_PROGRAMME: 11,
    }
    assert counted.total[Fact.PEOPLE] == 13


def test_a_filter_narrows_the_population_and_never_widens_it(portal: Portal) -> None:
    assert census(portal, "(|(uid=zpetit)(uid=lroy)(uid=bdubois))").total[Fact.PEOPLE] == 2


@pytest.mark.parametrize(("hour", "day"), [(22, date(2026, 11, 22)), (23, date(2026, 11, 23))])
def test_days_begin_at_midnight_in_the_portals_time_zone(
    portal: Portal, clock: MovingClock, hour: int, day: date
) -> None:
    clock.instant = START.replace(hour=hour, minute=59)  # Paris is an hour ahead of UTC
    issue(portal, "emercier", Origin.DESK)
    days = census(portal).days
    assert days[day] == {Dated.ISSUED: 1}
    assert days[day + timedelta(days=1)] == {Dated.EXPIRING: 1}


def test_an_activation_counts_on_its_day_and_stays_there_when_the_password_changes(
    portal: Portal, clock: MovingClock
) -> None:
    key = issue(portal, "emercier")
    proof = portal.sign_in("emercier", key)
    portal.redeem_key("emercier", proof.mark, "Cerisier-Bleu-77", None)
    before = census(portal).days
    assert before[START.date()] == {Dated.ACTIVATED: 1}
    clock.forward(days=3)
    proof = portal.sign_in("emercier", "Cerisier-Bleu-77")
    portal.change("emercier", proof.mark, "Cerisier-Bleu-77", "Sentier-Ombre-88", None)
    assert census(portal).days == before
    assert before[date(2025, 9, 3)][Dated.ACTIVATED] == 8  # the others, as people.ldif has them


def test_without_states_whoever_was_given_a_password_has_activated(
    portal: Portal, settings: Settings, people: dict[str, str], slapd: PrivateSlapd
) -> None:
    """SUPANN 2009; the settings name no programme either."""
    bare = settings.attributes.model_copy(update={"state": "", "state_date": "", "programme": ""})
    issue(portal, "emercier")
    change(slapd, people["tlambert"], userPassword="Cerisier-Bleu-77")
    counting = Census(settings.model_copy(update={"attributes": bare}), portal.now())
    counted = counting.count(portal.directory.sweep("", counting.attributes))
    states = (Fact.ACTIVATED, Fact.WITH_KEY, Fact.WITHOUT_KEY, Fact.CLOSED)
    assert [counted.total[fact] for fact in states] == [1, 1, 11, 0]  # an Add under ppolicy leaves no pwdChangedTime
    assert dict(counted.programmes) == {NO_PROGRAMME: counted.total}


def test_an_instant_however_it_is_written_is_read(portal: Portal, people: dict[str, str], slapd: PrivateSlapd) -> None:
    """slapd takes every form of RFC 4517 §3.3.13, and a sysadmin may write any."""
    for uid in ("emercier", "nfaure"):
        issue(portal, uid)
    change(slapd, people["emercier"], moncompteKeyExpiry="20261122233000+0200")
    change(slapd, people["nfaure"], moncompteKeyExpiry="2026112300.5Z")
    days = census(portal).days
    assert days[date(2026, 11, 22)] == {Dated.ISSUED: 2, Dated.EXPIRING: 1}
    assert days[date(2026, 11, 23)] == {Dated.EXPIRING: 1}


def test_only_the_rescue_label_makes_a_rescue_address(portal: Portal) -> None:
    """Where a site lets the portal read the other labels; our access rules do not."""
    counting = Census(portal.settings, portal.now())
    labels = (b"{PERSO}a@x.example", b"{secours}b@x.example", b"{PERSO}c@x.example")
    counted = counting.count((f"uid={number}", {"supannmailprive": [label]}) for number, label in enumerate(labels))
    assert (counted.total[Fact.PEOPLE], counted.total[Fact.NO_RESCUE]) == (3, 2)
