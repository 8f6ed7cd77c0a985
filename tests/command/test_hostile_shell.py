"""Keys in a shared folder, a sheet that was meddled with, a shell that is half closed: nothing leaks, no paper lies."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from connector import batch, keys
from connector.cli import shell
from connector.clock import utc_now
from connector.demo.slapd import PrivateSlapd
from connector.letters import pictures
from connector.portal import Portal
from tests.portal_fixtures import account
from tests.shell_fixtures import Moncompte, Typed, entry, write

COMMAND = str(Path(sys.executable).with_name("moncompte"))
BOTH = ["csv", "letters"]


@pytest.fixture
def now_portal(portal: Portal) -> Portal:
    portal.now = utc_now
    return portal


@pytest.fixture
def planting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Something is done by somebody else as soon as the record has its name."""

    def plant(deed: Callable[[], object]) -> None:
        usual = batch._name

        def named(part: Path, path: Path) -> None:
            usual(part, path)
            deed()

        monkeypatch.setattr(batch, "_name", named)

    return plant


def issued(slapd: PrivateSlapd) -> list[object]:
    return list(slapd.search("(moncompteKeyHash=*)", base=slapd.people_dn))


@pytest.mark.parametrize("kind", BOTH)
def test_a_file_that_somebody_puts_there_meanwhile_gets_no_key(
    moncompte: Moncompte, slapd: PrivateSlapd, tmp_path: Path, planting: Callable[..., None], kind: str
) -> None:
    paper = tmp_path / "paper"
    planting(paper.touch)
    done = moncompte("issue", "--filter", "(uid=*)", f"--{kind}", paper)
    assert (done.exit_code, "exists already" in done.stderr) == (1, True)
    assert (paper.read_bytes(), issued(slapd)) == (b"", [])


def others(path: Path) -> None:
    path.touch()
    path.chmod(0o666)


def anothers(path: Path) -> None:
    path.touch(0o600)
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    "plant",
    [
        others,
        pytest.param(anothers, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")),
        os.mkfifo,
        lambda path: path.symlink_to("elsewhere"),
    ],
    ids=["open-to-others", "anothers", "pipe", "link"],
)
def test_nor_when_the_batch_is_gone_on_with(
    moncompte: Moncompte,
    slapd: PrivateSlapd,
    tmp_path: Path,
    planting: Callable[..., None],
    plant: Callable[[Path], object],
    kind: str,
) -> None:
    paper = tmp_path / "paper"
    planting(lambda: plant(paper))
    assert moncompte("issue", "--filter", "(uid=*)", f"--{kind}", paper).exit_code == 1
    done = moncompte("issue", "--resume", f"{paper}.batch")
    assert done.exit_code == 1
    assert issued(slapd) == []
    assert not (tmp_path / "elsewhere").exists()


def test_a_record_that_somebody_else_could_write_is_not_followed(moncompte: Moncompte, tmp_path: Path) -> None:
    record = tmp_path / "k.csv.batch"
    record.touch()
    record.chmod(0o666)
    done = moncompte("issue", "--resume", record)
    assert (done.exit_code, "must be a plain file of ours" in done.stderr) == (1, True)


@pytest.fixture
def broken_off(moncompte: Moncompte, tmp_path: Path) -> Path:
    """A sheet of three people whose batch lacks its end and its last person."""
    sheet, record = tmp_path / "k.csv", tmp_path / "k.csv.batch"
    whom = "(|(uid=afontaine)(uid=emercier)(uid=lroy))"
    assert moncompte("issue", "--filter", whom, "--csv", sheet, "--sort", "login").exit_code == 0
    record.write_bytes(b"".join(record.read_bytes().splitlines(keepends=True)[:-2]))
    rows = sheet.read_bytes().splitlines(keepends=True)
    assert len(rows) == 4
    sheet.write_bytes(b"".join(rows[:-1]))
    return sheet


def live(portal: Portal, sheet: Path) -> list[bool]:
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    stored = [account(portal, row["login"]).key for row in rows]
    shown = [row["key"].replace("-", "") for row in rows]
    return [found is not None and keys.verify(key, found.hash) for key, found in zip(shown, stored, strict=True)]


@pytest.mark.parametrize(
    "saved",
    [
        lambda text: text,
        lambda text: "\ufeff" + text.replace("\r\n", "\n"),
        lambda text: re.sub(r"[^,\r\n]+", r'"\g<0>"', text),
    ],
    ids=["as-it-was", "bom-and-lf", "quotes"],
)
def test_a_sheet_that_a_spreadsheet_saved_is_gone_on_with(
    moncompte: Moncompte, broken_off: Path, now_portal: Portal, saved: Callable[[str], str]
) -> None:
    broken_off.write_text(saved(broken_off.read_bytes().decode()), encoding="utf-8", newline="")
    done = moncompte("issue", "--resume", f"{broken_off}.batch")
    assert done.exit_code == 0, done.output
    assert live(now_portal, broken_off) == [True, True, True]


@pytest.mark.parametrize(
    "meddle",
    [
        lambda text: text.replace(",", ";"),
        lambda text: "".join([*text.splitlines(keepends=True)[:1], *text.splitlines(keepends=True)[:0:-1]]),
        lambda text: "my own notes\nwithout an end",
        lambda text: "no line at all",
        lambda text: text.replace("Élodie", "\udce9"),
    ],
    ids=["semicolons", "sorted-anew", "other-file", "other-line", "latin-1"],
)
def test_a_sheet_that_is_no_more_ours_is_left_as_it_is(
    moncompte: Moncompte, broken_off: Path, slapd: PrivateSlapd, meddle: Callable[[str], str]
) -> None:
    text = broken_off.read_bytes().decode()
    broken_off.write_bytes(meddle(text).encode("utf-8", "surrogateescape"))
    before, people = broken_off.read_bytes(), issued(slapd)
    done = moncompte("issue", "--resume", f"{broken_off}.batch")
    assert (done.exit_code, "is it the right file?" in done.stderr) == (1, True), done.output
    assert (broken_off.read_bytes(), issued(slapd)) == (before, people)


def test_a_sheet_that_was_moved_away_or_renamed_keeps_its_keys_alive(
    moncompte: Moncompte, broken_off: Path, now_portal: Portal
) -> None:
    record, moved = Path(f"{broken_off}.batch"), broken_off.with_name("moved.csv")
    broken_off.rename(moved)
    done = moncompte("issue", "--resume", record)
    assert (done.exit_code, "is gone" in done.stderr) == (1, True)
    renamed = record.rename(f"{moved}.batch")
    done = moncompte("issue", "--resume", renamed)
    assert (done.exit_code, "rename both back" in done.stderr) == (1, True)
    assert live(now_portal, moved) == [True, True]


def test_letters_do_not_take_the_place_of_another_file(moncompte: Moncompte, tmp_path: Path) -> None:
    pdf, record = tmp_path / "l.pdf", tmp_path / "l.pdf.batch"
    assert moncompte("issue", "--filter", "(uid=emercier)", "--letters", pdf).exit_code == 0
    record.write_bytes(b"".join(record.read_bytes().splitlines(keepends=True)[:-1]))
    pdf.write_text("my notes", encoding="utf-8")
    done = moncompte("issue", "--resume", record)
    assert (done.exit_code, pdf.read_text(encoding="utf-8")) == (1, "my notes")


@pytest.mark.parametrize("change", [{"out": "../x"}, {"out": 5}, {"template": 5}, {"never_activated": "yes"}])
def test_a_record_that_was_edited_is_told(moncompte: Moncompte, broken_off: Path, change: dict[str, object]) -> None:
    record = Path(f"{broken_off}.batch")
    head, *lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    record.write_text(json.dumps(json.loads(head) | change) + "\n" + "".join(lines), encoding="utf-8")
    done = moncompte("issue", "--resume", record)
    assert (done.exit_code, done.stderr.startswith("Error: ")) == (1, True), done.output


def test_two_people_with_one_login_get_no_letter_that_opens_nothing(
    moncompte: Moncompte, slapd: PrivateSlapd, people: dict[str, str], tmp_path: Path
) -> None:
    usual = "objectClass: inetOrgPerson\nobjectClass: eduPerson\neduPersonAffiliation: student\nsn: Twin\n"
    twins = {"one": ["twin"], "two": ["TWIN"], "three": ["first", "emercier"]}
    for name, logins in twins.items():
        uids = "".join(f"uid: {login}\n" for login in logins)
        slapd.add_ldif(f"dn: cn={name},{slapd.people_dn}\n{usual}cn: {name}\n{uids}\n")
    sheet = tmp_path / "k.csv"
    done = moncompte("issue", "--filter", "(|(sn=Twin)(uid=emercier)(uid=lroy))", "--csv", sheet)
    assert (done.exit_code, "3  nobody, or two people" in done.stdout) == (1, True), done.output
    with sheet.open(encoding="utf-8") as file:
        assert sorted(row["login"] for row in csv.DictReader(file)) == ["first", "lroy"]


def test_no_cell_is_a_formula_wherever_a_spreadsheet_parts_it(
    moncompte: Moncompte, slapd: PrivateSlapd, people: dict[str, str], tmp_path: Path
) -> None:
    slapd.add_ldif(
        f"dn: {people['emercier']}\nchangetype: modify\nreplace: displayName\ndisplayName: =1+1; =2\n-\n"
        "replace: supannEntiteAffectation\nsupannEntiteAffectation: a;@b\n"
    )
    sheet = tmp_path / "k.csv"
    assert moncompte("issue", "--filter", "(uid=emercier)", "--csv", sheet).exit_code == 0
    text = sheet.read_text(encoding="utf-8")
    assert "'=1+1; '=2" in text
    assert "a;'@b" in text


def run(settings: Path, redirect: str, *words: str) -> subprocess.CompletedProcess[str]:
    line = f'exec "$0" "$@" {redirect}'
    whole = ["sh", "-c", line, COMMAND, words[0], "--settings", str(settings), *words[1:]]
    return subprocess.run(whole, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("redirect", [">&-", ">/dev/full"])
@pytest.mark.parametrize("command", [("issue", "emercier"), ("stats",), ("settings",)])
def test_what_nobody_could_read_is_no_success(
    settings_file: Path, people: dict[str, str], redirect: str, command: tuple[str, ...]
) -> None:
    done = run(settings_file, redirect, *command)
    assert done.returncode != 0
    assert "standard output: No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_standard_error_stops_nothing(settings_file: Path, people: dict[str, str], tmp_path: Path) -> None:
    sheet = tmp_path / "k.csv"
    done = run(settings_file, "2>&-", "issue", "--filter", "(uid=emercier)", "--csv", str(sheet))
    assert (done.returncode, stat.S_IMODE(sheet.stat().st_mode)) == (0, 0o600)
    assert sheet.read_text(encoding="utf-8").count("\n") == 2


def test_a_name_steers_no_terminal(moncompte: Moncompte, slapd: PrivateSlapd, people: dict[str, str]) -> None:
    slapd.add_ldif(
        f"dn: {people['emercier']}\nchangetype: modify\nreplace: displayName\ndisplayName:: G11dMDtvd25lZAc=\n"
    )
    done = moncompte("issue", "emercier")
    assert done.exit_code == 0
    assert "\x1b" not in done.output


def test_an_error_steers_no_terminal(slapd: PrivateSlapd) -> None:
    said = shell.Failure("cn=a\x1b]0;b\x07\nsecond line").message
    assert said == "cn=a\\x1b]0;b\\x07\nsecond line"


def test_the_line_that_ends_a_lock_for_good_does_so_whatever_the_dn(
    typed: Typed, slapd: PrivateSlapd, people: dict[str, str]
) -> None:
    dn = f"cn=Doe\\, 100%s \\22J\\22 \x1b[31mé,{slapd.people_dn}"
    slapd.add_ldif(
        f"dn: {dn}\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\n"
        "eduPersonAffiliation: student\nuid: doe\nsn: Doe\n"
    )
    write(slapd, dn, "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n")
    line = typed("unlock", "doe", code=1).stderr.splitlines()[-1]
    server = shlex.join(["-H", slapd.ldapi_uri, *slapd.as_root])
    assert "\x1b" not in line
    done = re.sub(r"-x -D ADMIN_DN -W -H \S+", lambda _: server, line)
    subprocess.run(["sh", "-c", done], check=True, capture_output=True)
    assert "pwdAccountLockedTime" not in entry(slapd, "doe")


@pytest.mark.parametrize(("height", "width"), [(0, 0), (0, 9), (0xFFFF, 0xFFFF), (30000, 30000)])
def test_a_logo_of_no_size_or_of_any_is_told(tmp_path: Path, height: int, width: int) -> None:
    path = tmp_path / "logo.jpg"
    path.write_bytes(b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03")
    with pytest.raises(ValueError, match="pixels"):
        pictures._jpeg(path)
