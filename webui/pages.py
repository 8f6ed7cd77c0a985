"""The pages' templates, in each language once: what they all speak of, and the reader's own."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from flask import Flask, current_app
from jinja2 import FileSystemLoader

from connector import languages
from connector.model import masked
from connector.settings.theme import Theme
from connector.translated import Translated
from webui import assets, hosts, language, wording

_TEMPLATES = Path(__file__).parent / "templates"
_PAGES = "moncompte.pages"  # its key in ``app.extensions``


def configure(app: Flask, theme: Theme) -> None:
    """Give the templates what every page may speak of; after the views, which add to it."""
    app.jinja_env.globals.update(masked=masked, asset=assets.address, logo=assets.logo)
    app.jinja_env.globals.update(all_languages=languages.LANGUAGES, foreign=language.foreign)
    app.jinja_env.globals.update(ngettext=wording.ngettext, portal_page=hosts.portal_page)
    app.jinja_env.globals.update(has_assistance="assistance" in app.blueprints, assistance_url=_assistance_url)
    app.extensions[_PAGES] = {spoken: _templates(app, theme, spoken) for spoken in languages.LANGUAGES}


def render_template(name: str, **facts: object) -> str:
    """The page in the reader's language. Flask's own would translate each sentence of it anew."""
    return _pages(current_app)[wording.selected()].get_template(name).render(facts)


def compile_all(app: Flask) -> None:
    """Now, rather than when the first of each is asked for."""
    for templates in _pages(app).values():
        for name in templates.list_templates():
            templates.get_template(name)


def _templates(app: Flask, theme: Theme, spoken: str) -> Translated:
    find = languages.catalogue(wording.TRANSLATIONS, spoken).ugettext
    templates = Translated(find, loader=FileSystemLoader(_TEMPLATES), autoescape=True)
    templates.globals.update(app.jinja_env.globals, language=spoken, words=theme.words(spoken))
    return templates


def _pages(app: Flask) -> dict[str, Translated]:
    return cast("dict[str, Translated]", app.extensions[_PAGES])


def _assistance_url() -> str:
    """Where somebody asks for help from afar: the theme's own form comes before ours; empty where there is neither."""
    ours = hosts.portal_page("assistance.write") if "assistance" in current_app.blueprints else ""
    return language.words().assistance_url or ours
