"""The import's own account, as docs/import.md makes it: enough to import, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.demo.ldap_tools import SlapdFailed
from connector.demo.slapd import PrivateSlapd
from connector.directory.register import Amendment, Register
from connector.settings import load
from tests.command.test_import import FEW, OUTSIDE
from tests.conftest import reset_people
from tests.importing import SAMPLE, Importer, student

DOCUMENT = Path(__file__).parents[2] / "docs" / "import.md"
PASSWORD = "Pont-Saint-Jean-1965"
NO_ACCESS, ASSERTION_FAILED = 50, 122


def documented(name: str) -> str:
    block = re.search(rf"```ldif {name}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    return block[1]


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateSlapd]:
    """A slapd with the account and the rules that the document gives."""
    with PrivateSlapd(password_hash="{SSHA}") as slapd:
        slapd.add_ldif(documented("account"))
        slapd.add_config(documented("access"))
        slapd.run("ldappasswd", *slapd.as_root, "-s", PASSWORD, f"cn=import,ou=moncompte,{slapd.base}")
        yield slapd


@pytest.fixture
def importer(server: PrivateSlapd, tmp_path: Path) -> Importer:
    reset_people(server)
    password = tmp_path / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    return Importer(server, tmp_path, bind_dn=f"cn=import,ou=moncompte,{server.base}", password_file=password)


def code(importer: Importer, ldif: str) -> int:
    """The result code of what the account tries with ldapmodify."""
    try:
        importer.slapd.run("ldapmodify", "-x", "-D", importer.bind_dn, "-w", PASSWORD, text=ldif)
    except SlapdFailed as failure:
        return failure.code
    return 0


def test_it_imports_corrects_and_finds_what_is_taken(importer: Importer) -> None:
    assert importer.run(SAMPLE).output == "5 lines: 5 created, 0 changed, 0 unchanged, 0 bad\n"
    text = SAMPLE.read_text(encoding="utf-8-sig").replace("Zoé", "Zoélie")
    file = importer.folder / "other.csv"
    file.write_text(text, encoding="utf-8")
    assert importer.run(file).output == "5 lines: 0 created, 1 changed, 4 unchanged, 0 bad\n"
    told = importer.json(importer.file([student(1, LOGIN="bdubois"), student(2, COD_ETU="22500003")]))
    assert [bad["fault"] for bad in told["bad"]] == ["login-taken", "student-number-taken"]


def test_more_than_a_page_of_people_is_imported(importer: Importer) -> None:
    """The stock size limit is 500 entries; this account is no rootdn."""
    file = importer.file([student(number) for number in range(700)])
    assert importer.json(file)["created"] == 700
    assert importer.json(file)["unchanged"] == 700


def test_the_directory_refuses_to_make_whoever_would_be_outside(importer: Importer) -> None:
    """No deletion is needed, and none could be made: slapd judges the filter on the entry that is to be."""
    importer.intake = OUTSIDE + FEW
    told = importer.json(importer.file([student(1), student(2)]))
    assert [(bad["fault"], bad["said"]) for bad in told["bad"]] == [
        ("refused", "refused by the directory: insufficientAccessRights")
    ] * 2
    assert importer.entries("(uid=etu*)") == []


@pytest.mark.parametrize(
    "change",
    [
        "replace: userPassword\nuserPassword: Pont-Chaban-Delmas-2013",
        "add: supannMailPrive\nsupannMailPrive: {SECOURS}thief@courriel.example",
        "delete: supannRessourceEtat",
        "add: objectClass\nobjectClass: moncompteOperator",
        "replace: uid\nuid: other",
        "delete: eduPersonAffiliation",
        "add: moncompteKeyHash\nmoncompteKeyHash: {SSHA512}x",
    ],
)
def test_it_may_write_nothing_else(importer: Importer, change: str) -> None:
    assert code(importer, f"dn: uid=jmartin001,{importer.slapd.people_dn}\nchangetype: modify\n{change}\n") == NO_ACCESS


@pytest.mark.parametrize(
    "more",
    ["userPassword: Pont-Chaban-Delmas-2013", "objectClass: moncompteAccount", "objectClass: moncompteOperator"],
)
def test_it_makes_nobody_who_could_sign_in_or_operate(importer: Importer, more: str) -> None:
    plain = "objectClass: inetOrgPerson\nobjectClass: eduPerson\ncn: X\nsn: X\neduPersonAffiliation: student\n"
    head = f"dn: uid=new,{importer.slapd.people_dn}\nchangetype: add\nuid: new\n{plain}"
    assert code(importer, f"{head}{more}\n") == NO_ACCESS
    assert code(importer, head) == 0


def test_it_may_neither_delete_nor_change_anybody_outside(importer: Importer) -> None:
    people = importer.slapd.people_dn
    assert code(importer, f"dn: uid=jmartin001,{people}\nchangetype: delete\n") == NO_ACCESS
    assert code(importer, f"dn: uid=bdubois,{people}\nchangetype: modify\nreplace: sn\nsn: X\n") == NO_ACCESS
    moved = f"dn: uid=jmartin001,{people}\nchangetype: modrdn\nnewrdn: uid=other\ndeleteoldrdn: 1\n"
    assert code(importer, moved) == NO_ACCESS


def test_it_reads_no_secret_and_no_address(importer: Importer) -> None:
    options = ("-x", "-D", importer.bind_dn, "-w", PASSWORD, "-LLL", "-b", importer.slapd.people_dn)
    seen = importer.slapd.run("ldapsearch", *options, "(uid=*)", "*", "+")
    assert "uid: jmartin001" in seen
    for hidden in ("userPassword", "supannMailPrive", "pwd", "moncompte", "supannRessourceEtat"):
        assert hidden not in seen.replace("ou=moncompte", "")


def test_somebody_who_left_the_population_in_between_is_not_changed(importer: Importer) -> None:
    """The root DN, whom no rule stops, after it looked: the assertion stops it."""
    server = importer.slapd
    dn = f"uid=bdubois,{server.people_dn}"
    with Register(load(importer.settings), server.root_dn, server.root_password) as register:
        change: dict[str, list[tuple[object, list[str]]]] = {"sn": [("MODIFY_ADD", ["Autre"])]}
        assert register.write([Amendment(dn, change)]) == {0: "assertionFailed"}
        assert not register.take_back(f"uid=jmartin001,{server.people_dn}")
    assert "Autre" not in importer.entries("(uid=bdubois)")[0]["sn"]
