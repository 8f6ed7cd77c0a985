"""Settings: what is documented is what is true, and whatever is wrong is told at once."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr

from connector.errors import SettingsInvalid
from connector.settings import SECTIONS, build, config_folder, load

DOCUMENTED = config_folder() / "moncompte.toml"
MINIMAL = {
    "web": {"portal_url": "https://moncompte.universite.example/", "secret_key": "s" * 40},
    "directory": {
        "uri": ["ldapi://%2Frun%2Fldapi"],
        "bind_dn": "cn=portal,dc=example",
        "password": "directory-secret",
        "people_dn": "ou=people,dc=example",
        "decoy_dn": "cn=decoy,dc=example",
    },
    "mail": {"sender": "portal@universite.example"},
}


def minimal(**sections: dict[str, object]) -> dict[str, dict[str, object]]:
    return {name: {**MINIMAL.get(name, {}), **sections.get(name, {})} for name in {*MINIMAL, *sections}}


def uncommented() -> dict[str, dict[str, object]]:
    """The documented file with every default line made active."""
    return tomllib.loads(re.sub(r"(?m)^# (?=[a-z_]+ = )", "", DOCUMENTED.read_text()))


def test_the_documented_file_names_every_setting_and_no_other() -> None:
    documented = {(section, key.removesuffix("_file")) for section, table in uncommented().items() for key in table}
    ca_files = {("directory", "ca"), ("mail", "ca")}  # ca_file is a path, not a secret kept in a file
    known = {(section, key.removesuffix("_file")) for section, model in SECTIONS.items() for key in model.model_fields}
    assert documented == known
    assert ca_files <= known


def test_every_documented_default_is_the_real_one() -> None:
    settings = build(minimal(), "test", {})
    for section, table in uncommented().items():
        commented = set(table) - set(tomllib.loads(DOCUMENTED.read_text())[section])
        rebuilt = build(minimal(**{section: {key: table[key] for key in commented}}), "test", {})
        for key in commented:
            assert getattr(getattr(rebuilt, section), key) == getattr(getattr(settings, section), key), (section, key)


def test_every_problem_is_told_at_once_with_file_section_and_name() -> None:
    tree = minimal(web={"tehme": "Faute", "session_minutes": "longtemps"}, mail={"port": 0}, nonsense={})
    del tree["directory"]["people_dn"]
    with pytest.raises(SettingsInvalid) as caught:
        build(tree, "moncompte.toml", {})
    told = "\n".join(caught.value.problems)
    for expected in (
        "moncompte.toml: [web] tehme: unknown setting; did you mean theme?",
        "moncompte.toml: [web] session_minutes: ",
        "moncompte.toml: [mail] port: ",
        "moncompte.toml: [directory] people_dn: missing (expected: the DN of the branch that holds the people)",
        "moncompte.toml: [nonsense]: unknown setting",
    ):
        assert expected in told
    assert len(caught.value.problems) == 5


@pytest.mark.parametrize(
    ("old", "place"), [("title", "[fr] university"), ("desk", "[fr] desk"), ("password_help_url", "[fr] passwords_url")]
)
def test_what_the_theme_says_now_is_told_with_its_place(old: str, place: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        build(minimal(web={old: "…"}), "old.toml", {})
    assert caught.value.problems == [f"old.toml: [web] {old}: the theme says it now, as {place}: docs/theme.md"]


def test_the_environment_overrides_the_file() -> None:
    environment = {"MONCOMPTE_WEB__THEME": "ailleurs", "MONCOMPTE_DIRECTORY__URI": "ldaps://a ldaps://b", "HOME": "/"}
    settings = build(minimal(web={"theme": "ici"}), "test", environment)
    assert settings.web.theme == "ailleurs"
    assert settings.directory.uri == ("ldaps://a", "ldaps://b")


@pytest.mark.parametrize("uri", ["ldap.example", "127.0.0.1:389", "ldapi:///", "http://a", "ldaps//a", "ldap://a/dc=b"])
def test_a_uri_that_ldap3_would_take_for_plain_ldap_or_not_at_all_is_refused(uri: str) -> None:
    """A bare host would be spoken to in clear in spite of start_tls."""
    with pytest.raises(SettingsInvalid, match=r"\[directory\] uri: .* is none \(expected: one or more of ldapi://%2F"):
        build(minimal(directory={"uri": [uri]}), "test", {})


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("directory", "uri", ["ldap://h:abc"]),
        ("directory", "uri", ["ldap://u@h"]),
        ("web", "portal_url", "https://h/compte/"),
        ("web", "portal_url", "https://h?x=1"),
        ("web", "listen", "127.0.0.1:99999"),
        ("mail", "sender", "Mon compte <compte@université.example>"),
        ("mail", "sender", "a@b.example\r\nBcc: c@d.example"),
        ("mail", "lease_seconds", 30),
        ("password", "min_length", 129),
        ("attributes", "state_date", ""),
        ("mail", "ca_file", __file__),
    ],
)
def test_what_could_not_work_is_refused_before_anything_starts(section: str, key: str, value: object) -> None:
    with pytest.raises(SettingsInvalid, match=rf"\[{section}\]"):
        build(minimal(**{section: {key: value}}), "test", {})


def test_the_environment_overrides_a_secret_that_the_file_keeps_in_a_file() -> None:
    tree = minimal(directory={"password_file": "/nowhere"})
    del tree["directory"]["password"]
    settings = build(tree, "test", {"MONCOMPTE_DIRECTORY__PASSWORD": "from-the-environment"})
    assert settings.directory.password == SecretStr("from-the-environment")


def test_a_mistake_in_the_environment_is_not_blamed_on_the_file_alone() -> None:
    with pytest.raises(SettingsInvalid, match=r"moncompte\.toml and environment: \[mail\] port"):
        build(minimal(), "moncompte.toml", {"MONCOMPTE_MAIL__PORT": "0"})


def test_a_certificate_file_that_is_not_there_is_told() -> None:
    with pytest.raises(SettingsInvalid, match=r"\[mail\] ca_file: /nowhere/ca.pem is not there"):
        build(minimal(mail={"ca_file": "/nowhere/ca.pem"}), "test", {})


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-the-file\n")
    tree = minimal(directory={"password_file": str(tmp_path / "secret")})
    del tree["directory"]["password"]
    assert build(tree, "test", {}).directory.password == SecretStr("from-the-file")


def test_an_unreadable_secret_file_is_one_problem_and_names_the_file(tmp_path: Path) -> None:
    tree = minimal(directory={"password_file": str(tmp_path / "absent")})
    del tree["directory"]["password"]
    with pytest.raises(SettingsInvalid) as caught:
        build(tree, "test", {})
    assert len(caught.value.problems) == 1
    assert "password_file" in caught.value.problems[0]
    assert "absent" in caught.value.problems[0]


def test_no_secret_shows_in_repr_or_in_a_problem() -> None:
    secret = "tell-nobody-this-very-long-secret-of-ours"
    settings = build(minimal(web={"secret_key": secret}, directory={"password": secret}), "test", {})
    assert secret not in repr(settings)
    with pytest.raises(SettingsInvalid) as caught:
        build(minimal(web={"secret_key": secret, "threads": 0}, mail={"password": [secret]}), "test", {})
    assert secret not in str(caught.value)


def test_a_file_that_is_not_toml_is_told_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "moncompte.toml"
    path.write_text("[web\n")
    with pytest.raises(SettingsInvalid, match="is not TOML"):
        load(path, {})


def test_a_time_zone_is_checked_and_a_known_one_taken() -> None:
    assert build(minimal(web={"timezone": "Indian/Reunion"}), "test", {}).web.timezone == "Indian/Reunion"
    with pytest.raises(SettingsInvalid, match="time zone"):
        build(minimal(web={"timezone": "Europe/Bordeaux"}), "test", {})
