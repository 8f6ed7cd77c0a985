"""The theme: whether it loads, whether it is a university's own, and what the pages must tell and cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.doctor.finding import Finding, broken, ok, warning
from connector.errors import SettingsInvalid
from connector.languages import LANGUAGES, REFERENCE
from connector.settings.theme import FILE, SAMPLES, Theme

_OF_SAMPLES = re.compile(r"\.example\b|Exempleville")  # nobody's: RFC 2606
_OWED = ("controller", "data_protection")  # in the privacy notice: GDPR, article 13
_LIVELY = re.compile(  # what an SVG file brings that no browser does in an <img>: W3C, SVG Integration §3.3
    r"""<script|<foreignObject|\son\w+\s*=|@import|(href|src)\s*=\s*["']\s*(?!\#|data:)|url\(\s*["']?(?!\#|data:)""",
    re.IGNORECASE,
)


def examine(name: str) -> Iterator[Finding]:
    """Findings about the theme that ``[web] theme`` names."""
    try:
        theme = Theme.load(name)
    except SettingsInvalid as error:
        yield from (
            broken("theme", problem, "mend it (docs/theme.md): the portal does not start before")
            for problem in error.problems
        )
        return
    found = [*_own(theme), *_owed(theme), *_audited(theme), *_logo(theme)]
    yield from found or [ok("theme", f"the theme is {theme.fr.university}'s, in {theme.folder}")]


def _own(theme: Theme) -> Iterator[Finding]:
    """A sample, or a copy of one that was not gone through."""
    if theme.folder.resolve().parent == SAMPLES.resolve():
        remedy = f'copy {theme.folder}, edit {FILE} in the copy, name that folder: [web] theme = "…"'
        yield warning("theme", f"the portal runs with a sample: it says it is {theme.fr.university}'s", remedy)
        return
    universities = {Theme.load(file.parent.name).fr.university for file in SAMPLES.glob(f"*/{FILE}")}
    reference = dict(theme.words(REFERENCE))
    for language in LANGUAGES:
        own = {name: text for name, text in theme.words(language) if language == REFERENCE or text != reference[name]}
        if left := [name for name, text in own.items() if _OF_SAMPLES.search(text) or text in universities]:
            said = f"the theme still says what its sample said: [{language}] {', '.join(left)}"
            yield warning("theme", said, f"{theme.folder / FILE}")


def _owed(theme: Theme) -> Iterator[Finding]:
    if missing := [name for name in _OWED if not getattr(theme.fr, name).strip()]:
        said = (
            f"the theme does not say [{REFERENCE}] {' nor '.join(missing)}: the privacy notice must (GDPR, article 13)"
        )
        yield warning("theme", said, f"{theme.folder / FILE}")


def _audited(theme: Theme) -> Iterator[Finding]:
    """Who claims conformity says by whose audit."""
    said = theme.accessibility
    lacking = [name for name in ("rate", "auditor", "audited") if getattr(said, name) in {None, ""}]
    if said.conformity != "none" and lacking:
        told = f'[accessibility] conformity is "{said.conformity}" without {", ".join(lacking)} of the audit'
        yield warning("theme", told, f"{theme.folder / FILE}; without an audit the law's word is none (RGAA 4.1.2)")


def _logo(theme: Theme) -> Iterator[Finding]:
    """An SVG that a browser shows in part: in a picture no script runs, and nothing else is fetched."""
    if not theme.look.logo.endswith(".svg"):
        return
    file = theme.folder / theme.look.logo
    if found := _LIVELY.search(file.read_text(encoding="utf-8", errors="replace")):
        said = (
            f'{file.name} has "{found[0].strip()}": a picture runs no script and fetches nothing, so it shows in part'
        )
        yield warning("theme", said, "save it as a plain SVG, its fonts as paths and its pictures inside")
