"""Links that somebody put where root writes: root follows none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.audit import Audit
from connector.cli import check, main
from connector.clock import utc_now
from connector.doctor.finding import Fix, Report, Section, To, warning
from connector.errors import SettingsInvalid
from connector.settings import config_folder

SERVICE = 65534  # any user but root


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could be led astray")
def test_roots_audit_follows_no_link_of_the_portals_user(tmp_path: Path) -> None:
    folder, prey = tmp_path / "log", tmp_path / "cron"
    folder.mkdir()
    os.chown(folder, SERVICE, SERVICE)
    (folder / "audit.jsonl").symlink_to(prey)
    with pytest.raises(SettingsInvalid, match="cannot be written"):
        Audit(str(folder / "audit.jsonl"), utc_now)
    assert not prey.exists()
    (folder / "audit.jsonl").unlink()
    Audit(str(folder / "audit.jsonl"), utc_now).close()
    assert (folder / "audit.jsonl").stat().st_uid == SERVICE


def test_what_the_directory_loads_is_written_through_no_link(tmp_path: Path) -> None:
    folder, prey = tmp_path / "ldif", tmp_path / "cron"
    folder.mkdir()
    (folder / "load.sh").symlink_to(prey)
    done = CliRunner().invoke(main, ["ldif", str(folder), "--settings", str(config_folder() / "moncompte.toml")])
    assert (done.exit_code, prey.exists()) == (1, False)


def test_a_line_break_in_a_name_makes_no_line_of_ldif(tmp_path: Path) -> None:
    settings = (config_folder() / "moncompte.toml").read_text(encoding="utf-8")
    path = tmp_path / "a\nolcAccess: b.toml"
    path.write_text(settings, encoding="utf-8")
    said = CliRunner().invoke(main, ["acl", "--settings", str(path)])
    assert (said.exit_code, "\nolcAccess: b" in said.stdout) == (0, False)
    path.write_text(settings.replace('"ou=people,dc', '"ou=people\\nolcAccess: b,dc'), encoding="utf-8")
    said = CliRunner().invoke(main, ["acl", "--settings", str(path)])
    assert (said.exit_code, "no such characters" in said.stderr) == (78, True)


def test_a_finding_makes_no_line_of_its_own_in_the_remedies() -> None:
    dn = "cn=a\n\ndn:: Y249Y29uZmln\nolcRootPW: b,ou=people"
    finding = warning("outside", f"such as {dn}", f"load\n{dn}", Fix(To.CONFIG, "cn: good\n"))
    report = Report((Section("Rights", (finding,)),), is_reached=True)
    lines = "".join(check._parts(report)).splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == ["cn: good"]
    assert "\n" not in "".join(check._told(finding)).replace("\\n", "")
