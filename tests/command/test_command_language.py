"""What goes wrong is told in the shell's language; help, results and exit codes are the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connector.settings import config_folder
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
