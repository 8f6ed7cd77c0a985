"""Certificates of servers, good and bad, made for one test; and a server that shows one and keeps what it is sent."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

AUTHORITY, STRANGER = trustme.CA(), trustme.CA()
NAME = "ldap.universite.example"  # a test has it mean 127.0.0.1
DAY = timedelta(days=1)
STARTTLS_OID = b"1.3.6.1.4.1.1466.20037"  # RFC 4511 §4.14.1
STARTED, REFUSED, BOUND, ALERT = 0x78, 0x02, 0x61, 0x15  # in clear; BOUND: nobody asked yet, ALERT: is no LDAP


def issued(*names: str, by: trustme.CA = AUTHORITY, days: tuple[int, int] = (-1, 300), cn: str | None = None) -> bytes:
    """A certificate for ``names``, good from and until so many days from now, with its key, in PEM."""
    first, last = (datetime.now(UTC) + day * DAY for day in days)
    made = by.issue_cert(*names, not_before=first, not_after=last, common_name=cn)
    return made.private_key_and_cert_chain_pem.bytes()


def self_signed(name: str) -> bytes:
    """One that nobody vouches for but itself, as many a server is installed with."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now - DAY, now + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, bare = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, bare) + made.public_bytes(pem)


Make = Callable[[], bytes]
GOOD: dict[str, tuple[Make, str]] = {
    "a name": (partial(issued, NAME), NAME),
    "one name of several": (partial(issued, "autre.example", NAME), NAME),
    "an address": (partial(issued, "127.0.0.1"), "127.0.0.1"),
    "a wildcard": (partial(issued, "*.universite.example"), NAME),
    "in capitals": (partial(issued, NAME), NAME.upper()),
}
"""What makes each, and the host that the settings name."""

BAD: dict[str, tuple[Make, str, str, str]] = {
    "expired": (partial(issued, NAME, days=(-30, -1)), NAME, "certificate has expired", "renew it"),
    "of tomorrow": (partial(issued, NAME, days=(1, 30)), NAME, "certificate is not yet valid", "clocks"),
    "another name": (partial(issued, "ldap.autre.example"), NAME, f"for other names than {NAME}", "subjectAltName"),
    "another address": (partial(issued, "127.0.0.2"), "127.0.0.1", "for other names than 127", "subjectAltName"),
    "a name, asked by address": (partial(issued, NAME), "127.0.0.1", "for other names than 127", "subjectAltName"),
    "a wildcard too short": (partial(issued, "*.example"), NAME, f"for other names than {NAME}", "subjectAltName"),
    "the name as CN beside others": (
        partial(issued, "autre.example", cn=NAME),
        NAME,
        f"for other names than {NAME}",
        "subjectAltName",
    ),
    "a stranger's": (partial(issued, NAME, by=STRANGER), NAME, "unable to get local issuer", "ca_file"),
    "self-signed": (partial(self_signed, NAME), NAME, "self-signed certificate", "ca_file"),
}
"""The same, what is said of it, and what of the remedy."""


@dataclass
class Impostor:
    """A server that speaks TLS and no LDAP: who comes, and what they send once they believe its certificate.

    ``mode`` is "ldaps" or "starttls"; to StartTLS it answers ``answers``, in clear.
    """

    certificate: Path
    mode: str = "ldaps"
    answers: tuple[int, ...] = (STARTED,)
    oldest: bool = False
    """Whether it knows TLS 1.1 at best."""
    in_clear: bytes = b""
    inside: bytes = b""
    servers: list[str | None] = field(default_factory=list)
    """The names that clients asked for (SNI, RFC 6066 §3)."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()
        self._listener.close()

    def uri(self, host: str) -> str:
        """Where it is, for the settings."""
        return f"{'ldaps' if self.mode == 'ldaps' else 'ldap'}://{host}:{self.port}"

    def _serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        context.sni_callback = lambda _socket, name, _context: self.servers.append(name)
        if self.oldest:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        while True:
            try:
                line = self._listener.accept()[0]
            except OSError:
                return
            with line, suppress(OSError):
                self._talk(line, context)

    def _talk(self, line: socket.socket, context: ssl.SSLContext) -> None:
        line.settimeout(10)
        if self.mode == "starttls":
            self._hear(line)
            number = int.from_bytes(self.in_clear[4 : 4 + self.in_clear[3]], "big")
            line.sendall(b"".join(_answer(number + n, what) for n, what in enumerate(self.answers)))
            if REFUSED in self.answers:
                self._hear(line)
            if self.answers[-1] in {REFUSED, ALERT}:
                return
        with context.wrap_socket(line, server_side=True) as inside:
            self.inside += inside.recv(1 << 16)

    def _hear(self, line: socket.socket) -> None:
        self.in_clear += line.recv(1 << 16)


def _answer(number: int, what: int) -> bytes:
    """A success as the answer to message ``number``, or no such operation, or what is no LDAP."""
    if what == ALERT:
        return bytes([ALERT, 3, 3, 0, 2, 2, 70])
    code, tag = (2, STARTED) if what == REFUSED else (0, what)
    return bytes([0x30, 15, 2, 4, *number.to_bytes(4, "big"), tag, 7, 10, 1, code, 4, 0, 4, 0])
