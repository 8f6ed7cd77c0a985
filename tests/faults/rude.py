"""A mail server with bad manners, which the demo's mailbox has not."""

from __future__ import annotations

import socketserver
import threading
from contextlib import suppress
from itertools import chain, repeat
from types import TracebackType
from typing import Self

DRIPS, HANGS_UP, STAYS_SILENT, SAVES_UP = "drips", "hangs up", "stays silent", "saves up"
"""What it may do in place of an answer: give it byte by byte and without end, close the line, say nothing; or give the
usual one together with the next."""

_DRIP_SECONDS = 0.05  # each byte well inside any timeout


class RudeServer(socketserver.ThreadingTCPServer):
    """At ``step`` (greeting, EHLO, MAIL, RCPT, DATA, or "." for a mail's end) it gives ``answer``, else the usual.

    ``hello`` is its usual answer to EHLO. ``mails`` are those it was given whole, whatever it said then.
    """

    def __init__(self, step: str, answer: str, hello: str = "250 hello") -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.step, self.answer = step, answer
        self.usual = {"greeting": "220 here", "EHLO": hello, "DATA": "354 go on", "QUIT": "221 bye"}
        self.mails: list[bytes] = []
        self.is_over = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=[0.01])

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()  # waits for the conversations


class _Conversation(socketserver.StreamRequestHandler):
    server: RudeServer
    _saved = ""

    def handle(self) -> None:
        word = "greeting"
        while self._answers(word) and word != "QUIT":
            word = self.rfile.readline().decode("ascii", "replace").partition(" ")[0].strip().upper() or "QUIT"

    def _answers(self, word: str) -> bool:
        """Whether the conversation goes on."""
        answer = self.server.answer if word == self.server.step else self.server.usual.get(word, "250 OK")
        if answer == SAVES_UP:
            self._saved = f"{self.server.usual.get(word, '250 OK')}\r\n"
            return True
        if answer in {DRIPS, HANGS_UP, STAYS_SILENT}:
            self._is_rude(answer)
            return False
        self.wfile.write(f"{self._saved}{answer}\r\n".encode())
        self._saved = ""
        if not answer.startswith("354"):
            return True
        self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
        return self._answers(".")

    def _is_rude(self, answer: str) -> None:
        drops = chain("250-", repeat("x"))
        with suppress(OSError):  # the other side had enough
            while answer != HANGS_UP and not self.server.is_over.wait(_DRIP_SECONDS):
                self.wfile.write(next(drops).encode() if answer == DRIPS else b"")
