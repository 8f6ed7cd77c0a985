"""What may be typed, and how long it may be. Whether it is *right* is the portal's business.

The CSRF token is checked for every POST by ``flask_wtf.CSRFProtect``, so the forms themselves carry none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from wtforms import (
    BooleanField,
    Field,
    Form,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from connector import rescue
from webui.wording import later as _

IDENTIFIER_MAX = 128  # characters; a login, an INE or a student number is far shorter
SECRET_MAX = 1024  # characters; the policy's own bound is lower and has its own sentence
RESCUE_MAX = 254  # characters: RFC 5321 §4.5.3.1.3, less the angle brackets
_BLANKS = " \t\u00a0\u202f\u200b\u2060\ufeff"  # as connector.rescue: what a paste brings along
_NAME_AND_ADDRESS = re.compile(r"([^<>\x00-\x1f]*)<([^<>\x00-\x1f]*)>")


def _within(longest: int, tidy: Callable[[str], str] = str) -> Callable[[str | None], str | None]:
    """A filter, so that it runs before anything else: what is over-long is cut, and left for ``Length`` to refuse.

    Nothing works on more than ``longest`` characters, nor writes more of them back into a page. What was cut is not
    tidied: it must not become short enough to pass for what was typed.
    """

    def bound(text: str | None) -> str | None:
        if not text:
            return text
        return tidy(text) if len(text) <= longest else text[: longest + 1]

    return bound


def _address(text: str) -> str:
    """The address alone of ``Jeanne <jeanne@exemple.fr>``, as mail programs copy it; never one of two.

    A line break stays where it is: no browser sends one from such a field, and the portal refuses it.
    """
    typed = text.strip(_BLANKS)
    found = _NAME_AND_ADDRESS.fullmatch(typed)
    if not found:
        return typed
    name, address = found[1].strip(_BLANKS + "\"'"), found[2].strip(_BLANKS)
    return typed if "@" in name and name.lower() != address.lower() else address


_IDENTIFIER = _within(IDENTIFIER_MAX, str.strip)
_SECRET = _within(SECRET_MAX)  # nothing else: blanks count in a password
_RESCUE = _within(RESCUE_MAX, _address)


class PortalForm(Form):  # type: ignore[misc]  # WTForms has no types
    """A form that can be told, after the portal has spoken, what is wrong with which field."""

    def tell(self, problems: Mapping[str, Iterable[str]]) -> None:
        """Add sentences to the named fields' errors."""
        for name, sentences in problems.items():
            self[name].errors = [*self[name].errors, *sentences]

    @property
    def is_overlong(self) -> bool:
        """Whether a field is beyond its bound: no page of ours lets anybody type that much."""
        bounds = [(field, rule.max) for field in self for rule in field.validators if isinstance(rule, Length)]
        return any(len(field.data or "") > longest for field, longest in bounds)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(id of the field, sentence) for the summary on top, in the fields' order; one for each field."""
        return [(field.id, _in_short(field)) for field in self if field.errors]


def _in_short(field: Field) -> str:
    """The one sentence, or how many there are: they are told in full beside the field."""
    if len(field.errors) == 1:
        return str(field.errors[0])
    return str(_("%(field)s : %(count)d points à revoir", field=field.label.text, count=len(field.errors)))


class SignInForm(PortalForm):
    """Login, and the one box that takes the password or the key."""

    identifier = StringField(
        _("Identifiant"),
        filters=[_IDENTIFIER],
        validators=[
            DataRequired(_("Écrivez votre identifiant, par exemple jmartin001.")),
            Length(max=IDENTIFIER_MAX, message=_("C’est trop long pour un identifiant : vérifiez ce champ.")),
        ],
    )
    secret = PasswordField(
        _("Mot de passe ou clé d’activation"),
        filters=[_SECRET],
        validators=[
            InputRequired(_("Écrivez votre mot de passe, ou votre clé d’activation.")),
            Length(max=SECRET_MAX, message=_("C’est trop long pour un mot de passe ou une clé : vérifiez ce champ.")),
        ],
    )


class ForgottenForm(PortalForm):
    """Whose key should be mailed."""

    identifier = StringField(
        id="forgotten-identifier",
        filters=[_IDENTIFIER],
        validators=[
            DataRequired(_("Écrivez votre identifiant ou votre numéro INE.")),
            Length(max=IDENTIFIER_MAX, message=_("C’est trop long pour un identifiant ou un INE : vérifiez ce champ.")),
        ],
    )


_PASSWORD_LENGTH = Length(
    max=SECRET_MAX, message=_("Ce mot de passe est beaucoup trop long : choisissez-en un plus court.")
)
_RESCUE_LENGTH = Length(max=RESCUE_MAX, message=_("Cette adresse est trop longue : vérifiez-la."))


def _same(form: Form, field: Field) -> None:
    """The confirmation says what the password says."""
    if (field.data or "") == (form["password"].data or ""):
        return
    if not field.data:
        raise ValidationError(_("Tapez le mot de passe une seconde fois."))
    raise ValidationError(
        _("La confirmation n’est pas identique au mot de passe : tapez deux fois exactement le même.")
    )


class NewPasswordForm(PortalForm):
    """After a key: a password must be chosen; a rescue address may be given."""

    password = PasswordField(
        _("Nouveau mot de passe"),
        filters=[_SECRET],
        validators=[InputRequired(_("Choisissez un mot de passe.")), _PASSWORD_LENGTH],
    )
    confirmation = PasswordField(_("Confirmation du mot de passe"), filters=[_SECRET], validators=[_same])
    rescue = StringField(_("Adresse mail de secours"), filters=[_RESCUE], validators=[_RESCUE_LENGTH])
    corrected = HiddenField(
        filters=[_RESCUE], validators=[_RESCUE_LENGTH]
    )  # in place of what was typed: a button that takes our suggestion
    meant = HiddenField(filters=[_RESCUE], validators=[_RESCUE_LENGTH])  # what we asked about: typed again, it is right


class ChangeForm(PortalForm):
    """After a password: it is asked again, then either of the two may be changed."""

    current_password = PasswordField(
        _("Mot de passe actuel"),
        id="current-password",
        filters=[_SECRET],
        validators=[
            InputRequired(_("Écrivez votre mot de passe actuel, pour confirmer que c’est bien vous.")),
            _PASSWORD_LENGTH,
        ],
    )
    password = PasswordField(_("Nouveau mot de passe"), filters=[_SECRET], validators=[_PASSWORD_LENGTH])
    confirmation = PasswordField(_("Confirmation du mot de passe"), filters=[_SECRET], validators=[_same])
    rescue = StringField(_("Adresse mail de secours"), filters=[_RESCUE], validators=[_RESCUE_LENGTH])
    corrected = HiddenField(filters=[_RESCUE], validators=[_RESCUE_LENGTH])
    meant = HiddenField(filters=[_RESCUE], validators=[_RESCUE_LENGTH])


class CharterForm(PortalForm):
    """Before anything else behind the door: the charter, where there is one; ``version`` is the one they were shown."""

    accepted = BooleanField(
        id="accepted",
        validators=[InputRequired(_("Pour continuer, cochez cette case une fois la charte lue."))],
    )
    version = HiddenField(filters=[_within(IDENTIFIER_MAX)])


CODE_MAX = 64  # characters; six digits, or a recovery code with its dashes and blanks
_CODE = _within(CODE_MAX, str.strip)
_CODE_LENGTH = Length(max=CODE_MAX, message=_("C’est trop long pour un code : vérifiez ce champ."))


class _PasswordForm(PortalForm):
    """What both ways through the desk's door ask for."""

    identifier = StringField(
        _("Identifiant"),
        filters=[_IDENTIFIER],
        validators=[
            DataRequired(_("Écrivez votre identifiant.")),
            Length(max=IDENTIFIER_MAX, message=_("C’est trop long pour un identifiant : vérifiez ce champ.")),
        ],
    )
    password = PasswordField(
        _("Mot de passe"),
        filters=[_SECRET],
        validators=[
            InputRequired(_("Écrivez votre mot de passe.")),
            Length(max=SECRET_MAX, message=_("C’est trop long pour un mot de passe : vérifiez ce champ.")),
        ],
    )


class EnrolForm(_PasswordForm):
    """Somebody with an enrolment code."""

    offered = StringField(
        _("Code d’inscription"),
        filters=[_CODE],
        validators=[DataRequired(_("Écrivez le code d’inscription que l’on vous a remis.")), _CODE_LENGTH],
    )


class CodeForm(PortalForm):
    """A code of an authenticator: the first one, or one more before an act that could give an account away."""

    code = StringField(
        _("Code à six chiffres"),
        filters=[_CODE],
        validators=[DataRequired(_("Écrivez le code que montre votre application.")), _CODE_LENGTH],
    )


class DeskSignInForm(_PasswordForm, CodeForm):
    """An operator at the desk's door."""


class SearchForm(PortalForm):
    """Whom an operator looks for."""

    typed = StringField(
        _("Identifiant, INE, numéro d’étudiant, ou prénom et nom"),
        filters=[_IDENTIFIER],
        validators=[
            DataRequired(_("Écrivez qui vous cherchez.")),
            Length(max=IDENTIFIER_MAX, message=_("C’est trop long pour une recherche : vérifiez ce champ.")),
        ],
    )


class ActForm(PortalForm):
    """What an operator does to an account; the choices are the settings', and the code goes where none is asked."""

    act = RadioField(
        _("Que faire ?"), validators=[DataRequired(_("Choisissez ce qu’il faut faire."))], validate_choice=False
    )
    address = StringField(_("Sa nouvelle adresse de secours"), filters=[_RESCUE], validators=[_RESCUE_LENGTH])
    meant = HiddenField(filters=[_RESCUE], validators=[_RESCUE_LENGTH])  # as of NewPasswordForm
    reason = SelectField(_("Motif"), validators=[DataRequired(_("Choisissez un motif."))], validate_choice=False)
    document = SelectField(_("Document présenté"), validate_choice=False)
    code = StringField(
        _("Code à six chiffres"),
        filters=[_CODE],
        validators=[DataRequired(_("Écrivez le code que montre votre application.")), _CODE_LENGTH],
    )

    def validate_address(self, field: Field) -> None:
        """An address, where one is to be set."""
        if self.act.data == "rescue" and not field.data:
            raise ValidationError(_("Écrivez la nouvelle adresse."))
        doubt = rescue.suggestion(field.data or "")
        if self.act.data == "rescue" and doubt and field.data != self.meant.data:
            self.meant.data = field.data  # sent again as it is, it is right
            raise ValidationError(
                _("Serait-ce %(address)s ? Corrigez, ou validez à nouveau si c’est exact.", address=doubt)
            )

    def validate_document(self, field: Field) -> None:
        """A document, where the act gives the account to whoever stands there."""
        if self.act.data in {"key", "rescue"} and not field.data:
            raise ValidationError(_("Dites quel document vous avez vu : choisissez-le."))


class MailedCodeForm(PortalForm):
    """The code that proves a rescue address."""

    code = StringField(
        _("Code à six chiffres"),
        filters=[_CODE],
        validators=[DataRequired(_("Écrivez le code qui est dans le mail.")), _CODE_LENGTH],
    )


class OppositionForm(PortalForm):
    """*It was not me*: whose change it was, and the code of the mail that told of it."""

    identifier = StringField(
        _("Identifiant"),
        filters=[_IDENTIFIER],
        validators=[
            DataRequired(_("Écrivez votre identifiant, par exemple jmartin001.")),
            Length(max=IDENTIFIER_MAX, message=_("C’est trop long pour un identifiant : vérifiez ce champ.")),
        ],
    )
    code = StringField(
        _("Code du mail"),
        filters=[_CODE],
        validators=[DataRequired(_("Écrivez le code qui est dans le mail.")), _CODE_LENGTH],
    )


NAME_MAX, BORN_MAX, TEXT_MAX = 100, 40, 2000  # characters


def _reachable(_form: Form, field: Field) -> None:
    """An address that mail can be sent to, the university's too: it is nobody's rescue address."""
    if not isinstance(rescue.read(field.data, ()), str):
        raise ValidationError(_("Cette adresse n’est pas complète : elle doit ressembler à prenom.nom@exemple.fr."))


def _lines(text: str | None) -> str | None:
    """Line breaks as one character each: browsers count them so, and send two (HTML, the value of a textarea)."""
    return text.replace("\r\n", "\n") if text else text


class HelpForm(PortalForm):
    """A request for help; ``website`` is for programs, ``ticket`` and ``work`` are ``guard``'s."""

    name = StringField(
        _("Prénom et nom"),
        filters=[_within(NAME_MAX, str.strip)],
        validators=[
            DataRequired(_("Écrivez votre prénom et votre nom.")),
            Length(max=NAME_MAX, message=_("C’est trop long pour un nom : vérifiez ce champ.")),
        ],
    )
    born = StringField(
        _("Date de naissance"),
        filters=[_within(BORN_MAX, str.strip)],
        validators=[
            DataRequired(_("Écrivez votre date de naissance.")),
            Length(max=BORN_MAX, message=_("C’est trop long pour une date : vérifiez ce champ.")),
        ],
    )
    identifier = StringField(
        _("Identifiant ou INE, si vous le connaissez"),
        filters=[_IDENTIFIER],
        validators=[Length(max=IDENTIFIER_MAX, message=_("C’est trop long pour un identifiant : vérifiez ce champ."))],
    )
    subject = SelectField(_("Objet"), validators=[DataRequired(_("Choisissez ce dont il s’agit."))])
    text = TextAreaField(
        _("Que s’est-il passé ?"),
        filters=[_lines, _within(TEXT_MAX, str.strip)],
        validators=[
            DataRequired(_("Dites en quelques mots ce qui s’est passé.")),
            Length(max=TEXT_MAX, message=_("C’est trop long : 2000 caractères au plus.")),
        ],
    )
    answer_to = StringField(
        _("Adresse mail où vous répondre"),
        filters=[_RESCUE],
        validators=[DataRequired(_("Écrivez une adresse mail où vous répondre.")), _RESCUE_LENGTH, _reachable],
    )
    website = StringField(filters=[_within(NAME_MAX, str.strip)])
    ticket = HiddenField(filters=[_within(200, str.strip)])
    work = HiddenField(filters=[_within(20, str.strip)])

    @property
    def reply_address(self) -> str:
        """The address to answer to, as every mail server takes it (RFC 5891), of a form that is whole."""
        return str(rescue.read(self.answer_to.data, ()))
