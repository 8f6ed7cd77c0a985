"""``moncompte serve`` and ``moncompte dispatch`` as monitoring sees them."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from connector.settings import Settings
from connector.settings.effective import as_toml
from webui.server import listen

COMMAND = str(Path(sys.executable).with_name("moncompte"))


@contextmanager
def running(folder: Path, settings: Settings, *words: str) -> Iterator[subprocess.Popen[str]]:
    file = folder / "moncompte.toml"
    file.write_text(as_toml(settings), encoding="utf-8")
    counted = {**os.environ, "TMPDIR": str(folder / "counted")}
    (folder / "counted").mkdir()
    command = [COMMAND, *words, "--settings", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=counted) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def free_port() -> int:
    with listen("127.0.0.1", 0) as taken:
        return int(taken.getsockname()[1])


def ask(port: int, path: str) -> str:
    """The body, once the process listens."""
    while True:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            line.request("GET", path)
            return line.getresponse().read().decode()
        except ConnectionRefusedError:
            time.sleep(0.05)
        finally:
            line.close()


@pytest.fixture
def served(settings: Settings, people: dict[str, str], tmp_path: Path) -> Settings:
    """Settings of a portal on ports of its own."""
    listening = {"web": {"listen": f"127.0.0.1:{free_port()}"}, "observe": {"listen": f"127.0.0.1:{free_port()}"}}
    update = {name: getattr(settings, name).model_copy(update=values) for name, values in listening.items()}
    return settings.model_copy(update=update)


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_a_portal_is_observed_at_an_address_of_its_own(served: Settings, tmp_path: Path) -> None:
    with running(tmp_path, served, "serve") as process:
        at = port_of(served.observe.listen)
        assert ask(at, "/healthz") == "ok\n"
        ask(port_of(served.web.listen), "/")
        assert counted(at, SHOWN) == 1
        assert "moncompte_http" not in ask(port_of(served.web.listen), "/metrics")
    assert process.returncode == 0


def counted(port: int, series: str) -> float:
    """The value of a series, 0 where there is none."""
    lines = [line for line in ask(port, "/metrics").splitlines() if line.startswith(f"{series} ")]
    return float(lines[0].rpartition(" ")[2]) if lines else 0


def with_two_processes(settings: Settings) -> Settings:
    """They need a storage to share; one that does not answer will do."""
    web = settings.web.model_copy(update={"workers": 2})
    throttle = settings.throttle.model_copy(update={"storage": SecretStr(f"redis://127.0.0.1:{free_port()}/0")})
    return settings.model_copy(update={"web": web, "throttle": throttle})


STARTED = 'moncompte_audit_events_total{event="portal:process:start",outcome="done"}'
SHOWN = 'moncompte_http_requests_total{method="GET",route="entry.landing",status="2xx"}'


def test_whichever_process_is_asked_tells_of_all_and_of_those_before(served: Settings, tmp_path: Path) -> None:
    """Two processes, and two more after a reload; then all is gone with them."""
    with running(tmp_path, with_two_processes(served), "serve") as process:
        at, pages = port_of(served.observe.listen), port_of(served.web.listen)
        for turn in (1, 2):
            while counted(at, STARTED) < 2 * turn:
                time.sleep(0.05)
            for _ in range(20):
                ask(pages, "/")
            assert {counted(at, SHOWN) for _ in range(20)} == {20.0 * turn}
            process.send_signal(signal.SIGHUP)
    assert process.returncode == 0
    assert list((tmp_path / "counted").iterdir()) == []


def test_what_a_killed_process_had_in_use_is_no_longer_told(served: Settings, tmp_path: Path) -> None:
    with running(tmp_path, with_two_processes(served), "serve") as process:
        at = port_of(served.observe.listen)
        while counted(at, STARTED) < 2:
            time.sleep(0.05)
        killed = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        assert list((tmp_path / "counted").glob(f"*/gauge_livesum_{killed}.db"))
        os.kill(killed, signal.SIGKILL)
        while counted(at, STARTED) < 3:  # another took its place; what it had counted is told still
            time.sleep(0.05)
        assert not list((tmp_path / "counted").glob(f"*/gauge_livesum_{killed}.db"))


def test_a_dispatcher_is_observed_where_it_is_told_to(
    settings: Settings, people: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    with running(tmp_path, settings, "dispatch", "--observe", f"127.0.0.1:{port}") as process:
        assert '"directory": "ok"' in ask(port, "/readyz")
    assert process.returncode == 0


def test_an_address_that_is_taken_is_told_and_nothing_runs(served: Settings, tmp_path: Path) -> None:
    with listen("127.0.0.1", port_of(served.observe.listen)), running(tmp_path, served, "serve") as process:
        assert process.wait(timeout=30) == 1
        assert process.stderr
        assert f"[observe] listen: {served.observe.listen}" in process.stderr.read()
