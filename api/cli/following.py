"""follow-up: what is open, due, overdue or not known on a day, of what was given somebody to do."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import typer

from api.cli.options import Dir, Json, opened
from api.cli.output import answer, console, handled, in_language, plain
from api.reading import shown
from projections.following import as_csv, follow_up
from projections.sentences import WORDS
from registry.clock import local

DAY = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("follow-up")(following)


def following(
    folder: Dir,
    body: Annotated[str | None, typer.Option(metavar="ORGAN", help="Organets id.")] = None,
    on: Annotated[
        datetime | None, typer.Option(metavar="DAG", formats=DAY, help="Per den dagen; i dag om inget sägs.")
    ] = None,
    known: Annotated[int | None, typer.Option(min=0, metavar="NUMMER", help="Som det då var känt.")] = None,
    finished: Annotated[bool, typer.Option("--finished", help="Även det som är avslutat.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Som CSV för ett kalkylprogram.")] = False,
    json: Json = False,
) -> None:
    """Visa uppföljningslistan: vad som är öppet, ska göras nu, är försenat eller inte är känt."""
    with handled(json):
        with opened(folder) as municipality:
            municipality.projector.catch_up()
            day: date = (on or local(municipality.registry.now())).date()
            lines = follow_up(municipality.shown(known), day, known, body, finished=finished)
        result: dict[str, Any] = {"on": day.isoformat(), "items": shown(lines)}
        answer(result, json, lambda: typer.echo(as_csv(lines), nl=False) if csv else _told(lines))


def _told(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        state = in_language(WORDS.get(line["state"], line["state"]), line["state"])
        when = line["due_written"] or line["due_last"] or "–"
        console.print(plain(f"{state:12} {when:24} {line['due_what'] or line['what']}"))
    if not lines:
        console.print(in_language("Inget att följa upp.", "Nothing to follow up."))
