"""config/ldap on a real slapd: what the portal may do and may not, and that nobody else notices."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector import keys
from connector.demo.ldap_tools import Entry, SlapdFailed, entries_of
from connector.demo.slapd import EXTERNAL, PrivateSlapd
from connector.settings import config_folder

ROOT = Path(__file__).parents[2]
SHARED_SCHEMA = ROOT.parent / "shared" / "schema"
DATABASE = "olcDatabase={1}mdb,cn=config"
PASSWORD = "Pont-de-Pierre-1822"  # of everyone in people.ldif who has one
HASH = keys.hash_key("K7QF9M2XT4RD8HC")
ANONYMOUS = ("-x",)

SUCCESS, NO_SUCH_ATTRIBUTE, COMPARE_FALSE, COMPARE_TRUE = 0, 16, 5, 6
CONSTRAINT, EXISTS, NO_SUCH_OBJECT, INVALID_CREDENTIALS, NO_ACCESS, ASSERTION_FAILED = 19, 20, 32, 49, 50, 122

Who = tuple[str, ...]
Person = Callable[..., Who]

ISSUE = f"""\
add: objectClass
objectClass: moncompteAccount
-
add: moncompteKeyHash
moncompteKeyHash: {HASH}
-
replace: moncompteKeyIssued
moncompteKeyIssued: 20260901080000Z
-
replace: moncompteKeyExpiry
moncompteKeyExpiry: 20260922080000Z
-
replace: moncompteKeyOrigin
moncompteKeyOrigin: letter
-
replace: moncompteKeyFailures
moncompteKeyFailures: 0
-
replace: moncompteMailDue
moncompteMailDue: 20260901080200Z
-
add: moncompteNotice
moncompteNotice: 20260901080000Z 0 activated elodie.mercier@courriel.example
"""

REDEEM = f"""\
delete: moncompteKeyHash
moncompteKeyHash: {HASH}
-
replace: moncompteKeyIssued
-
replace: moncompteKeyExpiry
-
replace: moncompteKeyOrigin
-
replace: moncompteKeyFailures
-
replace: moncompteMailDue
-
replace: moncompteSpentHash
moncompteSpentHash: {HASH}
-
replace: userPassword
userPassword: PASSWORD
-
delete: supannMailPrive
supannMailPrive: {{SECOURS}}elodie.mercier@courriel.example
-
add: supannMailPrive
supannMailPrive: {{SECOURS}}elodie@nouveau.example
-
delete: supannRessourceEtat
supannRessourceEtat: {{COMPTE}}I:SupannCree
-
add: supannRessourceEtat
supannRessourceEtat: {{COMPTE}}A:SupannActif
-
delete: supannRessourceEtatDate
supannRessourceEtatDate: {{COMPTE}}I:SupannCree:20260901:
-
add: supannRessourceEtatDate
supannRessourceEtatDate: {{COMPTE}}A:SupannActif:20260903:
"""


def attempt(server: PrivateSlapd, who: Who, command: str, *options: str, text: str = "") -> int:
    """The LDAP result code that the command ends with."""
    try:
        server.run(command, *who, *options, text=text)
    except SlapdFailed as failure:
        return failure.code
    return SUCCESS


def modify(server: PrivateSlapd, who: Who, dn: str, changes: str, *options: str) -> int:
    return attempt(server, who, "ldapmodify", *options, text=f"dn: {dn}\nchangetype: modify\n{changes}\n")


def seen(server: PrivateSlapd, who: Who, ldap_filter: str, *attributes: str) -> list[Entry]:
    options = ("-LLL", "-o", "ldif-wrap=no", "-b", server.people_dn)
    return list(entries_of(server.run("ldapsearch", *who, *options, ldap_filter, *attributes)))


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """The options with which an LDAP command binds as somebody."""

    def bind_options(dn: str, password: str = PASSWORD) -> Who:
        path = tmp_path / "password"
        path.write_text(password, encoding="utf-8")
        return ("-x", "-D", dn, "-y", str(path))

    return bind_options


@pytest.fixture
def issued(slapd: PrivateSlapd, people: dict[str, str]) -> str:
    """Élodie's DN, after the portal itself issued her a key and owes her a notice."""
    assert modify(slapd, slapd.as_portal, people["emercier"], ISSUE) == SUCCESS
    return people["emercier"]


def documented(name: str) -> str:
    """The block of docs/directory.md that is marked ``ldif <name>``."""
    page = (ROOT / "docs" / "directory.md").read_text(encoding="utf-8")
    block = re.search(rf"```ldif {name}\n(.*?)```", page, re.DOTALL)
    assert block
    return block[1]


# The files


def definitions(paths: list[Path]) -> dict[str, tuple[str, ...]]:
    """Attribute types by name: OID, matching rules, syntax, supertype, single-valued; without the description."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths).replace("\n ", "")
    found = {}
    for line in (line for entry in entries_of(text) for line in entry.get("olcAttributeTypes", [])):
        name = re.search(r"NAME '([^']+)'", line)
        bare = re.sub(r" DESC '[^']*'", "", line)
        facts = re.findall(r"(?:EQUALITY|ORDERING|SUBSTR|SYNTAX|SUP) [\w.{}]+|SINGLE-VALUE|^\( [\w.:]+", bare)
        assert name
        found[name[1]] = tuple(sorted(facts))
    return found


@pytest.mark.skipif(not SHARED_SCHEMA.is_dir(), reason="the published schemas are not beside the checkout")
def test_our_subset_says_what_the_published_schemas_say() -> None:
    ours = definitions(sorted((config_folder() / "ldap").glob("1[01]-*.ldif")))
    published = definitions(sorted(SHARED_SCHEMA.glob("*.ldif")))
    assert len(ours) == 15
    assert ours == {name: published.get(name) for name in ours}


@pytest.mark.skipif(not SHARED_SCHEMA.is_dir(), reason="the published schemas are not beside the checkout")
def test_the_published_schemas_serve_in_place_of_our_subset() -> None:
    people = (ROOT / "tests" / "people.ldif").read_text(encoding="utf-8")
    with PrivateSlapd(password_hash="{SSHA}", schema_files=sorted(SHARED_SCHEMA.glob("*.ldif"))) as server:
        server.add_ldif(people)
        assert modify(server, server.as_portal, f"uid=emercier,{server.people_dn}", ISSUE) == SUCCESS


def test_the_sample_suffix_is_replaced_by_one_substitution() -> None:
    with PrivateSlapd(suffix="dc=lointaine,dc=example", password_hash="{SSHA}") as server:
        assert server.search("(cn=decoy)", "1.1") == [{"dn": ["cn=decoy,ou=moncompte,dc=lointaine,dc=example"]}]
        config = server.run("ldapsearch", *EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", "cn=config")
        assert "dc=universite" not in config


def test_the_configuration_survives_a_restart_of_slapd() -> None:
    with PrivateSlapd() as server:
        server.restart()
        assert attempt(server, server.as_portal, "ldapwhoami") == SUCCESS
        assert server.search("(cn=portal)", "userPassword")[0]["userPassword"][0].startswith("{ARGON2}$argon2i")


def test_a_group_of_administrators_gets_in_as_the_documentation_says(person: Person) -> None:
    with PrivateSlapd(password_hash="{SSHA}") as server:
        server.add_ldif((ROOT / "tests" / "people.ldif").read_text(encoding="utf-8"))
        member = f"uid=bdubois,{server.people_dn}"
        server.add_ldif(
            f"dn: ou=groups,{server.base}\nobjectClass: organizationalUnit\nou: groups\n\n"
            f"dn: cn=sysadmins,ou=groups,{server.base}\nobjectClass: groupOfNames\ncn: sysadmins\nmember: {member}\n"
        )
        assert modify(server, server.as_portal, f"uid=emercier,{server.people_dn}", ISSUE) == SUCCESS
        server.add_config(documented("group"))
        assert seen(server, person(member), "(uid=emercier)", "moncompteKeyHash")[0]["moncompteKeyHash"] == [HASH]
        student = person(f"uid=lroy,{server.people_dn}")
        assert "moncompteKeyHash" not in seen(server, student, "(uid=emercier)", "moncompteKeyHash")[0]


BOUNDS = {
    "moncompteTotpSecret": "stolen",
    "moncompteTotpStep": "1",
    "moncompteTotpFailures": "0",
    "moncompteRecoveryCode": HASH,
    "moncompteEnrolCode": f"20991231235959Z {HASH}",
    "moncompteKeysIssued": "20260901080000Z",
}


def test_an_operator_who_may_write_their_own_entry_writes_nothing_that_bounds_them(person: Person) -> None:
    """Some sites say "to * by self write": the password alone would then open the desk, or give keys without end."""
    with PrivateSlapd(password_hash="{SSHA}") as server:
        server.add_ldif((ROOT / "tests" / "people.ldif").read_text(encoding="utf-8"))
        own = f"dn: {DATABASE}\nchangetype: modify\nadd: olcAccess\nolcAccess: to * by self write by * read\n"
        stock = f"dn: {DATABASE}\nchangetype: modify\ndelete: olcAccess\nolcAccess: {{21}}\n\n"
        server.add_config(stock + own)
        karim = f"uid=kdesk,{server.people_dn}"
        assert modify(server, person(karim), karim, "replace: sn\nsn: Haddad") == SUCCESS
        for name, value in BOUNDS.items():
            for word in ("replace", "add"):
                assert modify(server, person(karim), karim, f"{word}: {name}\n{name}: {value}") == NO_ACCESS, name


def test_whoever_must_read_the_secrets_is_given_all_of_them() -> None:
    """The rule that hides them, the one for administrators in the same file, and the one in the documentation."""
    rules = (config_folder() / "ldap" / "60-access.ldif").read_text(encoding="utf-8")
    texts = [text.replace("\n# ", "\n").replace("\n ", "") for text in (rules, documented("group"))]
    named = [set(found.split(",")) for text in texts for found in re.findall(r"to attrs=(\S*SpentHash\S*)", text)]
    assert len(named) == 3
    assert named[0] == named[1] == named[2] >= {"moncompteKeyHash", "moncompteRecoveryCode", "pwdHistory"}


def test_undoing_as_the_documentation_says_restores_the_access_rules(tmp_path: Path) -> None:
    """Whatever the number of our rules; one stays: the hashes of old passwords are nobody's business."""
    options = (*EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", DATABASE, "-s", "base", "olcAccess", "olcLimits")
    page = (ROOT / "docs" / "directory.md").read_text(encoding="utf-8")
    block = re.search(r"```sh undo\n(.*?)```", page, re.DOTALL)
    assert block
    with PrivateSlapd(password_hash="{SSHA}") as server:
        script = block[1].replace("ldapi:///", server.ldapi_uri)
        subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True, capture_output=True)
        left = next(entries_of(server.run("ldapsearch", *options)))
        assert left == {
            "dn": [DATABASE],
            "olcAccess": [
                "{0}to attrs=pwdHistory by * none",
                "{1}to attrs=userPassword by self write by anonymous auth by * none",
                "{2}to attrs=shadowLastChange by self write by * read",
                "{3}to * by * read",
            ],
        }


def test_the_hashes_of_old_passwords_are_hidden_from_everybody(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    """ppolicy keeps them in pwdHistory, which a stock slapd shows to anybody who asks."""
    for password in ("Premier-Secret-41", "Nouveau-Secret-42"):
        text = f"dn: {people['jmartin001']}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n"
        slapd.add_ldif(text)
    assert "pwdHistory" in slapd.search("(uid=jmartin001)", "pwdHistory")[0]
    for who in (("-x",), slapd.as_portal):
        either = "(|(uid=jmartin001)(pwdHistory=*))"
        seen = slapd.run("ldapsearch", *who, "-LLL", "-b", slapd.people_dn, either, "pwdHistory")
        assert "uid=jmartin001" in seen
        assert "{SSHA}" not in seen


@pytest.mark.parametrize("uid", ["smoreau", "ileroux"])
def test_the_portal_cannot_let_in_again_whom_the_administration_shut_out(
    slapd: PrivateSlapd, people: dict[str, str], uid: str
) -> None:
    """slapd itself would clear even the permanent lock when a password is written."""
    write = "replace: userPassword\nuserPassword: Nouveau-Secret-42\n"
    assert modify(slapd, slapd.as_portal, people[uid], write) == NO_ACCESS


# The portal: what it can do


def test_the_portal_redeems_a_key_in_one_modify(slapd: PrivateSlapd, issued: str, person: Person) -> None:
    assertion = "!assert=(&(moncompteKeyExpiry>=20260903100000Z)(supannRessourceEtat={COMPTE}I:SupannCree)"
    assertion += "(!(pwdAccountLockedTime=000001010000Z)))"
    redeem = REDEEM.replace("PASSWORD", "Nouveau-Secret-42")
    assert modify(slapd, slapd.as_portal, issued, redeem, "-e", assertion) == SUCCESS
    entry = slapd.search("(uid=emercier)")[0]
    assert entry["supannRessourceEtat"] == ["{COMPTE}A:SupannActif"]
    assert entry["supannRessourceEtatDate"] == ["{COMPTE}A:SupannActif:20260903:"]
    assert entry["supannMailPrive"] == ["{SECOURS}elodie@nouveau.example"]
    assert "moncompteKeyHash" not in entry
    assert attempt(slapd, person(issued, "Nouveau-Secret-42"), "ldapwhoami") == SUCCESS


def test_a_key_is_redeemed_once(slapd: PrivateSlapd, issued: str, person: Person) -> None:
    first, second = REDEEM.replace("PASSWORD", "Nouveau-Secret-42"), REDEEM.replace("PASSWORD", "Autre-Secret-43")
    assert modify(slapd, slapd.as_portal, issued, first) == SUCCESS
    waiting = "!assert=(supannRessourceEtat={COMPTE}I:SupannCree)"
    assert modify(slapd, slapd.as_portal, issued, second, "-e", waiting) == ASSERTION_FAILED
    only_key_and_password = second.partition("-\ndelete: supannMailPrive")[0]
    assert modify(slapd, slapd.as_portal, issued, only_key_and_password) == NO_SUCH_ATTRIBUTE
    assert attempt(slapd, person(issued, "Autre-Secret-43"), "ldapwhoami") == INVALID_CREDENTIALS


def test_a_refused_password_leaves_the_key_alive(slapd: PrivateSlapd, issued: str) -> None:
    before = slapd.search("(uid=emercier)", "*", "+")
    assert modify(slapd, slapd.as_portal, issued, REDEEM.replace("PASSWORD", "court")) == CONSTRAINT
    assert slapd.search("(uid=emercier)", "*", "+") == before


def test_an_assertion_stops_a_new_password_from_lifting_a_permanent_lock(
    slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    change = "replace: userPassword\nuserPassword: Nouveau-Secret-42"
    unlocked = "!assert=(!(pwdAccountLockedTime=000001010000Z))"
    assert modify(slapd, slapd.as_portal, people["ileroux"], change, "-e", unlocked) == ASSERTION_FAILED
    assert modify(slapd, slapd.as_portal, people["jmartin001"], change, "-e", unlocked) == SUCCESS


def test_the_portal_sees_every_student_past_the_size_limit_page_by_page(
    slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    crowd = (
        f"dn: uid=foule{n},{slapd.people_dn}\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\n"
        f"uid: foule{n}\ncn: Foule\nsn: Foule\neduPersonAffiliation: student\n\n"
        for n in range(510)
    )
    slapd.add_ldif("".join(crowd))
    options = ("-LLL", "-b", slapd.people_dn, "-E", "pr=200/noprompt", "(uid=foule*)", "uid")
    assert slapd.run("ldapsearch", *slapd.as_portal, *options).count("\nuid: foule") == 510


LOCKED_NOW = "pwdAccountLockedTime: 20260901080000Z\n"
LOCKED_FOR_GOOD = "pwdAccountLockedTime: 000001010000Z\n"


def test_the_portal_ends_a_temporary_lock_by_its_exact_value_and_slapd_forgets_the_failures(
    slapd: PrivateSlapd, people: dict[str, str], person: Person
) -> None:
    dn = people["lroy"]
    for _ in range(10):
        assert attempt(slapd, person(dn, "faux"), "ldapwhoami") == INVALID_CREDENTIALS
    entry = seen(slapd, slapd.as_portal, "(uid=lroy)", "pwdAccountLockedTime", "pwdFailureTime")[0]
    assert len(entry["pwdFailureTime"]) == 10
    lock = f"pwdAccountLockedTime: {entry['pwdAccountLockedTime'][0]}\n"
    assert modify(slapd, slapd.as_portal, dn, f"delete: pwdAccountLockedTime\n{LOCKED_NOW}") == NO_SUCH_ATTRIBUTE
    assert modify(slapd, slapd.as_portal, dn, f"delete: pwdAccountLockedTime\n{lock}") == SUCCESS
    assert set(seen(slapd, slapd.as_portal, "(uid=lroy)", "pwdAccountLockedTime", "pwdFailureTime")[0]) == {"dn"}
    assert attempt(slapd, person(dn, "faux"), "ldapwhoami") == INVALID_CREDENTIALS
    assert attempt(slapd, person(dn), "ldapwhoami") == SUCCESS


@pytest.mark.parametrize(
    "change",
    [
        f"delete: pwdAccountLockedTime\n{LOCKED_FOR_GOOD}",
        "delete: pwdAccountLockedTime\npwdAccountLockedTime: 00000101000000.0Z\n",
        "delete: pwdAccountLockedTime\npwdAccountLockedTime: 0000010100+0000\n",
        "delete: pwdAccountLockedTime\n",
        "replace: pwdAccountLockedTime\n",
        f"replace: pwdAccountLockedTime\n{LOCKED_NOW}",
        f"delete: pwdAccountLockedTime\n{LOCKED_FOR_GOOD}-\nadd: pwdAccountLockedTime\n{LOCKED_NOW}",
    ],
)
def test_the_portal_cannot_end_a_lock_for_good(slapd: PrivateSlapd, people: dict[str, str], change: str) -> None:
    assert modify(slapd, slapd.as_portal, people["ileroux"], change) == NO_ACCESS
    assert slapd.search("(uid=ileroux)", "pwdAccountLockedTime")[0]["pwdAccountLockedTime"] == ["000001010000Z"]


def test_the_rule_that_the_documentation_adds_alone_is_the_files_own() -> None:
    file = (config_folder() / "ldap" / "60-access.ldif").read_text(encoding="utf-8")
    assert documented("unlock").partition("add: olcAccess\n")[2] in file


@pytest.mark.parametrize("value", [LOCKED_NOW, LOCKED_FOR_GOOD])
def test_the_portal_cannot_lock_anybody(slapd: PrivateSlapd, people: dict[str, str], value: str) -> None:
    for verb in ("add", "replace"):
        change = f"{verb}: pwdAccountLockedTime\n{value}"
        assert modify(slapd, slapd.as_portal, people["lroy"], change) == NO_ACCESS
    assert "pwdAccountLockedTime" not in slapd.search("(uid=lroy)", "pwdAccountLockedTime")[0]


# The portal: what it cannot do


def test_the_portal_reads_what_it_needs_of_a_student_and_no_more(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    change = "replace: userPassword\nuserPassword: Nouveau-Secret-42"
    assert modify(slapd, slapd.as_portal, people["jmartin001"], change) == SUCCESS
    entry = seen(slapd, slapd.as_portal, "(uid=jmartin001)", "*", "+")[0]
    assert set(entry) == {
        *("dn", "objectClass", "uid", "cn", "sn", "givenName", "displayName", "preferredLanguage"),
        *("supannCodeINE", "supannEtuId", "supannAliasLogin", "eduPersonAffiliation", "supannMailPrive"),
        *("supannRessourceEtat", "supannRessourceEtatDate", "pwdChangedTime"),
    }


def test_the_portal_cannot_learn_a_password(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    stored = slapd.search("(uid=jmartin001)", "userPassword")[0]["userPassword"][0]
    assert seen(slapd, slapd.as_portal, f"(&(uid=jmartin001)(userPassword={stored}))", "1.1") == []
    assert seen(slapd, slapd.as_portal, "(&(uid=jmartin001)(userPassword=*))", "1.1") == []
    compare = attempt(slapd, slapd.as_portal, "ldapcompare", people["jmartin001"], f"userPassword:{stored}")
    assert compare == NO_ACCESS


def test_staff_do_not_exist_for_the_portal(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    assert seen(slapd, slapd.as_portal, "(uid=bdubois)") == []
    for change in ("replace: userPassword\nuserPassword: Nouveau-Secret-42", ISSUE):
        assert modify(slapd, slapd.as_portal, people["bdubois"], change) in {NO_ACCESS, NO_SUCH_OBJECT}


def test_of_an_operator_the_portal_sees_little_and_writes_the_second_factor(
    slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    entry = seen(slapd, slapd.as_portal, "(uid=kdesk)", "*", "+")[0]
    assert set(entry) - {"pwdChangedTime"} == {"dn", "objectClass", "uid", "displayName"}
    for name, value in {"displayName": "X", "objectClass": "moncompteAccount", "pwdReset": "TRUE"}.items():
        change = f"add: {name}\n{name}: {value}"
        assert modify(slapd, slapd.as_portal, people["kdesk"], change) == NO_ACCESS
    change = "replace: moncompteTotpSecret\nmoncompteTotpSecret: AAAA"
    assert modify(slapd, slapd.as_portal, people["kdesk"], change) == 0
    assert modify(slapd, slapd.as_portal, people["bdubois"], change) in {NO_ACCESS, NO_SUCH_OBJECT}


def test_other_labels_are_not_even_seen(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    entry = seen(slapd, slapd.as_portal, "(uid=lroy)", "supannMailPrive")[0]
    assert entry["supannMailPrive"] == ["{SECOURS}lucas.secours@courriel.example"]
    assert seen(slapd, slapd.as_portal, "(supannMailPrive={PERSO}lucas.roy@perso.example)", "1.1") == []
    found = seen(slapd, slapd.as_portal, "(supannMailPrive={SECOURS}lucas.secours@courriel.example)", "1.1")
    assert found == [{"dn": [people["lroy"]]}]


@pytest.mark.parametrize(
    ("uid", "change"),
    [
        ("lroy", "replace: cn\ncn: Autre"),
        ("lroy", "replace: sn\nsn: Autre"),
        ("lroy", "replace: mail\nmail: autre@courriel.example"),
        ("lroy", "add: uid\nuid: autre"),
        ("lroy", "replace: supannCodeINE\nsupannCodeINE: 110000099AB"),
        ("lroy", "replace: displayName\ndisplayName: Autre"),
        ("lroy", "add: eduPersonAffiliation\neduPersonAffiliation: staff"),
        ("lroy", "replace: pwdAccountLockedTime"),
        ("lroy", "add: objectClass\nobjectClass: moncompteOperator"),
        (
            "lroy",
            "add: objectClass\nobjectClass: moncompteOperator\n-\nadd: moncompteTotpSecret\nmoncompteTotpSecret: A",
        ),
        ("lroy", "delete: objectClass\nobjectClass: supannPerson"),
        ("lroy", "add: supannMailPerso\nsupannMailPerso: autre@courriel.example"),
        ("lroy", "add: supannMailPrive\nsupannMailPrive: {PERSO}autre@courriel.example"),
        ("lroy", "add: supannMailPrive\nsupannMailPrive: {PERSO}{SECOURS}autre@courriel.example"),
        ("lroy", "delete: supannMailPrive\nsupannMailPrive: {PERSO}lucas.roy@perso.example"),
        ("lroy", "delete: supannMailPrive"),
        ("lroy", "replace: supannMailPrive\nsupannMailPrive: {SECOURS}autre@courriel.example"),
        ("lroy", "delete: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}A:SupannActif"),
        ("lroy", "add: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}I:SupannCree"),
        ("lroy", "add: supannRessourceEtatDate\nsupannRessourceEtatDate: {COMPTE}A:SupannActif:20260903:"),
        ("emercier", "add: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}A:SupannSursis"),
        ("emercier", "add: supannRessourceEtat\nsupannRessourceEtat: {MAIL}A:SupannActif"),
        ("emercier", "add: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}A:SupannActif:autre"),
        ("emercier", "add: supannRessourceEtatDate\nsupannRessourceEtatDate: {COMPTE}A:SupannSursis:20260903:"),
        ("emercier", "add: supannRessourceEtatDate\nsupannRessourceEtatDate: {MAIL}A:SupannActif:20260903:"),
        ("emercier", "replace: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}A:SupannActif"),
        ("smoreau", "add: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}A:SupannActif"),
        ("smoreau", "delete: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}S:SupannVerrouAdministratif"),
        ("vgarnier", "add: supannRessourceEtat\nsupannRessourceEtat: {COMPTE}A:SupannActif"),
    ],
)
def test_the_portal_cannot_write_anything_else_on_a_student(
    slapd: PrivateSlapd, people: dict[str, str], uid: str, change: str
) -> None:
    before = slapd.search(f"(uid={uid})", "*", "+")
    assert modify(slapd, slapd.as_portal, people[uid], change) in {NO_ACCESS, CONSTRAINT}
    assert slapd.search(f"(uid={uid})", "*", "+") == before


def test_the_portal_can_neither_make_nor_delete_nor_rename(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    new = f"dn: uid=neuf,{slapd.people_dn}\nobjectClass: inetOrgPerson\nuid: neuf\ncn: Neuf\nsn: Neuf\n"
    refused = {NO_ACCESS, NO_SUCH_OBJECT}
    assert attempt(slapd, slapd.as_portal, "ldapadd", text=new) in refused
    assert attempt(slapd, slapd.as_portal, "ldapdelete", people["lroy"]) in refused
    assert attempt(slapd, slapd.as_portal, "ldapmodrdn", people["lroy"], "uid=lroy2") in refused


def test_nothing_outside_the_people_is_the_portals_business(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    for dn in (slapd.base, f"ou=moncompte,{slapd.base}", slapd.portal_dn):
        assert attempt(slapd, slapd.as_portal, "ldapsearch", "-b", dn, "-s", "base") == NO_SUCH_OBJECT
        refused = modify(slapd, slapd.as_portal, dn, "replace: description\ndescription: x")
        assert refused in {NO_ACCESS, NO_SUCH_OBJECT}
    change = "replace: userPassword\nuserPassword: Nouveau-Secret-42"
    assert modify(slapd, slapd.as_portal, slapd.portal_dn, change) in {NO_ACCESS, NO_SUCH_OBJECT}


# Everyone else


def test_nobody_else_reads_the_secrets(
    slapd: PrivateSlapd, issued: str, people: dict[str, str], person: Person
) -> None:
    secret = ("moncompteKeyHash", "moncompteSpentHash", "moncompteNotice", "moncompteTotpSecret")
    assert modify(slapd, slapd.as_portal, issued, f"add: moncompteSpentHash\nmoncompteSpentHash: {HASH}") == SUCCESS
    for who in (ANONYMOUS, person(people["jmartin001"]), person(people["bdubois"]), person(people["kdesk"])):
        entries = seen(slapd, who, "(|(uid=emercier)(uid=kdesk))", *secret)
        assert [set(entry) for entry in entries] == [{"dn"}, {"dn"}]
        assert seen(slapd, who, "(|(moncompteKeyHash=*)(moncompteNotice=*)(moncompteTotpSecret=*))", "1.1") == []


def without_secrets(entries: list[Entry]) -> dict[str, Entry]:
    secret = {"userPassword", "moncompteTotpSecret"}
    return {entry["dn"][0]: {name: entry[name] for name in entry.keys() - secret} for entry in entries}


def test_everyone_elses_rights_are_what_they_were(slapd: PrivateSlapd, people: dict[str, str], person: Person) -> None:
    """On a stock slapd: all may read all but passwords, and each may change their own password and nothing else."""
    for who in (ANONYMOUS, person(people["jmartin001"])):
        assert without_secrets(seen(slapd, who, "(uid=*)", "*")) == without_secrets(slapd.search("(uid=*)", "*"))
    assert all("userPassword" not in entry for entry in seen(slapd, ANONYMOUS, "(uid=*)", "*"))
    own, other = people["jmartin001"], people["lroy"]
    who, change = person(own), "replace: userPassword\nuserPassword: Nouveau-Secret-42"
    assert modify(slapd, who, other, change) == NO_ACCESS
    assert modify(slapd, who, own, "replace: sn\nsn: Autre") == NO_ACCESS
    assert modify(slapd, who, own, change) == SUCCESS
    assert attempt(slapd, person(own, "Nouveau-Secret-42"), "ldapwhoami") == SUCCESS


def test_a_student_cannot_give_themselves_a_key(slapd: PrivateSlapd, people: dict[str, str], person: Person) -> None:
    assert modify(slapd, person(people["jmartin001"]), people["jmartin001"], ISSUE) == NO_ACCESS


def test_the_directory_stores_no_password_in_clear(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    change = "replace: userPassword\nuserPassword: Nouveau-Secret-42"
    assert modify(slapd, slapd.as_portal, people["lroy"], change) == SUCCESS
    assert slapd.search("(uid=lroy)", "userPassword")[0]["userPassword"][0].startswith("{SSHA}")


# What is searched


def test_an_expiry_is_plain_to_read_and_to_search(slapd: PrivateSlapd, issued: str) -> None:
    found = slapd.search("(moncompteKeyExpiry<=20260922080000Z)", "moncompteKeyExpiry", "moncompteKeyOrigin")
    assert found == [{"dn": [issued], "moncompteKeyExpiry": ["20260922080000Z"], "moncompteKeyOrigin": ["letter"]}]
    assert slapd.search("(moncompteKeyExpiry<=20260922075959Z)", "1.1") == []


@pytest.fixture
def only_indexed(slapd: PrivateSlapd) -> Iterator[None]:
    """slapd refuses the portal every search that has to look at more than three entries."""
    limits = f"dn: {DATABASE}\nchangetype: modify\nreplace: olcLimits\nolcLimits: "
    old = slapd.run("ldapsearch", *EXTERNAL, "-LLL", "-o", "ldif-wrap=no", "-b", DATABASE, "-s", "base", "olcLimits")
    slapd.add_config(f'{limits}dn.exact="{slapd.portal_dn}" size.unchecked=3\n')
    yield
    slapd.add_config(f"{limits}{next(entries_of(old))['olcLimits'][0]}\n")


@pytest.mark.parametrize(
    "ldap_filter",
    [
        "(moncompteKeyExpiry<=20260922080000Z)",
        "(moncompteMailDue<=20260922080000Z)",
        "(moncompteMailDue=*)",
        "(moncompteNotice=*)",
        "(&(moncompteNotice=*)(moncompteNotice<=20260922080000Z ~))",
        "(|(moncompteMailDue<=20260922080000Z)(&(moncompteNotice=*)(moncompteNotice<=20260922080000Z ~)))",
        "(uid=emercier)",
        "(supannCodeINE=110000001AB)",
        "(supannEtuId=22600001)",
        "(|(uid=emercier)(supannAliasLogin=emercier)(supannCodeINE=emercier))",
    ],
)
def test_our_searches_use_an_index(slapd: PrivateSlapd, issued: str, only_indexed: None, ldap_filter: str) -> None:
    population = f"(&(eduPersonAffiliation=student){ldap_filter})"
    assert seen(slapd, slapd.as_portal, population, "1.1") == [{"dn": [issued]}]
    with pytest.raises(SlapdFailed, match="limit"):
        seen(slapd, slapd.as_portal, "(givenName=Élodie)", "1.1")


# The decoy


def set_decoy_password(server: PrivateSlapd, password: str) -> int:
    return modify(server, server.as_portal, server.decoy_dn, f"replace: userPassword\nuserPassword: {password}")


def test_the_decoy_takes_what_a_person_takes(slapd: PrivateSlapd, people: dict[str, str]) -> None:
    key = ISSUE.partition("-\n")[2].partition("-\nadd: moncompteNotice")[0]
    assert modify(slapd, slapd.as_portal, slapd.decoy_dn, key) == SUCCESS
    counted = "increment: moncompteKeyFailures\nmoncompteKeyFailures: 1"
    assert modify(slapd, slapd.as_portal, slapd.decoy_dn, counted) == SUCCESS
    assert slapd.search("(cn=decoy)", "moncompteKeyFailures")[0]["moncompteKeyFailures"] == ["1"]


@pytest.mark.parametrize(("hash_cleartext", "answer"), [(True, COMPARE_FALSE), (False, COMPARE_TRUE)])
def test_the_decoy_tells_whether_passwords_are_stored_in_clear(hash_cleartext: bool, answer: int) -> None:
    with PrivateSlapd(password_hash="{SSHA}", hash_cleartext=hash_cleartext) as server:
        assert set_decoy_password(server, "un-secret-au-hasard") == SUCCESS
        compare = ("ldapcompare", server.decoy_dn, "userPassword:un-secret-au-hasard")
        assert attempt(server, server.as_portal, *compare) == answer


def failures(server: PrivateSlapd, cn: str) -> list[str]:
    return server.search(f"(cn={cn})", "pwdFailureTime")[0].get("pwdFailureTime", [])


def test_the_decoy_records_failures_never_locks_and_does_not_grow(slapd: PrivateSlapd, person: Person) -> None:
    assert set_decoy_password(slapd, "un-secret-au-hasard") == SUCCESS
    for _ in range(40):
        assert attempt(slapd, person(slapd.decoy_dn, "faux"), "ldapwhoami") == INVALID_CREDENTIALS
    assert len(failures(slapd, "decoy")) == 10
    assert attempt(slapd, person(slapd.decoy_dn, "un-secret-au-hasard"), "ldapwhoami") == SUCCESS


def test_portal_and_decoy_sign_in_even_where_the_sites_own_rules_speak_of_people_only(person: Person) -> None:
    with PrivateSlapd(password_hash="{SSHA}") as server:
        options = ("-LLL", "-o", "ldif-wrap=no", "-b", DATABASE, "-s", "base", "olcAccess")
        count = len(next(entries_of(server.run("ldapsearch", *EXTERNAL, *options)))["olcAccess"])
        own = f'olcAccess: to dn.subtree="{server.people_dn}" by anonymous auth by * none'
        delete = "".join(f"delete: olcAccess\nolcAccess: {{{n}}}\n-\n" for n in (count - 1, count - 2, count - 3))
        server.add_config(f"dn: {DATABASE}\nchangetype: modify\n{delete}add: olcAccess\n{own}\n")
        assert set_decoy_password(server, "un-secret-au-hasard") == SUCCESS
        assert attempt(server, person(server.decoy_dn, "un-secret-au-hasard"), "ldapwhoami") == SUCCESS


def test_strangers_cannot_lock_the_portal_out(slapd: PrivateSlapd, person: Person) -> None:
    for _ in range(15):
        assert attempt(slapd, person(slapd.portal_dn, "faux"), "ldapwhoami") == INVALID_CREDENTIALS
    assert attempt(slapd, slapd.as_portal, "ldapwhoami") == SUCCESS


def test_a_student_is_locked_after_ten_failures_and_a_new_password_opens(
    slapd: PrivateSlapd, people: dict[str, str], person: Person
) -> None:
    dn = people["lroy"]
    for _ in range(10):
        assert attempt(slapd, person(dn, "faux"), "ldapwhoami") == INVALID_CREDENTIALS
    assert attempt(slapd, person(dn), "ldapwhoami") == INVALID_CREDENTIALS
    change = "replace: userPassword\nuserPassword: Nouveau-Secret-42"
    assert modify(slapd, slapd.as_portal, dn, change) == SUCCESS
    assert attempt(slapd, person(dn, "Nouveau-Secret-42"), "ldapwhoami") == SUCCESS
