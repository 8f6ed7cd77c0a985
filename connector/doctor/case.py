"""What the checks share: the settings, the connections that could be opened, what was learnt on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from connector.directory.inspection import BASE, SUCCESS, Answer, Lane
from connector.doctor import remedies
from connector.doctor.census import Census
from connector.doctor.finding import Fix
from connector.settings import Settings
from connector.wording import _


@dataclass(slots=True)
class Case:
    """Filled in as the examination goes on; ``None`` is what could not be had."""

    settings: Settings
    now: datetime
    lanes: list[Lane] = field(default_factory=list)  # bound as the portal, in the order of [directory] uri
    stranger: Lane | None = None  # bound as nobody
    owner: Lane | None = None  # on cn=config, where --config gave the way
    reached: bool = False  # some server answered, whether or not it let us in
    contexts: list[str] = field(default_factory=list)  # the naming contexts of the server
    suffix: str = ""  # the one that holds the people
    census: Census | None = None
    lacks_schema: bool = False  # ours, or what the population is told by
    unknown: set[str] = field(default_factory=set)  # attributes that the schema lacks, in lower case
    has_rights: bool = False  # the portal may do at least something to somebody
    lacks_rights: bool = False  # and yet not all that it needs
    is_above_rules: bool = False  # the portal binds as the rootdn, or with manage: no policy holds it either
    password_try: Answer | None = None  # what the directory says to a new password for somebody
    database: str = remedies.DATABASE
    configuration: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # cn=config, by DN
    overlays: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # by their name, of that database

    @property
    def portal(self) -> Lane | None:
        """The connection that the portal itself would use."""
        return self.lanes[0] if self.lanes else None

    @property
    def why_not(self) -> str:
        """Why nothing can be tried as the portal."""
        return _("the portal cannot sign in") if self.reached else _("no server answers")

    @property
    def gentle_policy(self) -> str:
        """The policy that never locks, as ``config/ldap`` names it."""
        return f"cn=never-locks,ou=policies,{self.settings.directory.decoy_dn.partition(',')[2]}"

    def rules(self) -> Fix | None:
        """What gives the portal its rights: the file where nothing of it is loaded, else all rules anew.

        Those cannot be written without knowing what is there, which cn=config alone tells.
        """
        whole = self.load(remedies.ACCESS)
        bind_dn = self.settings.directory.bind_dn
        present = self.configuration.get(self.database, {}).get("olcaccess", [])
        if whole and remedies.is_partly_there(whole, present, bind_dn):
            return remedies.rules_anew(whole, present, bind_dn)
        return None if self.has_rights and not present else whole

    def load(self, name: str) -> Fix | None:
        """The file of ``config/ldap`` as this directory needs it."""
        return remedies.file_for(self.settings, name, self.database)

    def read(self, dn: str, *attributes: str) -> dict[str, list[str]]:
        """An entry's attributes as the portal, a stranger or the server's owner sees them, whoever sees any."""
        for answer in self._looks(dn, attributes):
            if answer.code == SUCCESS and any(name.lower() in answer.values for name in attributes):
                return answer.values
        return {}

    def _looks(self, dn: str, attributes: tuple[str, ...]) -> Iterator[Answer]:
        for lane in (self.portal, self.stranger, self.owner):
            if lane:
                yield lane.search(dn, attributes=attributes, scope=BASE)

    def close(self) -> None:
        """Close every connection."""
        for lane in (*self.lanes, self.stranger, self.owner):
            if lane:
                lane.close()
