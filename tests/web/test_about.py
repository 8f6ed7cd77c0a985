"""Help, the privacy notice, the accessibility statement: whole, in both languages, true of this university."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from connector.demo.slapd import PrivateSlapd
from connector.languages import LANGUAGES
from connector.portal import Portal
from connector.settings.theme import Accessibility, Theme
from tests.portal_fixtures import audited
from tests.web.conftest import ClientWith
from webui.views.about import accessibility_label

PAGES = ("/aide", "/confidentialite", "/accessibilite")
THEMES = ("dordogne", "garonne")
SHORT = '[fr]\nuniversity = "Université d’ici"\ndesk = "la loge"\n'  # a theme that says only what it must
everywhere = pytest.mark.parametrize("path", PAGES)
Seen = Callable[..., str]
MakeTheme = Callable[[str], str]


@pytest.fixture
def seen(client_with: ClientWith) -> Seen:
    """A page as somebody reads it who never signed in."""

    def look(path: str, language: str = "fr", theme: str = "dordogne", **sections: dict[str, object]) -> str:
        client = client_with(**{"web": {"theme": theme}, **sections})
        answer = client.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200
        return answer.text

    return look


@pytest.fixture
def theme(tmp_path: Path) -> MakeTheme:
    """Makes a theme of the given text."""

    def make(text: str) -> str:
        (tmp_path / "theme.toml").write_text(text, encoding="utf-8")
        return str(tmp_path)

    return make


def words_of(page: str) -> str:
    """What stands on the page, without its markup; no-break spaces as spaces."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", main)))


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
@everywhere
def test_each_page_speaks_for_the_university_in_the_readers_language(
    seen: Seen, path: str, language: str, name: str
) -> None:
    page = seen(path, language, name)
    spoken = Theme.load(name).words(language)
    assert f'<html lang="{language}">' in page
    assert spoken.university in page
    assert html.escape(spoken.desk, quote=False) in page


@everywhere
def test_french_and_english_are_built_alike(seen: Seen, path: str) -> None:
    """No part, link or list is missing in one of them."""
    french, english = (seen(path, language) for language in ("fr", "en"))
    ids, tags = re.compile(r'\sid="([^"]+)"'), re.compile(r"<(/?\w+)")
    assert ids.findall(french) == ids.findall(english)
    assert tags.findall(french[french.index("<main") :]) == tags.findall(english[english.index("<main") :])


@pytest.mark.parametrize("language", LANGUAGES)
@everywhere
def test_headings_go_down_one_step_at_a_time(seen: Seen, path: str, language: str) -> None:
    levels = [int(level) for level in re.findall(r"<h(\d)", seen(path, language))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_ten_questions_are_listed_and_can_be_linked_to(seen: Seen) -> None:
    page = seen("/aide")
    listed = re.findall(r'<li><a href="#([\w-]+)">([^<]+)</a></li>', page)
    answered = re.findall(r'<h2 id="([\w-]+)">([^<]+)</h2>', page)
    assert len(listed) == 10
    assert answered[:10] == listed


@everywhere
def test_every_link_within_the_site_leads_somewhere(
    seen: Seen, theme: MakeTheme, client: FlaskClient, path: str
) -> None:
    page, front = seen(path, theme=theme(SHORT)), client.get("/").text
    main = page[page.index("<main") : page.index("</main>")]
    places = {address.partition("#")[::2] for address in re.findall(r'href="([/#][^"]*)"', main)}
    assert ("", "guichet") in places
    for address, anchor in places:
        target = {"": page, "/": front}.get(address) or client.get(address).text
        assert not anchor or f'id="{anchor}"' in target


def test_help_tells_what_the_settings_say(seen: Seen) -> None:
    """Lifetimes, mails, rules, identifiers: as they are here, and not as they usually are."""
    ours = {"mail_hours": 7, "desk_hours": 1, "letter_days": 40, "cooldown_seconds": 180, "mails_a_day": 3}
    told = words_of(seen("/aide", keys=ours, identifiers={"student_number": True}, password={"min_length": 14}))
    for fact in (
        "Reçue par mail, elle est valable 7 heures.",
        "Remise en main propre, elle est valable 1 heure.",
        "Imprimée sur la feuille, elle est valable 40 jours.",
        "toutes les 3 minutes",
        "il en part 3 au plus",
        "ou votre numéro d’étudiant",
        "au moins 14 caractères",
    ):
        assert fact in told
    assert "numéro d’étudiant" not in words_of(seen("/aide"))
    assert "par minute" not in words_of(seen("/aide", keys={"cooldown_seconds": 0}))


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("fr", ("6.1.e", "accès", "rectification", "effacement", "limitation", "opposer", "CNIL", "dans le mois")),
        ("en", ("6(1)(e)", "access", "rectified", "erased", "restrict", "object", "CNIL", "one month")),
    ],
)
@pytest.mark.parametrize("name", THEMES)
def test_the_notice_holds_what_the_law_asks_for(seen: Seen, name: str, language: str, parts: tuple[str, ...]) -> None:
    """GDPR, article 13: controller, officer, purpose, basis, duration, receivers, rights, complaint."""
    page = seen("/confidentialite", language, name)
    told, spoken = words_of(page), Theme.load(name).words(language)
    assert spoken.controller in told
    assert spoken.data_protection in told
    assert [part for part in parts if part not in told] == []
    for part in ("responsable", "pourquoi", "donnees", "duree", "destinataires", "droits"):
        assert f'<h2 id="{part}">' in page
    assert 'href="https://www.cnil.fr/fr/plaintes"' in page


def test_the_notice_tells_what_the_settings_say(seen: Seen) -> None:
    told = words_of(seen("/confidentialite", keys={"mail_hours": 7, "letter_days": 40}, web={"session_minutes": 33}))
    for fact in ("valable 7 heures", "valable 40 jours", "au bout de 33 minutes"):
        assert fact in told


def test_the_notice_names_the_cookies_that_there_are(client: FlaskClient) -> None:
    """All of them, and no other."""
    token = re.search(r'name="csrf_token" value="([^"]+)', client.get("/").text)
    assert token
    client.post("/langue", data={"csrf_token": token[1], "language": "fr", "page": "/"})
    set_here = {cookie.key for cookie in client._cookies.values()}
    named = re.findall(r'<span class="exact">([^<]+)</span>\s?:', client.get("/confidentialite").text)
    assert len(set_here) == 2
    assert set(named) == set_here


PARTS = ("etat", "contenus", "etablissement", "contact", "recours")
WAYS_OUT = ("https://formulaire.defenseurdesdroits.fr/", "https://www.defenseurdesdroits.fr/saisir/delegues")


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_statement_has_its_five_parts_in_their_order(seen: Seen, language: str, name: str) -> None:
    """RGAA 4.1.2: the model is binding."""
    page = seen("/accessibilite", language, name)
    assert re.findall(r'<h2 id="(\w+)">', page) == list(PARTS)
    assert [way for way in WAYS_OUT if f'href="{way}"' not in page] == []
    assert "09 69 39 00 00" in page
    assert "Libre réponse 71120, 75342 Paris Cedex 07" in page


AUDITED = '[accessibility]\nconformity = "{}"\nrate = {}\nauditor = "Ici & Cie"\naudited = "2026-06-15"\n'


@pytest.mark.parametrize(
    ("conformity", "rate", "label", "listed"),
    [
        ("none", 41, "Accessibilité : non conforme", "Le rapport d’audit énumère"),
        ("partial", 92, "Accessibilité : partiellement conforme", "Le rapport d’audit énumère"),
        ("full", 100, "Accessibilité : totalement conforme", "L’audit n’en a pas relevé."),
    ],
)
def test_the_statement_tells_what_the_audit_said(
    seen: Seen, theme: MakeTheme, conformity: str, rate: int, label: str, listed: str
) -> None:
    told = words_of(seen("/accessibilite", theme=theme(SHORT + AUDITED.format(conformity, rate))))
    state = {"none": "n’est pas conforme", "partial": "est partiellement conforme", "full": "est totalement conforme"}
    for fact in (label, state[conformity], f"{rate} %", "Ici & Cie", "établie le 15 juin 2026", listed):
        assert fact in told
    assert "pas encore été audité" not in told


def test_without_an_audit_nothing_is_claimed(seen: Seen) -> None:
    told = words_of(seen("/accessibilite"))
    assert "Accessibilité : non conforme" in told
    assert "n’est pas conforme" in told
    assert "Il n’a pas encore été audité" in told
    assert "Critères respectés" not in told
    assert "%" not in told


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("conformity", ["none", "partial", "full"])
def test_what_the_theme_does_not_say_leaves_no_hole(
    seen: Seen, theme: MakeTheme, conformity: str, language: str
) -> None:
    """The desk stands in for whoever is not named; no sentence ends in the air, no list or link is empty."""
    short = theme(f'{SHORT}[accessibility]\nconformity = "{conformity}"\n')
    for path in PAGES:
        main = blocks_of(seen(path, language, short))
        assert not re.search(r"\s:?\s*\.(?:\s|<)|:\s*</p>(?!\s*<(?:ul|dl))", main), path
        assert not re.search(r'href=""|<(ul|p|li|dd)[^>]*>\s*</\1>', main), path
        assert "la loge" in main


def blocks_of(page: str) -> str:
    """The main part, without the markup within a sentence."""
    main = html.unescape(page[page.index("<main") : page.index("</main>")])
    return re.sub(r"</?(?:span|code|strong)\b[^>]*>", "", main)


def test_whoever_is_named_can_be_reached_by_a_click(seen: Seen) -> None:
    assert 'href="mailto:dpo@universite.example"' in seen("/confidentialite")
    assert 'href="mailto:accessibilite@universite.example"' in seen("/accessibilite")
    page = seen("/confidentialite", theme="garonne")
    assert 'href="https://www.garonne-ocean.example/donnees-personnelles"' in page


def test_what_a_theme_says_is_text(seen: Seen, theme: MakeTheme) -> None:
    odd = "dpo@x.example, <b>%(desk)s</b>"
    page = seen("/confidentialite", theme=theme(f"{SHORT}data_protection = '{odd}'\ncontroller = '{odd}'\n"))
    assert page.count("&lt;b&gt;%(desk)s&lt;/b&gt;") == 3


@everywhere
def test_looking_asks_no_directory_and_leaves_no_trace(
    client: FlaskClient, slapd: PrivateSlapd, audit_file: Path, path: str
) -> None:
    """They open in an outage, to anybody, and change nothing; there is nothing to post."""
    before, lines = slapd.search("(objectClass=*)", "*", "+"), audited(audit_file)
    client.application.extensions["moncompte"].directory.close()
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200
    assert slapd.search("(objectClass=*)", "*", "+") == before
    assert audited(audit_file) == lines


@pytest.mark.parametrize("conformity", ["none", "partial", "full"])
def test_the_label_is_the_laws_own(
    client: FlaskClient, portal: Portal, conformity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    laws = {"none": "non", "partial": "partiellement", "full": "totalement"}
    ours = Theme.load("dordogne").model_copy(update={"accessibility": Accessibility(conformity=conformity)})
    with client.application.test_request_context(headers={"Accept-Language": "fr"}):
        monkeypatch.setattr(portal, "theme", ours)
        assert accessibility_label() == f"Accessibilité\u00a0: {laws[conformity]} conforme"


def test_the_sample_themes_name_everybody_who_must_be_named() -> None:
    """Whoever copies one sees what is to be filled in."""
    for name in THEMES:
        for language in LANGUAGES:
            spoken = Theme.load(name).words(language)
            assert spoken.controller
            assert spoken.data_protection


def test_what_the_theme_says_in_french_alone_is_marked_as_french(seen: Seen, theme: MakeTheme) -> None:
    """WCAG 2.2 §3.1.2: a screen reader would read it with an English voice."""
    french = SHORT + 'hours = "Le matin."\ncontroller = "l’université, dpo@ici.example"\n'
    folder = theme(french)
    page = seen("/confidentialite", "en", folder)
    assert '<dd lang="fr">la loge</dd><dd lang="fr">Le matin.</dd>' in page
    assert 'Data controller: <span lang="fr">l’université, <a href="mailto:dpo@ici.example">' in page
    assert ' lang="fr">la loge' not in seen("/confidentialite", "fr", folder)
    page = seen("/confidentialite", "en", theme(f'{french}[en]\ndesk = "the lodge"\n'))
    assert '<dd>the lodge</dd><dd lang="fr">Le matin.</dd>' in page


def test_what_an_audit_found_and_who_else_receives_something_is_said(client_with: ClientWith) -> None:
    found = {
        "not_accessible": ("La vidéo <b>d’accueil</b> n’a pas de sous-titres.",),
        "accessibility_plan_url": "https://univ.example/schema",
        "accessibility_report_url": "https://univ.example/rapport",
        "recipients": "L’hébergeur Exemple, à Exempleville.",
    }
    client = client_with(fr=found, accessibility={"conformity": "partial", "rate": 80})
    statement, notice = client.get("/accessibilite").text, client.get("/confidentialite").text
    assert "<li>La vidéo &lt;b&gt;d’accueil&lt;/b&gt; n’a pas de sous-titres.</li>" in statement
    for url in ("https://univ.example/schema", "https://univ.example/rapport"):
        assert f'href="{url}"' in statement
    assert "Aucune dérogation" not in statement
    assert "L’hébergeur Exemple, à Exempleville." in notice
    assert "ne transmet rien à personne" not in notice


def test_without_them_the_pages_say_so(client: FlaskClient) -> None:
    assert "Aucune dérogation" in client.get("/accessibilite").text
    assert "ne transmet rien à personne" in client.get("/confidentialite").text
