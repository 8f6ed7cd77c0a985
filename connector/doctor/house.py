"""This host: the settings' own traps, the theme, secrets that others may read, the audit, the limits' storage."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from connector.audit import STANDARD_OUTPUT, SYSLOG
from connector.doctor import theme
from connector.doctor.finding import Finding, broken, ok, warning
from connector.limits import Lost
from connector.settings import ENVIRONMENT_PREFIX, Settings
from connector.shared import Shared
from connector.wording import _

_SECRETS = {"password", "secret_key", "totp_key"}
_SECRET_FILES = {*(f"{key}_file" for key in _SECRETS), "storage_file"}
_OTHERS = stat.S_IRWXO | stat.S_IWGRP
_PATIENCE_SECONDS = 2


def examine(settings: Settings, path: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Findings about the host that the portal runs on; nothing here asks the directory."""
    yield from _secrets(path, environment)
    yield _address(settings)
    yield from theme.examine(settings.web.theme)
    yield from _audit(settings.audit.file)
    yield _storage(settings.throttle.storage.get_secret_value())


def _secrets(path: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Files that hold secrets, and the settings file itself where a secret was written into it."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    files = {f"[{section}] {key}": Path(value) for section, key, value in _given(tables, environment)}
    if any(key in _SECRETS for table in tables.values() for key in table):
        files[_("the settings file, which holds a secret")] = path
    found = [finding for name, file in files.items() if (finding := _mode(name, file))]
    yield from found or [ok("secrets", _("nobody but their owner and its group reads the secrets"))]


def _given(tables: dict[str, dict[str, object]], environment: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Section, key and path of every ``…_file`` that holds a secret."""
    for section, table in tables.items():
        for key, value in table.items():
            if key in _SECRET_FILES:
                yield section, key, str(value)
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX) and variable.endswith(("PASSWORD_FILE", "KEY_FILE", "STORAGE_FILE")):
            section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
            yield section, key, value


def _mode(name: str, file: Path) -> Finding | None:
    mode = stat.S_IMODE(file.stat().st_mode)
    if not mode & _OTHERS:
        return None
    said = _(
        "%(name)s: %(file)s has mode %(mode)s: others may read or change it", name=name, file=file, mode=f"{mode:03o}"
    )
    return broken("secrets", said, f"chmod 640 {file}")


def _address(settings: Settings) -> Finding:
    web = settings.web
    for name, url in (("[web] portal_url", web.portal_url), ("[desk] url", settings.desk.url)):
        if url and _is_in_clear(url):
            return warning("address", _("%(url)s is not https: passwords travel in clear", url=url), name)
    if not web.secure_cookies and web.portal_url.lower().startswith("https:"):
        return warning("address", _("the sessions' cookies go over http too"), "[web] secure_cookies = true")
    said = _("students come to %(url)s, times are told in %(zone)s", url=web.portal_url, zone=web.timezone)
    return ok("address", said)


def _is_in_clear(url: str) -> bool:
    is_here = urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}
    return not is_here and not url.lower().startswith("https:")


def _audit(file: str) -> Iterator[Finding]:
    """Looked at, not opened: that would make the file, as somebody else than the portal perhaps."""
    if file == STANDARD_OUTPUT:
        yield ok("audit", _("the audit goes to standard output"))
        return
    if file == SYSLOG:
        yield ok("audit", _("the audit goes to the system's log"))
        return
    path = Path(file)
    place = path if path.exists() else path.parent
    if os.access(place, os.W_OK):
        yield ok("audit", _("the audit goes to %(file)s", file=file))
        return
    if place.exists():
        said = _("%(place)s cannot be written by this user: no line of the audit is kept", place=place)
    else:
        said = _("%(place)s does not exist: no line of the audit is kept", place=place)
    make = f"install -d -o moncompte -g moncompte -m 750 {path.parent}"
    yield broken("audit", said, _("[audit] file; or, as root: %(make)s", make=make))


def _storage(url: str) -> Finding:
    if url.startswith("memory:"):
        return ok("limits", _("the limits are counted by each process for itself"))
    try:
        Shared(url, _PATIENCE_SECONDS).ping()
    except (Lost, ValueError, TypeError):  # its words may quote a password
        pass
    else:
        return ok("limits", _("the limits' storage answers"))
    said = _("the limits' storage does not answer: each process counts for itself, so strangers get more tries")
    return warning("limits", said, _("[throttle] storage or storage_file; is that server running?"))
