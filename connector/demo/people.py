"""Sample students for the demo and the benchmarks: plausible French names, every state an account can be in.

Everybody is described in ``people.toml``. The first are one of each kind, always by the same names, so that a demo of
twelve shows everything; a crowd follows. Names and INEs depend on the seed alone; keys and passwords are always fresh.
"""

from __future__ import annotations

import base64
import random
import re
import string
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import chain, cycle
from typing import Any

from connector import keys

LETTER_LIFETIME = timedelta(days=21)  # NIST SP 800-63B-4 §4.2.1.2, codes sent by post
_ENROLMENT_LIFETIME = timedelta(days=1)
_RESCUE = "SECOURS"
_INE_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_UNDECOMPOSED = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "œ": "oe", "æ": "ae", "ß": "ss", "ı": "i"})
_VOWELS_TO_DIGITS = str.maketrans("aey", "234")
_SAFE_STRING = re.compile(r"(?![ :<])[\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )")

Attributes = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """What a tester must know of a sample person, and the whole entry (``attributes``: name to values, no ``dn``).

    ``state``: ``to-activate``, ``active``, ``suspended``, ``expired`` or ``staff``. ``key``: as printed on the letter,
    live unless ``note`` says otherwise. ``ine``: the first of possibly two. ``serves``: of an operator,
    ``everybody`` or ``component``; ``enrolment`` is the code that enrols their second factor.
    """

    dn: str
    uid: str
    ine: str | None
    state: str
    key: str | None
    password: str | None
    rescue: str | None
    note: str
    attributes: Attributes
    serves: str | None = None
    enrolment: str | None = None


@dataclass(frozen=True, slots=True)
class _Name:
    civility: str
    given: str
    surname: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """One reason to exist; the fields are explained in ``people.toml``."""

    shown: str
    note: str
    state: str | None = None
    has_password: bool = False
    labels: Sequence[str] = ()
    key_days: Sequence[int] = ()
    ine_forms: Sequence[str] = ()
    language: str = "fr"
    serves: str | None = None

    @property
    def is_staff(self) -> bool:
        return self.shown == "staff"


@dataclass(frozen=True, slots=True)
class _Role:
    name: _Name
    kind: _Kind


class _Dice:
    """What is drawn from the seed, and never drawn twice."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - names and INEs, no secret
        self._uids: Counter[str] = Counter()
        self._ines: set[str] = set()

    def uid(self, name: _Name) -> str:
        stem = _fold(name.given)[:1] + _fold(name.surname)[:20]
        self._uids[stem] += 1
        return f"{stem}{self._uids[stem]:03d}"

    def ines(self, kind: _Kind) -> list[str]:
        if kind.is_staff:
            return []
        forms = kind.ine_forms or self.random.choices(("rnie", "bea", "base36", "provisional"), (70, 20, 7, 3))
        return [self._ine(form) for form in forms]

    def _ine(self, form: str) -> str:
        while (ine := _draw_ine(form, self.random)) in self._ines:
            pass
        self._ines.add(ine)
        return ine


def sample_people(count: int, now: datetime, base: str, seed: int = 0) -> list[SamplePerson]:
    """``count`` people under ``ou=people`` of ``base``, the directory's suffix (a DN); 20,000 take a second or two."""
    told = tomllib.loads((files("connector.demo") / "people.toml").read_text(encoding="utf-8"))
    dice = _Dice(seed)
    cast = [_Role(_Name(*one["name"]), _Kind(**one["kind"])) for one in told["cast"]][:count]
    # Drawn one by one, so that a larger demo begins with the people of a smaller one.
    crowd = (_draw_role(told, dice.random) for _ in range(count - len(cast)))
    roles = zip(chain(cast, crowd), cycle(told["components"]))
    return [_person(number, *role, dice, now, base) for number, role in enumerate(roles, start=1)]


def to_ldif(people: Iterable[SamplePerson]) -> str:
    """The entries as LDIF (RFC 2849), without a ``version:`` line so that they may follow other entries."""
    return "".join(f"{_line('dn', person.dn)}{_lines(person.attributes)}\n" for person in people)


def _draw_role(told: dict[str, Any], dice: random.Random) -> _Role:
    like = dice.choices([one["like"] for one in told["crowd"]], [one["percent"] for one in told["crowd"]])[0]
    civility, given = dice.choice((("Mme", "women"), ("M.", "men")))
    name = _Name(civility, dice.choice(told["names"][given]), dice.choice(told["names"]["surnames"]))
    return _Role(name, _Kind(**told["cast"][like]["kind"] | {"ine_forms": ()}))


def _person(number: int, role: _Role, component: str, dice: _Dice, now: datetime, base: str) -> SamplePerson:
    name, kind = role.name, role.kind
    uid, ines = dice.uid(name), dice.ines(kind)
    key = keys.mint() if kind.key_days else None
    enrolment = keys.mint() if kind.serves else None
    password = _password() if kind.has_password else None
    begin = now - timedelta(days=dice.random.randint(*kind.key_days or (60, 900)))
    attributes = {
        "objectClass": ("inetOrgPerson", "eduPerson", "supannPerson", *_our_classes(key, enrolment)),
        **_identity(uid, role),
        **({"supannCodeINE": ines, "supannEtuId": (f"{begin:%y}{number:06d}",)} if ines else {}),
        **({} if kind.is_staff and kind.serves != "component" else {"supannEntiteAffectation": (component,)}),
        **_private_mails(uid, role),
        **_state(kind, begin),
        **({"userPassword": (keys.hash_key(password),)} if password else {}),
        **(_letter_key(key, begin) if key else {}),
        **(_enrolment(enrolment, now) if enrolment else {}),
    }
    return SamplePerson(
        dn=f"uid={uid},ou=people,{base}",  # the uid is folded to [a-z0-9], where RFC 4514 escapes nothing
        uid=uid,
        ine=ines[0] if ines else None,
        state=kind.shown,
        key=keys.show(key) if key else None,
        password=password,
        rescue=_private_address(uid, name, _RESCUE) if _RESCUE in kind.labels else None,
        note=kind.note,
        attributes=attributes,
        serves=kind.serves,
        enrolment=keys.show(enrolment) if enrolment else None,
    )


def _our_classes(key: str | None, enrolment: str | None) -> Sequence[str]:
    return (*(["moncompteAccount"] if key else []), *(["moncompteOperator"] if enrolment else []))


def _identity(uid: str, role: _Role) -> Attributes:
    full = f"{role.name.given} {role.name.surname}"
    return {
        "uid": (uid,),
        "cn": (full,),
        "sn": (role.name.surname,),
        "givenName": (role.name.given,),
        "displayName": (full,),
        "supannCivilite": (role.name.civility,),
        "mail": (f"{uid}@universite.example",),
        "preferredLanguage": (role.kind.language,),
        "eduPersonAffiliation": ("staff" if role.kind.is_staff else "student", "member"),
    }


def _private_mails(uid: str, role: _Role) -> Attributes:
    values = [f"{{{label}}}{_private_address(uid, role.name, label)}" for label in role.kind.labels]
    return {"supannMailPrive": values} if values else {}


def _private_address(uid: str, name: _Name, label: str) -> str:
    """Unique like the uid it is made of, and not the uid itself; each label has an address of its own."""
    tag = "" if label == _RESCUE else f".{label.lower()}"
    return f"{_fold(name.given)[:20]}.{uid[1:]}{tag}@courriel.example"


def _state(kind: _Kind, begin: datetime) -> Attributes:
    if kind.state is None:
        return {}
    value = f"{{COMPTE}}{kind.state}"
    return {"supannRessourceEtat": (value,), "supannRessourceEtatDate": (f"{value}:{begin:%Y%m%d}:",)}


def _letter_key(key: str, issued: datetime) -> Attributes:
    return {
        "moncompteKeyHash": (keys.hash_key(key),),
        "moncompteKeyIssued": (f"{issued:%Y%m%d%H%M%SZ}",),
        "moncompteKeyExpiry": (f"{issued + LETTER_LIFETIME:%Y%m%d%H%M%SZ}",),
        "moncompteKeyOrigin": ("letter",),
        "moncompteKeyFailures": ("0",),
    }


def _enrolment(code: str, now: datetime) -> Attributes:
    """As ``moncompte operator enrol`` offers it."""
    return {"moncompteEnrolCode": (f"{now + _ENROLMENT_LIFETIME:%Y%m%d%H%M%SZ} {keys.hash_key(code)}",)}


def _password() -> str:
    """Some 68 random bits in groups that can be read aloud; without a vowel, so that nobody's name can be in it."""
    letters = keys.mint().lower().translate(_VOWELS_TO_DIGITS)
    return f"{letters[:5]}.{letters[5:10]}.{letters[10:14]}"


def _draw_ine(form: str, dice: random.Random) -> str:
    """An INE of one of the forms in use; the check letter of BEA is the ten digits modulo 23."""
    if form == "rnie":
        return f"{dice.randrange(10**9):09d}" + "".join(dice.choices("ABCDEFGHJK", k=2))
    if form == "bea":
        digits = dice.randrange(10**10)
        return f"{digits:010d}{_INE_LETTERS[digits % 23]}"
    if form == "base36":
        return "".join(dice.choices(string.digits + string.ascii_uppercase, k=10)) + str(dice.randrange(10))
    return f"{dice.randrange(10**4):04d}D{dice.randrange(10**5):05d}{dice.choice(_INE_LETTERS)}"


def _fold(text: str) -> str:
    """Only ``a-z``; the table holds the letters that Unicode does not take apart."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_UNDECOMPOSED))
    return "".join(char for char in plain if "a" <= char <= "z")


def _lines(attributes: Attributes) -> str:
    return "".join(_line(name, value) for name, values in attributes.items() for value in values)


def _line(name: str, value: str) -> str:
    """RFC 2849: a SAFE-STRING as it is, anything else in base64; a trailing space too, which editors eat."""
    if _SAFE_STRING.fullmatch(value):
        return f"{name}: {value}\n"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}\n"
