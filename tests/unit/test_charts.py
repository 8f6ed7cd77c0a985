"""Charts: every figure is there, whatever the programmes are called and however many there are."""

from __future__ import annotations

import itertools
import operator
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

import cairocffi
import pytest

from connector import charts
from connector.errors import UnknownFormat

SERIES = {
    "activés": [1240, 310, 0],
    "en attente": [402, 0, 17],
    "expirés": [96, 5, 3],
    "sans adresse": [31, 8, 2],
    "bloqués": [4, 0, 1],
}
PROGRAMMES = ["Licence de Lettres", "Master Génie civil & <eaux>", "Énergie\x07"]
SVG = "{http://www.w3.org/2000/svg}"


def chart() -> charts.Drawing:
    return charts.bars("Activations à la rentrée", PROGRAMMES, SERIES, "comptes")


def words(svg: bytes) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314  our own


def test_an_svg_holds_names_and_figures_as_text(tmp_path: Path) -> None:
    charts.save(chart(), tmp_path / "chart.svg")
    svg = (tmp_path / "chart.svg").read_bytes()
    said = words(svg)
    for text in ("Activations à la rentrée", "Licence de Lettres", "Master Génie civil & <eaux>", "comptes"):
        assert text in said
    assert {"activés (1550)", "en attente (419)", "expirés (104)", "sans adresse (41)", "bloqués (5)"} <= set(said)
    assert {"1240", "402", "96", "1773", "323", "23"} <= set(said)
    told = [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}title")]  # noqa: S314  our own
    assert "Licence de Lettres: bloqués 4" in told


def test_a_png_opens_and_shows_every_colour(tmp_path: Path) -> None:
    charts.save(chart(), tmp_path / "chart.PNG")
    surface = cairocffi.ImageSurface.create_from_png(str(tmp_path / "chart.PNG"))
    assert (surface.get_width(), surface.get_height()) == (1920, int(chart().height * 2))
    pixels = memoryview(surface.get_data()).cast("I")
    seen = {pixel & 0xFFFFFF for pixel in pixels}
    assert {int(color[1:], 16) for color in charts._COLORS[:5]} <= seen


def test_another_suffix_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match=r"chart\.pdf: a chart is a \.svg or a \.png"):
        charts.save(chart(), tmp_path / "chart.pdf")
    assert list(tmp_path.iterdir()) == []


def test_bars_are_as_long_as_their_numbers_and_stay_apart() -> None:
    boxes = [shape for shape in chart().shapes if isinstance(shape, charts.Box) and shape.told]
    assert len(boxes) == sum(count > 0 for numbers in SERIES.values() for count in numbers)
    by_count = {int(box.told.rpartition(" ")[2]): box.width + 1 for box in boxes}
    assert by_count[1240] / by_count[310] == pytest.approx(4)
    for one, other in itertools.pairwise(boxes):
        assert one.y != other.y or one.x + one.width <= other.x


def test_sixty_programmes_with_long_names_are_a_list_that_one_reads() -> None:
    names = [f"Master mention Métiers de l’enseignement, du second degré, parcours {n}" for n in range(60)]
    drawing = charts.bars("Programmes", names, {"activés": list(range(60)), "expirés": [3] * 60})
    labels = [shape for shape in drawing.shapes if isinstance(shape, charts.Label) and shape.anchor == "end"]
    assert len(labels) == 60
    assert all(later.y - label.y >= label.size * 1.5 for label, later in itertools.pairwise(labels))
    assert len({label.text for label in labels}) == 60
    assert all("…" in label.text and charts._width(label.text, label.size) < label.x for label in labels)
    assert all(0 <= shape.x <= charts.WIDTH and 0 <= shape.y <= drawing.height for shape in drawing.shapes)


@pytest.mark.parametrize("colors", range(2, 9))
def test_neighbours_differ_in_grey(colors: int) -> None:
    weights = (0.3, 0.59, 0.11)
    greys = [sum(map(operator.mul, charts._rgb(color), weights)) for color in charts._COLORS[:colors]]
    assert all(abs(one - other) > 0.2 for one, other in itertools.pairwise(greys))


@pytest.mark.parametrize(
    ("categories", "series"), [([], {}), ([], {"a": []}), (["x"], {}), (["x"], {"a": [0]}), (["x"], {"a": [10**9]})]
)
def test_nothing_and_very_much_can_be_drawn(categories: list[str], series: dict[str, list[int]]) -> None:
    drawing = charts.bars("t", categories, series)
    assert words(charts.to_svg(drawing))[0] == "t"
    png = charts.to_png(drawing)
    assert struct.unpack(">II", png[16:24])[0] == 1920
    assert zlib.crc32(png[12:29]) == struct.unpack(">I", png[29:33])[0]


@pytest.mark.parametrize("numbers", [[1], [1, 2, 3], [1, -2]])
def test_numbers_that_do_not_fit_are_refused(numbers: list[int]) -> None:
    with pytest.raises(ValueError, match="each category"):
        charts.bars("t", ["a", "b"], {"s": numbers})


def test_a_thousand_programmes_need_an_svg(tmp_path: Path) -> None:
    many = charts.bars("Tous", [f"Programme {number}" for number in range(1000)], {"activés": [1] * 1000})
    charts.save(many, tmp_path / "chart.svg")
    with pytest.raises(UnknownFormat, match=r"\.svg"):
        charts.save(many, tmp_path / "chart.png")
    assert not (tmp_path / "chart.png").exists()
