"""A theme: whatever is wrong with it is told at once, and nothing it says makes a page that cannot be read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.doctor import Level
from connector.doctor import theme as doctor
from connector.errors import SettingsInvalid
from connector.settings import config_folder
from connector.settings.colors import PAIRS, SHAPE, TEXT, Dark, Light, Palette, contrast
from connector.settings.theme import Accessibility, Look, Theme, Words
from tests.test_floors import ROOT

SAMPLE = config_folder() / "theme/dordogne/theme.toml"
LEAST = '[fr]\nuniversity = "Université de Saint-Pol"\ndesk = "le guichet"\n'
PNG = b"\x89PNG\r\n\x1a\n"
STYLE = re.sub(r"/\*.*?\*/", "", (ROOT / "webui/static/style.css").read_text(encoding="utf-8"), flags=re.DOTALL)
TOKENS = [name.replace("_", "-") for name in Palette.model_fields]


def theme(folder: Path, text: str = "", least: str = LEAST, **files: bytes) -> Theme:
    """A theme that says ``text`` and what every theme must."""
    (folder / "theme.toml").write_text(text + least, encoding="utf-8")
    for name, octets in files.items():
        (folder / name.replace("_", ".")).write_bytes(octets)
    return Theme.load(str(folder))


def faults(folder: Path, text: str = "", least: str = LEAST) -> list[str]:
    """What is told of it, the file's name taken off."""
    with pytest.raises(SettingsInvalid) as refused:
        theme(folder, text, least)
    file = f"{folder / 'theme.toml'}: "
    assert all(problem.startswith(file) for problem in refused.value.problems)
    return [problem.removeprefix(file) for problem in refused.value.problems]


@pytest.mark.parametrize("name", ["dordogne", "garonne"])
def test_a_sample_loads_by_its_name_and_by_its_folder(name: str) -> None:
    sample = Theme.load(name)
    assert sample == Theme.load(str(sample.folder))
    for language in ("fr", "en"):
        words = sample.words(language)
        assert all((words.university, words.desk, words.hours, words.controller, words.data_protection))
    assert (sample.folder / sample.look.logo).is_file()
    assert (sample.folder / sample.look.mail_logo).is_file()


def test_the_samples_differ_in_all_that_one_sees() -> None:
    one, other = Theme.load("dordogne"), Theme.load("garonne")
    assert one.look.radius != other.look.radius
    assert one.look.heading_fonts != other.look.heading_fonts
    for ours, theirs in ((one.light, other.light), (one.dark, other.dark)):
        assert not [name for name, color in ours if color == getattr(theirs, name)]


def test_a_sample_documents_every_line_and_every_default() -> None:
    text = re.sub(r"(?m)^# (?=[a-z_]+ = )", "", SAMPLE.read_text(encoding="utf-8"))
    told, set_there = tomllib.loads(text), tomllib.loads(SAMPLE.read_text(encoding="utf-8"))
    tables = {"look": Look, "light": Light, "dark": Dark, "fr": Words, "accessibility": Accessibility}
    assert told.keys() == tables.keys() | {"en"} == Theme.model_fields.keys() - {"folder"}
    for table, model in tables.items():
        assert told[table].keys() == model.model_fields.keys(), table
        commented = {name: value for name, value in told[table].items() if name not in set_there[table]}
        defaults = {name: model.model_fields[name].default for name in commented}
        assert commented == {name: 0 if value is None else value for name, value in defaults.items()}


def test_every_fault_is_told_at_once_with_table_name_and_what_is_expected(tmp_path: Path) -> None:
    told = faults(
        tmp_path,
        """
        color = "blue"
        [look]
        logo = "gone.svg"
        mail_logo = "logo.svg"
        radius = 99
        shadow = 1
        text_fonts = "Georgia, 'Times"
        [light]
        ink = "black"
        [dark]
        soft = "#222222"
        [accessibility]
        rate = 101
        audited = "2026-02-30"
        [en]
        help_url = "javascript:alert(1)"
        """,
        least='[fr]\ndesk = ""\ntitle = "Université"\n',
    )
    for fault in (
        "[color]: unknown; known: look, light, dark, fr, en, accessibility",
        "[look] logo: gone.svg is not there (expected: an SVG, PNG, JPEG or WebP file beside this one",
        '[look] mail_logo: "logo.svg" will not do (expected: a PNG or JPEG file',
        "[look] radius: ",
        "[look] shadow: unknown; known: logo, mail_logo, radius",
        '[look] text_fonts: "Georgia, \'Times" will not do (expected: names of fonts',
        '[light] ink: "black" will not do (expected: such as #0d5c63)',
        "[dark]: soft on paper has a contrast of 1.14, 4.5 at least; soft on sheet has",
        "[accessibility] rate: ",
        '[accessibility] audited: no day of the calendar (expected: a date, such as "2026-09-01")',
        "[fr] university: missing",
        "[fr] desk: empty",
        "[fr] title: unknown; known: university, desk",
        '[en] help_url: "javascript:alert(1)" will not do (expected: https://…, mailto:… or nothing)',
    ):
        assert [problem for problem in told if problem.startswith(fault)], (fault, told)
    assert len(told) == 14


@pytest.mark.parametrize(
    ("text", "least", "told"),
    [
        ("look = 3\n", LEAST, ["[look]: must be a table"]),
        ("en = 3\n", LEAST, ["[en]: must be a table"]),
        ("fr = 3\n", "", ["[fr]: must be a table"]),
        ("", "", ["[fr]: missing"]),
        ("", '[en]\nuniversity = "U"\ndesk = "d"\n', ["[fr]: missing"]),
    ],
)
def test_what_is_no_table_is_told_once(tmp_path: Path, text: str, least: str, told: list[str]) -> None:
    assert faults(tmp_path, text, least)[: len(told)] == told
    assert len(faults(tmp_path, text, least)) == len(told)


def test_a_logo_that_is_too_heavy_for_every_mail_is_told(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"x" * (64 * 1024 + 1))
    assert faults(tmp_path, '[look]\nlogo = "logo.png"\n')[0].startswith("[look] logo: logo.png is larger than 64 KiB")
    (tmp_path / "logo.png").write_bytes(PNG.ljust(64 * 1024, b"x"))
    assert Theme.load(str(tmp_path)).look.logo == "logo.png"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.png", b"<!doctype html><title>404</title>"),
        ("logo.png", b"RIFF\x10\x00\x00\x00WEBPVP8 "),
        ("logo.jpg", PNG),
        ("logo.webp", b"RIFF\x10\x00\x00\x00WAVE"),
        ("logo.svg", b"<!doctype html><title>404</title>"),
        ("logo.svg", b""),
    ],
)
def test_a_logo_that_is_not_what_its_name_says_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    (told, *_others) = faults(tmp_path, f'[look]\nlogo = "{name}"\n')
    assert told.startswith(f"[look] logo: {name} is another kind of file than its name says")


@pytest.mark.parametrize("name", ["logo.svg", "logo.png", "logo.jpg", "logo.jpeg", "logo.webp"])
def test_a_logo_that_is_a_secret_under_another_name_is_not_shown(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret_key").write_text("0123456789abcdef" * 2)
    (tmp_path / name).symlink_to("secret_key")
    (told, *_others) = faults(tmp_path, f'[look]\nlogo = "{name}"\n')
    assert told.startswith(f"[look] logo: {name} is another kind of file than its name says")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.png", PNG),
        ("logo.jpeg", b"\xff\xd8\xff\xe0"),
        ("logo.webp", b"RIFF\n\x00\x00\x00WEBPVP8 "),
        ("logo.svg", b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- Created with Inkscape -->\n<svg\n width="1"/>'),
        ("logo.svg", b"<svg:svg/>"),
    ],
)
def test_a_logo_is_known_by_how_it_begins(tmp_path: Path, name: str, content: bytes) -> None:
    assert theme(tmp_path, f'[look]\nlogo = "{name}"\n', **{name.replace(".", "_"): content}).look.logo == name


@pytest.mark.parametrize("name", ["Logo UBSE.png", "LOGO.PNG"])
def test_a_logo_whose_name_will_not_do_is_told_what_name_would(tmp_path: Path, name: str) -> None:
    assert "its name without spaces, its end in small letters" in faults(tmp_path, f'[look]\nlogo = "{name}"\n')[0]


def test_a_file_saved_on_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "theme.toml").write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert Theme.load(str(tmp_path)).fr.desk == "le guichet"


def test_a_file_in_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "theme.toml").write_bytes(LEAST.encode("latin-1"))
    with pytest.raises(SettingsInvalid, match=r"theme\.toml: is not TOML: line 2 is not UTF-8; save the file"):
        Theme.load(str(tmp_path))


@pytest.mark.parametrize("content", [b"\xff", b"a = "])
def test_a_file_that_is_not_toml_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "theme.toml").write_bytes(content)
    with pytest.raises(SettingsInvalid, match=r"theme\.toml: is not TOML"):
        Theme.load(str(tmp_path))


def test_a_folder_that_is_not_there_is_told_with_the_setting_that_names_it() -> None:
    for name in ("nowhere", "/nowhere", "."):
        with pytest.raises(SettingsInvalid, match=r"cannot be read: .*; \[web\] theme names its folder"):
            Theme.load(name)


def test_a_folder_is_where_one_stands_whatever_the_samples_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theme(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert Theme.load(".").fr.university == "Université de Saint-Pol"
    (tmp_path / "garonne").mkdir()
    theme(tmp_path / "garonne")
    assert Theme.load("garonne").fr.university == "Université Garonne-Océan"


def test_what_english_does_not_say_is_said_as_in_french(tmp_path: Path) -> None:
    read = theme(tmp_path, '[en]\ndesk = "the desk"\nhelp_url = ""\n', LEAST + 'help_url = "https://aide.example/"\n')
    french, english = read.words("fr"), read.words("en")
    assert (english.university, english.desk) == (french.university, "the desk")
    assert (french.help_url, english.help_url) == ("https://aide.example/", "")
    bare = theme(tmp_path)
    assert bare.words("en") == bare.words("fr")


@pytest.mark.parametrize(
    "fonts",
    [
        "Georgia; } body { display: none",
        'Georgia, "Noto',
        '"a"; } body { display: none } b { c: "d"',
        "'a'; } body { display: none } b { c: 'd'",
        "Georgia, 'Noto\"",
        "url(https://elsewhere.example/a.woff)",
        "Georgia,,serif",
        "Georgia\n",
    ],
)
def test_no_name_of_a_font_gets_out_of_its_line_of_the_stylesheet(tmp_path: Path, fonts: str) -> None:
    written = fonts.replace("\n", "\\n").replace('"', '\\"')
    assert "will not do" in faults(tmp_path, f'[look]\ntext_fonts = "{written}"\n')[0]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [  # as WCAG's own examples and tools have them
        ("#000000", "#ffffff", 21.0),
        ("#FFFFFF", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.0),
        ("#0000ff", "#ffffff", 8.59),
        ("#0a0a0a", "#000000", 1.06),
    ],
)
def test_contrast_is_what_wcag_says(one: str, other: str, ratio: float) -> None:
    assert round(contrast(one, other), 2) == round(contrast(other, one), 2) == ratio


@pytest.mark.parametrize("palette", [Light, Dark])
@pytest.mark.parametrize(("front", "behind", "least"), PAIRS)
def test_each_pair_that_must_be_legible_is_judged(
    tmp_path: Path, palette: type[Palette], front: str, behind: str, least: float
) -> None:
    """Both in one grey: the pair is told, with its figure."""
    table = palette.__name__.lower()
    told = faults(tmp_path, f'[{table}]\n{front} = "#808080"\n{behind} = "#808080"\n')
    assert f"{front} on {behind} has a contrast of 1.00, {least} at least" in told[0]


def rules() -> Iterator[tuple[str, str]]:
    """Selector and declarations of each rule of the stylesheet."""
    yield from ((" ".join(rule.split()), body) for rule, body in re.findall(r"([^{}]+)\{([^{}]*)\}", STYLE))


def tokens(body: str, properties: str) -> set[str]:
    """The theme's colours that these properties are set to."""
    values = re.findall(rf"(?:^|;)\s*(?:{properties}):([^;]*)", body)
    return {name.replace("-", "_") for value in values for name in re.findall(r"var\(--([\w-]+)\)", value)} & {
        *Palette.model_fields
    }


def test_whatever_the_stylesheet_sets_on_something_is_judged() -> None:
    """A rule that sets both is one pair; else text is on the sheet, and on a background there is ink."""
    judged = {(front, behind) for front, behind, least in PAIRS if least == TEXT}
    seen = set()
    for rule, body in rules():
        texts, backgrounds = tokens(body, "color"), tokens(body, "background(?:-color)?")
        if re.search(r"^\.bar|data-strength|linear-gradient", rule + body):
            continue  # shapes
        pairs = {(text, behind) for text in texts or {"ink"} for behind in backgrounds or {"sheet"}}
        if texts or backgrounds:
            assert pairs <= judged, rule
            seen |= pairs
    assert {("on_accent", "accent"), ("alarm", "sheet"), ("ink", "wash"), ("soft", "sheet")} <= seen


def test_whatever_shape_the_stylesheet_draws_is_judged() -> None:
    """All but the lines that only part: a border that tells a field, a state or the focus is seen."""
    judged = {front for front, behind, least in PAIRS if behind == "sheet" and least >= SHAPE}
    drawn = set().union(*(tokens(body, "border[a-z-]*|outline|box-shadow|background") for _, body in rules()))
    behind = {"paper", "sheet", "wash", "alarm_wash"}
    assert drawn - behind - {"rule"} <= judged
    assert {"edge", "accent", "alarm", "fair"} <= drawn


def test_the_focus_is_seen_wherever_it_may_be() -> None:
    """Its ring is drawn around links and buttons on every ground."""
    (ring,) = [body for rule, body in rules() if rule == ":focus-visible"]
    (color,) = tokens(ring, "outline")
    judged = {behind for front, behind, least in PAIRS if front == color and least >= SHAPE}
    assert {"paper", "sheet", "wash", "alarm_wash"} <= judged


def test_every_colour_of_a_theme_is_used_and_no_other() -> None:
    used = {name for _, body in rules() for name in re.findall(r"var\(--([\w-]+)\)", body)}
    own = set(re.findall(r"(?m)^\s*--([\w-]+):", STYLE))
    assert set(TOKENS) <= used
    assert used <= {*TOKENS, *own, "radius", "text", "heading"}


# What the doctor says


def found(folder: Path) -> dict[str, list[str]]:
    """What ``moncompte check`` says of the theme, by level."""
    told: dict[str, list[str]] = {}
    for finding in doctor.examine(str(folder)):
        assert finding.name == "theme"
        told.setdefault(finding.level.value, []).append(finding.what)
    return told


OWN = LEAST + 'controller = "l’Université de Saint-Pol"\ndata_protection = "dpo@saint-pol.fr"\n'


def test_a_theme_of_ones_own_is_all_right(tmp_path: Path) -> None:
    theme(tmp_path, least=OWN)
    assert found(tmp_path) == {"ok": [f"the theme is Université de Saint-Pol's, in {tmp_path}"]}


@pytest.mark.parametrize("name", ["dordogne", "garonne"])
def test_a_sample_is_remarked_on_whichever_way_it_is_named(name: str) -> None:
    for folder in (Path(name), config_folder() / "theme" / name):
        assert [said.startswith("the portal runs with a sample") for said in found(folder)["warning"]] == [True]


def test_what_was_left_of_the_sample_is_named_by_language(tmp_path: Path) -> None:
    text = OWN.replace("saint-pol.fr", "universite.example")
    theme(tmp_path, '[en]\ncontroller = "The University, Exempleville"\n', text)
    assert found(tmp_path)["warning"] == [
        "the theme still says what its sample said: [fr] data_protection",
        "the theme still says what its sample said: [en] controller",
    ]
    theme(tmp_path, least=OWN.replace("Université de Saint-Pol", "Université de la Dordogne", 1))
    assert found(tmp_path)["warning"] == ["the theme still says what its sample said: [fr] university"]


def test_what_the_privacy_notice_owes_is_asked_for(tmp_path: Path) -> None:
    theme(tmp_path)
    (said,) = found(tmp_path)["warning"]
    assert said.startswith("the theme does not say [fr] controller nor data_protection")


def test_conformity_is_not_claimed_without_its_audit(tmp_path: Path) -> None:
    theme(tmp_path, '[accessibility]\nconformity = "partial"\nauditor = "Qui"\n', OWN)
    assert found(tmp_path)["warning"] == ['[accessibility] conformity is "partial" without rate, audited of the audit']
    theme(tmp_path, '[accessibility]\nconformity = "partial"\nrate = 0\nauditor = "Q"\naudited = "2026-09-01"\n', OWN)
    assert "warning" not in found(tmp_path)


@pytest.mark.parametrize(
    ("svg", "is_plain"),
    [
        ('<script>alert("x")</script>', False),
        ('<rect onload="x()"/>', False),
        ('<image href="https://elsewhere.example/a.png"/>', False),
        ('<use xlink:href="other.svg#a"/>', False),
        ("<style>@import 'a.css';</style>", False),
        ('<rect style="fill:url(https://elsewhere.example/#a)"/>', False),
        ("<foreignObject/>", False),
        ('<use href="#a"/><rect fill="url(#b)" version="1.1"/><image href="data:image/png;base64,AAAA"/>', True),
    ],
)
def test_an_svg_that_would_show_in_part_is_remarked_on(tmp_path: Path, svg: str, is_plain: bool) -> None:
    theme(tmp_path, '[look]\nlogo = "logo.svg"\n', OWN, logo_svg=f"<svg>{svg}</svg>".encode())
    assert ("warning" not in found(tmp_path)) == is_plain


def test_a_broken_theme_is_broken_and_each_fault_a_line(tmp_path: Path) -> None:
    (tmp_path / "theme.toml").write_text("[look]\nradius = 99\n", encoding="utf-8")
    assert [finding.level for finding in doctor.examine(str(tmp_path))] == [Level.BROKEN] * 2


def test_each_text_is_known_by_the_language_it_is_in(tmp_path: Path) -> None:
    read = theme(tmp_path, least=LEAST + 'hours = "le matin"\n[en]\ndesk = "the lodge"\n')
    assert (read.tongue("en", "desk"), read.tongue("en", "hours"), read.tongue("fr", "hours")) == ("en", "fr", "fr")
