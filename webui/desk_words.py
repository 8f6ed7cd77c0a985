"""What the desk's pages say about an account: in French, which the catalogue translates, for whoever stands behind it.

The command line says the same to sysadmins in their words (``connector.cli.advice``): what a counter can do about it is
not what a shell can.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from connector.desk import RescueSet
from connector.errors import ActRefused, MonCompteError, Obstacle, Throttled
from connector.helpdesk import SHOWN, View
from connector.model import Account, By, Origin, Status, masked
from connector.standing import Hindrance, mails_of_the_day
from webui.messages import day_and_time, wait
from webui.wording import _, day, ngettext


def acts() -> list[tuple[str, str]]:
    """What an operator may choose to do; the value, and what the page says."""
    return [
        ("key", _("Remettre une clé, sur une feuille à imprimer")),
        ("send", _("Envoyer une clé à son adresse de secours")),
        ("rescue", _("Corriger son adresse de secours")),
        ("reveal", _("Voir son adresse de secours en entier")),
        ("unlock", _("Débloquer son mot de passe")),
        ("revoke", _("Annuler sa clé")),
    ]


def choose() -> str:
    """The first line of a list to choose from."""
    return _("Choisissez…")


def status(account: Account) -> str:
    """The state in a word."""
    if account.is_locked:
        return _("Verrouillé")
    if account.state.status is Status.CLOSED:
        is_suspended = (account.state.value or "").upper().partition("}")[2].startswith("S")
        return _("Suspendu") if is_suspended else _("Fermé")
    return _("À activer") if account.state.status is Status.TO_ACTIVATE else _("Actif")


def ways(view: View) -> list[str]:
    """How its owner can sign in now."""
    said = []
    if By.PASSWORD in view.standing.ways:
        said.append(_("avec son mot de passe"))
    key = view.account.key
    if By.KEY in view.standing.ways and key and key.expiry:
        said.append(_("avec %(key)s, jusqu’au %(until)s", key=_key(key.origin), until=day_and_time(key.expiry)))
    return said


def hindrances(view: View) -> list[str]:
    """Why its owner cannot get in, or not in every way; each with what to do about it."""
    return [_HINDRANCES[item](view) for item in view.standing.hindrances]


def facts(view: View) -> list[tuple[str, str]]:
    """What else there is to know: of the key, the mails, the password."""
    account = view.account
    return [
        (_("Clé"), _key_fact(view)),
        (_("Mails de clé"), _mails_fact(view)),
        (_("Mots de passe faux"), _wrong_fact(account)),
    ]


def rescue(view: View, *, is_revealed: bool) -> list[str]:
    """The rescue address, masked unless it was revealed, and all that is known of it."""
    account, now = view.account, view.now
    if not account.rescue:
        return [_("aucune")]

    def shown(address: str) -> str:
        return address if is_revealed else masked(address)

    proved = (
        _("prouvée le %(when)s", when=day_and_time(account.rescue_verified))
        if account.rescue_verified
        else _("non prouvée")
    )
    said = [f"{shown(account.rescue)}, {proved}"]
    if account.bounced:
        said.append(_("un mail en est revenu le %(when)s : demandez-en une autre", when=day_and_time(account.bounced)))
    if account.former and now < account.former.until:
        old, until = shown(account.former.address), day_and_time(account.former.until)
        said.append(_("changée il y a peu : les clés vont encore à %(old)s, jusqu’au %(until)s", old=old, until=until))
    if account.frozen_until and now < account.frozen_until:
        until = day_and_time(account.frozen_until)
        said.append(_("gelée jusqu’au %(until)s : un changement n’était pas du fait de cette personne", until=until))
    return said


def sent() -> str:
    """After a key was sent."""
    return _("La clé part à son adresse de secours. Elle remplace toute clé plus ancienne.")


def revoked() -> str:
    """After a key was taken back."""
    return _("La clé est annulée : elle n’ouvre plus rien.")


def unlocked() -> str:
    """After a lock was ended."""
    return _(
        "Le mot de passe est débloqué. Un autre appareil qui garde l’ancien (wifi, messagerie) le bloquerait encore."
    )


def rescue_set(done: RescueSet) -> str:
    """After an address was set."""
    said = _(
        "L’adresse de secours est maintenant %(new)s. L’ancienne et la nouvelle en sont prévenues.", new=done.address
    )
    return f"{said} {_('La clé envoyée à l’ancienne est annulée.')}" if done.is_key_dead else said


def no_such_act() -> str:
    """To a form that asks for something else."""
    return _("Choisissez ce qu’il faut faire.")


def issued_already() -> str:
    """To who loads a slip again."""
    return _("Cette clé a été remise, et ne se montre qu’une fois. Feuille perdue ? Remettez-en une autre.")


def request_gone() -> str:
    """To who was not the first."""
    return _("Cette demande n’attend plus : quelqu’un s’en est chargé, ou elle est partie par mail.")


def not_done() -> str:
    """Above the reason why an act was refused."""
    return _("Rien n’a été fait")


def refused(error: MonCompteError) -> str:
    """Why an act or a search was refused, and what to do."""
    if isinstance(error, Throttled):
        if error.word == "too-many-keys-an-hour":
            return _("C’est assez de clés remises et d’adresses corrigées pour une heure : %(wait)s", wait=wait(error))
        return _("Trop de recherches : %(wait)s", wait=wait(error))
    assert isinstance(error, ActRefused)  # noqa: S101 (its callers catch these two)
    return _OBSTACLES[error.why]()


def _shut() -> str:
    """What the administration shut."""
    return _(
        "Ce compte est suspendu par l’administration, qui seule peut le rouvrir : adressez la personne à la scolarité."
    )


_OBSTACLES: dict[Obstacle, Callable[[], str]] = {
    Obstacle.UNKNOWN: lambda: _(
        "Personne ne répond à cela parmi les étudiants. Vérifiez sur la carte l’identifiant, l’INE ou le numéro ; pour "
        "un membre du personnel, adressez-vous à l’équipe qui administre Mon compte."
    ),
    Obstacle.SEVERAL: lambda: _(
        "Plusieurs fiches répondent à cela, et personne ne peut donc s’en servir : cherchez par l’identifiant, et "
        "prévenez l’équipe qui administre Mon compte."
    ),
    Obstacle.NO_LOGIN: lambda: _("Cette fiche n’a pas d’identifiant : prévenez l’équipe qui administre Mon compte."),
    Obstacle.NO_KEY: lambda: _("Il n’y a pas de clé, ou ce n’est plus celle-ci. Remettez-en une."),
    Obstacle.NOT_LOCKED: lambda: _("Le mot de passe n’est pas bloqué : lisez plus haut ce qui empêche d’entrer."),
    Obstacle.LOCKED_FOR_GOOD: _shut,
    Obstacle.SAME_ADDRESS: lambda: _("C’est déjà son adresse de secours."),
    Obstacle.NO_RESCUE: lambda: _("Il n’y a pas d’adresse de secours : remettez une clé, ou donnez-lui une adresse."),
    Obstacle.VAGUE: lambda: _(
        "C’est trop peu pour chercher : écrivez le nom entier, mieux encore prénom et nom, ou un identifiant."
    ),
    Obstacle.NOT_SERVED: lambda: _(
        "Cette personne relève d’une autre composante que la vôtre : adressez-la à son secrétariat, ou au "
        "guichet central."
    ),
    Obstacle.OPERATOR: lambda: _(
        "C’est le compte d’un opérateur du guichet : seule l’équipe qui administre Mon compte peut y toucher."
    ),
    Obstacle.SHUT: _shut,
    Obstacle.CLOSED: lambda: _("Ce compte est fermé : aucune clé ne l’ouvrirait. La scolarité peut dire pourquoi."),
    Obstacle.ENOUGH_TODAY: lambda: _(
        "Assez de clés lui ont été envoyées aujourd’hui : remettez-en une sur une feuille, et vérifiez l’adresse."
    ),
    Obstacle.NO_REASON: lambda: _("Dites pourquoi : choisissez un motif."),
    Obstacle.NO_DOCUMENT: lambda: _("Dites quel document vous avez vu : choisissez-le."),
}


def _resting(view: View) -> str:
    if until := view.standing.rests_until:
        return _(
            "Trop de mots de passe faux : il est bloqué jusqu’au %(until)s. Une clé ouvre quand même ; ou "
            "débloquez-le.",
            until=day_and_time(until),
        )
    return _("Trop de mots de passe faux : il est bloqué. Une clé ouvre quand même ; ou débloquez-le.")


_HINDRANCES: dict[Hindrance, Callable[[View], str]] = {
    Hindrance.LOCKED: lambda view: _shut(),
    Hindrance.SUSPENDED: lambda view: _shut(),
    Hindrance.CLOSED: lambda view: _("Ce compte est fermé ou pas encore ouvert : la scolarité peut dire pourquoi."),
    Hindrance.NOT_BEGUN: lambda view: _("Ce compte ne s’ouvre que le %(day)s.", day=_day(view.account.state.since)),
    Hindrance.ENDED: lambda view: _("Ce compte s’est fermé le %(day)s.", day=_day(view.account.state.until)),
    Hindrance.RESTING: _resting,
    Hindrance.NO_KEY: lambda view: _(
        "Le compte n’a jamais été activé, et il n’y a pas de clé pour le faire : remettez-en une."
    ),
    Hindrance.KEY_EXPIRED: lambda view: _("La clé a expiré : remettez-en une autre."),
    Hindrance.KEY_WORN_OUT: lambda view: _(
        "Trop de clés fausses ont été essayées : la sienne ne sert plus. Remettez-en une."
    ),
    Hindrance.NO_RESCUE: lambda view: _(
        "Il n’y a pas d’adresse de secours : aucune clé ne peut être envoyée par mail."
    ),
    Hindrance.BOUNCED: lambda view: _("Un mail lui est revenu : demandez-lui une autre adresse de secours."),
    Hindrance.MAIL_WAITS: lambda view: _(
        "Un mail avec une clé attend de partir : le serveur de mail ne l’a pas encore pris."
    ),
    Hindrance.MAIL_GIVEN_UP: lambda view: _("Un mail n’a pas pu être remis : vérifiez l’adresse de secours."),
    Hindrance.ENOUGH_TODAY: lambda view: _(
        "Assez de clés ont été envoyées aujourd’hui : vérifiez que l’adresse est la bonne."
    ),
    Hindrance.COOLING_DOWN: lambda view: _("Une clé vient d’être envoyée : qu’on regarde aussi dans les indésirables."),
}


def _key_fact(view: View) -> str:
    key = view.account.key
    if key is None:
        return _("aucune")
    said = _key(key.origin)
    return _("%(key)s, jusqu’au %(until)s", key=said, until=day_and_time(key.expiry)) if key.expiry else said


def _mails_fact(view: View) -> str:
    mailed = mails_of_the_day(view.account, view.now)
    count = ngettext("%(num)d ces dernières 24 heures", "%(num)d ces dernières 24 heures", len(mailed))
    return _("%(count)s, le dernier %(when)s", count=count, when=day_and_time(mailed[-1])) if mailed else count


def _wrong_fact(account: Account) -> str:
    return str(len(account.failed_binds))


def _key(origin: Origin | None) -> str:
    said = {
        Origin.LETTER: _("la clé de la lettre"),
        Origin.MAIL: _("la clé envoyée par mail"),
        Origin.DESK: _("la clé du guichet"),
    }
    return said[origin] if origin else _("une clé d’origine inconnue")


def _day(at: date | None) -> str:
    return day(at, "long") if at else ""


def cut() -> str:
    """Under the results of a search that found more than are shown."""
    return _("Il y en a plus de %(shown)s : ajoutez le prénom, ou cherchez par le numéro.", shown=SHOWN)
