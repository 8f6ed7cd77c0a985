"""What single values may be. A validator raises ValueError with a sentence; pydantic adds where."""

from __future__ import annotations

import codecs
import re
import ssl
import tomllib
from typing import Annotated

from babel.dates import get_timezone
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from connector import columns
from connector import limits as tries
from connector.model import Strength
from connector.wording import N_, _

_LAST_PORT = 65535
_KEY_LENGTH = 32  # characters; fewer could be searched for
# An internationalised name is written in ASCII (xn--): in other letters no Message-ID and no redirect could bear it.
HOST = r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(:[0-9]{1,5})?"
_ADDRESS = r"[0-9A-Za-z!#$%&'*+/?^_`{|}~.-]+@[0-9A-Za-z.-]+"
# A name with signs that part addresses must be quoted (RFC 5322 §3.4), or From would hold several and no mail would go;
# and no "=", which may begin an encoded word (RFC 2047).
_NAME = r'"[^"=\\\p{C}]*" *|[^"=(),:;<>@\[\\\]\p{C}\u2028\u2029]*'
MAILBOX = f"({_ADDRESS}|({_NAME})<{_ADDRESS}>)"
URIS = N_("one or more of ldapi://%2Fvar%2Frun%2Fslapd%2Fldapi, ldaps://host[:port], ldap://host[:port], in order")


def split(value: object) -> object:
    """A list given as one string (in the environment) is split at blanks."""
    return tuple(value.split()) if isinstance(value, str) else value


def phrases(value: object) -> object:
    """A list of phrases given as one string (in the environment) is split at semicolons."""
    return tuple(part.strip() for part in value.split(";")) if isinstance(value, str) else value


def strength(value: object) -> object:
    """A word of the meter, by its name."""
    return Strength[value.upper()] if isinstance(value, str) and value.upper() in Strength.__members__ else value


def timezone(value: str) -> str:
    """A time zone that Babel knows."""
    try:
        get_timezone(value)
    except LookupError:
        raise ValueError(_("not a time zone we know, such as Europe/Paris")) from None
    return value


def uris(values: tuple[str, ...]) -> tuple[str, ...]:
    """A host without a scheme would be spoken to in clear, and a socket's path must be escaped (RFC 4516)."""
    for value in values:
        if not re.fullmatch(rf"ldaps?://{HOST}/?|ldapi://%2F[^/\s?]+", value, re.IGNORECASE):
            raise ValueError(_("%(value)s is none", value=value))
    return tuple(value.rstrip("/") for value in values)


def listen_address(value: str) -> str:
    """``host:port`` with a port that exists, or nothing."""
    if value and int(value.rpartition(":")[2]) > _LAST_PORT:
        raise ValueError(_("a port is 65535 at most"))
    return value


def secret_keys(value: SecretStr) -> SecretStr:
    """One key a line, each long enough: the first signs, the others are still believed."""
    lines = value.get_secret_value().split()
    if not lines or any(len(line) < _KEY_LENGTH for line in lines):
        raise ValueError(_("too short"))
    return value


def totp_keys(value: SecretStr) -> SecretStr:
    """The same; or none, where there is no help desk."""
    return secret_keys(value) if value.get_secret_value() else value


def limits(text: str) -> str:
    """Limits that can be read."""
    try:
        tries.read(text)
    except ValueError:
        raise ValueError(_("%(text)s is no limit", text=text)) from None
    return text


def storage(url: SecretStr) -> SecretStr:
    """Where counters may be kept. The message is without the value, which may hold a password."""
    if not re.fullmatch(r"memory://|(rediss?|valkeys?|(redis|valkey)\+unix)://\S+", url.get_secret_value()):
        raise ValueError(_("not a storage we know"))
    return url


def domains(values: tuple[str, ...]) -> tuple[str, ...]:
    """Mail domains as an address is kept with them: ASCII (RFC 5891), lower case, no final dot."""
    return tuple(map(_domain, values))


def _domain(value: str) -> str:
    """Read as the domain of an address is: what no address could ever match would fail in silence."""
    try:
        return validate_email(f"x@{value.removesuffix('.')}", check_deliverability=False).ascii_domain
    except EmailNotValidError:
        raise ValueError(_("%(value)s is no mail domain, such as universite.fr", value=value)) from None


def certificates(path: str) -> str:
    """The path of a file of certificates that we may read."""
    try:
        if path:
            ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError):
        said = _("%(path)s is not there, not ours to read, or holds no certificates", path=path)
        raise ValueError(said) from None
    return path


def encoding(name: str) -> str:
    """A text encoding that Python knows, or ``auto``."""
    try:
        is_known = name == "auto" or codecs.lookup(name)._is_text_encoding  # no hex, no zip
    except LookupError:
        is_known = False
    if not is_known:
        raise ValueError(_("%(name)s is no encoding we know", name=name))
    return name


def pattern(text: str) -> str:
    """A regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text}: {error}") from None
    return text


def table(value: object) -> object:
    """A table given as one string (in the environment) is read as TOML; a single text in it is a list of one."""
    try:
        read = tomllib.loads(f"table = {value}")["table"] if isinstance(value, str) else value
    except tomllib.TOMLDecodeError:
        raise ValueError(_('not a table, such as { uid = "{LOGIN}" }')) from None
    if not isinstance(read, dict):
        return read
    return {name: (each,) if isinstance(each, str) else each for name, each in read.items()}


def is_ours_alone(attribute: str) -> bool:
    """Whether it is the portal's, or the password policy's, and nothing for an import."""
    name = attribute.lower().partition(";")[0]
    return name in {"objectclass", "userpassword"} or name.startswith(("moncompte", "pwd"))


File = Annotated[str, AfterValidator(certificates)]
Limits = Annotated[
    str, AfterValidator(limits), Field(description=N_("such as 5/2 minutes; 25/day: second, minute, hour, day"))
]
Words = Annotated[tuple[str, ...], BeforeValidator(split)]
Phrases = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=60)], ...],
    BeforeValidator(phrases),
    Field(description=N_("a list of phrases, 60 characters each at most")),
]
Seconds = Annotated[int, Field(gt=0)]
Positive = Annotated[int, Field(gt=0)]
Template = Annotated[str, AfterValidator(columns.check)]
Templates = Annotated[
    dict[str, Annotated[tuple[Template, ...], Field(min_length=1)]],
    BeforeValidator(table),
    Field(description=N_('such as { uid = "{LOGIN}", sn = "{NOM}", eduPersonAffiliation = ["student", "member"] }')),
]
