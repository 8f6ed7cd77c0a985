"""A private slapd in a folder of its own: for the demo, for the tests, and to try config/ldap before a real directory.

It starts from what Debian's package makes of a stock slapd (database ``{1}mdb``, its three access rules), then loads
``config/ldap`` with the commands a sysadmin types. Works as root and as an ordinary user, listens on a unix socket and
on a free port of 127.0.0.1, and is gone with its folder after ``stop``.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from connector import keys
from connector.demo.ldap_tools import Entry, SlapdFailed, SlapdMissing, entries_of, run, tool
from connector.settings import config_folder
from connector.wording import _

SAMPLE_SUFFIX = "dc=universite,dc=example"  # what the files of config/ldap are written for
EXTERNAL = ("-Q", "-Y", "EXTERNAL")

_SCHEMA_FOLDERS = ("/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema")
_MODULE_FOLDERS = ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap", "/usr/libexec/openldap")
_LONGEST_SOCKET = 107  # sun_path of unix(7), less the final NUL
_PATIENCE_SECONDS = 10.0

_STOCK = Path(__file__).with_name("stock.ldif")  # what Debian's package makes, for str.format

_TLS = "\nolcTLSCertificateFile: {0}\nolcTLSCertificateKeyFile: {0}"

_TREE = """\
dn: {suffix}
objectClass: organization
objectClass: dcObject
o: Université
dc: {dc}

dn: {people_dn}
objectClass: organizationalUnit
"""

_VARIANT = """\
dn: olcDatabase={{-1}}frontend,cn=config
changetype: modify
replace: olcPasswordHash
olcPasswordHash: {password_hash}

dn: olcOverlay={{0}}ppolicy,olcDatabase={{1}}mdb,cn=config
changetype: modify
replace: olcPPolicyHashCleartext
olcPPolicyHashCleartext: {hash_cleartext}
"""


class PrivateSlapd:
    """One private slapd. ``start()`` before anything else, ``stop()`` after; or use it in a ``with``.

    ``password_hash`` is what slapd makes of a clear password ("{SSHA}" spares tests the 50 ms of argon2);
    ``hash_cleartext=False`` makes a directory that stores passwords in clear, which the portal must refuse;
    ``schema_files`` are loaded in place of our subsets of eduPerson and SUPANN (a site that has the full schemas);
    ``config`` in place of config/ldap, LDIF by file name (a site that calls things otherwise; whoever passes it sets
    ``people_dn``, ``portal_dn`` and ``decoy_dn`` accordingly); an empty one leaves slapd as Debian makes it.
    ``durable`` waits for the disk at each write, as a real directory does: for measurements; a slapd that is killed
    loses nothing without it either, only a machine that loses power does.
    ``certificate`` is a PEM file that holds one and its key: slapd then takes StartTLS, and listens at ``ldaps_uri``.
    ``log`` is what it writes to slapd.log in its folder ("stats": each operation).
    ``folder`` is created, and removed by ``stop``; without one, a fresh folder in the system's temporary folder.
    """

    def __init__(
        self,
        folder: Path | None = None,
        suffix: str = SAMPLE_SUFFIX,
        password_hash: str = "{ARGON2}",  # noqa: S107 (a scheme)
        schema_files: Sequence[Path] | None = None,
        config: Mapping[str, str] | None = None,
        hash_cleartext: bool = True,
        durable: bool = False,
        certificate: Path | None = None,
        log: str = "0",
    ) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="slapd-"))
        self.base = suffix
        self.people_dn = f"ou=people,{suffix}"
        self.root_dn = f"cn=admin,{suffix}"
        self.root_password = keys.random_secret()
        self.portal_dn = f"cn=portal,ou=moncompte,{suffix}"
        self.portal_password = keys.random_secret()
        self.decoy_dn = f"cn=decoy,ou=moncompte,{suffix}"
        self.password_hash = password_hash
        self.schema_files = schema_files
        self.config = config
        self.hash_cleartext = hash_cleartext
        self.durable = durable
        self.certificate = certificate
        self.log = log
        self.tcp_uri = self.ldaps_uri = ""
        self._socket_folder = Path(tempfile.mkdtemp(prefix="ldapi-"))
        self.ldapi_uri = "ldapi://" + quote(str(self._socket), safe="")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Prepare, launch and configure it; raises SlapdMissing, SlapdFailed (and then leaves nothing behind)."""
        try:
            self._prepare()
            self.launch()
            self._load_config()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it and remove its folder; may be called twice."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self._socket_folder, ignore_errors=True)

    def launch(self) -> None:
        """Start the prepared server and wait until it answers; after ``halt`` it comes back with the same data."""
        # "-d" keeps it in the foreground, as our child, whatever it is to log.
        command = [*_bound_to_us(), tool("slapd"), "-d", self.log, "-F", str(self.folder / "config"), "-h"]
        addresses = " ".join(filter(None, (self.ldapi_uri, self.tcp_uri, self.ldaps_uri)))
        with (self.folder / "slapd.log").open("ab") as log:
            self._process = subprocess.Popen([*command, addresses], stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SlapdFailed((self.folder / "slapd.log").read_text(errors="replace")[-2000:])
            time.sleep(0.01)

    def halt(self) -> None:
        """End the server and keep its data: connections are refused from now on."""
        if self._process is None:
            return
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self) -> None:
        """``halt`` and ``launch``: same data, same addresses; every open connection is lost."""
        self.halt()
        self.launch()

    def pause(self) -> None:
        """Freeze it: connections are accepted by the kernel and never answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo ``pause``; harmless when it runs."""
        self._signal(signal.SIGCONT)

    def add_ldif(self, text: str) -> None:
        """Apply entries and changes as the root DN; raises SlapdFailed with the command's own words."""
        self.run("ldapadd", *self.as_root, text=text)

    def add_config(self, text: str) -> None:
        """The same, on cn=config and as the owner of the process (what root is on a real server)."""
        self.run("ldapadd", *EXTERNAL, text=text)

    def search(self, filter: str, *attributes: str, base: str | None = None) -> list[Entry]:  # noqa: A002
        """Entries under ``base`` (the suffix) as the root DN, with "dn" beside the attributes' names."""
        options = ("-LLL", "-o", "ldif-wrap=no", "-b", base or self.base)
        return list(entries_of(self.run("ldapsearch", *self.as_root, *options, filter, *attributes)))

    @property
    def as_root(self) -> tuple[str, ...]:
        """The options that make an LDAP command bind as the root DN."""
        return ("-x", "-D", self.root_dn, "-y", str(self.folder / "root.password"))

    @property
    def as_portal(self) -> tuple[str, ...]:
        """The options that make an LDAP command bind as the portal."""
        return ("-x", "-D", self.portal_dn, "-y", str(self.folder / "portal.password"))

    def run(self, command: str, *options: str, text: str = "") -> str:
        """What an LDAP command prints, given ``text`` on its standard input; raises SlapdMissing, SlapdFailed."""
        return run([tool(command), "-H", self.ldapi_uri, *options], text)

    @property
    def _socket(self) -> Path:
        return self._socket_folder / "ldapi"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self._socket))
        except OSError:
            return False
        return True

    def _prepare(self) -> None:
        if len(os.fsencode(self._socket)) > _LONGEST_SOCKET:
            said = _("%(path)s is too long for a unix socket; set TMPDIR to a shorter folder", path=self._socket)
            raise SlapdFailed(said)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for name in ("config", "data"):
            (self.folder / name).mkdir()
        _write_secret(self.folder / "root.password", self.root_password)
        _write_secret(self.folder / "portal.password", self.portal_password)
        self.tcp_uri = f"ldap://127.0.0.1:{_free_port()}"
        self.ldaps_uri = f"ldaps://127.0.0.1:{_free_port()}" if self.certificate else ""
        stock = self.folder / "stock.ldif"
        _write_secret(stock, self._stock())
        run([tool("slapd"), "-Tadd", "-n0", "-F", str(self.folder / "config"), "-l", str(stock)])

    def _stock(self) -> str:
        return _STOCK.read_text(encoding="utf-8").format(
            folder=self.folder,
            tls=_TLS.format(self.certificate) if self.certificate else "",
            modules=_first_folder(_MODULE_FOLDERS, "back_mdb.so"),
            schema=_first_folder(_SCHEMA_FOLDERS, "inetorgperson.ldif"),
            uid=os.geteuid(),
            gid=os.getegid(),
            suffix=self.base,
            no_sync=str(not self.durable).upper(),
            root_dn=self.root_dn,
            root_password=self.root_password,
        )

    def _load_config(self) -> None:
        dc = self.base.partition(",")[0].removeprefix("dc=")
        self.add_ldif(_TREE.format(suffix=self.base, dc=dc, people_dn=self.people_dn))
        if self.config == {}:
            return
        for name, text in (self.config or self._files()).items():
            # cn=config belongs to the system's administrator, the data to the directory's.
            (self.add_ldif if name.endswith("-entries.ldif") else self.add_config)(text)
        hash_cleartext = str(self.hash_cleartext).upper()
        self.add_config(_VARIANT.format(password_hash=self.password_hash, hash_cleartext=hash_cleartext))
        self.run("ldappasswd", *self.as_root, "-T", str(self.folder / "portal.password"), self.portal_dn)

    def _files(self) -> dict[str, str]:
        files = sorted((config_folder() / "ldap").glob("*.ldif"))
        if self.schema_files is not None:
            files = [*self.schema_files, *(path for path in files if path.name[:2] not in ("10", "11"))]
        return {path.name: path.read_text(encoding="utf-8").replace(SAMPLE_SUFFIX, self.base) for path in files}


def _bound_to_us() -> list[str]:
    """A prefix that has the kernel end slapd when the thread that started it dies, even killed (prctl(2)).

    setpriv comes with util-linux; where there is none, slapd outlives a parent that is killed with SIGKILL.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _first_folder(folders: Sequence[str], content: str) -> str:
    for folder in folders:
        if (Path(folder) / content).exists():
            return folder
    raise SlapdMissing(content)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _write_secret(path: Path, text: str) -> None:
    # No newline: ldap-utils take the file's every byte for the password.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
