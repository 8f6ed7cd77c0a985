"""This host: the settings' own traps, the theme, secrets that others may read, the audit, the limits' storage."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from connector.audit import STANDARD_OUTPUT, SYSLOG
from connector.doctor import theme
from connector.doctor.finding import Finding, broken, ok, warning
from connector.settings import ENVIRONMENT_PREFIX, Settings

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
    if any(key in {"password", "secret_key"} for table in tables.values() for key in table):
        files["the settings file, which holds a secret"] = path
    found = [finding for name, file in files.items() if (finding := _mode(name, file))]
    yield from found or [ok("secrets", "nobody but their owner and its group reads the secrets")]


def _given(tables: dict[str, dict[str, object]], environment: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Section, key and path of every ``…_file`` that holds a secret."""
    for section, table in tables.items():
        for key, value in table.items():
            if key in {"password_file", "secret_key_file", "storage_file"}:
                yield section, key, str(value)
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX) and variable.endswith(("PASSWORD_FILE", "KEY_FILE", "STORAGE_FILE")):
            section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
            yield section, key, value


def _mode(name: str, file: Path) -> Finding | None:
    mode = stat.S_IMODE(file.stat().st_mode)
    if not mode & _OTHERS:
        return None
    return broken("secrets", f"{name}: {file} has mode {mode:03o}: others may read or change it", f"chmod 640 {file}")


def _address(settings: Settings) -> Finding:
    web = settings.web
    host = urlsplit(web.portal_url).hostname or ""
    if not web.portal_url.lower().startswith("https:") and host not in {"localhost", "127.0.0.1", "::1"}:
        return warning("address", f"{web.portal_url} is not https: passwords travel in clear", "[web] portal_url")
    if not web.secure_cookies and web.portal_url.lower().startswith("https:"):
        return warning("address", "the sessions' cookies go over http too", "[web] secure_cookies = true")
    return ok("address", f"students come to {web.portal_url}, times are told in {web.timezone}")


def _audit(file: str) -> Iterator[Finding]:
    """Looked at, not opened: that would make the file, as somebody else than the portal perhaps."""
    if file not in {STANDARD_OUTPUT, SYSLOG}:
        path = Path(file)
        place = path if path.exists() else path.parent
        if os.access(place, os.W_OK):
            yield ok("audit", f"the audit goes to {file}")
        else:
            why = "cannot be written by this user" if place.exists() else "does not exist"
            remedy = f"[audit] file; or, as root: install -d -o moncompte -g moncompte -m 750 {path.parent}"
            yield broken("audit", f"{place} {why}: no line of the audit is kept", remedy)
    else:
        yield ok("audit", "the audit goes to " + ("standard output" if file == STANDARD_OUTPUT else "the system's log"))


def _storage(url: str) -> Finding:
    if url.startswith("memory:"):
        return ok("limits", "the limits are counted by each process for itself")
    url = url.replace("redis", "valkey", 1) if url.startswith("redis") else url
    patience = {"socket_timeout": _PATIENCE_SECONDS, "socket_connect_timeout": _PATIENCE_SECONDS}
    try:
        is_there = storage_from_string(url, wrap_exceptions=True, **patience).check()
    except (ConfigurationError, StorageError, ValueError, TypeError, OSError):  # its words may quote a password
        is_there = False
    if is_there:
        return ok("limits", "the limits' storage answers")
    said = "the limits' storage does not answer: each process counts for itself, so strangers get more tries"
    return warning("limits", said, "[throttle] storage or storage_file; is that server running?")
