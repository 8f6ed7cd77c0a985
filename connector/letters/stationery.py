"""One template made ready to print on: its fonts, logo and colours are there, and each letter's page is drawn."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from math import pi

from babel.dates import format_datetime, get_timezone

from connector import keys, languages
from connector.cairo import cairocffi
from connector.errors import SettingsInvalid
from connector.letters import layout
from connector.letters.fonts import Font, Fonts, find
from connector.letters.layout import LEFT, POINT, RIGHT, Layout, Mark, Sheet
from connector.letters.pictures import logo, paint_qr, rounded
from connector.letters.template import Letter, Template
from connector.settings import Web
from connector.settings.colors import TEXT, contrast
from connector.settings.theme import Theme
from connector.wording import _

_KINDS = ("text", "bold", "key")
_KEY_CHARACTERS = keys.ALPHABET + "-"
_SAMPLE_KEY = "0" * keys.LENGTH
_FIRST = re.compile(r"\b1 (?=[^\W\d]{3,} )")  # of a month: French has an ordinal there, which CLDR does not know
_FOLDS = (99.0, 198.0)  # thirds of A4
_WHITE = "#ffffff"
_Color = tuple[float, float, float]


class Stationery:
    """Paper for the letters of one language. What the template leaves empty is the theme's: the colour, the logo.

    Raises SettingsInvalid, every problem at once: a font or logo that is not there, a template too long for a page.
    """

    def __init__(self, template: Template, web: Web, theme: Theme, written: datetime) -> None:
        self._template, self._web = template, web
        self._fonts, problems = _fonts(template)
        self._logo, self._logo_scale = None, 0.0
        try:
            self._logo, self._logo_scale = logo(template, theme)
        except ValueError as error:
            problems.append(_located(template, f"[sender] logo: {error}"))
        color = template.page.color or theme.light.accent
        if (found := contrast(color, _WHITE)) < TEXT:
            said = _(
                "[page] color: %(color)s on white paper has a contrast of %(found)s, %(least)s at least",
                color=color,
                found=f"{found:.2f}",
                least=TEXT,
            )
            problems.append(_located(template, said))
        if problems:
            raise SettingsInvalid(problems)
        self._layout = Layout(template, self._facts(theme, written), self._fonts, self._logo_height())
        self._tones = _tones(color)
        self._until = lru_cache(maxsize=64)(self._in_words)
        if problems := self.arrange(Letter("Zoé Martin", "zmartin", _SAMPLE_KEY, written)).problems:
            raise SettingsInvalid([_located(template, problem) for problem in problems])

    def arrange(self, letter: Letter) -> Sheet:
        """Where everything of this letter goes, and why it cannot be printed as it should, if it cannot."""
        return self._layout.arrange(letter, self._until(letter.until))

    def draw(self, context: cairocffi.Context, sheet: Sheet, letter: Letter) -> None:
        """The letter that was arranged on ``sheet``, on the page in hand, in millimetres."""
        self._furniture(context, sheet)
        for mark in sheet.marks:
            self._text(context, mark)
        link = keys.link(self._web.portal_url, letter.uid, letter.key)
        paint_qr(context, link, RIGHT - 6 - layout.QR_SIDE, sheet.panel_top + 4, layout.QR_SIDE)

    def _facts(self, theme: Theme, written: datetime) -> dict[str, str]:
        words = theme.words(languages.choose(self._template.page.language))
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


def _located(template: Template, problem: str) -> str:
    return _("%(what)s: %(said)s", what=template.folder, said=problem)


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
            _located(template, _missing_font(f"{kind}_fonts", name))
            for name, path in zip(names, paths, strict=True)
            if path is None
        ]
        found[kind] = Fonts(fonts)
    if problems:
        return found, problems
    key_font = found["key"].for_text(_KEY_CHARACTERS)
    if key_font is None or not key_font.is_monospaced(_KEY_CHARACTERS):
        said = _("[page] key_fonts: none shows the whole of a key, every character as wide")
        problems.append(_located(template, said))
    return found, problems


def _missing_font(key: str, name: str) -> str:
    return _("[page] %(key)s: %(name)s is neither there nor below /usr/share/fonts", key=key, name=name)


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
