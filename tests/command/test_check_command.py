"""``moncompte check`` as a sysadmin types it: its output, its exit codes, its files."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.cli import main
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd

Check = Callable[..., Result]


@pytest.fixture
def written(slapd: PrivateSlapd, people: dict[str, str], mailbox: Mailbox, tmp_path: Path) -> Path:
    """A settings file as a sysadmin writes it."""
    slapd.run("ldapdelete", *slapd.as_root, people["afontaine2"])
    for name, secret in (("secret-key", "k" * 40), ("directory-password", slapd.portal_password)):
        (tmp_path / name).write_text(secret)
        (tmp_path / name).chmod(0o600)
    file = tmp_path / "moncompte.toml"
    file.write_text(
        f'[web]\nportal_url = "https://moncompte.universite.example/"\nsecret_key_file = "{tmp_path}/secret-key"\n'
        f'[directory]\nuri = ["{slapd.ldapi_uri}"]\nbind_dn = "{slapd.portal_dn}"\n'
        f'password_file = "{tmp_path}/directory-password"\n'
        f'people_dn = "{slapd.people_dn}"\ndecoy_dn = "{slapd.decoy_dn}"\n'
        f'[mail]\nhost = "127.0.0.1"\nport = {mailbox.smtp_port}\ntls = "none"\nsender = "ne-pas@universite.example"\n'
    )
    return file


@pytest.fixture
def check(written: Path) -> Check:
    def run(*options: str, **environment: str) -> Result:
        return CliRunner().invoke(main, ["check", "--settings", str(written), *options], env=environment)

    return run


def test_a_healthy_directory_ends_with_zero(check: Check) -> None:
    done = check()
    assert done.exit_code == 0, done.output
    assert "1 warning, 0 broken" in done.stdout.splitlines()[-1]
    assert "the portal runs with a sample" in done.stdout
    for title in ("this host", "servers", "schema", "rights", "passwords", "people", "mail"):
        assert title in done.stdout.splitlines()
    assert "\x1b" not in done.output


def test_something_broken_ends_with_one_and_says_how_to_mend_it(check: Check, slapd: PrivateSlapd) -> None:
    done = check(MONCOMPTE_DIRECTORY__PEOPLE_DN=f"ou=nowhere,{slapd.base}")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if line.split()[:1] == ["broken"])
    assert "there is no ou=nowhere" in lines[place]
    assert lines[place + 1].strip() == "remedy: [directory] people_dn"


WRONG: list[dict[str, str]] = [
    {},
    {"MONCOMPTE_DIRECTORY__PEOPLE_DN": "ou=nowhere,dc=universite,dc=example"},
    {"MONCOMPTE_DIRECTORY__DECOY_DN": "cn=nothing,ou=moncompte,dc=universite,dc=example", "MONCOMPTE_MAIL__PORT": "1"},
    {"MONCOMPTE_DIRECTORY__URI": "ldap://127.0.0.1:1", "MONCOMPTE_WEB__SECURE_COOKIES": "false"},
    {"MONCOMPTE_DIRECTORY__BIND_DN": "cn=nobody,dc=universite,dc=example", "MONCOMPTE_WEB__THEME": "/nowhere"},
    {"MONCOMPTE_ATTRIBUTES__ALIAS": "mailAlias", "MONCOMPTE_AUDIT__FILE": "/nowhere/audit.jsonl"},
    {"MONCOMPTE_THROTTLE__STORAGE": "redis://127.0.0.1:1/0", "MONCOMPTE_PASSWORD__HASH": "argon2id"},
]
ENGLISH = re.compile(
    r"\b(warning|broken|untried|remedy|refused|answers|load|cannot|does|none? of|"
    r"the|is|are|was|and|not|with|its|it|your|this|that|from|or|of)\b"
)
LDIF = re.compile(r"olc\w+: .*")  # a line to write, which no language changes


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: "-".join(name.rpartition("__")[2] for name in wrong))
def test_a_french_shell_reads_the_whole_report_in_french(
    check: Check, slapd: PrivateSlapd, wrong: dict[str, str]
) -> None:
    """And in the same order the same names and levels as an English one: those are for scripts."""
    wrong = {name: value.replace("dc=universite,dc=example", slapd.base) for name, value in wrong.items()}
    options = ("--config", slapd.ldapi_uri)
    french, english = (check(*options, LC_ALL=locale, **wrong) for locale in ("fr_FR.UTF-8", "C"))
    assert french.exit_code == english.exit_code
    assert [line for line in french.stdout.splitlines() if ENGLISH.search(LDIF.sub("", line))] == []
    assert len(french.stdout.splitlines()) == len(english.stdout.splitlines())
    told, other = (
        json.loads(check("--json", *options, LC_ALL=locale, **wrong).stdout)["findings"]
        for locale in ("fr_FR.UTF-8", "C")
    )
    stable = ("section", "name", "level", "ldif")
    assert [[item[name] for name in stable] for item in told] == [[item[name] for name in stable] for item in other]
    same = [item["what"] for item, one in zip(told, other, strict=True) if item["what"] == one["what"]]
    assert same == []


def test_the_file_of_remedies_has_french_comments_and_can_be_loaded(
    check: Check, tmp_path: Path, slapd: PrivateSlapd
) -> None:
    """What a comment says is no LDIF (RFC 2849), accents or not."""
    slapd.add_ldif(f"dn: {slapd.decoy_dn}\nchangetype: modify\nreplace: pwdPolicySubentry\n")
    file = tmp_path / "fix.ldif"
    check("--fix-ldif", str(file), LC_ALL="fr_FR.UTF-8")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# Ce que «\xa0moncompte check\xa0» propose de changer")
    assert "# attention\xa0: quelques mots de passe erronés verrouillent" in text
    slapd.add_ldif(text)
    assert "verrouillent" not in check(LC_ALL="fr_FR.UTF-8").stdout


def test_no_server_ends_with_69(check: Check) -> None:
    assert check(MONCOMPTE_DIRECTORY__URI="ldap://127.0.0.1:1").exit_code == os.EX_UNAVAILABLE


def test_settings_that_cannot_be_read_end_with_78(check: Check) -> None:
    done = check(MONCOMPTE_MAIL__PORT="x")
    assert done.exit_code == os.EX_CONFIG
    assert "[mail] port" in done.stderr


def test_json_is_one_document_with_every_finding(check: Check, slapd: PrivateSlapd) -> None:
    told = json.loads(check("--json", MONCOMPTE_DIRECTORY__DECOY_DN=f"cn=nothing,ou=moncompte,{slapd.base}").stdout)
    assert (told["broken"], told["reached"]) == (True, True)
    decoy = next(finding for finding in told["findings"] if finding["name"] == "decoy")
    assert decoy["level"] == "broken"
    assert decoy["ldif"].startswith(f"dn: cn=nothing,ou=moncompte,{slapd.base}\n")


def test_the_fixes_go_to_a_new_file_of_our_own(check: Check, slapd: PrivateSlapd, tmp_path: Path) -> None:
    file = tmp_path / "fix.ldif"
    wrong = {"MONCOMPTE_DIRECTORY__DECOY_DN": f"cn=nothing,ou=moncompte,{slapd.base}"}
    assert check("--fix-ldif", str(file), **wrong).exit_code == 1
    text = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "# broken: there is no cn=nothing" in text
    assert "# ldapadd -x -D ADMIN" in text
    again = check("--fix-ldif", str(file), **wrong)
    assert again.exit_code == 1
    assert "exists already: give another name" in again.stderr
    assert file.read_text() == text


def test_what_is_written_can_be_loaded(check: Check, slapd: PrivateSlapd, tmp_path: Path) -> None:
    file, dn = tmp_path / "fix.ldif", f"cn=autre,ou=moncompte,{slapd.base}"
    check("--fix-ldif", str(file), MONCOMPTE_DIRECTORY__DECOY_DN=dn)
    line = next(line for line in file.read_text().splitlines() if line.startswith("# ldap"))
    command, *options = line.removeprefix("# ").partition("   ")[0].split()
    assert options == ["-x", "-D", "ADMIN", "-W", "-H", "ldapi:///"]
    slapd.run(command, *slapd.as_root, text=file.read_text())  # the command that stands there, as another may not do
    try:
        assert slapd.search("(cn=autre)", "cn")[0]["cn"] == ["autre"]
    finally:
        slapd.run("ldapdelete", *slapd.as_root, dn)


def test_no_secret_is_shown(check: Check, slapd: PrivateSlapd) -> None:
    for options in ((), ("--json",), ("--config", slapd.ldapi_uri)):
        shown = check(*options).output
        assert slapd.portal_password not in shown
        assert "k" * 40 not in shown


def test_help_teaches() -> None:
    told = CliRunner().invoke(main, ["check", "--help"]).stdout
    assert "moncompte check --config ldapi:/// --fix-ldif" in told
    assert "69" in told


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch, written: Path) -> None:
    arguments = ["check", "--settings", str(written)]
    assert "\x1b[32m" in CliRunner().invoke(main, arguments, color=True).stdout
    assert "\x1b" not in CliRunner().invoke(main, arguments, color=True, env={"NO_COLOR": "1"}).stdout
