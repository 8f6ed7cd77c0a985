"""Charts of stacked bars, as SVG or PNG: plain, legible in grey, with the figures where there is room for them.

The bars lie, so that sixty programmes with long names are still a list that one reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from connector import cairo
from connector.cairo import cairocffi
from connector.errors import UnknownFormat
from connector.wording import _

WIDTH = 960.0  # all measures are pixels of SVG; a PNG has twice as many
_MARGIN, _ROW, _BAR = 24.0, 22.0, 15.0
_LABEL_WIDTH, _TOTAL_WIDTH = 300.0, 64.0
_TITLE, _TEXT, _SMALL = 18.0, 12.0, 10.0
_FONT, _OTHERS = "DejaVu Sans", "Verdana, sans-serif"
_COLORS = ("#17426b", "#e0c060", "#5f8f5a", "#d9dee4", "#9b4a4a", "#b9a8d0", "#3f3f3f", "#9fc9d6")
"""Neighbours differ in lightness by a third or more, so that a grey print tells them apart."""
_INK, _PALE, _PAPER = "#1a1a1a", "#595959", "#ffffff"
_STEPS = (1, 2, 5)
_SCALE = 2  # of a PNG
_TALLEST = 32_767  # pixels of a cairo image


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; ``told`` is what a reader hears or points at."""

    x: float
    y: float
    width: float
    height: float
    color: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text on its base line; ``anchor`` is start, middle or end."""

    x: float
    y: float
    text: str
    size: float = _TEXT
    anchor: str = "start"
    color: str = _INK
    bold: bool = False


@dataclass(slots=True)
class Drawing:
    """Shapes in the order they are painted."""

    title: str
    height: float = 0.0
    shapes: list[Box | Label] = field(default_factory=list)


def bars(title: str, categories: Sequence[str], series: Mapping[str, Sequence[int]], unit: str = "") -> Drawing:
    """A bar for each category, a colour for each series; ``unit`` names what is counted, below the axis.

    Raises ValueError unless every series has a number, 0 or more, for every category; SettingsInvalid without cairo.
    """
    cairo.require()
    if any(len(numbers) != len(categories) or min(numbers, default=0) < 0 for numbers in series.values()):
        raise ValueError("every series needs one number, 0 or more, for each category")
    drawing = Drawing(title)
    size = min(_TITLE, _TITLE * (WIDTH - 2 * _MARGIN) / max(_width(title, _TITLE, bold=True), 1))
    drawing.shapes.append(Label(_MARGIN, _MARGIN + _TITLE, title, size, bold=True))
    top = _legend(drawing, series, _MARGIN + _TITLE + 26) + 14
    totals = [sum(numbers) for numbers in zip(*series.values(), strict=True)] or [0] * len(categories)
    step, highest = _axis(max(totals, default=0))
    bottom = top + len(categories) * _ROW
    scale = (WIDTH - 2 * _MARGIN - _LABEL_WIDTH - _TOTAL_WIDTH) / highest
    _grid(drawing, (top, bottom), scale, range(0, highest + 1, step))
    for row, category in enumerate(categories):
        counts = {name: numbers[row] for name, numbers in series.items()}
        _row(drawing, top + row * _ROW, category, counts, scale)
    drawing.shapes.append(Label(_left(), bottom + 34, unit, _SMALL, color=_PALE))
    drawing.height = bottom + 34 + _MARGIN
    return drawing


def save(drawing: Drawing, path: Path) -> None:
    """Write the file its suffix says: ``.svg`` or ``.png``. Raises UnknownFormat (others, too tall a PNG), OSError."""
    suffix = path.suffix.lower()
    if suffix == ".svg":
        path.write_bytes(to_svg(drawing))
    elif suffix == ".png":
        path.write_bytes(to_png(drawing))
    else:
        raise UnknownFormat(_("%(path)s: a chart is a .svg or a .png file", path=path))


def to_svg(drawing: Drawing) -> bytes:
    """The drawing with its words as text: searchable, and read aloud."""
    size = {"width": f"{WIDTH:g}", "height": f"{drawing.height:g}", "viewBox": f"0 0 {WIDTH:g} {drawing.height:g}"}
    names = {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "font-family": f"{_FONT}, {_OTHERS}"}
    paper = _element("rect", {"width": "100%", "height": "100%", "fill": _PAPER})
    shapes = (_svg_box(shape) if isinstance(shape, Box) else _svg_label(shape) for shape in drawing.shapes)
    inside = "\n".join([_element("title", {}, escape(_plain(drawing.title))), paper, *shapes])
    return f'<?xml version="1.0" encoding="utf-8"?>\n{_element("svg", names | size, inside)}\n'.encode()


def to_png(drawing: Drawing) -> bytes:
    """The drawing in pixels. Raises UnknownFormat: it has too many rows."""
    if drawing.height * _SCALE > _TALLEST:
        raise UnknownFormat(_("so many bars are too tall for a .png; a .svg holds them"))
    surface = cairocffi.ImageSurface(cairocffi.FORMAT_RGB24, int(WIDTH * _SCALE), int(drawing.height * _SCALE))
    context = cairocffi.Context(surface)
    context.scale(_SCALE, _SCALE)
    context.set_source_rgb(1, 1, 1)
    context.paint()
    for shape in drawing.shapes:
        context.set_source_rgb(*_rgb(shape.color))
        if isinstance(shape, Box):
            context.rectangle(shape.x, shape.y, shape.width, shape.height)
            context.fill()
        else:
            width = _choose_font(context, shape.size, shape.bold, shape.text)
            context.move_to(shape.x - {"start": 0, "middle": width / 2, "end": width}[shape.anchor], shape.y)
            context.show_text(_plain(shape.text))
    octets: bytes = surface.write_to_png()
    return octets


def _left() -> float:
    return _MARGIN + _LABEL_WIDTH


def _legend(drawing: Drawing, series: Mapping[str, Sequence[int]], y: float) -> float:
    """Colour, name and sum of each series, in as many rows as they need; the base line of the last."""
    x = _MARGIN
    for (name, numbers), color in zip(series.items(), _cycle(len(series)), strict=True):
        text = f"{name} ({sum(numbers)})"
        width = 18 + _width(text, _TEXT) + 22
        if x > _MARGIN and x + width > WIDTH - _MARGIN:
            x, y = _MARGIN, y + 20
        drawing.shapes += [Box(x, y - 10, 12, 12, _INK), Box(x + 0.5, y - 9.5, 11, 11, color), Label(x + 18, y, text)]
        x += width
    return y


def _grid(drawing: Drawing, between: tuple[float, float], scale: float, ticks: Sequence[int]) -> None:
    """Pale lines behind the bars, their numbers below."""
    top, bottom = between
    for tick in ticks:
        x = _left() + tick * scale
        drawing.shapes.append(Box(x, top, 1, bottom - top + 4, "#cccccc" if tick else _PALE))
        drawing.shapes.append(Label(x, bottom + 17, str(tick), _SMALL, "middle", _PALE))


def _row(drawing: Drawing, y: float, category: str, counts: Mapping[str, int], scale: float) -> None:
    """A category's name, its bar with each figure that has room, and their sum."""
    base, x = y + _ROW / 2 + 4, _left() + 1
    drawing.shapes.append(Label(_left() - 8, base, _shortened(category), _TEXT, "end"))
    for (name, count), color in zip(counts.items(), _cycle(len(counts)), strict=True):
        width = count * scale
        if count:
            drawing.shapes.append(Box(x, y + 3, max(width - 1, 0.5), _BAR, color, f"{category}: {name} {count}"))
        if width > _width(str(count), _SMALL) + 6:
            ink = _PAPER if sum(_rgb(color)) < 1.5 else _INK  # noqa: PLR2004  half of white
            drawing.shapes.append(Label(x + width / 2, base - 0.5, str(count), _SMALL, "middle", ink))
        x += width
    drawing.shapes.append(Label(x + 6, base, str(sum(counts.values())), _TEXT, bold=True))


def _axis(largest: int) -> tuple[int, int]:
    """The distance of the ticks, of which there are ten at most, and where they end."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power * 10 >= largest:
                return step * power, max(-(-largest // (step * power)), 1) * step * power
        power *= 10


def _cycle(number: int) -> list[str]:
    return [_COLORS[place % len(_COLORS)] for place in range(number)]


def _shortened(text: str) -> str:
    """As much of it as fits beside the bars: its end too, which tells two courses of one programme apart."""
    for kept in range(len(text), 0, -1):
        tail = kept * 2 // 5
        short = text if kept == len(text) else f"{text[: kept - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"
        if _width(short, _TEXT) <= _LABEL_WIDTH - 12:
            return short
    return "…" if text else ""


def _width(text: str, size: float, bold: bool = False) -> float:
    context = cairocffi.Context(cairocffi.ImageSurface(cairocffi.FORMAT_A8, 1, 1))
    return _choose_font(context, size, bold, text)


def _choose_font(context: cairocffi.Context, size: float, bold: bool, text: str) -> float:
    """Set the font; how wide ``text`` is in it."""
    weight = cairocffi.FONT_WEIGHT_BOLD if bold else cairocffi.FONT_WEIGHT_NORMAL
    context.select_font_face(_FONT, cairocffi.FONT_SLANT_NORMAL, weight)
    context.set_font_size(size)
    return float(context.text_extents(_plain(text))[4])


def _plain(text: str) -> str:
    """Without the characters that XML has no way to write."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _svg_box(box: Box) -> str:
    numbers = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    places = {name: f"{number:.2f}" for name, number in numbers.items()}
    told = _element("title", {}, escape(_plain(box.told))) if box.told else ""
    return _element("rect", places | {"fill": box.color}, told)


def _svg_label(label: Label) -> str:
    places = {"x": f"{label.x:.2f}", "y": f"{label.y:.2f}", "font-size": f"{label.size:g}"}
    looks = {"text-anchor": label.anchor, "fill": label.color} | ({"font-weight": "bold"} if label.bold else {})
    return _element("text", places | looks, escape(_plain(label.text)))


def _element(name: str, attributes: Mapping[str, str], inside: str = "") -> str:
    """An element of XML; ``inside`` is escaped by the caller."""
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"
