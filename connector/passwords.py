"""The password policy: one verdict, used by the page's meter and by the server's check alike.

Sources: the university's own page (length, two that are not letters, no accents); NIST SP 800-63B-4 §3.1.1.2
(blocklist, personal words, the reason is told); CNIL 2022-100 (the machine checks the strength of each new password).
The defaults and the thresholds are argued in ``docs/password-policy.md``. No password is logged or kept.
"""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from zxcvbn import matching, scoring

from connector.model import Reason, Refusal, Strength

# In powers of ten of zxcvbn's guesses. It grants 1e8 to any three pieces in a row and 1e12 to any four, however plain
# ("MarieJulie12"): a bound ten times above such a floor speaks of the guesses, not of the count of pieces.
_MEDIUM_LOG10 = 9.0
_STRONG_LOG10 = 13.0
# zxcvbn works on every substring: what this many characters do not make strong, a longer look must not be paid for.
_ESTIMATED_LENGTH = 40
# A known word with up to this many digits or signs around it is still that word; with more, the estimate decides.
_DECORATION_LENGTH = 8
_COMMON_LENGTH = 4
_PERSONAL_LENGTH = 3
_LOCAL_PART_LENGTH = 4
_NAMED_CHARACTERS = 6  # at fault; more would only fill the page

_SIGNS = string.punctuation + " "
_DECORATIONS = ("", _SIGNS, _SIGNS + string.digits)
_UNDECOMPOSED = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})  # Unicode knows no base for them
# As typed, then with the usual substitutions undone (1 stands for i or for l) and what parts the words dropped.
_SPELLINGS: tuple[dict[int, int | None], ...] = (
    {},
    *({**dict.fromkeys(map(ord, _SIGNS)), **str.maketrans("@4031!5$7", f"aaoe{one}isst")} for one in "il"),
)


def _known_lists() -> list[list[str]]:
    """The lists of ``connector/data/common-passwords.txt``, each by falling likelihood."""
    text = files("connector").joinpath("data", "common-passwords.txt").read_text("utf-8")
    blocks = [[line for line in block.splitlines() if not line.startswith("#")] for block in text.split("\n\n")]
    return [block for block in blocks if block]


def _prepare_zxcvbn() -> frozenset[str]:
    """Teach zxcvbn our lists and this century's years, bound its work, and give back what no password may consist of.

    Its table of substitutions is cut to the usual signs, because it tries every combination of those it meets: 21
    well-chosen characters took 150 ms, 42 took 730 ms. Its lists become one, each word at its best rank: it would look
    every substring up in each of them, and only the best rank counts.
    """
    known = _known_lists()
    matching.add_frequency_lists({f"known_{number}": words for number, words in enumerate(known)})
    matching.REGEXEN["recent_year"] = re.compile(r"19\d\d|20[0-4]\d")
    matching.L33T_TABLE.clear()
    matching.L33T_TABLE.update(a=["4", "@"], e=["3"], i=["1"], o=["0"], s=["5", "$"])
    common = frozenset(matching.RANKED_DICTIONARIES["passwords"]).union(*known)
    best: dict[str, int] = {}
    numbers: dict[int, int] = {}  # each kept once, for whatever number of words
    for ranks in matching.RANKED_DICTIONARIES.values():
        kept = ((word, numbers.setdefault(rank, rank)) for word, rank in ranks.items())
        best.update((word, rank) for word, rank in kept if rank < best.get(word, sys.maxsize))
    matching.RANKED_DICTIONARIES.clear()
    matching.RANKED_DICTIONARIES["known"] = best
    matching.FREQUENCY_LISTS.clear()
    return frozenset(word for word in common if len(word) >= _COMMON_LENGTH)


# The example key of the front page is everybody's to try. Sorted: a set of so many takes six times the memory.
_COMMON = sorted(_prepare_zxcvbn().union("k7qf9-m2xt4-rd8hc".translate(spelling) for spelling in _SPELLINGS))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the meter shows and what the server decides by; no refusal means accepted."""

    strength: Strength
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The rules. Lengths are in characters; every default has its reason in ``docs/password-policy.md``."""

    min_length: int = 10
    max_length: int = 128
    min_non_letters: int = 2
    min_strength: Strength = Strength.MEDIUM

    def rules(self) -> tuple[Refusal, ...]:
        """The rules to tell before one types, each as the refusal that breaking it earns (``found`` left out)."""
        rules = [
            Refusal(Reason.TOO_SHORT, self.min_length),
            Refusal(Reason.TOO_LONG, self.max_length),
            Refusal(Reason.TOO_FEW_NON_LETTERS, self.min_non_letters),
            Refusal(Reason.FORBIDDEN_CHARACTER),
            Refusal(Reason.PERSONAL),
            Refusal(Reason.COMMON),
            Refusal(Reason.TOO_WEAK, int(self.min_strength)),
        ]
        always_kept = Refusal(Reason.TOO_FEW_NON_LETTERS, 0), Refusal(Reason.TOO_WEAK, int(Strength.WEAK))
        return tuple(rule for rule in rules if rule not in always_kept)

    def refusals(self, password: str, personal: Sequence[str]) -> tuple[Refusal, ...]:
        """Every reason why ``password`` is not accepted; empty when it is. ``personal``: ``Account.personal_words``."""
        return self.verdict(password, personal).refusals

    def verdict(self, password: str, personal: Sequence[str]) -> Verdict:
        """Judge any string whatever, in bounded time; the limits come from :meth:`rules`, so page and check agree."""
        rules = {rule.reason: rule for rule in self.rules()}
        if len(password) > self.max_length:  # before any work: whoever sends megabytes gets no more than a length check
            return Verdict(Strength.WEAK, (rules[Reason.TOO_LONG],))
        words = tuple(_personal_words(personal))
        strength = _strength(password, words)
        broken = self._broken(password, words, strength)
        refusals = (replace(rules.get(reason, Refusal(reason)), found=found) for reason, found in broken)
        return Verdict(strength, tuple(refusals))

    def _broken(self, password: str, words: tuple[str, ...], strength: Strength) -> Iterator[tuple[Reason, str]]:
        if len(password) < self.min_length:
            yield Reason.TOO_SHORT, ""
        if sum(not character.isalpha() for character in password) < self.min_non_letters:
            yield Reason.TOO_FEW_NON_LETTERS, ""
        if password.startswith("{"):
            # slapd takes {SCHEME}… for a hash made elsewhere: kept as it is, judged by nobody, and {ARGON2} with
            # parameters of one's own choice would keep slapd busy for minutes at every sign-in (RFC 2307 §5.3).
            yield Reason.LEADING_BRACE, ""
        if forbidden := _forbidden_characters(password):
            yield Reason.FORBIDDEN_CHARACTER, forbidden
        for word in _found_in(password, words):
            yield Reason.PERSONAL, word
        if _is_common(password):
            yield Reason.COMMON, ""
        if strength < self.min_strength:
            yield Reason.TOO_WEAK, ""


def allowed_punctuation() -> str:
    """The printable ASCII that is neither letter nor digit nor space, for the page to show."""
    return string.punctuation


def _forbidden_characters(password: str) -> str:
    """The characters outside printable ASCII, fit to be shown: ``é, è``, each once, six at most; empty without any.

    NFC: an é sent as e and accent is named as é.
    """
    characters = dict.fromkeys(unicodedata.normalize("NFC", password))
    forbidden = [character for character in characters if not " " <= character <= "~"]
    return ", ".join(map(_shown, forbidden[:_NAMED_CHARACTERS])) + ", …" * (len(forbidden) > _NAMED_CHARACTERS)


def _shown(character: str) -> str:
    """By number if it cannot stand by itself in a sentence, lest it break the page or turn its text around.

    Such are a control, half a surrogate pair, a mark, a change of writing direction.
    """
    is_fit = character.isprintable() and not unicodedata.category(character).startswith("M")
    return character if is_fit else f"U+{ord(character):04X}"


def _fold(text: str) -> str:
    """Without case and without accents, so that "Chloé" and "chloe" are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_UNDECOMPOSED))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _personal_words(personal: Sequence[str]) -> Iterator[str]:
    """Folded: each word whole; of an address also the local part; of a name (or a login like one) also its parts."""
    for word in map(_fold, personal):
        local_part, at, _ = word.partition("@")
        if at and len(local_part) >= _LOCAL_PART_LENGTH:
            yield local_part
        elif not at:
            yield from (part for part in re.split(r"[\W_]+", word) if part.isalpha() and len(part) >= _PERSONAL_LENGTH)
        if len(word) >= _PERSONAL_LENGTH:
            yield word


def _found_in(password: str, words: tuple[str, ...]) -> list[str]:
    """The personal words that ``password`` contains, once each; what is part of another one found is left out."""
    folded = _fold(password)
    found = [word for word in dict.fromkeys(words) if word in folded]
    return [word for word in found if not any(word != other and word in other for other in found)]


def _is_common(password: str) -> bool:
    """Is it a known word, give or take substitutions and some decoration? Merely containing one is no fault."""
    folded = _fold(password)
    bare = {folded.rstrip(after).lstrip(before) for after in _DECORATIONS for before in _DECORATIONS}
    cores = (core for core in bare if len(folded) - len(core) <= _DECORATION_LENGTH)
    return any(_is_listed(core.translate(spelling)) for core in cores for spelling in _SPELLINGS)


def _is_listed(word: str) -> bool:
    place = bisect_left(_COMMON, word)
    return _COMMON[place : place + 1] == [word]


def _strength(password: str, words: tuple[str, ...]) -> Strength:
    """By zxcvbn's guesses for the first 40 characters.

    Not through ``zxcvbn.zxcvbn()``: it puts the personal words into a table of its module, where they would stay, and
    where another thread's estimate would meet them.
    """
    if not password or _is_common(password):
        return Strength.WEAK
    prefix = password[:_ESTIMATED_LENGTH]
    dictionaries = {**matching.RANKED_DICTIONARIES, "personal": dict.fromkeys(words, 1)}
    matches = matching.omnimatch(prefix, dictionaries)
    guesses_log10: float = scoring.most_guessable_match_sequence(prefix, matches)["guesses_log10"]
    return Strength((guesses_log10 >= _MEDIUM_LOG10) + (guesses_log10 >= _STRONG_LOG10))
