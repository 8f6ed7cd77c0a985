"""docs/check.md tells every line that the doctor may write."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEVELS = {"ok", "warning", "broken", "untried"}


def test_every_name_of_a_finding_is_in_the_page() -> None:
    named = set()
    for path in (ROOT / "connector" / "doctor").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in LEVELS:
                named |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_CONTRADICTIONS":
                assert isinstance(node.value, ast.Dict)
                named |= {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    assert len(named) > 30
    assert {name for name in named if f"`{name}`" not in page} == set()
