"""What a sysadmin is told, in which language: everything that is marked, nothing that is not, in one thread alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import click
import pytest
from babel.messages.extract import extract_from_dir

from connector.cli.language import CLICK, language_of, speaking_as
from connector.errors import SettingsInvalid
from connector.settings import build
from connector.settings.problems import _PYDANTIC
from connector.wording import _, ngettext, reason
from tests.catalogues import ROOMS

ROOT = Path(__file__).parents[2]
FRENCH = {"LC_ALL": "fr_FR.UTF-8"}
CATALOGUE = next(room for room in ROOMS if room.folder == "connector/cli")
FILES = sorted((ROOT / "connector").rglob("*.py"))
MARKS = {"_", "N_", "ngettext"}
COMMANDS = [path for path in FILES if path.parent.name == "cli"]
DOCTOR = [path for path in FILES if path.parent.name == "doctor"]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
TELLS = {"refuse", "Failure", "ClickException", "UsageError", "BadParameter"}
TELLS |= {"SettingsInvalid", "FileRefused", "BatchRefused", "UnknownFormat", "MailServerDown"}
TELLS |= {"DirectoryUnavailable", "DirectoryMisconfigured", "SlapdFailed", "SlapdMissing"}
VALIDATORS = [path for path in FILES if path.parent.name in {"settings", "letters"}]
FINDINGS = {"ok", "warning", "broken", "untried"}
WORDS = re.compile(r"[A-Za-z]{2}")
NO_WORDS = re.compile(r"\n  .*|\[web\] listen|^(search under|bind as|write|modify) ")
"""What is in no language: a command to type, on a line of its own; the name of a setting, of an LDAP operation."""
TO_TYPE = re.compile(r"(\[\w+\] )?\w+( = \S+)?|\w+: \w+|(moncompte|chmod) [\w ]+|config/\S+")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "fr_CA@euro"}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "fr_FR"}, "fr"),
        ({"LC_MESSAGES": "fr_FR", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "fr_FR", "LC_ALL": ""}, "fr"),
        ({"LC_ALL": "C.UTF-8", "LANGUAGE": "fr"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "de:fr:en"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "en:fr"}, "en"),
    ],
)
def test_the_shell_says_which_language(environment: dict[str, str], language: str) -> None:
    """POSIX's order; LANGUAGE only where there is a locale, as GNU gettext has it."""
    assert language_of(environment) == language


def test_a_command_speaks_french_and_the_threads_of_a_server_it_starts_do_not() -> None:
    """Logs are read by tools, and by others than who typed."""
    told: list[str] = []
    with speaking_as(FRENCH):
        thread = Thread(target=lambda: told.append(_("missing")))
        thread.start()
        thread.join()
        told.append(_("missing"))
    assert [*told, _("missing")] == ["missing", "manque", "missing"]


def test_facts_are_named_in_the_sentence_and_a_sentence_without_any_may_hold_a_percent_sign() -> None:
    assert _("%(path)s: is not TOML: %(error)s", path="a%b", error="x") == "a%b: is not TOML: x"
    assert _("ldapi://%2Fvar") == "ldapi://%2Fvar"
    assert [ngettext("%(num)d of %(of)s", "%(num)d ones of %(of)s", num, of="A") for num in (1, 2)] == [
        "1 of A",
        "2 ones of A",
    ]


def test_a_reason_is_the_systems_alone_without_the_address_that_python_adds() -> None:
    taken = OSError(98, "Address already in use (while attempting to bind on address ('127.0.0.1', 80))")
    with speaking_as(FRENCH):
        assert (reason(taken), reason(OSError())) == ("adresse déjà utilisée", "OSError")
        assert reason(taken, "port 80") == "port 80\N{NO-BREAK SPACE}: adresse déjà utilisée"


def marked() -> Iterator[tuple[Path, str]]:
    """Every sentence that the source marks."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
                said = node.args[0]
                if isinstance(said, ast.Constant):
                    yield path, str(said.value)


def test_what_is_marked_is_in_the_catalogue() -> None:
    """A mark inside an f-string is one that the extraction does not see."""
    known = {message.id if isinstance(message.id, str) else message.id[0] for message in CATALOGUE.kept()}
    assert [(path.name, said) for path, said in marked() if said not in known] == []


def is_marked(node: ast.AST, around: ast.AST, module: ast.Module) -> bool:
    """Whether a sentence comes out of a mark, directly or by a variable, or holds no words of its own."""
    match node:
        case ast.Constant():
            return not WORDS.search(NO_WORDS.sub("", str(node.value)))
        case ast.JoinedStr() | ast.BinOp() | ast.List() | ast.IfExp() | ast.BoolOp():
            return all(is_marked(part, around, module) for part in parts(node))
        case ast.Call(func=ast.Name(id=name), args=[said, *_others]) if name in MARKS:
            return not isinstance(said, ast.JoinedStr | ast.BinOp)
        case ast.Call(func=ast.Name(id=name), args=given):
            is_result_marked = all(is_marked(said, made, module) for said, made in returned(name, module))
            return is_result_marked and all(is_marked(each, around, module) for each in given)
        case ast.Name(id=name):
            return all(is_marked(value, around, module) for value in assigned(name, around))
    return True


def parts(node: ast.JoinedStr | ast.BinOp | ast.List | ast.IfExp | ast.BoolOp) -> list[ast.AST]:
    """What is said of it: of a condition both branches, and not what it asks."""
    return [part for part in ast.iter_child_nodes(node) if part is not getattr(node, "test", None)]


def returned(name: str, module: ast.Module) -> Iterator[tuple[ast.expr, ast.AST]]:
    """What a function of that name returns, the module's or another command's."""
    for made in (node for tree in (module, *map(TREES.get, COMMANDS)) if tree for node in ast.walk(tree)):
        if isinstance(made, ast.FunctionDef) and made.name == name:
            yield from (
                (node.value, made) for node in ast.walk(made) if isinstance(node, ast.Return) and node.value is not None
            )


def assigned(name: str, around: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(around):
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            yield node.value


def unmarked(module: ast.Module) -> Iterator[str]:
    """The sentences of errors, and of what goes to standard error, that are in one language only."""
    for node, around in calls(module):
        if is_error(node) and not is_marked(node.args[0], around, module):
            yield ast.unparse(node)


def calls(module: ast.Module) -> Iterator[tuple[ast.Call, ast.FunctionDef]]:
    """Every call, and the function it is in."""
    for around in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
        yield from ((node, around) for node in ast.walk(around) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_error(call: ast.Call) -> bool:
    return called(call) in TELLS or (called(call) == "echo" and any(word.arg == "err" for word in call.keywords))


def unmarked_findings(module: ast.Module) -> Iterator[str]:
    """What the doctor finds, or how to mend it, in one language only."""
    for node, around in calls(module):
        said = [text for text in node.args[1:3] if not is_to_type(text)] if called(node) in FINDINGS else []
        yield from (ast.unparse(text) for text in said if not is_marked(text, around, module))


def is_to_type(text: ast.expr) -> bool:
    """Whether a remedy is the line to write, or to type, and nothing else."""
    match text:
        case ast.Constant(value=str(line)):
            return bool(TO_TYPE.fullmatch(line))
        case ast.JoinedStr(values=[ast.Constant(value=str(begins)), ast.FormattedValue(), *_]):
            return bool(TO_TYPE.fullmatch(f"{begins}0"))
    return False


@pytest.mark.parametrize("path", DOCTOR, ids=lambda path: path.stem)
def test_no_finding_is_told_in_one_language_only(path: Path) -> None:
    assert list(unmarked_findings(TREES[path])) == []


@pytest.mark.parametrize(
    "source",
    [
        "yield ok('x', 'all is well')",
        "yield broken('x', f'{y} is broken', '')",
        "yield broken('x', _('%(y)s is broken', y=y), 'mend it')",
        "said = f'{y} is broken'; yield warning('x', said, '')",
        "yield untried('x', _('wait') if y else 'look elsewhere')",
        "yield warning('x', _('careful'), '[web] theme: another')",
        "yield broken('x', _('broken'), '[mail] ' + f'host and port of {y}')",
    ],
)
def test_the_test_above_sees_a_finding_that_nobody_marked(source: str) -> None:
    assert len(list(unmarked_findings(ast.parse(f"def f(y):\n    {source}\n")))) == 1


@pytest.mark.parametrize("path", VALIDATORS, ids=lambda path: f"{path.parent.stem}.{path.stem}")
def test_no_fault_of_a_file_is_told_in_one_language_only(path: Path) -> None:
    """What a validator raises becomes a sentence of the settings, the theme or a letter's template."""
    raised = [(node, around) for node, around in calls(TREES[path]) if called(node) == "ValueError"]
    assert [ast.unparse(node) for node, around in raised if not is_marked(node.args[0], around, TREES[path])] == []


def test_what_a_setting_expects_is_marked_and_in_the_catalogue() -> None:
    """``description=``, of the settings, the theme and the letters' templates."""
    known = {message.id for message in CATALOGUE.kept()}
    keywords = [
        word.value
        for path in VALIDATORS
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "description"
    ]
    assert len(keywords) > 40
    assert [ast.unparse(said) for said in keywords if isinstance(said, ast.Constant | ast.JoinedStr)] == []
    assert {ast.literal_eval(said.args[0]) for said in keywords if isinstance(said, ast.Call)} <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.stem}.{path.stem}")
def test_nothing_complains_in_one_language_only(path: Path) -> None:
    assert list(unmarked(TREES[path])) == []


@pytest.mark.parametrize(
    "source",
    [
        "refuse('no such thing')",
        "raise Failure(f'{x}: no such thing')",
        "raise click.UsageError('give ' + x)",
        "said = f'no {x}'; refuse(said)",
        "click.echo('Remark: look', err=True)",
        "refuse(f())",
        "refuse(str('no such thing'))",
        "refuse(_(f'no {x}'))",
    ],
)
def test_the_test_above_sees_a_sentence_that_nobody_marked(source: str) -> None:
    assert list(unmarked(ast.parse(f"def f():\n    {source}\n    return 'all wrong'\n")))


def mute(module: ast.Module) -> Iterator[int]:
    """Lines that say a sentence by a ``_`` that is not ours: mypy lets it be anything."""
    known = {name.name for node in ast.walk(module) if isinstance(node, ast.ImportFrom) for name in node.names}
    known |= {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    for around in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
        names = [node for node in ast.walk(around) if isinstance(node, ast.Name) and node.id == "_"]
        is_ours = "_" in known and all(isinstance(name.ctx, ast.Load) for name in names)
        calls = [node for node in ast.walk(around) if isinstance(node, ast.Call) and node.func in names]
        yield from () if is_ours else (call.lineno for call in calls)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.stem}.{path.stem}")
def test_whoever_says_a_sentence_can(path: Path) -> None:
    assert list(mute(TREES[path])) == []


@pytest.mark.parametrize(
    "source", ["def f(): g(_('a'))", "from connector.wording import _\ndef f():\n    for _ in g():\n        h(_('a'))"]
)
def test_the_test_above_sees_a_sentence_that_cannot_be_said(source: str) -> None:
    assert list(mute(ast.parse(source)))


def test_what_click_says_of_a_wrong_command_is_still_what_we_translate() -> None:
    """After an upgrade of click: what is new to its errors is for ``CLICK``, what is gone goes."""
    folder = Path(click.__file__).parent
    said = {file: set[str]() for file in ("core.py", "exceptions.py", "parser.py", "types.py", "termui.py")}
    for file, _line, message, _comments, _context in extract_from_dir(folder, [("**.py", "python")]):
        said.get(file, set()).update([message] if isinstance(message, str) else message)
    assert set(CLICK) - set[str]().union(*said.values()) == set()
    assert said["exceptions.py"] - set(CLICK) == set()


def test_a_translation_fills_in_no_other_facts_than_its_sentence() -> None:
    """``{name}`` of click and pydantic, which fill in their own."""
    fact = re.compile(r"{(\w+)")
    for message in CATALOGUE.kept():
        if message.id in {*CLICK, *_PYDANTIC.values()}:
            assert set(fact.findall(str(message.string))) <= set(fact.findall(str(message.id))), message.id


WRONG: dict[str, dict[str, Any]] = {
    "web": {"session_minutes": "x", "secure_cookies": "perhaps", "proxies": 11, "portal_url": "x", "timezone": 3},
    "keys": {"mail_hours": 0, "desk_hours": 1.5, "letter_days": []},
    "directory": {"timeout_seconds": 0, "bind_dn": "x", "start_tls": [], "uri": 3},
    "mail": {"tls": "x", "lease_seconds": 3601, "port": 65536},
    "password": {"min_strength": "x", "min_length": 7},
    "intake": {"delimiter": "ab", "attributes": 3, "encoding": "x"},
    "nonsense": {},
}


def problems(language: dict[str, str]) -> list[str]:
    with speaking_as(language), pytest.raises(SettingsInvalid) as caught:
        build(WRONG, "moncompte.toml", {})
    return caught.value.problems


def test_every_problem_of_the_settings_is_told_in_either_language() -> None:
    english, french = problems({}), problems(FRENCH)
    assert len(english) == len(french) > 20
    assert [pair for pair in zip(english, french, strict=True) if pair[0] == pair[1]] == []
    assert [said for said in french if re.search(r"\b(Input|should|expected|must|missing|unknown)\b", said)] == []
    where = "moncompte.toml: [web] session_minutes"
    wrong = "Input should be a valid integer, unable to parse string as an integer"
    assert f"{where}: {wrong} (expected: minutes, 1 to 240)" in english
    where = "moncompte.toml\xa0: [web] session_minutes\xa0"
    assert f"{where}: doit être un nombre entier (attendu\xa0: en minutes, de 1 à 240)" in french
