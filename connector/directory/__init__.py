"""The directory: the only place that speaks LDAP. One class, one method for each thing the portal does there.

Nothing raw leaves it: entries become ``Account``, result codes become ``connector.errors``. No method checks and then
writes: what must still hold at the instant of a write travels with it (exact-value delete, Assertion control).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ldap3 import BASE, DEREF_NEVER, MODIFY_REPLACE, SUBTREE
from ldap3.utils.conv import escape_filter_chars

from connector import hashing, keys
from connector.directory import changes, controls, entries
from connector.directory.connections import Connections, bind
from connector.errors import ChangeRefused, Conflict, DirectoryMisconfigured, DirectoryUnavailable
from connector.model import Account, Change, Identifier, Ine, Notice, Origin, PendingKey, Reason, Refusal, StudentNumber
from connector.settings import Settings

SUCCESS, SIZE_LIMIT, COMPARE_TRUE, NO_SUCH_ATTRIBUTE, CONSTRAINT = 0, 4, 6, 16, 19
_UNAVAILABLE = {3, 11, 51, 52}  # timeLimitExceeded, adminLimitExceeded, busy, unavailable (RFC 4511 appendix A)
_CONFLICT = {NO_SUCH_ATTRIBUTE, 20, 32, 122}  # and attributeOrValueExists, noSuchObject, assertionFailed (RFC 4528)
_REMEDIES = {
    17: "the schema is not loaded: config/ldap/12-schema-moncompte.ldif",
    21: "the schema is not loaded: config/ldap/12-schema-moncompte.ldif",
    32: "no such entry, or no right to see it: check the DN, load config/ldap/50-entries.ldif and 60-access.ldif",
    50: "a right is missing: load config/ldap/60-access.ldif",
}
_POLICY_REASONS = {
    None: Reason.DIRECTORY_QUALITY,
    controls.PolicyError.INSUFFICIENT_QUALITY: Reason.DIRECTORY_QUALITY,
    controls.PolicyError.TOO_SHORT: Reason.DIRECTORY_QUALITY,
    controls.PolicyError.TOO_YOUNG: Reason.TOO_YOUNG,
    controls.PolicyError.IN_HISTORY: Reason.IN_HISTORY,
}
_BATCH = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Directory:
    """Every method may raise DirectoryUnavailable (no answer), DirectoryMisconfigured (one that must not be)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.directory
        self._names = settings.attributes
        self._hash = settings.password.hash
        self._working = Connections(settings.directory, bind=True)
        self._proving = Connections(settings.directory, bind=False)
        self._is_prepared = False
        self._asserts = False

    def close(self) -> None:
        """Close the idle connections."""
        self._working.close()
        self._proving.close()

    def prepare(self) -> None:
        """Learn what the server can do, and refuse one that would store a password in clear (DESIGN §2).

        A random password is written to the decoy, which is ours, and *compared* there: only a value kept in clear
        compares equal. It also gives the decoy the directory's own hash scheme, hence its cost.
        """
        found = self._search("", "(objectClass=*)", ["supportedControl"], scope=BASE)
        offered = {value.decode() for value in found[0][1].get("supportedcontrol", [])} if found else set()
        self._asserts = controls.ASSERTION in offered
        self.find(())  # the people's branch is there, and may be searched
        secret = keys.random_secret()
        try:
            self._modify(self._settings.decoy_dn, {"userPassword": [(MODIFY_REPLACE, [self._stored(secret)])]})
            self.store_key(None, PendingKey(keys.NOBODYS_HASH, _EPOCH, _EPOCH, Origin.LETTER), None)
        except Conflict as error:
            raise DirectoryMisconfigured(f"{error}: {_REMEDIES[32]}") from None
        with self._working.lend() as connection:
            result = connection.compare(self._settings.decoy_dn, "userPassword", secret)[1]
        if result["result"] == COMPARE_TRUE:
            raise DirectoryMisconfigured(
                "the directory stores new passwords in clear: load config/ldap's ppolicy (olcPPolicyHashCleartext), "
                'or set [password] hash = "argon2id"'
            )
        self._is_prepared = True

    def find(self, candidates: Sequence[Identifier]) -> Account | None:
        """The one account of the population that answers to any of the identifiers; two matches are nobody."""
        terms = "".join(self._term(candidate) for candidate in candidates) or "(!(objectClass=*))"
        found = self._search(
            self._settings.people_dn,
            f"(&{self._settings.population}(|{terms}))",
            entries.wanted(self._names),
            limit=2,
        )
        return entries.to_account(*found[0], self._names) if len(found) == 1 else None

    def owed(self, now: datetime) -> list[Account]:
        """Accounts with a mail or a notice due at ``now``, at most 200: ask again until there is none."""
        until = entries.to_time(now)
        due = f"(|({entries.MAIL_DUE}<={until})(&({entries.NOTICE}=*)({entries.NOTICE}<={until} ~)))"
        found = self._search(
            self._settings.people_dn,
            f"(&{due}{self._settings.population})",
            entries.wanted(self._names),
            limit=_BATCH,
        )
        return [entries.to_account(dn, attributes, self._names) for dn, attributes in found]

    def prove(self, account: Account | None, password: str) -> bool:
        """Whether the directory lets ``account`` bind with ``password``; for nobody the decoy is tried, alike."""
        with self._proving.lend() as connection:
            result = bind(connection, account.dn if account else self._settings.decoy_dn, password)
        if result["result"] in _UNAVAILABLE:
            raise DirectoryUnavailable(result["description"])
        return bool(result["result"] == SUCCESS)

    def store_key(self, account: Account | None, key: PendingKey, mail_due: datetime | None) -> None:
        """Store ``key`` as the account's one live key; for nobody, the same Modify on the decoy.

        Raises Conflict when another key was stored since the account was read.
        """
        if account is None:
            self._modify(self._settings.decoy_dn, changes.decoy_key(key, mail_due))
        else:
            self._modify(account.dn, changes.new_key(account, key, mail_due))

    def claim_mail(self, account: Account, key: PendingKey, due: datetime) -> None:
        """Take over the owed mail until ``due``, with a fresh key. Raises Conflict when another was quicker."""
        self._modify(account.dn, changes.claimed_key(account, key, due))

    def move_mail(self, account: Account, old: datetime, new: datetime | None, failures: int = 0) -> None:
        """The key's mail is sent (``new`` None) or put off. Raises Conflict when it is no longer ours to settle."""
        self._modify(account.dn, changes.mail_moved(old, new, failures))

    def move_notice(self, account: Account, old: Notice, new: Notice | None) -> None:
        """The notice is sent (``new`` None), claimed or put off. Raises Conflict when it is no longer ours."""
        self._modify(account.dn, changes.notice_moved(old, new))

    def count_wrong_key(self, account: Account | None) -> None:
        """One more wrong key against the account's; for nobody, against the decoy's."""
        dn = account.dn if account and account.key else self._settings.decoy_dn
        try:
            self._modify(dn, changes.wrong_key())
        except Conflict:
            self._modify(dn, changes.first_wrong_key())

    def redeem(self, account: Account, change: Change, now: datetime) -> None:
        """Turn the account's key into a password: one Modify (DESIGN §2).

        Raises Conflict (the key is gone, has expired, or the state moved), ChangeRefused (the directory's policy).
        """
        still = changes.still_as_read(account, self._names, now, by_key=True)
        self._set(account, changes.redeemed(account, self._hashed(change), self._names, now), still)

    def change(self, account: Account, change: Change, now: datetime) -> None:
        """Set a new password and/or rescue address for somebody who proved the old password; raises as ``redeem``."""
        still = changes.still_as_read(account, self._names, now, by_key=False)
        self._set(account, changes.changed(account, self._hashed(change), self._names), still)

    def _set(self, account: Account, what: changes.Changes, still: str) -> None:
        if not self._is_prepared:
            self.prepare()
        self._modify(account.dn, what, [controls.assertion(still)] if self._asserts else [])

    def _hashed(self, change: Change) -> Change:
        password = None if change.password is None else self._stored(change.password)
        return replace(change, password=password)

    def _stored(self, password: str) -> str:
        """What we write: the clear password, which the directory judges and hashes, or a hash where it does not."""
        return hashing.argon2id(password) if self._hash == "argon2id" else password

    def _term(self, identifier: Identifier) -> str:
        value = escape_filter_chars(identifier.value)
        if isinstance(identifier, Ine):
            names = [self._names.ine]
        elif isinstance(identifier, StudentNumber):
            names = [self._names.student_number]
        else:
            names = [self._names.uid, self._names.alias]
        return "".join(f"({name}={value})" for name in names if name)

    def _search(
        self, base: str, ldap_filter: str, attributes: list[str], *, scope: str = SUBTREE, limit: int = 0
    ) -> list[tuple[str, dict[str, list[bytes]]]]:
        with self._working.lend() as connection:
            _, result, response, _ = connection.search(
                base,
                ldap_filter,
                search_scope=scope,
                dereference_aliases=DEREF_NEVER,
                attributes=attributes,
                size_limit=limit,
                time_limit=self._settings.timeout_seconds,
            )
        if result["result"] not in {SUCCESS, SIZE_LIMIT}:
            raise _failure(result, f"search under {base}")
        return [
            (item["dn"], {name.lower(): values for name, values in item["raw_attributes"].items()})
            for item in response
            if item["type"] == "searchResEntry"
        ]

    def _modify(self, dn: str, what: changes.Changes, assertions: list[Any] | None = None) -> None:
        with self._working.lend() as connection:
            result = connection.modify(dn, what, controls=[controls.ask_policy(), *(assertions or [])])[1]
        if result["result"] != SUCCESS:
            raise _write_error(result, f"modify {dn}", is_password="userPassword" in what)


def _write_error(result: dict[str, Any], act: str, *, is_password: bool = False) -> Exception:
    """What went wrong with a write: the policy's word, somebody else's write, or a fault."""
    code, policy = result["result"], controls.policy_error(result)
    if code == CONSTRAINT and is_password and policy in _POLICY_REASONS:
        return ChangeRefused((Refusal(_POLICY_REASONS[policy]),))
    if code in _CONFLICT or code == CONSTRAINT:
        return Conflict(f"{act}: {result['description']}")
    return _failure(result, act)


def _failure(result: dict[str, Any], act: str) -> Exception:
    """A fault of the directory's. Its own message stays behind: it may quote what was sent."""
    code, policy = result["result"], controls.policy_error(result)
    said = f"{act}: {result['description']}" + (f", {policy.name.lower()}" if policy is not None else "")
    if code in _UNAVAILABLE:
        return DirectoryUnavailable(said)
    return DirectoryMisconfigured(f"{said}: {_REMEDIES[code]}" if code in _REMEDIES else said)
