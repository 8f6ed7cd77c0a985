"""A crowd of any size for the benchmarks: entries by template, put straight into the stopped database.

``connector.demo.people`` is lovelier and too slow for a million; ``ldapadd`` as well. What matters to the measurements
is as there: attributes, their sizes, indexes, states, and that one in ten is staff, whom the portal must not see.
"""

from __future__ import annotations

import base64
import hashlib
import random
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO

from connector import keys
from connector.demo.ldap_tools import SlapdFailed, tool
from connector.demo.slapd import PrivateSlapd

BYTES_AN_ENTRY = 3500  # of the database with its indexes, and some air
STUDENTS_OF_TEN = 9
_PROGRAMMES = 240
_dice = random.Random(20261122)  # noqa: S311 (states and dates, no secret)

_PERSON = """\
dn: uid={uid},{people_dn}
objectClass: inetOrgPerson
objectClass: eduPerson
objectClass: supannPerson
objectClass: moncompteAccount
uid: {uid}
cn: Camille Martin {number}
sn: Martin {number}
givenName: Camille
displayName: Camille Martin {number}
supannCivilite: Mme
mail: {uid}@universite.example
preferredLanguage: fr
eduPersonAffiliation: {affiliation}
eduPersonAffiliation: member
"""
_STUDENT = """\
supannCodeINE: {ine}
supannEtuId: {number:08d}
supannEntiteAffectation: E{programme:04d}
supannRessourceEtat: {{COMPTE}}{state}
supannRessourceEtatDate: {{COMPTE}}{state}:{since}:
userPassword: {password}
"""
_RESCUE = "supannMailPrive: {{SECOURS}}camille.{number}@courriel.example\n"
_KEY = """\
moncompteKeyHash: {hash}
moncompteKeyIssued: {issued}
moncompteKeyExpiry: {expiry}
moncompteKeyOrigin: letter
moncompteKeyFailures: 0
"""


def uid_of(number: int) -> str:
    """The login of the person of that number."""
    return f"cmartin{number:07d}"


def ine_of(number: int) -> str:
    """The INE of the person of that number."""
    return f"{number:09d}ZJ"


def is_student(number: int) -> bool:
    """Whether the person of that number belongs to the population."""
    return number % 10 < STUDENTS_OF_TEN


def check_room(slapd: PrivateSlapd, count: int) -> None:
    """Say how much disk it takes, and refuse to fill it."""
    needed, free = count * BYTES_AN_ENTRY, shutil.disk_usage(slapd.folder).free
    print(f"{count:,} entries: about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free in {slapd.folder.parent}")
    if needed * 1.5 > free:
        raise SystemExit("not enough room: set TMPDIR to a larger disk, or give fewer --entries")


def load(slapd: PrivateSlapd, count: int, now: datetime, password: str = "") -> None:
    """Put ``count`` people into the database, the server stopped meanwhile: slapadd(8) with ``-q``.

    They all have the same password, ``password`` as it is stored; where none is given nobody can sign in.
    """
    stored = password or keys.hash_key("nobody's password")  # one for all: a salt costs time
    check_room(slapd, count)
    slapd.halt()
    command = [tool("slapadd"), "-q", "-n", "1", "-F", str(slapd.folder / "config")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as loading:
        assert loading.stdin
        _write(loading.stdin, _people(slapd.people_dn, count, now, stored))
    if loading.returncode != 0:
        raise SlapdFailed("slapadd", loading.returncode)
    slapd.launch()


def _write(pipe: IO[str], people: Iterator[str]) -> None:
    for person in people:
        pipe.write(person)
    pipe.close()


def ssha(password: str) -> str:
    """As slapd's {SSHA}: what many directories hold still."""
    salt = b"benchmark"
    digest = hashlib.sha1(password.encode() + salt, usedforsecurity=False).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def _people(people_dn: str, count: int, now: datetime, hashed: str) -> Iterator[str]:
    for number in range(count):
        affiliation = "student" if is_student(number) else "staff"
        person = _PERSON.format(uid=uid_of(number), people_dn=people_dn, number=number, affiliation=affiliation)
        yield person + (_student(number, hashed, now) if is_student(number) else "") + "\n"


def _student(number: int, hashed: str, now: datetime) -> str:
    """Of ten: six active, three to activate (two with a key, some expired), one gone."""
    state = _dice.choices(("A:SupannActif", "I:SupannCree", "I:SupannExpire"), (6, 3, 1))[0]
    since = now - timedelta(days=_dice.randrange(90))
    text = _STUDENT.format(
        ine=ine_of(number),
        number=number,
        programme=_dice.randrange(_PROGRAMMES),
        state=state,
        since=f"{since:%Y%m%d}",
        password=hashed,
    )
    if state == "A:SupannActif" and number % 3:
        text += _RESCUE.format(number=number)
    if state == "I:SupannCree" and number % 3:
        text += _KEY.format(hash=hashed, issued=_time(since), expiry=_time(since + timedelta(days=60)))
    return text


def _time(instant: datetime) -> str:
    return f"{instant:%Y%m%d%H%M%SZ}"
