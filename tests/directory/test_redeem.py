"""Redeeming a key: one Modify, whole or not at all, and the directory decides every race."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connector.demo.slapd import PrivateSlapd
from connector.errors import (
    ChangeRefused,
    Conflict,
    KeyDead,
    NothingToChange,
    ProofRefused,
    RescueReason,
    SessionStale,
    SignInRefused,
)
from connector.model import By, Change, Origin, Reason
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, issue

NEW_PASSWORD = "trois-pommes-42-bleues"
OUR_KEY = {
    "moncompteKeyHash",
    "moncompteKeyIssued",
    "moncompteKeyExpiry",
    "moncompteKeyOrigin",
    "moncompteKeyFailures",
    "moncompteMailDue",
    "moncompteMailFailures",
}


def entry(slapd: PrivateSlapd, uid: str) -> dict[str, list[str]]:
    return slapd.search(f"(uid={uid})", "*", "+")[0]


def set_values(slapd: PrivateSlapd, uid: str, name: str, *values: str) -> None:
    lines = "".join(f"{name}: {value}\n" for value in values)
    slapd.add_ldif(f"dn: uid={uid},{slapd.people_dn}\nchangetype: modify\nreplace: {name}\n{lines}")


def test_activation_sets_password_rescue_address_and_state_and_leaves_no_key(
    portal: Portal, slapd: PrivateSlapd
) -> None:
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    done = portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, "elodie@ailleurs.example")
    after = entry(slapd, "emercier")
    assert (done.activated, done.password_changed, done.rescue_changed) == (True, True, True)
    assert not OUR_KEY & set(after)
    assert after["supannRessourceEtat"] == ["{COMPTE}A:SupannActif"]
    assert after["supannRessourceEtatDate"] == ["{COMPTE}A:SupannActif:20261122:"]
    assert after["supannMailPrive"] == ["{SECOURS}elodie@ailleurs.example"]
    assert after["userPassword"][0].startswith("{SSHA}")
    assert portal.sign_in("emercier", NEW_PASSWORD).by is By.PASSWORD


def test_activation_keeps_the_end_that_the_state_had(portal: Portal, slapd: PrivateSlapd) -> None:
    set_values(slapd, "emercier", "supannRessourceEtatDate", "{COMPTE}I:SupannCree:20260901:20270930")
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)
    assert entry(slapd, "emercier")["supannRessourceEtatDate"] == ["{COMPTE}A:SupannActif:20261122:20270930"]


def test_of_eight_changes_with_one_old_password_exactly_one_wins_even_where_no_change_was_ever_dated(
    portal: Portal, slapd: PrivateSlapd
) -> None:
    assert "pwdChangedTime" not in entry(slapd, "jmartin001")
    issue(portal, "jmartin001", Origin.DESK)  # so that the class is there, whose adding would decide the race
    mark = portal.sign_in("jmartin001", PASSWORD).mark
    barrier = threading.Barrier(8)

    def change(number: int) -> bool:
        barrier.wait()
        try:
            portal.change("jmartin001", mark, PASSWORD, f"dix-{number}-cormorans-gris", None)
        except (SessionStale, ProofRefused):
            return False
        return True

    with ThreadPoolExecutor(8) as crowd:
        assert list(crowd.map(change, range(8))).count(True) == 1


@pytest.mark.parametrize(
    "password", ["{SSHA}trois-pommes-42", "{ARGON2}$argon2id$v=19$m=524288,t=60,p=1$c2FsdA$aGFzaA"]
)
def test_what_slapd_would_take_for_a_hash_is_refused_by_the_policy_and_at_the_door_of_the_directory(
    portal: Portal, slapd: PrivateSlapd, password: str
) -> None:
    """It would be kept as it is, judged by nobody; with such parameters one sign-in costs slapd half a minute."""
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    with pytest.raises(ChangeRefused) as caught:
        portal.redeem_key("emercier", proof.mark, password, None)
    assert Reason.LEADING_BRACE in {refusal.reason for refusal in caught.value.refusals}
    with pytest.raises(ChangeRefused):
        portal.directory.redeem(account(portal, "emercier"), Change(password), portal.now())
    assert "userPassword" not in entry(slapd, "emercier")


def test_a_key_for_an_active_account_leaves_its_state_alone(portal: Portal, slapd: PrivateSlapd) -> None:
    before = entry(slapd, "jmartin001")
    proof = portal.sign_in("jmartin001", issue(portal, "jmartin001", Origin.DESK))
    assert not portal.redeem_key("jmartin001", proof.mark, NEW_PASSWORD, None).activated
    after = entry(slapd, "jmartin001")
    for name in ("supannRessourceEtat", "supannRessourceEtatDate", "supannMailPrive"):
        assert after.get(name) == before.get(name)


def test_other_labels_beside_the_rescue_address_are_never_touched(portal: Portal, slapd: PrivateSlapd) -> None:
    others = {value for value in entry(slapd, "lroy")["supannMailPrive"] if not value.startswith("{SECOURS}")}
    proof = portal.sign_in("lroy", issue(portal, "lroy", Origin.DESK))
    portal.redeem_key("lroy", proof.mark, NEW_PASSWORD, "lucas@ailleurs.example")
    assert others
    assert set(entry(slapd, "lroy")["supannMailPrive"]) == {*others, "{SECOURS}lucas@ailleurs.example"}


@pytest.mark.parametrize("turn", range(20))
def test_of_eight_simultaneous_redeems_exactly_one_wins(portal: Portal, turn: int) -> None:
    """And the winner's password is the one that binds."""
    proof = portal.sign_in("rbenali", issue(portal, "rbenali", Origin.DESK))
    barrier = threading.Barrier(8)

    def redeem(password: str) -> bool:
        barrier.wait()
        try:
            portal.redeem_key("rbenali", proof.mark, password, None)
        except KeyDead:
            return False
        return True

    passwords = [f"dix-{turn}-cormorans-gris-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as crowd:
        won = list(crowd.map(redeem, passwords))
    assert won.count(True) == 1
    assert portal.sign_in("rbenali", passwords[won.index(True)]).by is By.PASSWORD


def test_a_replaced_key_cannot_be_redeemed_in_an_open_session(portal: Portal) -> None:
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    issue(portal, "emercier")
    with pytest.raises(KeyDead):
        portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)


def test_a_key_that_expired_while_the_form_was_open_cannot_be_redeemed(portal: Portal, clock: MovingClock) -> None:
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    clock.forward(days=21)
    with pytest.raises(KeyDead):
        portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("moncompteKeyHash", "{SSHA512}c29tZXRoaW5nIGVsc2U="),
        ("moncompteKeyExpiry", "20261122115959Z"),
        ("supannRessourceEtat", "{COMPTE}S:SupannVerrouAdministratif"),
    ],
)
def test_what_changed_since_the_entry_was_read_stops_the_modify(
    portal: Portal, slapd: PrivateSlapd, name: str, value: str
) -> None:
    """The exact-value delete and the assertion travel with the write: nothing is checked first and written after."""
    issue(portal, "emercier")
    as_read = account(portal, "emercier")
    set_values(slapd, "emercier", name, value)
    before = entry(slapd, "emercier")
    with pytest.raises(Conflict):
        portal.directory.redeem(as_read, Change(NEW_PASSWORD), portal.now())
    assert entry(slapd, "emercier") == before


def test_a_permanent_lock_set_meanwhile_is_not_lifted_by_a_new_password(portal: Portal, slapd: PrivateSlapd) -> None:
    """slapd clears even 000001010000Z when a password is written; the assertion forbids the write."""
    issue(portal, "emercier")
    as_read = account(portal, "emercier")
    set_values(slapd, "emercier", "pwdAccountLockedTime", "000001010000Z")
    with pytest.raises(Conflict):
        portal.directory.redeem(as_read, Change(NEW_PASSWORD), portal.now())
    assert entry(slapd, "emercier")["pwdAccountLockedTime"] == ["000001010000Z"]


def test_all_refusals_come_at_once_and_nothing_is_written(portal: Portal, slapd: PrivateSlapd) -> None:
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    before = entry(slapd, "emercier")
    with pytest.raises(ChangeRefused) as caught:
        portal.redeem_key("emercier", proof.mark, "élodie", "not an address")
    reasons = {refusal.reason for refusal in caught.value.refusals}
    assert reasons >= {Reason.TOO_SHORT, Reason.TOO_FEW_NON_LETTERS, Reason.FORBIDDEN_CHARACTER, Reason.PERSONAL}
    assert caught.value.rescue is RescueReason.MALFORMED
    assert entry(slapd, "emercier") == before


def test_a_key_cannot_become_the_password(portal: Portal) -> None:
    key = issue(portal, "emercier")
    proof = portal.sign_in("emercier", key)
    with pytest.raises(ChangeRefused) as caught:
        portal.redeem_key("emercier", proof.mark, key, None)
    assert Reason.IS_A_KEY in {refusal.reason for refusal in caught.value.refusals}


def test_an_address_of_the_university_itself_is_no_rescue(portal: Portal) -> None:
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    for address in ("e@universite.example", "e@etu.universite.example"):
        with pytest.raises(ChangeRefused) as caught:
            portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, address)
        assert caught.value.rescue is RescueReason.OWN_DOMAIN


def test_a_password_used_before_is_refused_by_the_directory_in_our_words(portal: Portal) -> None:
    for password in (NEW_PASSWORD, "sept-chats-dansent-ici"):
        proof = portal.sign_in("emercier", issue(portal, "emercier"))
        portal.redeem_key("emercier", proof.mark, password, None)
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    with pytest.raises(ChangeRefused) as caught:
        portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)
    assert [refusal.reason for refusal in caught.value.refusals] == [Reason.IN_HISTORY]
    assert portal.revisit("emercier", By.KEY, proof.mark), "the refused try must not have used the key up"


def test_a_password_too_young_to_change_is_told_in_our_words(portal: Portal, slapd: PrivateSlapd) -> None:
    policy = slapd.search("(&(objectClass=pwdPolicy)(cn=default))", "1.1")[0]["dn"][0]
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)
    slapd.add_ldif(f"dn: {policy}\nchangetype: modify\nreplace: pwdMinAge\npwdMinAge: 3600\n")
    try:
        proof = portal.sign_in("emercier", issue(portal, "emercier"))
        with pytest.raises(ChangeRefused) as caught:
            portal.redeem_key("emercier", proof.mark, "sept-chats-dansent-ici", None)
    finally:
        slapd.add_ldif(f"dn: {policy}\nchangetype: modify\nreplace: pwdMinAge\npwdMinAge: 0\n")
    assert [refusal.reason for refusal in caught.value.refusals] == [Reason.TOO_YOUNG]


def test_a_change_needs_the_current_password(portal: Portal) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    with pytest.raises(ProofRefused):
        portal.change("jmartin001", proof.mark, "not the password", NEW_PASSWORD, None)
    assert portal.change("jmartin001", proof.mark, PASSWORD, NEW_PASSWORD, None).password_changed
    assert portal.sign_in("jmartin001", NEW_PASSWORD).by is By.PASSWORD


def test_the_rescue_address_changes_alone(portal: Portal, slapd: PrivateSlapd) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    done = portal.change("jmartin001", proof.mark, PASSWORD, None, "jeanne@ailleurs.example")
    assert (done.password_changed, done.rescue_changed) == (False, True)
    assert entry(slapd, "jmartin001")["supannMailPrive"] == ["{SECOURS}jeanne@ailleurs.example"]
    assert portal.sign_in("jmartin001", PASSWORD)


def test_changing_nothing_is_said(portal: Portal) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    same = account(portal, "jmartin001").rescue
    for rescue in (None, "", same):
        with pytest.raises(NothingToChange):
            portal.change("jmartin001", proof.mark, PASSWORD, None, rescue)


def test_a_changed_password_kills_the_pending_key(portal: Portal, slapd: PrivateSlapd) -> None:
    key = issue(portal, "jmartin001", Origin.DESK)
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.change("jmartin001", proof.mark, PASSWORD, NEW_PASSWORD, None)
    assert not OUR_KEY & set(entry(slapd, "jmartin001"))
    with pytest.raises(KeyDead):
        portal.sign_in("jmartin001", key)


def test_a_password_changed_elsewhere_ends_the_session(portal: Portal, slapd: PrivateSlapd) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    dn = entry(slapd, "jmartin001")["dn"][0]
    earlier = f"dn: {dn}\nchangetype: modify\nreplace: pwdChangedTime\npwdChangedTime: 20200101000000Z\n"
    slapd.run("ldapmodify", *slapd.as_root, "-e", "relax", text=earlier)
    with pytest.raises(SessionStale):
        portal.change("jmartin001", proof.mark, PASSWORD, NEW_PASSWORD, None)


def test_somebody_suspended_meanwhile_changes_nothing(portal: Portal, slapd: PrivateSlapd) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    set_values(slapd, "jmartin001", "supannRessourceEtat", "{COMPTE}S:SupannVerrouAdministratif")
    with pytest.raises(SessionStale):
        portal.change("jmartin001", proof.mark, PASSWORD, NEW_PASSWORD, None)


def test_an_account_of_supann_2009_without_any_state_is_served(portal: Portal, slapd: PrivateSlapd) -> None:
    proof = portal.sign_in("tlambert", issue(portal, "tlambert", Origin.DESK))
    portal.redeem_key("tlambert", proof.mark, NEW_PASSWORD, None)
    assert "supannRessourceEtat" not in entry(slapd, "tlambert")
    assert portal.sign_in("tlambert", NEW_PASSWORD).by is By.PASSWORD


def test_keys_live_as_long_as_the_settings_say(portal: Portal) -> None:
    for origin, life in ((Origin.LETTER, timedelta(days=21)), (Origin.DESK, timedelta(hours=24))):
        issue(portal, "emercier", origin)
        assert account(portal, "emercier").key.expiry == portal.now() + life


def test_the_last_five_dead_keys_are_remembered_and_no_more(portal: Portal, slapd: PrivateSlapd) -> None:
    dead = [issue(portal, "emercier") for _ in range(7)][:-1]
    assert len(entry(slapd, "emercier")["moncompteSpentHash"]) == 5
    for key in dead[1:]:
        with pytest.raises(KeyDead):
            portal.sign_in("emercier", key)
    with pytest.raises(SignInRefused):
        portal.sign_in("emercier", dead[0])


def test_a_new_rescue_address_is_not_proved_yet(portal: Portal, slapd: PrivateSlapd) -> None:
    issue(portal, "jmartin001", Origin.DESK)
    set_values(slapd, "jmartin001", "moncompteRescueVerified", "20260901000000Z")
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.change("jmartin001", proof.mark, PASSWORD, NEW_PASSWORD, None)
    assert "moncompteRescueVerified" in entry(slapd, "jmartin001")
    proof = portal.sign_in("jmartin001", NEW_PASSWORD)
    set_values(slapd, "jmartin001", "moncompteRescueVerified")
    assert portal.change("jmartin001", proof.mark, NEW_PASSWORD, None, "jeanne@ailleurs.example").rescue_changed
    assert "moncompteRescueVerified" not in entry(slapd, "jmartin001")


def test_two_changes_in_one_second_owe_one_notice(portal: Portal, slapd: PrivateSlapd) -> None:
    for old, new in ((PASSWORD, NEW_PASSWORD), (NEW_PASSWORD, "sept-chats-dansent-ici")):
        mark = portal.sign_in("jmartin001", old).mark
        portal.change("jmartin001", mark, old, new, None)
    assert len(entry(slapd, "jmartin001")["moncompteNotice"]) == 1


@pytest.mark.parametrize(
    "state", ["{COMPTE}Archive", "{COMPTE}I", "{COMPTE}I:SupannPrecree", "{COMPTE}S", "{compte}s:x"]
)
def test_a_state_that_is_not_open_is_closed(portal: Portal, slapd: PrivateSlapd, state: str) -> None:
    set_values(slapd, "jmartin001", "supannRessourceEtat", state)
    with pytest.raises(SignInRefused):
        portal.sign_in("jmartin001", PASSWORD)


@pytest.mark.parametrize("state", ["{COMPTE}A", "{COMPTE}A:SupannSursis", "{compte}a:supannactif"])
def test_a_state_that_is_open_is_open_however_it_is_written(portal: Portal, slapd: PrivateSlapd, state: str) -> None:
    set_values(slapd, "jmartin001", "supannRessourceEtat", state)
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD
