"""``moncompte issue``: the key on the paper is the one that opens, and the only one."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from connector import keys
from connector.demo.slapd import PrivateSlapd
from connector.model import Account, By, DeadKeyReason, Origin
from connector.portal import Portal
from connector.printrun import PrintRun
from connector.roll import Roll
from connector.settings import config_folder
from tests.portal_fixtures import SHOWN_KEY, account, audited
from tests.shell_fixtures import Moncompte

COMMAND = str(Path(sys.executable).with_name("moncompte"))
NEVER_ACTIVATED = ["ebernard", "emercier"]


def rows(sheet: Path) -> list[dict[str, str]]:
    with sheet.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def opens(portal: Portal, uid: str, key: str) -> bool:
    return portal.sign_in(uid, key).by is By.KEY


def test_one_persons_key_is_printed_once_and_opens(moncompte: Moncompte, portal: Portal, audit_file: Path) -> None:
    done = moncompte("issue", "110000001ab")
    assert done.exit_code == 0, done.output
    who, key, until = done.stdout.splitlines()
    assert who == "Élodie Mercier (emercier)"
    assert until.startswith("valid until ")
    found = account(portal, "emercier").key
    assert found and found.expiry and found.origin is Origin.DESK
    assert timedelta(hours=23) < found.expiry - portal.now() <= timedelta(hours=24)
    assert opens(portal, "emercier", key)
    (line,) = [line for line in audited(audit_file) if line["event"] == "operator:key:issue"]
    assert (line["account"], line["outcome"], line["origin"]) == ("emercier", "done", "desk")
    assert line["actor"].startswith("shell:")


def test_a_letters_key_lives_as_long_as_a_letters(moncompte: Moncompte, portal: Portal) -> None:
    told = json.loads(moncompte("issue", "emercier", "--origin", "letter", "--json").stdout)
    assert told["login"] == "emercier"
    found = account(portal, "emercier").key
    assert found and found.expiry and found.origin is Origin.LETTER
    assert found.expiry.isoformat() == told["until"]
    assert found.expiry - portal.now() > timedelta(days=20)
    assert opens(portal, "emercier", told["key"])


@pytest.mark.parametrize("who", ["nobody", "pleroy-suspended"])
def test_who_gets_no_key_is_told(moncompte: Moncompte, who: str, portal: Portal) -> None:
    done = moncompte("issue", who)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {who}: nobody")


def test_a_dry_run_writes_nothing(moncompte: Moncompte, slapd: PrivateSlapd, tmp_path: Path) -> None:
    before = slapd.search("(objectClass=*)", "*", "+")
    assert moncompte("issue", "emercier", "--dry-run").stdout == "Élodie Mercier (emercier): would get a fresh key\n"
    one = json.loads(moncompte("issue", "emercier", "--dry-run", "--json").stdout)
    assert one == {"login": "emercier", "name": "Élodie Mercier", "replaces_key": False}
    told = json.loads(moncompte("issue", "--never-activated", "--dry-run", "--json").stdout)
    assert told["would_get_a_key"] > 1
    assert moncompte("issue", "--never-activated", "--dry-run", "--csv", tmp_path / "keys.csv").exit_code == 0
    assert list(tmp_path.glob("keys*")) == []
    assert slapd.search("(objectClass=*)", "*", "+") == before


def test_everybody_on_the_paper_gets_in_with_what_it_says(
    moncompte: Moncompte, portal: Portal, tmp_path: Path, audit_file: Path
) -> None:
    sheet = tmp_path / "keys.csv"
    done = moncompte("issue", "--never-activated", "--csv", sheet)
    assert done.exit_code == 0, done.output
    people = {found.uid: found for found in portal.directory.accounts()}
    written = rows(sheet)
    expected = [uid for uid, found in people.items() if found.was_never_activated and found.is_eligible(portal.now())]
    assert sorted(row["login"] for row in written) == sorted(expected)
    assert len(written) > 1
    for row in written:
        assert row["name"] == people[row["login"]].name
        assert row["valid until"][:10] == f"{portal.now() + timedelta(days=21):%Y-%m-%d}"
        assert opens(portal, row["login"], row["key"])
    lines = [line for line in audited(audit_file) if line["event"] == "operator:key:issue"]
    assert sorted(line["account"] for line in lines) == sorted(expected)
    assert len({line["batch"] for line in lines}) == 1


def test_both_files_are_for_their_maker_alone_and_the_record_holds_no_key(moncompte: Moncompte, tmp_path: Path) -> None:
    sheet, record = tmp_path / "keys.csv", tmp_path / "keys.csv.batch"
    moncompte("issue", "--never-activated", "--csv", sheet)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (sheet, record)] == [0o600, 0o600]
    text = record.read_text(encoding="utf-8")
    assert all(row["key"] not in text and row["key"].replace("-", "") not in text for row in rows(sheet))
    head, *lines = map(json.loads, text.splitlines())
    assert (head["whom"], head["out"], bool(head["operator"])) == ("who never activated", "keys.csv", True)
    assert [line["login"] for line in lines if "issued" in line] == [row["login"] for row in rows(sheet)]
    assert lines[-1]["finished"]["issued"] == len(rows(sheet))


@pytest.mark.parametrize("taken", ["keys.csv", "keys.csv.batch"])
def test_a_file_that_exists_is_not_touched(
    moncompte: Moncompte, slapd: PrivateSlapd, tmp_path: Path, taken: str
) -> None:
    (tmp_path / taken).write_text("mine", encoding="utf-8")
    done = moncompte("issue", "--never-activated", "--csv", tmp_path / "keys.csv")
    assert done.exit_code == 1
    assert f"{taken} exists already" in done.stderr
    assert (tmp_path / taken).read_text(encoding="utf-8") == "mine"
    assert slapd.search("(moncompteKeyHash=*)", base=slapd.people_dn) == []


def test_a_list_may_name_people_in_any_way(moncompte: Moncompte, portal: Portal, tmp_path: Path) -> None:
    sheet = tmp_path / "keys.csv"
    done = moncompte("issue", "--list", "-", "--csv", sheet, typed="emercier\n\n1100-0000 3ab\nnobody\n22600001\n")
    assert done.exit_code == 1
    assert "line 4: nobody" in done.stderr
    assert sorted(row["login"] for row in rows(sheet)) == ["emercier", "jmartin001"]  # she is there twice, and once
    for row in rows(sheet):
        assert opens(portal, row["login"], row["key"])


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_list_may_be_a_column_of_a_csv(moncompte: Moncompte, tmp_path: Path, delimiter: str) -> None:
    export = tmp_path / "export.csv"
    export.write_text(f"\ufeffNOM{delimiter}INE\nMercier{delimiter}110000001AB\n", encoding="utf-8")
    sheet = tmp_path / "keys.csv"
    assert moncompte("issue", "--list", export, "--column", "INE", "--csv", sheet).exit_code == 0
    assert [row["login"] for row in rows(sheet)] == ["emercier"]
    done = moncompte("issue", "--list", export, "--column", "ine", "--dry-run")
    assert (done.exit_code, "there are: NOM, INE" in done.stderr) == (1, True)


def test_a_list_in_another_encoding_is_told(moncompte: Moncompte, tmp_path: Path) -> None:
    export = tmp_path / "export.txt"
    export.write_bytes("élodie\n".encode("latin-1"))
    done = moncompte("issue", "--list", export, "--dry-run")
    assert (done.exit_code, "iconv" in done.stderr) == (1, True)


def test_who_holds_a_live_key_may_keep_it(moncompte: Moncompte, portal: Portal, tmp_path: Path) -> None:
    portal.activation.issue_key(account(portal, "emercier"), Origin.LETTER, portal.now())
    kept = account(portal, "emercier").key
    told = json.loads(moncompte("issue", "--never-activated", "--dry-run", "--json").stdout)
    assert told["would_replace_live_key"] == 1
    sheet = tmp_path / "keys.csv"
    done = moncompte("issue", "--never-activated", "--without-live-key", "--csv", sheet)
    assert "1  hold a live key, and keep it" in done.stdout
    assert "emercier" not in [row["login"] for row in rows(sheet)]
    assert account(portal, "emercier").key == kept


def test_a_fresh_key_kills_the_one_before(moncompte: Moncompte, portal: Portal, tmp_path: Path) -> None:
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    for sheet in (first, second):
        assert moncompte("issue", "--filter", "(uid=emercier)", "--csv", sheet).exit_code == 0
    assert opens(portal, "emercier", rows(second)[0]["key"])
    with pytest.raises(Exception) as dead:
        opens(portal, "emercier", rows(first)[0]["key"])
    assert getattr(dead.value, "reason", None) is DeadKeyReason.SPENT


def test_it_is_sorted_as_asked(moncompte: Moncompte, slapd: PrivateSlapd, tmp_path: Path) -> None:
    orders = {}
    for sort in ("name", "login", "programme,login"):
        sheet = tmp_path / f"{sort}.csv"
        assert moncompte("issue", "--filter", "(uid=*)", "--sort", sort, "--csv", sheet).exit_code == 0
        orders[sort] = [row["login"] for row in rows(sheet)]
    entries = {entry["uid"][0]: entry for entry in slapd.search("(uid=*)", base=slapd.people_dn)}
    assert orders["login"] == sorted(orders["login"])
    surnames = [keys.unicodedata.normalize("NFKD", entries[uid]["sn"][0]).casefold() for uid in orders["name"]]
    assert surnames == sorted(surnames)
    programmes = [entries[uid].get("supannEntiteAffectation", [""])[0] for uid in orders["programme,login"]]
    assert programmes == sorted(programmes, key=str.casefold)
    assert len(set(programmes)) > 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "for whom?"),
        (("emercier", "--never-activated"), "for whom?"),
        (("--never-activated",), "need a file"),
        (("emercier", "--csv", "x.csv"), "are for a cohort"),
        (("--never-activated", "--csv", "x.csv", "--sort", "age"), "there are programme, name, login"),
    ],
)
def test_wrong_usage_says_what_is_right(moncompte: Moncompte, words: tuple[str, ...], said: str) -> None:
    done = moncompte("issue", *words)
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


def test_what_is_no_filter_is_told(moncompte: Moncompte) -> None:
    done = moncompte("issue", "--filter", "uid=*", "--dry-run")
    assert (done.exit_code, "is not an LDAP filter" in done.stderr) == (2, True)


def test_a_finished_batch_has_nothing_to_resume(moncompte: Moncompte, tmp_path: Path) -> None:
    sheet = tmp_path / "keys.csv"
    moncompte("issue", "--never-activated", "--csv", sheet)
    before = sheet.read_bytes()
    done = moncompte("issue", "--resume", tmp_path / "keys.csv.batch")
    assert (done.exit_code, "is finished" in done.stderr) == (1, True)
    assert sheet.read_bytes() == before


def test_a_batch_of_another_directory_is_not_gone_on_with(moncompte: Moncompte, tmp_path: Path) -> None:
    moncompte("issue", "--filter", "(uid=emercier)", "--csv", tmp_path / "a.csv")
    record = tmp_path / "a.csv.batch"
    lines = record.read_text("utf-8").splitlines(keepends=True)[:-1]
    record.write_text("".join(lines).replace("ou=people,", "ou=others,"), encoding="utf-8")
    done = moncompte("issue", "--resume", record)
    assert (done.exit_code, "is about ou=others," in done.stderr) == (1, True)
    assert "finished" not in record.read_text("utf-8")


@pytest.mark.parametrize("content", ["", "{}", "not json\n", '{"batch": 1}\n'])
def test_what_is_no_record_is_told(moncompte: Moncompte, tmp_path: Path, content: str) -> None:
    record = tmp_path / "keys.csv.batch"
    record.write_text(content, encoding="utf-8")
    done = moncompte("issue", "--resume", record)
    assert (done.exit_code, "not the record of a batch" in done.stderr) == (1, True)


def test_a_sheet_of_another_batch_is_not_gone_on_with(moncompte: Moncompte, tmp_path: Path) -> None:
    moncompte("issue", "--filter", "(uid=emercier)", "--csv", tmp_path / "a.csv")
    record = tmp_path / "a.csv.batch"
    record.write_text("".join(record.read_text("utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    (tmp_path / "a.csv").write_text("login,name,key,valid until,programme\r\nsomebody,x,y,z,\r\n", encoding="utf-8")
    done = moncompte("issue", "--resume", record)
    assert (done.exit_code, "is it the right file?" in done.stderr) == (1, True)


def test_who_changes_meanwhile_is_left_out_and_told(
    moncompte: Moncompte, portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Roll.people

    def disturbed(roll: Roll, unpacked: Callable[[str], Account | None]) -> object:
        for uid, found in usual(roll, unpacked):
            if uid == "emercier":
                portal.activation.issue_key(account(portal, "emercier"), Origin.DESK, portal.now())
            yield uid, found

    portal.activation.issue_key(account(portal, "emercier"), Origin.LETTER, portal.now())
    monkeypatch.setattr(Roll, "people", disturbed)
    sheet = tmp_path / "keys.csv"
    done = moncompte("issue", "--never-activated", "--csv", sheet)
    assert done.exit_code == 1
    assert "1  changed while we wrote" in done.stdout
    assert "emercier" not in [row["login"] for row in rows(sheet)]
    found = account(portal, "emercier").key
    assert found and found.origin is Origin.DESK


@pytest.mark.parametrize("spare", [(), ("--without-live-key",)])
def test_a_directory_that_does_not_answer_says_how_to_go_on(
    moncompte: Moncompte,
    tmp_path: Path,
    slapd: PrivateSlapd,
    portal: Portal,
    monkeypatch: pytest.MonkeyPatch,
    spare: tuple[str, ...],
) -> None:
    usual = PrintRun._now
    calls: list[int] = []

    def breaking(press: PrintRun) -> str:
        calls.append(1)
        if len(calls) == 1:
            slapd.halt()
        return usual(press)

    monkeypatch.setattr(PrintRun, "_now", breaking)
    monkeypatch.setattr("connector.directory.lane._ON_THEIR_WAY", 1)
    sheet = tmp_path / "keys.csv"
    try:
        done = moncompte("issue", "--filter", "(uid=*)", "--csv", sheet, *spare)
    finally:
        slapd.restart()
    assert done.exit_code == 69, done.output
    assert "moncompte issue --resume" in done.stderr
    before = rows(sheet)
    assert before
    again = moncompte("issue", "--resume", tmp_path / "keys.csv.batch")
    assert again.exit_code == 0, again.output
    assert rows(sheet)[: len(before)] == before
    logins = [row["login"] for row in rows(sheet)]
    assert len(logins) == len(set(logins)) > len(before)
    for row in rows(sheet):
        assert opens(portal, row["login"], row["key"])
    live = {found.uid for found in portal.directory.accounts() if found.key}
    assert live == set(logins)


def test_ctrl_c_says_how_to_go_on(settings_file: Path, people: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "issue", "--settings", settings_file, "--list", "-", "--csv", tmp_path / "keys.csv"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stderr
    process.stdin.write("nobody\n" * 1000)  # it is reading the list by then
    process.stdin.flush()
    process.stderr.readline()
    for _ in range(5):  # as whoever sees that nothing happened: Python may lose one in a finaliser
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            break
    _, said = process.communicate(timeout=30)
    assert (process.returncode, "interrupted" in said) == (130, True), said[-2000:]
    assert {path.name for path in tmp_path.iterdir()} == {settings_file.name, "audit.jsonl"}


def pages(pdf: Path) -> list[str]:
    """The text of each page, as poppler reads it."""
    done = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True)
    return done.stdout.split("\f")[:-1]


def key_on(page: str) -> str:
    (found,) = set(SHOWN_KEY.findall(page))
    return str(found)


def test_everybody_gets_in_with_their_letter(moncompte: Moncompte, portal: Portal, tmp_path: Path) -> None:
    pdf = tmp_path / "letters.pdf"
    done = moncompte("issue", "--never-activated", "--letters", pdf, "--sort", "name")
    assert done.exit_code == 0, done.output
    people = {found.uid: found for found in portal.directory.accounts()}
    due = [found for found in people.values() if found.was_never_activated and found.is_eligible(portal.now())]
    printed = pages(pdf)
    assert len(printed) == len(due) > 1
    for found, page in zip(sorted(due, key=lambda found: found.surname), printed, strict=True):
        assert found.name in page
        assert found.uid in page
        assert opens(portal, found.uid, key_on(page))
    assert stat.S_IMODE(pdf.stat().st_mode) == 0o600
    record = (tmp_path / "letters.pdf.batch").read_text(encoding="utf-8")
    assert json.loads(record.splitlines()[0])["template"].endswith("config/letters")
    assert not SHOWN_KEY.search(record + done.output)
    assert not any(key_on(page).replace("-", "") in record + done.output for page in printed)


def test_a_template_of_ones_own(moncompte: Moncompte, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    shutil.copytree(config_folder() / "letters" / "en", folder)
    text = (folder / "letter.toml").read_text(encoding="utf-8")
    (folder / "letter.toml").write_text(text.replace("Dear {name}", "Hail {name}"), encoding="utf-8")
    pdf = tmp_path / "letters.pdf"
    assert moncompte("issue", "--filter", "(uid=emercier)", "--letters", pdf, "--template", folder).exit_code == 0
    assert "Hail Élodie Mercier" in pages(pdf)[0]


def test_everybody_gets_their_letter_in_their_own_language(
    moncompte: Moncompte, slapd: PrivateSlapd, people: dict[str, str], portal: Portal, tmp_path: Path
) -> None:
    """Of three: one who reads French, one English, one a language that we do not have; also where it broke off."""
    for uid, language in (("emercier", "fr"), ("jmartin001", "en-GB, fr;q=0.5"), ("mdarcy", "de")):
        change = f"replace: preferredLanguage\npreferredLanguage: {language}"
        slapd.add_ldif(f"dn: {people[uid]}\nchangetype: modify\n{change}\n")
    pdf, whom = tmp_path / "letters.pdf", "(|(uid=emercier)(uid=jmartin001)(uid=mdarcy))"
    assert moncompte("issue", "--filter", whom, "--letters", pdf, "--dry-run").exit_code == 0
    done = moncompte("issue", "--filter", whom, "--letters", pdf, "--sort", "login")
    assert done.exit_code == 0, done.output
    greeted = ["Bonjour Élodie Mercier", "Dear Jeanne Martin", "Bonjour Maëlle D'Arcy-L'Hôte"]
    assert [greeting in page for page, greeting in zip(pages(pdf), greeted, strict=True)] == [True] * 3
    assert opens(portal, "jmartin001", key_on(pages(pdf)[1]))


def test_a_folder_called_like_nothing_of_ours_is_where_one_stands(
    moncompte: Moncompte, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(config_folder() / "letters" / "en", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    pdf = tmp_path / "letters.pdf"
    assert moncompte("issue", "--filter", "(uid=emercier)", "--letters", pdf, "--template", ".").exit_code == 0
    assert "Dear Élodie Mercier" in pages(pdf)[0]


def test_the_samples_sender_is_remarked_on_before_a_cohort_is_printed(moncompte: Moncompte, tmp_path: Path) -> None:
    folder, pdf = tmp_path / "ours", tmp_path / "letters.pdf"
    shutil.copytree(config_folder() / "letters" / "en", folder)
    cohort = ("issue", "--filter", "(uid=emercier)", "--letters", pdf)
    for told in (moncompte(*cohort, "--dry-run"), moncompte(*cohort, "--dry-run", "--template", folder)):
        assert "Remark: the sender on the letters is the sample's: " in told.stderr
    text = (folder / "letter.toml").read_text(encoding="utf-8")
    (folder / "letter.toml").write_text(text.replace("1 place de", "2 place de"), encoding="utf-8")
    assert "Remark" not in moncompte(*cohort, "--template", folder).stderr
    pdf.unlink()
    (tmp_path / "letters.pdf.batch").unlink()
    assert "Remark" in moncompte(*cohort).stderr


def test_a_template_with_faults_stops_before_anything_is_done(
    moncompte: Moncompte, slapd: PrivateSlapd, tmp_path: Path
) -> None:
    done = moncompte("issue", "--never-activated", "--letters", tmp_path / "l.pdf", "--template", "nowhere")
    assert (done.exit_code, "nowhere" in done.stderr) == (78, True)
    assert list(tmp_path.glob("l.pdf*")) == []
    assert slapd.search("(moncompteKeyHash=*)", base=slapd.people_dn) == []


def test_whose_letter_cannot_be_printed_gets_no_key_and_is_named(
    moncompte: Moncompte, slapd: PrivateSlapd, people: dict[str, str], portal: Portal, tmp_path: Path
) -> None:
    slapd.add_ldif(
        f"dn: {people['emercier']}\nchangetype: modify\nreplace: displayName\ndisplayName: 田中 \U0001f984\n"
    )
    foreseen = moncompte("issue", "--never-activated", "--letters", tmp_path / "l.pdf", "--dry-run")
    done = moncompte("issue", "--never-activated", "--letters", tmp_path / "l.pdf")
    for told in (foreseen, done):
        assert told.exit_code == 1
        assert "\nemercier: no letter: " in told.stderr
        assert "1  whose letter cannot be printed" in told.stdout
    assert account(portal, "emercier").key is None
    assert "emercier" not in "".join(pages(tmp_path / "l.pdf"))


def test_nobody_to_write_to_is_no_white_page(moncompte: Moncompte, tmp_path: Path) -> None:
    done = moncompte("issue", "--filter", "(uid=nobody)", "--letters", tmp_path / "l.pdf")
    assert (done.exit_code, done.stdout) == (0, "      0  issued\n")
    assert (tmp_path / "l.pdf").read_bytes() == b""


@pytest.mark.parametrize("spare", [(), ("--without-live-key",)])
def test_letters_that_broke_off_begin_anew_and_no_two_of_a_persons_keys_live(
    moncompte: Moncompte, tmp_path: Path, portal: Portal, monkeypatch: pytest.MonkeyPatch, spare: tuple[str, ...]
) -> None:
    usual = PrintRun._now
    calls: list[int] = []

    def breaking(run: PrintRun) -> str:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return usual(run)

    pdf = tmp_path / "letters.pdf"
    monkeypatch.setattr(PrintRun, "_now", breaking)
    broken = moncompte("issue", "--filter", "(uid=*)", "--letters", pdf, *spare)
    assert (broken.exit_code, "interrupted" in broken.stderr) == (130, True)
    assert f"--resume {pdf}.batch" in broken.stderr
    half = [key_on(page) for page in pages(pdf)]
    assert half
    done = moncompte("issue", "--resume", f"{pdf}.batch")
    assert done.exit_code == 0, done.output
    printed = [key_on(page) for page in pages(pdf)]
    live = {found.uid: found.key for found in portal.directory.accounts() if found.key}
    assert len(printed) == len(live) > len(half)
    for key in printed:
        assert sum(keys.verify(key.replace("-", ""), found.hash) for found in live.values()) == 1
    assert not any(keys.verify(key.replace("-", ""), found.hash) for key in half for found in live.values())
