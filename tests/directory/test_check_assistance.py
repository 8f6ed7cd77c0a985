"""What the doctor says of the entry that keeps requests for help."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.cli.demo import settings as demo_settings
from connector.demo.mailbox import Mailbox
from connector.demo.slapd import SAMPLE_SUFFIX, PrivateSlapd
from connector.directory.requests import requests_dn
from connector.doctor import Level
from connector.settings import Settings
from tests.checked import changed, examined, mended, only, with_rules, without
from tests.conftest import make_groups, reset_people


@pytest.fixture(scope="module")
def own() -> Iterator[PrivateSlapd]:
    """A slapd of this file's own, to be broken and mended."""
    with PrivateSlapd(password_hash="{SSHA}") as server:
        make_groups(server)
        yield server


@pytest.fixture
def fitting(own: PrivateSlapd, mailbox: Mailbox) -> Settings:
    reset_people(own)
    own.run("ldapdelete", *own.as_root, f"uid=afontaine2,ou=people,{SAMPLE_SUFFIX}")
    return demo_settings(own, mailbox, 8080)


def said(settings: Settings) -> str:
    """The one line, all being well."""
    return next(finding.what for finding in examined(settings).findings(Level.OK) if finding.name == "assistance")


def test_the_entry_is_named_where_all_is_well(fitting: Settings) -> None:
    assert requests_dn(fitting.directory) in said(fitting)


def test_without_a_mailbox_there_is_nothing_to_look_at(own: PrivateSlapd, fitting: Settings) -> None:
    assert "no assistance form" in said(changed(fitting, "assistance", mailbox=""))


def test_an_entry_that_is_missing_is_told_and_mended(own: PrivateSlapd, fitting: Settings) -> None:
    own.run("ldapdelete", *own.as_root, requests_dn(fitting.directory))
    finding = only(examined(fitting))
    assert (finding.name, finding.level) == ("assistance", Level.BROKEN)
    assert finding.fix
    own.add_ldif(finding.fix.ldif)
    assert requests_dn(fitting.directory) in said(fitting)


def test_a_right_that_is_missing_is_told_and_mended(own: PrivateSlapd, fitting: Settings) -> None:
    with with_rules(own, without("attrs=entry,moncompteRequest")):
        finding = only(examined(fitting))
        assert (finding.name, finding.level) == ("assistance", Level.BROKEN)
        mended(own, fitting, "assistance")
