"""What an operator may do at the counter, and what not: on the real directory, half of it on a second portal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.audit import Event
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.errors import ActRefused, ChangeRefused, DirectoryMisconfigured, Obstacle, RescueReason, Throttled
from connector.helpdesk import HelpDesk, Why
from connector.model import By, Caller, Operator, Origin
from connector.portal import Portal
from connector.settings import Settings
from connector.standing import Hindrance
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, audited, issue, key_in
from tests.web.steps import suspend

NEW_PASSWORD = "Trois-chaloupes-4-voiles"
AT_THE_COUNTER = Caller("192.0.2.20", "req")
CARD = "Carte d’étudiant"
LOST = Why("Clé perdue ou expirée", CARD)
Act = Callable[[HelpDesk, Operator, str], object]
ACTS: dict[str, Act] = {
    "issue": lambda desk, operator, uid: desk.issue_key(operator, uid, LOST, AT_THE_COUNTER),
    "send": lambda desk, operator, uid: desk.send_key(operator, uid, LOST, AT_THE_COUNTER),
    "revoke": lambda desk, operator, uid: desk.revoke_key(operator, uid, LOST, AT_THE_COUNTER),
    "unlock": lambda desk, operator, uid: desk.unlock(operator, uid, LOST, AT_THE_COUNTER),
    "rescue": lambda desk, operator, uid: desk.set_rescue(operator, uid, "a@b.example.org", LOST, AT_THE_COUNTER),
    "print": lambda desk, operator, uid: desk.slip_pdf(operator, uid, "0" * 15, AT_THE_COUNTER),
}


@pytest.fixture
def desk(portal: Portal) -> HelpDesk:
    return HelpDesk(portal)


@pytest.fixture
def second(settings: Settings, portal: Portal, clock: MovingClock) -> Iterator[HelpDesk]:
    """The same desk on another port."""
    other = Portal(settings, clock)
    yield HelpDesk(other)
    other.stop()


@pytest.fixture
def karim(portal: Portal) -> Operator:
    """Serves everybody."""
    return operator(portal, "kdesk")


@pytest.fixture
def sylvie(portal: Portal) -> Operator:
    """Serves the arts faculty."""
    return operator(portal, "sroux")


def operator(portal: Portal, login: str) -> Operator:
    found = portal.directory.operators.find(login)
    assert found
    return found


def refused(act: Callable[[], object]) -> Obstacle:
    with pytest.raises(ActRefused) as error:
        act()
    return error.value.why


def last(file: Path) -> dict[str, Any]:
    return audited(file)[-1]


@pytest.mark.parametrize(
    "typed",
    [
        "jmartin001",
        "110000003AB",
        "1100 0000 3ab",
        "22500003",
        "jeanne martin",
        "MARTIN Jeanne",
        "  jeanne   martin ",
    ],
)
def test_somebody_is_found_by_login_ine_number_or_name(desk: HelpDesk, karim: Operator, typed: str) -> None:
    found = desk.search(karim, typed, AT_THE_COUNTER)
    assert "jmartin001" in [one.uid for one in found.accounts]


@pytest.mark.parametrize("typed", ["elodie mercier", "Mercier", "ÉLODIE", "élodie mercier"])
def test_accents_and_order_are_forgiven(desk: HelpDesk, karim: Operator, typed: str) -> None:
    assert [one.uid for one in desk.search(karim, typed, AT_THE_COUNTER).accounts] == ["emercier"]


@pytest.mark.parametrize("typed", ["*", "a*", "***", "", "  ", "é1", "12345", "a" * 81, "()", ")(uid=*"])
def test_a_wildcard_and_a_scrap_find_nobody(desk: HelpDesk, karim: Operator, audit_file: Path, typed: str) -> None:
    try:
        assert desk.search(karim, typed, AT_THE_COUNTER).accounts == ()
    except ActRefused as error:
        assert error.why is Obstacle.VAGUE
    assert typed.strip() in {"", "*", "()"} or typed not in audit_file.read_text(encoding="utf-8").split('"request"')[1]


@pytest.mark.parametrize("typed", ["mer*", "mer", "merc mercier", "martin*", "mercier)(uid=*"])
def test_part_of_a_word_is_no_name(desk: HelpDesk, karim: Operator, typed: str) -> None:
    found = desk.search(karim, typed, AT_THE_COUNTER).accounts
    assert "emercier" not in [one.uid for one in found] or typed == "mercier)(uid=*"
    assert len(found) <= 2


def test_a_search_is_cut_at_twenty(desk: HelpDesk, karim: Operator, slapd: PrivateSlapd) -> None:
    many = "".join(
        f"dn: uid=durand{n},{slapd.people_dn}\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\nuid: durand{n}\n"
        f"cn: Durand {n}\nsn: Durand\ndisplayName: Nina Durand\neduPersonAffiliation: student\n\n"
        for n in range(25)
    )
    slapd.add_ldif(many)
    found = desk.search(karim, "nina durand", AT_THE_COUNTER)
    assert (len(found.accounts), found.is_cut) == (20, True)


def test_searching_is_limited_and_the_audit_holds_no_name(
    limited: Portal, audit_file: Path, people: dict[str, str]
) -> None:
    desk, karim = HelpDesk(limited), operator(limited, "kdesk")
    with pytest.raises(Throttled):
        for _turn in range(61):
            desk.search(karim, "Jeanne Martin", AT_THE_COUNTER)
    lines = audited(audit_file)
    assert [line["reason"] for line in lines[-1:]] == ["too-many-desk-searches-per-operator"]
    assert {line["actor"] for line in lines} == {"kdesk"}
    assert "Jeanne" not in audit_file.read_text(encoding="utf-8")


def test_the_secretariat_finds_and_serves_its_own_students_alone(
    desk: HelpDesk, sylvie: Operator, audit_file: Path
) -> None:
    assert [one.uid for one in desk.search(sylvie, "emercier", AT_THE_COUNTER).accounts] == ["emercier"]
    assert desk.search(sylvie, "jmartin001", AT_THE_COUNTER).accounts == ()
    assert desk.search(sylvie, "jeanne martin", AT_THE_COUNTER).accounts == ()
    assert desk.look(sylvie, "emercier", AT_THE_COUNTER).account.uid == "emercier"
    assert refused(lambda: desk.look(sylvie, "jmartin001", AT_THE_COUNTER)) is Obstacle.NOT_SERVED
    line = last(audit_file)
    assert (line["event"], line["outcome"], line["reason"]) == ("operator:account:show", "refused", "not-served")
    assert (line["actor"], line["account"]) == ("sroux", "jmartin001")


@pytest.mark.parametrize("name", ACTS)
def test_no_act_reaches_another_component(desk: HelpDesk, sylvie: Operator, name: str, audit_file: Path) -> None:
    assert refused(lambda: ACTS[name](desk, sylvie, "jmartin001")) is Obstacle.NOT_SERVED
    assert (last(audit_file)["outcome"], last(audit_file)["actor"]) == ("refused", "sroux")


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("uid", ["bdubois", "kdesk", "sroux", "nobody", "*"])
def test_no_act_reaches_staff_nor_operators(
    desk: HelpDesk, karim: Operator, name: str, uid: str, audit_file: Path
) -> None:
    assert refused(lambda: ACTS[name](desk, karim, uid)) is Obstacle.UNKNOWN
    assert (last(audit_file)["outcome"], last(audit_file)["reason"]) == ("refused", "unknown")


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("how", ["class", "group"])
def test_no_act_reaches_a_student_who_is_an_operator_too(
    desk: HelpDesk, karim: Operator, slapd: PrivateSlapd, people: dict[str, str], name: str, how: str
) -> None:
    group, dn = f"cn=secretariats,ou=groups,{slapd.base}", people["jmartin001"]
    add, undo = (f"dn: {group}\nchangetype: modify\n{word}: member\nmember: {dn}\n" for word in ("add", "delete"))
    if how == "class":
        add = f"dn: {dn}\nchangetype: modify\nadd: objectClass\nobjectClass: moncompteOperator\n"
        undo = ""
    slapd.run("ldapmodify", *slapd.as_root, text=add)
    try:
        assert refused(lambda: ACTS[name](desk, karim, "jmartin001")) is Obstacle.OPERATOR
    finally:
        if undo:
            slapd.run("ldapmodify", *slapd.as_root, text=undo)


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("uid", ["smoreau", "ileroux"])
def test_whom_the_administration_shut_is_looked_at_and_not_touched(
    desk: HelpDesk, karim: Operator, slapd: PrivateSlapd, people: dict[str, str], name: str, uid: str
) -> None:
    view = desk.look(karim, uid, AT_THE_COUNTER)
    assert view.is_closed_to_acts
    before = slapd.search("(objectClass=*)", "*", "+", base=people[uid])
    assert refused(lambda: ACTS[name](desk, karim, uid)) is Obstacle.SHUT
    assert slapd.search("(objectClass=*)", "*", "+", base=people[uid]) == before


def test_who_left_the_group_serves_nobody(desk: HelpDesk, karim: Operator, slapd: PrivateSlapd) -> None:
    group = f"dn: cn=helpdesk,ou=groups,{slapd.base}\nchangetype: modify\nreplace: member\nmember: "
    slapd.run("ldapmodify", *slapd.as_root, text=f"{group}cn=nobody,{slapd.base}\n")
    try:
        assert refused(lambda: desk.issue_key(karim, "jmartin001", LOST, AT_THE_COUNTER)) is Obstacle.NOT_SERVED
        assert desk.search(karim, "jmartin001", AT_THE_COUNTER).accounts == ()
    finally:
        slapd.run("ldapmodify", *slapd.as_root, text=f"{group}{karim.dn}\n")


def test_a_group_that_is_not_there_is_a_fault_and_opens_nothing(
    settings: Settings, people: dict[str, str], clock: MovingClock
) -> None:
    away = settings.desk.model_copy(update={"group_dn": f"cn=gone,{settings.directory.people_dn}"})
    portal = Portal(settings.model_copy(update={"desk": away}), clock)
    try:
        with pytest.raises(DirectoryMisconfigured):
            HelpDesk(portal).issue_key(operator(portal, "kdesk"), "jmartin001", LOST, AT_THE_COUNTER)
    finally:
        portal.stop()


def test_a_key_from_the_desk_opens_the_account_once(
    desk: HelpDesk, karim: Operator, portal: Portal, audit_file: Path
) -> None:
    slip = desk.issue_key(karim, "emercier", LOST, AT_THE_COUNTER)
    line = last(audit_file)
    assert (line["event"], line["outcome"], line["actor"], line["account"]) == (
        Event.KEY_ISSUED.value,
        "done",
        "kdesk",
        "emercier",
    )
    assert (line["why"], line["document"], line["origin"]) == (LOST.reason, CARD, "desk")
    assert slip.key not in repr(slip)
    key = account(portal, "emercier").key
    assert key and key.origin is Origin.DESK and key.expiry == slip.until
    proof = portal.sign_in("emercier", slip.key)
    portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)
    assert portal.sign_in("emercier", NEW_PASSWORD).by is By.PASSWORD


@pytest.mark.parametrize(
    "why", [Why("", CARD), Why("Parce que", CARD), Why(LOST.reason), Why(LOST.reason, "12AB34567")]
)
def test_a_key_needs_a_reason_and_a_document(
    desk: HelpDesk, karim: Operator, portal: Portal, audit_file: Path, why: Why
) -> None:
    assert refused(lambda: desk.issue_key(karim, "emercier", why, AT_THE_COUNTER)) in {
        Obstacle.NO_REASON,
        Obstacle.NO_DOCUMENT,
    }
    assert account(portal, "emercier").key is None
    assert "12AB34567" not in audit_file.read_text(encoding="utf-8")


def test_the_eleventh_key_of_the_hour_is_refused_on_whatever_server(
    desk: HelpDesk, second: HelpDesk, karim: Operator, clock: MovingClock, audit_file: Path
) -> None:
    for turn in range(10):
        (desk, second)[turn % 2].issue_key(karim, "emercier", LOST, AT_THE_COUNTER)
        clock.forward(minutes=1)
    for each in (desk, second):
        with pytest.raises(Throttled) as error:
            each.issue_key(karim, "jmartin001", LOST, AT_THE_COUNTER)
        assert error.value.retry_after == 50 * 60
    assert (last(audit_file)["reason"], last(audit_file)["account"]) == ("too-many-keys-an-hour", "jmartin001")
    with pytest.raises(Throttled):
        desk.send_key(karim, "jmartin001", LOST, AT_THE_COUNTER)
    clock.forward(minutes=50)
    assert desk.issue_key(karim, "jmartin001", LOST, AT_THE_COUNTER)


def test_at_the_same_instant_no_more_than_ten_pass(
    desk: HelpDesk, second: HelpDesk, karim: Operator, people: dict[str, str]
) -> None:
    told: list[str] = []

    def click(each: HelpDesk, uid: str) -> None:
        try:
            each.issue_key(karim, uid, LOST, AT_THE_COUNTER)
            told.append("issued")
        except Throttled:
            told.append("enough")

    whom = ["emercier", "nfaure", "jmartin001", "mdarcy", "lroy", "rbenali", "zpetit", "tlambert"]  # two clicks each
    clicks = [threading.Thread(target=click, args=((desk, second)[turn % 2], whom[turn % 8])) for turn in range(16)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert told.count("issued") <= 10
    assert told.count("issued") + told.count("enough") == 16
    again = desk._portal.directory.operators.find("kdesk")
    assert again and len(again.issued) == 10


def test_a_key_that_is_sent_goes_to_the_rescue_address(
    desk: HelpDesk, karim: Operator, portal: Portal, mailbox: Mailbox, audit_file: Path
) -> None:
    desk.send_key(karim, "jmartin001", LOST, AT_THE_COUNTER)
    line = last(audit_file)
    assert (line["event"], line["actor"], line["account"], line["why"]) == (
        "operator:key:send",
        "kdesk",
        "jmartin001",
        LOST.reason,
    )
    portal.outbox.send_handed()
    [mail] = mailbox.mails
    assert mail.to == (account(portal, "jmartin001").rescue,)
    assert portal.sign_in("jmartin001", key_in(mail)).by is By.KEY


def test_no_key_is_sent_to_nowhere_nor_without_end(desk: HelpDesk, karim: Operator, clock: MovingClock) -> None:
    assert refused(lambda: desk.send_key(karim, "nfaure", LOST, AT_THE_COUNTER)) is Obstacle.NO_RESCUE
    for _turn in range(5):
        desk.send_key(karim, "jmartin001", LOST, AT_THE_COUNTER)
        clock.forward(minutes=1)
    assert refused(lambda: desk.send_key(karim, "jmartin001", LOST, AT_THE_COUNTER)) is Obstacle.ENOUGH_TODAY


def test_a_closed_account_gets_no_key(desk: HelpDesk, karim: Operator) -> None:
    assert refused(lambda: desk.issue_key(karim, "vgarnier", LOST, AT_THE_COUNTER)) is Obstacle.CLOSED


def test_a_full_address_is_shown_for_a_reason_that_is_kept(desk: HelpDesk, karim: Operator, audit_file: Path) -> None:
    assert refused(lambda: desk.reveal(karim, "jmartin001", Why(""), AT_THE_COUNTER)) is Obstacle.NO_REASON
    assert desk.reveal(karim, "jmartin001", Why("Autre"), AT_THE_COUNTER).account.rescue
    line = last(audit_file)
    assert (line["revealed"], line["why"], line["account"]) == (["rescue"], "Autre", "jmartin001")


def test_an_address_is_set_announced_and_a_mailed_key_dies(
    desk: HelpDesk, karim: Operator, portal: Portal, mailbox: Mailbox, clock: MovingClock
) -> None:
    old = account(portal, "jmartin001").rescue
    portal.request_key("jmartin001")
    desk.set_rescue(karim, "jmartin001", "jeanne@nouveau.example.org", LOST, AT_THE_COUNTER)
    now = account(portal, "jmartin001")
    assert (now.rescue, now.rescue_verified, now.key) == ("jeanne@nouveau.example.org", None, None)
    portal.outbox.dispatch(clock())
    assert {mail.to for mail in mailbox.mails} == {(old,), ("jeanne@nouveau.example.org",)}
    with pytest.raises(ChangeRefused) as error:
        desk.set_rescue(karim, "jmartin001", "jeanne@universite.example", LOST, AT_THE_COUNTER)
    assert error.value.rescue is RescueReason.OWN_DOMAIN


@pytest.mark.parametrize("address", ["jeanne@nouveau.example.org", "voleur@ailleurs.example.org"])
def test_an_address_that_is_set_counts_at_once_and_the_former_one_hears_of_it(
    desk: HelpDesk,
    karim: Operator,
    portal: Portal,
    slapd: PrivateSlapd,
    people: dict[str, str],
    mailbox: Mailbox,
    clock: MovingClock,
    address: str,
) -> None:
    """In the cool-down and the freeze of an earlier change, one more waiting; also when it is only confirmed."""
    facts = {
        "supannMailPrive": "{SECOURS}voleur@ailleurs.example.org",
        "moncompteRescueFormer": "20261124120000Z jeanne@ancien.example.org",
        "moncompteRescueCode": "20261122115500Z 0 troisieme@ailleurs.example.org",
        "moncompteRescueFrozen": "20261125120000Z",
    }
    changes = "-\n".join(f"replace: {name}\n{name}: {value}\n" for name, value in facts.items())
    ours = "" if account(portal, "jmartin001").is_ours else "add: objectClass\nobjectClass: moncompteAccount\n-\n"
    slapd.add_ldif(f"dn: {people['jmartin001']}\nchangetype: modify\n{ours}{changes}")
    desk.set_rescue(karim, "jmartin001", address, LOST, AT_THE_COUNTER)
    after = account(portal, "jmartin001")
    assert (after.key_address(clock()), after.waiting_rescue, after.is_frozen(clock())) == (address, None, False)
    portal.outbox.dispatch(clock())
    told = {mail.to for mail in mailbox.mails}
    assert told == {("jeanne@ancien.example.org",), ("voleur@ailleurs.example.org",), (address,)}


def test_a_key_is_killed_and_a_lock_ended(
    desk: HelpDesk, karim: Operator, portal: Portal, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    issue(portal, "jmartin001")
    desk.revoke_key(karim, "jmartin001", LOST, AT_THE_COUNTER)
    assert account(portal, "jmartin001").key is None
    for _turn in range(10):
        portal.directory.prove(account(portal, "jmartin001"), "not the password")
    assert Hindrance.RESTING in desk.look(karim, "jmartin001", AT_THE_COUNTER).standing.hindrances
    desk.unlock(karim, "jmartin001", LOST, AT_THE_COUNTER)
    assert portal.sign_in("jmartin001", PASSWORD)


def test_a_slip_is_printed_for_the_live_key_alone(
    desk: HelpDesk, karim: Operator, portal: Portal, audit_file: Path
) -> None:
    slip = desk.issue_key(karim, "emercier", LOST, AT_THE_COUNTER)
    pdf = desk.slip_pdf(karim, "emercier", slip.key, AT_THE_COUNTER)
    assert pdf.startswith(b"%PDF-")
    assert b"/Count 1" in pdf
    assert last(audit_file)["event"] == "operator:key:print"
    other = issue(portal, "jmartin001")
    for uid, key in (("emercier", other), ("jmartin001", slip.key), ("nfaure", slip.key), ("emercier", "")):
        assert refused(lambda uid=uid, key=key: desk.slip_pdf(karim, uid, key, AT_THE_COUNTER)) is Obstacle.NO_KEY  # type: ignore[misc]


def test_an_act_is_judged_again_on_the_account_as_it_is_then(
    desk: HelpDesk, karim: Operator, slapd: PrivateSlapd, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Suspended between the look and the write: the Conflict brings another look, and that one refuses."""
    store, todo = portal.directory.store_key, [True]

    def in_between(*facts: Any, **more: Any) -> None:
        if todo.pop() if todo else False:
            issue(portal, "emercier")
            suspend(slapd, "emercier")
        store(*facts, **more)

    monkeypatch.setattr(portal.directory, "store_key", in_between)
    assert refused(lambda: desk.issue_key(karim, "emercier", LOST, AT_THE_COUNTER)) is Obstacle.SHUT
