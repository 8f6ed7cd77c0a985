"""``moncompte serve`` with several processes: reloaded, crippled and stopped under load, it loses no request."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.settings import Settings
from tests.faults.conftest import changed
from tests.faults.serving import PROGRAM, Crowd, Serving
from tests.faults.trouble import read_only
from tests.faults.visitors import Visitor
from webui.server import listen

CLIENTS, ASKING = 4, 400


@pytest.fixture
def several(settings: Settings, people: dict[str, str], storage: str) -> Settings:
    """Settings for two processes, which count their tries together."""
    with listen("127.0.0.1", 0) as free:
        web = {"listen": f"127.0.0.1:{free.getsockname()[1]}", "workers": 2}
    counted = {"storage": SecretStr(storage), "ask_per_source": "1000000/second", "ask_in_all": "1000000/second"}
    return changed(settings, web=web, throttle=counted)


@pytest.fixture
def serving(several: Settings, tmp_path: Path) -> Iterator[Serving]:
    serving = Serving(several, tmp_path)
    serving.start()
    serving.wait_for_workers(2)
    yield serving
    serving.stop()


@contextmanager
def asking(serving: Serving) -> Iterator[Crowd]:
    """A crowd that asks for keys all the while; everybody has been answered when the block is over."""
    crowd = Crowd(serving.port, (f"nobody{number}" for number in range(ASKING)))
    clients = [threading.Thread(target=crowd.ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    yield crowd
    for client in clients:
        client.join()
    assert len(crowd.answers) == ASKING


def test_new_processes_take_over_under_load_and_nobody_notices(serving: Serving) -> None:
    with asking(serving) as crowd:
        for count in (50, 150, 250):
            crowd.wait_for(count)
            serving.reload()
    assert set(crowd.answers.values()) == {303}
    assert len(serving.workers) == 2


def test_a_process_that_dies_is_replaced_and_costs_what_it_had_in_hand_alone(serving: Serving) -> None:
    with asking(serving) as crowd:
        crowd.wait_for(50)
        os.kill(serving.workers[0], signal.SIGKILL)
    assert set(crowd.answers.values()) <= {303, None}
    assert list(crowd.answers.values()).count(None) <= CLIENTS
    serving.wait_for_workers(2)


def test_settings_that_cannot_be_used_are_refused_and_the_portal_goes_on(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "moncompte.toml"
    sound = file.read_text(encoding="utf-8")
    for fault, said in (
        (("threads = 8", "threads = 0"), "[web] threads: "),
        (("ou=people,", "ou=nowhere,"), "no such entry"),
    ):
        file.write_text(sound.replace(*fault), encoding="utf-8")
        before = serving.workers
        serving.reload()
        assert serving.workers == before
        assert said in serving.log
        assert Visitor(serving.port).get("/") == 200
    file.write_text(sound.replace('theme = "dordogne"', 'theme = "garonne"'), encoding="utf-8")
    serving.reload()
    assert "Garonne" in page(serving.port)


def test_a_process_waits_for_a_directory_that_was_spoiled_meanwhile(serving: Serving, slapd: PrivateSlapd) -> None:
    """It began when the directory was right; one that dies now has a successor, which tries until it is right again."""
    with read_only(slapd):
        for worker in serving.workers:
            os.kill(worker, signal.SIGKILL)
        serving.wait_to_say("this process cannot serve: ")
    serving.wait_for_workers(2)
    assert Visitor(serving.port).get("/") == 200
    assert serving.log.count("this process cannot serve: ") <= 4  # no tight loop


def test_who_was_let_in_is_answered_when_it_stops(serving: Serving, mailbox: Mailbox) -> None:
    """A form that is half sent when the signal comes is read to its end."""
    with socket.create_connection(("127.0.0.1", serving.port)) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        time.sleep(0.2)
        stopping = threading.Thread(target=serving.stop)
        stopping.start()
        time.sleep(0.5)
        line.sendall(b"\r\n")
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    stopping.join()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nConnection: close\r\n" in answer
    serving.start()


def test_a_socket_of_systemds_outlives_a_restart(serving: Serving, several: Settings, tmp_path: Path) -> None:
    """Who connects while nothing runs is answered by what runs next (sd_listen_fds(3))."""
    settings = tmp_path / "moncompte.toml"
    shell = f"exec 3<&0; LISTEN_PID=$$ LISTEN_FDS=1 exec {PROGRAM} serve --settings {settings}"
    with listen("127.0.0.1", 0) as passed, socket.create_connection(passed.getsockname()) as early:
        early.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        process = subprocess.Popen(["sh", "-c", shell], stdin=passed.fileno(), stdout=subprocess.DEVNULL)
        try:
            assert early.recv(1024).startswith(b"HTTP/1.1 200 ")
        finally:
            process.terminate()
            assert process.wait(timeout=60) == 0


def page(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    found = re.search(r"<title>(.*?)</title>", answer)
    assert found
    return found[1]
