"""What can befall a slapd, done to a real one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
from ldap3.strategy.sync import SyncStrategy

from connector.demo.ldap_tools import SlapdFailed, tool
from connector.demo.slapd import PrivateSlapd
from connector.directory.lane import Lane
from connector.directory.operations import Operations

_DATABASE = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\n"
_OTHER = 80  # RFC 4511 appendix A: what slapd answers when its database is full


def kill(slapd: PrivateSlapd) -> None:
    """SIGKILL: it finishes nothing and says goodbye to nobody."""
    os.kill(_pid(slapd), signal.SIGKILL)


def freeze(slapd: PrivateSlapd) -> None:
    """SIGSTOP, and it has taken effect on each of its threads."""
    slapd.pause()
    threads = Path(f"/proc/{_pid(slapd)}/task")
    while any("State:\tT" not in (thread / "status").read_text() for thread in threads.iterdir()):
        pass


def kill_in(operation: str, slapd: PrivateSlapd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next ``operation`` (a method of Operations) is sent, and slapd is killed before it has done it."""
    ask = getattr(Operations, operation)
    ears = {(Lane, "_hear"): Lane._hear, (SyncStrategy, "receiving"): SyncStrategy.receiving}  # ours; ldap3's of a bind

    def asking(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(Operations, operation, ask)
        freeze(slapd)
        for (owner, name), hear in ears.items():
            monkeypatch.setattr(owner, name, partialmethod(dying, hear))
        return ask(*arguments, **named)

    def dying(self: Any, hear: Callable[[Any], Any]) -> Any:
        for (owner, name), unharmed in ears.items():
            monkeypatch.setattr(owner, name, unharmed)
        kill(slapd)
        return hear(self)

    monkeypatch.setattr(Operations, operation, asking)


@contextmanager
def frozen(slapd: PrivateSlapd) -> Iterator[None]:
    """It accepts connections, or its kernel does, and answers nothing."""
    freeze(slapd)
    try:
        yield
    finally:
        slapd.resume()


@contextmanager
def read_only(slapd: PrivateSlapd) -> Iterator[None]:
    """It refuses writes (unwillingToPerform), as while somebody works on it."""
    slapd.add_config(f"{_DATABASE}replace: olcReadOnly\nolcReadOnly: TRUE\n")
    try:
        yield
    finally:
        slapd.add_config(f"{_DATABASE}replace: olcReadOnly\nolcReadOnly: FALSE\n")


@contextmanager
def full(slapd: PrivateSlapd) -> Iterator[None]:
    """Its database may not grow, and a backup that got stuck holds on to every page that a write could use again."""
    dn = f"cn=ballast,{slapd.base}"
    ballast = "x" * 200_000  # more than a pipe holds
    slapd.add_ldif(f"dn: {dn}\nobjectClass: applicationProcess\ncn: ballast\ndescription: {ballast}\n")
    _let_grow(slapd, 1)  # less than it has already means: not at all
    backup = subprocess.Popen(_beside(slapd, "slapcat"), stdout=subprocess.PIPE)
    try:
        assert backup.stdout
        assert backup.stdout.read(1)
        with pytest.raises(SlapdFailed) as refused:
            for number in range(1000):
                slapd.add_ldif(f"dn: {dn}\nchangetype: modify\nreplace: description\ndescription: {number}\n")
        assert refused.value.code == _OTHER
        yield
    finally:
        backup.communicate()
        _let_grow(slapd, 2**34)  # as in the demo's stock.ldif
        slapd.add_ldif(f"dn: {dn}\nchangetype: delete\n")


@contextmanager
def stalled_disk(slapd: PrivateSlapd) -> Iterator[None]:
    """Writes hang, as on a disk that does not answer; what is in memory can still be read."""
    command = [*_beside(slapd, "slapadd"), "-q", "-v"]  # quick: one transaction for many entries
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert writer.stdin
        assert writer.stderr
        for cn in ("first", "second"):  # it reads one ahead
            writer.stdin.write(f"dn: cn={cn},{slapd.base}\nobjectClass: applicationProcess\ncn: {cn}\n\n".encode())
        writer.stdin.flush()
        assert b"added" in writer.stderr.readline()
        yield
    finally:
        writer.kill()
        writer.communicate()


def _pid(slapd: PrivateSlapd) -> int:
    return int((slapd.folder / "slapd.pid").read_text())


def _let_grow(slapd: PrivateSlapd, size: int) -> None:
    """Not while it runs: slapd 2.5.13 has died of that."""
    slapd.halt()
    change = f"{_DATABASE}replace: olcDbMaxSize\nolcDbMaxSize: {size}\n"
    subprocess.run(_beside(slapd, "slapmodify", 0), input=change.encode(), check=True, capture_output=True)
    slapd.launch()


def _beside(slapd: PrivateSlapd, command: str, database: int = 1) -> list[str]:
    """A command that works on slapd's own files."""
    return [tool(command), "-F", str(slapd.folder / "config"), f"-n{database}"]
