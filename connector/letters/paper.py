"""Letters printed: one PDF, each page on the paper of its reader's language, written as soon as it is full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO

from connector import cairo
from connector.cairo import cairocffi
from connector.errors import LetterRefused, SettingsInvalid
from connector.letters import layout
from connector.letters.layout import POINT
from connector.letters.stationery import Stationery
from connector.letters.template import Letter, Template
from connector.settings import Web
from connector.settings.theme import Theme


class Printer:
    """Prints letters after templates, one a language, for one portal, on one day.

    Who reads none of these languages gets the first. ``written`` is an aware instant, now. Raises SettingsInvalid:
    every problem of every template at once; no cairo on this host.
    """

    def __init__(self, templates: Mapping[str, Template], web: Web, theme: Theme, written: datetime) -> None:
        cairo.require()
        self._stationery: dict[str, Stationery] = {}
        problems: list[str] = []
        for language, template in templates.items():
            try:
                self._stationery[language] = Stationery(template, web, theme, written)
            except SettingsInvalid as error:
                problems += error.problems
        if problems:
            raise SettingsInvalid(problems)
        self._first = next(iter(self._stationery))
        self._title = templates[self._first].text.subject

    def problems(self, letter: Letter) -> list[str]:
        """Why this letter cannot be printed as it should; none if it can. Any 15 characters stand in for its key."""
        return self._for(letter).arrange(letter).problems

    def write(self, out: BinaryIO, letters: Iterable[Letter]) -> int:
        """Print ``letters`` into ``out``, a file open for writing, in their order; returns how many pages.

        Constant memory. A letter is on its page when the next one is asked for. Raises LetterRefused at one that cannot
        be printed, OSError if the file cannot be written; whatever is raised, also by ``letters``, the file is closed
        as a PDF of the pages so far.
        """
        sink = _Sink(out)
        surface = cairocffi.PDFSurface(sink, layout.WIDTH / POINT, layout.HEIGHT / POINT)
        _describe(surface, self._title)
        context = cairocffi.Context(surface)
        context.scale(1 / POINT, 1 / POINT)
        pages = 0
        try:
            for letter in letters:
                self._draw(context, letter)
                surface.show_page()
                sink.check()
                pages += 1
        finally:
            surface.finish()
        sink.check()
        return pages

    def _draw(self, context: cairocffi.Context, letter: Letter) -> None:
        stationery = self._for(letter)
        sheet = stationery.arrange(letter)
        if sheet.problems:
            raise LetterRefused(letter.uid, sheet.problems)
        with _whole(context):
            stationery.draw(context, sheet, letter)

    def _for(self, letter: Letter) -> Stationery:
        return self._stationery.get(letter.language) or self._stationery[self._first]


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


def _describe(surface: cairocffi.PDFSurface, title: str) -> None:
    """Title and author, which a reader shows; cairocffi has no method for them."""
    words = {cairocffi.PDF_METADATA_TITLE: title, cairocffi.PDF_METADATA_CREATOR: "Mon compte"}
    for name, text in words.items():
        cairocffi.cairo.cairo_pdf_surface_set_metadata(surface._pointer, name, text.encode())
