"""The colours of a theme, and whether one can be read on another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from connector.settings.sections import Section
from connector.wording import N_, _

TEXT, SHAPE = 4.5, 3.0
"""The least contrast of text, and of what must be seen but not read (WCAG 2.2 §1.4.3, §1.4.11)."""
Color = Annotated[str, Field(pattern="^#[0-9a-fA-F]{6}$", description=N_("such as #0d5c63"))]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours ``#rrggbb``, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, "relative luminance")."""
    red, green, blue = (_linear(int(pair, 16) / 255) for pair in re.findall("[0-9a-fA-F]{2}", color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 (sRGB's)


class Palette(Section):
    """The colours of one scheme, by what they are for."""

    paper: Color  # around the sheet
    sheet: Color  # behind the text
    ink: Color  # text
    soft: Color  # text that helps
    rule: Color  # lines that part
    edge: Color  # borders of fields and buttons
    accent: Color  # links, buttons, what is chosen
    accent_strong: Color  # the same under the pointer
    on_accent: Color  # text on a button
    wash: Color  # behind what is pointed out
    alarm: Color  # what is wrong
    alarm_wash: Color  # behind it
    fair: Color  # the meter's middle

    @model_validator(mode="after")
    def _legible(self) -> Self:
        if faults := list(self._faults()):
            raise ValueError(_("; ").join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        for front, behind, least in PAIRS:
            found = contrast(getattr(self, front), getattr(self, behind))
            if found < least:
                yield _(
                    "%(front)s on %(behind)s has a contrast of %(found)s, %(least)s at least",
                    front=front,
                    behind=behind,
                    found=f"{found:.2f}",
                    least=least,
                )


PAIRS = [
    *((front, behind, TEXT) for front in ("ink", "soft", "accent", "accent_strong") for behind in ("paper", "sheet")),
    *(("on_accent", behind, TEXT) for behind in ("accent", "accent_strong")),
    *((front, "wash", TEXT) for front in ("ink", "soft", "accent", "accent_strong")),
    *((front, "alarm_wash", TEXT) for front in ("ink", "alarm")),
    ("alarm", "sheet", TEXT),
    *(("edge", behind, SHAPE) for behind in ("paper", "sheet")),
    ("accent", "alarm_wash", SHAPE),
    ("fair", "sheet", SHAPE),
]
"""What is seen on what, in ``style.css``, and the contrast it needs; a test holds the two together."""


class Light(Palette):
    """By day."""

    paper: Color = "#f4f1ea"
    sheet: Color = "#fffefb"
    ink: Color = "#1f2428"
    soft: Color = "#565c62"
    rule: Color = "#d8d0bf"
    edge: Color = "#857f70"
    accent: Color = "#0d5c63"
    accent_strong: Color = "#08444a"
    on_accent: Color = "#fffdf9"
    wash: Color = "#e8f0ee"
    alarm: Color = "#9c2118"
    alarm_wash: Color = "#fbebe7"
    fair: Color = "#8a5a00"


class Dark(Palette):
    """Where the reader's system asks for it."""

    paper: Color = "#121618"
    sheet: Color = "#1a2023"
    ink: Color = "#ebe7de"
    soft: Color = "#b0b0a8"
    rule: Color = "#384145"
    edge: Color = "#7d8689"
    accent: Color = "#7cc7c5"
    accent_strong: Color = "#a5dcd9"
    on_accent: Color = "#0c2426"
    wash: Color = "#1f2d2f"
    alarm: Color = "#f5a79c"
    alarm_wash: Color = "#35211f"
    fair: Color = "#e6b968"
