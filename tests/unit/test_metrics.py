"""What several processes count is told as one, by whichever of them is asked."""

import subprocess
import sys
from pathlib import Path

import pytest

from connector import metrics

FORKING = """
import os, sys
from connector import metrics

def child(act):
    number = os.fork()
    if number:
        return number, os.waitpid(number, 0)
    act()
    sys.exit()  # through every "with" and "finally", as a worker may end

def count():
    metrics.AUDIT_EVENTS.labels("account:key:ask", "done").inc()
    metrics.LDAP_CONNECTIONS.labels("ldap://one", "in-use").inc()
    metrics.ldap("search")(lambda: None)()

with metrics.shared() as counts:
    count()
    numbers = [child(count)[0] for _ in range(3)]
    print(counts.text({}).decode())
    for number in numbers:
        counts.forget(number)
    print("FORGOTTEN")
    child(lambda: print(counts.text({}).decode(), flush=True))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    """What is told while four processes live, then once three are known to be dead; and where the files were."""
    folder = tmp_path_factory.mktemp("files")
    done = subprocess.run(
        [sys.executable, "-c", FORKING], env={"TMPDIR": str(folder)}, capture_output=True, text=True, check=True
    )
    before, _, after = done.stdout.partition("FORGOTTEN")
    return before, after, folder


def test_every_process_counts_and_one_tells(told: tuple[str, str, Path]) -> None:
    before, _, _ = told
    assert 'moncompte_audit_events_total{event="account:key:ask",outcome="done"} 4.0' in before
    assert 'moncompte_ldap_operation_duration_seconds_count{kind="search"} 4.0' in before
    assert 'moncompte_ldap_connections{server="ldap://one",state="in-use"} 4.0' in before


def test_of_a_dead_process_the_counts_stay_and_what_it_used_goes(told: tuple[str, str, Path]) -> None:
    """Told by a process that was forked later, too."""
    _, after, _ = told
    assert 'moncompte_audit_events_total{event="account:key:ask",outcome="done"} 4.0' in after
    assert 'moncompte_ldap_connections{server="ldap://one",state="in-use"} 1.0' in after


def test_a_child_that_ends_leaves_the_files_and_nobody_leaves_them_for_ever(told: tuple[str, str, Path]) -> None:
    """The children of the script end on a SystemExit, so the ``finally`` of ``shared`` ran in each."""
    _, _, folder = told
    assert list(folder.iterdir()) == []


def test_the_count_begins_at_nothing_and_ends_with_the_block() -> None:
    for _ in range(2):
        with metrics.shared() as counts:
            metrics.limit_hit("too-many-ask-per-source")
            assert 'moncompte_throttle_hits_total{limit="ask_per_source"} 1.0' in counts.text({}).decode()


def test_an_operation_ends_well_or_with_the_name_of_its_error() -> None:
    @metrics.smtp("send")
    def send(*, well: bool) -> str:
        if not well:
            raise ConnectionError
        return "sent"

    with metrics.shared() as counts:
        assert send(well=True) == "sent"
        with pytest.raises(ConnectionError):
            send(well=False)
        text = counts.text({}).decode()
    assert 'moncompte_smtp_exchanges_total{result="ok",step="send"} 1.0' in text
    assert 'moncompte_smtp_exchanges_total{result="ConnectionError",step="send"} 1.0' in text
    assert 'moncompte_smtp_exchange_duration_seconds_count{step="send"} 2.0' in text


def test_what_is_not_known_is_absent_and_not_nothing() -> None:
    with metrics.shared() as counts:
        assert metrics.OUTBOX_MAILS not in counts.text({}).decode()
        assert f"{metrics.OUTBOX_MAILS} 0.0" in counts.text({metrics.OUTBOX_MAILS: 0}).decode()
