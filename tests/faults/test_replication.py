"""Two providers and two portals: what is accepted is kept, whichever of them dies, and for how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from connector import keys
from connector.clock import utc_now
from connector.demo.mailbox import Mailbox
from connector.demo.people import SamplePerson, sample_people, to_ldif
from connector.portal import Portal
from connector.settings import Settings
from tests.faults.conftest import changed
from tests.faults.consistency import NONE, faults, mend, password_of
from tests.faults.replicas import Pair
from tests.faults.serving import Serving
from tests.faults.trouble import frozen
from tests.faults.wanderers import NEW, Load
from tests.portal_fixtures import SHOWN_KEY
from webui.server import listen

PEOPLE, CLIENTS, STEP, FAULTS, KILLS = 600, 4, 25, 7, 3


@contextmanager
def two_portals(settings: Settings, folder: Path) -> Iterator[list[Serving]]:
    portals = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        with listen("127.0.0.1", 0) as free:
            web = {"listen": f"127.0.0.1:{free.getsockname()[1]}", "threads": CLIENTS}
        portals.append(Serving(changed(settings, web=web), folder / name))
    for portal in portals:
        portal.start()
    try:
        yield portals
    finally:
        for portal in portals:
            portal.stop()


def crowd_in(pair: Pair) -> list[tuple[str, SamplePerson]]:
    """Sample people in the directory and nobody else, and what each of them comes for."""
    old = [entry["dn"][0] for entry in pair.first.search("(uid=*)", "1.1", base=pair.first.people_dn)]
    people = sample_people(PEOPLE, utc_now(), pair.first.base)
    pair.first.add_ldif("".join(f"dn: {dn}\nchangetype: delete\n\n" for dn in old) + to_ldif(people))
    pair.wait_until_equal()
    return [(_affair(person, number), person) for number, person in enumerate(people) if person.serves is None]


def _affair(person: SamplePerson, number: int) -> str:
    if person.key and person.state == "to-activate":
        return "redeem"
    return "change" if person.password and person.state == "active" and number % 2 else "ask"


@pytest.mark.long
def test_under_load_each_server_dies_and_the_line_between_them_and_no_account_is_harmed(
    pair: Pair, both: Settings, mailbox: Mailbox, tmp_path: Path
) -> None:
    affairs = crowd_in(pair)
    with two_portals(both, tmp_path) as portals, ThreadPoolExecutor(CLIENTS) as clients:
        load = Load([portal.port for portal in portals], affairs)
        working = [clients.submit(load.work) for _ in range(CLIENTS)]
        for server in (pair.first, pair.second, pair.first):
            load.wait_for(STEP)
            pair.kill(server)
            load.wait_for(STEP)
            server.restart()
        load.wait_for(STEP)
        pair.cut()
        load.wait_for(STEP)
        pair.join()
        with frozen(pair.first):
            load.wait_for(STEP)
        for portal in portals:
            load.wait_for(STEP)
            portal.stop()
            portal.start()
        assert [client.exception() for client in working] == [None] * CLIENTS
        pair.wait_until_equal()
    drain(both)
    pair.wait_until_equal()

    assert {kind for kind, _ in affairs} == {"ask", "redeem", "change"}
    passwords = {uid: told.passwords for uid, told in load.told.items()}
    assert len(mend(pair.first, pair.second)) <= KILLS, "what a server knew alone when it died"
    pair.wait_until_equal()
    assert faults(pair.servers, utc_now(), passwords) == []
    done = Counter((kind, load.told[person.uid].passwords[-1:] == [NEW]) for kind, person in affairs)
    assert min(done["redeem", True], done["change", True]) > STEP
    assert sum(not told.is_sure for told in load.told.values()) <= FAULTS * CLIENTS, "who was there alone is told so"
    assert everybody_has_what_they_were_told(pair, affairs, load, mailbox) == []
    assert all("Traceback" not in portal.log for portal in portals)


def drain(settings: Settings) -> None:
    """Another process sends what is left, a minute later."""
    later = utc_now() + timedelta(minutes=1)
    portal = Portal(settings, lambda: later)
    portal.outbox.dispatch(later)
    portal.stop()


def everybody_has_what_they_were_told(
    pair: Pair, affairs: Sequence[tuple[str, SamplePerson]], load: Load, mailbox: Mailbox
) -> list[str]:
    """Who was told of a mail has one with a key that is theirs; who was told of a password has it."""
    mails = {mail.to[0]: found[0] for mail in mailbox.mails if (found := SHOWN_KEY.search(mail.text))}
    entries = {entry["uid"][0]: entry for entry in pair.first.search("(uid=*)", "*", base=pair.first.people_dn)}
    lost = []
    for kind, person in affairs:
        told, entry = load.told[person.uid], entries[person.uid]
        if kind == "ask" and person.rescue and person.state in {"active", "to-activate"}:
            typed = keys.read(mails.get(person.rescue, ""))
            if not typed or not keys.verify(typed.text, entry.get("moncompteKeyHash", [""])[0]):
                lost.append(f"{person.uid}: no mail with a key that works")
        if told.is_sure and told.passwords != [NONE] and not password_of(pair.first, person.dn, told.passwords[-1:]):
            lost.append(f"{person.uid}: not the password they were told of")
        if told.is_sure and told.passwords[-1:] == [NEW] and "moncompteKeyHash" in entry:
            lost.append(f"{person.uid}: the key lives on")
    return lost
