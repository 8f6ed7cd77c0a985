"""Two minutes of ``python -m tests.faults.soak``."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.soak import report, site

SECONDS, CLIENTS, SEED = 120, 3, 7


@pytest.mark.long
def test_two_minutes_of_everything_at_once_harm_no_account() -> None:
    with site(SEED) as soak:
        done = soak.run(SECONDS, CLIENTS)
        soak.look()
    said = "\n".join(report(soak, done))
    assert soak.faults == [], said
    acts = Counter(act for act, outcome in done.elements() if outcome == "done")
    assert len(acts) == 6, said
    assert min(acts.values()) > 10, said
    assert len(soak.mishaps) >= 5, said
