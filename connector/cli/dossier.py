"""What ``moncompte show`` prints about one account: a line for each thing, in words or as facts for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.cli.advice import advise, key_in_words, state_in_words, ways_in_words
from connector.cli.office import when
from connector.cli.rescue import rescue_facts, rescue_in_words
from connector.cli.shell import plain
from connector.directory.entries import to_instant
from connector.model import Account, DeadKeyReason, masked
from connector.settings import Settings
from connector.standing import Standing, mails_of_the_day
from connector.wording import N_, _, ngettext

_DEAD = {DeadKeyReason.EXPIRED: N_("past its end"), DeadKeyReason.WORN_OUT: N_("worn out")}


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
            "rescue": rescue_facts(account, self.now, self._shown),
            "charter": {"version": account.accepted.version, "at": account.accepted.at} if account.accepted else None,
            "lock": self._lock_facts(),
            "password_changed": to_instant(account.password_changed),
            "has_our_class": account.is_ours,
        }

    def text(self) -> str:
        """For a person, times in the university's zone."""
        account = self.account
        lines = {
            _("entry"): plain(account.dn),
            _("INE"): plain(", ".join(self._ines())) or _("none"),
            _("state"): self._state(),
            _("key"): self._key(),
            _("owed mails"): self._outbox(),
            _("keys mailed"): self._mailed(),
            _("rescue address"): rescue_in_words(account, self.now, self._shown, self._when),
            _("charter"): self._charter(),
            _("lock"): self._lock(),
            _("password"): self._password(),
            _("our class"): _("yes") if account.is_ours else _("no: it never had a key or a change from the portal"),
        }
        head = f"{plain(account.name)} ({plain(account.uid)})"
        width = max(len(heading) for heading in lines) + 2
        return "\n".join([head, *(f"  {heading:<{width}}{said}" for heading, said in lines.items())])

    def verdict(self) -> str:
        """Whether they can sign in, how, and everything that keeps them out, with what to type next."""
        ways = ways_in_words(self.account, self.standing, self.settings)
        head = _("CAN SIGN IN %(ways)s.", ways=_(", or ").join(ways)) if ways else _("CANNOT GET IN:")
        lines = [head, *([_("But:")] if ways and self.standing.hindrances else [])]
        for item in advise(self.account, self.standing, self.settings, self.now):
            lines += [f"  - {item.said}", *([f"      {item.do}"] if item.do else [])]
        if self.standing.may_ask == self.now:
            lines.append("  " + _("A key may be asked for by mail now, at the form."))
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
        parts = [
            state_in_words(self.account),
            *([_("since %(instant)s", instant=state.since)] if state.since else []),
            *([_("until the end of %(day)s", day=state.until)] if state.until else []),
        ]
        return ", ".join(parts)

    def _key(self) -> str:
        key = self.account.key
        if key is None:
            return _("none")
        dead = key.why_dead(self.now, self.settings.keys.max_failures)
        parts = [
            key_in_words(key.origin),
            _("issued %(instant)s", instant=self._when(key.issued)) if key.issued else _("no issue written"),
            _("until %(instant)s", instant=self._when(key.expiry)) if key.expiry else _("no end written"),
            ngettext("%(num)d wrong key tried", "%(num)d wrong keys tried", key.failures),
        ]
        return ", ".join(parts) + (_("; dead: %(why)s", why=_(_DEAD[dead])) if dead else "")

    def _outbox(self) -> str:
        due, failures = self.account.mail_due, self.account.mail_failures
        tries = f", {_tries(failures)}" if failures else ""
        key = [_("a key, due %(instant)s", instant=self._when(due)) + tries] if due else []
        given_up = [_("none, and one was given up") + tries] if tries and not key else []
        notices = [
            _("a notice to %(address)s, due %(instant)s", address=address, instant=self._when(item.due))
            + f", {_tries(item.tries)}"
            for item in self.account.notices
            for address in [plain(self._shown(item.address))]
        ]
        return _("; ").join([*key, *given_up, *notices]) or _("none")

    def _mailed(self) -> str:
        mailed = [self._when(instant) for instant in mails_of_the_day(self.account, self.now)]
        said = _("%(count)s in the last 24 hours", count=len(mailed))
        if mailed:
            said = _("%(what)s: %(said)s", what=said, said=", ".join(mailed))
        return _("; ").join([said, self._next_mail()])

    def _next_mail(self) -> str:
        may_ask = self.standing.may_ask
        if may_ask is None:
            return _("none can be asked for")
        if may_ask <= self.now:
            return _("the next may be asked for now")
        return _("the next may be asked for from %(instant)s on", instant=self._when(may_ask))

    def _charter(self) -> str:
        """What was accepted, and whether that still is the present version."""
        accepted, present = self.account.accepted, self.settings.charter.version
        if not accepted:
            return _("%(version)s, not accepted", version=present) if present else _("none")
        said = _("%(version)s, accepted %(instant)s", version=plain(accepted.version), instant=self._when(accepted.at))
        is_old = present and accepted.version != present
        return said + (_("; the present one is %(version)s", version=present) if is_old else "")

    def _lock(self) -> str:
        account, wrong = self.account, ""
        if count := len(account.failed_binds):
            wrong = _("; ") + ngettext("%(num)d wrong password counted", "%(num)d wrong passwords counted", count)
        if account.is_locked:
            return _("for good, by an administrator") + wrong
        if account.locked_since is None:
            return _("none") + wrong
        since = _("since %(instant)s", instant=self._when(account.locked_since))
        return f"{since}, {self._end_of_rest()}{wrong}"

    def _end_of_rest(self) -> str:
        until = self.standing.rests_until
        if not self.settings.directory.lockout_seconds:
            return _("until it is ended")
        return _("until %(instant)s", instant=self._when(until)) if until and until > self.now else _("over")

    def _password(self) -> str:
        changed = to_instant(self.account.password_changed)
        if changed is None:
            return _("no change seen by the password policy; whether there is one, the portal cannot see")
        return _("changed %(instant)s", instant=self._when(changed))


def _tries(count: int) -> str:
    return ngettext("%(num)d try", "%(num)d tries", count)
