"""What is counted for Prometheus, and the only import of its library. docs/observe.md explains each metric.

Names follow Prometheus (base units, ``_total``, ``_seconds``). A label is one of few words of ours, or the address of a
server of the settings: never a login, a path that somebody asked for, nor anybody's address.

Several processes count together: inside ``shared`` each keeps its counts in files of its own, and whoever is asked adds
all of them up (the library's multiprocess mode). One process does the same: there is one way, and that is tried.
Outside of it, as in the commands, counting goes on in memory and nobody asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial, wraps
from importlib.metadata import version
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, ParamSpec, TypeVar

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from connector.clock import elapsed_seconds

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", Counter, Gauge, Histogram)
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks, each time that it opens a file
_VERSION = version("moncompte")
_LIMIT = "too-many-"  # how the audit's word for a full limit begins
_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_USUAL = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_PATIENT = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_counter, _histogram = partial(Counter, registry=None), partial(Histogram, registry=None)
_gauge = partial(Gauge, registry=None)

HTTP_REQUESTS = _counter(
    "moncompte_http_requests_total",
    "Requests answered, by method, name of the page and class of the status.",
    ("method", "route", "status"),
)
HTTP_SECONDS = _histogram(
    "moncompte_http_request_duration_seconds",
    "From request to answer, by name of the page.",
    ("route",),
    buckets=_USUAL,
)
AUDIT_EVENTS = _counter(
    "moncompte_audit_events_total", "Lines of the audit, by event and how it ended.", ("event", "outcome")
)
LDAP_OPERATIONS = _counter(
    "moncompte_ldap_operations_total", "LDAP operations, by kind and how they ended.", ("kind", "result")
)
LDAP_SECONDS = _histogram(
    "moncompte_ldap_operation_duration_seconds",
    "From wanting a connection to the answer, by kind of LDAP operation.",
    ("kind",),
    buckets=_QUICK,
)
LDAP_CONNECTIONS = _gauge(
    "moncompte_ldap_connections",
    "Connections to a server of the directory, in use or idle.",
    ("server", "state"),
    multiprocess_mode="livesum",
)
LDAP_OPENED = _counter("moncompte_ldap_connections_opened_total", "Connections opened to a server.", ("server",))
LDAP_FAILED = _counter(
    "moncompte_ldap_connection_failures_total", "Connections to a server that could not be opened.", ("server",)
)
LDAP_BREAKER = _gauge(
    "moncompte_ldap_breaker_open",
    "1 while operations of a kind are refused at once, since no server answered the last one in time.",
    ("kind",),
    multiprocess_mode="livemax",
)
SMTP_EXCHANGES = _counter(
    "moncompte_smtp_exchanges_total", "Exchanges with the mail server, by step and how they ended.", ("step", "result")
)
SMTP_SECONDS = _histogram(
    "moncompte_smtp_exchange_duration_seconds", "Of an exchange with the mail server.", ("step",), buckets=_PATIENT
)
SMTP_UP = _gauge(
    "moncompte_smtp_up",
    "1 if the mail server let us in at the last try, whoever tried.",
    ("server",),
    multiprocess_mode="mostrecent",
)
THROTTLE_HITS = _counter(
    "moncompte_throttle_hits_total", "Tries refused since a limit of [throttle] was full, by limit.", ("limit",)
)
COUNTED = (
    HTTP_REQUESTS,
    HTTP_SECONDS,
    AUDIT_EVENTS,
    LDAP_OPERATIONS,
    LDAP_SECONDS,
    LDAP_CONNECTIONS,
    LDAP_OPENED,
    LDAP_FAILED,
    LDAP_BREAKER,
    SMTP_EXCHANGES,
    SMTP_SECONDS,
    SMTP_UP,
    THROTTLE_HITS,
)

DIRECTORY_UP = "moncompte_directory_up"
OUTBOX_MAILS = "moncompte_outbox_mails"
OUTBOX_OLDEST = "moncompte_outbox_oldest_overdue_seconds"
BUILD = "moncompte_build_info"
ASKED = {
    DIRECTORY_UP: "1 if the directory answered when it was asked just now.",
    OUTBOX_MAILS: "People who are owed mails, and requests for help that are; 1000 stands for as many or more.",
    OUTBOX_OLDEST: "How long the oldest of the mails that should have gone has been overdue.",
}
"""Found out when somebody asks, of the directory, by whichever process answers."""


class Counts:
    """What all processes have counted since ``shared`` began; to be read in any of them."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def text(self, asked: Mapping[str, float]) -> bytes:
        """All of it as Prometheus reads it (``CONTENT_TYPE``), and the gauges of ``ASKED`` that are known just now."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self._folder)  # type: ignore[no-untyped-call]
        registry.register(_Asked(asked))
        return generate_latest(registry)

    def forget(self, process: int) -> None:
        """A process ended: what it had in use is so no more; what it counted stays."""
        mark_process_dead(process, self._folder)  # type: ignore[no-untyped-call]


class _Asked:
    def __init__(self, asked: Mapping[str, float]) -> None:
        self._asked = asked

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily(BUILD, "1; the label tells the version that runs.", labels=["version"])
        build.add_metric([_VERSION], 1)
        yield build
        for name, value in self._asked.items():
            yield GaugeMetricFamily(name, ASKED[name], value=value)


@contextmanager
def shared() -> Iterator[Counts]:
    """Count for all processes that are forked while the block lasts; begins at nothing.

    Enter it before the first fork and the first thread: a lock of the library's that another thread holds at a fork
    stays locked in the child. The files, 64 KiB of each process for each kind of metric, are in a folder that nobody
    else may open (``TMPDIR`` tells where), and that the process which made it takes away.
    """
    owner, usual = os.getpid(), values.ValueClass
    folder = mkdtemp(prefix="moncompte-metrics-")
    _begin_anew()
    os.environ[_FOLDER] = folder
    values.ValueClass = kept = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    try:
        yield Counts(folder)
    finally:
        del os.environ[_FOLDER]
        values.ValueClass = usual
        _begin_anew()
        kept.close_all_files()
        if os.getpid() == owner:  # a child that ends must not take everybody's counts along
            rmtree(folder, ignore_errors=True)


def _begin_anew() -> None:
    for metric in COUNTED:
        metric.clear()
    _labelled.cache_clear()


def of(metric: M, *labels: str) -> M:
    """The one of a metric that bears these labels, kept: the library looks for it behind a lock, each time."""
    one: M = _labelled(metric, *labels)
    return one


@lru_cache(maxsize=4096)
def _labelled(metric: Counter | Gauge | Histogram, *labels: str) -> Any:
    return metric.labels(*labels)


def ldap(kind: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Count and time a function that is one LDAP operation of that kind; it ends ``ok``, or with an error's class."""
    return _measured(LDAP_OPERATIONS, LDAP_SECONDS, kind)


def smtp(step: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """The same for a step of a conversation with the mail server."""
    return _measured(SMTP_EXCHANGES, SMTP_SECONDS, step)


def limit_hit(word: str) -> None:
    """A try was refused; ``word`` is the audit's for the limit, the label the setting's name."""
    of(THROTTLE_HITS, word.removeprefix(_LIMIT).replace("-", "_")).inc()


def _measured(ends: Counter, seconds: Histogram, kind: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    def decorate(act: Callable[P, T]) -> Callable[P, T]:
        @wraps(act)
        def measured(*args: P.args, **kwargs: P.kwargs) -> T:
            began, result = elapsed_seconds(), "ok"
            try:
                return act(*args, **kwargs)
            except Exception as error:
                result = type(error).__name__
                raise
            finally:
                of(seconds, kind).observe(elapsed_seconds() - began)
                of(ends, kind, result).inc()

        return measured

    return decorate
