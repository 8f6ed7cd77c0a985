"""Letters drawn on paper: cairo writes each page to the file as soon as it is full."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from math import isqrt, pi
from pathlib import Path
from typing import Any, BinaryIO

import cairocffi
import zxingcpp
from babel.dates import format_datetime, get_timezone

from connector import keys
from connector.errors import LetterRefused, SettingsInvalid
from connector.letters import layout
from connector.letters.fonts import Font, Fonts, find
from connector.letters.layout import LEFT, POINT, RIGHT, Layout, Mark, Sheet
from connector.letters.template import Letter, Template
from connector.settings import Web

_KINDS = ("text", "bold", "key")
_KEY_CHARACTERS = keys.ALPHABET + "-"
_SAMPLE_KEY = "0" * keys.LENGTH
_QUIET = 4  # modules around a QR code, ISO/IEC 18004 §9.1
_FIRST = re.compile(r"\b1 (?=[^\W\d]{3,} )")  # of a month: French has an ordinal there, which CLDR does not know
_FOLDS = (99.0, 198.0)  # thirds of A4
_WIDEST_LOGO = 80.0
_JPEG_SIZES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive: what PDF viewers read
_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))  # cairo wants the first pixel in the low bit
_Color = tuple[float, float, float]


class Printer:
    """Prints letters after one template, for one portal, on one day.

    ``written`` is an aware instant, now. Raises SettingsInvalid, every problem at once: a font or logo that is not
    there, a template too long for a page.
    """

    def __init__(self, template: Template, web: Web, written: datetime) -> None:
        self._template, self._web = template, web
        self._fonts, problems = _fonts(template)
        self._logo, self._logo_scale = None, 0.0
        try:
            self._logo, self._logo_scale = _logo(template)
        except ValueError as error:
            problems.append(f"{template.folder}: [sender] logo: {error}")
        if problems:
            raise SettingsInvalid(problems)
        self._layout = Layout(template, self._facts(written), self._fonts, self._logo_height())
        self._tones = _tones(template.page.color)
        self._until = lru_cache(maxsize=64)(self._in_words)
        if problems := self.problems(Letter("Zoé Martin", "zmartin", _SAMPLE_KEY, written)):
            raise SettingsInvalid([f"{template.folder}: {problem}" for problem in problems])

    def problems(self, letter: Letter) -> list[str]:
        """Why this letter cannot be printed as it should; none if it can. Any 15 characters stand in for its key."""
        return self._arranged(letter).problems

    def write(self, out: BinaryIO, letters: Iterable[Letter]) -> int:
        """Print ``letters`` into ``out``, a file open for writing, in their order; returns how many pages.

        Constant memory. A letter is on its page when the next one is asked for. Raises LetterRefused at one that cannot
        be printed, OSError if the file cannot be written; whatever is raised, also by ``letters``, the file is closed
        as a PDF of the pages so far.
        """
        sink = _Sink(out)
        surface = cairocffi.PDFSurface(sink, layout.WIDTH / POINT, layout.HEIGHT / POINT)
        _describe(surface, self._template)
        context = cairocffi.Context(surface)
        context.scale(1 / POINT, 1 / POINT)
        pages = 0
        try:
            for letter in letters:
                sheet = self._arranged(letter)
                if sheet.problems:
                    raise LetterRefused(letter.uid, sheet.problems)
                with _whole(context):
                    self._draw(context, sheet, self._link(letter))
                surface.show_page()
                sink.check()
                pages += 1
        finally:
            surface.finish()
        sink.check()
        return pages

    def _arranged(self, letter: Letter) -> Sheet:
        return self._layout.arrange(letter, self._until(letter.until))

    def _link(self, letter: Letter) -> str:
        return keys.link(self._web.portal_url, letter.uid, letter.key)

    def _facts(self, written: datetime) -> dict[str, str]:
        web = self._web
        date = self._said(written, self._template.page.date_pattern)
        portal = web.portal_url.removeprefix("https://").rstrip("/")
        return {"portal": portal, "desk": web.desk, "university": web.title, "date": date}

    def _in_words(self, instant: datetime) -> str:
        return self._said(instant, self._template.page.until_pattern)

    def _said(self, instant: datetime, pattern: str) -> str:
        locale = self._template.page.language.replace("-", "_")
        said = format_datetime(instant, pattern, tzinfo=get_timezone(self._web.timezone), locale=locale)
        return _FIRST.sub("1er ", said) if locale.startswith("fr") else said

    def _logo_height(self) -> float:
        return self._logo.get_height() * self._logo_scale if self._logo else 0.0

    def _draw(self, context: cairocffi.Context, sheet: Sheet, link: str) -> None:
        self._furniture(context, sheet)
        for mark in sheet.marks:
            self._text(context, mark)
        _paint_qr(context, link, RIGHT - 6 - layout.QR_SIDE, sheet.panel_top + 4)

    def _furniture(self, context: cairocffi.Context, sheet: Sheet) -> None:
        """What is no text: the logo, the panel, the steps' discs, the folding marks."""
        if self._logo:
            context.save()
            context.translate(LEFT, 13.0)
            context.scale(self._logo_scale, self._logo_scale)
            context.set_source_surface(self._logo)
            context.paint()
            context.restore()
        _rounded(context, LEFT, sheet.panel_top, RIGHT - LEFT, layout.PANEL_HEIGHT, 3.0)
        context.set_source_rgb(*self._tones["tint"])
        context.fill_preserve()
        context.set_source_rgb(*self._tones["accent"])
        context.set_line_width(0.3)
        context.stroke()
        for x, y in sheet.discs:
            context.new_sub_path()
            context.arc(x, y, 2.5, 0, 2 * pi)
        context.fill()
        if self._template.page.fold_marks:
            self._fold_marks(context)

    def _fold_marks(self, context: cairocffi.Context) -> None:
        context.set_source_rgb(*self._tones["grey"])
        context.set_line_width(0.15)
        for y in _FOLDS:
            context.move_to(4, y)
            context.line_to(8, y)
        context.stroke()

    def _text(self, context: cairocffi.Context, mark: Mark) -> None:
        context.set_source_rgb(*self._tones[mark.tone])
        context.set_font_face(mark.font.face)
        context.set_font_size(mark.size * POINT)
        context.move_to(mark.x, mark.y)
        context.show_text(mark.text)


@contextmanager
def _whole(context: cairocffi.Context) -> Iterator[None]:
    """A page that is broken off in the middle comes out white: nobody must be sent half a letter."""
    try:
        yield
    except BaseException:
        context.reset_clip()
        context.set_source_rgb(1, 1, 1)
        context.paint()
        raise


class _Sink:
    """Where cairo writes. An exception cannot pass through cairo: it is kept, and raised by ``check``."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._error: OSError | None = None

    def write(self, octets: bytes) -> None:
        if self._error is None:
            try:
                self._out.write(octets)
            except OSError as error:
                self._error = error

    def check(self) -> None:
        if self._error:
            raise self._error


def _fonts(template: Template) -> tuple[dict[str, Fonts], list[str]]:
    """The fonts that are there; one that is wanted first and is not there is a problem."""
    found, problems = {}, []
    for kind in _KINDS:
        names = getattr(template.page, f"{kind}_fonts")
        paths = [find(name, template.folder) for name in names]
        try:
            fonts = tuple(Font(path) for path in paths if path)
        except ValueError as error:
            problems.append(str(error))
            continue
        problems += [
            f"{template.folder}: [page] {kind}_fonts: {name} is neither there nor below /usr/share/fonts"
            for name, path in zip(names, paths, strict=True)
            if path is None
        ]
        found[kind] = Fonts(fonts)
    if problems:
        return found, problems
    key_font = found["key"].for_text(_KEY_CHARACTERS)
    if key_font is None or not key_font.is_monospaced(_KEY_CHARACTERS):
        problems.append(f"{template.folder}: [page] key_fonts: none shows the whole of a key, every character as wide")
    return found, problems


def _logo(template: Template) -> tuple[cairocffi.ImageSurface | None, float]:
    """The logo and its scale, millimetres a pixel. Raises ValueError."""
    if not template.sender.logo:
        return None, 0.0
    path = template.folder / template.sender.logo
    try:
        surface = _png(path) if path.suffix.lower() == ".png" else _jpeg(path)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from None
    height = template.sender.logo_height
    return surface, min(height / surface.get_height(), _WIDEST_LOGO / surface.get_width())


def _png(path: Path) -> cairocffi.ImageSurface:
    octets = path.read_bytes()
    try:
        return cairocffi.ImageSurface.create_from_png(io.BytesIO(octets))
    except (cairocffi.CairoError, OSError, MemoryError):  # OSError: it ends too early
        raise ValueError(f"{path.name} is not a PNG file") from None


def _jpeg(path: Path) -> cairocffi.ImageSurface:
    """A surface of the picture's size; cairo copies the file's own octets into the PDF."""
    octets, place = path.read_bytes(), 2
    while octets[:2] == b"\xff\xd8" and place + 9 <= len(octets):
        marker, length = struct.unpack_from(">xBH", octets, place)
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", octets, place + 5)
            surface = cairocffi.ImageSurface(cairocffi.FORMAT_RGB24, width, height)
            surface.set_mime_data("image/jpeg", octets)
            return surface
        place += 2 + length
    raise ValueError(f"{path.name} is not a JPEG file")


def _describe(surface: cairocffi.PDFSurface, template: Template) -> None:
    """Title and author, which a reader shows; cairocffi has no method for them."""
    words = {cairocffi.PDF_METADATA_TITLE: template.text.subject, cairocffi.PDF_METADATA_CREATOR: "Mon compte"}
    for name, text in words.items():
        cairocffi.cairo.cairo_pdf_surface_set_metadata(surface._pointer, name, text.encode())


def _tones(color: str) -> dict[str, _Color]:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    tint = tuple(1 - (1 - part) * 0.07 for part in (red, green, blue))
    return {
        "ink": (0.1, 0.1, 0.1),
        "grey": (0.35, 0.35, 0.35),
        "paper": (1, 1, 1),
        "accent": (red, green, blue),
        "tint": (tint[0], tint[1], tint[2]),
    }


def _rounded(context: cairocffi.Context, x: float, y: float, width: float, height: float, radius: float) -> None:
    context.new_sub_path()
    quarter = pi / 2
    context.arc(x + width - radius, y + radius, radius, -quarter, 0)
    context.arc(x + width - radius, y + height - radius, radius, 0, quarter)
    context.arc(x + radius, y + height - radius, radius, quarter, 2 * quarter)
    context.arc(x + radius, y + radius, radius, 2 * quarter, 3 * quarter)
    context.close_path()


def _qr(link: str) -> tuple[int, bytes]:
    """The code's side in modules, and an octet a module, 0 for black. A login that fits its line fits a code."""
    code = zxingcpp.create_barcode(link, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    modules = memoryview(image)
    return isqrt(modules.nbytes), bytes(modules)


def _paint_qr(context: cairocffi.Context, link: str, x: float, y: float) -> None:
    """The QR code on white, as one bit a module: a tenth of what as many squares would take, in octets and in time."""
    side, modules = _qr(link)
    context.set_source_rgb(1, 1, 1)
    _rounded(context, x, y, layout.QR_SIDE, layout.QR_SIDE, 1.5)
    context.fill()
    stride = cairocffi.ImageSurface.format_stride_for_width(cairocffi.FORMAT_A1, side)
    black = modules.translate(_AS_DIGITS)
    rows = (int(black[row * side : (row + 1) * side].ljust(stride * 8, b"0"), 2) for row in range(side))
    octets = bytearray(b"".join(row.to_bytes(stride, "big") for row in rows).translate(_REVERSED))
    pattern = cairocffi.SurfacePattern(cairocffi.ImageSurface(cairocffi.FORMAT_A1, side, side, octets, stride))
    pattern.set_filter(cairocffi.FILTER_NEAREST)
    context.save()
    scale = layout.QR_SIDE / (side + 2 * _QUIET)
    context.translate(x + _QUIET * scale, y + _QUIET * scale)
    context.scale(scale, scale)
    context.set_source_rgb(0, 0, 0)
    context.mask(pattern)
    context.restore()


_AS_DIGITS = bytes([ord("1"), *[ord("0")] * 255])
