"""``moncompte import`` on a real slapd: the journey, each kind of bad line, what is never touched, broken off."""

from __future__ import annotations

import codecs
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.cli.import_ import import_
from connector.clock import utc_now
from connector.demo.slapd import PrivateSlapd
from connector.model import By, Uid
from connector.portal import Portal
from connector.settings.sections import Intake
from tests.importing import HEADING, SAMPLE, Importer, student
from tests.portal_fixtures import MovingClock, account, audited, issue

CHOSEN = "Pont-d'Aquitaine-1967"
OUTSIDE = 'attributes = { uid = "{LOGIN}", sn = "{LIB_NOM_PAT_IND}", cn = "{LOGIN}", displayName = "{LOGIN}" }\n'
FEW = 'update = ["sn", "cn"]\nrequired = ["uid"]\n'


@pytest.fixture
def importer(slapd: PrivateSlapd, people: dict[str, str], tmp_path: Path) -> Importer:
    return Importer(slapd, tmp_path)


def faults(importer: Importer, file: Path, *options: str) -> list[tuple[int, str]]:
    return [(bad["line"], bad["fault"]) for bad in importer.json(file, *options)["bad"]]


# The journey


def test_from_the_export_to_a_student_who_signs_in(importer: Importer, portal: Portal, clock: MovingClock) -> None:
    """Import, find by login and INE, issue a key, activate, bind: the directory holds all that the portal needs."""
    clock.instant = utc_now()  # the command's own: whoever is imported is one of us from today on
    done = importer.run(SAMPLE)
    assert (done.exit_code, done.output) == (0, "5 lines: 5 created, 0 changed, 0 unchanged, 0 bad\n")
    maelle = account(portal, "mlegoff")
    assert maelle == portal.directory.find([Uid("MLEGOFF")])
    assert (maelle.name, maelle.ines, maelle.rescue) == (
        "Maëlle LE GOFF",
        ("110000101AB",),
        "maelle.legoff@courriel.example",
    )
    proof = portal.sign_in("110000101AB", issue(portal, "mlegoff"))
    portal.redeem_key("mlegoff", proof.mark, CHOSEN, None)
    assert portal.sign_in("mlegoff", CHOSEN).by is By.PASSWORD
    assert importer.slapd.run("ldapwhoami", "-x", "-D", maelle.dn, "-w", CHOSEN).strip() == f"dn:{maelle.dn}"


def test_a_new_entry_is_what_the_settings_say(importer: Importer) -> None:
    intake = 'since = "{DATE_NAI_IND|date8}"\nuntil = "20270930"\ndn = "uid={uid}"\n'
    importer.intake = intake
    importer.run(SAMPLE)
    (entry,) = importer.entries("(uid=ldartagnan)")
    assert entry["dn"] == [f"uid=ldartagnan,{importer.slapd.people_dn}"]
    assert entry["cn"] == ["D'ARTAGNAN-BŒUF Loïc"]
    assert entry["eduPersonAffiliation"] == ["student", "member"]
    assert entry["supannRessourceEtat"] == ["{COMPTE}I:SupannCree"]
    assert entry["supannRessourceEtatDate"] == ["{COMPTE}I:SupannCree:20080101:20270930"]
    assert not {"supannMailPrive", "userPassword", "moncompteKeyHash"} & set(entry)


def test_the_second_run_writes_nothing_and_says_so(importer: Importer) -> None:
    importer.run(SAMPLE)
    before = importer.versions()
    again = importer.run(SAMPLE)
    assert (again.exit_code, again.output) == (0, "5 lines: 0 created, 0 changed, 5 unchanged, 0 bad\n")
    assert importer.versions() == before


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.replace("ị", "i").encode("cp1252"),
        lambda text: text.replace("ị", "i").replace("Œ", "OE").encode("latin-1"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", "\n\n;;;;;;;;;;;\n").encode(),
    ],
    ids=["utf-8", "bom", "windows-1252", "iso-8859-1", "crlf", "cr", "blank lines"],
)
def test_however_the_export_is_written_it_says_the_same(importer: Importer, written: Callable[[str], bytes]) -> None:
    text = SAMPLE.read_text(encoding="utf-8-sig")
    file = importer.folder / "other.csv"
    file.write_bytes(written(text))
    told = importer.json(file)
    assert (told["written"], told["lines"], told["created"], told["bad"]) == (True, 5, 5, [])
    assert importer.entries("(uid=zcelik)")[0]["displayName"] == ["Zoé ÇELIK"]


def test_a_dry_run_writes_nothing_and_counts(importer: Importer) -> None:
    before = importer.versions()
    done = importer.run(SAMPLE, "--dry-run")
    assert done.exit_code == 0
    assert "5 to be created" in done.output
    assert "Nothing was written" in done.output
    assert importer.versions() == before


# Bad lines


@pytest.mark.parametrize(
    ("fields", "fault", "where"),
    [
        ({"LOGIN": ""}, "missing", "LOGIN"),
        ({"LIB_NOM_PAT_IND": ""}, "missing", "LIB_NOM_PAT_IND"),
        ({"LOGIN": "zoé petit"}, "login", "LOGIN"),
        ({"COD_CLE_NNE_IND": ""}, "ine", "COD_NNE_IND, COD_CLE_NNE_IND"),
        ({"COD_NNE_IND": "90000*0101"}, "ine", "COD_NNE_IND, COD_CLE_NNE_IND"),
        ({"ADR_MAIL": "etu@etu.universite.example"}, "rescue-address", "ADR_MAIL"),
        ({"ADR_MAIL": "zoe@courriel"}, "rescue-address", "ADR_MAIL"),
        ({"ADR_MAIL": "a@b.example,c@d.example"}, "rescue-address", "ADR_MAIL"),
        ({"COD_CMP": "UFR-Été"}, "syntax", "COD_CMP"),
        ({"COD_ANU": "MMXX"}, "syntax", "COD_ANU"),
        ({"COD_ANU": "20262"}, "too-long", "COD_ANU"),
        ({"COD_CMP": "UFR-DROIT" * 15}, "too-long", "COD_CMP"),
        ({"LIB_PR1_IND": "Zo\x1bé"}, "control-character", "LIB_PR1_IND"),
        ({"LIB_PR1_IND": "Zo\tZo"}, "control-character", "LIB_PR1_IND"),
        ({"LIB_PR1_IND": "Zo\u202eé"}, "control-character", "LIB_PR1_IND"),
        ({"LIB_PR1_IND": "ZoÃ©"}, "mangled", "LIB_PR1_IND"),
        ({"LIB_PR1_IND": "Zo\ufffd"}, "mangled", "LIB_PR1_IND"),
        ({"LIB_PR1_IND": "Zoé;trop"}, "fields", ""),
        ({"LIB_PR1_IND": '"Zoé'}, "quotes", ""),
        ({"LIB_PR1_IND": '"Zo"é'}, "quotes", ""),
        ({"LOGIN": "etu1"}, "twice", "LOGIN"),
        ({"LOGIN": "ETU1"}, "twice", "LOGIN"),
        ({"COD_NNE_IND": "9000-000-001", "COD_CLE_NNE_IND": "a"}, "twice", "COD_NNE_IND, COD_CLE_NNE_IND"),
        ({"COD_ETU": "90000001"}, "twice", "COD_ETU"),
        ({"LOGIN": "bdubois"}, "login-taken", ""),
        ({"LOGIN": "emercier", "COD_ETU": "22600002"}, "student-number-taken", ""),
        ({"COD_NNE_IND": "110000003a", "COD_CLE_NNE_IND": "b"}, "ine-taken", ""),
        ({"COD_ETU": "22500003"}, "student-number-taken", ""),
    ],
)  # fmt: skip
def test_each_kind_of_bad_line_is_told_with_its_number(
    importer: Importer, fields: dict[str, str], fault: str, where: str
) -> None:
    file = importer.file([student(1), student(2), student(3, **fields), student(4)])
    told = importer.json(file)
    assert [(bad["line"], bad["fault"], bad["where"]) for bad in told["bad"]] == [(4, fault, where)]
    assert told["written"] is False
    assert importer.entries("(uid=etu*)") == []


def test_every_bad_line_and_every_reason_is_told_at_once(importer: Importer) -> None:
    lines = [
        student(1),
        student(2, LOGIN="", ADR_MAIL="@"),
        "too;few",
        student(4, LIB_NOM_PAT_IND="", LIB_PR1_IND=""),
        student(5),
    ]
    done = importer.run(importer.file(lines))
    assert done.exit_code == 1
    assert [line.partition(": ")[0] for line in done.output.splitlines() if line.startswith("line")] == [
        *["line 3"] * 2, "line 4", *["line 5"] * 3
    ]  # fmt: skip
    assert "line 4: it has 2 fields, the heading has 9" in done.output
    assert "5 lines: 2 to be created, 0 to be changed, 0 unchanged, 3 bad" in done.output


def test_a_field_over_two_lines_spoils_those_two_and_no_other(importer: Importer) -> None:
    told = faults(importer, importer.file([student(1, LIB_PR1_IND='"Zoé\nMarie"'), student(2)]))
    assert told == [(2, "quotes"), (3, "fields")]


def test_with_skip_bad_lines_the_good_ones_are_written(importer: Importer) -> None:
    done = importer.run(importer.file([student(1), student(2, LOGIN="é"), student(3)]), "--skip-bad-lines")
    assert done.exit_code == 1
    assert "3 lines: 2 created, 0 changed, 0 unchanged, 1 bad" in done.output
    assert {entry["uid"][0] for entry in importer.entries("(uid=etu*)")} == {"etu1", "etu3"}


def test_an_ine_is_never_refused_on_its_key_nor_for_blanks(importer: Importer) -> None:
    importer.run(importer.file([student(1, COD_NNE_IND="9999 999.999", COD_CLE_NNE_IND="-o")]))
    assert importer.entries("(uid=etu1)")[0]["supannCodeINE"] == ["9999999999O"]


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "empty"),
        (b"\r\n\r\n", "empty"),
        (HEADING.encode(), "nobody below"),
        ((HEADING + "\n" + student(1)).encode("utf-16"), "UTF-16"),
        ((HEADING + "\n" + student(1)).encode("utf-16-le"), "NUL"),
        (b"PK\x03\x04 an .xlsx", "spreadsheet"),
        ((HEADING + "\n" + student(1)).replace(";", ",").encode(), "parted by ','"),
        (HEADING.replace("COD_ETU", "NUMERO").encode() + b"\n1", "not in the heading: COD_ETU"),
        ((HEADING + ";LOGIN").encode() + b"\n1", "twice: LOGIN"),
        (b'"' + HEADING.encode() + b"\n1", "first line"),
        (HEADING.encode() + b"\n\x81\x8d", "auto"),
    ],
)
def test_a_file_that_is_no_export_is_refused_in_one_sentence(importer: Importer, octets: bytes, said: str) -> None:
    file = importer.folder / "wrong.csv"
    file.write_bytes(octets)
    done = importer.run(file)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


# People who are there already


def test_only_what_is_mapped_and_differs_is_changed(importer: Importer, portal: Portal, people: dict[str, str]) -> None:
    """Rachid has two INEs, a password, a rescue address and a key; the file knows one INE and a new name."""
    issue(portal, "rbenali")
    line = student(1, LOGIN="rbenali", COD_NNE_IND="1234567890", COD_CLE_NNE_IND="D", COD_ETU="22500005")
    (before,) = importer.entries("(uid=rbenali)")
    assert importer.json(importer.file([line]))["changed"] == 1
    (after,) = importer.entries("(uid=rbenali)")
    moved = {name for name in before | after if before.get(name) != after.get(name)}
    assert moved - {"entryCSN", "modifyTimestamp", "modifiersName"} == {
        "sn", "givenName", "cn", "displayName", "supannEntiteAffectation", "supannEtuAnneeInscription",
    }  # fmt: skip
    assert after["sn"] == ["NOM1"]
    assert audited(importer.audit_file)[0]["changed"][0] == "sn"


def test_a_name_that_differs_by_its_case_alone_is_corrected(importer: Importer) -> None:
    importer.run(importer.file([student(1, LIB_NOM_PAT_IND="DUPONT")]))
    importer.run(importer.file([student(1, LIB_NOM_PAT_IND="Dupont")]))
    assert importer.entries("(uid=etu1)")[0]["sn"] == ["Dupont"]


def test_a_login_in_other_letters_is_the_same_person(importer: Importer) -> None:
    importer.run(importer.file([student(1)]))
    assert importer.json(importer.file([student(1, LOGIN="ETU1")]))["unchanged"] == 1
    assert importer.entries("(uid=etu1)")[0]["uid"] == ["etu1"]


def test_another_ine_joins_the_one_there_is(importer: Importer) -> None:
    importer.run(importer.file([student(1)]))
    importer.run(importer.file([student(1, COD_NNE_IND="1234567890", COD_CLE_NNE_IND="Z")]))
    assert importer.entries("(uid=etu1)")[0]["supannCodeINE"] == ["9000000001A", "1234567890Z"]


def test_an_empty_field_deletes_nothing(importer: Importer) -> None:
    importer.run(importer.file([student(1)]))
    assert importer.json(importer.file([student(1, COD_CMP="", COD_ANU="")]))["unchanged"] == 1


def test_a_rescue_address_moves_only_where_the_settings_say_so_and_then_only_its_label(importer: Importer) -> None:
    line = student(1, LOGIN="lroy", COD_NNE_IND="", COD_CLE_NNE_IND="", COD_ETU="22500007", ADR_MAIL="l@new.example")
    importer.run(importer.file([line]))
    assert "{SECOURS}lucas.secours@courriel.example" in importer.entries("(uid=lroy)")[0]["supannMailPrive"]
    importer.intake = 'update = ["supannMailPrive"]\n'
    assert importer.json(importer.file([line]))["changed"] == 1
    assert sorted(importer.entries("(uid=lroy)")[0]["supannMailPrive"]) == [
        "{PARENTS}famille.roy@parents.example", "{PERSO}lucas.roy@perso.example", "{SECOURS}l@new.example"
    ]  # fmt: skip


KNOWN_OF_THE_RESCUE = {
    "moncompteRescueVerified": "20260901080000Z",
    "moncompteRescueCode": "20261122120000Z 2 jeanne@ailleurs.example",
    "moncompteRescueFormer": "20261125120000Z jeanne@avant.example",
    "moncompteRescueFrozen": "20261125120000Z",
    "moncompteRescueBounced": "20261120120000Z",
}


@pytest.fixture
def jeanne(importer: Importer, people: dict[str, str]) -> str:
    """Her line with another address; her entry holds all that can be known of a rescue address."""
    known = "".join(f"-\nadd: {name}\n{name}: {value}\n" for name, value in KNOWN_OF_THE_RESCUE.items())
    importer.slapd.add_ldif(
        f"dn: {people['jmartin001']}\nchangetype: modify\nadd: objectClass\nobjectClass: moncompteAccount\n{known}"
    )
    return student(1, LOGIN="jmartin001", COD_NNE_IND="110000003A", COD_CLE_NNE_IND="B", COD_ETU="22500003")


def test_an_import_undoes_no_proved_address_unless_the_settings_say_so(importer: Importer, jeanne: str) -> None:
    """Out of the box a new address in the export leaves the one that its owner proved alone, and all about it."""
    assert "supannMailPrive" not in Intake().update
    (before,) = importer.entries("(uid=jmartin001)")
    assert importer.json(importer.file([jeanne]))["changed"] == 1  # her name
    (after,) = importer.entries("(uid=jmartin001)")
    for name in ("supannMailPrive", *KNOWN_OF_THE_RESCUE):
        assert after[name] == before[name]


def test_with_a_new_rescue_address_goes_all_that_was_known_of_the_old_one(importer: Importer, jeanne: str) -> None:
    """Its proof, a code that waits, the former address that gets the keys, a freeze, a mail that came back."""
    importer.intake = 'update = ["supannMailPrive"]\n'
    assert importer.json(importer.file([jeanne]))["changed"] == 1
    (after,) = importer.entries("(uid=jmartin001)")
    assert after["supannMailPrive"] == ["{SECOURS}etu1@courriel.example"]
    assert not set(KNOWN_OF_THE_RESCUE) & set(after)


def test_the_same_rescue_address_stays_proved(importer: Importer, jeanne: str) -> None:
    importer.intake = 'update = ["supannMailPrive"]\n'
    same = jeanne.replace("etu1@courriel.example", "jeanne@courriel.example")
    assert importer.json(importer.file([same]))["unchanged"] == 1
    assert set(KNOWN_OF_THE_RESCUE) <= set(importer.entries("(uid=jmartin001)")[0])


def test_whoever_is_outside_the_population_is_not_touched(importer: Importer) -> None:
    before = importer.versions()
    importer.run(importer.file([student(1, LOGIN="bdubois", COD_NNE_IND="")]), "--skip-bad-lines")
    assert importer.versions() == before


def test_an_alias_is_a_login_that_is_taken(importer: Importer) -> None:
    importer.sections["attributes"] = 'alias = "supannAliasLogin"\n'
    told = importer.json(importer.file([student(1, LOGIN="jeanne.martin")]))
    assert [bad["fault"] for bad in told["bad"]] == ["login-taken"]


def test_settings_that_make_people_outside_the_population_make_nobody(importer: Importer) -> None:
    """The root DN is above all rules: the first one is made, not found, taken away again; and so is every other."""
    importer.intake = OUTSIDE + FEW
    told = importer.json(importer.file([student(1), student(2)]))
    assert [(bad["line"], bad["fault"]) for bad in told["bad"]] == [(2, "outside"), (3, "outside")]
    assert told["created"] == 0
    assert importer.entries("(uid=etu*)") == []


def test_logins_that_read_as_one_ine_are_two_logins(importer: Importer) -> None:
    """Eleven letters and digits, once the dash is gone; slapd tells them apart."""
    file = importer.file([student(1, LOGIN="j-martin0001"), student(2, LOGIN="jmartin0001")])
    assert importer.json(file)["created"] == 2
    assert importer.json(file)["unchanged"] == 2


def test_homonyms_that_would_get_one_dn_are_told_before_anything_is_written(importer: Importer) -> None:
    importer.intake = 'dn = "cn={cn}"\n'
    told = importer.json(importer.file([student(0), student(1), student(2, LIB_NOM_PAT_IND="NOM1")]))
    assert [(bad["line"], bad["fault"]) for bad in told["bad"]] == [(4, "twice")]
    assert importer.entries("(uid=etu*)") == []


def test_a_dn_that_somebody_else_has_is_that_lines_fault_alone(importer: Importer) -> None:
    importer.intake = 'dn = "cn={cn}"\n'
    importer.run(importer.file([student(1)]))
    told = importer.json(importer.file([student(2, LIB_NOM_PAT_IND="NOM1"), student(3)]))
    assert [(bad["line"], bad["fault"]) for bad in told["bad"]] == [(2, "refused")]
    assert {entry["uid"][0] for entry in importer.entries("(uid=etu*)")} == {"etu1", "etu3"}


def test_who_is_missing_from_the_file_is_listed_and_left_alone(importer: Importer) -> None:
    """Open accounts alone: Sofia is suspended, Brigitte is staff. A login on a bad line is in the file all the same."""
    before = importer.versions()
    told = importer.json(importer.file([student(1, LOGIN="JMartin001", ADR_MAIL="@")]), "--report-missing")
    assert {"emercier", "nfaure", "zpetit"} <= set(told["missing"])
    assert not {"jmartin001", "smoreau", "bdubois"} & set(told["missing"])
    assert importer.versions() == before


# LDIF


def test_the_ldif_does_what_the_import_would(importer: Importer) -> None:
    importer.run(importer.file([student(1), student(2)]))
    file = importer.file([student(1, LIB_PR1_IND="  Éléonore "), student(2), student(3)])
    before, ldif = importer.versions(), importer.folder / "import.ldif"
    done = importer.run(file, "--ldif", str(ldif))
    assert "1 to be created, 1 to be changed, 1 unchanged" in done.output
    assert importer.versions() == before
    assert ldif.stat().st_mode & 0o777 == 0o600
    importer.slapd.run("ldapmodify", *importer.slapd.as_root, "-f", str(ldif))
    assert importer.json(file)["unchanged"] == 3


def test_the_ldif_too_stops_at_the_population(importer: Importer) -> None:
    importer.run(importer.file([student(1)]))
    ldif = importer.folder / "import.ldif"
    importer.run(importer.file([student(1, LIB_PR1_IND="Éléonore")]), "--ldif", str(ldif))
    dn = f"uid=etu1,{importer.slapd.people_dn}"
    importer.slapd.add_ldif(
        f"dn: {dn}\nchangetype: modify\nreplace: eduPersonAffiliation\neduPersonAffiliation: staff\n"
    )
    with pytest.raises(Exception, match="ssertion"):
        importer.slapd.run("ldapmodify", *importer.slapd.as_root, "-f", str(ldif))
    assert importer.entries("(uid=etu1)")[0]["givenName"] == ["Zoé"]


def test_a_file_that_is_there_is_not_written_over(importer: Importer) -> None:
    ldif = importer.folder / "import.ldif"
    ldif.write_text("precious")
    done = importer.run(SAMPLE, "--ldif", str(ldif))
    assert (done.exit_code, ldif.read_text()) == (1, "precious")
    assert "exists already: give another name" in done.stderr


# As whom; what else goes wrong


def test_without_an_administrator_it_says_what_to_give(importer: Importer) -> None:
    command = [
        str(Path(sys.executable).with_name("moncompte")),
        "import",
        str(SAMPLE),
        "--settings",
        str(importer.settings),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "--bind-dn and --password-file" in done.stderr


def test_the_account_may_stand_in_the_settings(importer: Importer) -> None:
    slapd = importer.slapd
    importer.intake = f'bind_dn = "{slapd.root_dn}"\npassword_file = "{slapd.folder / "root.password"}"\n'
    command = [
        str(Path(sys.executable).with_name("moncompte")),
        "import",
        str(SAMPLE),
        "--settings",
        str(importer.settings),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (0, "5 lines: 5 created, 0 changed, 0 unchanged, 0 bad\n")


def test_a_wrong_password_is_told_and_is_not_shown(importer: Importer) -> None:
    importer.password_file = importer.folder / "wrong"
    importer.password_file.write_text("not-the-password\n")
    done = importer.run(SAMPLE)
    assert done.exit_code == 78
    assert f"bind as {importer.slapd.root_dn}: the directory says no: DN or password?" in done.stderr
    assert "not-the-password" not in done.output


def test_a_directory_that_does_not_answer_is_69(importer: Importer) -> None:
    importer.slapd.halt()
    try:
        assert importer.run(SAMPLE).exit_code == 69
    finally:
        importer.slapd.launch()


def test_a_directory_that_takes_no_writes_is_69_and_is_asked_once(importer: Importer) -> None:
    """A consumer, or one that is being backed up: no use in trying each of 40,000."""
    config = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcReadOnly\nolcReadOnly: "
    importer.slapd.add_config(config + "TRUE\n")
    try:
        done = importer.run(SAMPLE)
    finally:
        importer.slapd.add_config(config + "FALSE\n")
    assert done.exit_code == 69
    assert "unwillingToPerform" in done.stderr
    assert [line["event"] for line in audited(importer.audit_file)] == ["records:file:import"]


@pytest.mark.parametrize(
    ("intake", "said"),
    [
        ('attributes = { sn = "{A}", cn = "{A}" }\nupdate = []\nrequired = []\n', "uid is not there"),
        ('attributes = { uid = "{A}", cn = "{A}" }\nupdate = []\nrequired = []\n', "sn is not there"),
        (
            'attributes = { uid = "{A}", sn = "{A}", cn = "{A}", nom = "{A}" }\nupdate = []\nrequired = []\n',
            "nom: the d",
        ),
        (
            'attributes = { uid = "{A}", sn = "{A}", cn = "{A}", ou = "{A}", c = "FR" }\nupdate = []\nrequired = []\n',
            "c: none",
        ),
        ('attributes = { uid = "{A}", supannRessourceEtat = "{A}" }\nupdate = []\nrequired = []\n', "given by state"),
        ('attributes = { uid = "{A}", userPassword = "{A}" }\nupdate = []\nrequired = []\n', "no import writes it"),
        ('attributes = { uid = "{A", sn = "B" }\nupdate = []\nrequired = []\n', "brace"),
        ('attributes = { uid = "{A|shout}" }\nupdate = []\nrequired = []\n', "known are lower"),
        ('update = ["uid"]\n', "never changes"),
        ('update = ["mail"]\n', "not in attributes"),
        ('dn = "uid={LOGIN}"\n', "LOGIN: not in attributes"),
        ('object_classes = ["inetOrgPerson", "student"]\n', "student: the directory does not know"),
        ('login = "["\n', "login"),
        ('encoding = "hex"\n', "no encoding"),
    ],
)
def test_settings_that_nobody_can_mean_are_told_before_the_file_is_read(
    importer: Importer, intake: str, said: str
) -> None:
    importer.intake = intake
    done = importer.run(SAMPLE)
    assert done.exit_code == 78
    assert said in done.stderr


def test_the_audit_says_who_did_what_and_quotes_no_value(importer: Importer) -> None:
    importer.run(SAMPLE)
    lines = audited(importer.audit_file)
    assert [line["event"] for line in lines] == [*["records:account:create"] * 5, "records:file:import"]
    assert {line["account"] for line in lines[:5]} >= {"mlegoff", "zcelik"}
    assert all(line["actor"].startswith("shell:") and line["outcome"] == "done" for line in lines)
    assert lines[5] | {"file": "sample-apogee.csv", "created": "5", "unchanged": "0", "left_out": "0"} == lines[5]
    text = importer.audit_file.read_text()
    assert "110000101" not in text
    assert "courriel.example" not in text


def test_the_help_teaches() -> None:
    assert import_.help
    assert "moncompte import etudiants.csv --dry-run" in import_.help


def made_until(importer: Importer, process: subprocess.Popen[bytes], count: int) -> None:
    """Wait until the running import has made ``count`` people."""
    while made(importer) < count:
        assert process.poll() is None
        time.sleep(0.01)


def made(importer: Importer) -> int:
    return len(importer.slapd.search("(uid=etu*)", "1.1", base=importer.slapd.people_dn))


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, None)])
def test_broken_off_in_the_middle_it_is_run_again(importer: Importer, number: int, code: int | None) -> None:
    """With some hundred made: the second run makes the others, and everybody is there once."""
    file = importer.file([student(number) for number in range(3000)])
    command = [str(Path(sys.executable).with_name("moncompte")), *importer.command(file, "--json")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        made_until(importer, process, 300)
        process.send_signal(number)
    assert code is None or process.returncode == code
    before = made(importer)
    assert 300 <= before < 3000
    done = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert (done["created"], done["unchanged"], done["changed"]) == (3000 - before, before, 0)
    assert made(importer) == 3000


@pytest.mark.long
def test_a_directory_that_stops_in_the_middle_is_69_and_loses_nothing(importer: Importer) -> None:
    file = importer.file([student(number) for number in range(3000)])
    command = [str(Path(sys.executable).with_name("moncompte")), *importer.command(file, "--json")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        made_until(importer, process, 300)
        importer.slapd.halt()
        assert process.stderr
        assert b"does not answer" in process.stderr.read()
    importer.slapd.launch()
    assert process.returncode == 69
    assert audited(importer.audit_file)[-1]["outcome"] == "failed"
    assert importer.json(file)["created"] + made(importer) >= 3000
    assert (importer.json(file)["unchanged"], made(importer)) == (3000, 3000)


def test_a_directory_of_supann_2009_has_no_state_and_no_label(importer: Importer) -> None:
    importer.sections["attributes"] = 'rescue = "supannMailPerso"\nrescue_label = ""\nstate = ""\nstate_date = ""\n'
    names = 'uid = "{LOGIN}", sn = "{LOGIN}", cn = "{LOGIN}", eduPersonAffiliation = "student"'
    importer.intake = f'attributes = {{ {names}, supannMailPerso = "{{ADR_MAIL}}" }}\n{FEW}'
    assert importer.json(importer.file([student(1)]))["created"] == 1
    (entry,) = importer.entries("(uid=etu1)")
    assert entry["supannMailPerso"] == ["etu1@courriel.example"]
    assert "supannRessourceEtat" not in entry
