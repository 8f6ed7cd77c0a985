"""``moncompte serve``: the portal on a real directory."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

import click

from connector.cli.shell import Failure, explained, observing, refuse, settings_option
from connector.cli.web import log_to_stderr
from connector.errors import DirectoryUnavailable
from connector.portal import Portal
from connector.settings import Settings, load
from connector.wording import reason
from webui.server import listen

_LOG = logging.getLogger(__name__)
_FIRST_PASSED = 3  # the descriptor of the first socket that systemd hands over (sd_listen_fds(3))


@click.command()
@settings_option
def serve(path: Path) -> None:
    """Run the portal on the directory that the settings name, behind your HTTPS proxy.

    SIGTERM and Ctrl-C stop it once every request in hand is answered; SIGHUP reads the settings anew, and loses no
    request either. A socket that systemd hands over is served in place of [web] listen. Exit code 78: the settings or
    the directory cannot be used, and why.
    """
    from connector.cli.workers import serve_with_workers  # noqa: PLC0415 (gunicorn: no other command needs it)

    log_to_stderr(logging.INFO, "%(asctime)s %(levelname)s %(name)s: %(message)s")
    with explained():
        settings = _usable(path)
    listener = _passed() or _listener(settings.web.listen)
    with observing(settings.observe.listen, "[observe] listen") as what:
        serve_with_workers(settings, listener, lambda: _read_anew(path), what)


def _read_anew(path: Path) -> Settings | None:
    """The settings, unless they cannot be used, which is said."""
    try:
        with explained():
            return _usable(path)
    except Failure as failure:
        failure.show()
        return None


def _usable(path: Path) -> Settings:
    """The settings, once a portal of theirs was shown the directory, of which no connection stays.

    A directory that does not answer yet will do: each process checks it before the first password. Raises
    SettingsInvalid, DirectoryMisconfigured.
    """
    portal = Portal(load(path))
    with suppress(DirectoryUnavailable):
        portal.directory.prepare()
    portal.directory.close()
    portal.audit.close()
    return portal.settings


def _passed() -> socket.socket | None:
    """The socket that systemd opened for us, which outlives a restart: who connects meanwhile waits, and is served."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    return socket.socket(fileno=_FIRST_PASSED)


def _listener(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    try:
        return listen(host, int(port))
    except OSError as error:
        refuse(reason(error, f"[web] listen: {address}"))
