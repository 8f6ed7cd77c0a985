"""``config/ldap`` for one configuration: the files as they are, with this site's names in place of the sample's.

The files stay what one reads, loads and tests; nothing is kept twice. Each is read as LDIF (RFC 2849), line by line:
what the settings name replaces what the sample names, and what this directory does not keep is left out. Pure but for
reading the files; knows no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from connector.errors import SettingsInvalid
from connector.settings import Attributes, Settings, config_folder
from connector.wording import _

DATABASE = "{1}mdb"  # Debian's first database, and the one the files are written for
SCHEMA, FULL_SCHEMA = ("10", "11", "12"), ("12",)
ACCESS = ("60",)

_SUFFIX = "dc=universite,dc=example"
_BRANCH = f"ou=moncompte,{_SUFFIX}"
_POPULATION = "(eduPersonAffiliation=student)"
_TERM = re.compile(r"\(([A-Za-z0-9.-]+)[^()=]*=(\*?)")  # attribute; and whether it is asked to be there at all
_STATE_TERMS = re.compile(r"\(!\(\|(\(supannRessourceEtat=[^)]*\))+\)\)")
_STOCK_INDEXES = {"objectclass", "cn", "uid"}  # those that Debian's database begins with
_WIDTH = 118


def files(full_supann: bool = False) -> list[Path]:
    """The files of ``config/ldap`` in the order of loading; without 10 and 11 where the full schemas are loaded."""
    found = sorted((config_folder() / "ldap").glob("*.ldif"))
    return [path for path in found if not (full_supann and path.name[:2] in {"10", "11"})]


def written_for(path: Path, settings: Settings, database: str = DATABASE) -> str:
    """The file with the names of ``settings``; raises SettingsInvalid where it cannot be made for them."""
    if path.name.startswith("50"):
        _check_own_entries(settings)
    site = _Site(settings, database)
    lines = path.read_text(encoding="utf-8").replace("\n ", "").splitlines()
    return "\n".join(_folded(line) for line in site.lines(_closed_up(lines, site))) + "\n"


def suffix(settings: Settings) -> str:
    """The directory's suffix as far as the settings tell it: what their DNs end in alike. Only advice rests on it."""
    directory, alike = settings.directory, list[str]()
    dns = (directory.people_dn, directory.bind_dn, directory.decoy_dn)
    for rdns in zip(*(reversed(_rdns(dn)) for dn in dns), strict=False):
        if len({rdn.lower() for rdn in rdns}) > 1:
            break
        alike.insert(0, rdns[0])
    return ",".join(alike)


class _Site:
    """What this configuration calls things."""

    def __init__(self, settings: Settings, database: str) -> None:
        self._names, population = settings.attributes, settings.directory.population
        words = _words(settings, database)
        if strange := [word for word in words.values() if not word.isprintable()]:
            raise SettingsInvalid(
                [_("%(word)s: a line of LDIF holds no such characters", word=repr(word)) for word in strange]
            )
        self._words, self._quoted = words, {old: _quoted(new) for old, new in words.items()}
        self._pattern = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
        self._attributes = _attributes(settings.attributes, population)
        self._present = {name.lower() for name, star in _TERM.findall(population) if star}
        self._indexed = set(_STOCK_INDEXES)
        self._absent = [dn for dn in _groups(settings) if not words[dn]]

    def lines(self, lines: list[str]) -> Iterator[str]:
        """The lines in this site's words."""
        for line in lines:
            if line.startswith("olcDbIndex: "):
                yield from self._indexes(line)
            elif line.startswith(("olcAccess: ", "olcLimits: ")):
                yield self._spoken(self._rule(line), self._quoted)
            else:
                yield self._spoken(line, self._words)

    def keeps(self, rule: str) -> bool:
        """Whether the directory has anything of what ``rule`` is about."""
        if any(dn in rule for dn in self._absent):
            return False
        found = re.search(r" attrs=(\S+)", rule)
        return found is None or bool(self._here(found[1]))

    def _here(self, attributes: str) -> list[str]:
        """The attributes of a comma-separated list that this directory keeps, by its own names, each once."""
        names = [new for old in attributes.split(",") for new in self._attributes.get(old, [old])]
        return list({name.lower(): name for name in names}.values())

    def _rule(self, rule: str) -> str:
        """An access rule about what is here. Its filter is put in quotes: this site's may hold blanks."""
        rule = re.sub(r" attrs=(\S+)", lambda found: f" attrs={','.join(self._here(found[1]))}", rule)
        if not self._names.state:
            rule = _STATE_TERMS.sub("", rule)
        if not self._names.rescue_label:
            rule = rule.replace(' val.regex="^[{]SECOURS[}]"', "")
        return re.sub(r" filter=(\S+)", r' filter="\1"', rule)

    def _spoken(self, line: str, words: dict[str, str]) -> str:
        """All words in one pass, so that no new one is taken for an old one."""
        return self._pattern.sub(lambda found: words[found[0]], line)

    def _indexes(self, line: str) -> Iterator[str]:
        """An index each, and none twice: slapd would refuse the whole file. A login not called uid has none yet."""
        attribute, kinds = line.removeprefix("olcDbIndex: ").split()
        login = [self._names.uid] if attribute == "supannCodeINE" else []
        for name in (*self._here(attribute), *login):
            if name.lower() not in self._indexed:
                self._indexed.add(name.lower())
                is_asked_for = kinds == "eq" and name.lower() in self._present
                yield f"olcDbIndex: {name} {'pres,eq' if is_asked_for else kinds}"


def _words(settings: Settings, database: str) -> dict[str, str]:
    """The sample's words and this site's."""
    directory, names = settings.directory, settings.attributes
    branch = _parent(directory.decoy_dn)
    return {
        f"ou=people,{_SUFFIX}": directory.people_dn,
        f"cn=portal,{_BRANCH}": directory.bind_dn,
        f"cn=decoy,{_BRANCH}": directory.decoy_dn,
        **_groups(settings),
        _BRANCH: branch,
        _SUFFIX: suffix(settings),
        "cn: portal": f"cn: {_value(directory.bind_dn)}",
        "cn: decoy": f"cn: {_value(directory.decoy_dn)}",
        "ou: moncompte": f"ou: {_value(branch)}",
        DATABASE: database,
        _POPULATION: directory.population,
        "supannRessourceEtat={COMPTE}": f"{names.state}={_in_filter(names.state_label)}",
        "[{]COMPTE[}]": _in_pattern(names.state_label),
        "[{]SECOURS[}]": _in_pattern(names.rescue_label),
        "pwdMinLength: 10": f"pwdMinLength: {settings.password.min_length}",
        "pwdMinLength 10": f"pwdMinLength {settings.password.min_length}",
        "pwdLockoutDuration: 900": f"pwdLockoutDuration: {directory.lockout_seconds}",
    }


def _groups(settings: Settings) -> dict[str, str]:
    """The sample's groups of operators, and this site's; nothing where there is none."""
    desk = settings.desk
    return {
        f"cn=helpdesk,ou=groups,{_SUFFIX}": desk.group_dn,
        f"cn=secretariats,ou=groups,{_SUFFIX}": desk.component_group_dn,
    }


def _attributes(names: Attributes, population: str) -> dict[str, list[str]]:
    """What each of the sample's attributes is called here; nothing where it is not kept.

    What the settings leave unnamed and SUPANN always has is kept on a directory that has SUPANN at all: a second login
    may be switched on later, and letters say "M." or "Mme".
    """
    configured = (names.ine, names.student_number, names.rescue, names.state, names.alias, names.uid)
    has_supann = any(name.lower().startswith("supann") for name in configured)
    called = {
        "uid": names.uid,
        "supannAliasLogin": names.alias or ("supannAliasLogin" if has_supann else ""),
        "supannCodeINE": names.ine,
        "supannEtuId": names.student_number,
        "displayName": names.name,
        "preferredLanguage": names.language,
        "supannMailPrive": names.rescue,
        "supannRessourceEtat": names.state,
        "supannRessourceEtatDate": names.state_date,
        "supannCivilite": "supannCivilite" if has_supann else "",
        "sn": names.surname,
    }
    several = {
        "supannEntiteAffectation": [*filter(None, (names.programme, names.address))],
        "eduPersonAffiliation": [name for name, _ in _TERM.findall(population)],
    }
    return {old: [new] if new else [] for old, new in called.items()} | several


def _closed_up(lines: list[str], site: _Site) -> list[str]:
    """Without the rules about what is not here and the comments that lead to them; the others' numbers closed up."""
    gone: list[int] = []
    kept: list[str] = []
    for line in lines:
        rule = re.match(r"olcAccess: \{(\d+)\}", line)
        if rule and not site.keeps(line):
            gone.append(int(rule[1]))
            while kept[-1].startswith("#"):
                kept.pop()
        else:
            kept.append(line)

    def closed(found: re.Match[str]) -> str:
        number = int(found[1])
        return f"{{{number - sum(rule < number for rule in gone)}}}"

    return [re.sub(r"\{(\d+)\}", closed, line) for line in kept]


def _folded(line: str) -> str:
    """A line of LDIF over several: a clause each, none too wide (RFC 2849: a blank goes on with the line before)."""
    if line.startswith("#"):
        return line
    rows = [""]
    for clause in re.split(r"(?= (?:filter|attrs)=| by )", line) if line.startswith("olcAccess: ") else [line]:
        if rows[-1] and (clause.startswith(" by ") or len(rows[-1] + clause) > _WIDTH):
            rows.append(f" {clause}")
        else:
            rows[-1] += clause
    return "\n".join(_narrow(row) for row in rows)


def _narrow(line: str) -> str:
    """Broken where a list or a filter may be, if it can be: anywhere is good LDIF, not all of it good to read."""
    rows = [line]
    while len(rows[-1]) > _WIDTH:
        row = rows.pop()
        end = max(row.rfind(sign, 2, _WIDTH) for sign in ",)") + 1 or _WIDTH
        rows += [row[:end], f" {row[end:]}"]
    return "\n".join(rows)


def _check_own_entries(settings: Settings) -> None:
    """File 50 makes entries of these kinds and no other; a site that names them otherwise makes its own."""
    directory = settings.directory
    wanted = (("bind_dn", "cn", directory.bind_dn), ("decoy_dn", "cn", directory.decoy_dn))
    problems = [
        _(
            "[directory] %(name)s: %(dn)s does not begin with %(kind)s=…; file 50 cannot make it",
            name=name,
            dn=dn,
            kind=kind,
        )
        for name, kind, dn in (*wanted, (_("decoy_dn, the branch above it"), "ou", _parent(directory.decoy_dn)))
        if not re.match(rf'{kind}=[^\\+,"]+(,|$)', dn, re.IGNORECASE)
    ]
    if problems:
        raise SettingsInvalid(problems)


def _rdns(dn: str) -> list[str]:
    return re.split(r"(?<!\\), *", dn)


def _parent(dn: str) -> str:
    return ",".join(_rdns(dn)[1:])


def _value(dn: str) -> str:
    return _rdns(dn)[0].partition("=")[2]


def _quoted(text: str) -> str:
    """Inside the quotes of an access rule, where slapd leaves a backslash as it is (measured, 2.5): no other quote.

    DNs and filters can say it in hexadecimal (RFC 4514 §2.4, RFC 4515 §3).
    """
    return re.sub(r'\\?"', r"\\22", text)


def _in_filter(text: str) -> str:
    """A value in a filter (RFC 4515 §3)."""
    return re.sub(r"[\\*()\0]", lambda found: f"\\{ord(found[0]):02x}", text)


def _in_pattern(text: str) -> str:
    """A text that a regular expression (POSIX, regex(7)) takes as it is; what brackets cannot hold is any character."""
    return re.sub(r"[\\^\"]", ".", re.sub(r"[][(){}.*+?|$]", lambda found: f"[{found[0]}]", text))
