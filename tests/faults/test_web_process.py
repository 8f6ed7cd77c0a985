"""kill -9 of "moncompte serve" under load: whoever was told that a mail is on its way gets it, by count."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from connector import keys
from connector.clock import utc_now
from connector.demo.mailbox import Mailbox
from connector.demo.people import SamplePerson, sample_people, to_ldif
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from connector.settings import Settings
from tests.faults.conftest import changed
from tests.faults.serving import Crowd, Serving
from tests.portal_fixtures import key_in
from webui.server import listen

PEOPLE, NOBODIES, KILLS, CLIENTS = 600, 40, 6, 4
SHORT = {"timeout_seconds": 1, "lease_seconds": 2, "dispatch_every_seconds": 1}


@pytest.fixture
def crowd_of(slapd: PrivateSlapd) -> Sequence[SamplePerson]:
    """Sample people in the directory, and nobody else."""
    old = [entry["dn"][0] for entry in slapd.search("(uid=*)", "1.1", base=slapd.people_dn)]
    people = sample_people(PEOPLE, utc_now(), slapd.base)
    slapd.add_ldif("".join(f"dn: {dn}\nchangetype: delete\n\n" for dn in old) + to_ldif(people))
    return people


@pytest.fixture
def serving(settings: Settings, tmp_path: Path) -> Serving:
    with listen("127.0.0.1", 0) as free:
        web = {"listen": f"127.0.0.1:{free.getsockname()[1]}", "threads": CLIENTS}
    return Serving(changed(settings, web=web, mail=SHORT), tmp_path)


def ask_and_kill(serving: Serving, asking: list[str]) -> dict[str, int | None]:
    """The answers by identifier; the server was killed while it worked, the last time when all had asked."""
    dice = random.Random(KILLS)  # noqa: S311 - when to kill is no secret
    dice.shuffle(asking)
    crowd = Crowd(serving.port, asking)
    serving.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as clients:
            working = [clients.submit(crowd.ask) for _ in range(CLIENTS)]
            for moment in sorted(dice.sample(range(10, len(asking)), KILLS - 1)):
                crowd.wait_for(moment)
                serving.kill()
                serving.start()
        assert [client.exception() for client in working] == [None] * CLIENTS
    finally:
        serving.kill()
    return crowd.answers


def drain(settings: Settings) -> None:
    """Another process sends what is left, a minute later."""
    later = utc_now() + timedelta(minutes=1)
    portal = Portal(settings, lambda: later)
    portal.outbox.dispatch(later)
    portal.stop()


@pytest.mark.long
def test_whoever_was_told_of_a_mail_gets_it_though_the_server_was_killed_again_and_again(
    settings: Settings, serving: Serving, crowd_of: Sequence[SamplePerson], slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    asking = [person.uid for person in crowd_of[: PEOPLE * 3 // 4]]
    answers = ask_and_kill(serving, [*asking, *(f"nobody{number}" for number in range(NOBODIES))])
    drain(settings)

    assert set(answers.values()) <= {303, None}
    unanswered = {uid for uid, status in answers.items() if status is None}
    assert len(unanswered) <= KILLS * CLIENTS
    has_mail = {p.uid: p.rescue for p in crowd_of if p.rescue and p.state in {"active", "to-activate"}}
    mails = Counter(mail.to[0] for mail in mailbox.mails)
    assert {has_mail[uid] for uid in has_mail if answers.get(uid) == 303} <= set(mails)
    assert set(mails) <= {has_mail[uid] for uid in has_mail if uid in answers}
    surplus = mails.total() - len(mails)
    assert surplus <= KILLS, "a kill finds one mail at most between its sending and its settling"

    last = {mail.to[0]: key_in(mail) for mail in mailbox.mails}
    entries = slapd.search("(moncompteKeyOrigin=mail)", "*", base=slapd.people_dn)
    assert {has_mail[entry["uid"][0]] for entry in entries} == set(mails)
    for entry in entries:
        typed = keys.read(last[str(has_mail[entry["uid"][0]])])
        assert typed
        assert keys.verify(typed.text, entry["moncompteKeyHash"][0])
        assert "moncompteMailDue" not in entry
    assert "Traceback" not in serving.log
