"""Nothing goes to the directory but inside TLS that was verified; what is wrong with it is told, with the remedy."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.directory import connections
from connector.doctor import Finding
from connector.errors import DirectoryUnavailable
from connector.model import By
from connector.portal import Portal
from connector.settings import Settings
from connector.settings.effective import as_toml
from tests.checked import changed, examined, wrong
from tests.conftest import PASSWORD, reset_people
from tests.directory.certificates import (
    ALERT,
    AUTHORITY,
    BAD,
    BOUND,
    GOOD,
    NAME,
    REFUSED,
    STARTED,
    STARTTLS_OID,
    STRANGER,
    Impostor,
    issued,
    self_signed,
)
from tests.faults.trouble import frozen
from tests.portal_fixtures import MovingClock

MODES = ("ldaps", "starttls")
Over = Callable[[str, str], Settings]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With ``ca.pem``, the authority that is trusted."""
    folder = tmp_path_factory.mktemp("tls")
    AUTHORITY.cert_pem.write_to_path(folder / "ca.pem")
    return folder


@pytest.fixture(scope="module")
def secure(folder: Path) -> Iterator[PrivateSlapd]:
    """A slapd that itself refuses a password in clear; its certificate is what a test puts in ``server.pem``."""
    (folder / "server.pem").write_bytes(issued(NAME))
    with PrivateSlapd(password_hash="{SSHA}", certificate=folder / "server.pem") as slapd:
        slapd.add_config("dn: cn=config\nchangetype: modify\nreplace: olcSecurity\nolcSecurity: simple_bind=71\n")
        reset_people(slapd)
        yield slapd


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name server of a university."""
    look_up = socket.getaddrinfo

    def getaddrinfo(host: str, *more: object, **named: object) -> object:
        return look_up("127.0.0.1" if host.lower() == NAME else host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def to_directory(slapd: PrivateSlapd, mailbox: Mailbox, folder: Path) -> Callable[..., Settings]:
    """Settings for a directory at these addresses."""

    def make(*uris: str, server: PrivateSlapd = slapd, **more: object) -> Settings:
        start_tls = {"start_tls": True, "ca_file": str(folder / "ca.pem"), "timeout_seconds": 1}
        return changed(demo_settings(server, mailbox, 8080), "directory", uri=uris, **{**start_tls, **more})

    return make


@pytest.fixture
def over(secure: PrivateSlapd, to_directory: Callable[..., Settings]) -> Over:
    """Settings that reach ``secure`` in this mode, by this name of its host."""

    def make(mode: str, host: str) -> Settings:
        uri = secure.ldaps_uri if mode == "ldaps" else secure.tcp_uri
        return to_directory(uri.replace("127.0.0.1", host), server=secure)

    return make


def show(slapd: PrivateSlapd, certificate: bytes) -> None:
    """Give it this certificate; it reads the file when it starts."""
    assert slapd.certificate
    slapd.certificate.write_bytes(certificate)
    slapd.restart()


def refusal(settings: Settings, clock: MovingClock) -> str:
    """Why nobody can sign in."""
    portal = Portal(settings, clock)
    with pytest.raises(DirectoryUnavailable) as refused:
        portal.sign_in("jmartin001", PASSWORD)
    portal.stop()
    return str(refused.value)


def found(settings: Settings) -> list[Finding]:
    """What the check says of the way to the directory."""
    return [finding for finding in wrong(examined(settings)) if finding.name in {"server", "certificate"}]


def serves(settings: Settings, clock: MovingClock) -> bool:
    portal = Portal(settings, clock)
    portal.directory.prepare()
    proof = portal.sign_in("jmartin001", PASSWORD)
    portal.stop()
    return proof.by is By.PASSWORD


@pytest.mark.parametrize("case", GOOD)
def test_passwords_travel_inside_tls_that_is_right(
    secure: PrivateSlapd, over: Over, clock: MovingClock, case: str
) -> None:
    make, host = GOOD[case]
    show(secure, make())
    for mode in MODES:
        assert serves(over(mode, host), clock)
        assert found(over(mode, host)) == []


@pytest.mark.parametrize("case", BAD)
def test_a_directory_whose_certificate_is_not_right_is_not_spoken_to(
    secure: PrivateSlapd, over: Over, clock: MovingClock, case: str
) -> None:
    make, host, what, remedy = BAD[case]
    show(secure, make())
    for mode in MODES:
        settings = over(mode, host)
        said = refusal(settings, clock)
        assert what in said
        assert remedy in said
        assert "_ssl" not in said
        (finding,) = found(settings)
        assert finding.name == "certificate"
        assert what in finding.what
        assert remedy in finding.remedy


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", [*GOOD, *BAD])
def test_nothing_is_sent_before_the_certificate_was_verified(
    folder: Path, to_directory: Callable[..., Settings], clock: MovingClock, mode: str, case: str
) -> None:
    make, host = (GOOD.get(case) or BAD[case])[:2]
    (folder / "impostor.pem").write_bytes(make())
    with Impostor(folder / "impostor.pem", mode) as impostor:
        refusal(to_directory(impostor.uri(host)), clock)
    assert impostor.in_clear.count(STARTTLS_OID) == (mode == "starttls")
    assert len(impostor.in_clear) <= len(STARTTLS_OID) + 20
    assert (b"cn=portal" in impostor.inside) == (case in GOOD)
    assert bool(impostor.inside) == (case in GOOD)
    assert impostor.servers[:1] == ([host] if host != "127.0.0.1" else [None])


@pytest.mark.parametrize("mode", MODES)
def test_a_self_signed_certificate_may_be_trusted_itself(
    secure: PrivateSlapd, over: Over, clock: MovingClock, folder: Path, mode: str
) -> None:
    """As the remedy says."""
    pem = self_signed(NAME)
    show(secure, pem)
    (folder / "copy.pem").write_bytes(pem[pem.index(b"-----BEGIN CERT") :])
    assert serves(changed(over(mode, NAME), "directory", ca_file=str(folder / "copy.pem")), clock)


def test_an_authority_that_is_renewed_is_believed_without_a_restart(
    secure: PrivateSlapd, over: Over, clock: MovingClock, folder: Path
) -> None:
    show(secure, issued(NAME))
    copy = folder / "renewed.pem"
    STRANGER.cert_pem.write_to_path(copy)
    portal = Portal(changed(over("ldaps", NAME), "directory", ca_file=str(copy)), clock)
    with pytest.raises(DirectoryUnavailable, match="not believed"):
        portal.sign_in("jmartin001", PASSWORD)
    AUTHORITY.cert_pem.write_to_path(copy)
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD
    portal.stop()


def test_a_file_of_authorities_that_holds_none_is_named(over: Over, clock: MovingClock, folder: Path) -> None:
    (folder / "none.pem").write_text("no certificate\n", encoding="utf-8")
    settings = changed(over("ldaps", NAME), "directory", ca_file=str(folder / "none.pem"))
    assert "none.pem holds no certificate" in refusal(settings, clock)
    (finding,) = found(settings)
    assert "none.pem holds no certificate" in finding.what
    assert "BEGIN CERTIFICATE" in finding.remedy


def test_without_starttls_this_directory_would_refuse_the_password(
    secure: PrivateSlapd, over: Over, clock: MovingClock
) -> None:
    """So the first test shows that it was asked for."""
    show(secure, issued(NAME))
    portal = Portal(changed(over("starttls", NAME), "directory", start_tls=False), clock)
    with pytest.raises(Exception, match="confidentialityRequired"):
        portal.sign_in("jmartin001", PASSWORD)
    portal.stop()


def test_a_server_that_offers_no_starttls_is_not_spoken_to_in_clear(
    slapd: PrivateSlapd, folder: Path, to_directory: Callable[..., Settings], clock: MovingClock
) -> None:
    assert "it has no TLS: give slapd a certificate" in refusal(to_directory(slapd.tcp_uri), clock)
    assert ["it has no TLS" in finding.what for finding in found(to_directory(slapd.tcp_uri))] == [True]
    (folder / "impostor.pem").write_bytes(issued(NAME))
    with Impostor(folder / "impostor.pem", "starttls", (REFUSED,)) as impostor:
        refusal(to_directory(impostor.uri(NAME)), clock)
    assert impostor.in_clear.count(STARTTLS_OID) == 1
    assert b"cn=portal" not in impostor.in_clear


def test_what_is_no_ldap_is_a_server_that_does_not_answer(
    secure: PrivateSlapd, folder: Path, to_directory: Callable[..., Settings], clock: MovingClock
) -> None:
    assert "uri" in refusal(to_directory(secure.ldaps_uri.replace("ldaps:", "ldap:")), clock)
    (folder / "impostor.pem").write_bytes(issued(NAME))
    for answers in ((ALERT,), (STARTED, ALERT)):
        with Impostor(folder / "impostor.pem", "starttls", answers) as impostor:
            assert "[directory] uri" in refusal(to_directory(impostor.uri(NAME)), clock)


def test_an_answer_slipped_in_before_tls_is_not_believed(
    folder: Path, to_directory: Callable[..., Settings], clock: MovingClock
) -> None:
    """Whoever sits on the line adds "your bind is a success" behind the clear answer (as in CVE-2011-0411)."""
    (folder / "impostor.pem").write_bytes(issued(NAME))
    with Impostor(folder / "impostor.pem", "starttls", (STARTED, BOUND)) as impostor:
        refusal(to_directory(impostor.uri(NAME)), clock)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize("mode", MODES)
def test_tls_before_1_2_is_not_spoken(
    folder: Path, to_directory: Callable[..., Settings], clock: MovingClock, mode: str
) -> None:
    (folder / "impostor.pem").write_bytes(issued(NAME))
    with Impostor(folder / "impostor.pem", mode, oldest=True) as impostor:
        said = refusal(to_directory(impostor.uri(NAME)), clock)
    assert "no TLS handshake" in said
    assert "version" in said or "protocol" in said
    assert impostor.inside == b""


def test_a_server_that_keeps_silent_in_the_handshake_is_left_soon(
    secure: PrivateSlapd, over: Over, clock: MovingClock
) -> None:
    show(secure, issued(NAME))
    with frozen(secure):
        for mode in MODES:
            assert "it does not answer: no answer in time" in refusal(over(mode, NAME), clock)


def test_of_two_servers_the_one_with_a_good_certificate_serves(
    secure: PrivateSlapd, folder: Path, to_directory: Callable[..., Settings], clock: MovingClock
) -> None:
    show(secure, issued(NAME))
    (folder / "impostor.pem").write_bytes(issued(NAME, days=(-30, -1)))
    with Impostor(folder / "impostor.pem") as impostor:
        good = secure.ldaps_uri.replace("127.0.0.1", NAME)
        assert serves(to_directory(impostor.uri(NAME), good, server=secure), clock)
    assert impostor.inside == b""


def test_a_socket_of_this_host_needs_no_tls(
    slapd: PrivateSlapd, to_directory: Callable[..., Settings], clock: MovingClock
) -> None:
    reset_people(slapd)
    assert serves(to_directory(slapd.ldapi_uri), clock)


@pytest.mark.parametrize(
    ("days", "said"), [((-1, 31), None), ((-1, 20), "ends in 19 days"), ((-1, 2), "ends in 1 day,")]
)
def test_the_check_warns_of_a_certificate_that_ends_soon(
    secure: PrivateSlapd, over: Over, days: tuple[int, int], said: str | None
) -> None:
    show(secure, issued(NAME, days=days))
    for mode in MODES:
        assert [said in finding.what for finding in found(over(mode, NAME))] == ([True] if said else [])


def test_the_command_says_it_without_a_traceback(secure: PrivateSlapd, over: Over, tmp_path: Path) -> None:
    show(secure, issued(NAME, days=(-30, -1)))
    file = tmp_path / "moncompte.toml"
    file.touch(0o600)
    file.write_text(as_toml(over("ldaps", NAME)), encoding="utf-8")
    done = CliRunner().invoke(main, ["purge", "--settings", str(file)])
    assert done.exit_code == 69
    assert re.search(r"ldaps://\S+: its certificate is not believed: certificate has expired: renew it", done.output)
    assert "Traceback" not in done.output


def test_a_line_inside_tls_is_kept_for_the_next_request(
    secure: PrivateSlapd, over: Over, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(secure, issued(NAME))
    lines = []

    def opened(*arguments: object) -> object:
        lines.append(open_one(*arguments))  # type: ignore[arg-type]
        return lines[-1]

    open_one = connections.opened
    monkeypatch.setattr(connections, "opened", opened)
    portal = Portal(over("ldaps", NAME), clock)
    for _ in range(20):
        portal.sign_in("jmartin001", PASSWORD)
    assert [isinstance(line.socket, ssl.SSLSocket) for line in lines] == [True, True]  # one works, one proves
    portal.stop()
