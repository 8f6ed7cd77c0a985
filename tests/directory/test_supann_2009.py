"""A directory that is still on SUPANN 2009: a private address without label, and no state."""

from collections.abc import Iterator

import pytest

from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.model import By, Origin
from connector.portal import Portal
from tests.conftest import reset_people
from tests.portal_fixtures import MovingClock, account, enter_code, issue, mailed_key

LABELLED = '  attrs=supannMailPrive val.regex="^[{]SECOURS[}]"'
UNLABELLED = "  attrs=supannMailPerso"  # what the comment in 60-access.ldif says to write instead


@pytest.fixture
def slapd_2009() -> Iterator[PrivateSlapd]:
    with PrivateSlapd(password_hash="{SSHA}") as slapd:
        found = slapd.run(
            "ldapsearch", "-Q", "-Y", "EXTERNAL", "-LLL", "-o", "ldif-wrap=no", "-b", "olcDatabase={1}mdb,cn=config"
        )
        rule = next(line for line in found.splitlines() if line.startswith("olcAccess: {3}"))
        assert LABELLED.strip() in rule
        database = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\n"
        changed = rule.replace(LABELLED.strip(), UNLABELLED.strip())
        slapd.add_config(f"{database}delete: olcAccess\nolcAccess: {{3}}\n-\nadd: olcAccess\n{changed}\n")
        reset_people(slapd)
        yield slapd


def test_forget_and_come_back_on_supann_2009(slapd_2009: PrivateSlapd, mailbox: Mailbox, clock: MovingClock) -> None:
    settings = demo_settings(slapd_2009, mailbox, 8080)
    names = {"rescue": "supannMailPerso", "rescue_label": "", "state": "", "state_date": ""}
    portal = Portal(settings.model_copy(update={"attributes": settings.attributes.model_copy(update=names)}), clock)
    old = account(portal, "tlambert").rescue
    assert old == slapd_2009.search("(uid=tlambert)", "supannMailPerso")[0]["supannMailPerso"][0]
    proof = portal.sign_in("tlambert", mailed_key(portal, mailbox, "tlambert"))
    done = portal.redeem_key("tlambert", proof.mark, "trois-pommes-42-bleues", "theo@ailleurs.example")
    enter_code(portal, mailbox, done.proof)
    after = slapd_2009.search("(uid=tlambert)", "*")[0]
    assert after["supannMailPerso"] == ["theo@ailleurs.example"]
    assert "supannRessourceEtat" not in after
    assert portal.sign_in("tlambert", "trois-pommes-42-bleues").by is By.PASSWORD
    assert issue(portal, "tlambert", Origin.DESK)
    portal.stop()
