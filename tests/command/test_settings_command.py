"""``moncompte settings``, ``schema``, ``acl`` and ``ldif``, typed before there is a secret or a directory."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.cli import main
from connector.demo.ldap_tools import run, tool
from connector.demo.slapd import PrivateSlapd
from connector.ldif import files
from connector.settings import SECTIONS, config_folder

DOCUMENTED = config_folder() / "moncompte.toml"
SECRET = "tell-nobody-this-very-long-secret-of-ours"


def command(*words: str, file: Path = DOCUMENTED, **environment: str) -> Result:
    return CliRunner().invoke(main, [*words, "--settings", str(file)], env=environment)


def by_name(result: Result) -> dict[tuple[str, str], dict[str, object]]:
    assert result.exit_code == 0, result.output
    return {(row["section"], row["name"]): row for row in json.loads(result.stdout)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The documented file, its secrets in files of their own, one of them not there yet."""
    (tmp_path / "key").write_text(SECRET)
    (tmp_path / "storage").write_text(f"redis://portal:{SECRET}@127.0.0.1:6379/3?password={SECRET}")
    text = DOCUMENTED.read_text(encoding="utf-8").replace("/etc/moncompte/secret-key", str(tmp_path / "key"))
    text = text.replace("/etc/moncompte", str(tmp_path))
    text = text.replace('# storage = "memory://"', f'storage_file = "{tmp_path / "storage"}"')
    path = tmp_path / "moncompte.toml"
    path.write_text(text.replace("# session_minutes = 15", "session_minutes = 20"), encoding="utf-8")
    return path


def test_every_setting_is_there_with_its_value_and_where_it_comes_from(file: Path) -> None:
    rows = by_name(command("settings", "--json", file=file, MONCOMPTE_WEB__THEME="garonne"))
    assert list(rows) == [(section, name) for section, model in SECTIONS.items() for name in model.model_fields]
    told = {name: (rows[name]["value"], rows[name]["source"], rows[name]["where"]) for name in rows}
    assert told["web", "threads"] == (8, "default", "")
    assert told["web", "session_minutes"] == (20, "file", "")
    assert told["web", "theme"] == ("garonne", "environment", "MONCOMPTE_WEB__THEME")
    assert told["directory", "uri"] == (["ldaps://ldap.universite.example"], "file", "")
    assert told["password", "min_strength"] == ("medium", "default", "")
    assert told["web", "secret_key"] == ("***", "secret file", str(file.parent / "key"))
    missing = f"{file.parent}/directory-password: cannot be read: No such file or directory"
    assert told["directory", "password"] == (None, "secret file", missing)
    assert told["throttle", "storage"][0] == "redis://***@127.0.0.1:6379/3?***"


def test_a_secret_that_nobody_gave_is_missing_and_one_in_the_environment_is_named(file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace("password_file = ", "# ")
    file.write_text(text, encoding="utf-8")
    rows = by_name(command("settings", "--json", file=file, MONCOMPTE_WEB__SECRET_KEY=SECRET))
    assert rows["directory", "password"]["source"] == "missing"
    secret_key = rows["web", "secret_key"]
    assert (secret_key["value"], secret_key["where"]) == ("***", "MONCOMPTE_WEB__SECRET_KEY")
    shown = command("settings", file=file).stdout
    assert "# password  # missing\n" in shown


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_secret_is_printed(file: Path, form: tuple[str, ...]) -> None:
    environment = {"MONCOMPTE_DIRECTORY__PASSWORD": SECRET, "MONCOMPTE_MAIL__PASSWORD": SECRET}
    assert SECRET not in command("settings", *form, file=file, **environment).output


def test_a_line_each_that_is_toml_and_differs_only_where_something_does(file: Path) -> None:
    one = command("settings", file=file).stdout
    other = command("settings", file=file, MONCOMPTE_MAIL__HOST="relais.universite.example").stdout
    assert tomllib.loads(one)["keys"]["mail_hours"] == 24
    different = [line for line in other.splitlines() if line not in one.splitlines()]
    assert different == ['host = "relais.universite.example"  # environment MONCOMPTE_MAIL__HOST']
    assert len(one.splitlines()) == len(other.splitlines())


def test_settings_that_cannot_be_used_are_told_with_the_code_for_it(file: Path) -> None:
    done = command("settings", file=file, MONCOMPTE_WEB__THREADS="0")
    assert done.exit_code == 78
    assert "[web] threads" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["settings", "serve", "show"])
def test_a_theme_that_cannot_be_used_is_told_with_the_code_for_it(file: Path, tmp_path: Path, name: str) -> None:
    for secret in ("key", "directory-password"):
        (tmp_path / secret).write_text(SECRET)
    (tmp_path / "theme.toml").write_text('[light]\nsoft = "#f0f0f0"\n[fr]\nuniversity = "Ici"\n')
    words = ["somebody"] if name == "show" else []
    done = command(name, *words, file=file, MONCOMPTE_WEB__THEME=str(tmp_path))
    assert (done.exit_code, done.stdout) == (78, "")
    assert f"{tmp_path}/theme.toml: [light]: soft on paper has a contrast of 1.01, 4.5 at least" in done.stderr
    assert f"{tmp_path}/theme.toml: [fr] desk: missing" in done.stderr


def test_a_setting_is_explained_by_the_manual(file: Path) -> None:
    told = command("settings", "--explain", "web.theme").stdout
    assert told.startswith("[web]\n# How your university looks")
    assert "timezone" not in told
    both = command("settings", "--explain", "password").stdout
    assert "[directory]\n" in both and "[mail]\n" in both
    unknown = command("settings", "--explain", "tehme")
    assert (unknown.exit_code, unknown.stdout) == (1, "")


def test_every_setting_can_be_explained() -> None:
    for section, model in SECTIONS.items():
        for name in model.model_fields:
            told = command("settings", "--explain", f"{section}.{name}").stdout
            assert told.startswith(f"[{section}]\n# "), (section, name)


@pytest.mark.parametrize("words", [("schema",), ("acl",), ("ldif", "--dry-run", "somewhere"), ("settings",)])
def test_neither_secrets_nor_a_directory_are_needed(words: tuple[str, ...], file: Path) -> None:
    """Not even the storage that several workers must share: its file counts, not what is in it."""
    (file.parent / "key").unlink()
    (file.parent / "storage").unlink()
    assert command(*words, file=file, MONCOMPTE_WEB__WORKERS="2").exit_code == 0
    assert not Path("somewhere").exists()


@pytest.mark.parametrize("words", [("schema",), ("acl",), ("ldif", "somewhere")])
def test_settings_that_must_be_mended_first_have_a_code_of_their_own(words: tuple[str, ...], tmp_path: Path) -> None:
    assert command(*words, file=tmp_path / "absent.toml").exit_code == 78


def test_schema_and_acl_print_what_the_files_hold() -> None:
    whole = command("schema").stdout
    assert all(f"NAME '{name}'" in whole for name in ("eduPerson", "supannPerson", "moncompteAccount"))
    ours = command("schema", "--full-supann").stdout
    assert "NAME 'moncompteAccount'" in ours
    assert "NAME 'supannPerson'" not in ours
    rules = command("acl", "--database", "{2}mdb").stdout
    assert "dn: olcDatabase={2}mdb,cn=config" in rules
    assert "{1}mdb" not in rules


def test_a_folder_is_written_once(tmp_path: Path) -> None:
    (tmp_path / "ldif").mkdir()
    mended = tmp_path / "ldif" / "60-access.ldif"
    mended.write_text("mended by hand")
    done = command("ldif", str(tmp_path / "ldif"))
    assert (done.exit_code, mended.read_text()) == (1, "mended by hand")
    assert [path.name for path in (tmp_path / "ldif").iterdir()] == ["60-access.ldif"]
    done = command("ldif", str(tmp_path / "other"))
    names = [path.name for path in files()] + ["load.sh"]
    assert done.stdout.splitlines() == [str(tmp_path / "other" / name) for name in names]
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == sorted(names)


def test_a_directory_that_has_the_full_schemas_is_spared_ours(tmp_path: Path) -> None:
    done = command("ldif", "--full-supann", str(tmp_path / "ldif"))
    assert done.stdout.splitlines()[0] == str(tmp_path / "ldif" / "12-schema-moncompte.ldif")
    assert "schema-supann" not in (tmp_path / "ldif" / "load.sh").read_text(encoding="utf-8")


@pytest.fixture
def loader(tmp_path: Path) -> Path:
    """The folder that the README has one write, by the sample settings."""
    assert command("ldif", str(tmp_path / "ldif")).exit_code == 0
    return tmp_path / "ldif" / "load.sh"


def load(script: Path, server: PrivateSlapd) -> subprocess.CompletedProcess[str]:
    """Run it as the README says, on the test's slapd, the password from a file in place of a prompt."""
    text = script.read_text(encoding="utf-8").replace("ldapi:///", server.ldapi_uri)
    script.write_text(text.replace(" -W ", f" -y {server.folder}/root.password "), encoding="utf-8")
    return subprocess.run(["sh", str(script)], capture_output=True, text=True, check=False)


def test_load_sh_makes_a_stock_slapd_ours(loader: Path) -> None:
    with PrivateSlapd(config={}) as server:
        done = load(loader, server)
        assert done.returncode == 0, done.stderr
        set_password = ("-T", str(server.folder / "portal.password"), server.portal_dn)
        server.run("ldappasswd", *server.as_root, *set_password)
        assert run([tool("ldapwhoami"), "-H", server.ldapi_uri, *server.as_portal]).strip() == f"dn:{server.portal_dn}"


def test_load_sh_stops_at_the_first_file_that_is_refused(loader: Path) -> None:
    (loader.parent / "12-schema-moncompte.ldif").write_text("dn: cn=nonsense\nobjectClass: nothing\n")
    with PrivateSlapd(config={}) as server:
        done = load(loader, server)
        assert done.returncode != 0
        assert server.search("(cn=portal)", "1.1") == []
