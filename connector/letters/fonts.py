"""Fonts by their file: found, opened by FreeType, asked what they can show and how wide it is.

By file and not by name: fontconfig answers an unknown name with some other font, and nobody would be told. The one file
that calls C functions by itself, in the way cairocffi documents for fonts that it has no methods for ("CFFI API").
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from connector.cairo import cairocffi
from connector.wording import _

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
_EM = 1000.0
_FROM_RIGHT = {"R", "AL"}  # scripts that need more than a row of glyphs
_DECLARED = """
    typedef struct FT_LibraryRec_ *FT_Library;
    typedef struct FT_FaceRec_ *FT_Face;
    int FT_Init_FreeType(FT_Library *library);
    int FT_New_Face(FT_Library library, const char *path, long index, FT_Face *face);
    unsigned int FT_Get_Char_Index(FT_Face face, unsigned long char_code);
    cairo_font_face_t *cairo_ft_font_face_create_for_ft_face(FT_Face face, int load_flags);
"""


class Font:
    """One font file."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError if FreeType cannot read it."""
        free_type, library = _library()
        self._handle = cairocffi.ffi.new("FT_Face *")
        if free_type.FT_New_Face(library[0], str(path).encode(), 0, self._handle):
            raise ValueError(_("%(path)s: is not a font", path=path))
        pointer = cairocffi.cairo.cairo_ft_font_face_create_for_ft_face(self._handle[0], 0)
        self.face = cairocffi.FontFace._from_pointer(pointer, incref=False)
        options = cairocffi.FontOptions(hint_style=cairocffi.HINT_STYLE_NONE, hint_metrics=cairocffi.HINT_METRICS_OFF)
        matrix = cairocffi.Matrix(xx=_EM, yy=_EM)
        self._scaled = cairocffi.ScaledFont(self.face, matrix, cairocffi.Matrix(), options)
        self._width = lru_cache(maxsize=8192)(lambda text: self._scaled.text_extents(text)[4] / _EM)
        self._shows = lru_cache(maxsize=4096)(
            lambda char: bool(free_type.FT_Get_Char_Index(self._handle[0], ord(char)))
        )

    def width(self, text: str, size: float) -> float:
        """How wide ``text`` is, in the unit of ``size``."""
        return float(self._width(text)) * size

    def is_monospaced(self, text: str) -> bool:
        """Whether all characters of ``text`` are as wide."""
        return len({round(self.width(char, _EM)) for char in text}) == 1

    def missing(self, text: str) -> str:
        """The characters of ``text`` that it cannot show, or not in their right order."""
        return "".join(
            char
            for char in sorted(set(text))
            if not self._shows(char) or unicodedata.bidirectional(char) in _FROM_RIGHT
        )


class Fonts:
    """Fonts for one purpose, in order: a text is set in the first that shows all of it."""

    def __init__(self, fonts: tuple[Font, ...]) -> None:
        self._fonts = fonts
        self.for_text = lru_cache(maxsize=1024)(self._for_text)

    @property
    def first(self) -> Font:
        """The one that is wanted."""
        return self._fonts[0]

    def _for_text(self, text: str) -> Font | None:
        """The font for ``text``, or None if there is none."""
        return next((font for font in self._fonts if not font.missing(text)), None)

    def missing(self, text: str) -> str:
        """What the best of them cannot show."""
        return min((font.missing(text) for font in self._fonts), key=len)


def find(name: str, folder: Path) -> Path | None:
    """The font file ``name``: in ``folder``, or among those the system has."""
    own = folder / name
    return own if own.is_file() else next(_named(Path(name).name), None)


def _named(name: str) -> Iterator[Path]:
    return (path for place in FOLDERS if place.is_dir() for path in sorted(place.rglob(name)))


@lru_cache(maxsize=1)
def _library() -> tuple[Any, Any]:
    """FreeType and its handle, kept as long as the process: every font hangs on it."""
    cairocffi.ffi.cdef(_DECLARED)
    free_type = cairocffi.dlopen(cairocffi.ffi, (), ("libfreetype.so.6", "libfreetype.6.dylib"))
    handle = cairocffi.ffi.new("FT_Library *")
    if free_type.FT_Init_FreeType(handle):
        raise OSError(_("FreeType does not start"))
    return free_type, handle
