"""The desk's door: who comes in as an operator, with a password and a second factor, and how that factor is enrolled.

Nothing is kept here: wrong codes, the step of the last right one, recovery codes and the offer to enrol are in the
operator's entry, and each is taken away by its exact value, so that a code opens once however many portals there are.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from connector import keys, otp
from connector.audit import LOCAL, Audit, Event, Line, Outcome
from connector.choices import TURNS
from connector.clock import Clock, evened
from connector.directory import Directory
from connector.errors import Conflict, DirectoryUnavailable, FactorRefused, SessionStale, Shut, SignInRefused
from connector.model import Caller, Enrolment, Operator
from connector.settings import Settings
from connector.throttle import Throttle
from connector.vault import Vault
from connector.wording import _

SHUT_AFTER = 10  # wrong codes in a row: guessing six digits, three of which are right, ends at 3 in 100,000
RECOVERY_CODES = 8
_TOTP, _RECOVERY = "totp", "recovery-code"


@dataclass(frozen=True, slots=True)
class DeskDoor:
    """Each act is audited. ``issuer``: how an authenticator names the codes.

    Every method may raise DirectoryUnavailable, DirectoryMisconfigured.
    """

    directory: Directory
    throttle: Throttle
    audit: Audit
    settings: Settings
    clock: Clock
    issuer: str

    def sign_in(self, login: str, password: str, code: str, caller: Caller = LOCAL) -> Operator:
        """Who proved to be an operator with the password, then a code of the authenticator or a recovery code.

        Raises SignInRefused, one and the same for everybody who does not get in; Throttled.
        """
        with (
            self.audit.watch(Event.OPERATOR_SIGNED_IN, caller) as line,
            self.throttle.try_to_sign_in(caller.source, f"desk {login}", password),
            evened(self.settings.throttle.refusal_step_ms, SignInRefused),
        ):
            operator = self._proved(login, password)
            try:
                line.done_by(operator.uid, by=self._use(operator, code))
            except FactorRefused as refused:
                raise SignInRefused(refused.why, operator.uid) from None
            return operator

    def revisit(self, uid: str, mark: str, caller: Caller = LOCAL) -> Operator:
        """The operator of an open session, read afresh. Raises SessionStale once what it proved is no longer true."""
        operator = self._member(uid)
        if operator is None or operator.is_locked or not operator.is_enrolled or operator.mark != mark:
            self.audit.write(Event.OPERATOR_LOST, Line(uid, outcome=Outcome.REFUSED, reason=SessionStale.word), caller)
            raise SessionStale
        return operator

    def confirm(self, uid: str, mark: str, code: str, caller: Caller = LOCAL) -> None:
        """A code once more, before an act that could give an account away. Raises FactorRefused, SessionStale."""
        operator = self.revisit(uid, mark, caller)
        with self.audit.watch(Event.OPERATOR_CONFIRMED, caller, uid) as line:
            line.done_by(uid, by=self._use(operator, code))

    def sign_out(self, uid: str, mark: str, caller: Caller = LOCAL) -> None:
        """End this session and every other of the operator's, copies of the cookie included. Raises SessionStale."""
        operator = self.revisit(uid, mark, caller)
        with self.audit.watch(Event.OPERATOR_SIGNED_OUT, caller, uid) as line:
            self.directory.operators.end_sessions(operator)
            line.done_by(uid)

    def begin_enrolment(self, login: str, password: str, offered: str, caller: Caller = LOCAL) -> Operator:
        """Who may enrol: they know the password, and the enrolment code that a sysadmin handed over.

        Raises as ``sign_in``. Writes nothing.
        """
        with (
            self.audit.watch(Event.FACTOR_SHOWN, caller) as line,
            self.throttle.try_to_sign_in(caller.source, f"desk {login}", password),
            evened(self.settings.throttle.refusal_step_ms, SignInRefused),
        ):
            operator = self._proved(login, password)
            typed = keys.read(offered)
            is_right = keys.verify(typed.text if typed else "", operator.enrol_hash or keys.NOBODYS_HASH)
            if not self._is_offered(operator):
                raise SignInRefused(Shut.NO_OFFER, operator.uid)
            if not is_right:
                raise SignInRefused(Shut.WRONG_CODE, operator.uid)
            line.done_by(operator.uid)
            return operator

    def enrolment(self, uid: str, mark: str) -> Enrolment:
        """What to show to who began. Raises SessionStale once the offer is used, replaced or over."""
        operator = self._member(uid)
        if operator is None or not self._is_offered(operator) or operator.enrolment_mark != mark:
            raise SessionStale
        secret = otp.enrolment_secret(self.settings.desk.totp_keys[0], operator.uid, operator.enrol_raw)
        return Enrolment(operator, secret, otp.enrolment_link(secret, operator.uid, self.issuer))

    def enrol(self, uid: str, mark: str, code: str, caller: Caller = LOCAL) -> tuple[Operator, list[str]]:
        """The first code proves that the authenticator has the secret: it is kept from now on.

        Returns who is signed in by that, and the recovery codes, shown once. Raises FactorRefused, SessionStale.
        """
        with self.audit.watch(Event.OPERATOR_ENROLLED, caller, uid) as line:
            codes = [keys.mint() for _number in range(RECOVERY_CODES)]
            self._keep(uid, mark, code, codes)
            line.done_by(uid)
        if (operator := self._member(uid)) is None:
            raise SessionStale
        return operator, [keys.show(one) for one in codes]

    def _keep(self, uid: str, mark: str, code: str, codes: list[str]) -> None:
        hashes = [keys.hash_key(one) for one in codes]
        for _turn in range(TURNS):
            begun = self.enrolment(uid, mark)
            step = otp.matching_step(begun.secret, code, self.clock(), None)
            if step is None:
                raise FactorRefused(Shut.WRONG_CODE, uid)
            with suppress(Conflict):  # done in another window, which the next look tells
                self.directory.operators.enrol(begun.operator, self._vault.seal(uid, begun.secret), step, hashes)
                return
        raise DirectoryUnavailable(_("somebody else was first, again and again"))

    @property
    def _vault(self) -> Vault:
        return Vault(self.settings.desk.totp_keys)

    def _is_offered(self, operator: Operator) -> bool:
        return operator.enrol_until is not None and self.clock() < operator.enrol_until

    def _proved(self, login: str, password: str) -> Operator:
        """One search and one bind, for everybody alike: the decoy's for whom no password would open.

        Only whoever knows the password goes on to the groups, so these tell a stranger nothing.
        """
        found = self.directory.operators.find(login)
        may_bind = self.throttle.may_bind(found.uid if found else login, password)
        whom = found if found and may_bind and not self._is_resting(found) else None
        if not self._binds(whom, password) or whom is None:
            raise SignInRefused(self._why(found, may_bind), found.uid if found else None)
        self.throttle.forget_binds(whom.uid)
        operator = self._with_scope(whom)
        if operator is None:
            raise SignInRefused(Shut.NO_MEMBER, whom.uid)
        return operator

    def _binds(self, whom: Operator | None, password: str) -> bool:
        return self.directory.operators.prove(whom, password) if whom else self.directory.prove(None, password)

    def _is_resting(self, operator: Operator) -> bool:
        """Whether slapd would refuse at once, unhashed."""
        return operator.is_locked or operator.is_resting(self.clock(), self.settings.directory.lockout_seconds)

    def _why(self, found: Operator | None, may_bind: bool) -> Shut:
        if not may_bind:
            return Shut.ENOUGH
        if found is None:
            return Shut.UNKNOWN
        if found.is_locked:
            return Shut.LOCKED
        return Shut.RESTING if self._is_resting(found) else Shut.WRONG_PASSWORD

    def _member(self, uid: str) -> Operator | None:
        """The operator of that login, if they still are one."""
        found = self.directory.operators.find(uid)
        return self._with_scope(found) if found else None

    def _with_scope(self, operator: Operator) -> Operator | None:
        """Whom they serve, as the groups say now; None for who is in none of them."""
        desk, is_member = self.settings.desk, self.directory.operators.is_member
        if desk.group_dn and is_member(desk.group_dn, operator.dn):
            return replace(operator, serves_everybody=True)
        return operator if desk.component_group_dn and is_member(desk.component_group_dn, operator.dn) else None

    def _use(self, operator: Operator, code: str) -> str:
        """Use the code up; by which kind. Raises FactorRefused.

        It is counted as wrong before it is looked at, so that no number of portals gives another guess.
        """
        operator, typed = self._counted(operator), keys.read(code)
        try:
            if typed and typed.is_sound:
                self._use_recovery_code(operator, typed.text)
                return _RECOVERY
            self._use_step(operator, code)
        except Conflict:
            raise FactorRefused(Shut.REPLAYED_CODE, operator.uid) from None  # in another window, in this very instant
        return _TOTP

    def _counted(self, operator: Operator) -> Operator:
        """The operator as they were when this try was counted. Raises FactorRefused where no code opens."""
        for _turn in range(TURNS):
            if not operator.is_enrolled:
                raise FactorRefused(Shut.NOT_ENROLLED, operator.uid)
            if (operator.failures or 0) >= SHUT_AFTER:
                raise FactorRefused(Shut.SHUT_FACTOR, operator.uid)
            try:
                self.directory.operators.count_failure(operator)
            except Conflict:
                operator = self._read_again(operator)
                continue
            return operator
        raise DirectoryUnavailable(_("somebody else was first, again and again"))

    def _read_again(self, operator: Operator) -> Operator:
        found = self.directory.operators.find(operator.uid)
        if found is None:
            raise FactorRefused(Shut.UNKNOWN, operator.uid)
        return found

    def _use_step(self, operator: Operator, code: str) -> None:
        secret, now = self._vault.open(operator.uid, operator.totp), self.clock()
        if secret is None:
            raise FactorRefused(Shut.UNREADABLE_FACTOR, operator.uid)
        step = otp.matching_step(secret, code, now, operator.step)
        if step is None:
            was_right = otp.matching_step(secret, code, now, None) is not None
            raise FactorRefused(Shut.REPLAYED_CODE if was_right else Shut.WRONG_CODE, operator.uid)
        self.directory.operators.use_step(operator, step)

    def _use_recovery_code(self, operator: Operator, typed: str) -> None:
        matching = [stored for stored in operator.recovery_hashes if keys.verify(typed, stored)]
        if not matching:
            raise FactorRefused(Shut.WRONG_CODE, operator.uid)
        self.directory.operators.use_recovery_code(operator, matching[0])
