"""What no file of the product does: run text as code, read objects out of bytes, parse XML, start programs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*(ROOT / "connector").rglob("*.py"), *(ROOT / "webui").rglob("*.py")])
DEMO = ROOT / "connector" / "demo"
NO_MODULES = {"pickle", "marshal", "shelve", "dill", "yaml", "xml", "lxml", "xmlrpc", "ctypes", "cffi", "code"}
NO_CALLS = {"eval", "exec", "compile", "__import__", "render_template_string", "from_string"}
NO_NETWORK = {"urllib.request", "http.client", "requests", "httpx", "ftplib", "imaplib", "poplib", "telnetlib"}
PROGRAMS = {"subprocess", "pty", "multiprocessing"}
PROGRAM_CALLS = {"system", "popen", "execv", "execve", "execvp", "spawnv", "fork", "posix_spawn"}


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, and each folder above it: ``urllib.request`` and ``urllib``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[: count + 1]) for count in range(len(parts)))


def called(path: Path) -> Iterator[str]:
    """The last name of every function that is called, methods of modules only where they are one of ``os``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            is_of_re = isinstance(owner, ast.Name) and owner.id == "re"  # re.compile makes a pattern, not code
            yield "" if is_of_re else node.func.attr


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=label)
def test_no_text_becomes_code_and_no_bytes_become_objects(path: Path) -> None:
    assert set(imported(path)) & NO_MODULES == set()
    assert set(called(path)) & NO_CALLS == set()


@pytest.mark.parametrize("path", [path for path in FILES if DEMO not in path.parents], ids=label)
def test_only_the_demo_starts_programs(path: Path) -> None:
    assert set(imported(path)) & PROGRAMS == set()
    assert set(called(path)) & PROGRAM_CALLS == set()


@pytest.mark.parametrize("path", FILES, ids=label)
def test_nothing_fetches_an_address(path: Path) -> None:
    """The portal speaks to the servers of its settings, LDAP and SMTP; no address that anybody typed is ever opened."""
    assert set(imported(path)) & NO_NETWORK == set()
