"""Several slapd that hold one directory, by the files of config/deploy/replication, and the lines between them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme

from connector import keys
from connector.demo import slapd as demo
from connector.demo.ldap_tools import SlapdFailed
from connector.demo.slapd import EXTERNAL, PrivateSlapd
from connector.settings import config_folder
from tests.faults.trouble import kill

_FILES = config_folder() / "deploy" / "replication"
_NAMES = ("ldaps://ldap1.universite.example", "ldaps://ldap2.universite.example")
_REPLICATOR = f"cn=replicator,ou=moncompte,{demo.SAMPLE_SUFFIX}"
PATIENCE_SECONDS = 30


class Empty(PrivateSlapd):
    """With config/ldap and no entry: those are another server's to give."""

    def _load_config(self) -> None:
        for name, text in self._files().items():
            if not name.endswith("-entries.ldif"):
                self.add_config(text)
        self.add_config(demo._VARIANT.format(password_hash=self.password_hash, hash_cleartext="TRUE"))


class Cable:
    """The network from one server to another: a port that leads to the other's, until it is cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._is_whole = True
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Nothing passes any more, and both sides notice."""
        self._is_whole = False
        while self._ends:
            _end(self._ends.pop())

    def join(self) -> None:
        """Undo ``cut``."""
        self._is_whole = True

    def close(self) -> None:
        """For good."""
        self.cut()
        _end(self._listener)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                self._lead(self._listener.accept()[0])

    def _lead(self, here: socket.socket) -> None:
        try:
            there = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            _end(here)
            return
        self._ends += [here, there]
        if not self._is_whole:
            self.cut()
        for one, other in ((here, there), (there, here)):
            threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while octets := one.recv(1 << 16):
            other.sendall(octets)
    _end(one)
    _end(other)


def _end(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


@dataclass
class Pair:
    """The first server, the second, and the lines: from the first to the second, and back."""

    first: PrivateSlapd
    second: PrivateSlapd
    cables: tuple[Cable, Cable]

    def cut(self) -> None:
        """The servers do not reach each other; whoever asks them reaches both."""
        for cable in self.cables:
            cable.cut()

    def join(self) -> None:
        """Undo ``cut``."""
        for cable in self.cables:
            cable.join()

    @property
    def servers(self) -> list[PrivateSlapd]:
        """Both, in the order of the settings."""
        return [self.first, self.second]

    @property
    def uris(self) -> tuple[str, str]:
        """For [directory] uri: the one that is written to comes first."""
        return self.first.ldapi_uri, self.second.ldapi_uri

    def kill(self, server: PrivateSlapd) -> None:
        """SIGKILL, and it is dead."""
        kill(server)
        while server._answers():
            time.sleep(0.01)

    def wait_until_equal(self) -> None:
        """Until both have seen the same changes, by their contextCSN (RFC 4533 §1.3's cookie holds it)."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (seen := stamps(self.first)) != stamps(self.second) or not seen:
            assert time.monotonic() < deadline, (seen, stamps(self.second))
            time.sleep(0.05)


def stamps(server: PrivateSlapd) -> set[str]:
    """The newest change of each provider that this server knows."""
    options = ("-LLL", "-b", server.base, "-s", "base", "contextCSN")
    try:
        lines = server.run("ldapsearch", *server.as_root, *options).splitlines()
    except SlapdFailed:  # it is down, or empty yet
        return set()
    return {line for line in lines if line.startswith("contextCSN")}


@contextmanager
def replicated(folder: Path, second_file: str = "30-multi-provider.ldif") -> Iterator[Pair]:
    """Two providers; or, by file 40, a provider and its consumer."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    with ExitStack() as opened:
        certificate = folder / "server.pem"
        first = opened.enter_context(PrivateSlapd(password_hash="{SSHA}", certificate=certificate))
        second = Empty(password_hash="{SSHA}", certificate=certificate)
        second.portal_password = first.portal_password
        opened.enter_context(second)
        pair = Pair(first, second, (Cable(_port(second)), Cable(_port(first))))
        for cable in pair.cables:
            opened.callback(cable.close)
        _set_up(pair, folder, second_file)
        pair.wait_until_equal()
        yield pair


def _set_up(pair: Pair, folder: Path, second_file: str) -> None:
    secret = keys.random_secret()
    (folder / "replicator.password").write_text(secret, encoding="utf-8")
    pair.first.add_ldif((_FILES / "10-replicator.ldif").read_text(encoding="utf-8"))
    pair.first.run("ldappasswd", *pair.first.as_root, "-T", str(folder / "replicator.password"), _REPLICATOR)
    is_multi = second_file.startswith("30")
    for server in pair.servers:
        if is_multi or server is pair.first:
            _load(server, "20-provider.ldif")
    for server, cable in zip(pair.servers, pair.cables, strict=True):
        if is_multi or server is pair.second:
            _load(server, second_file, _addresses(pair, server, cable) | _secrets(folder, secret))


def _addresses(pair: Pair, server: PrivateSlapd, cable: Cable) -> dict[str, str]:
    """What the names stand for, seen from ``server``: itself, and the other one through the cable."""
    other = f"ldaps://127.0.0.1:{cable.port}"
    return dict(
        zip(_NAMES, (server.ldaps_uri, other) if server is pair.first else (other, server.ldaps_uri), strict=True)
    )


def _secrets(folder: Path, secret: str) -> dict[str, str]:
    return {"REPLICATOR-PASSWORD": secret, "/etc/ssl/certs/ca-certificates.crt": str(folder / "ca.pem")}


def _load(server: PrivateSlapd, name: str, values: dict[str, str] | None = None) -> None:
    text = (_FILES / name).read_text(encoding="utf-8")
    for placeholder, value in (values or {}).items():
        text = text.replace(placeholder, value)
    server.run("ldapmodify", *EXTERNAL, text=text)


def _port(server: PrivateSlapd) -> int:
    return int(server.ldaps_uri.rpartition(":")[2])
