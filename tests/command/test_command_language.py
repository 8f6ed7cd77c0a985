"""What goes wrong is told in the shell's language; help, figures and exit codes are the same everywhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connector.portal import Portal
from connector.settings import config_folder
from tests.portal_fixtures import MovingClock
from tests.shell_fixtures import Moncompte

COMMAND = str(Path(sys.executable).with_name("moncompte"))
DOCUMENTED = str(config_folder() / "moncompte.toml")
NOWHERE = "--settings=/nowhere.toml"
LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", "MONCOMPTE_SETTINGS")


def typed(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell with no locale but those given gets to see, in UTF-8."""
    kept = {name: value for name, value in os.environ.items() if name not in LOCALES}
    environment = {**kept, "PYTHONUTF8": "1", **environment}
    return subprocess.run([COMMAND, *words], env=environment, capture_output=True, encoding="utf-8", check=False)


def said(*words: str, **environment: str) -> str:
    """The error, its no-break spaces as plain ones, and the exit code after it."""
    done = typed(*words, **environment)
    return f"{done.stderr.splitlines()[-1]} {done.returncode}".replace("\xa0", " ")


@pytest.mark.parametrize(
    ("words", "english", "french"),
    [
        (
            ["isue"],
            "Error: No such command 'isue'. Did you mean issue? 2",
            "Erreur : La commande isue n’existe pas. Vouliez-vous dire issue ? 2",
        ),
        (["revoke"], "Error: Missing argument 'IDENTIFIER'. 2", "Erreur : Argument manquant 'IDENTIFIER'. 2"),
        (
            ["purge", "--older-than", "x"],
            "Error: Invalid value for '--older-than': 'x' is not a valid integer range. 2",
            "Erreur : Valeur non valable pour '--older-than' : 'x' n’est pas un nombre entier. 2",
        ),
        (
            ["set-rescue", "jmartin001"],
            "Error: give an ADDRESS, or --remove 2",
            "Erreur : donnez une ADDRESS, ou --remove 2",
        ),
        (
            ["show", "jmartin001", NOWHERE],
            "Error: /nowhere.toml: cannot be read: No such file or directory; --settings names another file 78",
            "Erreur : /nowhere.toml : ne peut être lu : fichier ou dossier introuvable ; --settings désigne un autre "
            "fichier 78",
        ),
        (
            ["settings", "--explain", "colour"],
            'Error: no setting is called colour; "moncompte settings" lists them all 1',
            "Erreur : aucun réglage ne s’appelle colour ; « moncompte settings » les donne tous 1",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_wrong_command_is_told_in_french_where_the_shell_is_french(
    words: list[str], english: str, french: str
) -> None:
    assert said(*words, LC_ALL="fr_FR.UTF-8") == french
    assert said(*words, LC_ALL="C") == english


def test_a_french_shell_gets_the_help_and_the_results_in_english() -> None:
    """Manuals, screenshots and scripts are the same for all."""
    for words in (["import", "--help"], ["settings", "--settings", DOCUMENTED]):
        french, english = typed(*words, LC_ALL="fr_FR.UTF-8"), typed(*words, LC_ALL="C")
        assert (french.stdout, french.returncode) == (english.stdout, 0)


COMMAND_LINE = " " * 6  # begins what is to be typed
NOT_FRENCH = re.compile(
    r"\b(the|is|are|and|not|with|its|it|your|this|that|from|of|cannot|none|by|until|since|no)\b|[^\xa0][:;?!]( |$)"
)


@pytest.mark.parametrize("uid", ["jmartin001", "emercier", "smoreau", "vgarnier", "ileroux", "nfaure", "zpetit"])
def test_a_french_desk_reads_in_french_what_keeps_somebody_out(
    moncompte: Moncompte, portal: Portal, clock: MovingClock, monkeypatch: pytest.MonkeyPatch, uid: str
) -> None:
    """Every word of it but the audit's, which are for tools; before and after a key was asked for and forgotten."""
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    for hours in (0, 1, 24 * 22):
        clock.forward(hours=hours)
        told = moncompte("show", uid).stdout.partition("Derniers événements")
        assert told[1]
        said = told[0] + told[2].partition("\n\n")[2]
        assert [
            line for line in said.splitlines() if NOT_FRENCH.search(line) and not line.startswith(COMMAND_LINE)
        ] == []
        assert re.search("PEUT SE CONNECTER avec|NE PEUT PAS ENTRER\xa0:", said)
        portal.request_key(uid)


def test_a_dossier_names_the_same_things_to_scripts_in_every_language(
    moncompte: Moncompte, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ``--json`` the sentence ``said`` alone is translated."""
    english = json.loads(moncompte("show", "nfaure", "--json").stdout)
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    french = json.loads(moncompte("show", "nfaure", "--json").stdout)
    said = [[item.pop("said") for item in told["hindrances"]] for told in (english, french)]
    assert said[0][0] == "it was never activated, and there is no key to activate it with"
    assert said[1][0] == "le compte n’a jamais été activé, et il n’y a pas de clé pour l’activer"
    assert french == english


@pytest.mark.parametrize("locale", ["fr_FR.UTF-8", "C"])
def test_a_letter_and_a_theme_are_refused_in_the_shells_language(
    moncompte: Moncompte, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, locale: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    text = (config_folder() / "letters/fr/letter.toml").read_text(encoding="utf-8").replace("size = 10", "size = 99")
    (tmp_path / "letter.toml").write_text(text + 'walid = "x"\n', encoding="utf-8")
    words = ("issue", "--never-activated", "--letters", tmp_path / "letters.pdf", "--template", tmp_path)
    told = moncompte(*words).stderr.replace("\xa0", " ")
    french = [
        "[page] size : doit être au plus 14.0 (attendu : en points, de 7 à 14)",
        "[text] walid : inconnu ; connus :",
    ]
    english = [
        "[page] size: Input should be less than or equal to 14.0 (expected: points, 7 to 14)",
        "walid: unknown; known:",
    ]
    assert [said for said in (french if locale != "C" else english) if said not in told] == [], told


def test_what_the_office_and_an_import_refuse_is_told_in_french(
    moncompte: Moncompte, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    export = tmp_path / "export.csv"
    export.write_text("", encoding="utf-8")
    (tmp_path / "password").write_text("x", encoding="utf-8")
    for words, told in (
        (["unlock", "nobody"], "personne n’y répond. C’est une faute de frappe"),
        (["show", "nobody"], "Erreur : personne n’y répond."),
        (["stats", "--filter", "(uid=nobody)"], "Erreur : personne ; le portail a-t-il le droit"),
        (["issue", "--list", "-"], "les clés d’une cohorte vont dans un fichier"),
        (["import", export], "le compte du portail ne peut créer personne"),
    ):
        result = moncompte(*words)
        assert told in result.stderr.replace("\xa0", " "), result.stderr
        assert result.exit_code in {1, 2}
