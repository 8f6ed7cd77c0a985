"""What a benchmark runs against: slapd, a mail server and the portal, each in a process of its own, and a visitor."""

from __future__ import annotations

import logging
import multiprocessing
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Self
from urllib.parse import urlencode

from connector.cli.demo import settings as demo_settings
from connector.cli.web import log_to_stderr, serving, until_stopped, wait
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.portal import Portal
from connector.settings import Settings
from webui.server import listen

_HOST = "127.0.0.1"
_FORK = multiprocessing.get_context("fork")  # a child inherits the listening socket; nothing needs to be pickled
_TOKEN = re.compile(rb'name="csrf_token" value="([^"]+)"')
_COOKIE = re.compile(rb"Set-Cookie: ([^;]+)")
_EXPECTED = {b"303", b"422"}  # of who asked, of who did not get in
_LENGTH = re.compile(rb"Content-Length: (\d+)")
# getrusage counts the memory of the process that one was forked from, so it is forked from this one, which is small.
LAUNCHER = """
import os, subprocess, sys, time
began = time.monotonic()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), time.monotonic() - began, usage.ru_maxrss)
"""
"""Runs the command that follows; prints its exit code, the seconds it took, its peak memory in KiB."""


def with_sections(settings: Settings, **sections: dict[str, Any]) -> Settings:
    """The same settings with some values changed: ``with_sections(settings, keys={"cooldown_seconds": 0})``."""
    changed = {name: getattr(settings, name).model_copy(update=values) for name, values in sections.items()}
    return settings.model_copy(update=changed)


@contextmanager
def portal_on(slapd: PrivateSlapd, adjusted: Callable[[Settings], Settings]) -> Iterator[int]:
    """The portal in a process of its own, and its mail server in another; yields the portal's port."""
    with mail_server() as smtp_port, listen(_HOST, 0) as listener:
        port = listener.getsockname()[1]
        settings = adjusted(demo_settings(slapd, Mailbox(smtp_port), port))
        with process(_serve, settings, listener):
            yield port


@contextmanager
def mail_server() -> Iterator[int]:
    """A mail server in a process of its own, with one thread a conversation; yields its port."""
    port = free_port()
    with process(take_mails, port):
        wait_for(port)
        yield port


@contextmanager
def process(act: Callable[..., None], *arguments: object) -> Iterator[int]:
    """A child that does this while the block lasts; yields its process id."""
    child = _FORK.Process(target=act, args=arguments, daemon=True)
    child.start()
    assert child.pid
    try:
        yield child.pid
    finally:
        child.terminate()
        child.join()


def _serve(settings: Settings, listener: socket.socket) -> None:
    log_to_stderr(logging.WARNING, logging.BASIC_FORMAT)
    with until_stopped(), serving(Portal(settings), listener):
        wait()


def take_mails(port: int, count: Synchronized[int] | None = None) -> None:
    """A mail server that takes everything, keeps nothing, and costs next to nothing: real ones are elsewhere.

    ``count`` goes up with each mail.
    """
    with socket.create_server((_HOST, port)) as server:
        while True:
            threading.Thread(target=_converse, args=(server.accept()[0], count), daemon=True).start()


def _converse(line: socket.socket, count: Synchronized[int] | None) -> None:
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with line, line.makefile("rb") as heard, suppress(ConnectionError):
        line.sendall(b"220 ready\r\n")
        for command in heard:
            if command.upper().startswith(b"DATA"):
                line.sendall(b"354 go on\r\n")
                while heard.readline() not in {b".\r\n", b""}:
                    pass
                if count is not None:
                    with count.get_lock():
                        count.value += 1
            line.sendall(b"250-hello\r\n250 PIPELINING\r\n" if command.upper().startswith(b"EHLO") else b"250 OK\r\n")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((_HOST, 0)) as server:
        return int(server.getsockname()[1])


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((_HOST, port), timeout=10).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Visitor:
    """A browser that says the same bytes for the same form, over one connection that stays open."""

    def __init__(self, port: int) -> None:
        self._line = socket.create_connection((_HOST, port), timeout=30)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = b"Host: portal\r\n"
        page = self._answer(b"GET / HTTP/1.1\r\n" + self._head + b"\r\n")
        cookie, token = _COOKIE.search(page), _TOKEN.search(page)
        assert cookie and token
        self._head += b"Cookie: " + cookie[1] + b"\r\n"
        self._token = token[1].decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def form(self, path: str, **typed: str) -> bytes:
        """The request that a form makes."""
        body = urlencode({"csrf_token": self._token, **typed}).encode()
        length = f"Content-Length: {len(body)}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
        return f"POST {path} HTTP/1.1\r\n".encode() + self._head + length.encode() + body

    def page(self, path: str) -> bytes:
        """The request for a page."""
        return f"GET {path} HTTP/1.1\r\n".encode() + self._head + b"\r\n"

    def say(self, request: bytes) -> float:
        """The seconds from the first byte sent to the last byte received; any answer but a stranger's is an error."""
        begin = time.perf_counter()
        answer = self._answer(request)
        seconds = time.perf_counter() - begin
        assert answer.split(None, 2)[1] in _EXPECTED, answer[:200]
        return seconds

    def _answer(self, request: bytes) -> bytes:
        self._line.sendall(request)
        answer = b""
        while not _is_whole(answer):
            more = self._line.recv(65536)
            assert more, "the portal hung up"
            answer += more
        return answer


def _is_whole(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(blank and length) and len(body) >= int(length[1] if length else 0)
