"""Typed settings from a TOML file, the environment and secret files; every problem is told at once.

Order, the later wins: the defaults below, the TOML file, the environment (``MONCOMPTE_DIRECTORY__PEOPLE_DN=…``: section
and key joined by two underscores). A secret ``x`` may be given as ``x_file``, the path of a file that holds it, so that
it appears on no command line and in no process list. ``config/moncompte.toml`` documents every setting.
"""

from __future__ import annotations

import difflib
import os
import re
import ssl
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from babel.dates import get_timezone
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from connector.errors import SettingsInvalid
from connector.model import Strength

_LAST_PORT = 65535
ENVIRONMENT_PREFIX = "MONCOMPTE_"

Tree = dict[str, dict[str, Any]]


def _split(value: object) -> object:
    """A list given as one string (in the environment) is split at blanks."""
    return tuple(value.split()) if isinstance(value, str) else value


def _strength(value: object) -> object:
    return Strength[value.upper()] if isinstance(value, str) and value.upper() in Strength.__members__ else value


def _timezone(value: str) -> str:
    try:
        get_timezone(value)
    except LookupError:
        raise ValueError("not a time zone we know, such as Europe/Paris") from None
    return value


def _uris(values: tuple[str, ...]) -> tuple[str, ...]:
    """A host without a scheme would be spoken to in clear, and a socket's path must be escaped (RFC 4516)."""
    for value in values:
        if not re.fullmatch(rf"ldaps?://{_HOST}/?|ldapi://%2F[^/\s?]+", value, re.IGNORECASE):
            raise ValueError(f"{value} is none")
    return tuple(value.rstrip("/") for value in values)


def _listen(value: str) -> str:
    if int(value.rpartition(":")[2]) > _LAST_PORT:
        raise ValueError("a port is 65535 at most")
    return value


def _is_readable(path: str) -> str:
    try:
        if path:
            ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError):
        raise ValueError(f"{path} is not there, not ours to read, or holds no certificates") from None
    return path


_URIS = "one or more of ldapi://%2Fvar%2Frun%2Fslapd%2Fldapi, ldaps://host[:port], ldap://host[:port], in order"
File = Annotated[str, AfterValidator(_is_readable)]
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[^/\s?#@:\[\]]+)(:[0-9]{1,5})?"
_MAILBOX = r"([^\r\n<>@]*<)?[!-;=?-~]+@[!-;=?-~]+>?"
Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Seconds = Annotated[int, Field(gt=0)]
Positive = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """One table of the file: immutable, and a key that we do not know is a problem, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Section)


def _demand(section: S, is_met: bool, otherwise: str) -> S:
    if not is_met:
        raise ValueError(otherwise)
    return section


class Web(Section):
    """The pages: who we are, where we are, how long a session lives."""

    portal_url: str = Field(
        pattern=rf"^https?://{_HOST}/?$", description="the portal's own address, https://host/ (no path)"
    )
    secret_key: SecretStr = Field(min_length=32, description="32 random characters or more; signs the sessions")
    title: str = "Université"
    desk: str = "le bureau d'accueil de votre université, avec votre carte d'étudiant"
    assistance_url: str = ""
    help_url: str = ""
    password_help_url: str = "https://www.cnil.fr/fr/mots-de-passe"  # noqa: S105 (an address)
    timezone: Annotated[str, AfterValidator(_timezone)] = "Europe/Paris"
    session_minutes: int = Field(default=15, gt=0, le=240, description="minutes, 1 to 240")
    secure_cookies: bool = True
    listen: Annotated[str, AfterValidator(_listen)] = Field(
        default="127.0.0.1:8080", pattern=r"^[^\s:]+:[0-9]{1,5}$", description="host:port"
    )
    threads: Positive = 8


class Directory(Section):
    """The LDAP directory: where it is, as whom we bind, whom we may serve."""

    uri: Annotated[Words, AfterValidator(_uris)] = Field(min_length=1, description=_URIS)
    bind_dn: str = Field(min_length=3, description="the DN of the portal's own account")
    password: SecretStr = Field(min_length=1, description="its password, best in password_file")
    people_dn: str = Field(min_length=3, description="the DN of the branch that holds the people")
    decoy_dn: str = Field(min_length=3, description="the DN of the decoy entry (config/ldap)")
    population: str = Field(
        default="(eduPersonAffiliation=student)", pattern=r"^\(.+\)$", description="an LDAP filter in parentheses"
    )
    start_tls: bool = True
    ca_file: File = ""
    timeout_seconds: Seconds = 5
    connections: Positive = 16


class Attributes(Section):
    """What the directory calls things; SUPANN's names by default. An empty name means: not kept here."""

    uid: str = Field(default="uid", min_length=1)
    alias: str = ""
    ine: str = "supannCodeINE"
    student_number: str = "supannEtuId"
    name: str = Field(default="displayName", min_length=1)
    language: str = "preferredLanguage"
    rescue: str = Field(default="supannMailPrive", min_length=1)
    rescue_label: str = "{SECOURS}"
    state: str = "supannRessourceEtat"
    state_date: str = "supannRessourceEtatDate"
    state_label: str = "{COMPTE}"

    @model_validator(mode="after")
    def _state(self) -> Self:
        return _demand(self, bool(self.state) == bool(self.state_date), "state and state_date: set both, or neither")


class Identifiers(Section):
    """What a person may type to be found, beside the login and the INE."""

    student_number: bool = False


class Keys(Section):
    """How long a key lives, by where it was handed over, and how often one is mailed."""

    mail_hours: Positive = 24
    desk_hours: Positive = 24
    letter_days: Positive = 21
    cooldown_seconds: int = Field(default=300, ge=0)


class Password(Section):
    """What a password must be, and who hashes it."""

    min_length: Positive = 10
    max_length: int = Field(default=128, ge=16, le=256, description="characters, 16 to 256")
    min_non_letters: int = Field(default=2, ge=0)
    min_strength: Annotated[Strength, BeforeValidator(_strength)] = Field(
        default=Strength.MEDIUM, description="weak, medium or strong"
    )
    hash: Literal["directory", "argon2id"] = "directory"

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        return _demand(self, self.min_length <= self.max_length, "min_length is more than max_length")


class Rescue(Section):
    """Which rescue addresses are accepted."""

    own_domains: Words = ()


class Mail(Section):
    """The mail server, the sender, and the outbox's patience."""

    host: str = "localhost"
    port: int = Field(default=25, gt=0, lt=65536)
    tls: Literal["none", "starttls", "tls"] = "starttls"
    ca_file: File = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str = Field(pattern=rf"^{_MAILBOX}$", description="an ASCII address, or Name <address>")
    reply_to: str = Field(default="", pattern=rf"^({_MAILBOX})?$", description="an ASCII address, or nothing")
    helo: str = ""
    timeout_seconds: Seconds = 30
    lease_seconds: Seconds = 120
    dispatch_every_seconds: Seconds = 20
    max_tries: Positive = 30

    @model_validator(mode="after")
    def _lease(self) -> Self:
        is_longer = self.lease_seconds > self.timeout_seconds
        return _demand(self, is_longer, "lease_seconds must be more than timeout_seconds")


class Settings(Section):
    """All of it."""

    web: Web
    directory: Directory
    mail: Mail
    attributes: Attributes = Attributes()
    identifiers: Identifiers = Identifiers()
    keys: Keys = Keys()
    password: Password = Password()
    rescue: Rescue = Rescue()


SECTIONS: dict[str, type[Section]] = {name: field.annotation for name, field in Settings.model_fields.items()}  # type: ignore[misc]


def load(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of the file at ``path``; raises SettingsInvalid with one sentence for each problem."""
    try:
        tree: Tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsInvalid([f"{path}: cannot be read: {error.strerror}; --settings names another file"]) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsInvalid([f"{path}: is not TOML: {error}"]) from None
    return build(tree, str(path), os.environ if environment is None else environment)


def build(tree: Tree, source: str, environment: Mapping[str, str]) -> Settings:
    """Settings from a parsed file and an environment; ``source`` names the file in the problems."""
    problems = [f"{source}: {name}: expected a table [section]" for name in tree if not isinstance(tree[name], dict)]
    merged = {name: dict(table) for name, table in tree.items() if isinstance(table, dict)}
    for name in SECTIONS:
        merged.setdefault(name, {})
    if _apply_environment(merged, environment):
        source = f"{source} and environment"
    problems += _read_secret_files(merged, source)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        problems += [_problem(source, item["loc"], item["type"], item["msg"]) for item in error.errors()]
    if problems:
        raise SettingsInvalid(problems)
    return settings


def config_folder() -> Path:
    """Where ``config/`` is: in the installed wheel, or in the checkout beside this package."""
    package = Path(__file__).parent
    installed = package / "_config"
    return installed if installed.is_dir() else package.parent / "config"


def _apply_environment(tree: Tree, environment: Mapping[str, str]) -> bool:
    """Let the environment override ``tree``; whether it did."""
    applied = False
    for variable, value in environment.items():
        section, separator, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if variable.startswith(ENVIRONMENT_PREFIX) and separator:
            table = tree.setdefault(section, {})
            table.pop(key.removesuffix("_file") if key.endswith("_file") else f"{key}_file", None)
            table[key] = value
            applied = True
    return applied


def _read_secret_files(tree: Tree, source: str) -> list[str]:
    """Replace each ``x_file`` of a secret ``x`` by ``x``; what a file holds ends up in no message."""
    problems = []
    for section, model in SECTIONS.items():
        for key, field in model.model_fields.items():
            if field.annotation is SecretStr and (path := tree[section].pop(f"{key}_file", None)):
                if key in tree[section]:
                    problems.append(f"{source}: [{section}] {key}: given twice, here and as {key}_file; keep one")
                try:
                    tree[section][key] = Path(str(path)).read_text(encoding="utf-8").strip()
                except (OSError, ValueError) as error:
                    problems.append(f"{source}: [{section}] {key}_file: {path} cannot be read: {type(error).__name__}")
                    tree[section][key] = "x" * 32  # stands in, so that one fault is told once
    return problems


def _problem(source: str, location: tuple[int | str, ...], kind: str, message: str) -> str:
    section, key = str(location[0]), str(location[1]) if len(location) > 1 else ""
    model = SECTIONS.get(section)
    where = f"{source}: [{section}]" + (f" {key}" if key else "")
    if kind == "extra_forbidden":
        known = list(model.model_fields) if model and key else list(SECTIONS)
        close = difflib.get_close_matches(key or section, known, n=1)
        return f"{where}: unknown setting" + (
            f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"
        )
    expected = model.model_fields[key].description if model and key in model.model_fields else None
    said = {"missing": "missing", "too_short": "too short"}.get(kind, message.removeprefix("Value error, "))
    return f"{where}: {said}" + (f" (expected: {expected})" if expected else "")
