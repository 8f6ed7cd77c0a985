"""Limits on trying: per identifier, per source, in all; counted before any look-up, alike for known and unknown.

What must be exact whatever happens to these counters is in the directory: one live key, its mails a day, its wrong
tries, and the password policy's own lock.

A key's tries are counted apart from a password's: whoever hammers at somebody's password does not shut out the key
that was mailed meanwhile. A mistyped key costs no try; it has a generous count of its own, since a password may look
like one.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from connector import keys, limits
from connector.counters import Counter, Counters
from connector.errors import ChangeRefused, KeyMistyped, NothingToChange, ProofRefused, SignInRefused, Throttled
from connector.identifiers import canonical
from connector.settings import Throttle as ThrottleSettings

_IPV6_PREFIX = 64  # bits
_ONCE = limits.read("1/day")
LONGEST_SOURCE = 64  # characters
LIMITS = [name for name in ThrottleSettings.model_fields if name != "storage" and not name.endswith("_ms")]
KINDS = PASSWORD, KEY, MISTYPED = "password", "key", "mistyped"


class Throttle:
    """Every limit of the settings. Methods raise Throttled, with the seconds to wait."""

    def __init__(self, settings: ThrottleSettings, secret: str) -> None:
        self._secret = secret.encode()
        self._counters = Counters(settings.storage.get_secret_value())
        self._limits = {name: limits.read(getattr(settings, name)) for name in LIMITS}

    @contextmanager
    def try_to_sign_in(
        self, source: str, identifier: str, secret: str, *, binds_as: str | None = None
    ) -> Iterator[list[str]]:
        """Count a try at a proof; what leaves the block decides whether the source failed, or all is forgiven.

        Where it is known already that it will be a bind as the account ``binds_as``, that is counted too. Yields the
        accounts whose binds slapd has forgotten once the block is left in peace: see ``forget_binds``.
        """
        who, where = self._digest(canonical(identifier)), network(source)
        kind = _kind(secret)
        failures = self._counter("sign_in_failures_per_source", where)
        mistyped = [self._counter("sign_in_mistyped_per_source", where)] if kind == MISTYPED else []
        in_all = [self._counter("sign_in_per_source", where), self._counter("sign_in_in_all")]
        proved = [binds_as] if binds_as else []
        binds = [self._of("binds_per_account", whom) for whom in proved]
        self._counters.take([*self._tries(kind, who, where), *mistyped, *binds, *in_all], unless_full=[failures])
        try:
            yield proved
        except KeyMistyped:
            raise
        except (SignInRefused, ProofRefused):
            self._counters.add(failures)
            raise
        except (ChangeRefused, NothingToChange):  # behind a right proof
            self._forgive(who, where, proved)
            raise
        self._forgive(who, where, proved)

    def ask_for_key(self, source: str, identifier: str) -> None:
        """Count a request for a key."""
        who, where = self._digest(canonical(identifier)), network(source)
        per_source, in_all = self._counter("ask_per_source", where), self._counter("ask_in_all")
        self._counters.take([self._counter("ask_per_identifier", who), per_source, in_all])

    def ask_for_help(self, source: str) -> None:
        """Count a request for help; ``is_at_ease`` tells from then on whether there are unusually many."""
        per_source, in_all = self._counter("assistance_per_source", network(source)), self._counter("assistance_in_all")
        self._counters.take([per_source, in_all])
        self._counters.add(self._counter("assistance_at_ease"))

    @property
    def is_at_ease(self) -> bool:
        """Whether requests for help come as on any other day; counts nothing."""
        return self._counters.has_room(self._counter("assistance_at_ease"))

    def look_at(self, operator: str, whom: str) -> None:
        """Count that an operator opens somebody as they count a search; once a day for each person. Raises Throttled.

        Nobody goes through the logins or the student numbers by their addresses instead of the search box.
        """
        if self._counters.has_room(self._seen(operator, whom)):
            self.use("desk_searches_per_operator", operator)
            self.has_found(operator, whom)

    def has_found(self, operator: str, whom: str) -> None:
        """A search that counted found somebody alone: to open them costs nothing more."""
        self._counters.add(self._seen(operator, whom))

    def is_first_use(self, ticket: str) -> bool:
        """Whether this ticket of a form was not used before; from now on it was."""
        return self._counters.add(self._use_of(ticket))

    def forget_use(self, ticket: str) -> None:
        """What the ticket was used for was not done after all."""
        self._counters.clear([self._use_of(ticket)])

    def _use_of(self, ticket: str) -> Counter:
        return Counter("ticket-used", _ONCE, f"ticket/{self._digest(ticket)}")

    def may_bind(self, who: str, secret: str) -> bool:
        """Count a bind as the account ``who``, by whatever name it was found; False when there were enough.

        slapd counts failed binds too, and would lock the account for the wifi and everything else. What has a key's
        shape, and is hardly ever a password, has a small count of its own, so that nobody uses up the others' with it.
        Where nobody was found, ``who`` is what was typed: the work is the same.
        """
        limit = "binds_per_account" if _kind(secret) == PASSWORD else "key_like_binds_per_account"
        try:
            self.use(limit, who)
        except Throttled:
            return False
        return True

    def forget_binds(self, who: str) -> None:
        """slapd has forgotten the failures too: the right password was proved, or a new one set."""
        self._counters.clear(self._all_binds(who))

    def use(self, limit: str, who: str) -> None:
        """Count an act at an account under the limit of that name. Raises Throttled."""
        self._counters.take([self._of(limit, who)])

    def _tries(self, kind: str, who: str, where: str) -> list[Counter]:
        if kind == MISTYPED:
            return [self._counter("sign_in_mistyped_per_identifier", who)]
        limit = "sign_in_keys_per_identifier" if kind == KEY else "sign_in_per_identifier"
        return [self._counter("sign_in_per_identifier_and_source", kind, who, where), self._counter(limit, who)]

    def _forgive(self, who: str, where: str, proved: Sequence[str]) -> None:
        """A right proof: the wrong ones before it were its owner's own, or did not succeed."""
        tries = [counter for kind in KINDS for counter in self._tries(kind, who, where)]
        self._counters.clear(tries + [counter for uid in proved for counter in self._all_binds(uid)])

    def _all_binds(self, who: str) -> list[Counter]:
        return [self._of(limit, who) for limit in LIMITS if "binds_per_account" in limit]

    def _of(self, limit: str, who: str) -> Counter:
        return self._counter(limit, self._digest(canonical(who)))

    def _seen(self, operator: str, whom: str) -> Counter:
        return Counter(
            "seen-already", _ONCE, f"seen/{self._digest(canonical(operator))}/{self._digest(canonical(whom))}"
        )

    def _counter(self, name: str, *key: str) -> Counter:
        return Counter("too-many-" + name.replace("_", "-"), self._limits[name], "/".join((name, *key)))

    def _digest(self, text: str) -> str:
        """No login and no INE lies about in a counter's name."""
        return hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:32]


def network(source: str) -> str:
    """What counts as one source: an IPv4 address, a /64 of IPv6 (RFC 6177: what one site is given, at least)."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source[:LONGEST_SOURCE]  # a proxy that names no address: its clients are one
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address.packed[:8] + bytes(8), _IPV6_PREFIX)))
    return str(address)


def _kind(secret: str) -> str:
    """Which tries this is one of; by its form alone, before anybody is looked up."""
    typed = keys.read(secret)
    if typed is None or not (typed.is_sound or typed.is_mistyped):
        return PASSWORD  # a key with a character more or less too: "not the password" would look like one
    return KEY if typed.is_sound else MISTYPED
