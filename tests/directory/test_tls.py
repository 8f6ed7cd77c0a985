"""Nothing goes to the directory or to the mail server but inside TLS that was verified."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from connector.cli.demo import settings as demo_settings
from connector.compose import Composer
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import PrivateSlapd
from connector.demo.smtp import SmtpServer
from connector.errors import DirectoryUnavailable, MailServerDown
from connector.mail import Mailer
from connector.model import By
from connector.portal import Portal
from connector.settings import Settings
from tests.conftest import PASSWORD, reset_people
from tests.portal_fixtures import MovingClock, account

AUTHORITY, STRANGER = trustme.CA(), trustme.CA()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``ca.pem`` (ours), ``stranger.pem`` (not ours), and a certificate for 127.0.0.1 with its key."""
    folder = tmp_path_factory.mktemp("tls")
    AUTHORITY.cert_pem.write_to_path(folder / "ca.pem")
    STRANGER.cert_pem.write_to_path(folder / "stranger.pem")
    certificate = AUTHORITY.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return folder


@pytest.fixture(scope="module")
def slapd_tls(certificates: Path) -> Iterator[PrivateSlapd]:
    with PrivateSlapd(password_hash="{SSHA}") as slapd:
        slapd.add_config(
            "dn: cn=config\nchangetype: modify\n"
            f"replace: olcTLSCertificateFile\nolcTLSCertificateFile: {certificates}/cert.pem\n-\n"
            f"replace: olcTLSCertificateKeyFile\nolcTLSCertificateKeyFile: {certificates}/key.pem\n-\n"
            "replace: olcSecurity\nolcSecurity: simple_bind=71\n"  # slapd itself refuses a password in clear
        )
        reset_people(slapd)
        yield slapd


@pytest.fixture
def over_tls(slapd_tls: PrivateSlapd, mailbox: Mailbox, certificates: Path) -> Settings:
    settings = demo_settings(slapd_tls, mailbox, 8080)
    tls = {"uri": (slapd_tls.tcp_uri,), "start_tls": True, "ca_file": str(certificates / "ca.pem")}
    return settings.model_copy(update={"directory": settings.directory.model_copy(update=tls)})


def test_passwords_travel_inside_starttls(over_tls: Settings, clock: MovingClock) -> None:
    portal = Portal(over_tls, clock)
    portal.directory.prepare()
    assert portal.sign_in("jmartin001", PASSWORD).by is By.PASSWORD
    portal.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # ldap3 drops the socket it just wrapped
@pytest.mark.parametrize("changed", ["stranger", "name"])
def test_a_directory_whose_certificate_is_not_right_is_not_spoken_to(
    over_tls: Settings, certificates: Path, clock: MovingClock, changed: str
) -> None:
    wrong = (
        {"ca_file": str(certificates / "stranger.pem")}
        if changed == "stranger"
        else {"uri": (over_tls.directory.uri[0].replace("127.0.0.1", "localhost"),)}
    )
    portal = Portal(over_tls.model_copy(update={"directory": over_tls.directory.model_copy(update=wrong)}), clock)
    with pytest.raises(DirectoryUnavailable, match="ertificate"):
        portal.sign_in("jmartin001", PASSWORD)
    portal.stop()


def test_without_starttls_this_directory_would_refuse_the_password(over_tls: Settings, clock: MovingClock) -> None:
    """So the first test shows that it was asked for."""
    clear = over_tls.model_copy(update={"directory": over_tls.directory.model_copy(update={"start_tls": False})})
    portal = Portal(clear, clock)
    with pytest.raises(Exception, match="confidentialityRequired"):
        portal.sign_in("jmartin001", PASSWORD)
    portal.stop()


@pytest.fixture(params=["tls", "starttls"])
def mail_server(request: pytest.FixtureRequest, certificates: Path) -> Iterator[tuple[str, SmtpServer, list[object]]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    caught: list[object] = []
    server = SmtpServer(0, caught.append, **{request.param: context})
    server.start()
    yield request.param, server, caught
    server.stop()


@pytest.mark.parametrize(
    ("authority", "host", "arrives"),
    [("ca.pem", "127.0.0.1", True), ("stranger.pem", "127.0.0.1", False), ("ca.pem", "localhost", False)],
)
def test_a_mail_goes_only_to_a_server_whose_certificate_is_right(
    portal: Portal,
    settings: Settings,
    mail_server: tuple[str, SmtpServer, list[object]],
    certificates: Path,
    authority: str,
    host: str,
    arrives: bool,
) -> None:
    mode, server, caught = mail_server
    tls = {"tls": mode, "host": host, "port": server.port, "ca_file": str(certificates / authority)}
    changed = settings.model_copy(update={"mail": settings.mail.model_copy(update=tls)})
    message = Composer(changed, portal.theme).key_mail(
        account(portal, "jmartin001"), "K" * 15, portal.now(), portal.now()
    )
    try:
        with Mailer(changed).session() as session:
            session.send(message)
    except MailServerDown as error:
        assert "ertificate" in str(error)
    assert len(caught) == arrives
