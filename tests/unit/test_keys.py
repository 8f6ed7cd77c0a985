"""The key: what is shown, what typing forgives, what the check character catches, what a hash verifies."""

import base64
import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from connector import keys

bodies = st.text(alphabet=keys.ALPHABET, min_size=14, max_size=14)


def sound(body: str) -> str:
    """A sound key with this body."""
    return next(key for letter in keys.ALPHABET if (key := body + letter) and keys.read(key).is_sound)


def test_a_key_is_three_groups_of_five_without_look_alikes() -> None:
    for _ in range(200):
        shown = keys.show(keys.mint())
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){2}", shown)
        assert keys.read(shown).is_sound


def test_keys_never_repeat_and_use_every_letter_of_the_alphabet_at_every_place() -> None:
    minted = [keys.mint() for _ in range(2000)]  # a letter is missing from some place once in 10^25
    assert len(set(minted)) == 2000
    assert all(set(place) == set(keys.ALPHABET) for place in zip(*minted, strict=True))


@given(bodies)
def test_every_body_has_exactly_one_check_character(body: str) -> None:
    assert sum(keys.read(body + letter).is_sound for letter in keys.ALPHABET) == 1


@given(bodies, st.integers(0, 14), st.sampled_from(keys.ALPHABET))
def test_every_single_wrong_character_is_caught(body: str, place: int, letter: str) -> None:
    key = sound(body)
    typed = key[:place] + letter + key[place + 1 :]
    assert keys.read(typed).is_sound == (typed == key)


@given(bodies, st.integers(0, 14), st.integers(0, 14))
def test_every_swap_of_two_characters_is_caught(body: str, one: int, other: int) -> None:
    letters = list(sound(body))
    letters[one], letters[other] = letters[other], letters[one]
    swapped = "".join(letters)
    assert keys.read(swapped).is_sound == (swapped == sound(body))


@given(bodies)
def test_typing_is_forgiven_case_spaces_dashes_and_look_alikes(body: str) -> None:
    key = sound(body)
    lower = key.lower().replace("0", "o").replace("1", "l")
    for typed in (
        keys.show(key),
        lower,
        f"  {key[:5]} {key[5:10]}\u2011{key[10:]}\u200b\n",
        key.replace("1", "I"),
        "-".join(key),
    ):
        assert keys.read(typed) == keys.TypedKey(key, is_sound=True)


def test_full_width_letters_of_a_phone_keyboard_are_read() -> None:
    key = keys.mint()
    assert keys.read("".join(chr(ord(letter) + 0xFEE0) for letter in key)) == keys.TypedKey(key, is_sound=True)


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    read = keys.read(text)
    assert read is None or not read.is_sound or len(read.text) == keys.LENGTH


def test_what_has_not_the_shape_of_a_key_is_none() -> None:
    for text in ("", "K7QF9-M2XT4-RD8", "K7QF9-M2XT4-RD8HCAB", "K7QF9-M2XT4-RD8HU", "K" * 10_000_000, "é" * 15):
        assert keys.read(text) is None


@given(bodies, st.integers(0, 14), st.sampled_from(keys.ALPHABET))
def test_a_slip_has_the_right_key_among_its_corrections(body: str, place: int, letter: str) -> None:
    key = sound(body)
    typed = key[:place] + letter + key[place + 1 :]
    if typed != key:
        assert key in keys.corrections(typed)
        assert all(keys.read(correction).is_sound for correction in keys.corrections(typed))


def test_two_swapped_neighbours_have_the_right_key_among_their_corrections() -> None:
    key = next(key for key in iter(keys.mint, "") if key[4] != key[5])
    assert key in keys.corrections(key[:4] + key[5] + key[4] + key[6:])


@given(bodies, st.integers(0, 14), st.sampled_from(keys.ALPHABET))
def test_a_missing_or_surplus_character_is_a_slip_too(body: str, place: int, letter: str) -> None:
    key = sound(body)
    for typed in (key[:place] + key[place + 1 :], key[:place] + letter + key[place:]):
        read = keys.read(typed)
        assert read is not None
        assert not read.is_sound
        assert key in keys.corrections(read.text)


def test_a_hash_verifies_its_key_and_no_other_and_is_salted() -> None:
    key = keys.mint()
    assert keys.verify(key, keys.hash_key(key))
    assert not keys.verify(keys.mint(), keys.hash_key(key))
    assert keys.hash_key(key) != keys.hash_key(key)


def test_hashes_made_with_ordinary_tools_verify() -> None:
    """What slappasswd writes for each scheme, whatever the case of its name."""
    key, salt = keys.mint(), b"saltsalt"
    for scheme, name in (("{SSHA512}", "sha512"), ("{ssha256}", "sha256"), ("{SSHA}", "sha1"), ("{SSHA384}", "sha384")):
        stored = scheme + base64.b64encode(hashlib.new(name, key.encode() + salt).digest() + salt).decode()
        assert keys.verify(key, stored)


@given(st.text(max_size=80))
def test_no_stored_value_breaks_the_verification(stored: str) -> None:
    assert not keys.verify("K7QF9M2XT4RD8HC", stored)
    assert not keys.verify("K7QF9M2XT4RD8HC", "{SSHA512}" + stored)
