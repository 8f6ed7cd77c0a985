"""What config/deploy holds does what it says: tried on the programs it is for, where this machine has them."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
import trustme

from connector.cli import main
from connector.cli.web import serving
from connector.portal import Portal
from connector.settings import Settings, config_folder
from tests.faults.conftest import changed
from webui.server import listen

CHECKOUT = Path(__file__).parents[2]
DEPLOY = config_folder() / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
HOST = "moncompte.universite.example"
LEAST_EXPOSED = 2.0  # of 10; systemd's own daemons have 2 to 9


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"this machine has no {program}")


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_keeps_the_portal_in_its_place(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert score
    assert float(score[1]) <= LEAST_EXPOSED


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").iterdir()), ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text(encoding="utf-8").replace("/opt/moncompte/bin/moncompte", "/bin/true")
    for other in DEPLOY.glob("systemd/*"):
        shutil.copy(other, tmp_path)
    (tmp_path / unit.name).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert [line for line in said.splitlines() if unit.name in line and "is not executable" not in line] == []


@needs("logrotate")
def test_logrotate_moves_the_audit_and_the_portal_begins_another(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    portal = Portal(changed(settings, audit={"file": str(log)}))
    portal.form_refused("token", portal.caller_from("192.0.2.1"))
    rules = (DEPLOY / "logrotate" / "moncompte").read_text(encoding="utf-8")
    rules = rules.replace("/var/log/moncompte/audit.jsonl", str(log)).replace("    su moncompte moncompte\n", "")
    (tmp_path / "rules").write_text(rules, encoding="utf-8")
    (tmp_path / "rules").chmod(0o644)
    command = ["logrotate", "--force", "--state", str(tmp_path / "state"), str(tmp_path / "rules")]
    subprocess.run(command, check=True, capture_output=True)
    portal.form_refused("token", portal.caller_from("192.0.2.2"))
    portal.audit.close()
    (moved,) = tmp_path.glob("audit.jsonl-*")
    assert ("192.0.2.1" in moved.read_text(), "192.0.2.2" in log.read_text()) == (True, True)
    assert "192.0.2.1" not in log.read_text()


@contextmanager
def nginx(folder: Path, port: int, portal_port: int, authority: trustme.CA) -> Iterator[None]:
    """The site of config/deploy, on a port of ours, with a certificate of ours."""
    certificate = authority.issue_cert(HOST)
    certificate.private_key_pem.write_to_path(folder / "privkey.pem")
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(folder / "fullchain.pem", append=number > 0)
    site = (DEPLOY / "nginx" / "moncompte.conf").read_text(encoding="utf-8")
    site = re.sub(r"^ +listen (80|\[::\].*);\n", "", site, flags=re.MULTILINE)
    site = site.replace("listen 443 ", f"listen 127.0.0.1:{port} ").replace(
        "127.0.0.1:8080", f"127.0.0.1:{portal_port}"
    )
    site = re.sub(r"server {[^{}]* return 308[^{}]*}\n", "", site).replace("/etc/ssl/moncompte", str(folder))
    kept = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    logs = f"access_log {folder}/access.log;\n"
    (folder / "nginx.conf").write_text(
        f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n{kept}{logs}{site}}}\n"
    )
    command = ["nginx", "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(folder / "nginx.conf")]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    (folder / "nginx.pid").unlink(missing_ok=True)  # the trial made it
    with subprocess.Popen([*command, "-g", "daemon off;"]) as process:
        try:
            while not (folder / "nginx.pid").exists():
                assert process.poll() is None
                time.sleep(0.02)
            yield
        finally:
            process.terminate()


@needs("nginx")
def test_a_request_comes_through_nginx_under_the_visitors_own_address(settings: Settings, tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    web = {"portal_url": f"https://{HOST}/", "secure_cookies": True, "proxies": 1}
    audit, authority = tmp_path / "audit", trustme.CA()
    portal = Portal(changed(settings, web=web, audit={"file": str(audit)}))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with (
        listen("127.0.0.1", 0) as listener,
        serving(portal, listener),
        nginx(tmp_path, port, listener.getsockname()[1], authority),
    ):
        asked = {"X-Forwarded-For": "203.0.113.7", "X-Request-ID": "of-my-own", "Host": HOST}
        page = spoken(port, trust, "GET / HTTP/1.1", asked)
        assert page.startswith("HTTP/1.1 200 ")
        assert "__Host-moncompte=" in page
        assert spoken(port, trust, "POST /oubli HTTP/1.1", asked).startswith("HTTP/1.1 ")
    text = audit.read_text(encoding="utf-8")
    assert '"source": "127.0.0.1"' in text
    assert "203.0.113.7" not in text
    assert "of-my-own" not in text


@needs("nginx")
def test_nginx_lets_a_lecture_hall_in_and_says_in_french_that_the_portal_is_away(tmp_path: Path) -> None:
    """More than 400 visitors of one address at once, and no portal behind: each is told what to do."""
    with listen("127.0.0.1", 0) as free, listen("127.0.0.1", 0) as nobody:
        port, portal_port = free.getsockname()[1], nobody.getsockname()[1]
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    with nginx(tmp_path, port, portal_port, authority):
        hall = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=10)
        trust.check_hostname = False
        statuses = {told(hall, "/").status for _ in range(450)}
        page = told(hall, "/static/style.css")
        hall.close()
    assert statuses == {503}
    assert page.getheader("Retry-After") == "60"


def told(connection: http.client.HTTPSConnection, path: str) -> http.client.HTTPResponse:
    """The answer to a visitor of the site, read to its end: advice in both languages."""
    connection.request("GET", path, headers={"Host": HOST})
    answer = connection.getresponse()
    text = answer.read().decode()
    assert ("Réessayez" in text, "try again" in text) == (True, True), text
    return answer


def spoken(port: int, trust: ssl.SSLContext, line: str, headers: dict[str, str]) -> str:
    """The whole answer, over TLS, of the site's name."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname=HOST) as wrapped,
    ):
        wrapped.sendall(f"{line}\r\n{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: wrapped.recv(65536), b"")).decode()


def test_the_image_is_made_of_what_is_there_and_runs_as_nobody_special() -> None:
    """The rest was tried by hand: docs/running.md, "In containers"."""
    text = (DEPLOY / "container" / "Containerfile").read_text(encoding="utf-8")
    lines = re.findall(r"^([A-Z]+) (.*)", text.replace("\\\n", " "), flags=re.MULTILINE)
    told = dict(lines)
    sources = [name for verb, words in lines if verb == "COPY" and "--from" not in words for name in words.split()[:-1]]
    assert [name for name in sources if not (CHECKOUT / name).exists()] == []
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", told["USER"])
    assert json.loads(told["ENTRYPOINT"]) == ["moncompte"]
    assert json.loads(told["CMD"])[0] in main.list_commands(click.Context(main))
    assert "--require-hashes" in text
