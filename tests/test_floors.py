"""The house: a file imports only from floors below its own, and each outside world has one door (DESIGN §3, §4.1)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = (  # from the ground up; a package counts as one file
    {"connector", "connector.model", "connector.clock", "connector.limits", "connector.wording"},
    {
        "connector.calling",
        "connector.columns",
        "connector.errors",
        "connector.keys",
        "connector.languages",
        "connector.metrics",
        "connector.shared",
        "connector.translated",
    },
    {
        "connector.cairo",
        "connector.counters",
        "connector.drafts",
        "connector.vault",
        "connector.hashing",
        "connector.identifiers",
        "connector.mime",
        "connector.otp",
        "connector.passwords",
        "connector.private",
        "connector.qr",
        "connector.rescue",
        "connector.settings",
    },
    {
        "connector.audit",
        "connector.charts",
        "connector.choices",
        "connector.compose",
        "connector.directory",
        "connector.ldif",
        "connector.letters",
        "connector.mail",
        "connector.roll",
        "connector.sheet",
        "connector.standing",
        "connector.throttle",
        "connector.trail",
    },
    {"connector.batch", "connector.bounces", "connector.owed"},
    {"connector.outbox"},
    {
        "connector.campaign",
        "connector.desk",
        "connector.doctor",
        "connector.intake",
        "connector.operators",
        "connector.recovery",
        "connector.selfcare",
        "connector.statistics",
    },
    {"connector.activation", "connector.assistance", "connector.printrun", "connector.proving", "connector.reminders"},
    {"connector.portal"},
    {"connector.helpdesk", "connector.office", "connector.roster", "connector.vitals"},
    {"webui"},
    {"connector.demo"},
    {"connector.cli"},
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
WEBUI_SEES = {
    f"connector.{room}"
    for room in (
        "clock",
        "portal",
        "calling",
        "metrics",
        "vitals",
        "helpdesk",
        "model",
        "errors",
        "settings",
        "passwords",
        "languages",
        "translated",
        "qr",
        "standing",
        "desk",
        "assistance",
        "keys",
        "rescue",
    )
}
DOORS = {  # an outside world, and the one room that may open it
    "ldap3": "connector.directory",
    "pyasn1": "connector.directory",
    "smtplib": "connector.mail",
    "secrets": "connector.keys",
    "random": "connector.demo",  # the names of sample people; their keys and passwords come from connector.keys
    "uuid": "connector.keys",
    "argon2": "connector.hashing",
    "cairocffi": "connector.cairo",
    "pyotp": "connector.otp",
    "cryptography": "connector.vault",
    "zxingcpp": "connector.qr",
    "prometheus_client": "connector.metrics",
}
FILES = sorted([*(ROOT / "connector").rglob("*.py"), *(ROOT / "webui").rglob("*.py")])


def room_of(module: str) -> str:
    """The room a module belongs to: ``connector.directory.entries`` is in ``connector.directory``."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "connector" else parts[0]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, ``from connector import keys`` counted as ``connector.keys``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from named if node.module in {"connector"} else [str(node.module)]


def test_every_file_has_a_floor() -> None:
    assert {room_of(module_of(path)) for path in FILES} == set(FLOOR_OF)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_file_imports_only_from_floors_below_its_own(path: Path) -> None:
    own = room_of(module_of(path))
    rooms = {room_of(name) for name in imports(path)} & set(FLOOR_OF) - {own}
    assert {room for room in rooms if FLOOR_OF[room] >= FLOOR_OF[own]} == set()


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_each_outside_world_has_one_door(path: Path) -> None:
    own = room_of(module_of(path))
    outside = {name.split(".")[0] for name in imports(path)}
    assert {world for world in outside & set(DOORS) if DOORS[world] != own} == set()


CLOCKS = {"datetime": {"now", "utcnow", "today"}, "date": {"today"}, "time": {"time", "monotonic", "perf_counter"}}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_only_the_clock_tells_the_time(path: Path) -> None:
    """But for the demo, which waits for its slapd to answer."""
    calls = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.attr in CLOCKS.get(node.value.id, ())
    }
    assert not calls or module_of(path) in {"connector.clock", "connector.demo.slapd"}


@pytest.mark.parametrize("path", sorted((ROOT / "webui").rglob("*.py")), ids=module_of)
def test_the_pages_see_the_portal_and_the_nouns_only(path: Path) -> None:
    seen = {room_of(name) for name in imports(path) if name.startswith("connector")}
    assert seen <= WEBUI_SEES
