"""What ``moncompte show`` prints about one account: a line for each thing, in words or as facts for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.cli.advice import advise, key_in_words, state_in_words, ways_in_words
from connector.cli.office import when
from connector.cli.shell import plain
from connector.directory.entries import to_instant
from connector.model import Account, masked
from connector.settings import Settings
from connector.standing import Standing, mails_of_the_day

_WIDTH = 16


@dataclass(frozen=True, slots=True)
class Dossier:
    """One account at one instant. ``is_revealed``: addresses in full."""

    account: Account
    standing: Standing
    now: datetime
    settings: Settings
    is_revealed: bool

    def facts(self) -> dict[str, Any]:
        """For ``--json``; instants are aware, in UTC."""
        account, state = self.account, self.account.state
        advice = advise(account, self.standing, self.settings, self.now)
        return {
            "found": "one",
            "can_sign_in": bool(self.standing.ways),
            "ways": [way.value for way in self.standing.ways],
            "hindrances": [{"what": item.hindrance.value, "said": item.said, "do": item.do} for item in advice],
            "login": account.uid,
            "name": account.name,
            "dn": account.dn,
            "ines": self._ines(),
            "state": {"value": state.value, "since": state.since, "until": state.until},
            "key": self._key_facts(),
            "outbox": self._outbox_facts(),
            "keys_mailed_today": mails_of_the_day(account, self.now),
            "may_ask_from": self.standing.may_ask,
            "rescue": {"address": self._shown(account.rescue or "") or None, "proved": account.rescue_verified},
            "lock": self._lock_facts(),
            "password_changed": to_instant(account.password_changed),
            "has_our_class": account.is_ours,
        }

    def text(self) -> str:
        """For a person, times in the university's zone."""
        account = self.account
        lines = {
            "entry": plain(account.dn),
            "INE": plain(", ".join(self._ines())) or "none",
            "state": self._state(),
            "key": self._key(),
            "owed mails": self._outbox(),
            "keys mailed": self._mailed(),
            "rescue address": self._rescue(),
            "lock": self._lock(),
            "password": self._password(),
            "our class": "yes" if account.is_ours else "no: it never had a key or a change from the portal",
        }
        head = f"{plain(account.name)} ({plain(account.uid)})"
        return "\n".join([head, *(f"  {heading:<{_WIDTH}}{said}" for heading, said in lines.items())])

    def verdict(self) -> str:
        """Whether they can sign in, how, and everything that keeps them out, with what to type next."""
        ways = ways_in_words(self.account, self.standing, self.settings)
        head = f"CAN SIGN IN {', or '.join(ways)}." if ways else "CANNOT GET IN:"
        lines = [head, *(["But:"] if ways and self.standing.hindrances else [])]
        for item in advise(self.account, self.standing, self.settings, self.now):
            lines += [f"  - {item.said}", *([f"      {item.do}"] if item.do else [])]
        if self.standing.may_ask == self.now:
            lines.append("  A key may be asked for by mail now, at the form.")
        return "\n".join(lines)

    def _when(self, instant: datetime) -> str:
        return when(instant, self.settings)

    def _shown(self, address: str) -> str:
        return address if self.is_revealed or not address else masked(address)

    def _ines(self) -> list[str]:
        """Enough to compare with a card, and no more: an INE is personal data."""
        return [f"{ine[:2]}***{ine[-2:]}" for ine in self.account.ines]

    def _key_facts(self) -> dict[str, Any] | None:
        key = self.account.key
        if key is None:
            return None
        dead = key.why_dead(self.now, self.settings.keys.max_failures)
        return {
            "origin": key.origin.value if key.origin else None,
            "issued": key.issued,
            "until": key.expiry,
            "wrong_tries": key.failures,
            "dead": dead.value if dead else None,
        }

    def _outbox_facts(self) -> dict[str, Any]:
        account = self.account
        notices = [
            {
                "due": item.due,
                "tries": item.tries,
                "happened": [word.value for word in item.happened],
                "address": self._shown(item.address),
            }
            for item in account.notices
        ]
        return {"key_due": account.mail_due, "tries": account.mail_failures, "notices": notices}

    def _lock_facts(self) -> dict[str, Any]:
        return {
            "for_good": self.account.is_locked,
            "since": self.account.locked_since,
            "rests_until": self.standing.rests_until,
            "wrong_passwords": len(self.account.failed_binds),
        }

    def _state(self) -> str:
        state = self.account.state
        since = f", since {state.since}" if state.since else ""
        return state_in_words(self.account) + since + (f", until the end of {state.until}" if state.until else "")

    def _key(self) -> str:
        key, facts = self.account.key, self._key_facts()
        if key is None or facts is None:
            return "none"
        parts = [
            key_in_words(key.origin),
            f"issued {self._when(key.issued)}" if key.issued else "no issue written",
            f"until {self._when(key.expiry)}" if key.expiry else "no end written",
            f"{key.failures} wrong keys tried",
        ]
        return ", ".join(parts) + (f"; dead: {facts['dead']}" if facts["dead"] else "")

    def _outbox(self) -> str:
        account = self.account
        tries = f", {account.mail_failures} tries" if account.mail_failures else ""
        key = [f"a key, due {self._when(account.mail_due)}{tries}"] if account.mail_due else []
        given_up = ["none, and one was given up" + tries] if tries and not key else []
        notices = [
            f"a notice to {plain(self._shown(item.address))}, due {self._when(item.due)}, {item.tries} tries"
            for item in account.notices
        ]
        return "; ".join([*key, *given_up, *notices]) or "none"

    def _mailed(self) -> str:
        mailed = [self._when(instant) for instant in mails_of_the_day(self.account, self.now)]
        said = f"{len(mailed)} in the last 24 hours" + (f": {', '.join(mailed)}" if mailed else "")
        may_ask = self.standing.may_ask
        if may_ask is None:
            return f"{said}; none can be asked for"
        return f"{said}; the next may be asked for {'now' if may_ask <= self.now else f'from {self._when(may_ask)} on'}"

    def _rescue(self) -> str:
        address, proved = self.account.rescue, self.account.rescue_verified
        if not address:
            return "none"
        return f"{plain(self._shown(address))}, {f'proved {self._when(proved)}' if proved else 'not proved'}"

    def _lock(self) -> str:
        account = self.account
        wrong = f"; {len(account.failed_binds)} wrong passwords counted" if account.failed_binds else ""
        if account.is_locked:
            return "for good, by an administrator" + wrong
        if account.locked_since is None:
            return "none" + wrong
        until = self.standing.rests_until
        end = f"until {self._when(until)}" if until and until > self.now else "over"
        is_endless = not self.settings.directory.lockout_seconds
        return f"since {self._when(account.locked_since)}, {'until it is ended' if is_endless else end}{wrong}"

    def _password(self) -> str:
        changed = to_instant(self.account.password_changed)
        if changed is None:
            return "no change seen by the password policy; whether there is one, the portal cannot see"
        return f"changed {self._when(changed)}"
