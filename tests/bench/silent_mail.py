"""Does a mail server that hangs hold anybody up?  ``python -m tests.bench.silent_mail [--help]``

On the same stage as ``tests.bench.flows``, people ask for keys and read the landing page while the mail server answers;
while it is silent (it takes the connection and says nothing more: the process is stopped); while it is a black hole
(nor does it take the connection: its queue is full, and Linux drops what asks to join). Then it goes on, and whoever
asked has to get the mail. Printed: the median time of an asking and of a page, and its ratio to that with a mail server
that answers; how many asked, how many mails came.
Exit code 1: a mail is lost.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from statistics import median

from tests.bench.flows import adjusted, ask, landing
from tests.bench.stage import HOST, Stage, crowd_of, staged

ANSWERS, SILENT, BLACK_HOLE = "answers", "is silent", "is a black hole"
_FLOWS = {"a key": ask, "the page": landing}
_DROPPED_SECONDS = 0.5  # who is not connected by then, on one machine, was dropped


def main() -> int:
    """Measure, print the table, wait for the mails, count them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=900, help="seconds after which a mail counts as lost")
    options = parser.parse_args()
    asked, usual = 0, dict[str, float]()
    with staged(options.entries, "Pont-de-Pierre-1822", "{SSHA}", partial(adjusted, workers=2)) as stage:
        print(f"{'the mail server':<18}{'asked for':<12}{'median ms':>10}{'ratio':>7}{'slowest ms':>12}")
        for mood in (ANSWERS, SILENT, BLACK_HOLE):
            with hanging(stage, mood):
                for what, flow in _FLOWS.items():
                    rounds = [crowd_of(stage, flow, options.clients, options.seconds) for _ in range(options.rounds)]
                    asked += sum(map(len, rounds)) if flow is ask else 0
                    each, slowest = median(map(median, rounds)) * 1000, max(map(max, rounds)) * 1000
                    ratio = each / usual.setdefault(what, each)
                    print(f"{mood:<18}{what:<12}{each:>10.1f}{ratio:>7.2f}{slowest:>12.1f}", flush=True)
        began = time.monotonic()
        while stage.mails.value < asked and time.monotonic() < began + options.patience:
            time.sleep(1)
        said = f"{asked} asked, {stage.mails.value} mails came"
        print(f"{said}, the last one {time.monotonic() - began:.0f} s after the server went on")
    return 0 if stage.mails.value >= asked else 1


@contextmanager
def hanging(stage: Stage, mood: str) -> Iterator[None]:
    """The mail server in such a mood while the block lasts; then it goes on."""
    with ExitStack() as stack:
        if mood != ANSWERS:
            os.kill(stage.mail, signal.SIGSTOP)
            stack.callback(os.kill, stage.mail, signal.SIGCONT)
        if mood == BLACK_HOLE:
            _fill_the_queue(stage, stack)
        yield


def _fill_the_queue(stage: Stage, stack: ExitStack) -> None:
    """Connect until no more are let in."""
    with suppress(TimeoutError):
        while True:
            stack.enter_context(socket.create_connection((HOST, stage.smtp), timeout=_DROPPED_SECONDS))


if __name__ == "__main__":
    sys.exit(main())
