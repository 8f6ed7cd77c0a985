"""The rescue address: what is accepted, how it is kept, what is refused and as what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import rescue
from connector.errors import RescueReason, SettingsInvalid
from connector.settings import build
from tests.properties import examples, odd_text
from tests.unit.test_settings import minimal


def own_domains(*domains: str) -> tuple[str, ...]:
    """As the settings keep what stands in the file."""
    return build(minimal(rescue={"own_domains": list(domains)}), "test", {}).rescue.own_domains


OWN = own_domains("universite.example", "Etu.Autre.example.", "Université-du-Lac.example", "xn--mnchen-3ya.example")

slips = st.sampled_from([""] * 99 + list(" \t\r\n\0\"(),:;<>@[\\]'/|é中😀。"))
nearly_addresses = st.builds(
    "{}{}@{}{}.{}".format,
    st.from_regex(r"[a-z0-9.+_é-]{1,20}|[a-zA-Z]{60,70}", fullmatch=True),
    slips,
    slips,
    st.from_regex(r"[a-zé]{1,20}|[a-z0-9é.-]{1,70}", fullmatch=True),
    st.sampled_from(["fr", "example", "été", "local"]),
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Jeanne.Martin+x@Courriel.EXAMPLE ", "Jeanne.Martin+x@courriel.example"),
        ("\u00a0jeanne@courriel.example\t\u200b", "jeanne@courriel.example"),
        ("jeanne@école.example", "jeanne@xn--cole-9oa.example"),
        ("jeanne@ÉCOLE.example", "jeanne@xn--cole-9oa.example"),
        ("jeanne@e\u0301cole.example", "jeanne@xn--cole-9oa.example"),
        ("jeanne@xn--cole-9oa.example", "jeanne@xn--cole-9oa.example"),
        ("jeanne@courriel。example", "jeanne@courriel.example"),
        ("j@notuniversite.example", "j@notuniversite.example"),
        ("j@universite.example.com", "j@universite.example.com"),
        ("o'brien/x@courriel.example", "o'brien/x@courriel.example"),
        (f"{'a' * 64}@courriel.example", f"{'a' * 64}@courriel.example"),
    ],
)
def test_an_address_is_kept_as_it_can_be_written_to(typed: str, kept: str) -> None:
    assert rescue.read(typed, OWN) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "a@universite.example",
        "a@ETU.universite.example",
        "a@etu.autre.example",
        "a@UNIVERSITE.example",
        "a@ｕｎｉｖｅｒｓｉｔｅ。example",
        "a@université-du-lac.example",
        "a@UNIVERSITÉ-du-lac.example",
        "a@xn--universit-du-lac-jqb.example",
        "a@etu.universite\u0301-du-lac.example",
        "a@münchen.example",
        "a@etu.XN--MNCHEN-3YA.example",
        "élodie@universite.example",
    ],
)
def test_a_mailbox_of_the_university_itself_is_refused_however_either_is_written(typed: str) -> None:
    assert rescue.read(typed, OWN) is RescueReason.OWN_DOMAIN


@pytest.mark.parametrize(
    "value", ["universite", "@universite.example", "*.universite.example", "a.example,", "uni_v.example", "", "a b"]
)
def test_an_own_domain_that_could_match_no_address_is_told_at_the_start(value: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"test: \[rescue\] own_domains: .* is no mail domain, such as"):
        own_domains("universite.example", value)


REFUSED = {
    RescueReason.MALFORMED: [
        *("", "a", "@", "a@b", "a@b@c.example", "a b@c.example", "<a@c.example>", "mailto:a@c.example"),
        *("a@c.example.", "a.@c.example", "a..b@c.example", "a@c..example", "a@c_d.example", "a@xn--zzzz.example"),
        *("a@127.0.0.1", "a@[127.0.0.1]", "a@[IPv6:::1]"),
        *('"a b"@c.example', '"ab"@c.example', '"a@b"@c.example'),
        *("a(x)@c.example", "a@c.example (x)", "(x)a@c.example"),
        *("\na@c.example", "a@c.example\n", "a\r@c.example", "a@\r\nc.example", "a@c.example\r\nBcc: me"),
        *("a@c.example\0", "\0a@c.example", "a\0@c.example"),
        *("\x1ba@c.example", "\u202ea@c.example", "a\ud800@c.example"),
    ],
    RescueReason.TOO_LONG: [
        *(f"{'a' * 65}@c.example", f"{'a' * 240}@c.example", f"{'a' * 300}@c.example", f"{'é' * 33}@c.example"),
        *("a" * 10_000_000, " " * 300 + "a@c.example", "é" * 255),
    ],
    RescueReason.SEVERAL: [
        *(f"a@c.example{sign}d@e.example" for sign in (", ", ",", ";", "; ", " ", "\t", "/", " | ", " et ", "\n")),
        *("A <a@c.example>, D <d@e.example>", "a@c.example\r\nBcc: d@e.example"),
        *("a@c.example (d@e.example)", "a@c.example <d@e.example>", "@@,a@b,@,c@d"),
    ],
    RescueReason.ACCENTED: ["élodie@c.example", "e\u0301lodie@c.example", "用户@c.example", "ａ@c.example"],
    RescueReason.NOWHERE: ["a@localhost", "a@box.local", "a@b.TEST", "a@b.invalid", "a@1.in-addr.arpa", "a@b.onion"],
    RescueReason.LIST: [
        *("promo@listes.ailleurs.example", "a@lists.ailleurs.example", "a@sympa.ailleurs.example"),
        *("l3@GoogleGroups.com", "amis@x.groups.io", "amis@groups.io", "a@framalistes.org"),
    ],
}


@pytest.mark.parametrize(
    ("why", "typed"),
    [(why, typed) for why, texts in REFUSED.items() for typed in texts],
    ids=lambda value: ascii(value)[:50],
)
def test_what_cannot_be_an_address_of_ones_own_is_refused_for_its_own_reason(why: RescueReason, typed: str) -> None:
    assert rescue.read(typed, OWN) is why


@pytest.mark.parametrize("typed", ["a@list.ru", "a@lists.example", "a@mylists.ailleurs.example", "a@notgroups.io"])
def test_a_mailbox_is_not_taken_for_a_list_because_of_a_word(typed: str) -> None:
    assert rescue.read(typed, OWN) == typed


@given(nearly_addresses | st.emails() | odd_text)
@examples(400)
def test_whatever_is_typed_is_one_address_to_write_to_or_a_reason(typed: str) -> None:
    kept = rescue.read(typed, OWN)
    if isinstance(kept, RescueReason):
        return
    local_part, at, domain = kept.partition("@")
    assert at
    assert kept.isascii()
    assert kept.isprintable()
    assert not set(kept) & set(' ",:;<>()[]\\')
    assert "@" not in domain
    assert len(local_part) <= 64
    assert len(kept) <= 254
    assert rescue.read(kept, OWN) == kept  # what is kept is accepted as it is, and means the same


@given(
    st.emails().filter(lambda address: len(address) < 240), st.sampled_from(OWN), st.sampled_from(["", "etu.", "a.b."])
)
@examples(50)
def test_whatever_the_name_a_mailbox_of_ours_is_ours(address: str, own: str, below: str) -> None:
    name = address.rpartition("@")[0][:64].strip(".")
    assert rescue.read(f"{name}@{below}{own.upper()}", OWN) is RescueReason.OWN_DOMAIN
