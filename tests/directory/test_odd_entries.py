"""Whatever stands in an entry, by whose hand ever: nobody else's mail waits for it, and no page breaks."""

from datetime import UTC, datetime

import pytest

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import SignInRefused
from connector.mail import MailSession
from connector.model import Status
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account
from tests.web.steps import write

HASH = "{SSHA512}c29tZXRoaW5n"


def put(slapd: PrivateSlapd, uid: str, **attributes: str) -> None:
    """Set attributes of a person, class included, as an administrator."""
    found = slapd.search(f"(uid={uid})", "objectClass")[0]["objectClass"]
    changes = [] if "moncompteAccount" in found else ["add: objectClass\nobjectClass: moncompteAccount\n"]
    changes += [f"replace: {name}\n{name}: {value}\n" for name, value in attributes.items()]
    slapd.add_ldif(f"dn: uid={uid},{slapd.people_dn}\nchangetype: modify\n" + "-\n".join(changes))


@pytest.mark.parametrize(
    "poison",
    [
        {"moncompteMailDue": "00010101000000+2300"},
        {"moncompteMailDue": "00000101000000Z"},
        {"moncompteMailDue": "20260101000000.5Z"},
        {"moncompteMailDue": "20260101000000Z", "moncompteMailFailures": "9" * 5000},
        {"moncompteMailDue": "20260101000000Z", "preferredLanguage": "x" * 300},
        {"moncompteMailDue": "20260101000000Z", "supannMailPrive": "{SECOURS}a@[1.2.3.4"},
        {"moncompteMailDue": "20260101000000Z", "supannMailPrive": "{SECOURS}a@b.example, c@d.example"},
        {"moncompteNotice": "00010101000000+2359 0 password a@b.example"},
        {"moncompteNotice": "20260101000000Z 9999 password a@[1.2.3.4"},
        {"moncompteNotice": "1 junk"},
        {"moncompteKeyFailures": "-" + "9" * 5000, "moncompteKeyHash": HASH},
        {"moncompteKeyExpiry": "00010101000000+2300", "moncompteKeyHash": HASH},
        {"moncompteKeyOrigin": "pigeon", "moncompteKeyHash": HASH},
    ],
    ids=str,
)
def test_one_odd_value_holds_up_nobody_elses_mail_and_breaks_no_sign_in(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock, poison: dict[str, str]
) -> None:
    put(slapd, "rbenali", **poison)
    portal.request_key("jmartin001")
    clock.forward(seconds=120)
    portal.outbox.dispatch(clock())
    assert account(portal, "jmartin001").rescue in [mail.to[0] for mail in mailbox.mails]
    assert "moncompteMailDue" not in slapd.search("(uid=jmartin001)", "*")[0]
    with pytest.raises(SignInRefused):
        portal.sign_in("rbenali", "not the password")
    portal.sign_in("rbenali", PASSWORD)


def test_values_that_make_no_sense_are_dropped_and_hide_nothing_behind_them(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    put(slapd, "rbenali", moncompteNotice="1 junk", moncompteMailDue="20260101000000.5Z")
    portal.outbox.dispatch(clock())
    assert not {"moncompteNotice", "moncompteMailDue"} & set(slapd.search("(uid=rbenali)", "*")[0])


def test_behind_a_slow_mail_server_every_mail_gets_a_whole_lease(
    portal: Portal, mailbox: Mailbox, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mail takes 100 of the lease's 120 seconds; the third must not find its lease already over."""
    for uid in ("jmartin001", "rbenali", "lroy"):
        portal.request_key(uid)
    send = MailSession.send

    def slow(*arguments: object) -> None:
        send(*arguments)  # type: ignore[arg-type]
        clock.forward(seconds=100)

    monkeypatch.setattr(MailSession, "send", slow)
    clock.forward(seconds=120)
    portal.outbox.dispatch(clock())
    assert len(mailbox.mails) == 3


def test_of_several_states_the_strictest_counts(portal: Portal, slapd: PrivateSlapd) -> None:
    slapd.add_ldif(
        f"dn: uid=jmartin001,{slapd.people_dn}\nchangetype: modify\nadd: supannRessourceEtat\n"
        "supannRessourceEtat: {COMPTE}S:SupannVerrouAdministratif\n"
    )
    assert account(portal, "jmartin001").state.status is Status.CLOSED


@pytest.mark.parametrize("since", ["000001010000Z", "00000101000000Z", "000001010000.0Z", "0000010100Z"])
def test_a_permanent_lock_is_seen_however_it_is_written(portal: Portal, slapd: PrivateSlapd, since: str) -> None:
    put(slapd, "jmartin001", pwdAccountLockedTime=since)
    assert not account(portal, "jmartin001").is_eligible(portal.now())


@pytest.mark.parametrize(
    ("dated", "is_open"),
    [
        ("{COMPTE}A:SupannActif:20260901:20261122", True),
        ("{COMPTE}A:SupannActif:20260901:20261121", False),
        ("{COMPTE}A:SupannActif:20261122:", True),
        ("{COMPTE}A:SupannActif:20261123:", False),
        ("{COMPTE}A:SupannActif::", True),
        ("{COMPTE}A:SupannActif:99999999:99999999", True),
    ],
)
def test_a_state_is_open_from_its_first_day_to_its_last_in_the_universitys_own_time(
    portal: Portal, slapd: PrivateSlapd, dated: str, is_open: bool
) -> None:
    put(slapd, "jmartin001", supannRessourceEtatDate=dated)
    assert account(portal, "jmartin001").is_eligible(datetime(2026, 11, 22, 22, 59, tzinfo=UTC)) is is_open


def test_an_entry_that_we_may_not_write_or_read_holds_up_nobody_elses_mail(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, clock: MovingClock
) -> None:
    """A right that a site's own rule takes away, on two people of three."""
    for uid in ("rbenali", "jmartin001", "lroy"):
        portal.request_key(uid)
    database = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\n"
    rules = (
        f'olcAccess: {{0}}to dn.exact="uid=rbenali,{slapd.people_dn}" attrs=moncompteKeyHash by * read\n',
        f'olcAccess: {{0}}to dn.exact="uid=jmartin001,{slapd.people_dn}" attrs=uid by * none\n',
    )
    for rule in rules:
        slapd.add_config(f"{database}add: olcAccess\n{rule}")
    try:
        clock.forward(seconds=120)
        portal.outbox.dispatch(clock())
    finally:
        for _ in rules:
            slapd.add_config(f"{database}delete: olcAccess\nolcAccess: {{0}}\n")
    assert [mail.to[0] for mail in mailbox.mails] == [account(portal, "lroy").rescue]


def test_an_address_whose_domain_another_tool_kept_in_unicode_is_written_in_ascii(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox
) -> None:
    """A mail server without SMTPUTF8 (RFC 6531) would refuse the mail for good."""
    write(slapd, "jmartin001", "supannMailPrive", "{SECOURS}jeanne@école.example")
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert mailbox.mails[0].to == ("jeanne@xn--cole-9oa.example",)


def test_an_address_that_no_parser_bears_is_given_up_at_once(
    portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    write(slapd, "jmartin001", "supannMailPrive", "{SECOURS}" + "(" * 3000 + "@b.example")
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert not mailbox.mails
    assert "moncompteMailDue" not in slapd.search("(uid=jmartin001)", "*")[0]
    assert "Traceback" not in caplog.text
