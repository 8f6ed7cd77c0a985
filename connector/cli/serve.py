"""``moncompte serve``: the portal on a real directory."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import click

from connector.cli.shell import explained, observing, refuse, settings_option
from connector.cli.web import log_to_stderr, serving, serving_observations, until_stopped, wait
from connector.portal import Portal
from connector.settings import load
from connector.wording import reason
from webui.server import listen

_LOG = logging.getLogger(__name__)


@click.command()
@settings_option
def serve(path: Path) -> None:
    """Run the portal on the directory that the settings name, behind your HTTPS proxy.

    Stops cleanly on Ctrl-C or SIGTERM. Exit code 78: the settings or the directory cannot be used, and why.
    """
    log_to_stderr(logging.INFO, "%(asctime)s %(levelname)s %(name)s: %(message)s")
    with explained():
        portal = Portal(load(path))
        host, _, port = portal.settings.web.listen.rpartition(":")
        with (
            until_stopped(),
            _listener(host, int(port)) as listener,
            observing(portal.settings.observe.listen, "[observe] listen") as what,
            serving(portal, listener),
            serving_observations(portal, what),
        ):
            _LOG.info("Mon compte listens on http://%s:%s", host, port)
            wait()


def _listener(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        refuse(reason(error, f"[web] listen: {host}:{port}"))
