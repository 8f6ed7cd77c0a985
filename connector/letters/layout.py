"""Where everything goes on a page: a letter in, marks and their places out, in millimetres from the top left corner.

Nothing is drawn here, so a whole cohort can be tried before the first key is issued.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector import keys
from connector.letters.fonts import Font, Fonts
from connector.letters.lines import one_line, wrap
from connector.letters.template import Letter, Template
from connector.wording import _

WIDTH, HEIGHT = 210.0, 297.0
LEFT, RIGHT = 20.0, 190.0
POINT = 25.4 / 72  # millimetres
_TOP, _BOTTOM = 95.0, 278.0  # of the text
_FOOT = 280.5
_LEADING = 1.38
_SMALLEST = 8.0  # points, of a text that must shrink to fit
_TOLD = 60  # characters of a text that is told
_ADDRESS_LINES = 6  # NF Z 10-011
_ADDRESS_SIZES = (10.0, 8.5)  # points
_LOGIN_SIZES, _KEY_SIZE = (18.0, 9.0), 25.0  # points
_SHOWN_LENGTH = len(keys.show("0" * keys.LENGTH))
QR_SIDE = 38.0  # with its quiet zone
PANEL_HEIGHT = 49.0
_INSET = 8.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of text: its left end on the base line, its size in points."""

    x: float
    y: float
    text: str = field(repr=False)
    font: Font
    size: float
    tone: str = "ink"


@dataclass(slots=True)
class Sheet:
    """A page while it is filled from the top; ``problems`` are sentences for a sysadmin."""

    y: float = 0.0
    marks: list[Mark] = field(default_factory=list)
    discs: list[tuple[float, float]] = field(default_factory=list)
    panel_top: float = 0.0
    problems: list[str] = field(default_factory=list)


class Layout:
    """Arranges letters after one template; ``facts`` are what its texts may name that is the same for all."""

    def __init__(self, template: Template, facts: Mapping[str, str], fonts: Mapping[str, Fonts], logo: float) -> None:
        """``logo`` is the logo's height in millimetres, 0 for none."""
        self._template, self._facts, self._fonts, self._logo = template, dict(facts), fonts, logo

    def arrange(self, letter: Letter, until: str) -> Sheet:
        """The letter's page: in the template's size if that fits, else as much smaller as needed."""
        own = {"name": letter.name, "uid": letter.uid, "programme": letter.programme, "until": until}
        facts = self._facts | {name: one_line(text) for name, text in own.items()}
        size = self._template.page.size
        while True:
            sheet = self._arranged(letter, facts, size)
            if sheet.y <= _BOTTOM:
                return sheet
            size -= 0.5
            if size < _SMALLEST:
                excess = f"{sheet.y - _BOTTOM:.0f}"
                sheet.problems.append(_("the text is %(excess)s mm too long for one page", excess=excess))
                return sheet

    def _arranged(self, letter: Letter, facts: Mapping[str, str], size: float) -> Sheet:
        sheet = Sheet()
        self._head(sheet, facts)
        self._window(sheet, letter, facts)
        self._opening(sheet, facts, size)
        self._panel(sheet, letter, facts)
        self._steps(sheet, facts, size)
        self._closing(sheet, facts, size)
        self._paragraph(sheet, self._template.text.footer, facts, 8.0, tone="grey", y=_FOOT)
        return sheet

    def _head(self, sheet: Sheet, facts: Mapping[str, str]) -> None:
        """The sender, beside the window and never in it."""
        address, sender = self._template.address, self._template.sender
        sheet.y = 15.0 + (self._logo + 5.0 if self._logo else 3.0)
        width = address.left - LEFT - 6
        self._paragraph(sheet, sender.name, facts, 11.5, width=width, bold=True, tone="accent")
        for line in sender.lines:
            self._paragraph(sheet, line, facts, 8.5, width=width, tone="grey")
        if sheet.y > _TOP - 4:
            sheet.problems.append(_("[sender]: too many or too long lines: they run into the text"))

    def _window(self, sheet: Sheet, letter: Letter, facts: Mapping[str, str]) -> None:
        """The address, as the post reads it; then place and date."""
        place = self._template.address
        lines = self._address(sheet, letter, facts["name"])
        if len(lines) > _ADDRESS_LINES:
            told = _(
                "an address of %(count)s lines, name included; %(most)s at most", count=len(lines), most=_ADDRESS_LINES
            )
            sheet.problems.append(told)
        step = min(4.6, place.height / _ADDRESS_LINES)
        for number, line in enumerate(lines[:_ADDRESS_LINES]):
            self._fitted(sheet, line, (place.left, place.top + (number + 0.8) * step), place.width, _ADDRESS_SIZES)
        date = self._filled(self._template.text.place_and_date, facts)
        self._fitted(sheet, date, (place.left, place.top + place.height + 9), RIGHT - place.left, (9.5, 7.5))

    def _address(self, sheet: Sheet, letter: Letter, name: str) -> list[str]:
        """Name and address in lines that fit the window; the name once, though the address may begin with it."""
        lines = [name, *(line for line in map(one_line, letter.address) if line)]
        if len(lines) > 1 and lines[1].casefold() == name.casefold():
            del lines[1]
        smallest, width = _ADDRESS_SIZES[1] * POINT, self._template.address.width
        return [part for line in lines for part in wrap(line, self._font(sheet, "text", line), smallest, width)]

    def _opening(self, sheet: Sheet, facts: Mapping[str, str], size: float) -> None:
        text = self._template.text
        sheet.y = _TOP
        self._paragraph(sheet, text.subject, facts, size + 3.5, bold=True, tone="accent")
        sheet.y += 3.5
        for paragraph in (text.greeting, *text.opening):
            self._paragraph(sheet, paragraph, facts, size)
            sheet.y += 1.8

    def _panel(self, sheet: Sheet, letter: Letter, facts: Mapping[str, str]) -> None:
        """Login and key in large type on the left, the QR code on the right."""
        text, left = self._template.text, LEFT + _INSET
        sheet.panel_top = top = sheet.y + 2.0
        width = RIGHT - LEFT - QR_SIDE - 3 * _INSET + 2
        key_font = self._font(sheet, "key", keys.ALPHABET + "-")
        self._fitted(sheet, self._filled(text.login_label, facts), (left, top + 9), width, (9, 7), tone="grey")
        self._fitted(sheet, facts["uid"], (left, top + 16.5), width, _LOGIN_SIZES, kind="key")
        self._fitted(sheet, self._filled(text.key_label, facts), (left, top + 25.5), width, (9, 7), tone="grey")
        # Measured by a zero: all characters are as wide, and what is measured is remembered.
        key_size = min(_KEY_SIZE, width / (_SHOWN_LENGTH * key_font.width("0", POINT)))
        sheet.marks.append(Mark(left, top + 35.5, keys.show(letter.key), key_font, key_size, "accent"))
        self._fitted(sheet, self._filled(text.valid, facts), (left, top + 44), width, (9.5, 7), kind="bold")
        self._caption(sheet, self._filled(text.scan, facts), top + PANEL_HEIGHT - 3)
        sheet.y = top + PANEL_HEIGHT + 4.0

    def _caption(self, sheet: Sheet, text: str, y: float) -> None:
        """Under the QR code, in its middle."""
        font = self._font(sheet, "text", text)
        width = font.width(text, 8.0 * POINT)
        x = RIGHT - 6 - QR_SIDE / 2 - width / 2
        self._fitted(sheet, text, (max(x, RIGHT - 6 - QR_SIDE), y), QR_SIDE, (8.0, 6.5), tone="grey")

    def _steps(self, sheet: Sheet, facts: Mapping[str, str], size: float) -> None:
        text = self._template.text
        self._title(sheet, text.steps_title, facts, size)
        for number, step in enumerate(text.steps, 1):
            first = sheet.y + (size * 0.5) * POINT * _LEADING
            digit = str(number)
            font = self._font(sheet, "bold", digit)
            sheet.discs.append((LEFT + 2.6, first))
            x = LEFT + 2.6 - font.width(digit, 9 * POINT) / 2
            sheet.marks.append(Mark(x, first + 1.15, digit, font, 9, "paper"))
            self._paragraph(sheet, step, facts, size, left=LEFT + 8)
            sheet.y += 1.6

    def _closing(self, sheet: Sheet, facts: Mapping[str, str], size: float) -> None:
        text = self._template.text
        self._title(sheet, text.help_title, facts, size)
        for paragraph in text.help:
            self._paragraph(sheet, paragraph, facts, size)
            sheet.y += 1.6
        sheet.y += 2.5
        self._paragraph(sheet, text.closing, facts, size)
        self._paragraph(sheet, text.signature, facts, size, bold=True)

    def _title(self, sheet: Sheet, text: str, facts: Mapping[str, str], size: float) -> None:
        if text:
            sheet.y += 2.4
            self._paragraph(sheet, text, facts, size + 1, bold=True, tone="accent")
            sheet.y += 1.4

    def _paragraph(
        self,
        sheet: Sheet,
        text: str,
        facts: Mapping[str, str],
        size: float,
        *,
        left: float = LEFT,
        width: float = 0.0,
        bold: bool = False,
        tone: str = "ink",
        y: float | None = None,
    ) -> None:
        """Lines as wide as the page, or ``width``; the sheet's ``y`` goes on below them, unless ``y`` is given."""
        filled = self._filled(text, facts)
        font = self._font(sheet, "bold" if bold else "text", filled)
        place, step = sheet.y if y is None else y, size * POINT * _LEADING
        for line in wrap(filled, font, size * POINT, width or RIGHT - left):
            sheet.marks.append(Mark(left, place + step * 0.74, line, font, size, tone))
            place += step
        if y is None:
            sheet.y = place
        elif place > HEIGHT - 4:
            sheet.problems.append(_("[text] footer: too long"))

    def _fitted(
        self,
        sheet: Sheet,
        text: str,
        place: tuple[float, float],
        width: float,
        sizes: tuple[float, float],
        kind: str = "text",
        tone: str = "ink",
    ) -> None:
        """One line, as large as fits between two sizes in points."""
        font = self._font(sheet, kind, text)
        size = min(sizes[0], width / max(font.width(text, POINT), 1e-6))
        if size < sizes[1]:
            told = _("too long for one line of %(width)s mm: %(text)s", width=f"{width:.0f}", text=text[:_TOLD])
            sheet.problems.append(told)
        sheet.marks.append(Mark(*place, text, font, size, tone))

    def _filled(self, text: str, facts: Mapping[str, str]) -> str:
        return text.format_map(facts).replace("\u202f", "\u00a0")  # a thin space, which few fonts have

    def _font(self, sheet: Sheet, kind: str, text: str) -> Font:
        fonts = self._fonts[kind]
        font = fonts.for_text(text)
        if font is None:
            missing = " ".join(
                f"{char if char.isprintable() else ''}(U+{ord(char):04X})" for char in fonts.missing(text)
            )
            problem = _("no font of [page] %(fonts)s shows %(missing)s", fonts=f"{kind}_fonts", missing=missing)
            if problem not in sheet.problems:
                sheet.problems.append(problem)
        return font or fonts.first
