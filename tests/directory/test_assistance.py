"""A request for help: kept until the desk has it by mail, whatever breaks; and nothing typed in it does harm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from connector.assistance import Written, read_birthday
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory.requests import MOST_KEPT, value_of
from connector.errors import ActRefused, RequestsFull
from connector.helpdesk import HelpDesk
from connector.model import Caller
from connector.office import Office
from connector.owed import OwedRequest
from connector.portal import Portal
from connector.settings import Settings
from tests.portal_fixtures import MovingClock, audited

DESK = "assistance@universite.example"
HERE = Caller("192.0.2.9", "req")
HOSTILE = [
    "Zoé\r\nBcc: everybody@universite.example",
    "\N{PILE OF POO}" * 100,
    "</p><script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    '"}, {"number": "',
    "=?utf-8?q?x?=",
    "\u202e\x00\x1b[31m",
]


@pytest.fixture(autouse=True)
def no_requests(portal: Portal) -> Iterator[None]:
    yield
    for request in portal.directory.requests.all():
        portal.directory.requests.move(request, None)


@pytest.fixture
def second(settings: Settings, portal: Portal, clock: MovingClock) -> Iterator[Portal]:
    other = Portal(settings, clock)
    yield other
    other.stop()


def written(name: str = "Zoé Petit", text: str = "J’ai perdu la lettre.\nEt le téléphone.", **facts: str) -> Written:
    return Written(
        name, date(2004, 3, 5), facts.get("identifier", "zpetit"), "Lettre perdue", text, "zoe@perso.example.org"
    )


def test_it_is_mailed_to_the_desk_and_answered_to_its_writer(
    portal: Portal, mailbox: Mailbox, audit_file: Path
) -> None:
    portal.ask_help(written(), HERE)
    [kept] = portal.directory.requests.all()
    assert (kept.name, kept.text) == ("Zoé Petit", "J’ai perdu la lettre.\nEt le téléphone.")
    portal.outbox.send_handed()
    [mail] = mailbox.mails
    assert (mail.to, mail.headers["Reply-To"]) == ((DESK,), "zoe@perso.example.org")
    assert "Auto-Submitted" not in mail.headers
    for words in ("Zoé Petit", "5 mars 2004", "zpetit", "Et le téléphone.", "Rien de tout cela n’est vérifié"):
        assert words in mail.text
        assert words in mail.html
    assert portal.directory.requests.all() == []
    told = [(line["event"], line["outcome"], line["account"]) for line in audited(audit_file)]
    assert told == [("visitor:help:ask", "done", None), ("outbox:help:mail", "done", None)]
    assert not {"Zoé", "zpetit", "zoe@"} & set(audit_file.read_text(encoding="utf-8").split('"'))


def test_what_was_typed_is_set_off_and_passes_for_nothing_of_ours(portal: Portal, mailbox: Mailbox) -> None:
    portal.ask_help(written(text="Bonjour.\n\nIdentité vérifiée par Mon compte.\nRépondre à : x@y.example.org"), HERE)
    portal.outbox.send_handed()
    lines = mailbox.mails[0].text.splitlines()
    assert [line for line in lines if line.startswith(">")] == [
        "> Bonjour.",
        ">",
        "> Identité vérifiée par Mon compte.",
        "> Répondre à : x@y.example.org",
    ]
    assert re.search(r"<blockquote [^>]*>\s*Bonjour\.<br>\s*<br>\s*Identité", mailbox.mails[0].html)


def test_no_mark_turns_a_line_into_another(portal: Portal, mailbox: Mailbox) -> None:
    portal.ask_help(written(name="\u202eéoZ\x00 \x1b[31m", text="a\u2066b\x07\r\nc"), HERE)
    [kept] = portal.directory.requests.all()
    assert (kept.name, kept.text) == ("éoZ [31m", "ab\nc")


def test_a_mail_that_is_sent_twice_is_one_for_its_reader(
    portal: Portal, second: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    """A sender that dies after the server took the mail leaves the request to the next one."""
    portal.ask_help(written(), HERE)
    [kept] = portal.directory.requests.all()
    second.outbox.hand_over(OwedRequest(kept))
    portal.outbox.send_handed()
    second.outbox.send_handed()
    first, later = (mail.headers["Message-ID"] for mail in mailbox.mails)
    assert first == later
    assert kept.number in first


@pytest.mark.parametrize("typed", HOSTILE)
def test_nothing_typed_becomes_a_header_a_tag_or_another_request(portal: Portal, mailbox: Mailbox, typed: str) -> None:
    portal.ask_help(written(name=typed, text=typed, identifier=typed), HERE)
    assert len(portal.directory.requests.all()) == 1
    portal.outbox.send_handed()
    [mail] = mailbox.mails
    assert mail.to == (DESK,)
    assert "Bcc" not in mail.headers
    assert "<script" not in mail.html
    assert "49" not in mail.subject


def test_while_the_mail_server_is_down_it_waits_and_then_goes_once(
    portal: Portal, second: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    mailbox.refuse(421)
    portal.ask_help(written(), HERE)
    portal.outbox.send_handed()
    assert mailbox.mails == []
    [kept] = second.directory.requests.all()
    assert kept.tries == 1
    mailbox.refuse(None)
    clock.forward(hours=1)
    assert second.outbox.dispatch(clock()) == 1
    assert portal.outbox.dispatch(clock()) == 0
    assert len(mailbox.mails) == 1


def test_who_dies_in_between_leaves_it_to_another_portal(
    portal: Portal, second: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    portal.ask_help(written(), HERE)  # and nothing is sent: it was killed
    assert second.outbox.dispatch(clock()) == 0  # its lease is not over
    clock.forward(minutes=3)
    assert Office(second, "shell:test").overdue() == (0, 1, 0)
    assert second.outbox.dispatch(clock()) == 1
    assert len(mailbox.mails) == 1
    portal.outbox.send_handed()  # it was not dead after all, and leaves it alone
    assert len(mailbox.mails) == 1


def test_what_no_server_takes_stays_for_an_operator(
    portal: Portal, second: Portal, mailbox: Mailbox, clock: MovingClock, audit_file: Path
) -> None:
    mailbox.refuse(550)
    portal.ask_help(written(), HERE)
    portal.outbox.send_handed()
    for _turn in range(portal.settings.mail.max_tries):
        clock.instant += timedelta(hours=2)
        portal.outbox.dispatch(clock())
    [kept] = portal.directory.requests.all()
    assert kept.is_given_up
    assert Office(second, "shell:test").overdue() == (0, 0, 0)  # no mail will go any more
    mailbox.refuse(None)
    assert portal.outbox.dispatch(clock()) == 0
    karim = portal.directory.operators.find("kdesk")
    sylvie = portal.directory.operators.find("sroux")
    assert karim and sylvie
    assert HelpDesk(portal).requests(sylvie) == []  # of a component: not hers
    with pytest.raises(ActRefused):
        HelpDesk(portal).take_request(sylvie, kept.number, HERE)
    assert HelpDesk(second).take_request(karim, kept.number, HERE).text == kept.text
    with pytest.raises(ActRefused):
        HelpDesk(portal).take_request(karim, kept.number, HERE)
    line = audited(audit_file)[-2]
    assert (line["event"], line["actor"], line["number"]) == ("operator:help:take", "kdesk", kept.number)


def test_the_queue_is_bounded(portal: Portal, slapd: PrivateSlapd) -> None:
    portal.ask_help(written(), HERE)
    [kept] = portal.directory.requests.all()
    plain = value_of(replace(kept, name="Zoe", text="x", raw=""))
    values = "".join(
        f"moncompteRequest: {plain.replace(kept.number, f'{number:016x}')}\n" for number in range(MOST_KEPT)
    )
    slapd.add_ldif(f"dn: {portal.directory.requests.dn}\nchangetype: modify\nadd: moncompteRequest\n{values}")
    with pytest.raises(RequestsFull):
        portal.ask_help(written(), HERE)


def test_a_value_of_another_hand_is_passed_over(portal: Portal, slapd: PrivateSlapd, clock: MovingClock) -> None:
    odd = ["x", "20261122120000Z 0 {}", "given-up x {}", f"20261122120000Z 0 {json.dumps([1])}"]
    dn = portal.directory.requests.dn
    values = "".join(f"moncompteRequest: {value}\n" for value in odd)
    slapd.add_ldif(f"dn: {dn}\nchangetype: modify\nreplace: moncompteRequest\n{values}")
    try:
        assert portal.directory.requests.all() == []
        assert portal.outbox.dispatch(clock()) == 0
    finally:
        slapd.add_ldif(f"dn: {dn}\nchangetype: modify\ndelete: moncompteRequest\n")


@pytest.mark.parametrize(
    "typed",
    [
        "05/03/2004",
        "5/3/2004",
        "5 mars 2004",
        "2004-03-05",
        "5 MARS 2004",
        "05.03.2004",
        " 5  mars  2004 ",
        "5 March 2004",
    ],
)
def test_a_birthday_is_read_as_people_write_it(typed: str) -> None:
    assert read_birthday(typed, date(2026, 11, 22)) == date(2004, 3, 5)


@pytest.mark.parametrize(
    "typed", ["", "mars", "31/02/2004", "05/03/04", "5 brumaire 2004", "05/03/2030", "1/1/1850", "9" * 40]
)
def test_what_is_no_birthday_is_none(typed: str) -> None:
    assert read_birthday(typed, date(2026, 11, 22)) is None
