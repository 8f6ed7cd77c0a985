"""What the password policy says, in words: its rules before anything is typed, and why a password is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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
    return _RULES[item.reason](item.limit) if item.reason in _RULES else refusal(item)


_RULES: dict[Reason, Callable[[int], str]] = {
    Reason.TOO_SHORT: lambda least: ngettext("au moins %(num)d caractère", "au moins %(num)d caractères", least),
    Reason.TOO_LONG: lambda most: ngettext("au plus %(num)d caractère", "au plus %(num)d caractères", most),
    Reason.TOO_FEW_NON_LETTERS: lambda least: ngettext(
        "au moins %(num)d caractère qui ne soit pas une lettre : un chiffre ou un signe de ponctuation",
        "au moins %(num)d caractères qui ne soient pas des lettres : des chiffres ou des signes de ponctuation",
        least,
    ),
    Reason.FORBIDDEN_CHARACTER: lambda _limit: _("pas d’accents, seulement les signes acceptés"),
    Reason.PERSONAL: lambda _limit: _("ni votre nom, ni votre identifiant, ni votre INE, ni votre adresse"),
    Reason.COMMON: lambda _limit: _("pas un mot de passe que tout le monde essaie en premier"),
    Reason.TOO_WEAK: lambda least: _("difficile à deviner : « %(label)s » au moins", label=_at_least(least)),
    Reason.IS_A_KEY: lambda _limit: _("pas une clé d’activation"),
}


def refusals(items: Sequence[Refusal]) -> list[str]:
    """Why a password is refused, as far as it helps: not that it is weak, where it must change for a plainer reason."""
    reasons = {item.reason for item in items}
    is_plain = bool(reasons & {Reason.TOO_SHORT, Reason.PERSONAL, Reason.COMMON})
    return [refusal(item) for item in items if not (is_plain and item.reason is Reason.TOO_WEAK)]


def refusal(item: Refusal) -> str:
    """Why a password is refused, and what to do about it."""
    return _REFUSALS[item.reason](item)


def _forbidden(found: str) -> str:
    space = _("espace insécable")
    shown = found.replace("U+00A0", space).replace("U+202F", space)
    if ", " in shown:
        return _("Ces caractères ne sont pas acceptés : %(found)s. Remplacez-les.", found=shown)
    return _("Ce caractère n’est pas accepté : %(found)s. Remplacez-le.", found=shown)


_REFUSALS: dict[Reason, Callable[[Refusal], str]] = {
    Reason.TOO_SHORT: lambda item: ngettext(
        "Trop court : il faut au moins %(num)d caractère. Ajoutez-en, par exemple un mot de plus.",
        "Trop court : il faut au moins %(num)d caractères. Ajoutez-en, par exemple un mot de plus.",
        item.limit,
    ),
    Reason.TOO_LONG: lambda item: ngettext(
        "Trop long : %(num)d caractère au plus. Raccourcissez-le.",
        "Trop long : %(num)d caractères au plus. Raccourcissez-le.",
        item.limit,
    ),
    Reason.TOO_FEW_NON_LETTERS: lambda item: ngettext(
        "Il faut %(num)d caractère au moins qui ne soit pas une lettre : ajoutez un chiffre ou un signe.",
        "Il faut %(num)d caractères au moins qui ne soient pas des lettres : ajoutez chiffres ou ponctuation.",
        item.limit,
    ),
    Reason.FORBIDDEN_CHARACTER: lambda item: _forbidden(item.found),
    Reason.LEADING_BRACE: lambda item: _(
        "Un mot de passe ne peut pas commencer par « { » : mettez un autre signe devant."
    ),
    Reason.PERSONAL: lambda item: _(
        "« %(found)s » est dans votre nom, votre identifiant, votre INE ou votre adresse : trop facile à deviner.",
        found=item.found,
    ),
    Reason.COMMON: lambda item: _("Ce mot de passe est de ceux que l’on essaie en premier : choisissez-en un à vous."),
    Reason.TOO_WEAK: lambda item: _(
        "Encore trop facile à deviner : allongez-le, par exemple de quelques mots sans rapport entre eux."
    ),
    Reason.IS_A_KEY: lambda item: _(
        "C’est une clé d’activation : elle ne sert qu’à entrer. Choisissez un mot de passe à vous."
    ),
    Reason.IN_HISTORY: lambda item: _("Vous avez déjà utilisé ce mot de passe : choisissez-en un nouveau."),
    Reason.TOO_YOUNG: lambda item: _(
        "Votre mot de passe vient d’être changé : attendez un peu avant de le changer encore."
    ),
    Reason.DIRECTORY_QUALITY: lambda item: _(
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
