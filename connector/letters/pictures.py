"""The pictures on a letter: the logo and the QR code."""

from __future__ import annotations

import io
import struct
from math import pi
from pathlib import Path

from connector import qr
from connector.cairo import cairocffi
from connector.letters.template import NO_LOGO, Template
from connector.settings.theme import Theme
from connector.wording import _, reason

_WIDEST_LOGO = 80.0  # millimetres
_MOST_PIXELS = 25_000_000  # of a logo: a few lines say it is so large, and four octets each it takes
_JPEG_SIZES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive: what PDF viewers read
_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))  # cairo wants the first pixel in the low bit
_AS_DIGITS = bytes([ord("1"), *[ord("0")] * 255])


def logo(template: Template, theme: Theme) -> tuple[cairocffi.ImageSurface | None, float]:
    """The template's logo, or the theme's, and its scale, millimetres a pixel. Raises ValueError."""
    path = _logo_file(template, theme)
    if path is None:
        return None, 0.0
    try:
        surface = _png(path) if path.suffix.lower() == ".png" else _jpeg(path)
    except OSError as error:
        raise ValueError(_("%(file)s cannot be read: %(reason)s", file=path.name, reason=reason(error))) from None
    height = template.sender.logo_height
    return surface, min(height / surface.get_height(), _WIDEST_LOGO / surface.get_width())


def _logo_file(template: Template, theme: Theme) -> Path | None:
    if template.sender.logo.lower() == NO_LOGO:
        return None
    if template.sender.logo:
        return template.folder / template.sender.logo
    return theme.folder / theme.look.mail_logo if theme.look.mail_logo else None


def _png(path: Path) -> cairocffi.ImageSurface:
    octets = path.read_bytes()
    try:
        return cairocffi.ImageSurface.create_from_png(io.BytesIO(octets))
    except (cairocffi.CairoError, OSError, MemoryError):  # OSError: it ends too early
        raise ValueError(_("%(file)s is not a PNG file", file=path.name)) from None


def _jpeg(path: Path) -> cairocffi.ImageSurface:
    """A surface of the picture's size; cairo copies the file's own octets into the PDF."""
    octets, place = path.read_bytes(), 2
    while octets[:2] == b"\xff\xd8" and place + 9 <= len(octets):
        marker, length = struct.unpack_from(">xBH", octets, place)
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", octets, place + 5)
            if not 0 < width * height <= _MOST_PIXELS:
                raise ValueError(_too_large(path.name, width, height))
            surface = cairocffi.ImageSurface(cairocffi.FORMAT_RGB24, width, height)
            surface.set_mime_data("image/jpeg", octets)
            return surface
        place += 2 + length
    raise ValueError(_("%(file)s is not a JPEG file", file=path.name))


def _too_large(name: str, width: int, height: int) -> str:
    return _(
        "%(file)s is %(width)s by %(height)s pixels: %(most)s million in all at most",
        file=name,
        width=width,
        height=height,
        most=_MOST_PIXELS // 1_000_000,
    )


def rounded(context: cairocffi.Context, x: float, y: float, width: float, height: float, radius: float) -> None:
    """The outline of a rectangle with round corners."""
    context.new_sub_path()
    quarter = pi / 2
    context.arc(x + width - radius, y + radius, radius, -quarter, 0)
    context.arc(x + width - radius, y + height - radius, radius, 0, quarter)
    context.arc(x + radius, y + height - radius, radius, quarter, 2 * quarter)
    context.arc(x + radius, y + radius, radius, 2 * quarter, 3 * quarter)
    context.close_path()


def paint_qr(context: cairocffi.Context, link: str, x: float, y: float, width: float) -> None:
    """The QR code on a white square, as an image of one bit a module: cheaper by far than as many black squares."""
    side, modules = qr.modules(link)
    context.set_source_rgb(1, 1, 1)
    rounded(context, x, y, width, width, 1.5)
    context.fill()
    pattern = cairocffi.SurfacePattern(_bitmap(side, modules))
    pattern.set_filter(cairocffi.FILTER_NEAREST)
    context.save()
    scale = width / (side + 2 * qr.QUIET)
    context.translate(x + qr.QUIET * scale, y + qr.QUIET * scale)
    context.scale(scale, scale)
    context.set_source_rgb(0, 0, 0)
    context.mask(pattern)
    context.restore()


def _bitmap(side: int, modules: bytes) -> cairocffi.ImageSurface:
    """A bit a module, rows padded as cairo wants them."""
    stride = cairocffi.ImageSurface.format_stride_for_width(cairocffi.FORMAT_A1, side)
    black = modules.translate(_AS_DIGITS)
    rows = (int(black[row * side : (row + 1) * side].ljust(stride * 8, b"0"), 2) for row in range(side))
    octets = bytearray(b"".join(row.to_bytes(stride, "big") for row in rows).translate(_REVERSED))
    return cairocffi.ImageSurface(cairocffi.FORMAT_A1, side, side, octets, stride)
