"""The SMTP server of the mailbox: takes every mail, or refuses, or stays silent, as it is told."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

_HOST = "127.0.0.1"


class SmtpServer:
    """aiosmtpd in a thread with an event loop of its own; its Controller can take no free port.

    ``refused_with``, ``refusal``: answer every recipient with this code and these words. ``is_held``: accept
    connections and stay silent on them.
    ``tls`` and ``starttls``: speak TLS from the first byte, or offer it.
    """

    def __init__(
        self,
        port: int,
        catch: Callable[[Envelope], None],
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls, self.starttls = tls, starttls
        self.port = port
        self.refused_with: int | None = None
        self.refusal = ""
        self.is_held = False
        self._catch = catch
        self._connections: WeakSet[asyncio.Transport] = WeakSet()

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        listener = _listen(self.port)
        self.port = listener.getsockname()[1]
        self._is_ready = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(listener),), name="mailbox-smtp", daemon=True
        )
        self._thread.start()
        self._is_ready.wait()

    def stop(self) -> None:
        """Hang up on everybody; no thread and no socket is left."""
        self._loop.call_soon_threadsafe(self._is_stopping.set)
        self._thread.join()

    async def _serve(self, listener: socket.socket) -> None:
        self._loop, self._is_stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(self._conversation, sock=listener, ssl=self._tls)
        self._is_ready.set()
        await self._is_stopping.wait()
        server.close()
        for connection in list(self._connections):
            if not connection.is_closing():  # up to Python 3.11.6, abort() fails on a TLS connection that is
                connection.abort()
        await server.wait_closed()

    def _conversation(self) -> asyncio.Protocol:
        return _Silence(self._connections) if self.is_held else _Conversation(self, self._connections)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        """aiosmtpd's hook for EHLO: it takes commands in a row, as most servers do (RFC 2920), and does not say so."""
        session.host_name = hostname
        return [*answers[:1], "250-PIPELINING", *answers[1:]]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """aiosmtpd's hook for RCPT TO."""
        if self.refused_with:
            return f"{self.refused_with} {self.refusal}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's hook for the mail itself."""
        self._catch(envelope)
        return "250 OK"


class _Conversation(SMTP):
    """One client; the fixed host name spares a look-up in the DNS for each."""

    def __init__(self, handler: SmtpServer, connections: WeakSet[asyncio.Transport]) -> None:
        super().__init__(handler, hostname="mailbox.localhost", enable_SMTPUTF8=True, tls_context=handler.starttls)
        self._connections = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._connections.add(transport)
        super().connection_made(transport)


class _Silence(asyncio.Protocol):
    """One client that never gets a word."""

    def __init__(self, connections: WeakSet[asyncio.Transport]) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._connections.add(transport)


def _listen(port: int) -> socket.socket:
    """Without Nagle's algorithm, which would hold back the second line of every answer for 40 ms."""
    listener = socket.create_server((_HOST, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
