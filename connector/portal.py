"""The portal: wires settings, directory, outbox and use cases together; the only place that does.

The edges (pages, command line) see this class and the nouns of ``model`` and ``errors``. The clock comes in here, and
around each use case the limits, which come before any look-up, and the audit, which hears how it ended.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta

from connector import keys
from connector.activation import Activation
from connector.assistance import Assistance, Written
from connector.audit import LOCAL, Audit, Event, Line, Outcome
from connector.choices import Judge
from connector.clock import Clock, evened, utc_now
from connector.compose import Composer
from connector.directory import Directory
from connector.errors import DirectoryUnavailable, OppositionRefused, SessionStale, SignInRefused
from connector.mail import Mailer
from connector.model import Account, Asked, By, Caller, Done, Proof, RescueCode, RescueProved, RescueRestored
from connector.operators import DeskDoor
from connector.outbox import Outbox
from connector.passwords import PasswordPolicy, Verdict
from connector.proving import Proving
from connector.recovery import Recovery
from connector.selfcare import Selfcare
from connector.settings import Settings
from connector.settings.theme import Theme
from connector.throttle import LONGEST_SOURCE, Throttle, network

_LOG = logging.getLogger(__name__)


class Portal:
    """One process's portal. It keeps nothing that the directory does not know: drop it, make another."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.theme = theme = Theme.load(settings.web.theme)
        self.now = clock
        rules = settings.password
        self.policy = PasswordPolicy(rules.min_length, rules.max_length, rules.min_non_letters, rules.min_strength)
        self.throttle = Throttle(settings.throttle, settings.web.secret_keys[0])
        self.directory = Directory(settings)
        self.audit = Audit(settings.audit.file, clock)
        self.outbox = Outbox(self.directory, Composer(settings, theme), Mailer(settings), settings, self.audit, clock)
        self.judge = judge = Judge(self.policy, settings.rescue.own_domains)
        student_number = settings.identifiers.student_number
        self.recovery = Recovery(self.directory, self.outbox, settings.keys, student_number)
        self.selfcare = Selfcare(
            self.directory,
            self.outbox,
            judge,
            self.throttle,
            student_number,
            settings.keys.max_failures,
            settings.directory.lockout_seconds,
        )
        self.desk_door = DeskDoor(self.directory, self.throttle, self.audit, settings, clock, theme.fr.university)
        self.activation = Activation(self.directory, self.selfcare, judge, settings.keys)
        self.assistance = Assistance(self.directory, self.outbox)
        self.proving = Proving(
            self.directory, self.outbox, self.selfcare, self.throttle, settings.rescue, settings.web.secret_keys
        )

    def start(self) -> None:
        """Check the directory and begin to send mails. Raises DirectoryMisconfigured: better no portal than a leak.

        A directory that does not answer yet is no reason to stay down: it is checked before the first password.
        """
        try:
            self.directory.prepare()
        except DirectoryUnavailable as error:
            _LOG.warning("the directory does not answer yet: %s", error)
        self.audit.write(Event.PORTAL_STARTED, _own_line())
        self.outbox.start()

    def stop(self) -> None:
        """Finish the mail in hand, close the connections."""
        self.outbox.stop()
        self.directory.close()
        self.audit.write(Event.PORTAL_STOPPED, _own_line())
        self.audit.close()

    def caller_from(self, address: str, request: str = "") -> Caller:
        """Whoever sends the request in hand, under a name of its own for the audit, or under that it came with."""
        return Caller(address[:LONGEST_SOURCE], request or keys.random_id())

    def sign_in(self, identifier: str, secret: str, caller: Caller = LOCAL) -> Proof:
        """See ``Selfcare.sign_in``; raises Throttled too."""
        with (
            self.audit.watch(Event.SESSION_OPENED, caller) as line,
            self.throttle.try_to_sign_in(caller.source, identifier, secret) as proved,
            evened(self.settings.throttle.refusal_step_ms, SignInRefused),
        ):
            proof = self.selfcare.sign_in(identifier, secret, self.now())
            line.done_by(proof.account.uid, by=proof.by.value)
            if proof.by is By.PASSWORD:
                proved.append(proof.account.uid)
            return proof

    def request_key(self, identifier: str, caller: Caller = LOCAL) -> None:
        """See ``Recovery.request_key``; raises Throttled. It tells its caller nothing."""
        with self.audit.watch(Event.KEY_ASKED, caller) as line:
            self.throttle.ask_for_key(caller.source, identifier)
            with evened(self.settings.throttle.ask_step_ms):
                asked, line.account = self.recovery.request_key(identifier, self.now())
            line.reason = asked.value
            line.outcome = Outcome.DONE if asked is Asked.MAILED else Outcome.REFUSED

    def revisit(self, uid: str, by: By, mark: str, caller: Caller = LOCAL) -> Account:
        """See ``Selfcare.revisit``."""
        try:
            return self.selfcare.revisit(uid, by, mark, self.now())
        except SessionStale as stale:
            self.audit.write(Event.SESSION_LOST, Line(uid, outcome=Outcome.REFUSED, reason=stale.word), caller)
            raise

    def sign_out(self, uid: str, by: By, mark: str, caller: Caller = LOCAL) -> None:
        """See ``Selfcare.sign_out``."""
        with self.audit.watch(Event.SESSION_CLOSED, caller, uid) as line:
            self.selfcare.sign_out(uid, by, mark, self.now())
            line.done_by(uid)

    def redeem_key(self, uid: str, mark: str, password: str, rescue: str | None, caller: Caller = LOCAL) -> Done:
        """See ``Activation.redeem_key``."""
        with self.audit.watch(Event.KEY_REDEEMED, caller, uid) as line:
            done = self.activation.redeem_key(uid, mark, password, rescue, self.now())
            self.throttle.forget_binds(uid)
            line.done_by(uid, changed=_what(done))
            return done

    def change(
        self,
        uid: str,
        mark: str,
        current: str,
        password: str | None,
        rescue: str | None,
        caller: Caller = LOCAL,
        *,
        seen: Account | None = None,
    ) -> Done:
        """See ``Selfcare.change``; the current password is a proof like another: raises Throttled too."""
        with (
            self.audit.watch(Event.CREDENTIALS_CHANGED, caller, uid) as line,
            # not who hammers at the door
            self.throttle.try_to_sign_in(caller.source, f"session of {uid}", current, binds_as=uid),
        ):
            done = self.selfcare.change(uid, mark, current, password, rescue, self.now(), seen=seen)
            line.done_by(uid, changed=_what(done))
            return done

    def accept_charter(self, uid: str, by: By, mark: str, caller: Caller = LOCAL) -> None:
        """See ``Selfcare.accept_charter``; the version is that of the settings."""
        version = self.settings.charter.version
        with self.audit.watch(Event.CHARTER_ACCEPTED, caller, uid) as line:
            self.selfcare.accept_charter(uid, by, mark, version, self.now())
            line.done_by(uid, version=version)

    def judge_password(self, account: Account, password: str, rescue: str) -> Verdict:
        """The meter's question: see ``Judge.verdict``. Raises Throttled: an answer is some 10 ms of work."""
        self.throttle.use("meter_per_account", account.uid)
        return self.judge.verdict(account, password, rescue)

    def judge_choice(self, account: Account, by: By, password: str | None, rescue: str | None) -> None:
        """What is wrong with a choice that is not made yet: raises ChangeRefused, Throttled as the meter does."""
        self.throttle.use("meter_per_account", account.uid)
        is_frozen = by is By.PASSWORD and account.is_frozen(self.now())
        self.judge.change(account, password, rescue, is_frozen=is_frozen)

    @property
    def code_life(self) -> timedelta:
        """How long a mailed code lives."""
        return timedelta(minutes=self.settings.rescue.code_minutes)

    def ask_code(self, uid: str, by: By, mark: str, caller: Caller = LOCAL) -> RescueCode:
        """Mail a fresh code: see ``Proving.ask_code``. What comes back tells where (``address``) and since when."""
        with self.audit.watch(Event.CODE_ASKED, caller, uid) as line:
            code = self.proving.ask_code(uid, by, mark, self.now())
            line.done_by(uid)
            return code

    def prove_rescue(self, uid: str, by: By, mark: str, code: str, caller: Caller = LOCAL) -> RescueProved:
        """Take the code that was mailed: see ``Proving.prove``, for what it raises too."""
        with self.audit.watch(Event.RESCUE_PROVED, caller, uid) as line:
            proved = self.proving.prove(uid, by, mark, code, self.now())
            line.done_by(uid, changed=["rescue"] if proved.is_new else [])
            return proved

    def freeze_rescue(self, identifier: str, code: str, caller: Caller = LOCAL) -> RescueRestored:
        """*It was not me*: see ``Proving.restore``. Raises OppositionRefused, one refusal for all; Throttled."""
        with self.audit.watch(Event.RESCUE_FROZEN, caller) as line:
            self.throttle.use("not_me_per_source", network(caller.source))
            with evened(self.settings.throttle.refusal_step_ms, OppositionRefused):
                restored = self.proving.restore(identifier, code, self.now())
            line.account = restored.account.uid
            line.details = {"changed": ["rescue"]}
            return restored

    def ask_help(self, written: Written, caller: Caller = LOCAL) -> None:
        """See ``Assistance.ask``; raises Throttled too. Nothing of what was written is in the audit but its number."""
        with self.audit.watch(Event.HELP_ASKED, caller) as line:
            self.throttle.ask_for_help(caller.source)
            line.details["number"] = self.assistance.ask(written, self.now()).number

    def help_refused(self, reason: str, caller: Caller) -> None:
        """The form was filled in by a program; it is told nothing."""
        self.audit.write(Event.HELP_ASKED, Line(outcome=Outcome.REFUSED, reason=reason), caller)

    def form_refused(self, reason: str, caller: Caller) -> None:
        """A form came without its token, with another's, or with more than fits: a page left open, or a forgery."""
        self.audit.write(Event.FORM_REFUSED, Line(outcome=Outcome.REFUSED, reason=reason), caller)


def _own_line() -> Line:
    return Line(actor="portal", details={"process": str(os.getpid())})


def _what(done: Done) -> list[str]:
    """What changed, for the audit: words, no values."""
    facts = {
        "state": done.activated,
        "password": done.password_changed,
        "rescue": done.rescue_changed,
        "rescue-waits": done.rescue_waits,
    }
    return [word for word, is_true in facts.items() if is_true]
