"""QR codes: the modules, and the same as one SVG path; pure, and beside it only the tests read one."""

from __future__ import annotations

from math import isqrt
from typing import Any

import zxingcpp

QUIET = 4  # modules of margin around a code, ISO/IEC 18004 §9.1


def modules(text: str) -> tuple[int, bytes]:
    """The code's side in modules, and an octet a module, row by row: 0 for black. Up to some 2,300 characters."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    octets = memoryview(image)
    return isqrt(octets.nbytes), bytes(octets)


def path(text: str) -> tuple[int, str]:
    """The side of a square with its margin, and the black modules within as an SVG path, a unit a module."""
    side, octets = modules(text)
    black = (divmod(place, side) for place, octet in enumerate(octets) if octet == 0)
    return side + 2 * QUIET, "".join(f"M{column + QUIET} {row + QUIET}h1v1h-1z" for row, column in black)
