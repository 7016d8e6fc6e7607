"""bench and load: how fast it is, each figure beside its limit or a peer; and how it does over an hour in service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.bench import lasted, table
from api.bench.run import last, run
from api.bench.scales import Scales
from api.cli.options import Json
from api.cli.output import answer, console, handled, in_language, tell


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(bench)
    app.command()(load)


Postgres = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Mät också mot denna PostgreSQL, i egna scheman som tas bort."),
]
Place = Annotated[
    Path | None,
    typer.Option("--dir", metavar="MAPP", help="Mät på denna disk i stället för den tillfälliga."),
]


def bench(
    scale: Annotated[
        Scales,
        typer.Option(
            help="small visar att allt går, medium vad man kan vänta sig, full (timmar) är det som gäller."
        ),
    ] = Scales.SMALL,
    postgres: Postgres = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="MAPP", help="Skriv också sidan bench.md och bilden bench.svg hit.")
    ] = None,
    place: Place = None,
    json: Json = False,
) -> None:
    """Mät hur fort det går, varje tal bredvid sin gräns eller en jämförelse ur samma körning."""
    with handled(json):
        result = run(place, scale, postgres, tell)
        if docs:
            table.write(result, docs)
            tell(in_language(f"Sidan ligger i {docs / table.PAGE}", f"The page is in {docs / table.PAGE}"))
        answer(result, json, lambda: console.print(table.table(result)))


def load(
    minutes: Annotated[float, typer.Option(help="Hur länge, för varje databas.")] = 60,
    rate: Annotated[float, typer.Option(help="Frågor i sekunden, från alla tillsammans.")] = 4,
    postgres: Postgres = None,
    docs: Annotated[Path | None, typer.Option(metavar="MAPP", help="Skriv också sidan load.md hit.")] = None,
    place: Place = None,
    json: Json = False,
) -> None:
    """Låt ett register vara i drift under jämn last, och se vad det håller och behåller."""
    with handled(json):
        result = last(place, minutes, rate, postgres, tell)
        if docs:
            lasted.write(result, docs)
            tell(in_language(f"Sidan ligger i {docs / lasted.PAGE}", f"The page is in {docs / lasted.PAGE}"))
        answer(result, json, lambda: console.print(lasted.table(result)))
