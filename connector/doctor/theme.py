"""The theme: whether it loads, whether it is a university's own, and what the pages must tell and cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.doctor.finding import Finding, broken, ok, warning
from connector.errors import SettingsInvalid
from connector.languages import LANGUAGES, REFERENCE
from connector.settings.theme import FILE, SAMPLES, Theme
from connector.wording import _

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
        remedy = _("mend it (docs/theme.md): the portal does not start before")
        yield from (broken("theme", problem, remedy) for problem in error.problems)
        return
    found = [*_own(theme), *_owed(theme), *_audited(theme), *_logo(theme)]
    yield from found or [
        ok("theme", _("the theme is %(whose)s's, in %(folder)s", whose=theme.fr.university, folder=theme.folder))
    ]


def _own(theme: Theme) -> Iterator[Finding]:
    """A sample, or a copy of one that was not gone through."""
    if theme.folder.resolve().parent == SAMPLES.resolve():
        said = _("the portal runs with a sample: it says it is %(whose)s's", whose=theme.fr.university)
        remedy = _(
            'copy %(folder)s, edit %(file)s in the copy, name that folder: [web] theme = "…"',
            folder=theme.folder,
            file=FILE,
        )
        yield warning("theme", said, remedy)
        return
    universities = {Theme.load(file.parent.name).fr.university for file in SAMPLES.glob(f"*/{FILE}")}
    reference = dict(theme.words(REFERENCE))
    for language in LANGUAGES:
        own = {name: text for name, text in theme.words(language) if language == REFERENCE or text != reference[name]}
        if left := [name for name, text in own.items() if _OF_SAMPLES.search(str(text)) or text in universities]:
            where = f"[{language}] {', '.join(left)}"
            said = _("the theme still says what its sample said: %(where)s", where=where)
            yield warning("theme", said, f"{theme.folder / FILE}")


def _owed(theme: Theme) -> Iterator[Finding]:
    if missing := [name for name in _OWED if not getattr(theme.fr, name).strip()]:
        where = f"[{REFERENCE}] " + _(" nor ").join(missing)
        said = _("the theme does not say %(where)s: the privacy notice must (GDPR, article 13)", where=where)
        yield warning("theme", said, f"{theme.folder / FILE}")


def _audited(theme: Theme) -> Iterator[Finding]:
    """Who claims conformity says by whose audit."""
    said = theme.accessibility
    lacking = [name for name in ("rate", "auditor", "audited") if getattr(said, name) in {None, ""}]
    if said.conformity != "none" and lacking:
        told = _(
            '[accessibility] conformity is "%(conformity)s" without %(names)s of the audit',
            conformity=said.conformity,
            names=", ".join(lacking),
        )
        remedy = _("%(file)s; without an audit the law's word is none (RGAA 4.1.2)", file=theme.folder / FILE)
        yield warning("theme", told, remedy)


def _logo(theme: Theme) -> Iterator[Finding]:
    """An SVG that a browser shows in part: in a picture no script runs, and nothing else is fetched."""
    if not theme.look.logo.endswith(".svg"):
        return
    file = theme.folder / theme.look.logo
    if found := _LIVELY.search(file.read_text(encoding="utf-8", errors="replace")):
        said = _(
            '%(file)s has "%(found)s": a picture runs no script and fetches nothing, so it shows in part',
            file=file.name,
            found=found[0].strip(),
        )
        yield warning("theme", said, _("save it as a plain SVG, its fonts as paths and its pictures inside"))
