"""Errors and refusals become French here, and nowhere else.

Functions rather than tables: ``gettext`` needs the request's language, so no sentence is made at import.
"""

from __future__ import annotations

import flask_babel

from connector.errors import (
    ChangeRefused,
    DeadKeyReason,
    KeyDead,
    KeyMistyped,
    MonCompteError,
    NothingToChange,
    ProofRefused,
    RescueReason,
    SignInRefused,
)
from connector.model import Reason, Refusal, Strength


def _(message: str, **facts: object) -> str:
    return str(flask_babel.gettext(message, **facts))


def ngettext(one: str, many: str, count: int) -> str:
    """The sentence for one or for many, with ``%(num)d`` filled in. Typed, as Flask-Babel itself is not."""
    return str(flask_babel.ngettext(one, many, count))


def sign_in_refused(error: SignInRefused) -> str:
    """One sentence for whoever it is; a slip in a key has its own, told alike to known and unknown."""
    if isinstance(error, KeyMistyped):
        return _(
            "Ce que vous avez tapé ressemble à une clé d’activation avec une faute de frappe. "
            "Si c’est une clé, comparez-la caractère par caractère avec votre courrier ou votre mail. "
            "Si c’est votre mot de passe, ce n’est pas le bon : vérifiez les majuscules, puis réessayez."
        )
    return _(
        "Nous n’avons pas pu vous identifier. Vérifiez l’identifiant, puis le mot de passe ou la clé "
        "(majuscules, chiffres, clavier), et réessayez. "
        "Si le mot de passe vous échappe, demandez une nouvelle clé : « Mot de passe oublié »."
    )


def key_dead(error: KeyDead) -> tuple[str, str]:
    """(title, explanation) for somebody whose key once was right."""
    if error.reason is DeadKeyReason.EXPIRED:
        return _("Cette clé a expiré"), _expired(error)
    return _("Cette clé ne sert plus"), _(
        "Elle a déjà servi, ou une clé plus récente l’a remplacée : "
        "de plusieurs clés reçues, seule la dernière est valable. "
        "Si vous veniez de valider un nouveau mot de passe, essayez-le d’abord : il est peut-être déjà enregistré."
    )


def _expired(error: KeyDead) -> str:
    if error.ended is None:
        return _("C’est bien la vôtre, mais son délai est passé.")
    ended = flask_babel.format_datetime(error.ended, _("d MMMM y 'à' H 'h' mm"))
    return _("C’est bien la vôtre, mais elle n’était valable que jusqu’au %(ended)s.", ended=ended)


def session_stale() -> str:
    """Said on the landing page to somebody whose session is over; perhaps by a double click that did succeed."""
    return _(
        "Votre session est terminée. Si vous veniez de valider un nouveau mot de passe, essayez-le ; "
        "sinon, identifiez-vous à nouveau pour reprendre."
    )


def form_expired() -> str:
    """Said on the landing page when the CSRF token does not fit."""
    return _(
        "Cette page était restée ouverte trop longtemps, ou votre navigateur refuse les cookies : "
        "rien n’a été enregistré. Tapez à nouveau votre mot de passe ou votre clé, puis validez. "
        "Si le message revient, autorisez les cookies pour ce site."
    )


def signed_out() -> str:
    """Said on the landing page after signing out."""
    return _("Vous êtes déconnecté. Sur un ordinateur partagé, fermez aussi le navigateur.")


def field_problems(error: MonCompteError) -> dict[str, list[str]]:
    """The name of each field that a refusal concerns, with its sentences."""
    if isinstance(error, ChangeRefused):
        return {
            "password": [refusal(item) for item in error.refusals],
            "rescue": [_rescue(error.rescue)] if error.rescue else [],
        }
    if isinstance(error, ProofRefused):
        return {"current_password": [_("Ce n’est pas votre mot de passe actuel : vérifiez-le, puis retapez-le.")]}
    if isinstance(error, NothingToChange):
        return {"password": [_("Écrivez un nouveau mot de passe, ou plus bas une nouvelle adresse, ou les deux.")]}
    raise error


def _rescue(reason: RescueReason) -> str:
    sentences = {
        RescueReason.MALFORMED: _("Cette adresse n’est pas complète : elle doit ressembler à prenom.nom@exemple.fr."),
        RescueReason.OWN_DOMAIN: _(
            "C’est une adresse de l’université : vous la perdriez avec le mot de passe. Donnez une adresse personnelle."
        ),
    }
    return sentences[reason]


def rule(item: Refusal) -> str:
    """One rule of the policy as the page's help tells it before anything is typed."""
    limit = item.limit
    sentences = {
        Reason.TOO_SHORT: ngettext("au moins %(num)d caractère", "au moins %(num)d caractères", limit),
        Reason.TOO_LONG: ngettext("au plus %(num)d caractère", "au plus %(num)d caractères", limit),
        Reason.TOO_FEW_NON_LETTERS: ngettext(
            "au moins %(num)d caractère qui ne soit pas une lettre : un chiffre ou un signe de ponctuation",
            "au moins %(num)d caractères qui ne soient pas des lettres : des chiffres ou des signes de ponctuation",
            limit,
        ),
        Reason.FORBIDDEN_CHARACTER: _("pas de lettre accentuée ni de caractère rare"),
        Reason.PERSONAL: _("ni votre nom, ni votre identifiant, ni votre INE, ni votre adresse"),
        Reason.COMMON: _("pas un mot de passe que tout le monde essaie en premier"),
        Reason.TOO_WEAK: _("difficile à deviner : « %(label)s » au moins", label=_at_least(limit)),
        Reason.IS_A_KEY: _("pas une clé d’activation"),
    }
    return sentences.get(item.reason) or refusal(item)


def refusal(item: Refusal) -> str:
    """Why a password is refused, and what to do about it."""
    return (_of_form(item.limit, item.found) | _of_substance(item.found))[item.reason]


def _of_form(limit: int, found: str) -> dict[Reason, str]:
    return {
        Reason.TOO_SHORT: ngettext(
            "Trop court : il faut au moins %(num)d caractère. Ajoutez-en, par exemple un mot de plus.",
            "Trop court : il faut au moins %(num)d caractères. Ajoutez-en, par exemple un mot de plus.",
            limit,
        ),
        Reason.TOO_LONG: ngettext(
            "Trop long : %(num)d caractère au plus. Raccourcissez-le.",
            "Trop long : %(num)d caractères au plus. Raccourcissez-le.",
            limit,
        ),
        Reason.TOO_FEW_NON_LETTERS: ngettext(
            "Il faut %(num)d caractère au moins qui ne soit pas une lettre : ajoutez un chiffre ou un signe.",
            "Il faut %(num)d caractères au moins qui ne soient pas des lettres : ajoutez chiffres ou ponctuation.",
            limit,
        ),
        Reason.FORBIDDEN_CHARACTER: _("Le caractère « %(found)s » n’est pas accepté : remplacez-le.", found=found),
    }


def _of_substance(found: str) -> dict[Reason, str]:
    return {
        Reason.LEADING_BRACE: _("Un mot de passe ne peut pas commencer par « { » : mettez un autre signe devant."),
        Reason.PERSONAL: _(
            "« %(found)s » parle de vous, et se devine : retirez-le, et choisissez autre chose.", found=found
        ),
        Reason.COMMON: _("Ce mot de passe est de ceux que l’on essaie en premier : choisissez-en un à vous."),
        Reason.TOO_WEAK: _(
            "Encore trop facile à deviner : allongez-le, par exemple de quelques mots sans rapport entre eux."
        ),
        Reason.IS_A_KEY: _("C’est une clé d’activation : elle ne sert qu’à entrer. Choisissez un mot de passe à vous."),
        Reason.IN_HISTORY: _("Vous avez déjà utilisé ce mot de passe : choisissez-en un nouveau."),
        Reason.TOO_YOUNG: _("Votre mot de passe vient d’être changé : attendez un peu avant de le changer encore."),
        Reason.DIRECTORY_QUALITY: _(
            "L’annuaire de l’université trouve ce mot de passe trop simple : allongez-le ou variez-le."
        ),
    }


def strength_label(strength: Strength) -> str:
    """The meter's word."""
    return {Strength.WEAK: _("Faible"), Strength.MEDIUM: _("Moyen"), Strength.STRONG: _("Fort")}[strength]


def _at_least(limit: int) -> str:
    return strength_label(Strength(min(max(limit, Strength.WEAK), Strength.STRONG)))


def masked(address: str) -> str:
    """``j***@g***.fr``: enough for its owner, useless to others; three stars whatever the length."""
    local, _at, domain = address.rpartition("@")
    host, _dot, top = domain.rpartition(".")
    return f"{local[:1]}***@{host[:1]}***.{top}"
