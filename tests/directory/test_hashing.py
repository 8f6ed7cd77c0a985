"""A directory that would store a password in clear is found out before it is given one."""

from collections.abc import Iterator

import pytest

from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import DirectoryMisconfigured
from connector.model import By, Change
from connector.portal import Portal
from tests.conftest import reset_people
from tests.portal_fixtures import MovingClock, account, issue

NEW_PASSWORD = "trois-pommes-42-bleues"


@pytest.fixture
def careless() -> Iterator[PrivateSlapd]:
    """A slapd whose password policy does not hash what arrives in clear."""
    with PrivateSlapd(hash_cleartext=False) as slapd:
        reset_people(slapd)
        yield slapd


def test_the_portal_refuses_to_start_and_says_what_to_do(
    careless: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal = Portal(demo_settings(careless, mailbox, 8080), clock)
    with pytest.raises(DirectoryMisconfigured, match="olcPPolicyHashCleartext"):
        portal.start()
    portal.stop()


def test_a_portal_that_started_during_an_outage_still_finds_out_before_the_first_password(
    careless: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal = Portal(demo_settings(careless, mailbox, 8080), clock)
    issue(portal, "emercier")
    with pytest.raises(DirectoryMisconfigured):
        portal.directory.redeem(account(portal, "emercier"), Change(NEW_PASSWORD), portal.now())
    assert "userPassword" not in careless.search("(uid=emercier)", "*")[0]
    portal.stop()


def test_where_a_setting_says_so_we_hash_and_the_new_password_binds(
    careless: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    settings = demo_settings(careless, mailbox, 8080)
    hashing = settings.model_copy(update={"password": settings.password.model_copy(update={"hash": "argon2id"})})
    portal = Portal(hashing, clock)
    portal.start()
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)
    assert careless.search("(uid=emercier)", "userPassword")[0]["userPassword"][0].startswith("{ARGON2}$argon2id$")
    assert portal.sign_in("emercier", NEW_PASSWORD).by is By.PASSWORD
    portal.stop()
