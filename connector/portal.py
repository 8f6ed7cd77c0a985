"""The portal: wires settings, directory, outbox and use cases together; the only place that does.

The edges (pages, command line) see this class and the nouns of ``model`` and ``errors``; the clock comes in here.
"""

from __future__ import annotations

import logging

from connector.activation import Activation
from connector.choices import Judge
from connector.clock import Clock, utc_now
from connector.directory import Directory
from connector.errors import DirectoryUnavailable
from connector.mail import Composer, Mailer
from connector.model import Account, By, Done, Proof
from connector.outbox import Outbox
from connector.passwords import PasswordPolicy
from connector.recovery import Recovery
from connector.selfcare import Selfcare
from connector.settings import Settings

_LOG = logging.getLogger(__name__)


class Portal:
    """One process's portal. It keeps nothing that the directory does not know: drop it, make another."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.now = clock
        rules = settings.password
        self.policy = PasswordPolicy(rules.min_length, rules.max_length, rules.min_non_letters, rules.min_strength)
        self.directory = Directory(settings)
        self.outbox = Outbox(self.directory, Composer(settings), Mailer(settings), settings, clock)
        self.judge = judge = Judge(self.policy, settings.rescue.own_domains)
        student_number = settings.identifiers.student_number
        self.activation = Activation(self.directory, self.outbox, judge, settings.keys)
        self.recovery = Recovery(self.directory, self.outbox, settings.keys, student_number)
        self.selfcare = Selfcare(self.directory, self.outbox, judge, student_number)

    def start(self) -> None:
        """Check the directory and begin to send mails. Raises DirectoryMisconfigured: better no portal than a leak.

        A directory that does not answer yet is no reason to stay down: it is checked before the first password.
        """
        try:
            self.directory.prepare()
        except DirectoryUnavailable as error:
            _LOG.warning("the directory does not answer yet: %s", error)
        self.outbox.start()

    def stop(self) -> None:
        """Finish the mail in hand, close the connections."""
        self.outbox.stop()
        self.directory.close()

    def sign_in(self, identifier: str, secret: str) -> Proof:
        """See ``Selfcare.sign_in``."""
        return self.selfcare.sign_in(identifier, secret, self.now())

    def request_key(self, identifier: str) -> None:
        """See ``Recovery.request_key``."""
        self.recovery.request_key(identifier, self.now())

    def revisit(self, uid: str, by: By, mark: str) -> Account:
        """See ``Selfcare.revisit``."""
        return self.selfcare.revisit(uid, by, mark, self.now())

    def redeem_key(self, uid: str, mark: str, password: str, rescue: str | None) -> Done:
        """See ``Activation.redeem_key``."""
        return self.activation.redeem_key(uid, mark, password, rescue, self.now())

    def change(self, uid: str, mark: str, current_password: str, password: str | None, rescue: str | None) -> Done:
        """See ``Selfcare.change``."""
        return self.selfcare.change(uid, mark, current_password, password, rescue, self.now())
