"""What is wrong with a setting, in a sentence: where, what, and what is expected there."""

from __future__ import annotations

import difflib

from pydantic_core import ErrorDetails

from connector.settings.sections import SECTIONS
from connector.wording import N_, _

_PYDANTIC = {  # its sentences by their types, some of them shorter
    "missing": N_("missing"),
    "too_short": N_("too short"),
    "too_long": N_("too long"),
    "bool_parsing": N_("Input should be a valid boolean, unable to interpret input"),
    "bool_type": N_("Input should be a valid boolean"),
    "dict_type": N_("Input should be a valid dictionary"),
    "model_type": N_("must be a table"),
    "enum": N_("Input should be {expected}"),
    "float_parsing": N_("Input should be a valid number, unable to parse string as a number"),
    "float_type": N_("Input should be a valid number"),
    "greater_than": N_("Input should be greater than {gt}"),
    "greater_than_equal": N_("Input should be greater than or equal to {ge}"),
    "int_from_float": N_("Input should be a valid integer, got a number with a fractional part"),
    "int_parsing": N_("Input should be a valid integer, unable to parse string as an integer"),
    "int_type": N_("Input should be a valid integer"),
    "less_than": N_("Input should be less than {lt}"),
    "less_than_equal": N_("Input should be less than or equal to {le}"),
    "literal_error": N_("Input should be {expected}"),
    "string_too_short": N_("too short"),
    "string_too_long": N_("too long"),
    "string_pattern_mismatch": N_("String should match pattern '{pattern}'"),
    "string_type": N_("Input should be a valid string"),
    "tuple_type": N_("Input should be a valid tuple"),
}

_GONE = {  # what [web] said before there were themes, and where the theme says it
    "title": "[fr] university",
    "desk": "[fr] desk",
    "assistance_url": "[fr] assistance_url",
    "help_url": "[fr] help_url",
    "password_help_url": "[fr] passwords_url",
}


def problem(source: str, item: ErrorDetails) -> str:
    """The sentence for one of pydantic's errors; ``source`` names the file."""
    if not item["loc"]:  # of two sections that do not go together
        return _("%(what)s: %(said)s", what=source, said=judged(item))
    section, key = (*map(str, item["loc"]), "")[:2]
    where = _("%(what)s: %(said)s", what=source, said=f"[{section}] {key}".rstrip())
    if item["type"] == "extra_forbidden":
        return _unknown(where, section, key)
    model = SECTIONS.get(section)
    field = model.model_fields.get(key) if model else None
    said = judged(item)
    return located(where, said, field.description if field else None)


def located(where: str, said: str, expected: str | None) -> str:
    """What is wrong at a place, and what is ``expected`` there, where a description tells that."""
    if expected:
        return _("%(where)s: %(said)s (expected: %(what)s)", where=where, said=said, what=_(expected))
    return _("%(what)s: %(said)s", what=where, said=said)


def _unknown(where: str, section: str, key: str) -> str:
    """A name that is none, and the one it may have been meant to be."""
    if section == "web" and key in _GONE:
        return _("%(where)s: the theme says it now, as %(place)s: docs/theme.md", where=where, place=_GONE[key])
    model = SECTIONS.get(section)
    known = list(model.model_fields) if model and key else list(SECTIONS)
    if close := difflib.get_close_matches(key or section, known, n=1):
        return _("%(where)s: unknown setting; did you mean %(close)s?", where=where, close=close[0])
    return _("%(where)s: unknown setting; known: %(known)s", where=where, known=", ".join(known))


def judged(item: ErrorDetails) -> str:
    """What our validator said, or what pydantic says, shorter."""
    template = _PYDANTIC.get(item["type"])
    return _(template).format(**item.get("ctx", {})) if template else item["msg"].removeprefix("Value error, ")
