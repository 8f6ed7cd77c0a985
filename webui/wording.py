"""How a sentence is said in the language of whoever asked: Flask-Babel's, with types."""

from __future__ import annotations

import flask_babel


def _(message: str, **facts: object) -> str:
    return str(flask_babel.gettext(message, **facts))


def ngettext(one: str, many: str, count: int) -> str:
    """The sentence for one or for many, with ``%(num)d`` filled in. Typed, as Flask-Babel itself is not."""
    return str(flask_babel.ngettext(one, many, count))
