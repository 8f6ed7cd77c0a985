"""Letters: what is on the paper is what the person needs, and a key is nowhere else."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import cairocffi
import pytest
import zxingcpp

from connector import keys
from connector.errors import LetterRefused, SettingsInvalid
from connector.letters import Letter, Printer, Template
from connector.letters.stationery import Stationery
from connector.settings import Web, config_folder
from connector.settings.theme import Theme

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
UNTIL = datetime(2026, 9, 22, 16, tzinfo=UTC)
WEB = Web.model_validate({"portal_url": "https://moncompte.universite.example/", "secret_key": "x" * 40})
THEME = Theme.load("dordogne")
KEY = keys.mint()
ZOE = Letter("Zoé Martin", "zmartin", KEY, UNTIL, "Licence 2 Informatique", ("3 rue des Lilas", "38000 GRENOBLE"))
NAMES = (
    "Łukasz Żółć-Świątek",
    "Nguyễn Thị Ngọc Ánh Đặng",
    "Gülşah İğdır",
    "Ștefan Ćurčić",
    "Πηνελόπη Παπαδοπούλου",
    "Marie‑Noëlle d’Œuvre",
)


@lru_cache
def printer(language: str = "fr") -> Printer:
    return printer_of(config_folder() / "letters" / language)


def printer_of(folder: Path, theme: Theme = THEME) -> Printer:
    return Printer(Template.load_all(folder), WEB, theme, NOW)


def printed(*letters: Letter, on: Printer | None = None) -> bytes:
    out = io.BytesIO()
    assert (on or printer()).write(out, letters) == len(letters)
    return out.getvalue()


def texts(pdf: bytes) -> list[str]:
    """The text of each page, blanks run together."""
    said = subprocess.run(["pdftotext", "-enc", "UTF-8", "-", "-"], input=pdf, capture_output=True, check=True).stdout
    return [" ".join(page.split()) for page in said.decode().split("\f")[:-1]]


def picture(pdf: bytes, dots: int = 150) -> tuple[memoryview, int, int]:
    """The first page in grey, as a scanner would see it: pixels, width, height."""
    command = ["pdftoppm", "-r", str(dots), "-gray", "-l", "1", "-singlefile", "-"]
    grey = subprocess.run(command, input=pdf, capture_output=True, check=True).stdout
    header = re.match(rb"P5\s(\d+) (\d+)\s255\s", grey)
    assert header
    width, height = int(header[1]), int(header[2])
    return memoryview(grey[header.end() :]).cast("B", shape=(height, width)), width, height


def template(folder: Path, change: str = "", to: str = "", **files: bytes) -> Path:
    """A copy of the French template with one text in place of another."""
    text = (config_folder() / "letters/fr/letter.toml").read_text(encoding="utf-8")
    assert change in text
    (folder / "letter.toml").write_text(text.replace(change, to, 1), encoding="utf-8")
    for name, octets in files.items():
        (folder / name.replace("_", ".")).write_bytes(octets)
    return folder


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_page_holds_all_that_one_needs(language: str) -> None:
    (page,) = texts(printed(ZOE, on=printer(language)))
    for text in (
        *ZOE.address,
        ZOE.name,
        ZOE.uid,
        ZOE.programme,
        keys.show(KEY),
        "moncompte.universite.example",
        THEME.words(language).desk,
    ):
        assert text in page
    assert ("mardi 22 septembre 2026 à 18 h 00" if language == "fr" else "Tuesday 22 September 2026 at 18:00") in page


def test_the_first_of_a_month_is_said_as_in_french() -> None:
    assert "le 1er septembre 2026" in texts(printed(ZOE))[0]


@pytest.mark.parametrize("dots", [100, 300])
def test_a_telephone_reads_login_and_key_in_the_fragment(dots: int) -> None:
    letter = replace(ZOE, uid="zoé+martin&co")
    (code,) = zxingcpp.read_barcodes(picture(printed(letter), dots)[0], zxingcpp.BarcodeFormat.QRCode)
    assert code.text == f"{WEB.portal_url}#identifiant=zo%C3%A9%2Bmartin%26co&cle={keys.show(KEY)}"
    assert keys.show(KEY) not in code.text.partition("#")[0]


def test_pages_come_in_the_order_given() -> None:
    letters = [replace(ZOE, name=f"Personne {number}") for number in (3, 1, 2)]
    assert [re.findall(r"Bonjour Personne (\d)", page) for page in texts(printed(*letters))] == [["3"], ["1"], ["2"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_other_letters_is_printed_as_it_is(name: str) -> None:
    assert printer().problems(replace(ZOE, name=name)) == []
    assert f"Bonjour {name}," in texts(printed(replace(ZOE, name=name)))[0]


@pytest.mark.parametrize(("name", "told"), [("李小龙", "U+5C0F"), ("محمد", "U+062D"), ("Zoé\x07", "U+0007")])
def test_a_name_that_no_font_shows_is_told_not_printed(name: str, told: str) -> None:
    letter = replace(ZOE, name=name)
    with pytest.raises(LetterRefused, match=re.escape(told)) as refused:
        printed(letter)
    assert (refused.value.uid, refused.value.problems) == ("zmartin", printer().problems(letter))
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("letter", "told"),
    [
        (replace(ZOE, address=("x",) * 6), "7 lines"),
        (replace(ZOE, uid="x" * 200), "too long for one line"),
        (replace(ZOE, name="Anne " * 400), "too long for one page"),
        (replace(ZOE, programme="Master " * 90), "footer"),
    ],
)
def test_what_does_not_fit_is_told(letter: Letter, told: str) -> None:
    assert told in "; ".join(printer().problems(letter))
    with pytest.raises(LetterRefused, match=told):
        printed(letter)


LONG = (
    replace(ZOE, name="Maximilien-Alexandre de La Rochefoucauld-Montmorency d’Espérandieu"),
    replace(ZOE, name="W" * 60, uid="w" * 30),
    replace(ZOE, programme="Master Métiers de l’enseignement, de l’éducation et de la formation, second degré, " * 3),
    replace(ZOE, address=("Résidence Les Tilleuls, bâtiment C, ap. 12",) * 5),
    replace(ZOE, name="Anne-Charlotte Marie " * 12, address=()),
)


@pytest.mark.parametrize("letter", LONG)
def test_nothing_long_runs_into_anything_or_off_the_page(letter: Letter) -> None:
    """The boxes of all words that poppler finds: apart from each other, and on the paper."""
    page = printed(letter)
    command = ["pdftotext", "-bbox-layout", "-", "-"]
    said = subprocess.run(command, input=page, capture_output=True, check=True).stdout.decode()
    lines = re.findall(r'<line xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)"', said)
    boxes = [tuple(map(float, line)) for line in lines]
    assert len(boxes) > 15
    assert all(x0 > 10 and y0 > 10 and x1 < 595 - 10 and y1 < 842 - 10 for x0, y0, x1, y1 in boxes)
    assert not [(one, other) for one in boxes for other in boxes if one < other and _cross(one, other)]
    assert len(texts(page)) == 1


def _cross(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Overlap, but for the room that a font keeps above and below its letters: a third of a line."""
    slack = 0.34 * min(one[3] - one[1], other[3] - other[1])
    x = min(one[2], other[2]) - max(one[0], other[0])
    y = min(one[3], other[3]) - max(one[1], other[1])
    return x > 0 and y > slack


def test_an_address_shows_in_every_window() -> None:
    """100 × 35 mm, 20 mm from the right and from the bottom of a DL envelope, the paper slipped to either side."""
    said = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"],
        input=printed(replace(ZOE, address=("Bâtiment C",) * 5)),
        capture_output=True,
        check=True,
    ).stdout.decode()
    boxes = re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(Bâtiment|C)<', said)
    assert len(boxes) == 10
    millimetres = [tuple(float(value) * 25.4 / 72 for value in box[:4]) for box in boxes]
    assert all(x0 >= 100 and x1 <= 190 and y0 >= 53 and y1 <= 80 for x0, y0, x1, y1 in millimetres)


def test_the_key_is_on_its_page_and_nowhere_else() -> None:
    pdf = printed(ZOE)
    about = subprocess.run(["pdfinfo", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    assert "Votre compte numérique" in about
    for form in (KEY, keys.show(KEY)):
        assert form.encode() not in pdf
        assert form not in about
        assert form not in repr(ZOE)
        assert form not in repr(printer())
        assert form not in repr(printer()._for(ZOE).arrange(ZOE).marks)


def test_whatever_stops_it_leaves_a_pdf_of_the_pages_so_far() -> None:
    def letters() -> Iterator[Letter]:
        yield ZOE
        yield replace(ZOE, name="Deuxième")
        raise KeyboardInterrupt

    out = io.BytesIO()
    with pytest.raises(KeyboardInterrupt) as stopped:
        printer().write(out, letters())
    assert stopped.tb  # which keeps alive what would finish the file by being forgotten
    assert out.getvalue().endswith(b"%%EOF\n")
    assert ["Deuxième" in page for page in texts(out.getvalue())] == [False, True]


def test_half_a_letter_comes_out_white(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted between two lines of the second page."""
    draw, drawn = Stationery._text, []

    def text(self: Stationery, context: cairocffi.Context, mark: object) -> None:
        drawn.append(mark)
        if len(drawn) == 60:
            raise KeyboardInterrupt
        draw(self, context, mark)  # type: ignore[arg-type]

    monkeypatch.setattr(Stationery, "_text", text)
    out = io.BytesIO()
    with pytest.raises(KeyboardInterrupt):
        printer().write(out, [ZOE, ZOE, ZOE])
    assert [_is_white(out.getvalue(), number) for number in (1, 2)] == [False, True]


def _is_white(pdf: bytes, number: int) -> bool:
    command = ["pdftoppm", "-r", "20", "-gray", "-f", str(number), "-singlefile", "-"]
    return set(subprocess.run(command, input=pdf, capture_output=True, check=True).stdout[20:]) == {255}


def test_a_full_disk_is_told_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    asked = []

    def letters() -> Iterator[Letter]:
        for number in range(5000):
            asked.append(number)
            yield ZOE

    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        printer().write(full, letters())
    assert len(asked) < 5000
    assert capfd.readouterr().err == ""


def test_a_broken_template_tells_all_its_faults(tmp_path: Path) -> None:
    (tmp_path / "letter.toml").write_text(
        """
        colour = "blue"
        [page]
        language = "klingon"
        until_pattern = "EEEE"
        color = "blue"
        size = 99
        [sender]
        name = "{key}"
        logo = "logo.svg"
        [address]
        left = "a"
        [text]
        subject = "{surname}"
        greeting = "{uid"
        opening = ["{name.__class__}"]
        steps = []
        login_label = ""
        key_label = ""
        walid = ""
        """,
        encoding="utf-8",
    )
    with pytest.raises(SettingsInvalid) as refused:
        Template.load(tmp_path)
    told = "\n".join(refused.value.problems)
    for fault in (
        "[colour]: unknown; known: page, sender, address, text",
        "[page] language",
        "[page] color",
        "[page] size",
        "[sender] name: unknown placeholder {key}; known: {name}, {uid}",
        "[sender] logo",
        "[address] left",
        "[text] subject: unknown placeholder {surname}",
        "[text] greeting",
        "[text] opening, line 1: unknown placeholder {name.__class__}",
        "[text] steps",
        "[text] walid: unknown; known:",
        "[text] valid: ",
    ):
        assert f"{tmp_path / 'letter.toml'}: {fault}" in told
    assert len(refused.value.problems) == 13


@pytest.mark.parametrize("content", [b"\xff", b"a = "])
def test_a_file_that_is_not_toml_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letter.toml").write_bytes(content)
    with pytest.raises(SettingsInvalid, match="is not TOML"):
        Template.load(tmp_path)
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        Template.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "to", "told"),
    [
        ('"DejaVuSans.ttf"', '"Nowhere.ttf"', "Nowhere.ttf is neither there"),
        ('["DejaVuSansMono-Bold.ttf"]', '["DejaVuSans.ttf"]', "every character as wide"),
        ('["DejaVuSansMono-Bold.ttf"]', '["letter.toml"]', "is not a font"),
        ('logo = ""', 'logo = "gone.png"', "gone.png cannot be read"),
        ('logo = ""', 'logo = "bad.png"', "bad.png is not a PNG"),
        ('logo = ""', 'logo = "bad.jpg"', "bad.jpg is not a JPEG"),
        ("opening = [\n", "opening = [\n" + '"' + "mot " * 1200 + '",\n', "too long for one page"),
        ('"Direction du numérique"', '"' + "numérique " * 60 + '"', "[sender]"),
    ],
)
def test_a_template_that_cannot_be_printed_is_told_before_the_first_letter(
    tmp_path: Path, change: str, to: str, told: str
) -> None:
    folder = template(tmp_path, change, to, bad_png=b"\x89PNG\r\n", bad_jpg=b"\xff\xd8\xff\xe0\x00\x02\xff")
    with pytest.raises(SettingsInvalid, match=re.escape(told)):
        printer_of(folder)


def _logo_png(folder: Path) -> None:
    surface = cairocffi.ImageSurface(cairocffi.FORMAT_RGB24, 300, 100)
    context = cairocffi.Context(surface)
    context.set_source_rgb(0, 0, 0)
    context.paint()
    surface.write_to_png(str(folder / "logo.png"))


@pytest.mark.parametrize("name", ["logo.png", "logo.jpg"])
def test_a_logo_is_printed_and_stored_once(tmp_path: Path, name: str) -> None:
    template(tmp_path, 'logo = ""', f'logo = "{name}"')
    _logo_png(tmp_path)
    if name.endswith("jpg"):  # poppler makes a real one of a black page
        black = cairocffi.PDFSurface(str(tmp_path / "page.pdf"), 300, 100)
        cairocffi.Context(black).paint()
        black.finish()
        command = ["pdftoppm", "-jpeg", "-r", "20", "-singlefile", "page.pdf", "logo"]
        subprocess.run(command, cwd=tmp_path, check=True)
    on = printer_of(tmp_path)
    pdf = printed(ZOE, ZOE, ZOE, on=on)
    plain, _, _ = picture(printed(ZOE), 50)
    logo, _, _ = picture(pdf, 50)
    corner = [(y, x) for y in range(26, 50) for x in range(40, 60)]
    assert sum(plain[place] for place in corner) > sum(logo[place] for place in corner)
    objects = _images(pdf)
    assert len(objects) == 3
    assert len(set(objects)) == 1


def _images(pdf: bytes) -> list[str]:
    """The object of each picture on each page, but for QR codes and the transparency of others."""
    images = subprocess.run(["pdfimages", "-list", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return [line.split()[10] for line in images.splitlines()[2:] if line.split()[2] not in {"stencil", "smask"}]


def test_everybody_gets_a_letter_in_their_language_in_the_order_given() -> None:
    letters = [replace(ZOE, uid=f"{place}", language=language) for place, language in enumerate(("en", "fr", "en"))]
    pdf = printed(*letters, on=printer_of(config_folder() / "letters"))
    assert [re.findall("Bonjour|Dear", page) for page in texts(pdf)] == [["Dear"], ["Bonjour"], ["Dear"]]
    assert [THEME.words(language).desk in page for page, language in zip(texts(pdf), ("en", "fr", "en"), strict=True)]
    about = subprocess.run(["pdfinfo", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    assert "Votre compte numérique" in about


def test_who_reads_none_of_the_templates_languages_gets_the_first(tmp_path: Path) -> None:
    for folder, language in ((config_folder() / "letters" / "en", "fr"), (template(_folder(tmp_path / "fr")), "en")):
        one = printed(replace(ZOE, language=language), on=printer_of(folder))
        assert ("Bonjour" in texts(one)[0]) == (language == "en")
    template(tmp_path, "Bonjour {name}", "Ohé {name}")  # beside its folders: for everybody
    assert "Ohé" in texts(printed(ZOE, on=printer_of(tmp_path)))[0]


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_the_faults_of_every_language_are_told_at_once(tmp_path: Path) -> None:
    for language in ("fr", "en"):
        template(_folder(tmp_path / language), "size = 10", "size = 99")
    with pytest.raises(SettingsInvalid) as read:
        Template.load_all(tmp_path)
    assert [Path(problem.partition(":")[0]).parent.name for problem in read.value.problems] == ["fr", "en"]
    for language in ("fr", "en"):
        template(tmp_path / language, 'logo = ""', 'logo = "gone.png"')
    with pytest.raises(SettingsInvalid) as made:
        printer_of(tmp_path)
    assert [Path(problem.partition(":")[0]).name for problem in made.value.problems] == ["fr", "en"]


def test_what_the_template_leaves_empty_is_the_themes(tmp_path: Path) -> None:
    """The colour of the line around the panel, in the middle of its upper side; and the logo."""
    other = Theme.load("garonne")
    for theme, own, seen in (
        (THEME, "", THEME.light.accent),
        (other, "", other.light.accent),
        (other, "#8a1c1c", "#8a1c1c"),
    ):
        folder = template(tmp_path, 'color = ""', f'color = "{own}"')
        tones = printer_of(folder, theme)._stationery["fr"]._tones
        assert tones["accent"] == tuple(int(seen[place : place + 2], 16) / 255 for place in (1, 3, 5))
    for logo, theme, images in (("", THEME, 1), ("none", THEME, 0), ("None", THEME, 0), ("", _without_logo(), 0)):
        folder = template(tmp_path, 'logo = ""', f'logo = "{logo}"')
        assert len(_images(printed(ZOE, on=printer_of(folder, theme)))) == images


def _without_logo() -> Theme:
    return THEME.model_copy(update={"look": THEME.look.model_copy(update={"mail_logo": ""})})


def test_a_colour_that_paper_does_not_show_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"\[page\] color: #ffcc00 on white paper has a contrast of 1\.5"):
        printer_of(template(tmp_path, 'color = ""', 'color = "#ffcc00"'))


def test_a_text_too_long_is_set_smaller_before_it_is_refused(tmp_path: Path) -> None:
    folder = template(tmp_path, "opening = [\n", "opening = [\n" + '"' + "mot " * 150 + '",\n')
    on = printer_of(folder)
    sizes = {mark.size for mark in on._for(ZOE).arrange(ZOE).marks if mark.text.startswith("mot mot")}
    assert len(sizes) == 1
    assert sizes < {8.0, 8.5, 9.0, 9.5}


def test_a_host_without_cairo_does_all_but_letters_and_charts() -> None:
    """The dynamic linker finds no libcairo, in a process of its own."""
    script = f"""
import cffi, pathlib
def dlopen(*_): raise OSError("no such library")
cffi.FFI.dlopen = dlopen
import connector.cli
from connector import charts, letters
from connector.errors import SettingsInvalid
template = letters.Template.load(pathlib.Path({str(config_folder() / "letters/fr")!r}))
for act in (lambda: letters.Printer(dict(fr=template), None, None, None), lambda: charts.bars("t", [], {{}})):
    try:
        act()
    except SettingsInvalid as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.count("apt-get install libcairo2") == 2
