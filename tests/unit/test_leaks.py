"""The watch itself: it would see a leak through each of its doors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from connector import keys
from connector.audit import Event, Line
from connector.demo.mailbox import Mailbox
from connector.errors import DirectoryError
from connector.mail import MailSession
from connector.portal import Portal
from tests.conftest import PASSWORD
from tests.leaks import Watch
from tests.portal_fixtures import account, mailed_key

Leak = Callable[[Portal, str], object]


def fail_with(text: str) -> None:
    with pytest.raises(DirectoryError):
        raise DirectoryError(text)


def mail(portal: Portal, text: str) -> None:
    someone = account(portal, "jmartin001")
    message = portal.outbox._composer.key_mail(someone, keys.mint(), portal.now(), portal.now())
    message["X-Note"] = text
    with portal.outbox._mailer.session() as session:
        session.send(message)


LEAKS: dict[str, Leak] = {
    "log": lambda _portal, secret: logging.getLogger("connector").info("signed in with %s", secret),
    "traceback": lambda _portal, secret: logging.getLogger().error("oh", exc_info=ValueError(secret)),
    "audit": lambda portal, secret: portal.audit.write(Event.KEY_ASKED, Line(reason=secret)),
    "exception": lambda _portal, secret: fail_with(f"modify: {secret}"),
    "mail": mail,
}


@pytest.fixture
def watch(nothing_leaks: Watch) -> Iterator[Watch]:
    """The watch of this very test, which forgets what was leaked on purpose."""
    yield nothing_leaks
    nothing_leaks.texts.clear()


@pytest.mark.parametrize("door", LEAKS)
def test_a_password_that_leaks_is_seen(portal: Portal, mailbox: Mailbox, watch: Watch, door: str) -> None:
    portal.sign_in("jmartin001", PASSWORD)
    assert watch.leaks() == []
    LEAKS[door](portal, PASSWORD)
    assert len(watch.leaks()) == 1


@pytest.mark.parametrize("form", [str, str.lower, lambda key: key.replace("-", "")])
def test_a_key_that_leaks_is_seen_in_any_form(
    portal: Portal, mailbox: Mailbox, watch: Watch, form: Callable[[str], str]
) -> None:
    key = mailed_key(portal, mailbox, "jmartin001")
    assert watch.leaks() == []  # its own mail may carry it
    logging.getLogger("webui").warning("/connexion#cle=%s", form(key))
    assert len(watch.leaks()) == 1


def test_a_code_that_leaks_is_seen_and_an_instant_is_none(portal: Portal, watch: Watch) -> None:
    proof = portal.sign_in("jmartin001", PASSWORD)
    code = portal.ask_code("jmartin001", proof.by, proof.mark)
    portal.outbox.send_handed()
    (digits,) = watch.codes
    assert watch.leaks() == []  # the mail may carry it
    logging.getLogger("connector").warning("20261122%s", digits)
    assert watch.leaks() == []
    logging.getLogger("connector").warning("code %s of %s", digits, code.address)
    assert len(watch.leaks()) == 1


def test_somebody_elses_key_in_a_mail_is_seen(portal: Portal, mailbox: Mailbox, watch: Watch) -> None:
    mail(portal, mailed_key(portal, mailbox, "jmartin001"))
    assert len(watch.leaks()) == 1


def test_mails_do_go_by_the_watch(portal: Portal, mailbox: Mailbox, watch: Watch) -> None:
    mailed_key(portal, mailbox, "jmartin001")
    assert [text for text in watch.texts if text.startswith("mail: ")]
    assert MailSession.send.__name__ == "call"
