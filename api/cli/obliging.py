"""obligations: what the rules ask of each body, by when, what fulfils it, and how it stands on a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import typer

from api.cli.options import Dir, Json, opened
from api.cli.output import answer, console, handled, in_language, plain
from api.reading import shown
from projections.calendar import as_calendar
from projections.calendar import wheel as by_month
from projections.obligations import Obligation
from projections.owed import as_csv, owed, row
from projections.reading import rows
from projections.sentences import WORDS
from registry.clock import local

DAY = ["%Y-%m-%d"]
Day = Annotated[
    datetime | None, typer.Option(metavar="DAG", formats=DAY, help="Per den dagen; i dag om inget sägs.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("obligations")(obligations)


def obligations(
    folder: Dir,
    body: Annotated[str | None, typer.Option(metavar="ORGAN", help="Organets id.")] = None,
    on: Day = None,
    known: Annotated[int | None, typer.Option(min=0, metavar="NUMMER", help="Som det då var känt.")] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="DAG", formats=DAY, help="Även det som börjar till dess.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Som CSV för ett kalkylprogram.")] = False,
    ics: Annotated[bool, typer.Option("--ics", help="Som kalender (iCalendar).")] = False,
    wheel: Annotated[
        int | None,
        typer.Option(min=1900, max=2999, metavar="ÅR", help="Årets månader, som data för ett årshjul."),
    ] = None,
    json: Json = False,
) -> None:
    """Visa vad reglerna kräver av varje organ, när, vad som fullgör det och hur det står till en dag."""
    with handled(json):
        with opened(folder) as municipality:
            municipality.projector.catch_up()
            day: date = (on or local(municipality.registry.now())).date()
            bodies = None if body is None else [body]
            later = date(wheel, 12, 31) if wheel else until.date() if until else None
            found = owed(municipality.registry, municipality.shown(known), day, known, bodies, later)
            names = {each["body"]: each["name"] for each in rows(municipality.views, "body", known)}
            calendar = as_calendar(found, names, municipality.slug, municipality.registry.now())
        result: dict[str, Any] = {"on": day.isoformat(), "items": [shown(row(one)) for one in found]}
        if wheel:
            result = {"on": day.isoformat()} | shown(by_month(found, wheel))
        printed = as_csv(found) if csv else calendar if ics else None
        answer(result, json, lambda: typer.echo(printed, nl=False) if printed else _told(found))


def _told(found: list[Obligation]) -> None:
    for one in found:
        state = in_language(WORDS.get(one.state, one.state), one.state)
        console.print(plain(f"{state:22} {one.last or '–'!s:12} {one.rule.text or one.rule.id}"))
    if not found:
        console.print(in_language("Ingen regel kräver något.", "No rule asks for anything."))
