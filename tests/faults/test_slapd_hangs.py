"""slapd frozen, slow, on a disk that hangs: everybody is answered soon, and nobody waits in vain twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.demo.slapd import PrivateSlapd
from connector.directory.servers import PAUSE_SECONDS
from connector.errors import DirectoryUnavailable
from connector.model import By
from connector.portal import Portal
from tests.conftest import PASSWORD, reset_people
from tests.faults.conftest import THREADS, TIMEOUT_SECONDS, Another, LetPass, Serve
from tests.faults.trouble import frozen, kill, stalled_disk
from tests.faults.visitors import Visitor, ask
from tests.web.steps import write

EVERYBODY = ("jmartin001", "emercier", "nobody")


def waited(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of the requests that waited for slapd; not of those refused at once."""
    said = [record.getMessage() for record in caplog.records if "unavailable" in record.getMessage()]
    return [text for text in said if "in time" not in text]


def test_when_slapd_hangs_a_crowd_is_told_soon_and_the_front_page_stands(
    portal: Portal, serve: Serve, slapd: PrivateSlapd, let_pass: LetPass, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a breaker, forty who wait for one second in four threads make ten seconds for everybody."""
    port, began = serve(portal), time.monotonic()
    with frozen(slapd), ThreadPoolExecutor(60) as crowd:
        asked = [crowd.submit(ask, port, identifier=f"{name}{n}") for n in range(20) for name in ("nobody", "jmartin")]
        shown = [crowd.submit(Visitor(port).get, path) for path in ("/", "/static/x/style.css", "/oubli/envoye") * 5]
        assert {page.result() for page in shown} == {200}
        assert Counter(done.result() for done in asked) == {503: 40}
    assert time.monotonic() - began < 6 * TIMEOUT_SECONDS
    assert 0 < len(waited(caplog)) <= 2 * THREADS
    let_pass(PAUSE_SECONDS)
    assert {ask(port, identifier=uid) for uid in EVERYBODY} == {303}
    assert ask(port, "/connexion", identifier="jmartin001", secret=PASSWORD) == 303


def test_after_a_pause_one_probe_waits_for_all_until_it_is_answered(
    portal: Portal, slapd: PrivateSlapd, let_pass: LetPass
) -> None:
    def is_refused_at_once() -> bool:
        began = time.monotonic()
        with pytest.raises(DirectoryUnavailable, match="in time"):
            portal.request_key("jmartin001")
        return time.monotonic() - began < TIMEOUT_SECONDS / 2

    with frozen(slapd), ThreadPoolExecutor(8) as others:
        for _ in range(2):  # the second time it is the probe that waits in vain
            with pytest.raises(DirectoryUnavailable, match=r"Receive|Timeout|timed out"):
                portal.request_key("jmartin001")
            assert is_refused_at_once()
            let_pass(PAUSE_SECONDS)
        probe = others.submit(portal.request_key, "jmartin001")
        while not portal.directory._operations._reading._probe.locked():
            assert not probe.done()
        assert is_refused_at_once()
        slapd.resume()
        assert probe.result() is None
        for asked in [others.submit(portal.request_key, "nobody") for _ in range(64)]:
            assert asked.result() is None


def test_one_who_is_slow_by_himself_shuts_nobody_out(portal: Portal, mortal: PrivateSlapd) -> None:
    """His password's hash takes minutes; the others' are checked meanwhile."""
    write(mortal, "rbenali", "userPassword", f"{{CRYPT}}$6$rounds=999999999$saltsaltsaltsalt${'x' * 86}")
    with ThreadPoolExecutor(1) as other:
        slow, began = other.submit(portal.sign_in, "rbenali", PASSWORD), time.monotonic()
        while time.monotonic() - began < TIMEOUT_SECONDS / 2:
            portal.sign_in("jmartin001", PASSWORD)
        assert isinstance(slow.exception(), DirectoryUnavailable)
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD
    kill(mortal)


@pytest.fixture
def second(slapd: PrivateSlapd) -> Iterator[PrivateSlapd]:
    """Another provider of the same directory."""
    server = PrivateSlapd(password_hash="{SSHA}")
    server.portal_password = slapd.portal_password
    with server:
        reset_people(server)
        yield server


def test_a_server_that_hangs_is_left_for_the_next_one_and_found_again_when_it_is_back(
    another: Another, people: dict[str, str], slapd: PrivateSlapd, second: PrivateSlapd, let_pass: LetPass
) -> None:
    portal = another(directory={"uri": (slapd.ldapi_uri, second.ldapi_uri)})

    def signs_in_soon() -> bool:
        began = time.monotonic()
        assert portal.sign_in("jmartin001", PASSWORD)
        return time.monotonic() - began < TIMEOUT_SECONDS

    assert signs_in_soon()
    with frozen(slapd):
        with pytest.raises(DirectoryUnavailable):
            portal.sign_in("jmartin001", PASSWORD)
        assert [signs_in_soon() for _ in range(3)] == [True] * 3
    let_pass(61)
    with frozen(second):
        assert signs_in_soon()


def test_when_both_servers_hang_nobody_waits_for_long_either(
    another: Another, people: dict[str, str], slapd: PrivateSlapd, second: PrivateSlapd, let_pass: LetPass
) -> None:
    portal = another(directory={"uri": (slapd.ldapi_uri, second.ldapi_uri)})
    assert portal.sign_in("jmartin001", PASSWORD)
    with frozen(slapd), frozen(second):
        for _ in range(2):  # the open connection; then no new one
            with pytest.raises(DirectoryUnavailable):
                portal.sign_in("jmartin001", PASSWORD)
        with pytest.raises(DirectoryUnavailable, match="a moment ago"):
            portal.sign_in("jmartin001", PASSWORD)
    let_pass(PAUSE_SECONDS)
    assert portal.sign_in("jmartin001", PASSWORD)


def test_when_a_disk_hangs_writes_are_refused_soon_and_whoever_knows_the_password_comes_in(
    portal: Portal, serve: Serve, slapd: PrivateSlapd, let_pass: LetPass, caplog: pytest.LogCaptureFixture
) -> None:
    port = serve(portal)
    with stalled_disk(slapd), ThreadPoolExecutor(60) as crowd:
        asked = [crowd.submit(ask, port, identifier=f"{name}{n}") for n in range(20) for name in ("nobody", "jmartin")]
        assert Counter(done.result() for done in asked) == {503: 40}
        assert 0 < len(waited(caplog)) <= 2 * THREADS
        assert ask(port, "/connexion", identifier="jmartin001", secret=PASSWORD) == 303
    let_pass(PAUSE_SECONDS)
    assert {ask(port, identifier=uid) for uid in EVERYBODY} == {303}
