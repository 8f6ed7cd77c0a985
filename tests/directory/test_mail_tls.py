"""A mail with a key goes to the mail server inside TLS that was verified, or not at all."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from connector.compose import Composer
from connector.demo.smtp import SmtpServer
from connector.errors import MailServerDown
from connector.mail import Mailer
from connector.portal import Portal
from connector.settings import Settings
from tests.portal_fixtures import account

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
