"""The LDAP commands a sysadmin types, run for the demo and the tests, and what they print."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from connector.errors import MonCompteError
from connector.wording import _

_SEARCH_PATH = ":/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/local/libexec:/usr/lib/openldap:/usr/lib64/openldap"

Entry = dict[str, list[str]]


class SlapdMissing(MonCompteError):
    """slapd, an LDAP command or the system's schema folder is not installed; the text says what to install."""

    def __init__(self, what: str) -> None:
        super().__init__(_("%(what)s not found; on Debian: apt-get install slapd slapd-contrib ldap-utils", what=what))


class SlapdFailed(MonCompteError):
    """slapd did not start, or a command failed: its own words (never a secret), and ``code``, its exit status.

    The exit status of ldapmodify, ldapsearch and ldapcompare is the LDAP result code (RFC 4511 appendix A).
    """

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def tool(name: str) -> str:
    """The path of an LDAP command, also where an ordinary user's PATH does not look; raises SlapdMissing."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + _SEARCH_PATH)
    if found is None:
        raise SlapdMissing(name)
    return found


def run(command: list[str], text: str = "") -> str:
    """What ``command`` prints, given ``text`` on its standard input; raises SlapdFailed."""
    # Neither ~/.ldaprc nor /etc/ldap/ldap.conf of whoever runs this may change what a test says.
    environment = {**os.environ, "LDAPNOINIT": "1"}
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", env=environment, check=False)
    if done.returncode != 0:
        raise SlapdFailed(f"{Path(command[0]).name}: {done.stderr.strip() or done.stdout.strip()}", done.returncode)
    return done.stdout


def entries_of(ldif: str) -> Iterator[Entry]:
    """The entries of an LDIF (RFC 2849) whose lines are not folded; names as written, base64 decoded."""
    for block in re.split(r"\n{2,}", ldif.strip()):
        entry: Entry = {}
        for name, base64_mark, value in re.findall(r"^([^:#\s]+):(:?) ?(.*)$", block, re.MULTILINE):
            clear = base64.b64decode(value).decode(errors="surrogateescape") if base64_mark else value
            entry.setdefault(name, []).append(clear)
        if entry:
            yield entry
