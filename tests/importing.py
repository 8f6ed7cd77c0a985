"""A sysadmin who imports: the settings in a file, the command run in this process, its answer as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from connector.cli import main
from connector.demo.ldap_tools import Entry
from connector.demo.slapd import PrivateSlapd
from connector.settings import config_folder

SAMPLE = config_folder() / "intake" / "sample-apogee.csv"
HEADING = "COD_ETU;COD_NNE_IND;COD_CLE_NNE_IND;LIB_NOM_PAT_IND;LIB_PR1_IND;LOGIN;ADR_MAIL;COD_ANU;COD_CMP"


@dataclass
class Importer:
    """Binds as the root DN, unless told otherwise. ``intake`` is TOML for the section."""

    slapd: PrivateSlapd
    folder: Path
    intake: str = ""
    bind_dn: str = ""
    password_file: Path | None = None
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Path:
        """The settings file, written afresh."""
        path = self.folder / "moncompte.toml"
        server = self.slapd
        directory = (
            f'uri = "{server.ldapi_uri}"\nbind_dn = "{server.portal_dn}"\npassword = "{server.portal_password}"\n'
            f'people_dn = "{server.people_dn}"\ndecoy_dn = "{server.decoy_dn}"\n'
        )
        sections = {
            "web": f'portal_url = "https://moncompte.universite.example/"\nsecret_key = "{"s" * 40}"\n',
            "directory": directory,
            "mail": 'sender = "portal@universite.example"\n',
            "rescue": 'own_domains = "universite.example"\n',
            "audit": f'file = "{self.audit_file}"\n',
            "intake": self.intake,
        }
        for name, text in self.sections.items():
            sections[name] = sections.get(name, "") + text
        path.write_text("".join(f"[{name}]\n{text}\n" for name, text in sections.items()), encoding="utf-8")
        return path

    @property
    def audit_file(self) -> Path:
        return self.folder / "audit.jsonl"

    def command(self, file: Path, *options: str) -> list[str]:
        """The words after ``moncompte``."""
        password = self.password_file or self.slapd.folder / "root.password"
        as_whom = ["--bind-dn", self.bind_dn or self.slapd.root_dn, "--password-file", str(password)]
        return ["import", str(file), "--settings", str(self.settings), *as_whom, *options]

    def run(self, file: Path, *options: str) -> Result:
        return CliRunner().invoke(main, self.command(file, *options), catch_exceptions=False)

    def json(self, file: Path, *options: str) -> dict[str, Any]:
        """The answer to ``--json``."""
        answer: dict[str, Any] = json.loads(self.run(file, "--json", *options).stdout)
        return answer

    def file(self, lines: Sequence[str], heading: str = HEADING, *, name: str = "export.csv") -> Path:
        """An export of these lines."""
        path = self.folder / name
        path.write_text("\n".join([heading, *lines, ""]), encoding="utf-8")
        return path

    def entries(self, ldap_filter: str = "(uid=*)") -> list[Entry]:
        """People with all they hold, entryCSN included."""
        return self.slapd.search(ldap_filter, "*", "+", base=self.slapd.people_dn)

    def versions(self) -> dict[str, str]:
        """The entryCSN of everybody: it changes with each write."""
        return {entry["dn"][0]: entry["entryCSN"][0] for entry in self.entries()}


def student(number: int, **fields: str) -> str:
    """A good line; ``fields`` by column change it."""
    usual = {
        "COD_ETU": f"9{number:07}",
        "COD_NNE_IND": f"9{number:09}",
        "COD_CLE_NNE_IND": "A",
        "LIB_NOM_PAT_IND": f"NOM{number}",
        "LIB_PR1_IND": "Zoé",
        "LOGIN": f"etu{number}",
        "ADR_MAIL": f"etu{number}@courriel.example",
        "COD_ANU": "2026",
        "COD_CMP": "UFR-DROIT",
    }
    assert set(fields) <= set(usual)
    return ";".join((usual | fields)[column] for column in HEADING.split(";"))
