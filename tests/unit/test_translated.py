"""Templates compiled in one language: what they say, what is escaped, and what no catalogue could translate."""

import pytest
from jinja2 import DictLoader, TemplateAssertionError

from connector.translated import Translated

WORDS = {"Bonjour": "Hello <b>you</b>", "Il reste %(n)s %%": "%(n)s %% is left", "100 %": "100 percent % of it"}


def said(source: str, autoescape: bool = True, **facts: object) -> str:
    templates = Translated(lambda sentence: WORDS.get(sentence, sentence), autoescape=autoescape)
    templates.loader = DictLoader({"page": source})
    return templates.get_template("page").render(facts)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('{{ _("Bonjour") }}', "Hello <b>you</b>"),
        ('{{ _("inconnue") }}', "inconnue"),
        ('{{ _("100 %") }}', "100 percent % of it"),
        ('{{ _("Il reste %(n)s %%", n=typed) }}', "&lt;i&gt; % is left"),
        ('{{ _("Il reste %(n)s %%", n=_("Bonjour")) }}', "Hello <b>you</b> % is left"),
        ('{% set word = _("Bonjour") %}{{ word }}{{ word ~ typed }}', "Hello <b>you</b>Hello <b>you</b>&lt;i&gt;"),
        ('{{ typed if typed else _("Bonjour") }}', "&lt;i&gt;"),
        ('{% macro m(x) %}{{ x }}{{ _("Bonjour") }}{% endmacro %}{{ m(typed) }}', "&lt;i&gt;Hello <b>you</b>"),
        ('{% for x in [_("Bonjour"), typed] %}{{ x }}{% endfor %}', "Hello <b>you</b>&lt;i&gt;"),
    ],
)
def test_a_sentence_is_ours_and_what_is_filled_in_is_not(source: str, told: str) -> None:
    assert said(source, typed="<i>") == told


def test_where_nothing_is_a_tag_nothing_is_escaped() -> None:
    assert said('{{ _("Il reste %(n)s %%", n=typed) }}', autoescape=False, typed="<i>") == "<i> % is left"


@pytest.mark.parametrize("source", ["{{ _(typed) }}", '{{ _("Bon" ~ "jour") }}', "{{ _() }}", '{{ _("a", "b") }}'])
def test_a_sentence_that_no_catalogue_could_know_is_refused_at_once(source: str) -> None:
    with pytest.raises(TemplateAssertionError, match="a sentence must be written out"):
        said(source, typed="Bonjour")
