"""``moncompte stats``: how many have activated, who is still to, what is stuck; in all, by programme, by day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from babel.dates import get_timezone

from connector.cli.shell import (
    echo_json,
    explained,
    filter_option,
    json_option,
    opened,
    plain,
    progress,
    refuse,
    settings_option,
    table,
)
from connector.cli.terminal import Row, fitted, width
from connector.portal import Portal
from connector.statistics import NO_PROGRAMME, Census, Dated, Fact, Statistics
from connector.wording import _, reason

ALL = "all"
_TOLD_EVERY = 1000  # entries
_T = TypeVar("_T")

WORDS = {
    Fact.PEOPLE: "people",
    Fact.ACTIVATED: "  activated",
    Fact.WITH_KEY: "  to activate, with a live key",
    Fact.WITHOUT_KEY: "  to activate, without",
    Fact.CLOSED: "  closed",
    Fact.EXPIRED_KEY: "expired keys, not purged",
    Fact.NO_RESCUE: "no rescue address (of those not closed)",
    Fact.LOCKED: "locked for good",
    Fact.RESTING: "locked for a while, by the password policy",
    Fact.MAILS_WAITING: "mails waiting",
    Fact.MAILS_GIVEN_UP: "mails given up",
    Fact.BOUNCED: "rescue addresses that mail came back from",
}
HEADINGS = {
    Fact.PEOPLE: "people",
    Fact.ACTIVATED: "activated",
    Fact.WITH_KEY: "with key",
    Fact.WITHOUT_KEY: "without",
    Fact.CLOSED: "closed",
    Fact.EXPIRED_KEY: "expired",
    Fact.NO_RESCUE: "no rescue",
    Fact.LOCKED: "locked",
    Fact.RESTING: "resting",
    Fact.MAILS_WAITING: "waiting",
    Fact.MAILS_GIVEN_UP: "given up",
    Fact.BOUNCED: "bounced",
}
STATES = (Fact.ACTIVATED, Fact.WITH_KEY, Fact.WITHOUT_KEY, Fact.CLOSED)
DRAWN = (".svg", ".png")
DAY_HEADINGS = {Dated.ACTIVATED: "activated", Dated.ISSUED: "keys issued", Dated.EXPIRING: "keys expiring"}


@click.command()
@click.option("--by", type=click.Choice(["programme", "day"]), help="A line for each programme, or for each day.")
@filter_option("Of the population, only who matches; by attributes that the portal may read.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="With --by day: from that day on, as in 2026-09-01.",
)
@click.option("--chart", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Draw it: .svg or .png.")
@json_option
@settings_option
def stats(
    by: str | None, ldap_filter: str, since: datetime | None, chart: Path | None, as_json: bool, path: Path
) -> None:
    """Count the population: activated, to activate, closed, keys, locks, mails.

    \b
    moncompte stats
    moncompte stats --by programme --filter '(supannEntiteAffectation=UFR-DROIT*)'
    moncompte stats --by day --since 2026-09-01 --json
    moncompte stats --by programme --chart programmes.svg

    People, activated, with key, without, closed: the last four add up to the first. "With key" and "without" are to
    activate, with a key that opens today or not; "expired" are keys that nobody purged; "no rescue" leaves out who is
    closed. Whoever is in several programmes counts in each, and once in all.

    By day: "activated" is the day on which the state became A:SupannActif; keys are those still in their entries (a
    redeemed one leaves no date). Days are those of [web] timezone.

    Below the facts, where anybody accepted a charter: how many accepted which version last.

    --json prints {"at", "filter", "total": {…}, "charters": {version: people}}, and "programmes": [{"programme", …}]
    (null: none) or "days": [{"day", …}], the numbers by name as in "total". Exit code 1: there is nobody to count.
    """
    if since and by != "day":
        raise click.UsageError(_("--since goes with --by day"))
    if chart and chart.suffix.lower() not in DRAWN:
        said = _("%(chart)s: its name must end in %(drawn)s", chart=chart, drawn=", ".join(DRAWN))
        raise click.BadParameter(said, param_hint="--chart")
    with opened(path) as portal:
        now = portal.now()
        found = counted(portal, ldap_filter, now)
    days = {day: found.days[day] for day in sorted(found.days) if not since or day >= since.date()}
    if as_json:
        echo_json({"at": now, "filter": ldap_filter or None, **document(found, by, days)})
    else:
        click.echo(shown(found, by, days, width()))
    remark(found, by)
    if chart:
        with explained():
            draw(chart, found, by, days, now.astimezone(get_timezone(portal.settings.web.timezone)).date())


def remark(found: Statistics, by: str | None) -> None:
    """What looks like a right that is missing: slapd hides what one may not read, in filters too."""
    if found.total and not (by == "programme" and set(found.programmes) == {NO_PROGRAMME}):
        return
    may = _('may the portal read what you ask for? 60-access.ldif names what it may read; "moncompte check" tells')
    if not found.total:
        refuse(_("nobody; %(may)s", may=may))
    click.echo(_("nobody has a programme; %(may)s", may=may), err=True)


def draw(chart: Path, found: Statistics, by: str | None, days: Mapping[date, Mapping[Dated, int]], today: date) -> None:
    """The chart, of what the table says and a bar can: states, which add up; activations alone, by day."""
    from connector.charts import bars, save  # noqa: PLC0415 (whoever draws none needs no cairo)

    if by == "programme":
        names = by_name(found.programmes)
        series = {WORDS[fact].strip(): [found.programmes[name][fact] for name in names] for fact in STATES}
    elif by == "day":
        counts = {day.isoformat(): number for day, each in days.items() if (number := each.get(Dated.ACTIVATED, 0))}
        names, series = list(counts), {"activated": list(counts.values())}
    else:
        names, series = _all_in_bars(found)
    try:
        save(bars(f"Mon compte, {today}: accounts" + (f" by {by}" if by else ""), names, series), chart)
    except OSError as error:
        refuse(reason(error, chart))


def _all_in_bars(found: Statistics) -> tuple[list[str], dict[str, list[int]]]:
    """One bar of the states, and one for each fact that overlaps them."""
    others = [fact for fact in WORDS if fact not in (Fact.PEOPLE, *STATES)]
    empty = [0] * len(others)
    series = {WORDS[fact].strip(): [found.total[fact], *empty] for fact in STATES}
    names = [WORDS[fact] for fact in (Fact.PEOPLE, *others)]
    return names, {**series, "other counts": [0, *(found.total[fact] for fact in others)]}


def counted(portal: Portal, ldap_filter: str, now: datetime) -> Statistics:
    """Everybody of the population who matches."""
    census = Census(portal.settings, now)
    portal.directory.check_names(census.attributes)  # or a slip in the settings would count everybody as nobody's
    everybody = portal.directory.sweep(ldap_filter, census.attributes)
    with progress(None, "Counting") as more:
        return census.count(_told(everybody, more))


def _told(everybody: Iterable[_T], more: Any) -> Iterator[_T]:
    """The same, and a word to the progress bar now and then."""
    for number, one in enumerate(everybody, start=1):
        yield one
        if number % _TOLD_EVERY == 0:
            more(_TOLD_EVERY)


def document(found: Statistics, by: str | None, days: Mapping[date, Mapping[Dated, int]]) -> dict[str, Any]:
    """What --json prints; the help tells its shape."""
    told: dict[str, Any] = {"total": _numbers(Fact, found.total), "charters": dict(sorted(found.charters.items()))}
    if by == "programme":
        told["programmes"] = [
            {"programme": None if name == NO_PROGRAMME else name, **_numbers(Fact, found.programmes[name])}
            for name in by_name(found.programmes)
        ]
    if by == "day":
        told["days"] = [{"day": day.isoformat(), **_numbers(Dated, counts)} for day, counts in days.items()]
    return told


def _numbers(facts: type[Fact] | type[Dated], counts: Mapping[Any, int]) -> dict[str, int]:
    return {fact.value: counts.get(fact, 0) for fact in facts}


def by_name(programmes: Iterable[str]) -> list[str]:
    """In order, and last those who have none."""
    return sorted(programmes, key=lambda name: (name == NO_PROGRAMME, name.casefold()))


def shown(found: Statistics, by: str | None, days: Mapping[date, Mapping[Dated, int]], columns: int | None) -> str:
    """The table, within so many ``columns`` if given."""
    if by == "programme":
        rows = [_row(name, found.programmes[name], HEADINGS) for name in by_name(found.programmes)]
        return fitted([*rows, _row(ALL, found.total, HEADINGS)], ("programme", *HEADINGS.values()), columns)
    if by == "day":
        rows = [_row(day.isoformat(), counts, DAY_HEADINGS) for day, counts in days.items()]
        return fitted(rows, ("day", *DAY_HEADINGS.values()), columns)
    everybody = found.total[Fact.PEOPLE] or 1
    rows = [(words, found.total[fact], _share(fact, found.total[fact], everybody)) for fact, words in WORDS.items()]
    rows += [
        (f"accepted the charter {plain(version)}", count, _share(None, count, everybody))
        for version, count in sorted(found.charters.items())
    ]
    return "\n".join(table(rows, ("", "", "")).splitlines()[1:])


def _share(fact: Fact | None, count: int, everybody: int) -> str:
    """Of the people; mails are no people."""
    return "" if fact is Fact.MAILS_WAITING else f"{count / everybody:6.1%}"


def _row(name: str, counts: Mapping[Any, int], facts: Iterable[Any]) -> Row:
    return (name, *(counts.get(fact, 0) for fact in facts))
