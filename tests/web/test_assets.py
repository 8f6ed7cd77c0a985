"""What the browser keeps: under an address that changes with its content, for ever, in the theme's colours."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from flask.testing import FlaskClient

from connector.settings.theme import Theme
from tests.web.conftest import ClientWith
from webui import assets

ADDRESS = re.compile(r'(?:href|src)="(/static/[0-9a-f]{12}/[\w.]+)"')


def addresses(client: FlaskClient) -> set[str]:
    return set(ADDRESS.findall(client.get("/").text))


def test_what_a_page_names_is_there_and_kept_for_ever(client: FlaskClient) -> None:
    named = addresses(client)
    assert {path.rsplit("/", 1)[1] for path in named} == {"style.css", "page.js", "entry.js", "logo.svg"}
    types = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
    for path in named:
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == types.get(Path(path).suffix, "image/svg+xml; charset=utf-8")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in answer.headers


def test_a_text_is_compressed_for_whoever_reads_that(client: FlaskClient) -> None:
    path = next(each for each in addresses(client) if each.endswith("style.css"))
    plain, short = client.get(path), client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert gzip.decompress(short.data) == plain.data
    assert len(short.data) < len(plain.data) / 2
    assert "Content-Encoding" not in plain.headers
    assert {answer.headers["Vary"] for answer in (plain, short)} == {"Accept-Encoding"}
    assert "Content-Encoding" not in client.get(path, headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_a_page_of_another_version_gets_what_there_is_and_keeps_it_not(client: FlaskClient) -> None:
    """Two hosts during an upgrade: the page came from one, its stylesheet is asked of the other."""
    answer = client.get("/static/0123456789ab/style.css")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    assert client.get("/static/0123456789ab/nothing.js").status_code == 404


def test_another_content_has_another_address(client: FlaskClient, client_with: ClientWith) -> None:
    mine, other = addresses(client), addresses(client_with(look={"radius": 9}))
    assert {path.rsplit("/", 1)[1] for path in mine ^ other} == {"style.css"}


def test_the_theme_colours_the_page_by_day_and_by_night() -> None:
    theme = Theme.load("garonne")
    said = assets.tokens(theme)
    day, night = said.split("@media (prefers-color-scheme:dark)")
    assert f"--accent-strong:{theme.light.accent_strong};" in day
    assert f"--accent-strong:{theme.dark.accent_strong};" in night
    assert f"--radius:{theme.look.radius}px" in day


def test_every_token_of_the_stylesheet_is_set_by_itself_or_by_the_theme() -> None:
    written = (assets.STATIC / "style.css").read_text("utf-8")
    used = set(re.findall(r"var\((--[\w-]+)", written))
    own = set(re.findall(r"^\s*(--[\w-]+):", written, re.MULTILINE))
    themed = set(re.findall(r"(--[\w-]+):", assets.tokens(Theme.load("dordogne"))))
    assert used - own - themed == set()
    assert {name for name in themed if name not in used} == set()


def test_a_theme_without_a_logo_shows_none(client_with: ClientWith) -> None:
    page = client_with(look={"logo": ""}).get("/").text
    assert "<img" not in page
    assert 'rel="icon"' not in page
