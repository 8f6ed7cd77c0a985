"""What the browser keeps for ever: the stylesheet in the theme's colours, the scripts, the logo.

An address bears a digest of what it brings: a new version has a new address, and nobody waits to ask whether the old
one is still good (RFC 8246). All is read and compressed once, when the application is made; pages are not
compressed here, since they hold tokens beside what was typed (RFC 7457 §2.6).
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue

from connector.settings.colors import Palette
from connector.settings.theme import Theme

STATIC = Path(__file__).parent / "static"
EXTENSION = "moncompte-assets"  # their key in ``app.extensions``
LOGO = "logo"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
_TEXTS = {".css", ".js", ".svg"}
_FOR_EVER = "public, max-age=31536000, immutable"

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent; ``compressed`` where that is shorter."""

    name: str
    content: bytes
    compressed: bytes
    type: str
    digest: str

    @property
    def address(self) -> str:
        """Where it is, under the portal's root."""
        return f"/static/{self.digest}/{self.name}"


def load(theme: Theme) -> dict[str, Asset]:
    """Every asset by name; the theme's logo is ``logo.svg``, or whatever it is."""
    assets = {file.name: _asset(file.name, file.read_bytes()) for file in STATIC.iterdir()}
    assets["style.css"] = _asset("style.css", tokens(theme).encode() + (STATIC / "style.css").read_bytes())
    if theme.look.logo:
        file = theme.folder / theme.look.logo
        name = LOGO + file.suffix
        assets[name] = _asset(name, file.read_bytes())
    return assets


def tokens(theme: Theme) -> str:
    """The theme as the variables that ``style.css`` is written in."""
    look = theme.look
    shape = f"--radius:{look.radius}px;--text:{look.text_fonts};--heading:{look.heading_fonts}"
    dark = f"@media (prefers-color-scheme:dark){{:root{{{_colors(theme.dark)}}}}}"
    return f":root{{{_colors(theme.light)};{shape}}}\n{dark}\n"


def address(name: str) -> str:
    """Where the asset is; it changes whenever the asset does."""
    return request.root_path + current_assets()[name].address


def logo() -> str | None:
    """Where the theme's logo is, if it has one."""
    look = next((name for name in current_assets() if name.startswith(f"{LOGO}.")), None)
    return address(look) if look else None


def current_assets() -> dict[str, Asset]:
    """Those of the application at work."""
    assets: dict[str, Asset] = current_app.extensions[EXTENSION]
    return assets


@blueprint.get("/static/<digest>/<name>")
def serve(digest: str, name: str) -> ResponseReturnValue:
    """One asset. Beside hosts that run another version its page may ask for theirs: ours, but not for ever."""
    asset = current_assets().get(name) or abort(404)
    is_short = request.accept_encodings["gzip"] > 0 and len(asset.compressed) < len(asset.content)
    response = Response(asset.compressed if is_short else asset.content, content_type=asset.type)
    if is_short:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Content-Security-Policy"] = "sandbox"  # with the site's: a logo opened by itself only shows
    response.headers["Cache-Control"] = _FOR_EVER if digest == asset.digest else "no-cache"
    return response


def _asset(name: str, content: bytes) -> Asset:
    suffix = Path(name).suffix
    compressed = gzip.compress(content, mtime=0) if suffix in _TEXTS else content
    return Asset(name, content, compressed, _TYPES[suffix], hashlib.sha256(content).hexdigest()[:12])


def _colors(palette: Palette) -> str:
    return ";".join(f"--{name.replace('_', '-')}:{color}" for name, color in palette)
