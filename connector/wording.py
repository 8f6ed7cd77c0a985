"""How sentences for a sysadmin are said: written in English, and told in the language of whoever typed the command.

Each is marked where it is made, ``_("%(path)s: cannot be read", path=path)``, and looked up then, in the catalogue that
its thread speaks from. A command's own thread alone is given one, while the command runs; the threads of a server have
none, so that a log is in English whatever the shell it was started from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from threading import local

Find = Callable[[], NullTranslations]
"""Reads a catalogue, once there is something to say: most commands have nothing to complain of."""


class _Spoken(local):
    catalogue: Find = NullTranslations


_SPOKEN = _Spoken()


@contextmanager
def speaking(catalogue: Find) -> Iterator[None]:
    """Say what is said inside the block, in this thread, as the catalogue has it."""
    before, _SPOKEN.catalogue = _SPOKEN.catalogue, catalogue
    try:
        yield
    finally:
        _SPOKEN.catalogue = before


def _(sentence: str, **facts: object) -> str:
    """The sentence, with the facts that it names as ``%(name)s``."""
    said = _SPOKEN.catalogue().gettext(sentence)
    return said % facts if facts else said


def ngettext(one: str, many: str, num: int, **facts: object) -> str:
    """The same, for one or for many; ``%(num)d`` is how many."""
    return _SPOKEN.catalogue().ngettext(one, many, num) % {"num": num, **facts}


def N_(sentence: str) -> str:  # noqa: N802 (gettext's name)
    """A sentence that is said later, by ``_``."""
    return sentence


def reason(error: OSError, what: object = "") -> str:
    """Why the system did not do it, after ``what`` it was about."""
    text = error.strerror or type(error).__name__
    said = _(text.partition(" (while ")[0])  # socket.create_server tells the address
    return _("%(what)s: %(said)s", what=what, said=said) if what else said


def in_words(said: str) -> str:
    """What Python or a library says of an error, with what the system or the TLS library said in it translated."""
    known = next((sentence for sentence in SYSTEM + TLS if sentence in said), "")
    return said.replace(known, _(known)) if known else said


SYSTEM = (  # what the C library says, whose own translations few servers have
    N_("No such file or directory"),
    N_("Permission denied"),
    N_("Operation not permitted"),
    N_("File exists"),
    N_("Is a directory"),
    N_("Not a directory"),
    N_("No space left on device"),
    N_("Disk quota exceeded"),
    N_("Read-only file system"),
    N_("File name too long"),
    N_("Too many open files"),
    N_("Too many levels of symbolic links"),
    N_("Input/output error"),
    N_("Address already in use"),
    N_("Cannot assign requested address"),
    N_("Connection refused"),
    N_("Name or service not known"),
)
TLS = (  # what OpenSSL says of a certificate (X509_verify_cert_error_string(3)), the longer of two alike first
    N_("certificate has expired"),
    N_("certificate is not yet valid"),
    N_("self-signed certificate in certificate chain"),
    N_("self-signed certificate"),
    N_("unable to get local issuer certificate"),
    N_("Hostname mismatch, certificate is not valid for"),
)
