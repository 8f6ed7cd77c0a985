"""The login box, on a real slapd with the portal's real rights: whatever can be typed, and what it may tell."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.demo.slapd import PrivateSlapd
from connector.errors import DirectoryUnavailable, KeyDead, KeyMistyped, SignInRefused
from connector.model import By, DeadKeyReason, Origin
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, issue, mailed_key, other_key, slip

NEW_PASSWORD = "trois-pommes-42-bleues"


def refusal(act: Callable[[], object]) -> type[SignInRefused]:
    with pytest.raises(SignInRefused) as caught:
        act()
    return caught.type


def attributes(slapd: PrivateSlapd, uid: str) -> dict[str, list[str]]:
    return slapd.search(f"(uid={uid})", "*", "+")[0]


def test_the_right_password_opens(portal: Portal) -> None:
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


@pytest.mark.parametrize("identifier", ["JMARTIN001", " jmartin001 ", "110000003AB", "110 000 003 ab"])
def test_a_person_is_found_by_login_or_ine_however_typed(portal: Portal, identifier: str) -> None:
    assert portal.sign_in(identifier, PASSWORD).account.uid == "jmartin001"


def test_either_of_two_ines_finds_its_person(portal: Portal) -> None:
    for ine in account(portal, "rbenali").ines:
        assert portal.sign_in(ine, PASSWORD).account.uid == "rbenali"


@pytest.mark.parametrize("typed", [str, str.lower, lambda key: key.replace("-", "").lower().replace("0", "O")])
def test_the_right_key_opens_however_typed(portal: Portal, typed: Callable[[str], str]) -> None:
    key = issue(portal, "emercier")
    assert portal.sign_in("emercier", typed(key)).by is By.KEY


def test_wrong_password_and_unknown_login_are_the_same_refusal(portal: Portal) -> None:
    assert refusal(lambda: portal.sign_in("jmartin001", "not the password")) is SignInRefused
    assert refusal(lambda: portal.sign_in("nobody", PASSWORD)) is SignInRefused


def test_an_empty_password_opens_nothing(portal: Portal) -> None:
    """RFC 4513 §5.1.2: an empty password would be an unauthenticated bind, which succeeds."""
    assert refusal(lambda: portal.sign_in("jmartin001", "")) is SignInRefused


def test_a_wrong_key_is_the_common_refusal_and_is_counted(portal: Portal, slapd: PrivateSlapd) -> None:
    key = issue(portal, "emercier")
    for count in ("1", "2"):
        assert refusal(lambda: portal.sign_in("emercier", other_key(key))) is SignInRefused
        assert attributes(slapd, "emercier")["moncompteKeyFailures"] == [count]


def test_a_wrong_key_is_counted_where_a_sysadmin_wrote_no_count(portal: Portal, slapd: PrivateSlapd) -> None:
    key = issue(portal, "emercier")
    dn = attributes(slapd, "emercier")["dn"][0]
    slapd.add_ldif(f"dn: {dn}\nchangetype: modify\ndelete: moncompteKeyFailures\n")
    refusal(lambda: portal.sign_in("emercier", other_key(key)))
    assert attributes(slapd, "emercier")["moncompteKeyFailures"] == ["1"]


def test_eight_wrong_keys_at_once_break_nothing_where_there_is_no_count_yet(
    portal: Portal, slapd: PrivateSlapd
) -> None:
    key = issue(portal, "emercier")
    dn = attributes(slapd, "emercier")["dn"][0]
    slapd.add_ldif(f"dn: {dn}\nchangetype: modify\ndelete: moncompteKeyFailures\n")
    with ThreadPoolExecutor(8) as crowd:
        refused = crowd.map(lambda _: refusal(lambda: portal.sign_in("emercier", other_key(key))), range(8))
        assert set(refused) == {SignInRefused}
    assert attributes(slapd, "emercier")["moncompteKeyFailures"] == ["8"]


def test_a_mistyped_key_is_told_apart_and_costs_nothing(
    portal: Portal, slapd: PrivateSlapd, clock: MovingClock
) -> None:
    """Neither an attempt at the key nor a failed bind, also for somebody who has a password."""
    portal.request_key("jmartin001")
    key = issue(portal, "jmartin001", Origin.DESK)
    before = attributes(slapd, "jmartin001")
    assert refusal(lambda: portal.sign_in("jmartin001", slip(key))) is KeyMistyped
    assert attributes(slapd, "jmartin001") == before
    assert portal.sign_in("jmartin001", key).by is By.KEY


@pytest.mark.parametrize("typed", [lambda key: key[:-1], lambda key: key[:7] + "7" + key[7:], lambda key: key[1:]])
def test_a_missing_or_surplus_character_is_a_slip_that_costs_nothing_either(
    portal: Portal, slapd: PrivateSlapd, typed: Callable[[str], str]
) -> None:
    key = issue(portal, "jmartin001", Origin.DESK)
    before = attributes(slapd, "jmartin001")
    assert refusal(lambda: portal.sign_in("jmartin001", typed(key))) is KeyMistyped
    assert attributes(slapd, "jmartin001") == before


def test_a_mistyped_key_is_told_apart_for_an_unknown_login_too(portal: Portal) -> None:
    assert refusal(lambda: portal.sign_in("nobody", slip(other_key("")))) is KeyMistyped


def test_a_password_that_looks_like_a_mistyped_key_opens_all_the_same(portal: Portal, slapd: PrivateSlapd) -> None:
    dn = attributes(slapd, "jmartin001")["dn"][0]
    slapd.add_ldif(f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: chats-chien-lap1n\n")
    issue(portal, "jmartin001", Origin.DESK)
    assert portal.sign_in("jmartin001", "chats-chien-lap1n").by is By.PASSWORD


def test_an_expired_key_is_told_to_who_types_it_and_to_nobody_else(portal: Portal, clock: MovingClock) -> None:
    key = issue(portal, "emercier")
    expiry = account(portal, "emercier").key.expiry
    clock.forward(days=21)
    with pytest.raises(KeyDead) as caught:
        portal.sign_in("emercier", key)
    assert (caught.value.reason, caught.value.ended) == (DeadKeyReason.EXPIRED, expiry)
    assert refusal(lambda: portal.sign_in("emercier", other_key(key))) is SignInRefused
    assert refusal(lambda: portal.sign_in("nfaure", key)) is SignInRefused


def test_a_used_key_is_told_to_who_types_it(portal: Portal) -> None:
    key = issue(portal, "emercier")
    portal.redeem_key("emercier", portal.sign_in("emercier", key).mark, NEW_PASSWORD, None)
    with pytest.raises(KeyDead) as caught:
        portal.sign_in("emercier", key)
    assert caught.value.reason is DeadKeyReason.SPENT


def test_a_replaced_key_is_told_to_who_types_it(portal: Portal) -> None:
    old = issue(portal, "emercier")
    new = issue(portal, "emercier")
    with pytest.raises(KeyDead) as caught:
        portal.sign_in("emercier", old)
    assert caught.value.reason is DeadKeyReason.SPENT
    assert portal.sign_in("emercier", new).by is By.KEY


@pytest.mark.parametrize("uid", ["smoreau", "vgarnier", "ileroux", "bdubois"])
def test_suspended_expired_locked_and_staff_get_the_common_refusal_with_the_right_password(
    portal: Portal, uid: str
) -> None:
    assert refusal(lambda: portal.sign_in(uid, PASSWORD)) is SignInRefused


def test_a_live_key_of_somebody_suspended_meanwhile_opens_nothing(portal: Portal, slapd: PrivateSlapd) -> None:
    key = issue(portal, "jmartin001", Origin.DESK)
    dn = attributes(slapd, "jmartin001")["dn"][0]
    slapd.add_ldif(
        f"dn: {dn}\nchangetype: modify\nreplace: supannRessourceEtat\n"
        "supannRessourceEtat: {COMPTE}S:SupannVerrouAdministratif\n"
    )
    assert refusal(lambda: portal.sign_in("jmartin001", key)) is SignInRefused


def test_an_account_locked_by_the_policy_gets_the_common_refusal(portal: Portal, slapd: PrivateSlapd) -> None:
    for _ in range(10):
        refusal(lambda: portal.sign_in("jmartin001", "not the password"))
    assert "pwdAccountLockedTime" in attributes(slapd, "jmartin001")
    assert refusal(lambda: portal.sign_in("jmartin001", PASSWORD)) is SignInRefused


def test_a_mailed_key_opens_an_account_that_the_policy_locked_for_a_while(
    portal: Portal, slapd: PrivateSlapd, mailbox
) -> None:
    """What users of other portals ask for loudest: the new password also ends the lockout."""
    for _ in range(10):
        refusal(lambda: portal.sign_in("jmartin001", "not the password"))
    proof = portal.sign_in("jmartin001", mailed_key(portal, mailbox, "jmartin001"))
    portal.redeem_key("jmartin001", proof.mark, NEW_PASSWORD, None)
    assert portal.sign_in("jmartin001", NEW_PASSWORD).by is By.PASSWORD


def test_an_ine_that_two_people_carry_finds_neither_and_their_logins_find_each(portal: Portal) -> None:
    shared = account(portal, "afontaine").ines[0]
    assert refusal(lambda: portal.sign_in(shared, PASSWORD)) is SignInRefused
    assert portal.sign_in("afontaine2", PASSWORD).account.uid == "afontaine2"


@pytest.mark.parametrize("identifier", ["*", "*)(uid=*", "jmartin*", "\\2a", "jmartin001)(objectClass=*", "é", "\x00"])
def test_an_identifier_is_never_a_filter(portal: Portal, identifier: str) -> None:
    assert refusal(lambda: portal.sign_in(identifier, PASSWORD)) is SignInRefused


def test_a_directory_that_is_down_is_not_a_wrong_password(portal: Portal, slapd: PrivateSlapd) -> None:
    slapd.halt()
    try:
        for uid in ("jmartin001", "nobody"):
            with pytest.raises(DirectoryUnavailable):
                portal.sign_in(uid, PASSWORD)
    finally:
        slapd.launch()
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


def test_a_second_login_is_accepted_where_configured(
    portal: Portal, settings: Settings, clock: MovingClock, people: dict[str, str]
) -> None:
    names = settings.attributes.model_copy(update={"alias": "supannAliasLogin"})
    other = Portal(settings.model_copy(update={"attributes": names}), clock)
    assert other.sign_in("jeanne.martin", PASSWORD).account.uid == "jmartin001"
    assert refusal(lambda: portal.sign_in("jeanne.martin", PASSWORD)) is SignInRefused
    other.stop()


def test_a_key_that_says_no_end_is_dead(portal: Portal, slapd: PrivateSlapd) -> None:
    key = issue(portal, "emercier")
    dn = attributes(slapd, "emercier")["dn"][0]
    slapd.add_ldif(f"dn: {dn}\nchangetype: modify\ndelete: moncompteKeyExpiry\n")
    with pytest.raises(KeyDead):
        portal.sign_in("emercier", key)
