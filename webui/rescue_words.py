"""What the pages say about a rescue address: its code, its replacement, what was undone; French, to be translated."""

from __future__ import annotations

from datetime import datetime

from connector.errors import CodeExpired, CodeRefused, Throttled
from connector.model import Account, By, masked
from webui.messages import Told, day_and_time, wait
from webui.wording import _, ngettext


def code_refused(error: CodeRefused | CodeExpired) -> str:
    """Beside the box for a mailed code."""
    if isinstance(error, CodeExpired):
        return _("Ce code n’est plus valable : demandez-en un autre, plus bas, et tapez celui du dernier mail.")
    if error.tries_left <= 0:
        return _("Trop d’essais avec ce code : demandez-en un autre, plus bas.")
    return ngettext(
        "Ce n’est pas le bon code. Il vous reste %(num)d essai : prenez celui du dernier mail.",
        "Ce n’est pas le bon code. Il vous reste %(num)d essais : prenez celui du dernier mail.",
        error.tries_left,
    )


def did_you_mean(suggestion: str) -> str:
    """Beside an address whose domain is one slip away from a common one."""
    return _(
        "Vouliez-vous dire %(suggestion)s ? Choisissez en bas de la page ; ou validez à nouveau la vôtre, si elle est "
        "exacte.",
        suggestion=suggestion,
    )


def nothing_to_prove() -> str:
    """To who types a code where none is awaited any more: in another window it was entered, perhaps."""
    return _("Il n’y a plus de code à taper : votre adresse de secours est à jour.")


def code_on_its_way() -> str:
    """After a fresh code was asked for."""
    return _("Un nouveau code part dans un instant. Les précédents ne servent plus.")


def codes_throttled(error: Throttled, reference: str) -> Told:
    """For whoever asked for codes too often."""
    advice = _(
        "Regardez aussi dans les indésirables : le dernier code reçu est le bon. Sinon, %(wait)s", wait=wait(error)
    )
    return Told(_("Trop de codes demandés"), advice, reference)


def opposition_refused() -> Told:
    """To whoever says *it was not me*, and nothing can be undone; one text for all."""
    advice = _(
        "Vérifiez l’identifiant et le code, dans le mail le plus récent. Si vous l’avez déjà fait, c’est enregistré. "
        "Si le délai est passé, adressez-vous à nous."
    )
    return Told(_("Nous n’avons rien pu annuler"), advice)


def opposition_throttled(error: Throttled, reference: str) -> Told:
    """For whoever typed too many of these codes."""
    return Told(_("Trop d’essais"), _("Par sécurité, %(wait)s", wait=wait(error)), reference)


def news(account: Account, by: By, now: datetime) -> list[str]:
    """What somebody who has come in should know of their rescue address, what they can do about it first."""
    said = [_bounced(account), _to_prove(account) if by is By.PASSWORD else "", _former(account, now)]
    if by is By.PASSWORD and account.is_frozen(now):
        said.append(_frozen(account))
    return [sentence for sentence in said if sentence]


def _bounced(account: Account) -> str:
    if not (account.rescue and account.bounced):
        return ""
    return _(
        "Un mail envoyé à votre adresse de secours, %(address)s, nous est revenu : donnez-en une autre, plus bas.",
        address=masked(account.rescue),
    )


def _to_prove(account: Account) -> str:
    if account.waiting_rescue:
        return _(
            "Votre nouvelle adresse de secours, %(address)s, attend son code : rien n’est encore changé.",
            address=masked(account.waiting_rescue),
        )
    if account.to_prove:
        address = masked(account.to_prove)
        return _("Votre adresse de secours, %(address)s, n’est pas encore vérifiée.", address=address)
    return ""


def _former(account: Account, now: datetime) -> str:
    if not (former := account.former_in_force(now)):
        return ""
    return _(
        "Votre adresse de secours a changé il y a peu : jusqu’au %(until)s, les clés vont encore à l’ancienne, "
        "%(address)s.",
        address=masked(former.address),
        until=day_and_time(former.until),
    )


def _frozen(account: Account) -> str:
    assert account.frozen_until  # noqa: S101 (its caller has looked)
    return _(
        "Jusqu’au %(until)s, votre adresse de secours ne se change qu’avec une clé : demandez-en une, et entrez avec "
        "elle.",
        until=day_and_time(account.frozen_until),
    )
