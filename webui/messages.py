"""Errors and refusals become sentences here, and nowhere else: French ones, which the catalogue translates.

Functions rather than tables: ``gettext`` needs the request's language, so no sentence is made at import.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import NamedTuple

from connector.errors import (
    ChangeRefused,
    KeyDead,
    KeyMistyped,
    MonCompteError,
    NothingToChange,
    ProofRefused,
    RescueReason,
    SignInRefused,
    Throttled,
)
from connector.model import DeadKeyReason
from webui import rules, wording
from webui.wording import _, moment, ngettext

_MINUTES_TOLD = 90  # more are told in hours


class Told(NamedTuple):
    """A title, and what to do about it; with the request's name in the logs, where somebody may ask for help."""

    title: str
    advice: str
    reference: str = ""


def sign_in_refused(error: SignInRefused, desk: str) -> Told:
    """One text for whoever it is; a slip in a key has its own, told alike to known and unknown."""
    title = _("Nous n’avons pas pu vous identifier")
    if isinstance(error, KeyMistyped):
        slip = _(
            "Si c’est une clé, elle contient une faute de frappe : retapez-la en la comparant caractère par caractère "
            "à la feuille ou au mail. Si c’est votre mot de passe, ce n’est pas le bon."
        )
        return Told(title, slip)
    advice = _(
        "Vérifiez l’identifiant, puis le mot de passe (attention aux majuscules) ou la clé (15 caractères). "
        "Mot de passe oublié ? Demandez une clé. Clé perdue, ou compte bloqué ? Adressez-vous ici : %(desk)s.",
        desk=desk,
    )
    return Told(title, advice)


def sign_in_throttled(error: Throttled, reference: str) -> Told:
    """For whoever tried too often, existing or not."""
    advice = _(
        "Par sécurité, %(wait)s Mot de passe oublié ? Demandez plutôt une clé, dans la partie de ce nom.",
        wait=wait(error),
    )
    return Told(_("Trop d’essais"), advice, reference)


def ask_throttled(error: Throttled, reference: str) -> Told:
    """For whoever asked for keys too often, existing or not."""
    advice = _(
        "Regardez d’abord votre messagerie personnelle, indésirables compris : la dernière clé reçue est la bonne. "
        "Sinon, %(wait)s",
        wait=wait(error),
    )
    return Told(_("Trop de demandes"), advice, reference)


def change_throttled(error: Throttled, reference: str) -> Told:
    """For whoever tried too often behind the door, or changed the rescue address too often."""
    return Told(_("Trop d’essais"), _("Rien n’a été changé. Par sécurité, %(wait)s", wait=wait(error)), reference)


def throttled(error: Throttled) -> Told:
    """For whoever did anything else too often."""
    return Told(_("Trop de demandes"), _("Par sécurité, %(wait)s", wait=wait(error)))


def wait(error: Throttled) -> str:
    """When the next try counts, as the end of a sentence."""
    minutes = math.ceil(error.retry_after / 60)
    if minutes <= _MINUTES_TOLD:
        return ngettext("réessayez dans %(num)d minute.", "réessayez dans %(num)d minutes.", minutes)
    return ngettext("réessayez dans %(num)d heure.", "réessayez dans %(num)d heures.", math.ceil(minutes / 60))


def key_dead(error: KeyDead) -> Told:
    """For somebody whose key once was right."""
    if error.reason is DeadKeyReason.EXPIRED:
        return Told(_("Cette clé a expiré"), _expired(error))
    if error.reason is DeadKeyReason.WORN_OUT:
        worn_out = _(
            "C’est bien la vôtre, mais trop de clés fausses ont été essayées à sa place : "
            "par sécurité, elle a été annulée."
        )
        return Told(_("Cette clé ne sert plus"), worn_out)
    used = _(
        "Elle a déjà servi, ou une clé plus récente l’a remplacée : "
        "de plusieurs clés reçues, seule la dernière est valable. "
        "Si vous veniez de valider un nouveau mot de passe, essayez-le d’abord : il est peut-être déjà enregistré."
    )
    return Told(_("Cette clé ne sert plus"), used)


def _expired(error: KeyDead) -> str:
    if error.ended is None:
        return _("C’est bien la vôtre, mais son délai est passé.")
    ended = moment(error.ended, _("d MMMM y 'à' H 'h' mm"))
    return _("C’est bien la vôtre, mais elle n’était valable que jusqu’au %(ended)s.", ended=ended)


def sign_in_first() -> str:
    """Said on the landing page to somebody who opened a page behind the door."""
    return _("Identifiez-vous d’abord.")


def session_expired(minutes: int) -> str:
    """Said on the landing page to somebody who took too long; perhaps after a click that did succeed."""
    return ngettext(
        "Par sécurité, votre session s’est fermée au bout de %(num)d minute. Identifiez-vous à nouveau pour "
        "reprendre. Si vous veniez de valider un nouveau mot de passe, essayez-le.",
        "Par sécurité, votre session s’est fermée au bout de %(num)d minutes. Identifiez-vous à nouveau pour "
        "reprendre. Si vous veniez de valider un nouveau mot de passe, essayez-le.",
        minutes,
    )


def session_stale() -> str:
    """Said on the landing page when what was proved is no longer true; perhaps by a double click."""
    return _(
        "Votre session est terminée : votre compte a changé entre-temps, ou votre clé ne sert plus. "
        "Si vous veniez de valider un nouveau mot de passe, essayez-le ; sinon, identifiez-vous à nouveau."
    )


def form_expired() -> Told:
    """When the CSRF token of a form does not fit: nobody knows what an earlier click did."""
    return Told(
        _("Cette page n’était plus à jour"),
        _(
            "Elle est restée ouverte longtemps, ou vous avez validé deux fois, ou ouvert Mon compte dans un autre "
            "onglet. Si vous veniez de choisir un mot de passe, essayez-le ; sinon, identifiez-vous à nouveau."
        ),
    )


def ask_expired() -> Told:
    """The same to somebody who asked for a key, and need only click once more."""
    return Told(
        _("Cette page n’était plus à jour"),
        _("Elle est restée ouverte longtemps, et votre demande n’est pas partie. Un clic suffit pour la refaire."),
    )


def change_expired() -> Told:
    """The same behind the door, in a session that goes on."""
    return Told(
        _("Cette page n’était plus à jour"),
        _(
            "Vous avez sans doute ouvert Mon compte dans un autre onglet. Rien n’a été changé ; la revoici. "
            "Par sécurité, retapez les mots de passe, puis validez."
        ),
    )


def cookies_refused() -> Told:
    """To a browser that has twice brought nothing back."""
    return Told(
        _("Votre navigateur refuse nos cookies"),
        _(
            "Sans le petit fichier (cookie) que nous lui confions, nous ne pouvons pas vous reconnaître d’une page à "
            "la suivante. Autorisez les cookies pour ce site, ou prenez un autre navigateur, puis recommencez ici."
        ),
    )


def day_and_time(instant: datetime) -> str:
    """A day and a time, where the university is."""
    return moment(instant, _("EEEE d MMMM 'à' H 'h' mm"))


def day(written: str) -> str:
    """A day as ISO 8601 writes it."""
    return wording.day(date.fromisoformat(written), _("d MMMM y"))


def time_of_day(instant: datetime) -> str:
    """Hours and minutes, where the university is."""
    return moment(instant, _("H 'h' mm"))


def signed_out() -> str:
    """Said on the landing page after signing out."""
    return _("Votre session est fermée. Sur un ordinateur partagé, fermez aussi le navigateur.")


def desk_refused() -> Told:
    """At the desk's door: one text whoever is refused, and whatever was wrong."""
    return Told(
        _("Nous n’avons pas pu vous identifier"),
        _(
            "Vérifiez l’identifiant, le mot de passe et le code. Chaque code ne sert qu’une fois : attendez le "
            "suivant. Téléphone perdu ? Tapez un code de secours à la place. Si rien n’y fait, demandez à "
            "l’équipe qui administre Mon compte."
        ),
    )


def enrolment_refused() -> Told:
    """The same to who has an enrolment code."""
    return Told(
        _("Nous n’avons pas pu vous identifier"),
        _(
            "Vérifiez l’identifiant, le mot de passe et le code d’inscription. Ce code ne sert qu’une fois et n’est "
            "valable que quelques heures : s’il a vieilli, demandez-en un autre à qui vous l’a remis."
        ),
    )


def desk_throttled(error: Throttled, reference: str) -> Told:
    """For whoever tried too often at the desk's door."""
    return Told(_("Trop d’essais"), _("Par sécurité, %(wait)s", wait=wait(error)), reference)


def first_code_refused() -> str:
    """Said beside the box for the first code, or for one more."""
    return _("Ce n’est pas le bon code : attendez le suivant, puis tapez-le aussitôt. Le téléphone est-il à l’heure ?")


def desk_session_expired() -> str:
    """Said at the desk's door after a pause."""
    return _("Par sécurité, votre session s’est fermée. Identifiez-vous à nouveau : vous retrouverez votre page.")


def desk_session_stale() -> str:
    """Said there when what was proved is no longer true."""
    return _(
        "Votre session est terminée : elle a été fermée ailleurs, ou vos accès ont changé. Identifiez-vous à nouveau."
    )


def desk_form_expired() -> Told:
    """When the CSRF token of a form of the desk's does not fit."""
    return Told(
        _("Cette page n’était plus à jour"),
        _("Elle est restée ouverte longtemps, ou dans deux onglets. Rien n’a été fait : recommencez."),
    )


def field_problems(error: MonCompteError) -> dict[str, list[str]]:
    """The name of each field that a refusal concerns, with its sentences."""
    if isinstance(error, ChangeRefused):
        return {
            "password": rules.refusals(error.refusals),
            "rescue": [_rescue(error.rescue)] if error.rescue else [],
        }
    if isinstance(error, ProofRefused):
        return {"current_password": [_("Ce n’est pas votre mot de passe actuel : vérifiez-le, puis retapez-le.")]}
    if isinstance(error, Throttled):
        field = "rescue" if "rescue" in error.word else "current_password"
        return {field: [_("Trop d’essais : %(wait)s", wait=wait(error))]}
    if isinstance(error, NothingToChange):
        return {"password": [_("Écrivez un nouveau mot de passe, ou plus bas une nouvelle adresse, ou les deux.")]}
    raise error


def _rescue(reason: RescueReason) -> str:
    sentences = {
        RescueReason.MALFORMED: _(
            "Cette adresse n’est pas complète, ou contient une faute : elle doit ressembler à prenom.nom@exemple.fr."
        ),
        RescueReason.TOO_LONG: _("Cette adresse est trop longue : vérifiez-la."),
        RescueReason.SEVERAL: _("Il y a plusieurs adresses dans ce champ : choisissez-en une seule."),
        RescueReason.ACCENTED: _(
            "Devant l’arobase (@), il y a une lettre accentuée ou un autre signe que nous ne pouvons pas garder : "
            "vérifiez l’adresse, ou donnez-en une autre."
        ),
        RescueReason.NOWHERE: _("Aucun mail n’arrive à cette adresse : vérifiez ce qui suit l’arobase (@)."),
        RescueReason.LIST: _(
            "C’est l’adresse d’une liste : d’autres que vous y liraient votre clé. Donnez une adresse personnelle."
        ),
        RescueReason.OWN_DOMAIN: _(
            "C’est une adresse de l’université : vous la perdriez avec le mot de passe. Donnez une adresse personnelle."
        ),
        RescueReason.FROZEN: _(
            "L’adresse de secours est protégée : son dernier changement a été signalé et annulé. Pour en donner une "
            "autre dès maintenant, demandez une clé sur la page d’accueil, puis entrez avec elle."
        ),
    }
    return sentences[reason]


def charter_changed() -> Told:
    """To whoever accepts a version that is no longer the present one."""
    return Told(
        _("La charte vient de changer"),
        _("Celle que vous aviez sous les yeux n’est plus en vigueur. Lisez la nouvelle version, puis acceptez-la."),
    )
