"""Which server is asked first, when one operation takes too long."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from connector.directory import servers
from connector.directory.connections import Connections
from connector.directory.servers import Servers
from connector.settings import Directory

FIRST, SECOND = "ldaps://one.example", "ldaps://two.example"
SETTINGS = Directory(
    uri=(FIRST, SECOND), bind_dn="cn=x", password=SecretStr("x"), people_dn="ou=p", decoy_dn="cn=d", timeout_seconds=5
)


@pytest.mark.parametrize(("is_others_answered", "order"), [(True, [FIRST, SECOND]), (False, [SECOND, FIRST])])
def test_one_slow_operation_does_not_send_all_writes_to_another_provider(
    monkeypatch: pytest.MonkeyPatch, is_others_answered: bool, order: list[str]
) -> None:
    """Single use of a key is exact on one provider (FACTS §2): only one that answers nobody is left."""
    now = 100.0
    monkeypatch.setattr(servers, "elapsed_seconds", lambda: now)
    known = Servers(SETTINGS)
    now = 103.0
    if is_others_answered:
        known.answered(FIRST)
    now = 105.0
    Connections(SETTINGS, known, bind=True)._note_late(FIRST, began=100.0)
    assert known.in_order() == order
