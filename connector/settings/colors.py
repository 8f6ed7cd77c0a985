"""Colours, and whether one can be read on another."""

from __future__ import annotations

import re

TEXT, SHAPE = 4.5, 3.0
"""The least contrast of text, and of what must be seen but not read (WCAG 2.2 §1.4.3, §1.4.11)."""


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
