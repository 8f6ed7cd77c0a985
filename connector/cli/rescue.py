"""What ``moncompte show`` tells of a rescue address: whether it is proved, what waits, where keys go meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from connector.cli.shell import plain
from connector.model import Account
from connector.wording import _

Shown = Callable[[str], str]
When = Callable[[datetime], str]


def rescue_facts(account: Account, now: datetime, shown: Shown) -> dict[str, Any]:
    """For ``--json``; ``shown`` masks an address, or does not."""
    former, code = account.former_in_force(now), account.rescue_code
    return {
        "address": shown(account.rescue or "") or None,
        "proved": account.rescue_verified,
        "former": {"address": shown(former.address), "until": former.until} if former else None,
        "code": {"address": shown(code.address), "asked": code.issued, "tries": code.tries} if code else None,
        "frozen_until": account.frozen_until if account.is_frozen(now) else None,
        "bounced": account.bounced,
    }


def rescue_in_words(account: Account, now: datetime, shown: Shown, when: When) -> str:
    """For a person."""
    former, waiting, bounced = account.former_in_force(now), account.waiting_rescue, account.bounced
    parts = [
        _present(account, shown, when),
        *([_("mail came back %(instant)s", instant=when(bounced))] if bounced else []),
        *([_("%(address)s waits for its code", address=plain(shown(waiting)))] if waiting else []),
    ]
    if former:
        said = _(
            "keys go to %(address)s until %(until)s", address=plain(shown(former.address)), until=when(former.until)
        )
        parts.append(said)
    if account.frozen_until and account.is_frozen(now):
        parts.append(_("a password alone does not change it until %(until)s", until=when(account.frozen_until)))
    return _("; ").join(parts)


def _present(account: Account, shown: Shown, when: When) -> str:
    if not account.rescue:
        return _("none")
    proved = account.rescue_verified
    is_proved = _("proved %(instant)s", instant=when(proved)) if proved else _("not proved")
    return f"{plain(shown(account.rescue))}, {is_proved}"
