"""Slips in a mail domain are pointed out; real domains never are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.rescue import _USUAL, suggestion

REAL = [
    "gmail.com",
    "ymail.com",
    "mail.com",
    "gmx.com",
    "gmx.fr",
    "mail.fr",
    "email.com",
    "hotmail.fr",
    "hotmail.com",
    "hotmail.co.uk",
    "hotmail.be",
    "outlook.fr",
    "outlook.com",
    "outlook.be",
    "live.fr",
    "live.com",
    "live.be",
    "yahoo.fr",
    "yahoo.com",
    "yahoo.co.uk",
    "yahoo.be",
    "yahoo.it",
    "orange.fr",
    "orange.com",
    "wanadoo.fr",
    "laposte.net",
    "free.fr",
    "sfr.fr",
    "neuf.fr",
    "bbox.fr",
    "numericable.fr",
    "aol.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "protonmail.com",
    "proton.me",
    "pm.me",
    "tutanota.com",
    "zaclys.net",
    "mailo.com",
    "mailo.fr",
    "riseup.net",
    "courriel.example",
    "univ-lille.fr",
    "etu.universite.example",
    "skynet.be",
    "bluewin.ch",
    "gmx.ch",
    "qq.com",
    "163.com",
    "mail.ru",
    "yandex.ru",
    "web.de",
    "t-online.de",
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("univ-lille.con", "univ-lille.com"),
        ("gmail.fr", "gmail.com"),
        ("GMIAL.COM", "gmail.com"),
        ("hotmial.fr", "hotmail.fr"),
        ("hotmal.com", "hotmail.com"),
        ("outlok.fr", "outlook.fr"),
        ("yaho.fr", "yahoo.fr"),
        ("oragne.fr", "orange.fr"),
        ("wanado.fr", "wanadoo.fr"),
        ("laposte.fr", "laposte.net"),
        ("iclou.com", "icloud.com"),
    ],
)
def test_a_slip_is_pointed_out(typed: str, meant: str) -> None:
    assert suggestion(f"Zoe.Petit@{typed}") == f"Zoe.Petit@{meant}"


@pytest.mark.parametrize("domain", REAL)
def test_a_real_domain_is_no_slip(domain: str) -> None:
    assert suggestion(f"zoe@{domain}") is None


@pytest.mark.parametrize("domain", ["hotmail.fi", "hotmail.gr", "yahoo.fi", "yahoo.gr", "outlook.kr"])
def test_other_countries_have_their_mailboxes_too(domain: str) -> None:
    assert suggestion(f"zoe@{domain}") is None


@pytest.mark.parametrize("typed", ["a b@gmial.com", "a@b@gmial.com", "@gmial.com", "x" * 1000 + "@gmial.com"])
def test_what_is_no_address_is_not_guessed_at(typed: str) -> None:
    assert suggestion(typed) is None


@given(st.text())
def test_whatever_is_typed_has_an_answer_and_a_suggestion_none_of_its_own(typed: str) -> None:
    meant = suggestion(typed)
    assert meant is None or suggestion(meant) is None


@given(st.sampled_from(_USUAL), st.integers(0, 30), st.sampled_from("abcxyz."))
def test_one_surplus_character_is_found(domain: str, place: int, letter: str) -> None:
    place = min(place, len(domain))
    typed = f"zoe@{domain[:place]}{letter}{domain[place:]}"
    meant = suggestion(typed)
    assert meant is None or meant.rpartition("@")[2] in {*_USUAL, "orange.com"}
