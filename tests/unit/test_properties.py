"""Whatever is typed: identifiers, keys and passwords are read without a crash, bounded, and always alike."""

import string

from hypothesis import given
from hypothesis import strategies as st

from connector import keys
from connector.choices import Judge
from connector.directory.readiness import stored
from connector.errors import ChangeRefused, RescueReason
from connector.identifiers import LONGEST, candidates, canonical
from connector.model import Account, Reason, Strength
from connector.passwords import PasswordPolicy
from tests.properties import examples, odd_text

POLICY = PasswordPolicy()
LAX = PasswordPolicy(min_length=1, min_non_letters=0, min_strength=Strength.WEAK)
PRINTABLE_ASCII = set(string.ascii_letters + string.digits + string.punctuation + " ")

sound_keys = st.builds(
    lambda body: next(body + last for last in keys.ALPHABET if keys.read(body + last).is_sound),
    st.text(alphabet=keys.ALPHABET, min_size=keys.LENGTH - 1, max_size=keys.LENGTH - 1),
)
ines = st.text(alphabet="0123456789ABK", min_size=11, max_size=11)
signs = st.text(alphabet=" .-\u2013\u00a0", max_size=5)
nearly_keys = st.text(alphabet=keys.ALPHABET + "oilOILuU -\u2011\u00a0\u200b\0", max_size=70)
ascii_passwords = st.text(alphabet=sorted(PRINTABLE_ASCII), min_size=8, max_size=40)


@given(odd_text)
@examples(300)
def test_what_an_identifier_is_read_as_is_short_printable_and_read_as_itself(typed: str) -> None:
    found = candidates(typed, student_number=True)
    assert len(found) <= 3
    for identifier in found:
        assert 0 < len(identifier.value) <= LONGEST
        assert identifier.value.isprintable()
        assert identifier.value == identifier.value.strip()
        assert identifier in candidates(identifier.value, student_number=True)


@given(odd_text | st.builds(str.join, signs, ines))
@examples(200)
def test_whatever_an_identifier_is_read_as_its_tries_are_counted_as_one(typed: str) -> None:
    counted = {canonical(identifier.value) for identifier in candidates(typed, student_number=True)}
    assert counted <= {canonical(typed)}
    assert len(canonical(typed)) <= 18 * (LONGEST + 1)  # the longest that NFKC makes of one character


@given(odd_text, st.sampled_from([" ", "\t", "\u00a0", "\0"]), st.integers(LONGEST, 10 * LONGEST))
@examples(50)
def test_the_beginning_of_what_is_over_long_never_passes_for_the_whole(rest: str, blank: str, times: int) -> None:
    assert candidates("jmartin001" + blank * times + rest) == ()


@given(ines, signs)
@examples(50)
def test_an_ine_is_the_same_whatever_parts_its_characters(ine: str, sign: str) -> None:
    alike = (ine, sign.join(ine), f"{sign}{ine.lower()}{sign}")
    assert len({candidates(typed)[1] for typed in alike}) == 1


@given(sound_keys)
@examples(50)
def test_a_key_that_is_shown_is_read_as_the_key_it_was(key: str) -> None:
    assert keys.read(keys.show(key)) == keys.TypedKey(key, is_sound=True)


@given(nearly_keys | odd_text)
@examples(300)
def test_what_is_read_as_a_key_consists_of_a_keys_characters_and_is_read_as_itself(typed: str) -> None:
    read = keys.read(typed)
    if read is not None:
        assert set(read.text) <= set(keys.ALPHABET)
        assert abs(len(read.text) - keys.LENGTH) <= 1
        assert keys.read(read.text) == read
        assert not (read.is_sound and read.is_mistyped)


@given(sound_keys, st.integers(-1, 1), st.randoms(use_true_random=False))
@examples(100)
def test_corrections_are_few_sound_and_never_more_than_a_slip_away(key: str, longer: int, dice) -> None:
    """Few: each of them is hashed while somebody waits, whoever it is."""
    typed = "".join(dice.choices(keys.ALPHABET, k=keys.LENGTH + longer))
    found = keys.corrections(typed)
    assert len(found) == len(set(found)) <= 64
    for correction in found:
        assert keys.read(correction) == keys.TypedKey(correction, is_sound=True)
        if correction != typed:  # a slip is a slip in both directions
            assert typed in _slips(correction)


def _slips(key: str) -> set[str]:
    heads = [(key[:place], key[place:]) for place in range(len(key) + 1)]
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in heads if len(tail) > 1}
    dropped = {head + tail[1:] for head, tail in heads}
    return swapped | dropped | {head + x + tail[cut:] for head, tail in heads for x in keys.ALPHABET for cut in (0, 1)}


@given(odd_text | ascii_passwords, st.lists(odd_text, max_size=4))
@examples(150)
def test_the_verdict_on_a_password_is_there_and_stays(password: str, personal: list[str]) -> None:
    verdict = POLICY.verdict(password, personal)
    assert POLICY.verdict(password, personal) == verdict
    assert POLICY.verdict(password, list(reversed(personal))).strength == verdict.strength
    assert len(verdict.refusals) == len(set(verdict.refusals))
    assert all(refusal.found.isprintable() or refusal.reason is Reason.PERSONAL for refusal in verdict.refusals)


@given(
    odd_text | ascii_passwords | ascii_passwords.map(" {} ".format) | st.text(max_size=130),
    st.sampled_from([POLICY, LAX]),
)
@examples(200)
def test_nothing_but_printable_ascii_that_is_no_hash_is_ever_written(password: str, policy: PasswordPolicy) -> None:
    try:
        change = Judge(policy).change(Account("uid=x", "jmartin001", "Jeanne Martin"), password, None)
    except ChangeRefused as refused:
        assert refused.refusals
        return
    assert change.password == password
    assert 0 < len(password) <= 128
    assert set(password) <= PRINTABLE_ASCII
    assert stored(password, "directory") == password
    assert stored(password, "argon2id").startswith("{ARGON2}$argon2id$")


@given(
    odd_text | st.builds("{}@{}".format, odd_text, st.sampled_from(["c.example", "é.example", "universite.example"]))
)
@examples(150)
def test_what_is_given_as_a_rescue_address_is_written_as_one_address_or_not_at_all(typed: str) -> None:
    judge, account = Judge(POLICY, ("universite.example",)), Account("uid=x", "jmartin001", "Jeanne Martin")
    try:
        change = judge.change(account, None, typed)
    except ChangeRefused as refused:
        assert isinstance(refused.rescue, RescueReason)
        assert refused.refusals == ()
    else:
        assert change.password is None
        assert change.rescue is None or (change.rescue.count("@") == 1 and change.rescue.isascii())
