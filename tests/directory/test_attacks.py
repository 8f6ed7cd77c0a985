"""What an attacker with the source at hand found, each tried again: the mends hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from connector import clock as clock_door
from connector import keys
from connector.audit import Event
from connector.demo.ldap_tools import SlapdFailed
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory.operations import Operations
from connector.errors import (
    ChangeRefused,
    Conflict,
    DirectoryUnavailable,
    KeyDead,
    KeyMistyped,
    SignInRefused,
    Throttled,
)
from connector.model import By, Caller
from connector.office import Office
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD
from tests.portal_fixtures import MovingClock, account, audited, issue, other_key, slip
from tests.web.steps import change, is_open, post, sign_in, token, write
from webui import create_app

NEW_PASSWORD = "trois-pommes-42-bleues"


def lets_in(slapd: PrivateSlapd, uid: str) -> bool:
    """Whether slapd itself does, as for the wifi."""
    try:
        slapd.run("ldapwhoami", "-x", "-D", f"uid={uid},{slapd.people_dn}", "-w", PASSWORD)
    except SlapdFailed:
        return False
    return True


def test_nobody_locks_a_student_out_of_the_wifi_from_here(limited: Portal, slapd: PrivateSlapd) -> None:
    """The password policy locks after ten failed binds; passwords, keys and what looks like one, by login and INE."""
    secrets = cycle(["wrong password", "azertyazerty123", keys.show(keys.mint())])
    for number, secret in zip(range(60), secrets, strict=False):
        identifier = "jmartin001" if number % 2 else "110000003AB"
        with pytest.raises((SignInRefused, Throttled)):
            limited.sign_in(identifier, secret, Caller(f"192.0.2.{number}"))
    assert "pwdAccountLockedTime" not in slapd.search("(uid=jmartin001)", "+")[0]
    assert lets_in(slapd, "jmartin001")
    assert limited.sign_in("jmartin001", issue(limited, "jmartin001")).by is By.KEY  # and the key opens all the while


def test_slips_and_wrong_keys_do_not_make_the_right_password_look_wrong(limited: Portal) -> None:
    """Thirty mistyped keys and twenty wrong ones from one address: the owner's password still opens, at once."""
    for number in range(50):
        secret = "azertyazerty123" if number < 30 else keys.show(keys.mint())
        with pytest.raises((SignInRefused, Throttled)):
            limited.sign_in("jmartin001", secret, Caller("192.0.2.7"))
    assert limited.sign_in("jmartin001", PASSWORD, Caller("192.0.2.8")).by is By.PASSWORD


def test_mistyping_ones_own_key_costs_nothing_at_all(limited: Portal) -> None:
    key = issue(limited, "jmartin001")
    for _ in range(20):
        with pytest.raises(KeyMistyped):
            limited.sign_in("jmartin001", slip(key))
    assert limited.throttle.may_bind("jmartin001", "azertyazerty123")  # nor of the few that look like one
    assert limited.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


def test_enough_binds_are_named_in_the_audit(limited: Portal, audit_file: Path) -> None:
    for number in range(8):
        with pytest.raises(SignInRefused):
            limited.sign_in(
                "jmartin001" if number % 2 else "110000003AB", "wrong password", Caller(f"192.0.2.{number}")
            )
    reasons = [line["reason"] for line in audited(audit_file)]
    assert reasons == ["wrong-password"] * 7 + ["too-many-binds-per-account"]


def test_the_current_password_is_no_way_to_lock_somebody_out_of_the_wifi(limited: Portal, slapd: PrivateSlapd) -> None:
    mark = limited.sign_in("jmartin001", PASSWORD).mark
    for number in range(7):
        name = "jmartin001" if number < 3 else "110000003AB"
        with pytest.raises(SignInRefused):
            limited.sign_in(name, "wrong password", Caller(f"192.0.2.{number}"))
    for number in range(5):
        with pytest.raises(Throttled):
            limited.change("jmartin001", mark, "wrong password", NEW_PASSWORD, None, Caller(f"198.51.100.{number}"))
    assert lets_in(slapd, "jmartin001")


def test_a_key_does_not_forget_what_slapd_remembers(limited: Portal, slapd: PrivateSlapd) -> None:
    for number in range(7):
        with pytest.raises(SignInRefused):
            limited.sign_in(
                "jmartin001" if number < 4 else "110000003AB", "wrong password", Caller(f"192.0.2.{number}")
            )
    assert limited.sign_in("jmartin001", issue(limited, "jmartin001")).by is By.KEY
    for number in range(10):
        name = "jmartin001" if number % 2 else "110000003AB"
        with pytest.raises((SignInRefused, Throttled)):
            limited.sign_in(name, "wrong password", Caller(f"198.51.100.{number}"))
    assert lets_in(slapd, "jmartin001")


def test_who_hammers_at_the_door_does_not_disturb_who_is_inside(limited: Portal) -> None:
    mark = limited.sign_in("jmartin001", PASSWORD, Caller("192.0.2.1")).mark
    for _ in range(5):
        with pytest.raises(SignInRefused):
            limited.sign_in("jmartin001", "wrong password", Caller("198.51.100.9"))
    assert limited.change("jmartin001", mark, PASSWORD, NEW_PASSWORD, None, Caller("192.0.2.1")).password_changed


def test_a_malformed_address_is_no_change_of_address(limited: Portal) -> None:
    mark = limited.sign_in("jmartin001", PASSWORD).mark
    for _ in range(12):
        with pytest.raises(ChangeRefused):
            limited.change("jmartin001", mark, PASSWORD, None, "no address")
    assert limited.change("jmartin001", mark, PASSWORD, None, "elsewhere@courriel.example").rescue_changed


def test_changing_the_password_is_no_change_of_address(limited: Portal) -> None:
    old = PASSWORD
    for number in range(11):
        mark = limited.sign_in("jmartin001", old).mark
        new = f"{NEW_PASSWORD}-{number}"
        assert limited.change("jmartin001", mark, old, new, None).password_changed
        old = new


@pytest.mark.parametrize(
    ("written", "source"),
    [("203.0.113.7:5000", "203.0.113.7"), ("[2001:db8::1]:443", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1")],
)
def test_a_proxy_may_write_a_port(portal: Portal, audit_file: Path, written: str, source: str) -> None:
    web = portal.settings.web.model_copy(update={"proxies": 1})
    portal.settings = portal.settings.model_copy(update={"web": web})
    client = create_app(portal).test_client()
    typed = {"csrf_token": token(client), "identifier": "nobody", "secret": "x"}
    client.post("/connexion", data=typed, headers={"X-Forwarded-For": f"9.9.9.9, {written}"})
    assert [line["source"] for line in audited(audit_file)] == [source]


def test_that_many_tries_are_forgotten_once_the_account_was_opened(limited: Portal) -> None:
    for round_of in range(4):
        for number in range(4):
            with pytest.raises(SignInRefused):
                limited.sign_in("jmartin001", "wrong password", Caller(f"192.0.2.{round_of}{number}"))
        assert limited.sign_in("jmartin001", PASSWORD).by is By.PASSWORD


@pytest.mark.parametrize("claim", ['"', '"\\', 'x"', "9.9.9.9", '9.9.9.9,"', "", ",,,", "9.9.9.9, 8.8.8.8"])
def test_whatever_a_browser_says_of_its_address_the_proxys_word_counts(
    portal: Portal, audit_file: Path, claim: str
) -> None:
    web = portal.settings.web.model_copy(update={"proxies": 1})
    portal.settings = portal.settings.model_copy(update={"web": web})
    client = create_app(portal).test_client()
    typed = {"csrf_token": token(client), "identifier": "nobody", "secret": "x"}
    forwarded = f"{claim}, 203.0.113.7" if claim else "203.0.113.7"
    client.post("/connexion", data=typed, headers={"X-Forwarded-For": forwarded})
    assert [line["source"] for line in audited(audit_file)] == ["203.0.113.7"]


def test_an_account_is_no_cannon_for_mails(limited: Portal, mailbox: Mailbox) -> None:
    for number in range(10):
        mark = limited.sign_in("jmartin001", PASSWORD).mark
        limited.change("jmartin001", mark, PASSWORD, None, f"target+{number}@courriel.example")
    mark = limited.sign_in("jmartin001", PASSWORD).mark
    with pytest.raises(Throttled) as stopped:
        limited.change("jmartin001", mark, PASSWORD, None, "target+11@courriel.example")
    assert stopped.value.word == "too-many-rescue-changes-per-account"
    assert account(limited, "jmartin001").rescue == "target+9@courriel.example"


def test_too_many_addresses_are_told_beside_the_address(limited: Portal) -> None:
    client = create_app(limited).test_client()
    for number in range(11):
        sign_in(client, "jmartin001", PASSWORD)
        answer = change(client, PASSWORD, rescue=f"target+{number}@courriel.example")
    assert answer.status_code == 429
    assert 'id="rescue-errors"' in answer.text
    assert "réessayez dans 24 heures" in answer.text


def test_the_meter_is_no_sink_for_the_processors_time(limited: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    client = create_app(limited).test_client()
    sign_in(client, "jmartin001", PASSWORD)
    statuses = [post(client, "/force", password="x", rescue="").status_code for _ in range(301)]
    assert statuses == [200] * 300 + [429]
    heard: list[object] = []
    change_of = limited.judge.policy.verdict
    monkeypatch.setattr(
        type(limited.judge.policy), "verdict", lambda *facts: heard.append(facts) or change_of(*facts[1:])
    )
    typed = {"current_password": PASSWORD, "password": NEW_PASSWORD, "confirmation": "another", "rescue": ""}
    assert post(client, "/mot-de-passe", **typed).status_code == 422  # nor by the form
    assert heard == []


Interrupt = Callable[[int], list[str]]


@pytest.fixture
def interrupt(portal: Portal, slapd: PrivateSlapd, monkeypatch: pytest.MonkeyPatch) -> Interrupt:
    """Lets the next so many Modifies of a person fail as they do when somebody binds at slapd in that instant."""
    seen: list[str] = []
    modify = Operations.modify

    def after(times: int) -> list[str]:
        def call(self: Operations, dn: str, what: dict[str, object], *more: object) -> None:
            if "uid=" in dn and len(seen) < times:
                seen.append(dn)
                raise Conflict("modify: noSuchAttribute")
            modify(self, dn, what, *more)  # type: ignore[arg-type]

        monkeypatch.setattr(Operations, "modify", call)
        return seen

    return after


@pytest.mark.parametrize(("times", "succeeds"), [(1, True), (2, True), (3, False)])
def test_a_bind_in_the_same_instant_does_not_make_a_good_key_look_used(
    portal: Portal, interrupt: Interrupt, times: int, succeeds: bool
) -> None:
    proof = portal.sign_in("emercier", issue(portal, "emercier"))
    seen = interrupt(times)
    if succeeds:
        assert portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None).activated
    else:
        with pytest.raises(DirectoryUnavailable):
            portal.redeem_key("emercier", proof.mark, NEW_PASSWORD, None)
        assert account(portal, "emercier").key
    assert len(seen) == times


@pytest.mark.parametrize(("times", "succeeds"), [(1, True), (3, False)])
def test_nor_a_session_look_stale(portal: Portal, interrupt: Interrupt, times: int, succeeds: bool) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    interrupt(times)
    if succeeds:
        assert portal.change("jmartin001", proof.mark, PASSWORD, NEW_PASSWORD, None).password_changed
    else:
        with pytest.raises(DirectoryUnavailable):
            portal.change("jmartin001", proof.mark, PASSWORD, NEW_PASSWORD, None)


def test_nor_an_act_of_the_help_desk_a_fault(portal: Portal, interrupt: Interrupt) -> None:
    interrupt(3)
    with pytest.raises(DirectoryUnavailable):
        Office(portal, "shell:test").set_rescue("jmartin001", "jeanne@ailleurs.example")


def test_processes_start_together_while_strangers_try(
    portal: Portal, settings: Settings, people: dict[str, str]
) -> None:
    """Each writes a password to the decoy, and ppolicy deletes the decoy's failures with it."""
    others = [Portal(settings) for _ in range(4)]

    def prepare(other: Portal) -> None:
        for _ in range(10):
            with pytest.raises(SignInRefused):
                portal.sign_in("nobody", "wrong password")
            other.directory.prepare()

    try:
        with ThreadPoolExecutor(len(others)) as pool:
            assert list(pool.map(prepare, others)) == [None] * len(others)
    finally:
        for other in others:
            other.stop()


@pytest.mark.parametrize(
    "referer", ["https://[::", "https://[", "http://[v1.a", "https://127.0.0.1:99999/", "https://127.0.0.1:abc/"]
)
def test_a_referer_that_is_no_address_is_a_refusal_and_no_fault(
    portal: Portal, caplog: pytest.LogCaptureFixture, referer: str
) -> None:
    client = create_app(portal).test_client()
    typed = {"csrf_token": token(client, "https://localhost"), "identifier": "nobody"}
    answer = client.post("/oubli", base_url="https://localhost", data=typed, headers={"Referer": referer})
    assert answer.status_code == 403
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_password_changed_in_the_second_of_the_sign_in_ends_the_other_session(portal: Portal) -> None:
    """``pwdChangedTime`` has whole seconds; the session mark that every change writes has none."""
    app = create_app(portal)
    one, other = app.test_client(), app.test_client()
    old = PASSWORD
    for number in range(3):
        new = f"{NEW_PASSWORD}-{number}"
        for client in (one, other):
            sign_in(client, "jmartin001", old)
        change(one, old, new)
        assert not is_open(other)
        old = new


def test_an_address_that_is_set_back_opens_no_old_session(client_of: FlaskClient, portal: Portal) -> None:
    sign_in(client_of, "jmartin001", PASSWORD)
    before = str(account(portal, "jmartin001").rescue)
    other = client_of.application.test_client()
    for rescue in ("elsewhere@courriel.example", before):
        sign_in(other, "jmartin001", PASSWORD)
        change(other, PASSWORD, rescue=rescue)
    assert account(portal, "jmartin001").rescue == before
    assert not is_open(client_of)


@pytest.fixture
def client_of(portal: Portal) -> FlaskClient:
    return create_app(portal).test_client()


def test_a_dead_key_is_audited_with_its_owner(portal: Portal, audit_file: Path, clock: MovingClock) -> None:
    """The very line one looks for when a letter was stolen."""
    old = issue(portal, "emercier")
    issue(portal, "emercier")
    with pytest.raises(KeyDead):
        portal.sign_in("emercier", old)
    last = audited(audit_file)[-1]
    assert (last["event"], last["reason"], last["account"]) == (
        Event.SESSION_OPENED.value,
        "key-spent",
        "emercier",
    )


def test_a_name_with_line_breaks_is_one_line_in_the_mail(portal: Portal, slapd: PrivateSlapd, mailbox: Mailbox) -> None:
    write(slapd, "jmartin001", "displayName", "Jeanne\n\nVotre compte est piraté : http://mechant.example\nMartin")
    portal.request_key("jmartin001")
    portal.outbox.send_handed()
    assert mailbox.mails[0].text.splitlines()[0] == (
        "Bonjour Jeanne Votre compte est piraté : http://mechant.example Martin,"
    )


def test_who_asks_and_who_is_refused_wait_for_the_step_and_who_comes_in_does_not(
    settings: Settings, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps of the settings reach the clock: known or unknown, mailed or not."""
    slept: list[float] = []
    monkeypatch.setattr(clock_door.time, "sleep", slept.append)
    throttle = settings.throttle.model_copy(update={"ask_step_ms": 50_000, "refusal_step_ms": 70_000})
    portal = Portal(settings.model_copy(update={"throttle": throttle}))
    for identifier in ("jmartin001", "nobody"):
        began = time.monotonic()
        portal.request_key(identifier)
        assert 0 < 50 - slept.pop() <= time.monotonic() - began
        began = time.monotonic()
        with pytest.raises(SignInRefused):
            portal.sign_in(identifier, other_key(""))
        assert 0 < 70 - slept.pop() <= time.monotonic() - began
    portal.sign_in("jmartin001", PASSWORD)
    assert slept == []
    portal.stop()
