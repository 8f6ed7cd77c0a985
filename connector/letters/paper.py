"""Letters drawn on paper: cairo writes each page to the file as soon as it is full."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from math import pi
from typing import BinaryIO

from babel.dates import format_datetime, get_timezone

from connector import cairo, keys
from connector.cairo import cairocffi
from connector.errors import LetterRefused, SettingsInvalid
from connector.letters import layout
from connector.letters.fonts import Font, Fonts, find
from connector.letters.layout import LEFT, POINT, RIGHT, Layout, Mark, Sheet
from connector.letters.pictures import logo, paint_qr, rounded
from connector.letters.template import Letter, Template
from connector.settings import Web
from connector.settings.theme import Words

_KINDS = ("text", "bold", "key")
_KEY_CHARACTERS = keys.ALPHABET + "-"
_SAMPLE_KEY = "0" * keys.LENGTH
_FIRST = re.compile(r"\b1 (?=[^\W\d]{3,} )")  # of a month: French has an ordinal there, which CLDR does not know
_FOLDS = (99.0, 198.0)  # thirds of A4
_Color = tuple[float, float, float]


class Printer:
    """Prints letters after one template, for one portal, on one day.

    ``written`` is an aware instant, now. Raises SettingsInvalid, every problem at once: a font or logo that is not
    there, a template too long for a page, no cairo on this host.
    """

    def __init__(self, template: Template, web: Web, words: Words, written: datetime) -> None:
        cairo.require()
        self._template, self._web = template, web
        self._fonts, problems = _fonts(template)
        self._logo, self._logo_scale = None, 0.0
        try:
            self._logo, self._logo_scale = logo(template)
        except ValueError as error:
            problems.append(f"{template.folder}: [sender] logo: {error}")
        if problems:
            raise SettingsInvalid(problems)
        self._layout = Layout(template, self._facts(words, written), self._fonts, self._logo_height())
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

    def _facts(self, words: Words, written: datetime) -> dict[str, str]:
        date = self._said(written, self._template.page.date_pattern)
        portal = self._web.portal_url.removeprefix("https://").rstrip("/")
        return {"portal": portal, "desk": words.desk, "university": words.university, "date": date}

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
        paint_qr(context, link, RIGHT - 6 - layout.QR_SIDE, sheet.panel_top + 4, layout.QR_SIDE)

    def _furniture(self, context: cairocffi.Context, sheet: Sheet) -> None:
        """What is no text: the logo, the panel, the steps' discs, the folding marks."""
        if self._logo:
            context.save()
            context.translate(LEFT, 13.0)
            context.scale(self._logo_scale, self._logo_scale)
            context.set_source_surface(self._logo)
            context.paint()
            context.restore()
        rounded(context, LEFT, sheet.panel_top, RIGHT - LEFT, layout.PANEL_HEIGHT, 3.0)
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
