"""What the assistance form says; French, to be translated."""

from __future__ import annotations

from connector.errors import Throttled
from webui.guard import Verdict
from webui.messages import Told, wait
from webui.wording import _


def subjects() -> list[tuple[str, str]]:
    """What can have happened; the value, and what the page says."""
    return [
        ("letter", _("Je n’ai pas reçu ma lettre, ou je l’ai perdue")),
        ("address", _("Je n’ai plus accès à mon adresse de secours, ou n’en ai pas")),
        ("name", _("Mon nom ou mes informations ne sont pas les bons")),
        ("blocked", _("Mon compte est bloqué ou suspendu")),
        ("other", _("Autre chose")),
    ]


def choose() -> str:
    """The first line of a list to choose from."""
    return _("Choisissez…")


def no_birthday() -> str:
    """Beside a date that is none."""
    return _("Écrivez la date comme 05/03/2004, 5 mars 2004 ou 2004-03-05.")


def once_more(verdict: Verdict) -> Told:
    """To a form that came too soon, twice, or from a page of before; nothing typed is lost."""
    if verdict is Verdict.USED:
        said = _("Nous l’avons bien reçue : rien d’autre à faire. Pour en écrire une autre, changez ce qui suit.")
        return Told(_("Votre demande est déjà partie"), said)
    if verdict is Verdict.TOO_QUICK:
        said = _("Un robot va aussi vite. Tout ce que vous avez écrit est là : relisez, puis envoyez à nouveau.")
        return Told(_("Encore un clic"), said)
    if verdict is Verdict.NO_TICKET:
        return stale()
    said = _(
        "Nous écartons les demandes des robots, et il en arrive beaucoup. Tout ce que vous avez écrit est là : "
        "attendez une minute, puis envoyez à nouveau."
    )
    return Told(_("Encore un instant"), said)


def stale() -> Told:
    """To a page of before, or one that this browser has no cookie for."""
    said = _(
        "Cette page avait vieilli. Tout ce que vous avez écrit est là : envoyez à nouveau. Si cela recommence, "
        "autorisez les cookies pour ce site."
    )
    return Told(_("Encore un clic"), said)


def throttled(error: Throttled, reference: str) -> Told:
    """For whoever sends many."""
    advice = _("Tout ce que vous avez écrit est là ; %(wait)s C’est urgent ? Adressez-vous à nous.", wait=wait(error))
    return Told(_("Trop de demandes"), advice, reference)


def full() -> Told:
    """Where no other is taken for the moment."""
    return Told(
        _("Nous ne pouvons pas prendre votre demande maintenant"),
        _("Trop de demandes attendent déjà. Réessayez dans quelques heures, ou adressez-vous à nous."),
    )


def not_now() -> Told:
    """While the directory does not answer."""
    return Told(
        _("Nous ne pouvons pas prendre votre demande maintenant"),
        _("Le service ne répond pas. Tout ce que vous avez écrit est là : envoyez à nouveau dans quelques minutes."),
    )
