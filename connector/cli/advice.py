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

_SUBSTATES = {  # SUPANN 2019, supannRessourceEtat
    "SUPANNPRECREE": "registered, and not to be activated yet",
    "SUPANNCREE": "to be activated",
    "SUPANNANTICIPE": "active ahead of time",
    "SUPANNACTIF": "active",
    "SUPANNSURSIS": "active for a while longer",
    "SUPANNEXPIRE": "expired",
    "SUPANNINACTIF": "inactive",
    "SUPANNSUPPRDONNEES": "its data are deleted",
    "SUPANNSUPPRCOMPTE": "deleted",
    "SUPANNVERROUILLE": "suspended",
    "SUPANNVERROUADMINISTRATIF": "suspended by the administration",
    "SUPANNVERROUTECHNIQUE": "suspended for technical reasons",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One hindrance: what it means, and what to type next, if a command helps."""

    hindrance: Hindrance
    said: str
    do: str = ""


def state_in_words(account: Account) -> str:
    """The state's substate, or its letter, in English."""
    if account.state.value is None:
        return "active (this directory keeps no state)"
    bare = account.state.value.partition("}")[2] or account.state.value
    letter, _, substate = bare.upper().partition(":")
    word = {"A": "active", "I": "inactive", "S": "suspended"}.get(letter, "of a state we do not know")
    return f"{_SUBSTATES.get(substate, word)} ({plain(bare)})"


def ways_in_words(account: Account, standing: Standing, settings: Settings) -> list[str]:
    """How they can sign in now."""
    words = []
    if By.PASSWORD in standing.ways:
        unseen = "" if account.password_changed else ", if one was ever set: the portal cannot see whether there is one"
        words.append(f"with the password{unseen}")
    if By.KEY in standing.ways and account.key and account.key.expiry:
        words.append(f"with {key_in_words(account.key.origin)}, until {when(account.key.expiry, settings)}")
    return words


def key_in_words(origin: Origin | None) -> str:
    """Where the key is to be found."""
    places = {Origin.LETTER: "the letter's key", Origin.MAIL: "the mailed key", Origin.DESK: "the key from the desk"}
    return places[origin] if origin else "a key of unknown origin"


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
        return "locked for good by an administrator, who alone may end it", end_lock(account.dn, settings)
    if item is Hindrance.RESTING:
        until = f"until {when(standing.rests_until, settings)}" if standing.rests_until else "until it is ended"
        wrong = "after too many wrong passwords, here or elsewhere (wifi, mail)"
        said = f"the password policy rests the account {until}, {wrong}; no password opens it, a key does"
        return said, f"moncompte unlock {uid}"
    return _about_key(item, account, settings), f"moncompte issue {uid}"


_OF_STATE = {Hindrance.SUSPENDED, Hindrance.CLOSED, Hindrance.NOT_BEGUN, Hindrance.ENDED}


def _about_state(item: Hindrance, account: Account, settings: Settings) -> str:
    said = f"the account is {state_in_words(account)}"
    if item is Hindrance.NOT_BEGUN:
        said = f"the state begins on {account.state.since}"
    if item is Hindrance.ENDED:
        said = f"the state ended with {account.state.until}"
    return f"{said}: whoever writes {settings.attributes.state} decides; the portal cannot"


def _about_key(item: Hindrance, account: Account, settings: Settings) -> str:
    key = account.key
    if key is None:
        return "it was never activated, and there is no key to activate it with"
    which = key_in_words(key.origin)
    if item is Hindrance.KEY_WORN_OUT:
        return f"{key.failures} wrong keys were typed against {which}: it is worn out, and somebody may be guessing"
    return (
        f"{which} expired on {when(key.expiry, settings)}" if key.expiry else f"{which} has no end written: it is dead"
    )


_OF_MAILS = {
    Hindrance.NO_RESCUE,
    Hindrance.MAIL_WAITS,
    Hindrance.MAIL_GIVEN_UP,
    Hindrance.ENOUGH_TODAY,
    Hindrance.COOLING_DOWN,
}


def _about_mails(
    item: Hindrance, account: Account, standing: Standing, settings: Settings, now: datetime, uid: str
) -> tuple[str, str]:
    due = account.mail_due
    since = f"overdue since {when(due, settings)}" if due and due <= now else "put off" if due else "owed"
    tries = f" after {account.mail_failures} tries" if account.mail_failures else ""
    later = f"from {when(standing.may_ask, settings)} on" if standing.may_ask else "later"
    return {
        Hindrance.NO_RESCUE: (
            "there is no rescue address: whoever asks for a key by mail gets none, and is not told",
            f"moncompte set-rescue {uid} ADDRESS",
        ),
        Hindrance.MAIL_WAITS: (
            f"a key's mail is {since}{tries}: it is still in the outbox",
            "moncompte dispatch --once",
        ),
        Hindrance.MAIL_GIVEN_UP: (
            f"a mail was given up{tries}: is the rescue address right?",
            f"moncompte set-rescue {uid} ADDRESS",
        ),
        Hindrance.ENOUGH_TODAY: (
            f"enough keys were mailed today ({settings.keys.mails_a_day}, [keys] mails_a_day); {later} another may be "
            "asked for: is the rescue address right?",
            f"moncompte issue {uid}",
        ),
        Hindrance.COOLING_DOWN: (f"a key was mailed a moment ago; another may be asked for {later}", ""),
    }[item]
