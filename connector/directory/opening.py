"""A line to one server, opened and, where it leaves this host, inside TLS; what stops it is said with its remedy.

Nothing but the request for TLS (RFC 4511 §4.14) is sent before the certificate was verified, by OpenSSL, in the
handshake: its authority, its dates, and the name (RFC 4513 §3.1.3). ldap3's own look at the name comes later, and takes
no IP address where Python has no ``ssl.match_hostname`` (3.12).
"""

from __future__ import annotations

import re
import ssl
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from pathlib import Path

from ldap3 import NONE, SAFE_SYNC, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException, LDAPStartTLSError

from connector.errors import DirectoryUnavailable
from connector.settings import Directory as DirectorySettings
from connector.wording import N_, _, in_words, reason

_LONGEST = 200  # characters of a message that is not ours
_EXPIRED, _NOT_YET, _SELF_SIGNED, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 18, 62, 64  # X509_verify_cert_error_string(3)
_AUTHORITY = {2, 19, 20, 21}


class Fault(Enum):
    """What stops us, with its remedy."""

    SILENT = N_("[directory] uri; is slapd running, and reachable?")
    CLEAR = N_("give slapd a certificate (cn=config: olcTLSCertificateFile, olcTLSCertificateKeyFile), or use ldapi://")
    HANDSHAKE = N_("[directory] uri: ldaps:// is port 636, where slapd listens with -h ldaps:///; StartTLS is ldap://")
    EXPIRED = N_("renew it, then restart slapd")
    NOT_YET = N_("set the clocks of both hosts by NTP (date -u shows them)")
    NAME = N_("[directory] uri: a name in the certificate; or have one made with this name in it (subjectAltName)")
    AUTHORITY = N_("[directory] ca_file: the certificate of the authority that signed it, in PEM")
    SELF_SIGNED = N_("have an authority sign it, or trust this very one: [directory] ca_file, a copy of it in PEM")
    OTHER = N_("[directory] ca_file: the authority that signed it; uri: a name in it; an expired one: renew it")
    CA_FILE = N_("[directory] ca_file: certificates in PEM, from -----BEGIN CERTIFICATE----- on")


class Unreached(DirectoryUnavailable):
    """A server that cannot be spoken to: ``fault``, ``what`` it is, and its ``remedy``. Nothing secret was sent yet."""

    def __init__(self, fault: Fault, what: str) -> None:
        self.fault, self.what, self.remedy = fault, what, _(fault.value)
        super().__init__(f"{what}: {self.remedy}")


class _Verified(Tls):  # type: ignore[misc]
    """TLS as this portal wants it; what went wrong with it stays in ``error``, since ldap3 keeps the text alone."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self.error: OSError | None = None

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:
        """In place of ldap3's: the name is checked in the handshake, and sent (SNI)."""
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_hostname=connection.server.host)
        except OSError as error:
            self.error = error
            raise


def opened(settings: DirectorySettings, uri: str) -> Connection:
    """A connection to ``uri``, as nobody yet. Raises Unreached."""
    tls, seconds = _Verified(_trusting(settings.ca_file)), settings.timeout_seconds
    server = Server(uri, get_info=NONE, connect_timeout=seconds, tls=tls)
    connection = Connection(
        server, client_strategy=SAFE_SYNC, receive_timeout=seconds, check_names=False, auto_referrals=False
    )
    try:
        connection.open(read_server_info=False)
        if settings.start_tls and uri.lower().startswith("ldap://"):
            connection.start_tls(read_server_info=False)
    except (LDAPException, OSError, LookupError, TypeError, ValueError) as error:  # the last three: what is no LDAP
        close(connection)
        raise (_untrusted(uri, tls.error) if tls.error else _unanswered(error)) from None
    except BaseException:
        close(connection)
        raise
    return connection


def close(connection: Connection) -> None:
    """Say goodbye where that still works; the socket, which ldap3 may leave open, is closed in any case."""
    with suppress(LDAPException, OSError):
        connection.unbind()
    if connection.socket:
        connection.socket.close()


def _trusting(ca_file: str) -> ssl.SSLContext:
    try:
        return _context(ca_file, Path(ca_file).stat().st_mtime_ns if ca_file else 0)
    except ssl.SSLError:
        raise Unreached(Fault.CA_FILE, _("%(path)s holds no certificate", path=ca_file)) from None
    except OSError as error:
        raise Unreached(Fault.CA_FILE, reason(error, ca_file)) from None


@lru_cache(maxsize=4)
def _context(ca_file: str, _changed: int) -> ssl.SSLContext:
    """Kept, since reading a system's authorities takes 20 ms; a file that changed is read again."""
    context = ssl.create_default_context(cafile=ca_file or None)  # verifies certificate and name
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9325 §3.1.1
    return context


def _unanswered(error: Exception) -> Unreached:
    if isinstance(error, LDAPStartTLSError):
        return Unreached(Fault.CLEAR, _("it has no TLS"))
    return Unreached(Fault.SILENT, _("it does not answer: %(error)s", error=_plainly(error)))


def _untrusted(uri: str, error: OSError) -> Unreached:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _disbelieved(uri, error)
    if isinstance(error, TimeoutError):
        return _unanswered(error)
    said = str(getattr(error, "reason", "") or error.strerror).replace("_", " ").lower()
    return Unreached(Fault.HANDSHAKE, _("no TLS handshake: %(said)s", said=said))


def _disbelieved(uri: str, error: ssl.SSLCertVerificationError) -> Unreached:
    code = error.verify_code
    if code in {_OTHER_NAME, _OTHER_ADDRESS}:
        name = uri.partition("://")[2]
        return Unreached(Fault.NAME, _("its certificate is for other names than %(name)s", name=name))
    faults = {_EXPIRED: Fault.EXPIRED, _NOT_YET: Fault.NOT_YET, _SELF_SIGNED: Fault.SELF_SIGNED}
    fault = Fault.AUTHORITY if code in _AUTHORITY else faults.get(code, Fault.OTHER)
    said = in_words(error.verify_message)
    return Unreached(fault, _("its certificate is not believed: %(error)s", error=said))


def _plainly(error: Exception) -> str:
    """The system's reasons, out of ldap3's words: one for each address of the host, or the same for all."""
    if not isinstance(error, LDAPException | OSError):
        return _("it speaks no LDAP")
    said = str(error)
    if "timed out" in said:
        return _("no answer in time")
    reasons = dict.fromkeys(re.findall(r"\[Errno -?\d+\] ([\w ,/-]+)", said))
    return ", ".join(map(in_words, reasons)) or said[:_LONGEST]
