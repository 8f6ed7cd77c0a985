"""What the password policy says, in words: its rules before anything is typed, and why a password is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connector.model import Reason, Refusal, Strength
from webui.wording import _, ngettext


def in_short(rules: Iterable[Refusal]) -> str:
    """The rules that somebody must know before typing, in one line."""
    limits = {item.reason: item.limit for item in rules}
    others = limits.get(Reason.TOO_FEW_NON_LETTERS, 0)
    parts = [
        ngettext("Au moins %(num)d caractère", "Au moins %(num)d caractères", limits[Reason.TOO_SHORT]),
        ngettext("dont %(num)d chiffre ou signe", "dont %(num)d chiffres ou signes", others) if others else "",
        _("sans accent"),
    ]
    return ", ".join(filter(None, parts)) + "."


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
        Reason.FORBIDDEN_CHARACTER: _("pas d’accents, seulement les signes acceptés"),
        Reason.PERSONAL: _("ni votre nom, ni votre identifiant, ni votre INE, ni votre adresse"),
        Reason.COMMON: _("pas un mot de passe que tout le monde essaie en premier"),
        Reason.TOO_WEAK: _("difficile à deviner : « %(label)s » au moins", label=_at_least(limit)),
        Reason.IS_A_KEY: _("pas une clé d’activation"),
    }
    return sentences.get(item.reason) or refusal(item)


def refusals(items: Sequence[Refusal]) -> list[str]:
    """Why a password is refused, as far as it helps: not that it is weak, where it must change for a plainer reason."""
    reasons = {item.reason for item in items}
    is_plain = bool(reasons & {Reason.TOO_SHORT, Reason.PERSONAL, Reason.COMMON})
    return [refusal(item) for item in items if not (is_plain and item.reason is Reason.TOO_WEAK)]


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
        Reason.FORBIDDEN_CHARACTER: _forbidden(found),
    }


def _forbidden(found: str) -> str:
    space = _("espace insécable")
    shown = found.replace("U+00A0", space).replace("U+202F", space)
    if ", " in shown:
        return _("Ces caractères ne sont pas acceptés : %(found)s. Remplacez-les.", found=shown)
    return _("Ce caractère n’est pas accepté : %(found)s. Remplacez-le.", found=shown)


def _of_substance(found: str) -> dict[Reason, str]:
    return {
        Reason.LEADING_BRACE: _("Un mot de passe ne peut pas commencer par « { » : mettez un autre signe devant."),
        Reason.PERSONAL: _(
            "« %(found)s » est dans votre nom, votre identifiant, votre INE ou votre adresse : trop facile à deviner.",
            found=found,
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


def strength_label(strength: Strength | None) -> str:
    """The meter's word; None for a password whose strength is not what is wrong with it."""
    if strength is None:
        return _("à revoir")
    return {Strength.WEAK: _("Faible"), Strength.MEDIUM: _("Moyen"), Strength.STRONG: _("Fort")}[strength]


def _at_least(limit: int) -> str:
    return strength_label(Strength(min(max(limit, Strength.WEAK), Strength.STRONG)))
