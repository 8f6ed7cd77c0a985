"""Why somebody cannot get in, in words, and the command to type next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime

from connector.cli.office import end_lock, when
from connector.cli.shell import plain
from connector.model import Account, By, Origin
from connector.settings import Settings
from connector.standing import Hindrance, Standing
from connector.wording import N_, _, ngettext

_SUBSTATES = {  # SUPANN 2019, supannRessourceEtat
    "SUPANNPRECREE": N_("registered, and not to be activated yet"),
    "SUPANNCREE": N_("to be activated"),
    "SUPANNANTICIPE": N_("active ahead of time"),
    "SUPANNACTIF": N_("active"),
    "SUPANNSURSIS": N_("active for a while longer"),
    "SUPANNEXPIRE": N_("expired"),
    "SUPANNINACTIF": N_("inactive"),
    "SUPANNSUPPRDONNEES": N_("its data are deleted"),
    "SUPANNSUPPRCOMPTE": N_("deleted"),
    "SUPANNVERROUILLE": N_("suspended"),
    "SUPANNVERROUADMINISTRATIF": N_("suspended by the administration"),
    "SUPANNVERROUTECHNIQUE": N_("suspended for technical reasons"),
}
_LETTERS = {"A": N_("active"), "I": N_("inactive"), "S": N_("suspended")}
_KEYS = {
    Origin.LETTER: N_("the letter's key"),
    Origin.MAIL: N_("the mailed key"),
    Origin.DESK: N_("the key from the desk"),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One hindrance: what it means, and what to type next, if a command helps."""

    hindrance: Hindrance
    said: str
    do: str = ""


def state_in_words(account: Account) -> str:
    """The state's substate, or its letter, in words."""
    if account.state.value is None:
        return _("active (this directory keeps no state)")
    bare = account.state.value.partition("}")[2] or account.state.value
    letter, _colon, substate = bare.upper().partition(":")
    word = _LETTERS.get(letter, N_("of a state we do not know"))
    return f"{_(_SUBSTATES.get(substate, word))} ({plain(bare)})"


def ways_in_words(account: Account, standing: Standing, settings: Settings) -> list[str]:
    """How they can sign in now."""
    words = []
    if By.PASSWORD in standing.ways:
        unseen = N_("with the password, if one was ever set: the portal cannot see whether there is one")
        words.append(_("with the password") if account.password_changed else _(unseen))
    if By.KEY in standing.ways and account.key and account.key.expiry:
        which, until = key_in_words(account.key.origin), when(account.key.expiry, settings)
        words.append(_("with %(key)s, until %(until)s", key=which, until=until))
    return words


def key_in_words(origin: Origin | None) -> str:
    """Where the key is to be found."""
    return _(_KEYS[origin]) if origin else _("a key of unknown origin")


def advise(account: Account, standing: Standing, settings: Settings, now: datetime) -> list[Advice]:
    """A sentence for each hindrance, in their order."""
    uid = shlex.quote(plain(account.uid))
    return [Advice(item, *_said(item, account, standing, settings, now, uid)) for item in standing.hindrances]


def _said(
    item: Hindrance, account: Account, standing: Standing, settings: Settings, now: datetime, uid: str
) -> tuple[str, str]:
    if item in _OF_STATE:
        return _about_state(item, account, settings), ""
    if item in _OF_MAILS:
        return _about_mails(item, account, standing, settings, now, uid)
    if item is Hindrance.LOCKED:
        return _("locked for good by an administrator, who alone may end it"), end_lock(account.dn, settings)
    if item is Hindrance.RESTING:
        return _resting(standing, settings), f"moncompte unlock {uid}"
    return _about_key(item, account, settings), f"moncompte issue {uid}"


def _resting(standing: Standing, settings: Settings) -> str:
    if standing.rests_until is None:
        return _(
            "the password policy rests the account until it is ended, after too many wrong passwords, here or "
            "elsewhere (wifi, mail); no password opens it, a key does"
        )
    return _(
        "the password policy rests the account until %(until)s, after too many wrong passwords, here or elsewhere "
        "(wifi, mail); no password opens it, a key does",
        until=when(standing.rests_until, settings),
    )


_OF_STATE = {Hindrance.SUSPENDED, Hindrance.CLOSED, Hindrance.NOT_BEGUN, Hindrance.ENDED}


def _about_state(item: Hindrance, account: Account, settings: Settings) -> str:
    said = _("the account is %(state)s", state=state_in_words(account))
    if item is Hindrance.NOT_BEGUN:
        said = _("the state begins on %(day)s", day=account.state.since)
    if item is Hindrance.ENDED:
        said = _("the state ended with %(day)s", day=account.state.until)
    name = settings.attributes.state
    return _("%(said)s: whoever writes %(name)s decides; the portal cannot", said=said, name=name)


def _about_key(item: Hindrance, account: Account, settings: Settings) -> str:
    key = account.key
    if key is None:
        return _("it was never activated, and there is no key to activate it with")
    which = key_in_words(key.origin)
    if item is Hindrance.KEY_WORN_OUT:
        return _(
            "%(count)s wrong keys were typed against %(key)s: it is worn out, and somebody may be guessing",
            count=key.failures,
            key=which,
        )
    if key.expiry is None:
        return _("%(key)s has no end written: it is dead", key=which)
    return _("%(key)s expired on %(day)s", key=which, day=when(key.expiry, settings))


_OF_MAILS = {
    Hindrance.NO_RESCUE,
    Hindrance.BOUNCED,
    Hindrance.MAIL_WAITS,
    Hindrance.MAIL_GIVEN_UP,
    Hindrance.ENOUGH_TODAY,
    Hindrance.COOLING_DOWN,
}


def _about_mails(
    item: Hindrance, account: Account, standing: Standing, settings: Settings, now: datetime, uid: str
) -> tuple[str, str]:
    later = _("from %(instant)s on", instant=when(standing.may_ask, settings)) if standing.may_ask else _("later")
    correct = f"moncompte set-rescue {uid} ADDRESS"
    if item is Hindrance.NO_RESCUE:
        return _("there is no rescue address: whoever asks for a key by mail gets none, and is not told"), correct
    if item is Hindrance.BOUNCED:
        since = when(account.bounced or now, settings)
        return _(
            "mail to the rescue address came back for good on %(day)s: it is not right any more", day=since
        ), correct
    if item is Hindrance.MAIL_WAITS:
        said = _("a key's mail is %(since)s%(tries)s: it is still in the outbox", **_waiting(account, settings, now))
        return said, "moncompte dispatch --once"
    if item is Hindrance.MAIL_GIVEN_UP:
        return _("a mail was given up%(tries)s: is the rescue address right?", tries=_after(account)), correct
    if item is Hindrance.ENOUGH_TODAY:
        said = _(
            "enough keys were mailed today (%(most)s, [keys] mails_a_day); %(later)s another may be asked for: is the "
            "rescue address right?",
            most=settings.keys.mails_a_day,
            later=later,
        )
        return said, f"moncompte issue {uid}"
    return _("a key was mailed a moment ago; another may be asked for %(later)s", later=later), ""


def _waiting(account: Account, settings: Settings, now: datetime) -> dict[str, str]:
    """Since when a mail is owed, and after how many tries."""
    due = account.mail_due
    since = _("put off") if due else _("owed")
    if due and due <= now:
        since = _("overdue since %(instant)s", instant=when(due, settings))
    return {"since": since, "tries": _after(account)}


def _after(account: Account) -> str:
    tries = account.mail_failures
    return ngettext(" after %(num)d try", " after %(num)d tries", tries) if tries else ""
