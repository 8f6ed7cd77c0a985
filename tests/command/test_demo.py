"""``moncompte demo``, run as a person runs it and as a script does."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = [str(Path(sys.executable).with_name("moncompte")), "demo", "--people", "14"]
FIELDS = {
    "audit",
    "portal",
    "mailbox",
    "ldap",
    "base",
    "root_dn",
    "root_password",
    "portal_dn",
    "portal_password",
    "people",
    "settings",
}


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo puts its files; a short path, for the unix socket."""
    return tmp_path_factory.mktemp("d")


@pytest.fixture
def demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "TMPDIR": str(folder)}
    process = subprocess.Popen(
        [*COMMAND, "--json", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    yield process
    process.kill()
    process.communicate()


def ready(demo: subprocess.Popen[str]) -> dict[str, Any]:
    assert demo.stdout
    described: dict[str, Any] = json.loads(demo.stdout.readline())
    return described


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def ldapsearch(described: dict[str, Any], *what: str) -> str:
    who = ["-x", "-D", described["root_dn"], "-w", described["root_password"], "-b", described["base"]]
    done = subprocess.run(
        ["ldapsearch", "-LLL", "-H", described["ldap"], *who, *what], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_line_of_json_tells_a_script_everything_and_all_of_it_answers(demo: subprocess.Popen[str]) -> None:
    described = ready(demo)
    assert set(described) == FIELDS | {"audit"}
    assert b"Mon compte" in urllib.request.urlopen(described["portal"]).read()
    assert json.load(urllib.request.urlopen(described["mailbox"])) == []
    person = described["people"][0]
    assert f"uid: {person['uid']}\n" in ldapsearch(described, f"(uid={person['uid']})")
    operator = next(person for person in described["people"] if person["serves"] == "everybody")
    assert f"member: {operator['dn']}\n" in ldapsearch(described, "(cn=helpdesk)")
    states = {person["state"] for person in described["people"]}
    assert states == {"to-activate", "active", "suspended", "expired", "staff"}
    demo.send_signal(signal.SIGINT)
    rest, complaints = demo.communicate(timeout=30)
    assert (rest, complaints, demo.returncode) == ("", "", 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_process_and_no_file_behind(
    demo: subprocess.Popen[str], folder: Path, number: signal.Signals
) -> None:
    ready(demo)
    slapds = children(demo.pid)
    assert slapds
    demo.send_signal(number)
    demo.wait(timeout=30)
    assert [pid for pid in slapds if Path(f"/proc/{pid}").exists()] == []
    assert list(folder.iterdir()) == []


def test_a_script_that_starts_it_with_an_ampersand_stops_it_with_sigint(folder: Path) -> None:
    """A POSIX shell has SIGINT ignored in what its scripts put into the background."""
    pipe = folder.parent / f"{folder.name}.pipe"
    os.mkfifo(pipe)
    script = '"$@" >"$0" & read -r line <"$0"; kill -INT $!; wait $!'
    command = ["sh", "-c", script, str(pipe), *COMMAND, "--json", "--port", "0"]
    done = subprocess.run(command, env={**os.environ, "TMPDIR": str(folder)}, timeout=60, check=False)
    assert done.returncode == 0
    assert list(folder.iterdir()) == []


def test_a_person_is_told_what_to_try_with_a_line_that_works_as_printed(folder: Path) -> None:
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(folder)}
    ) as demo:
        assert demo.stdout
        guide = "".join(iter(demo.stdout.readline, "Ctrl-C stops everything and leaves nothing behind.\n"))
        line = next(line for line in guide.splitlines() if "ldapsearch" in line)
        shown = subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout  # noqa: S602
        demo.send_signal(signal.SIGINT)
    assert "moncompteKeyExpiry: " in shown
    assert "Portal    http://127.0.0.1:" in guide
    assert re.search(
        r"Help desk http://127.0.0.1:\d+/guichet/inscription\n  Login bgirard001, password \S+, enrol", guide
    )


def test_a_taken_port_is_said_in_a_sentence(demo: subprocess.Popen[str]) -> None:
    port = ready(demo)["portal"].rsplit(":", 1)[1].rstrip("/")
    again = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert again.stderr == f"Error: port {port}: Address already in use; give another with --port, or none\n"


def test_the_other_commands_work_on_it(demo: subprocess.Popen[str]) -> None:
    described = ready(demo)
    settings = Path(described["settings"])
    assert settings.parent.stat().st_mode & 0o077 == 0
    environment = {**os.environ, "MONCOMPTE_SETTINGS": str(settings)}
    for words in (["check"], ["show", described["people"][0]["uid"]], ["stats", "--json"]):
        done = subprocess.run([COMMAND[0], *words], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_another_theme_is_shown_without_a_line_of_code(folder: Path) -> None:
    command = [*COMMAND, "--json", "--port", "0", "--theme", "garonne"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as demo:
        described = ready(demo)
        page = urllib.request.urlopen(described["portal"]).read().decode()
        demo.send_signal(signal.SIGINT)
    assert "Université Garonne-Océan" in page
    assert "Dordogne" not in page


def test_a_theme_that_is_not_there_is_said_before_anything_is_made(folder: Path) -> None:
    done = subprocess.run([*COMMAND, "--theme", "nowhere"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith(
        f"Error: {Path.cwd() / 'nowhere/theme.toml'}: cannot be read: No such file or directory"
    )
    assert "Traceback" not in done.stderr
