"""In which language the reader is answered, and how sentences and dates are said in it.

The language is the one chosen on the page, else the browser's, else French. Looked up straight in Babel's catalogue,
once for all the sentences of a request.
"""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from pathlib import Path

from babel import dates
from babel.support import LazyProxy, NullTranslations
from flask import current_app, g, request

from connector import languages

TRANSLATIONS = Path(__file__).parent / "translations"
ZONE = "MONCOMPTE_TIMEZONE"  # the university's, in ``app.config``
COOKIE = "language"  # holds two letters, nothing of anybody's


def selected() -> str:
    """The language of the request in hand."""
    language: str | None = g.get("language")
    if language is None:
        chosen = request.cookies.get(cookie_name(), "")
        known = chosen in languages.LANGUAGES
        g.language = language = chosen if known else languages.choose(request.headers.get("Accept-Language"))
    return language


def cookie_name() -> str:
    """As of the session's: where the site is https no neighbour under the same domain can plant one."""
    return f"__Host-{COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else COOKIE


def _(message: str, **facts: object) -> str:
    said: str = _catalogue().ugettext(message)
    return said % facts if facts else said


def ngettext(one: str, many: str, count: int) -> str:
    """The sentence for one or for many, with ``%(num)d`` filled in."""
    return str(_catalogue().ungettext(one, many, count)) % {"num": count}


def later(message: str, **facts: object) -> LazyProxy:
    """The sentence, said anew each time that it is shown: a form is written before anybody asks for it."""
    return LazyProxy(_, message, **facts, enable_cache=False)


def day(instant: date, pattern: str) -> str:
    """A day, where the university is; each language has its own ``pattern`` (Unicode TR 35, table 8)."""
    local = instant.astimezone(_zone()) if isinstance(instant, datetime) else instant
    return dates.format_date(local, pattern, locale=selected())


def moment(instant: datetime, pattern: str) -> str:
    """A day and a time, or a time alone, there."""
    return dates.format_datetime(instant, pattern, tzinfo=_zone(), locale=selected())


def _zone() -> tzinfo:
    return dates.get_timezone(current_app.config[ZONE])


def _catalogue() -> NullTranslations:
    catalogue: NullTranslations | None = g.get("catalogue")
    if catalogue is None:
        g.catalogue = catalogue = languages.catalogue(TRANSLATIONS, selected())
    return catalogue
