"""The fast lane on a real slapd: what it reads is what ldapsearch reads, what it writes is what it was told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from connector import directory, keys
from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory import Directory, lane
from connector.errors import Conflict, DirectoryMisconfigured, DirectoryUnavailable, SettingsInvalid
from connector.model import Account, Origin, PendingKey, Uid
from connector.portal import Portal
from connector.roll import Roll, SortBy
from connector.settings import Settings
from tests.portal_fixtures import MovingClock, account

STUDENTS = "(eduPersonAffiliation=student)"


def fresh(clock: MovingClock) -> PendingKey:
    now = clock()
    return PendingKey(keys.hash_key(keys.mint()), now, now + timedelta(days=21), Origin.LETTER)


def outcomes(portal: Portal, wanted: list[tuple[Account, PendingKey]]) -> dict[str, type | None]:
    told = portal.directory.store_keys((who.uid, who, key) for who, key in wanted)
    return {uid: type(error) if error else None for uid, error in told}


@pytest.mark.parametrize("page", [1, 2, 500])
def test_it_reads_everybody_whatever_the_size_of_a_page(
    portal: Portal, slapd: PrivateSlapd, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(lane, "PAGE", page)
    found = dict(portal.directory.sweep("", ["uid", "displayName"]))
    expected = {
        entry["dn"][0]: {name.lower(): [v.encode() for v in entry[name]] for name in ("uid", "displayName")}
        for entry in slapd.search(STUDENTS, "uid", "displayName", base=slapd.people_dn)
    }
    assert found == expected
    assert len(found) > 10


def test_an_account_is_the_one_that_a_look_up_finds(portal: Portal, people: dict[str, str]) -> None:
    everybody = {found.uid: found for found in portal.directory.accounts()}
    assert everybody
    plain = {uid: replace(found, surname="", programmes=(), address=()) for uid, found in everybody.items()}
    assert {uid: portal.directory.find([Uid(uid)]) for uid in everybody} == plain
    assert (everybody["emercier"].surname, everybody["emercier"].programmes) == ("Mercier", ("UFR-LETTRES",))


def test_accounts_are_read_in_the_order_they_are_asked_for(portal: Portal, people: dict[str, str]) -> None:
    asked = ["jmartin001", "nobody", "emercier", "*", "jmartin001"]
    found = [(uid, who and who.uid) for uid, who in portal.directory.accounts_of(asked)]
    assert found == [(uid, uid if uid in people else None) for uid in asked]


def test_more_of_them_than_one_filter_holds(
    portal: Portal, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_AT_A_TIME", 2)
    uids = sorted(found.uid for found in portal.directory.accounts())
    assert [(uid, who and who.uid) for uid, who in portal.directory.accounts_of(uids)] == [(u, u) for u in uids]


def test_nobody_outside_the_population_is_read(portal: Portal, people: dict[str, str], slapd: PrivateSlapd) -> None:
    outside = {entry["uid"][0] for entry in slapd.search(f"(&(uid=*)(!{STUDENTS}))", "uid")}
    assert outside
    assert outside.isdisjoint(found.uid for found in portal.directory.accounts("(uid=*)"))


@pytest.mark.parametrize("bad", ["(uid=a", "uid=a", "(uid=a))(|(uid=*)", "(uid=a)(uid=b)"])
def test_what_is_no_filter_is_told(portal: Portal, bad: str) -> None:
    with pytest.raises(SettingsInvalid, match="is not an LDAP filter"):
        list(portal.directory.sweep(bad, ["uid"]))


def test_a_branch_that_is_not_there_is_told(portal: Portal) -> None:
    portal.directory._settings = portal.directory._settings.model_copy(
        update={"people_dn": "ou=nowhere,dc=universite,dc=example"}
    )
    with pytest.raises(DirectoryMisconfigured, match="noSuchObject"):
        list(portal.directory.sweep("", ["uid"]))


def test_each_gets_the_key_that_was_meant(portal: Portal, people: dict[str, str], clock: MovingClock) -> None:
    wanted = [(found, fresh(clock)) for found in portal.directory.accounts() if found.is_eligible(clock())]
    assert set(outcomes(portal, wanted).values()) == {None}
    assert len(wanted) > 5
    for who, key in wanted:
        assert account(portal, who.uid).key == key


def test_more_than_are_on_their_way_at_once(
    portal: Portal, people: dict[str, str], clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "_ON_THEIR_WAY", 2)
    wanted = [(found, fresh(clock)) for found in portal.directory.accounts() if found.is_eligible(clock())]
    assert set(outcomes(portal, wanted).values()) == {None}


def test_who_got_another_key_meanwhile_keeps_it(portal: Portal, people: dict[str, str], clock: MovingClock) -> None:
    elodie, jeanne = account(portal, "emercier"), account(portal, "jmartin001")
    first, second = fresh(clock), fresh(clock)
    portal.directory.store_key(elodie, first, None)
    assert outcomes(portal, [(account(portal, "emercier"), second), (jeanne, second)]) == {
        "emercier": None,
        "jmartin001": None,
    }
    # read before that: it held the first key then
    stale = [(account(portal, "emercier"), fresh(clock))]
    portal.directory.store_key(account(portal, "emercier"), fresh(clock), None)
    kept = account(portal, "emercier").key
    assert outcomes(portal, stale) == {"emercier": Conflict}
    assert account(portal, "emercier").key == kept


@pytest.mark.parametrize(
    "moved",
    [
        "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n",
        "replace: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}S:SupannVerrouAdministratif\n",
    ],
    ids=["locked", "suspended"],
)
def test_who_was_closed_meanwhile_gets_none(
    portal: Portal, people: dict[str, str], slapd: PrivateSlapd, clock: MovingClock, moved: str
) -> None:
    stale = [(account(portal, "emercier"), fresh(clock))]
    slapd.add_ldif(f"dn: {people['emercier']}\nchangetype: modify\n{moved}\n")
    assert outcomes(portal, stale) == {"emercier": Conflict}


def test_one_that_is_refused_does_not_stop_the_others(
    portal: Portal, people: dict[str, str], clock: MovingClock
) -> None:
    jeanne = account(portal, "jmartin001")
    nobody = account(portal, "emercier")
    gone = Account(nobody.dn.replace("emercier", "nobody"), "nobody", "Nobody")
    assert outcomes(portal, [(gone, fresh(clock)), (jeanne, fresh(clock))]) == {"nobody": Conflict, "jmartin001": None}


@pytest.fixture
def own_slapd(mailbox: Mailbox) -> Iterator[tuple[PrivateSlapd, Directory]]:
    with PrivateSlapd(password_hash="{SSHA}") as server:
        directory = Directory(demo_settings(server, mailbox, 8080))
        yield server, directory
        directory.close()


def test_a_server_that_goes_away_is_an_outage(own_slapd: tuple[PrivateSlapd, Directory]) -> None:
    server, directory = own_slapd
    people = "\n".join(
        f"dn: uid=p{number},{server.people_dn}\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\nuid: p{number}\n"
        f"cn: p\nsn: p\neduPersonAffiliation: student\n"
        for number in range(1200)
    )
    server.add_ldif(people)
    found = directory.sweep("", ["uid"])
    assert next(found)
    server.halt()
    with pytest.raises(DirectoryUnavailable):
        list(found)


def test_without_the_limit_of_the_access_file_it_says_which_file_to_load(
    own_slapd: tuple[PrivateSlapd, Directory],
) -> None:
    server, directory = own_slapd
    server.add_ldif(
        f"dn: uid=a,{server.people_dn}\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\nuid: a\ncn: a\nsn: a\n"
        "eduPersonAffiliation: student\n"
    )
    server.add_config(
        "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcLimits\n"
        f'olcLimits: dn.exact="{server.portal_dn}" size.pr=10\n'
    )
    with pytest.raises(DirectoryMisconfigured, match="olcLimits"):
        list(directory.sweep("", ["uid"]))


def test_whose_login_is_somebody_elses_alias_is_nobody(
    settings: Settings, people: dict[str, str], slapd: PrivateSlapd
) -> None:
    slapd.add_ldif(
        f"dn: {people['jmartin001']}\nchangetype: modify\nreplace: supannAliasLogin\nsupannAliasLogin: emercier\n"
    )
    attributes = settings.attributes.model_copy(update={"alias": "supannAliasLogin"})
    aliased = Directory(settings.model_copy(update={"attributes": attributes}))
    assert aliased.find([Uid("emercier")]) is None  # at the form, too
    found = {uid: who and who.uid for uid, who in aliased.accounts_of(["emercier", "jmartin001"])}
    assert found == {"emercier": None, "jmartin001": "jmartin001"}
    everybody = aliased.packed_accounts("(|(uid=emercier)(uid=jmartin001))")
    with Roll(everybody, aliased.logins(), [SortBy.LOGIN]) as roll:
        assert {uid: who and who.uid for uid, who in roll.people(aliased.unpacked)} == found
    aliased.close()


def test_an_account_is_put_away_and_comes_back_as_it_was(
    portal: Portal, people: dict[str, str], clock: MovingClock
) -> None:
    portal.directory.store_key(account(portal, "emercier"), fresh(clock), None)
    everybody = list(portal.directory.packed_accounts())
    assert [portal.directory.unpacked(found.packed) for found in everybody] == everybody
    assert all("SSHA512" not in repr(found) for found in everybody)
