"""Mail that comes back for good flags the rescue address it was for, that one alone, and until it changes."""

from __future__ import annotations

import base64
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import bounces
from connector.bounces import LARGEST, Bounced, take
from connector.demo.mailbox import CaughtMail, Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import DirectoryUnavailable
from connector.model import Account, By
from connector.office import Office
from connector.portal import Portal
from connector.settings import Settings
from connector.vault import Postmark
from tests.bouncing import message_id, report
from tests.conftest import PASSWORD
from tests.portal_fixtures import START, MovingClock, account, audited, issue, mailed_key

SERVER_SAYS_NO = "5.1.1 <jeanne@courriel.example>: Recipient address rejected: User unknown"
NEW_RESCUE = "jeanne@ailleurs.example"


@pytest.fixture
def hasty(settings: Settings, portal: Portal, clock: MovingClock) -> Iterator[Portal]:
    """A portal that gives a mail up after one try."""
    mail = settings.mail.model_copy(update={"max_tries": 1})
    hasty = Portal(settings.model_copy(update={"mail": mail}), clock)
    yield hasty
    hasty.stop()


@pytest.fixture
def mail(portal: Portal, mailbox: Mailbox) -> CaughtMail:
    """A key's mail to Jeanne's rescue address."""
    mailed_key(portal, mailbox, "jmartin001")
    return mailbox.mails[0]


def bounced(portal: Portal, octets: bytes) -> Bounced:
    """What a bounce did."""
    return Office(portal, "shell:mta").take_bounce(octets)


def flagged(portal: Portal) -> list[str]:
    return [one.uid for one in portal.directory.accounts("(moncompteRescueBounced=*)")]


def lines(file: Path) -> list[tuple[str, str, str, str | None]]:
    found = [line for line in audited(file) if line["event"] == "outbox:rescue:bounce"]
    return [(line["outcome"], line["reason"], line["actor"], line["account"]) for line in found]


def set_rescue(portal: Portal, uid: str, address: str) -> None:
    Office(portal, "shell:alice").set_rescue(uid, address)


# The mail server refuses the recipient


@pytest.mark.parametrize("kind", ["key", "notice"])
@pytest.mark.parametrize(("code", "said"), [(550, SERVER_SAYS_NO), (550, "no such user"), (553, "5.1.3 bad address")])
def test_an_address_that_the_server_refuses_until_the_mail_is_given_up_is_flagged(
    hasty: Portal, mailbox: Mailbox, audit_file: Path, kind: str, code: int, said: str
) -> None:
    mailbox.refuse(code, said)
    if kind == "key":
        hasty.request_key("jmartin001")
    else:
        proof = hasty.sign_in("jmartin001", PASSWORD)
        hasty.change("jmartin001", proof.mark, PASSWORD, "trois-pommes-42-bleues", None)
    before = account(hasty, "jmartin001")
    hasty.outbox.send_handed()
    after = account(hasty, "jmartin001")
    assert (after.bounced, after.rescues) == (START, before.rescues)
    assert flagged(hasty) == ["jmartin001"]
    assert lines(audit_file) == [("done", "refused-recipient", "outbox", "jmartin001")]


def test_before_it_is_given_up_it_is_not(portal: Portal, mailbox: Mailbox) -> None:
    """A server that is set up wrongly for an hour."""
    mailbox.refuse(550, SERVER_SAYS_NO)
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert flagged(portal) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (451, "4.7.1 greylisted"),
        (554, "5.7.1 <jeanne@courriel.example>: Relay access denied"),
        (550, "5.7.26 unauthenticated mail from universite.example"),
        (530, "5.7.0 sign in first"),
        (503, "need MAIL before RCPT"),
    ],
)
def test_what_the_server_has_against_us_or_against_now_flags_nobody(
    hasty: Portal, mailbox: Mailbox, code: int, said: str
) -> None:
    mailbox.refuse(code, said)
    hasty.request_key("jmartin001")
    hasty.outbox.send_handed()
    assert account(hasty, "jmartin001").mail_failures == 1
    assert flagged(hasty) == []


def test_a_mail_to_another_address_than_the_present_one_flags_nobody(hasty: Portal, mailbox: Mailbox) -> None:
    """The notice to the old address is refused, after the new one was set; and the other way round."""
    set_rescue(hasty, "jmartin001", NEW_RESCUE)
    old, _new = account(hasty, "jmartin001").notices
    assert old.address == "jeanne@courriel.example"
    mailbox.refuse(550, SERVER_SAYS_NO)
    hasty.directory.move_notice(account(hasty, "jmartin001"), _new, None)
    hasty.outbox.dispatch(hasty.now())
    assert account(hasty, "jmartin001").notices == ()
    assert flagged(hasty) == []


def test_a_person_with_several_addresses_of_our_label_keeps_them_in_their_order(
    hasty: Portal, slapd: PrivateSlapd, mailbox: Mailbox, people: dict[str, str]
) -> None:
    second = "supannMailPrive: {SECOURS}second@b.example\n"
    slapd.add_ldif(f"dn: {people['lroy']}\nchangetype: modify\nadd: supannMailPrive\n{second}")
    before = account(hasty, "lroy")
    mailbox.refuse(550, SERVER_SAYS_NO)
    hasty.request_key("lroy")
    hasty.outbox.send_handed()
    after = account(hasty, "lroy")
    assert (after.rescues, after.rescue, after.bounced) == (before.rescues, before.rescue, START)
    assert len(after.rescues) == 2


# A notification comes later


@pytest.mark.parametrize("headers_alone", [False, True])
@pytest.mark.parametrize("status", ["5.1.1", "5.0.0", "5.2.1", "5.4.4 (host not found)"])
def test_a_bounce_flags_whom_the_mail_was_for(
    portal: Portal, mail: CaughtMail, audit_file: Path, headers_alone: bool, status: str
) -> None:
    assert bounced(portal, report(mail, status=status, headers_alone=headers_alone)) is Bounced.FLAGGED
    assert account(portal, "jmartin001").bounced == START
    assert flagged(portal) == ["jmartin001"]
    assert lines(audit_file) == [("done", "", "shell:mta", "jmartin001")]


def test_lines_that_end_in_crlf_are_read_too(portal: Portal, mail: CaughtMail) -> None:
    assert bounced(portal, report(mail).replace(b"\n", b"\r\n")) is Bounced.FLAGGED


def test_a_second_bounce_keeps_the_first_date(portal: Portal, mail: CaughtMail, clock: MovingClock) -> None:
    bounced(portal, report(mail))
    clock.forward(days=1)
    assert bounced(portal, report(mail)) is Bounced.BEFORE
    assert account(portal, "jmartin001").bounced == START


def test_a_notice_that_comes_back_counts_as_well(portal: Portal, mailbox: Mailbox) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.change("jmartin001", proof.mark, PASSWORD, "trois-pommes-42-bleues", None)
    portal.outbox.send_handed()
    assert bounced(portal, report(mailbox.mails[0])) is Bounced.FLAGGED


def test_a_bounce_from_an_address_of_old_flags_nobody(portal: Portal, mail: CaughtMail, audit_file: Path) -> None:
    """Not even where another person has that address by now."""
    set_rescue(portal, "jmartin001", NEW_RESCUE)
    set_rescue(portal, "emercier", "jeanne@courriel.example")
    assert bounced(portal, report(mail)) is Bounced.ANOTHER_ADDRESS
    assert flagged(portal) == []
    assert lines(audit_file) == [("refused", "another-address", "shell:mta", "jmartin001")]


def test_of_an_address_that_differs_by_a_letter_nothing_is_known(portal: Portal, mail: CaughtMail) -> None:
    set_rescue(portal, "jmartin001", "jeannE@courriel.example")
    assert bounced(portal, report(mail)) is Bounced.ANOTHER_ADDRESS


def test_whoever_is_gone_is_nobody(portal: Portal, mail: CaughtMail, slapd: PrivateSlapd) -> None:
    slapd.run("ldapdelete", *slapd.as_root, f"uid=jmartin001,{slapd.people_dn}")
    assert bounced(portal, report(mail)) is Bounced.UNKNOWN


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("delayed", "4.4.1"),
        ("failed", "4.4.7"),
        ("delayed", "5.1.1"),
        ("delivered", "2.0.0"),
        ("relayed", "2.0.0"),
        ("expanded", "5.1.1"),
        ("failed", "5.7.1"),
        ("failed", "5.1"),
        ("failed", "55.1.1"),
        ("failed", ""),
        ("failed\nAction: delayed", "4.0.0"),
        ("failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; x@y.example\nAction: delivered", "2.0.0"),
    ],
)
def test_what_does_not_say_that_the_address_failed_for_good_does_nothing(
    portal: Portal, mail: CaughtMail, action: str, status: str
) -> None:
    assert bounced(portal, report(mail, action, status)) is Bounced.NOT_FOR_GOOD
    assert flagged(portal) == []


def test_a_forgery_does_nothing(portal: Portal, mail: CaughtMail, settings: Settings, audit_file: Path) -> None:
    """Without the server's secret nobody makes a Message-ID that names somebody; nor is one turned to somebody else."""
    host, mark = "127.0.0.1", message_id(mail).strip("<>").partition("@")[0]
    address = account(portal, "jmartin001").rescue or ""
    forged = [
        Postmark(["x" * 40]).make("jmartin001", address),
        "jmartin001",
        mark[:-8] + ("A" * 8),
        mark[:40] + ("B" if mark[40] != "B" else "C") + mark[41:],
        mark[:-1],
        f"{mark}.jmartin001",
        "é" * 20,
        "",
    ]
    for one in forged:
        assert bounced(portal, report(f"<{one}@{host}>")) is Bounced.NOT_OURS, one
    assert flagged(portal) == []
    assert set(lines(audit_file)) == {("refused", "not-our-mail", "shell:mta", None)}


def test_two_message_ids_are_none(portal: Portal, mail: CaughtMail) -> None:
    ours = message_id(mail)
    for ids in (f"<x@y.example>\nMessage-ID: {ours}", f"{ours}\nMessage-ID: {ours}", f"{ours} {ours}"):
        assert bounced(portal, report(ids)) is Bounced.NOT_OURS


def nested(octets: bytes, kind: str, *, mixed: bool = False) -> bytes:
    """A mail that brings a notification, as somebody forwards one."""
    head = f'Content-Type: multipart/mixed; boundary="+"\n\n--+\nContent-Type: {kind}\n\n'
    tail = b"\n--+--\n"
    return head.encode() + octets + tail if mixed else f"Content-Type: {kind}\n\n".encode() + octets


REPORT = b"Content-Type: multipart/report; report-type"
HOSTILE = {
    "nothing": b"",
    "no mail": b"\x00\xff" * 1000,
    "an answer": b"From: jeanne@courriel.example\nSubject: Re: Mon compte\n\nMerci !\n",
    "a report of one part": REPORT + b"=delivery-status; boundary=b\n\n--b\n\nx\n--b--\n",
    "no boundary": REPORT + b"=delivery-status\n\nx\n",
    "letters of another world": REPORT + b"*=utf-8''%ff; boundary=b\n\n--b\n",
    "deep": b"".join(b'Content-Type: multipart/report; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3000)),
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 5000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_notification_does_nothing_and_breaks_nothing(portal: Portal, audit_file: Path, name: str) -> None:
    assert bounced(portal, HOSTILE[name]) is Bounced.NO_REPORT
    assert lines(audit_file) == [("refused", "no-delivery-report", "shell:mta", None)]


@pytest.mark.parametrize("octets", [HOSTILE["deep"], REPORT + b"; a*0=b" * 100_000 + b"\n\n"], ids=["deep", "wide"])
def test_what_would_take_long_to_read_is_not_read(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, octets: bytes
) -> None:
    """A megabyte of either keeps Python's parser for a minute."""
    read: list[bytes] = []
    monkeypatch.setattr(bounces, "message_from_bytes", read.append)
    assert bounced(portal, octets) is Bounced.NO_REPORT
    assert read == []


def test_a_notification_inside_another_mail_does_nothing(portal: Portal, mail: CaughtMail) -> None:
    """Anybody may forward one."""
    ours = report(mail)
    for octets in (
        nested(ours, "message/rfc822"),
        nested(ours, "message/rfc822", mixed=True),
        report(mail, kind="disposition-notification"),
        report(mail).replace(b"multipart/report", b"multipart/mixed"),
        report(mail).replace(b"message/delivery-status", b"text/plain"),
    ):
        assert bounced(portal, octets) is Bounced.NO_REPORT
    inside = report("<x@y.example>").replace(b"Bonjour", ours)
    assert bounced(portal, inside) is Bounced.NOT_OURS
    assert flagged(portal) == []


@pytest.mark.parametrize("cut", ["message/rfc822", "text/rfc822-headers"])
def test_a_notification_that_brings_no_headers_back_does_nothing(portal: Portal, mail: CaughtMail, cut: str) -> None:
    octets = report(mail, headers_alone=cut.startswith("text"))
    third = octets.rindex(b"--=_report\n")
    assert bounced(portal, octets[:third] + b"--=_report--\n") is Bounced.NOT_OURS


def test_a_mail_larger_than_any_bounce_is_not_read(portal: Portal, mail: CaughtMail) -> None:
    ours = report(mail)
    room = LARGEST - len(ours)
    assert bounced(portal, ours + b"x" * (room + 1)) is Bounced.TOO_LARGE
    assert bounced(portal, ours + b"x" * room) is Bounced.FLAGGED


def test_every_cut_and_every_wrong_octet_is_survived(portal: Portal, mail: CaughtMail) -> None:
    ours = report(mail, headers_alone=True)
    postmark = Postmark(["x" * 40])  # believes none of them: this is about reading
    for place in range(0, len(ours), 7):
        for octets in (ours[:place], ours[:place] + b"\xff\x00" + ours[place + 2 :]):
            found, uid = take(portal.directory, postmark, octets, portal.now())
            assert found in {Bounced.NO_REPORT, Bounced.NOT_FOR_GOOD, Bounced.NOT_OURS}
            assert uid is None


def test_an_outage_is_not_swallowed(portal: Portal, mail: CaughtMail, slapd: PrivateSlapd) -> None:
    slapd.halt()
    try:
        with pytest.raises(DirectoryUnavailable):
            bounced(portal, report(mail))
    finally:
        slapd.launch()


# The Message-ID


def test_a_message_id_tells_strangers_nothing_and_is_never_used_twice(
    portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    ids = []
    for _ in range(2):
        mailed_key(portal, mailbox, "jmartin001")
        ids.append(message_id(mailbox.mails[-1]))
        clock.forward(minutes=10)
    assert len(set(ids)) == 2
    for one in ids:
        mark, host = one.strip("<>").split("@")
        assert (host, set(mark) - set(string.ascii_letters + string.digits + "-_=")) == ("127.0.0.1", set())
        assert b"jmartin" not in base64.urlsafe_b64decode(mark)
        assert len(one) < 200  # no line of a header is cut


def test_a_secret_that_was_renewed_still_reads_what_went_before(portal: Portal, mail: CaughtMail) -> None:
    mark = message_id(mail).strip("<>").partition("@")[0]
    old = portal.settings.web.secret_keys
    assert Postmark(["n" * 40, *old]).read(mark) is not None
    assert Postmark(["n" * 40]).read(mark) is None


# Until the address changes


def test_a_change_of_the_address_takes_the_flag_away(portal: Portal, mail: CaughtMail) -> None:
    bounced(portal, report(mail))
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.change("jmartin001", proof.mark, PASSWORD, None, NEW_RESCUE)
    assert (account(portal, "jmartin001").rescue, account(portal, "jmartin001").bounced) == (NEW_RESCUE, None)


def test_at_the_desk_too(portal: Portal, mail: CaughtMail) -> None:
    bounced(portal, report(mail))
    set_rescue(portal, "jmartin001", NEW_RESCUE)
    assert account(portal, "jmartin001").bounced is None


def test_a_new_password_alone_leaves_it(portal: Portal, mail: CaughtMail) -> None:
    bounced(portal, report(mail))
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.change("jmartin001", proof.mark, PASSWORD, "trois-pommes-42-bleues", None)
    assert account(portal, "jmartin001").bounced == START


def test_a_flag_ends_no_session_and_keeps_nobody_out(portal: Portal, mail: CaughtMail) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    bounced(portal, report(mail))
    assert portal.revisit("jmartin001", By.PASSWORD, proof.mark).bounced == START


def test_an_address_that_changes_in_the_same_instant_is_not_flagged(
    portal: Portal, mail: CaughtMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Modify names the address that it is about."""
    flag = portal.directory.flag_bounced

    def late(read: Account, now: object) -> None:
        monkeypatch.undo()
        set_rescue(portal, "jmartin001", NEW_RESCUE)
        flag(read, now)  # type: ignore[arg-type]

    monkeypatch.setattr(portal.directory, "flag_bounced", late)
    assert bounced(portal, report(mail)) is Bounced.ANOTHER_ADDRESS
    assert flagged(portal) == []


def test_nobody_gets_the_class_twice(portal: Portal, mail: CaughtMail, slapd: PrivateSlapd) -> None:
    """Whoever's entry lost it by hand gets it again."""
    issue(portal, "jmartin001")
    dn = account(portal, "jmartin001").dn
    ours = [n for n in slapd.search("(uid=jmartin001)", "*")[0] if n.startswith("moncompte")]
    gone = "".join(f"-\nreplace: {name}\n" for name in ours)
    slapd.add_ldif(f"dn: {dn}\nchangetype: modify\ndelete: objectClass\nobjectClass: moncompteAccount\n{gone}")
    assert bounced(portal, report(mail)) is Bounced.FLAGGED
    assert flagged(portal) == ["jmartin001"]
