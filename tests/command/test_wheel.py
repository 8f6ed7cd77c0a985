"""An installed wheel works without the checkout: what ``config/`` holds, the pages and the mails travel in it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NEEDED = {
    "connector/_config/moncompte.toml": "config/moncompte.toml",
    "connector/_config/ldap/12-schema-moncompte.ldif": "config/ldap/12-schema-moncompte.ldif",
    "connector/mails/key.jinja": "connector/mails/key.jinja",
    "connector/cli/translations/fr.po": "connector/cli/translations/fr.po",
    "connector/mails/translations/en.po": "connector/mails/translations/en.po",
    "connector/data/common-passwords.txt": "connector/data/common-passwords.txt",
    "webui/templates/landing.html": "webui/templates/landing.html",
    "webui/static/style.css": "webui/static/style.css",
    "webui/translations/en.po": "webui/translations/en.po",
    "connector/_config/theme/dordogne/theme.toml": "config/theme/dordogne/theme.toml",
    "connector/_config/theme/dordogne/logo.png": "config/theme/dordogne/logo.png",
}
TRY = """
import connector.settings, pathlib, sys
from connector.cli.demo import running
from webui.server import listen
assert pathlib.Path(connector.settings.__file__).is_relative_to(sys.argv[1]), connector.settings.__file__
with listen("127.0.0.1", 0) as listener, running(listener, 2) as demo:
    print(demo.slapd.people_dn)
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("w")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def test_everything_that_is_not_code_is_in_it(installed: Path) -> None:
    for inside, source in NEEDED.items():
        assert (installed / inside).read_bytes() == (ROOT / source).read_bytes()


def test_it_runs_the_demo_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, sys.argv[1]);{TRY}", str(installed)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "ou=people,dc=universite,dc=example\n"), done.stderr
