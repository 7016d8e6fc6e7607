"""review: a body's year step by step for whoever examines it, as JSON, CSV or a paper to file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.obliging import Day
from api.cli.options import Dir, Json, opened
from api.cli.output import answer, console, handled, in_language, plain
from api.papers import review_pdf
from api.reading import shown
from domain.body import Body
from domain.lookup import existing
from projections.review import STEPS, Line, as_csv, review, row
from registry.clock import local


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("review")(reviewing)


def reviewing(
    body: Annotated[str, typer.Argument(metavar="ORGAN", help="Organets id.")],
    folder: Dir,
    year: Annotated[int, typer.Option(min=1900, max=2999, metavar="ÅR", help="Året som granskas.")],
    on: Day = None,
    known: Annotated[int | None, typer.Option(min=0, metavar="NUMMER", help="Som det då var känt.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Som CSV för ett kalkylprogram.")] = False,
    pdf: Annotated[Path | None, typer.Option(metavar="FIL", help="Skriv handlingen (PDF) hit.")] = None,
    json: Json = False,
) -> None:
    """Granska ett organs år: vad som kan iakttas, mot vilken regel, och tom plats för bedömningen."""
    with handled(json):
        with opened(folder) as municipality:
            municipality.projector.catch_up()
            existing(municipality.registry.world(known), Body, body)
            day: date = (on or local(municipality.registry.now())).date()
            lines = review(municipality.registry, municipality.shown(known), body, year, day, known)
            if pdf is not None:
                pdf.write_bytes(review_pdf(municipality, body, year, day, known, lines))
        result: dict[str, Any] = {"body": body, "year": year, "on": day.isoformat()}
        result |= {"items": [shown(row(one)) for one in lines]}
        result |= {"pdf": str(pdf.resolve())} if pdf else {}
        answer(result, json, lambda: typer.echo(as_csv(lines), nl=False) if csv else _told(lines))


def _told(lines: list[Line]) -> None:
    for one in lines:
        found = f" [{', '.join(one.finding)}]" if one.finding else ""
        console.print(plain(f"{one.day:12} {STEPS[one.step]:30} {one.observation}{found}"))
    if not lines:
        console.print(in_language("Inget att granska.", "Nothing to review."))
