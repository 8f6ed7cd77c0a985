"""A whole site for a benchmark: slapd with a crowd, a mail server, ``moncompte serve``, each in processes of its own.

And what goes to it and what it costs: a browser, the CPU and the memory of processes, as Linux tells them.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from urllib.parse import urlencode

import ldap3

from connector import hashing
from connector.cli.demo import settings as demo_settings
from connector.clock import utc_now
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.settings import Settings
from connector.settings.effective import as_toml
from tests.bench import crowd
from tests.bench.rig import free_port, process, take_mails, wait_for, with_sections
from tests.storage import shared_storage

HOST = "127.0.0.1"
_FORK = multiprocessing.get_context("fork")
_TICKS = os.sysconf("SC_CLK_TCK")
_TOKEN = re.compile(rb'name="csrf_token" value="([^"]+)"')
_COOKIE = re.compile(rb"Set-Cookie: ([^;]+)")
_LENGTH = re.compile(rb"Content-Length: (\d+)")
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Stage:
    """Of the portal and the mail server the ports, of all three the process ids; ``mails`` counts the delivered."""

    port: int
    web: int
    slapd: int
    smtp: int
    mail: int
    mails: Synchronized[int]
    directory: PrivateSlapd
    people: Iterator[str]
    passwords: dict[str, int] = field(default_factory=dict)
    """How often each changed theirs."""

    def wait_for_mails(self, count: int) -> None:
        """Until so many were delivered."""
        until = time.monotonic() + 120
        while self.mails.value < count:
            assert time.monotonic() < until, f"{self.mails.value} mails of {count}"
            time.sleep(0.002)

    def yardstick(self, seconds: float) -> float:
        """Entries a second that ldap3 finds over one connection, one after the other: how fast the machine is now."""
        server = ldap3.Server(self.directory.ldapi_uri, get_info=ldap3.NONE)
        dn, password = self.directory.portal_dn, self.directory.portal_password
        found = 0
        with ldap3.Connection(server, dn, password, read_only=True) as line:
            began = time.perf_counter()
            while (spent := time.perf_counter() - began) < seconds:
                wanted = f"(uid={next(self.people)})"
                found += line.search(self.directory.people_dn, wanted, attributes=ldap3.ALL_ATTRIBUTES)
        return found / spent


@contextmanager
def staged(entries: int, password: str, scheme: str, adjusted: Callable[[Settings], Settings]) -> Iterator[Stage]:
    """A site with so many entries, whose people all have ``password``, hashed by ``scheme``."""
    stored = hashing.argon2id(password) if scheme == "{ARGON2}" else crowd.ssha(password)
    mails, smtp, port = _FORK.Value("l", 0), free_port(), free_port()
    with (
        PrivateSlapd(password_hash=scheme) as slapd,
        tempfile.TemporaryDirectory(prefix="moncompte-bench-") as folder,
        shared_storage(Path(folder)) as storage,
        process(take_mails, smtp, mails) as mail,
    ):
        crowd.load(slapd, entries, utc_now(), stored)
        wait_for(smtp)
        settings = adjusted(demo_settings(slapd, Mailbox(smtp), port, f"{folder}/audit"))
        settings = with_sections(settings, web={"listen": f"{HOST}:{port}"})
        toml = as_toml(settings)
        if settings.web.workers > 1:
            toml = toml.replace('"memory://"', f'"{storage}"')
        pid = int((slapd.folder / "slapd.pid").read_text())
        logins = [entry["uid"][0] for entry in slapd.search(_OPEN, "uid", base=slapd.people_dn)]
        with _serving(toml, Path(folder), port) as web:
            yield Stage(port, web, pid, smtp, mail, mails, slapd, itertools.cycle(logins))


_OPEN = "(&(supannRessourceEtat={COMPTE}A:SupannActif)(supannMailPrive=*))"


@contextmanager
def _serving(toml: str, folder: Path, port: int) -> Iterator[int]:
    file = folder / "moncompte.toml"
    file.write_text(toml, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("moncompte")), "serve", "--settings", str(file)]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            while b"listens on" not in (said := (folder / "log").read_bytes()):
                assert process.poll() is None, said.decode()
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


def family(pid: int) -> list[int]:
    """The process and all that come of it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *itertools.chain.from_iterable(family(int(child)) for child in children)]


def cpu_seconds(pid: int) -> float:
    """CPU that a process and its children have used, in user and kernel mode (proc(5))."""
    stats = (Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family(pid))
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / _TICKS


def pss_mebibytes(pid: int) -> float:
    """Memory of a process and its children; what several share counts once."""
    texts = (Path(f"/proc/{one}/smaps_rollup").read_text() for one in family(pid))
    return sum(int(found[1]) for text in texts if (found := _PSS.search(text))) / 1024


Request = tuple[bytes, bytes]
"""What a browser sends, and the status it expects."""
Flow = Callable[[Stage, "Browser"], Iterator[Request]]
"""What somebody does: each request, once the answer to the one before is there."""


def crowd_of(stage: Stage, flow: Flow, clients: int, seconds: float) -> list[float]:
    """So many browsers, each beginning anew until the time is over, in one thread: threads would wait for one another.

    The seconds that each whole flow took.
    """
    times: list[float] = []
    until = time.perf_counter() + seconds
    with selectors.DefaultSelector() as selector:
        for _ in range(clients):
            _begin(stage, flow, Browser(stage.port), selector)
        while selector.get_map():
            for key, _events in selector.select():
                browser: Browser = key.data
                if browser.has_heard():
                    selector.unregister(browser.line)
                    if browser.goes_on():
                        selector.register(browser.line, selectors.EVENT_READ, browser)
                        continue
                    times.append(time.perf_counter() - browser.began)
                    if time.perf_counter() < until:
                        _begin(stage, flow, browser, selector)
                    else:
                        browser.line.close()
    return times


def _begin(stage: Stage, flow: Flow, browser: Browser, selector: selectors.BaseSelector) -> None:
    browser.began, browser.steps = time.perf_counter(), flow(stage, browser)
    browser.goes_on()
    selector.register(browser.line, selectors.EVENT_READ, browser)


class Browser:
    """Keeps the cookie, puts the token of the last page into the next form; its connection stays open."""

    began: float
    steps: Iterator[Request]

    def __init__(self, port: int) -> None:
        self._port = port
        self.line = self._connected()
        self.forget()

    def start_anew(self) -> None:
        """As somebody who comes for the first time."""
        self.line.close()
        self.line = self._connected()
        self.forget()

    def forget(self) -> None:
        """The cookie and the token."""
        self._cookie = self._token = self._answer = b""

    def page(self, path: str) -> Request:
        """The request for a page with a form."""
        return b"GET " + path.encode() + b" HTTP/1.1\r\n" + self._head() + b"\r\n", b"200"

    def form(self, path: str, **typed: str) -> Request:
        """A form that is to be taken."""
        body = urlencode({"csrf_token": self._token.decode(), **typed}).encode()
        head = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        return b"POST " + path.encode() + b" HTTP/1.1\r\n" + self._head() + head.encode() + body, b"303"

    def goes_on(self) -> bool:
        """Send the next request, if there is one."""
        request = next(self.steps, None)
        if request:
            octets, self._expected = request
            self.line.sendall(octets)
        return bool(request)

    def has_heard(self) -> bool:
        """Take what has come; whether the answer is there, whole. Any other than the expected one is an error."""
        more = self.line.recv(65536)
        assert more, "the portal hung up"
        self._answer += more
        if not _is_whole(self._answer):
            return False
        answer, self._answer = self._answer, b""
        assert answer.split(None, 2)[1] == self._expected, answer.decode(errors="replace")
        cookie, token = _COOKIE.search(answer), _TOKEN.search(answer)
        self._cookie = cookie[1] if cookie else self._cookie
        self._token = token[1] if token else self._token
        return True

    def _connected(self) -> socket.socket:
        line = socket.create_connection((HOST, self._port), timeout=60)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def _head(self) -> bytes:
        return b"Host: portal\r\n" + (b"Cookie: " + self._cookie + b"\r\n" if self._cookie else b"")


def _is_whole(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(blank and length) and len(body) >= int(length[1] if length else 0)
