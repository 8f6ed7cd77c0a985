"""``moncompte operator``: enrol, reset, show; to the desk's door and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from connector.cli import main
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from connector.settings import Settings
from connector.settings.effective import as_toml
from tests.conftest import PASSWORD
from tests.desk_steps import desk_post, enrol, is_at_desk, try_desk
from tests.portal_fixtures import SHOWN_KEY, MovingClock, audited
from tests.shell_fixtures import Moncompte
from webui import create_app

CLASS = (
    "printf '%s\\n' 'dn: uid={},ou=people,{}' 'changetype: modify' 'add: objectClass' 'objectClass: moncompteOperator'"
)


@pytest.fixture
def operator(moncompte: Moncompte, settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Types ``moncompte operator …`` as alice, in the test's time."""
    monkeypatch.setattr("connector.cli.operator.who_types", lambda: "alice")
    monkeypatch.setenv("MONCOMPTE_SETTINGS", str(settings_file))

    def type_command(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["operator", *words])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return type_command


@pytest.fixture
def client(portal: Portal) -> FlaskClient:
    return create_app(portal).test_client()


def last_line(file: Path) -> tuple[str, str, str, str, str | None]:
    line = audited(file)[-1]
    return line["event"], line["outcome"], line["reason"], line["actor"], line["account"]


def shown(operator: Any, login: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(operator("show", login, "--json").stdout)
    return told


def test_the_code_that_is_printed_enrols(operator: Any, client: FlaskClient, audit_file: Path) -> None:
    """And nothing but the code leads there: it is printed once, and says until when."""
    result = operator("enrol", "kdesk")
    assert last_line(audit_file) == ("operator:factor:offer", "done", "", "shell:alice", "kdesk")
    assert "kdesk (Karim Haddad)" in result.stdout
    assert "2026-11-23 13:00:00 +0100" in result.stdout
    assert "http://127.0.0.1:8080/guichet/inscription" in result.stdout
    (code,) = SHOWN_KEY.findall(result.stdout)
    begun = desk_post(client, "/guichet/inscription", identifier="kdesk", password=PASSWORD, offered=code)
    assert begun.headers["Location"] == "/guichet/inscription/code"
    assert not SHOWN_KEY.search(operator("show", "kdesk").stdout)


def test_json_says_the_same(operator: Any) -> None:
    told = json.loads(operator("enrol", "sroux", "--json").stdout)
    assert SHOWN_KEY.fullmatch(told["enrolment_code"])
    assert (told["in_group"], told["in_component_group"], told["components"]) == (False, True, ["UFR-LETTRES"])
    assert told["enrolment_until"] == "2026-11-23T12:00:00+00:00"


def test_a_fresh_offer_takes_the_old_factor_away(
    operator: Any, client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    phone = enrol(client, portal, clock)
    operator("enrol", "kdesk")
    assert not is_at_desk(client)
    assert try_desk(client, "kdesk", phone.next_code()).status_code == 422
    assert try_desk(client, "kdesk", phone.recovery_codes[0]).status_code == 422


def test_a_reset_shuts_the_door(
    operator: Any, client: FlaskClient, portal: Portal, clock: MovingClock, audit_file: Path
) -> None:
    phone = enrol(client, portal, clock)
    assert operator("reset", "KDESK").stdout == "kdesk (Karim Haddad): no second factor any more, every session ended\n"
    assert last_line(audit_file) == ("operator:factor:reset", "done", "", "shell:alice", "kdesk")
    assert not is_at_desk(client)
    assert try_desk(client, "kdesk", phone.next_code()).status_code == 422
    assert shown(operator, "kdesk")["enrolled"] is False


def test_show_tells_how_an_operator_stands(
    operator: Any, client: FlaskClient, portal: Portal, clock: MovingClock
) -> None:
    before = shown(operator, "kdesk")
    assert (before["enrolled"], before["enrolment_until"], before["recovery_codes"]) == (False, None, 0)
    phone = enrol(client, portal, clock)
    assert try_desk(client, "kdesk", "000 000").status_code == 422
    assert try_desk(client, "kdesk", phone.recovery_codes[0]).status_code == 303
    assert try_desk(client, "kdesk", phone.recovery_codes[0]).status_code == 422
    found = portal.directory.operators.find("kdesk")
    assert found
    portal.directory.operators.reserve_key(found, portal.now())
    after = shown(operator, "kdesk")
    assert (after["enrolled"], after["wrong_codes"], after["recovery_codes"]) == (True, 1, 7)
    assert (after["keys_this_hour"], after["keys_per_hour"]) == (1, 10)
    clock.forward(hours=1)
    assert shown(operator, "kdesk")["keys_this_hour"] == 0
    told = operator("show", "kdesk").stdout
    assert "second factor          enrolled\n" in told
    assert "serves                 everybody\n" in told


@pytest.mark.parametrize("login", ["bdubois", "jmartin001", "nobody"])
def test_who_is_no_operator_is_not_enrolled_and_the_message_says_how_to_make_one(
    operator: Any, slapd: PrivateSlapd, audit_file: Path, login: str
) -> None:
    result = operator("enrol", login, code=1)
    assert CLASS.format(login, slapd.base) in result.stderr
    assert last_line(audit_file) == ("operator:factor:offer", "refused", "no-operator", "shell:alice", None)


def test_no_shell_is_fooled_by_a_login(operator: Any) -> None:
    """The line is there to be copied."""
    assert "'dn: DN'" in operator("show", "x,ou=y'; rm -rf", code=1).stderr


def test_the_line_it_tells_makes_an_operator(
    operator: Any, slapd: PrivateSlapd, client: FlaskClient, people: dict[str, str]
) -> None:
    slapd.add_ldif(f"dn: {people['bdubois']}\nchangetype: modify\nadd: objectClass\nobjectClass: moncompteOperator\n")
    result = operator("enrol", "bdubois")
    member = f"'add: member' 'member: {people['bdubois']}'"
    assert "in no group of operators" in result.stderr
    assert member in result.stderr
    (code,) = SHOWN_KEY.findall(result.stdout)
    refused = desk_post(client, "/guichet/inscription", identifier="bdubois", password=PASSWORD, offered=code)
    assert refused.status_code == 422


def test_a_secretary_without_a_component_is_told_to_serve_nobody(
    operator: Any, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    slapd.add_ldif(f"dn: {people['sroux']}\nchangetype: modify\ndelete: supannEntiteAffectation\n")
    result = operator("show", "sroux")
    assert "serves                 nobody\n" in result.stdout
    assert "supannEntiteAffectation" in result.stderr


def test_without_a_help_desk_there_are_no_operators(operator: Any, settings: Settings, settings_file: Path) -> None:
    shut = settings.model_copy(
        update={"desk": settings.desk.model_copy(update={"group_dn": "", "component_group_dn": ""})}
    )
    settings_file.write_text(as_toml(shut), encoding="utf-8")
    assert "[desk] group_dn" in operator("enrol", "kdesk", code=1).stderr
