"""The tables of moncompte.toml, typed. The documented file tells their reasons; a test holds the two together."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from connector.model import Strength
from connector.settings import values
from connector.settings.values import File, Limits, Positive, Seconds, Words
from connector.wording import N_, _


class Section(BaseModel):
    """One table of the file: immutable, and a key that we do not know is a problem, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Section)


def _demand(section: S, is_met: bool, otherwise: str, **facts: str) -> S:
    if not is_met:
        raise ValueError(_(otherwise, **facts))
    return section


class Web(Section):
    """The pages: where they are, how they look, how long a session lives."""

    portal_url: str = Field(
        pattern=rf"^https?://{values.HOST}/?$", description=N_("the portal's own address, https://host/ (no path)")
    )
    secret_key: Annotated[SecretStr, AfterValidator(values.secret_keys)] = Field(
        description=N_("32 random characters or more; signs the sessions. Older ones may follow, one a line")
    )
    theme: str = Field(default="dordogne", min_length=1, description=N_("a folder, or dordogne, garonne"))
    timezone: Annotated[str, AfterValidator(values.timezone)] = "Europe/Paris"
    session_minutes: int = Field(default=15, gt=0, le=240, description=N_("minutes, 1 to 240"))
    secure_cookies: bool = True
    proxies: int = Field(default=1, ge=0, le=10, description=N_("0 to 10"))
    security_contact: str = Field(
        default="", pattern=r"^((mailto:|https://)\S+)?$", description=N_("mailto:… or https://…")
    )
    listen: Annotated[str, AfterValidator(values.listen_address)] = Field(
        default="127.0.0.1:8080", pattern=r"^[^\s:]+:[0-9]{1,5}$", description=N_("host:port")
    )
    workers: int = Field(default=1, ge=1, le=64, description=N_("1 to 64"))
    threads: Positive = 8

    @model_validator(mode="after")
    def _cookies(self) -> Self:
        is_kept = self.portal_url.lower().startswith("https:") or not self.secure_cookies
        return _demand(self, is_kept, N_("secure_cookies needs an https portal_url: no browser would keep the session"))

    @property
    def secret_keys(self) -> list[str]:
        """The key that signs, and older ones that are still believed."""
        return self.secret_key.get_secret_value().split()


class Directory(Section):
    """The LDAP directory: where it is, as whom we bind, whom we may serve."""

    uri: Annotated[Words, AfterValidator(values.uris)] = Field(min_length=1, description=values.URIS)
    bind_dn: str = Field(min_length=3, description=N_("the DN of the portal's own account"))
    password: SecretStr = Field(min_length=1, description=N_("its password, best in password_file"))
    people_dn: str = Field(min_length=3, description=N_("the DN of the branch that holds the people"))
    decoy_dn: str = Field(min_length=3, description=N_("the DN of the decoy entry (config/ldap)"))
    population: str = Field(
        default="(eduPersonAffiliation=student)", pattern=r"^\(.+\)$", description=N_("an LDAP filter in parentheses")
    )
    start_tls: bool = True
    ca_file: File = ""
    timeout_seconds: Seconds = 5
    lockout_seconds: int = Field(default=900, ge=0)
    connections: Positive = 16
    session_tracking: bool = False


class Attributes(Section):
    """What the directory calls things; SUPANN's names by default. An empty name means: not kept here."""

    uid: str = Field(default="uid", min_length=1)
    alias: str = ""
    ine: str = "supannCodeINE"
    student_number: str = "supannEtuId"
    name: str = Field(default="displayName", min_length=1)
    language: str = "preferredLanguage"
    surname: str = "sn"
    programme: str = "supannEntiteAffectation"
    address: str = ""
    rescue: str = Field(default="supannMailPrive", min_length=1)
    rescue_label: str = "{SECOURS}"
    state: str = "supannRessourceEtat"
    state_date: str = "supannRessourceEtatDate"
    state_label: str = "{COMPTE}"

    @model_validator(mode="after")
    def _state(self) -> Self:
        return _demand(
            self, bool(self.state) == bool(self.state_date), N_("state and state_date: set both, or neither")
        )


class Identifiers(Section):
    """What a person may type to be found, beside the login and the INE."""

    student_number: bool = False


class Keys(Section):
    """How long a key lives, by where it was handed over, how often one is mailed, how many wrong ones it survives."""

    mail_hours: Positive = 24
    desk_hours: Positive = 24
    letter_days: Positive = 21
    cooldown_seconds: int = Field(default=300, ge=0)
    mails_a_day: Positive = 5
    max_failures: int = Field(default=100, gt=0, le=100, description=N_("1 to 100"))


class Throttle(Section):
    """How often one may try. Each limit is ``tries/period``, several are joined by ``;``, and all of them must hold."""

    storage: Annotated[SecretStr, AfterValidator(values.storage)] = Field(
        default=SecretStr("memory://"), description=N_("memory://, redis://host:port/number or valkey://…")
    )
    sign_in_per_identifier: Limits = "5/2 minutes; 7/15 minutes; 25/day"
    sign_in_keys_per_identifier: Limits = "20/15 minutes; 40/day"
    sign_in_per_identifier_and_source: Limits = "15/day"
    sign_in_mistyped_per_identifier: Limits = "30/15 minutes; 100/day"
    sign_in_mistyped_per_source: Limits = "300/15 minutes; 1000/day"
    sign_in_failures_per_source: Limits = "100/15 minutes; 500/day"
    sign_in_per_source: Limits = "1500/15 minutes"
    sign_in_in_all: Limits = "1200/minute"
    ask_per_identifier: Limits = "5/15 minutes; 15/day"
    ask_per_source: Limits = "100/15 minutes; 300/day"
    ask_in_all: Limits = "3000/minute"
    binds_per_account: Limits = "7/15 minutes"
    key_like_binds_per_account: Limits = "2/15 minutes"
    rescue_changes_per_account: Limits = "10/day"
    rescue_codes_per_account: Limits = "10/day"
    not_me_per_source: Limits = "20/15 minutes"
    desk_searches_per_operator: Limits = "60/10 minutes; 400/day"
    assistance_per_source: Limits = "5/15 minutes; 20/day"
    assistance_in_all: Limits = "300/hour"
    assistance_at_ease: Limits = "30/10 minutes"
    meter_per_account: Limits = "300/15 minutes"
    ask_step_ms: int = Field(default=15, ge=0, le=1000, description=N_("milliseconds, 0 to 1000"))
    refusal_step_ms: int = Field(default=250, ge=0, le=2000, description=N_("milliseconds, 0 to 2000"))


class Audit(Section):
    """Where the audit goes."""

    file: str = Field(default="-", min_length=1, description=N_("a path, - for standard output, or syslog"))


class Password(Section):
    """What a password must be, and who hashes it."""

    min_length: int = Field(default=10, ge=8, description=N_("8 or more"))
    max_length: int = Field(default=128, ge=64, le=256, description=N_("characters, 64 to 256"))
    min_non_letters: int = Field(default=2, ge=0)
    min_strength: Annotated[Strength, BeforeValidator(values.strength)] = Field(
        default=Strength.MEDIUM, description=N_("weak, medium or strong")
    )
    hash: Literal["directory", "argon2id"] = "directory"

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        return _demand(self, self.min_length <= self.max_length, N_("min_length is more than max_length"))


class Rescue(Section):
    """Which rescue addresses are accepted."""

    own_domains: Annotated[Words, AfterValidator(values.domains)] = ()
    code_minutes: int = Field(default=15, ge=5, le=60, description=N_("minutes, 5 to 60"))
    code_tries: int = Field(default=5, ge=1, le=10, description=N_("1 to 10"))
    cooldown_hours: int = Field(default=72, ge=0, le=720, description=N_("hours, 0 to 720"))


class Desk(Section):
    """The help desk's own pages: whose, where, with which second factor and within which bounds."""

    group_dn: str = ""
    component_group_dn: str = ""
    url: str = Field(
        default="", pattern=rf"^(https?://{values.HOST}/?)?$", description=N_("https://host/ (no path), or nothing")
    )
    totp_key: Annotated[SecretStr, AfterValidator(values.totp_keys)] = Field(
        default=SecretStr(""),
        description=N_(
            "32 random characters or more; enciphers the operators' secrets. Older ones may follow, one a line"
        ),
    )
    session_minutes: int = Field(default=120, gt=0, le=720, description=N_("minutes, 1 to 720"))
    idle_minutes: int = Field(default=10, gt=0, le=60, description=N_("minutes, 1 to 60"))
    step_up_minutes: int = Field(default=5, gt=0, le=60, description=N_("minutes, 1 to 60"))
    enrol_hours: Positive = 24
    keys_per_hour: int = Field(default=10, gt=0, le=200, description=N_("1 to 200"))
    reasons: values.Phrases = Field(
        default=("Clé perdue ou expirée", "Mot de passe oublié", "Plus d’accès à l’adresse de secours", "Autre"),
        min_length=1,
    )
    documents: values.Phrases = Field(
        default=("Carte d’étudiant", "Carte d’identité", "Passeport", "Titre de séjour", "Permis de conduire"),
        min_length=1,
    )

    @model_validator(mode="after")
    def _key(self) -> Self:
        is_kept = bool(self.totp_key.get_secret_value()) or not self.is_open
        return _demand(self, is_kept, N_("a group of operators needs totp_key (best in totp_key_file)"))

    @property
    def is_open(self) -> bool:
        """Whether there is a help desk at all."""
        return bool(self.group_dn or self.component_group_dn)

    @property
    def totp_keys(self) -> list[str]:
        """The key that enciphers, and older ones that still decipher."""
        return self.totp_key.get_secret_value().split()


class Assistance(Section):
    """The form for who can do nothing else; it is there where it has a mailbox to write to."""

    mailbox: str = Field(default="", pattern=rf"^({values.MAILBOX})?$", description=N_("an ASCII address, or nothing"))


class Charter(Section):
    """The rules of use that everybody accepts; where there is no version, nothing is asked."""

    version: str = Field(default="", pattern=r"^[0-9A-Za-z._-]{0,32}$", description=N_("letters, digits, . _ -"))
    url: str = Field(default="", pattern=r"^(https?://\S+)?$", description=N_("https://…, where the charter is read"))

    @model_validator(mode="after")
    def _readable(self) -> Self:
        return _demand(self, bool(self.url) or not self.version, N_("a version needs the url where it can be read"))


class Intake(Section):
    """How a students' records export is read, and what a person in it becomes in the directory."""

    bind_dn: str = ""
    password: SecretStr = SecretStr("")
    delimiter: str = Field(default=";", min_length=1, max_length=1, description=N_("one character"))
    encoding: Annotated[str, AfterValidator(values.encoding)] = Field(
        default="auto", description=N_("auto, or a name such as utf-8, iso-8859-1, windows-1252")
    )
    attributes: values.Templates = {
        "uid": ("{LOGIN}",),
        "sn": ("{LIB_NOM_PAT_IND}",),
        "givenName": ("{LIB_PR1_IND}",),
        "cn": ("{LIB_NOM_PAT_IND} {LIB_PR1_IND}",),
        "displayName": ("{LIB_PR1_IND} {LIB_NOM_PAT_IND}",),
        "supannCodeINE": ("{COD_NNE_IND}{COD_CLE_NNE_IND}",),
        "supannEtuId": ("{COD_ETU}",),
        "supannEntiteAffectation": ("{COD_CMP}",),
        "supannEtuAnneeInscription": ("{COD_ANU}",),
        "supannMailPrive": ("{ADR_MAIL}",),
        "preferredLanguage": ("fr",),
        "eduPersonAffiliation": ("student", "member"),
        "eduPersonPrimaryAffiliation": ("student",),
    }
    update: Words = (
        "sn",
        "givenName",
        "cn",
        "displayName",
        "supannCodeINE",
        "supannEtuId",
        "supannEntiteAffectation",
        "supannEtuAnneeInscription",
    )
    required: Words = ("uid", "sn", "cn", "displayName", "supannEtuId")
    login: Annotated[str, AfterValidator(values.pattern)] = Field(
        default="[A-Za-z0-9][A-Za-z0-9._-]{0,63}", description=N_("a regular expression")
    )
    dn: values.Template = "uid={uid}"
    object_classes: Words = Field(default=("inetOrgPerson", "eduPerson", "supannPerson"), min_length=1)
    state: Literal["I:SupannCree", "I:SupannPrecree", "A:SupannAnticipe"] = "I:SupannCree"
    since: values.Template = ""
    until: values.Template = ""

    @model_validator(mode="after")
    def _names(self) -> Self:
        known = {name.lower() for name in self.attributes}
        unknown = [name for name in (*self.update, *self.required) if name.lower() not in known]
        forbidden = [name for name in self.attributes if values.is_ours_alone(name)]
        _demand(
            self, not unknown, N_("%(names)s: in update or required, and not in attributes"), names=", ".join(unknown)
        )
        return _demand(self, not forbidden, N_("%(names)s: no import writes it"), names=", ".join(forbidden))


class Mail(Section):
    """The mail server, the sender, and the outbox's patience."""

    host: str = "localhost"
    port: int = Field(default=25, gt=0, lt=65536)
    tls: Literal["none", "starttls", "tls"] = "starttls"
    ca_file: File = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str = Field(
        pattern=rf"^{values.MAILBOX}$",
        description=N_('an ASCII address, Name <address>, or "Name, with signs" <address>'),
    )
    reply_to: str = Field(default="", pattern=rf"^({values.MAILBOX})?$", description=N_("an ASCII address, or nothing"))
    helo: str = ""
    timeout_seconds: Seconds = 30
    lease_seconds: int = Field(default=120, gt=0, le=3600, description=N_("seconds, 3600 at most"))
    dispatch_every_seconds: Seconds = 20
    max_tries: Positive = 30

    @model_validator(mode="after")
    def _lease(self) -> Self:
        is_longer = self.lease_seconds > self.timeout_seconds
        return _demand(self, is_longer, N_("lease_seconds must be more than timeout_seconds"))


class Observe(Section):
    """Where monitoring asks how the portal is, and when the answer is that it is not well."""

    listen: Annotated[str, AfterValidator(values.listen_address)] = Field(
        default="", pattern=r"^([^\s:]+:[0-9]{1,5})?$", description=N_("host:port, or nothing")
    )
    outbox_minutes: Positive = 15
    ready_needs: Annotated[tuple[Literal["directory", "outbox", "smtp"], ...], BeforeValidator(values.split)] = Field(
        default=("directory",), description=N_("directory, outbox, smtp: those of them that it needs")
    )


class Settings(Section):
    """All of it."""

    web: Web
    directory: Directory
    mail: Mail
    throttle: Throttle = Throttle()
    audit: Audit = Audit()
    attributes: Attributes = Attributes()
    identifiers: Identifiers = Identifiers()
    keys: Keys = Keys()
    password: Password = Password()
    rescue: Rescue = Rescue()
    intake: Intake = Intake()
    desk: Desk = Desk()
    assistance: Assistance = Assistance()
    charter: Charter = Charter()
    observe: Observe = Observe()

    @model_validator(mode="after")
    def _shared(self) -> Self:
        """A limit that each process counts for itself would be that many times as generous."""
        is_shared = self.web.workers == 1 or not self.throttle.storage.get_secret_value().startswith("memory:")
        return _demand(
            self, is_shared, N_("[web] workers: more than one need a [throttle] storage that they share, not memory://")
        )


SECTIONS: dict[str, type[Section]] = {name: field.annotation for name, field in Settings.model_fields.items()}  # type: ignore[misc]
