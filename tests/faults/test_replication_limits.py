"""Two providers, or a provider and its consumer: what holds when one of them dies, and what cannot."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.directory import servers
from connector.errors import DirectoryMisconfigured, DirectoryUnavailable, MonCompteError, SignInRefused
from connector.model import By
from connector.portal import Portal
from connector.settings import Settings
from tests.checked import examined
from tests.conftest import PASSWORD, reset_people
from tests.faults.conftest import LetPass, changed
from tests.faults.consistency import NONE, faults, mend, password_of
from tests.faults.replicas import Pair, replicated
from tests.faults.wanderers import NEW
from tests.portal_fixtures import START, MovingClock, issue, key_in

EIGHT = [f"Trois-chaloupes-{number}-voiles" for number in range(8)]


@pytest.fixture
def portals(equal: Pair, both: Settings, clock: MovingClock) -> Iterator[list[Portal]]:
    """Two, that have seen their directory well, and wait for it longer than a busy machine's disk takes."""
    made = [Portal(changed(both, directory={"timeout_seconds": 20}), clock) for _ in range(2)]
    for portal in made:
        portal.directory.prepare()
    yield made
    for portal in made:
        portal.stop()


def redeem(portal: Portal, key: str, password: str = NEW) -> bool:
    """Whether the key let somebody choose a password here; an outage is not an answer."""
    try:
        proof = portal.sign_in("emercier", key)
        portal.redeem_key("emercier", proof.mark, password, None)
    except DirectoryUnavailable:
        raise
    except MonCompteError:
        return False
    return True


def harm(pair: Pair, *passwords: str) -> list[str]:
    """What is wrong with any account, once both servers know the same."""
    pair.wait_until_equal()
    return faults(pair.servers, START, {"emercier": passwords})


def dn_of(pair: Pair, uid: str) -> str:
    return f"uid={uid},{pair.first.people_dn}"


def opens(pair: Pair, password: str) -> bool:
    return password_of(pair.first, dn_of(pair, "emercier"), [password]) is not None


def test_of_eight_clicks_at_two_portals_one_redeems_the_key(equal: Pair, portals: list[Portal]) -> None:
    """Both write to the first server, which lets one Modify pass: exact, however late the second server is."""
    equal.cut()
    key = issue(portals[0], "emercier")
    with ThreadPoolExecutor(8) as crowd:
        asked = {word: crowd.submit(redeem, portals[n % 2], key, word) for n, word in enumerate(EIGHT)}
    redeemed = [word for word, click in asked.items() if click.result()]
    assert len(redeemed) == 1
    equal.join()
    assert harm(equal, *redeemed) == []


def test_the_check_finds_nothing_wrong_with_two_providers(equal: Pair, both: Settings) -> None:
    assert replicas_found(both) == [("ok", "2 servers hold the same")]


def replicas_found(settings: Settings) -> list[tuple[str, str]]:
    return [(found.level.value, found.what) for found in examined(settings).findings() if found.name == "replicas"]


def test_a_redemption_that_a_dying_server_alone_knew_is_everywhere_once_its_entry_was_touched(
    equal: Pair, portals: list[Portal]
) -> None:
    """slapd 2.5.13 leaves it there alone: its own note of the change carries the portal's assertion, and fails."""
    key = issue(portals[0], "emercier")
    equal.wait_until_equal()
    equal.cut()
    assert redeem(portals[0], key)
    equal.kill(equal.first)
    equal.first.restart()
    equal.join()
    equal.wait_until_equal()
    assert mend(equal.first, equal.second) in ([], [dn_of(equal, "emercier")])
    assert harm(equal, NEW) == []
    assert opens(equal, NEW)


def test_one_wrong_password_elsewhere_undoes_what_the_first_server_alone_knew(
    equal: Pair, portals: list[Portal]
) -> None:
    """The failure is noted in the entry, which is then the later one, whole: the price of answering before copying."""
    equal.cut()
    proof = portals[0].sign_in("jmartin001", PASSWORD)
    portals[0].change("jmartin001", proof.mark, PASSWORD, NEW, None)
    equal.kill(equal.first)
    with pytest.raises(SignInRefused):
        portals[1].sign_in("jmartin001", NEW)
    equal.first.restart()
    equal.join()
    assert harm(equal, NONE) == []
    assert password_of(equal.first, dn_of(equal, "jmartin001"), [PASSWORD, NEW]) == PASSWORD


def test_a_key_whose_redemption_died_with_the_first_server_opens_once_more_and_the_later_password_stays(
    equal: Pair, portals: list[Portal]
) -> None:
    """What replication that does not wait cannot promise. The account is whole all the same."""
    key = issue(portals[0], "emercier")
    equal.wait_until_equal()
    equal.cut()
    assert redeem(portals[0], key, "Trois-chaloupes-1-voile")
    equal.kill(equal.first)
    assert redeem(portals[1], key, "Trois-chaloupes-2-voiles")
    equal.first.restart()
    equal.join()
    assert harm(equal, "Trois-chaloupes-1-voile", "Trois-chaloupes-2-voiles") == []
    assert opens(equal, "Trois-chaloupes-2-voiles")
    assert not redeem(portals[0], key)


def test_two_portals_that_each_see_one_server_redeem_a_key_twice_and_the_later_wins_whole(
    equal: Pair, both: Settings, clock: MovingClock
) -> None:
    """The same, and nobody died: so portals and servers belong on one network."""
    sides = [Portal(changed(both, directory={"uri": (uri,)}), clock) for uri in equal.uris]
    key = issue(sides[0], "emercier")
    equal.wait_until_equal()
    equal.cut()
    assert [redeem(side, key, f"Trois-chaloupes-{n}-voiles") for n, side in enumerate(sides)] == [True, True]
    equal.join()
    assert harm(equal, "Trois-chaloupes-0-voiles", "Trois-chaloupes-1-voiles") == []
    assert [opens(equal, f"Trois-chaloupes-{n}-voiles") for n in range(2)] == [False, True]
    for side in sides:
        side.stop()


def test_writes_return_to_the_first_server_within_a_minute_of_its_return(
    equal: Pair, portals: list[Portal], let_pass: LetPass
) -> None:
    equal.kill(equal.first)
    issue(portals[0], "emercier")
    equal.first.restart()
    equal.wait_until_equal()
    let_pass(servers._REMEMBERED_SECONDS + 1)
    equal.cut()
    issue(portals[0], "jmartin001")
    owner = {server: server.search("(uid=jmartin001)", "moncompteKeyHash")[0] for server in equal.servers}
    assert "moncompteKeyHash" in owner[equal.first]
    assert owner[equal.first] != owner[equal.second]


def test_a_mail_owed_by_a_server_that_died_is_sent_with_a_key_that_works(
    equal: Pair, portals: list[Portal], mailbox: Mailbox, clock: MovingClock
) -> None:
    equal.cut()
    portals[0].request_key("jmartin001")
    equal.kill(equal.first)
    portals[1].outbox.dispatch(clock())  # the second knows nothing of it
    assert mailbox.mails == []
    equal.first.restart()
    equal.join()
    equal.wait_until_equal()
    clock.forward(seconds=120)
    portals[1].outbox.dispatch(clock())
    equal.wait_until_equal()  # the key was written at the second, where the dead one is still remembered
    assert portals[0].sign_in("jmartin001", key_in(mailbox.mails[-1])).by is By.KEY


def test_a_consumer_serves_who_knows_the_password_and_refuses_honestly_to_write(
    tmp_path: Path, mailbox: Mailbox, clock: MovingClock
) -> None:
    with replicated(tmp_path, "40-consumer.ldif") as pair:
        reset_people(pair.first)
        usual = demo_settings(pair.first, mailbox, 8080, str(tmp_path / "audit.jsonl"))
        settings = changed(usual, directory={"uri": pair.uris, "timeout_seconds": 1})
        portal = Portal(settings, clock)
        portal.directory.prepare()
        key = issue(portal, "emercier")
        pair.wait_until_equal()
        assert replicas_found(settings) == [("ok", "2 servers hold the same")]
        pair.kill(pair.first)
        assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD
        for _ in range(2):
            with pytest.raises(DirectoryUnavailable, match="takes no writes"):
                portal.request_key("jmartin001")
        another = Portal(settings, clock)
        with pytest.raises(DirectoryMisconfigured, match="list the provider first"):
            another.directory.prepare()
        another.stop()
        proof = portal.sign_in("emercier", key)
        with pytest.raises(DirectoryUnavailable, match="takes no writes"):
            portal.redeem_key("emercier", proof.mark, NEW, None)
        pair.first.restart()
        portal.stop()
        again = Portal(settings, clock)
        assert redeem(again, key)
        again.stop()
        assert harm(pair, NEW) == []
