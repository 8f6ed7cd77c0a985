"""The directory: the only place that speaks LDAP. One class, one method for each thing the portal does there.

Nothing raw leaves it: entries become ``Account``, result codes become ``connector.errors``. No method checks and then
writes: what must still hold at the instant of a write travels with it (exact-value delete, Assertion control).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import TypeVar

from babel.dates import get_timezone

from connector import keys
from connector.directory import changes, controls, entries, readiness, wire
from connector.directory.lane import Request
from connector.directory.names import fits, is_name, name_filter
from connector.directory.operations import NO_SUCH_OBJECT, REMEDIES, Operations, RawEntry
from connector.directory.operators import Operators
from connector.directory.requests import Requests
from connector.errors import (
    ActRefused,
    ChangeRefused,
    Conflict,
    DirectoryMisconfigured,
    MonCompteError,
    Obstacle,
)
from connector.identifiers import folded
from connector.model import (
    Accepted,
    Account,
    Change,
    Former,
    Identifier,
    Ine,
    Notice,
    Origin,
    PendingKey,
    RescueCode,
    StudentNumber,
)
from connector.settings import Settings
from connector.wording import _

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_AT_A_TIME = 200
_SHOWN = 20
_MOST_COUNTED = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Directory:
    """Every method may raise DirectoryUnavailable (no answer), DirectoryMisconfigured (one that must not be)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.directory
        self._names = settings.attributes
        self._hash = settings.password.hash
        self._max_failures = settings.keys.max_failures
        self._zone = get_timezone(settings.web.timezone)
        readiness.check_filter(settings.directory.population, "[directory] population")
        # Negated twice it says the same, and slapd leaves its index alone, which may be a list of tens of thousands.
        self._population = wire.negated(wire.negated(controls.octets_of(settings.directory.population)))
        self._operations = Operations(settings.directory)
        self._is_prepared = False
        self.operators = Operators(self._operations, settings)
        self.requests = Requests(self._operations, settings)

    @cached_property
    def _asserts(self) -> bool:
        """Whether what a Modify rests on can travel with it."""
        return readiness.offers_assertions(self._operations)

    def close(self) -> None:
        """Close the idle connections."""
        self._operations.close()

    def prepare(self) -> None:
        """Learn what the server can do, and refuse one that we cannot serve: see ``readiness``.

        Raises DirectoryMisconfigured with the remedy.
        """
        self._asserts = readiness.offers_assertions(self._operations)
        self.check_names((*entries.wanted(self._names), self._names.alias, self._names.student_number))
        self.find(())  # the people's branch is there, and may be searched
        try:
            self.store_key(None, PendingKey(keys.NOBODYS_HASH, _EPOCH, _EPOCH, Origin.LETTER), None)
            readiness.check_passwords(self._operations, self._settings.decoy_dn, self._hash)
        except Conflict as error:
            raise DirectoryMisconfigured(f"{error}: {_(REMEDIES[NO_SUCH_OBJECT])}") from None
        except ChangeRefused as error:
            raise DirectoryMisconfigured(
                _(
                    "the decoy's password policy refuses a password (%(error)s): load that of 50-entries.ldif",
                    error=error,
                )
            ) from None
        self._is_prepared = True

    def check_names(self, used: Iterable[str]) -> None:
        """Raises DirectoryMisconfigured if one of these attributes is not in the directory's schema."""
        readiness.check_names(self._operations, used)

    def find(self, candidates: Sequence[Identifier]) -> Account | None:
        """The one account of the population that answers to any of the identifiers; two matches are nobody."""
        found = self._operations.search(
            self._settings.people_dn,
            self._answering_to(candidates),
            entries.wanted(self._names),
            limit=2,
        )
        return entries.to_account(*found[0], self._names, self._zone) if len(found) == 1 else None

    def matches(self, candidates: Sequence[Identifier]) -> list[tuple[str, Account | None]]:
        """The DN of every entry of the population that answers to any of the identifiers, at most 20, and its account,
        with all that an operator may see; None for one that has no login.
        """
        found = self._operations.search(
            self._settings.people_dn,
            self._answering_to(candidates),
            entries.wanted_by_operators(self._names),
            limit=_SHOWN,
        )
        return [(entry[0], self._readable(*entry)) for entry in found]

    def named(self, typed: str) -> list[Account]:
        """Who of the population has all these words in their displayed name, of the first 200 that sound so.

        Raises ActRefused (VAGUE) for fewer than three letters.
        """
        if not is_name(typed):
            raise ActRefused(Obstacle.VAGUE)
        found = self._operations.search(
            self._settings.people_dn,
            f"(&{self._settings.population}{name_filter(typed, self._names)})",
            entries.wanted_by_operators(self._names),
            limit=_AT_A_TIME,
        )
        accounts = (account for entry in found if (account := self._readable(*entry)))
        return sorted((one for one in accounts if fits(typed, one.name)), key=lambda one: one.name)

    def owed(self, now: datetime) -> list[Account]:
        """Accounts with a mail or a notice that ``is_due``, at most 200: ask again until there is none."""
        until, beyond = entries.to_time(now), entries.to_time(now + entries.FARTHEST)
        mail = f"({entries.MAIL_DUE}<={until})({entries.MAIL_DUE}>={beyond})"
        notice = f"(&({entries.NOTICE}=*)(|({entries.NOTICE}<={until} ~)({entries.NOTICE}>={beyond})))"
        due = f"(|{mail}{notice})"
        found = self._operations.search(
            self._settings.people_dn,
            f"(&{due}{self._settings.population})",
            entries.wanted(self._names),
            limit=_AT_A_TIME,
        )
        return [account for entry in found if (account := self._readable(*entry))]

    def owing(self) -> Iterator[Account]:
        """Everybody who is owed a mail or a notice, due or not."""
        return self.accounts(f"(|({entries.MAIL_DUE}=*)({entries.NOTICE}=*))")

    def dues(self) -> list[datetime]:
        """When each owed mail and notice is due, of 500 people at most: one search, by two indexes."""
        found = self._operations.search(
            self._settings.people_dn,
            f"(&(|({entries.MAIL_DUE}=*)({entries.NOTICE}=*)){self._settings.population})",
            [entries.MAIL_DUE, entries.NOTICE],
            limit=_MOST_COUNTED,
        )
        return [due for _dn, attributes in found for due in entries.dues(attributes)]

    def with_leftovers(self, until: datetime) -> Iterator[Account]:
        """Everybody whose key had expired by ``until``, or who has tries of a mail that was given up.

        A key without an end counts as expired; a mail that is owed will bring a fresh key, so who is owed one is not
        among them.
        """
        over = f"(|({entries.KEY_EXPIRY}<={entries.to_time(until)})(!({entries.KEY_EXPIRY}=*)))"
        expired = f"(&({entries.KEY_HASH}=*){over})"
        return self.accounts(f"(&(!({entries.MAIL_DUE}=*))(|{expired}({entries.MAIL_FAILURES}>=1)))")

    def _readable(self, dn: str, attributes: dict[str, list[bytes]], packed: str = "") -> Account | None:
        """The account, or None with a line in the log: one entry must not hold up everybody else's mail."""
        try:
            return entries.to_account(dn, attributes, self._names, self._zone, packed)
        except DirectoryMisconfigured as error:
            _LOG.warning("passed over: %s", error)
            return None

    def sweep(self, ldap_filter: str, attributes: Sequence[str]) -> Iterator[RawEntry]:
        """Every entry of the population that matches, in the fast lane: some 20,000 a second, in constant memory.

        ``ldap_filter`` in parentheses, or nothing for all. Raises SettingsInvalid for what is no filter.
        """
        readiness.check_filter(ldap_filter or "(objectClass=*)", "filter")
        return self._sweep(controls.octets_of(f"(&{self._settings.population}{ldap_filter})"), attributes)

    def _sweep(self, ldap_filter: bytes, attributes: Sequence[str]) -> Iterator[RawEntry]:
        with self._operations.sweeping() as sweep:
            yield from sweep(self._settings.people_dn, ldap_filter, attributes)

    def accounts(self, ldap_filter: str = "") -> Iterator[Account]:
        """The same, as accounts; one that cannot be read is passed over, with a line in the log."""
        found = self.sweep(ldap_filter, entries.printed(self._names))
        return (account for entry in found if (account := self._readable(*entry)))

    def packed_accounts(self, ldap_filter: str = "") -> Iterator[Account]:
        """The same, each with its ``packed``: for whoever puts them away to come back to them."""
        found = self.sweep(ldap_filter, entries.printed(self._names))
        return (account for entry in found if (account := self._readable(*entry, entries.pack(*entry))))

    def unpacked(self, packed: str) -> Account | None:
        """The account as it was when it was read."""
        return self._readable(*entries.unpack(packed))

    def logins(self) -> Iterator[str]:
        """The logins of the whole population as slapd compares them; one that two entries answer to comes twice."""
        names = self._login_names
        for entry in self.sweep("", names):
            yield from _logins(entry, names)

    @property
    def _login_names(self) -> list[str]:
        return [name for name in (self._names.uid, self._names.alias) if name]

    def accounts_of(self, uids: Iterable[str]) -> Iterator[tuple[str, Account | None]]:
        """The account of each login, in that order, read shortly before; None where there is none, or two."""
        population, names, logins = controls.octets_of(self._settings.population), self._names, self._login_names
        everybody = iter(uids)
        with self._operations.sweeping() as sweep:
            while chunk := list(islice(everybody, _AT_A_TIME)):
                these = wire.any_of(wire.equal(name, uid) for uid in chunk for name in logins)
                found: dict[str, list[Account | None]] = defaultdict(list)
                wanted = [*entries.printed(names), *logins]
                for entry in sweep(self._settings.people_dn, wire.every([population, these]), wanted):
                    account = self._readable(*entry)
                    for login in _logins(entry, logins):
                        found[login].append(account)
                for uid in chunk:
                    account, *others = found[folded(uid)] or [None]
                    yield uid, account if account and account.uid == uid and not others else None

    def store_keys(self, issued: Iterable[tuple[T, Account, PendingKey]]) -> Iterator[tuple[T, MonCompteError | None]]:
        """``store_key`` of many, in the fast lane; of each, what it was for and its error, in the order of the answers.

        A person whose key, state or lock changed since the account was read gets none (Conflict).
        """
        return self._operations.write_all(
            (item, self._request(account, changes.new_key(account, key, None))) for item, account, key in issued
        )

    def owe_reminders(
        self, owed: Iterable[tuple[Account, Notice]], now: datetime
    ) -> Iterator[tuple[Account, MonCompteError | None]]:
        """Owe each a reminder, in the fast lane; told as of ``store_keys``."""
        return self._operations.write_all(
            (account, self._request(account, changes.reminded(account, notice, now))) for account, notice in owed
        )

    def _request(self, account: Account, what: changes.Changes) -> Request:
        """The Modify, done only if the account still is as open as it was read."""
        only_if = b""
        if self._asserts:
            only_if = controls.assertion(changes.still_open(account, self._names))
        return lambda number: wire.modify(number, account.dn, what, only_if)

    def prove(self, account: Account | None, password: str) -> bool:
        """Whether the directory lets ``account`` bind with ``password``; for nobody the decoy is tried, alike."""
        return self._operations.binds(account.dn if account else self._settings.decoy_dn, password)

    def store_key(self, account: Account | None, key: PendingKey, mail_due: datetime | None) -> None:
        """Store ``key`` as the account's one live key; for nobody, the same Modify on the decoy.

        Raises Conflict when another key was stored since the account was read.
        """
        if account is None:
            self._operations.modify(self._settings.decoy_dn, changes.decoy_key(key, mail_due))
        else:
            self._operations.modify(account.dn, changes.new_key(account, key, mail_due))

    def claim_mail(self, account: Account, key: PendingKey, due: datetime) -> None:
        """Take over the owed mail until ``due``, with a fresh key. Raises Conflict when another was quicker."""
        self._operations.modify(account.dn, changes.claimed_key(account, key, due))

    def move_mail(self, account: Account, old: str, new: datetime | None, failures: int = 0) -> None:
        """The key's mail is sent (``new`` None) or put off, if it is still due at ``old``, as the directory wrote it.

        Given up: ``new`` None, and the failures that stay in the entry. Raises Conflict when it is no longer ours.
        """
        self._operations.modify(account.dn, changes.mail_moved(old, new, failures))

    def move_notice(self, account: Account, old: Notice, new: Notice | None, failures: int = 0) -> None:
        """The notice is sent (``new`` None), claimed or put off, or given up after ``failures`` tries, which the entry
        keeps unless a key's mail is counted there. Raises Conflict when it is no longer ours.
        """
        self._operations.modify(account.dn, changes.notice_moved(old, new, 0 if account.mail_due else failures))

    def count_wrong_key(self, account: Account | None) -> None:
        """One more wrong key against the account's; for nobody, against the decoy's."""
        dn = account.dn if account and account.key else self._settings.decoy_dn
        for what in (changes.wrong_key(), changes.first_wrong_key(), changes.wrong_key()):
            with suppress(Conflict):  # no count yet, or somebody else's wrong key was the first
                self._operations.modify(dn, what)
                return

    def end_sessions(self, account: Account) -> None:
        """End every session that is open in the account's name, whoever has its cookie."""
        self._operations.modify(account.dn, changes.sessions_ended(account, keys.random_id()))

    def accept_charter(self, account: Account, accepted: Accepted) -> None:
        """Keep which version of the charter was accepted, and when. Raises Conflict when something moved meanwhile."""
        self._operations.modify(account.dn, changes.charter_accepted(account, accepted))

    def flag_bounced(self, account: Account, now: datetime) -> None:
        """Keep that mail to the rescue address came back for good. Raises Conflict when it is another by now."""
        self._operations.modify(account.dn, changes.rescue_bounced(account, self._names, now))

    def revoke_key(self, account: Account) -> None:
        """Take the account's key back, and the mail that is owed for it. Raises Conflict when it has another by now."""
        self._operations.modify(account.dn, changes.revoked(account))

    def unlock(self, account: Account) -> None:
        """End the password policy's temporary lock, never one for good. Raises Conflict when it is another by now."""
        self._operations.modify(account.dn, changes.unlocked(account))

    def set_rescue(self, account: Account, address: str | None, owed: tuple[Notice, ...]) -> None:
        """Set the rescue address, or remove it, and owe the notices; a key in a mailbox dies, every session ends.

        Raises Conflict when something was changed meanwhile.
        """
        self._operations.modify(account.dn, changes.rescue_set(account, address, self._names, owed))

    def purge(self, dead: Iterable[tuple[bool, Account]]) -> Iterator[tuple[bool, MonCompteError | None]]:
        """Of many, in the fast lane: take back the key (True), or forget a mail that was given up (False); of each its
        error. Conflict: something newer is there.
        """
        return self._operations.write_all((is_key, _purge_request(is_key, account)) for is_key, account in dead)

    def ask_code(self, account: Account, code: RescueCode, owed: tuple[Notice, ...]) -> None:
        """Owe the mail that brings ``code``. Raises Conflict when another was asked for, or entered, meanwhile."""
        self._operations.modify(account.dn, changes.code_asked(account, code, owed))

    def count_code(self, account: Account, code: RescueCode) -> RescueCode:
        """One more try at ``code``; as it is then. Raises Conflict when somebody else's was counted first."""
        counted = entries.counted(code)
        self._operations.modify(account.dn, changes.code_tried(code, counted))
        return counted

    def prove_rescue(self, account: Account, code: RescueCode, now: datetime) -> None:
        """The present address is proved by ``code``. Raises Conflict when that is not the one any more."""
        self._operations.modify(account.dn, changes.rescue_proved(account, code, now))

    def replace_rescue(
        self, account: Account, code: RescueCode, former: Former | None, now: datetime, owed: tuple[Notice, ...]
    ) -> str:
        """The address of ``code`` takes the place of the present one, and is proved; the new session mark.

        Raises Conflict when anything it rests on has changed.
        """
        mark = keys.random_id()
        what = changes.rescue_replaced(account, code, former, self._names, now, owed, mark)
        self._operations.modify(account.dn, what)
        return mark

    def restore_rescue(
        self, account: Account | None, now: datetime, until: datetime, owed: tuple[Notice, ...] = ()
    ) -> None:
        """Put the former address back, and freeze it ``until``; for nobody, a Modify on the decoy. Raises Conflict."""
        if account and account.former:
            what = changes.rescue_restored(account, account.former, self._names, now, until, owed)
            self._operations.modify(account.dn, what)
        else:
            self._operations.modify(self._settings.decoy_dn, changes.decoy_opposition(now))

    def redeem(self, account: Account, change: Change, now: datetime) -> str:
        """Turn the account's key into a password: one Modify (DESIGN §2). Returns the new session mark.

        Raises Conflict (the key is gone, has expired, or the state moved), ChangeRefused (the directory's policy).
        """
        still = changes.still_as_read(account, self._names, now, self._max_failures)
        mark = keys.random_id()
        self._set(account, changes.redeemed(account, self._hashed(change), self._names, now, mark), still)
        return mark

    def change(self, account: Account, change: Change, now: datetime) -> str:
        """Set a new password and/or rescue address for somebody who proved the old password; raises as ``redeem``."""
        still = changes.still_as_read(account, self._names, now, None)
        mark = keys.random_id()
        self._set(account, changes.changed(account, self._hashed(change), self._names, mark), still)
        return mark

    def _set(self, account: Account, what: changes.Changes, still: bytes) -> None:
        if not self._is_prepared:
            self.prepare()
        only_if = controls.assertion(still) if self._asserts else b""
        self._operations.modify(account.dn, what, only_if)

    def _hashed(self, change: Change) -> Change:
        password = None if change.password is None else readiness.stored(change.password, self._hash)
        return replace(change, password=password)

    def _answering_to(self, candidates: Sequence[Identifier]) -> bytes:
        """The filter: who of the population answers to any of the identifiers; without one, nobody (RFC 4526 §2)."""
        terms = [term for candidate in candidates for term in self._terms(candidate)]
        return wire.every([self._population, wire.any_of(terms)])

    def _terms(self, identifier: Identifier) -> list[bytes]:
        if isinstance(identifier, Ine):
            names = [self._names.ine]
        elif isinstance(identifier, StudentNumber):
            names = [self._names.student_number]
        else:
            names = [self._names.uid, self._names.alias]
        return [wire.equal(name, identifier.value) for name in names if name]


def _logins(entry: RawEntry, names: Sequence[str]) -> set[str]:
    """Every login an entry answers to, as slapd compares them: a second one, or an alias, may be somebody else's."""
    values = (value for name in names for value in entry[1].get(name.lower(), ()))
    return {folded(value.decode("utf-8", "replace")) for value in values}


def _purge_request(is_key: bool, account: Account) -> Request:
    what = changes.revoked(account) if is_key else changes.leftovers_forgotten(account)
    return lambda number: wire.modify(number, account.dn, what, b"")
