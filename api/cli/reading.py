"""audit and replay: what happened, and the state of things as it was known and was true."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from api.checking import Unreadable
from api.cli.output import AsJson, Exit, answer, console, handled, progress
from api.replaying import replay as replay_
from api.wiring import open_folder
from projections.audit import AuditQuery, query, timeline, to_csv
from registry.clock import local

Dir = Annotated[Path, typer.Option("--dir", help="Registrets datamapp.")]
Json = Annotated[bool, AsJson]


class Form(StrEnum):
    """How the audit is written."""

    TIMELINE = "timeline"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(audit)
    app.command()(replay)


def audit(
    dir: Dir,
    body: Annotated[str | None, typer.Option(help="Organ: id eller namn.")] = None,
    person: Annotated[str | None, typer.Option(help="Person: id.")] = None,
    matter: Annotated[str | None, typer.Option(help="Ärende: id eller diarienummer.")] = None,
    meeting: Annotated[str | None, typer.Option(help="Möte: id.")] = None,
    kind: Annotated[str | None, typer.Option(help="Slags händelse, till exempel dissent-recorded.v1.")] = None,
    rule: Annotated[str | None, typer.Option(help="Regel, till exempel notice.")] = None,
    finding: Annotated[str | None, typer.Option(help="Iakttagelse, till exempel notice-short.")] = None,
    text: Annotated[str | None, typer.Option(help="Ord i texten.")] = None,
    known_from: Annotated[str | None, typer.Option(help="Antecknat tidigast.")] = None,
    known_to: Annotated[str | None, typer.Option(help="Antecknat senast.")] = None,
    true_from: Annotated[str | None, typer.Option(help="Hände tidigast.")] = None,
    true_to: Annotated[str | None, typer.Option(help="Hände senast.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Högst så många rader.")] = 1000,
    after: Annotated[int, typer.Option(min=0, help="Fortsätt efter denna position (next).")] = 0,
    form: Annotated[Form, typer.Option("--format", help="Läsbar tidslinje eller CSV.")] = Form.TIMELINE,
    json: Json = False,
) -> None:
    """Fråga händelseloggen: vem gjorde vad, på vilken grund, och vad bröt mot en regel?"""
    with handled(json):
        municipality = open_folder(dir)
        try:
            municipality.projector.catch_up()
            page = query(
                municipality.views,
                AuditQuery(
                    body=body, person=person, matter=matter, meeting=meeting, kind=kind, rule=rule, finding=finding,
                    text=text, known_from=_known(known_from), known_to=_known(known_to), true_from=_local(true_from),
                    true_to=_local(true_to), limit=limit, after=after,
                ),
            )  # fmt: skip
            told = timeline(municipality.views, page.rows)
        finally:
            municipality.close()

        def human() -> None:
            if form is Form.CSV:
                typer.echo(to_csv(page.rows), nl=False)
            else:
                typer.echo(told)
                if page.next is not None:
                    console.print(f"Fler rader finns: --after {page.next}")

        answer({"rows": list(page.rows), "next": page.next}, json, human)


def _when(text: str | None) -> date | datetime | None:
    """A day or a moment; local time where no zone is given."""
    if text is None:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?", text):
            return datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable(f"{text} är ingen tid som finns") from None
    raise Unreadable(f"{text} är ingen tid; skriv ett datum eller en tid enligt RFC 3339")


def _known(text: str | None) -> int | date | datetime | None:
    """A position, a day or a moment."""
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,15}", text) else _when(text)


def _local(text: str | None) -> date | datetime | None:
    """A day, or a moment on the municipality's wall clock: what happened is told in local time."""
    moment = _when(text)
    return local(moment).replace(tzinfo=None) if isinstance(moment, datetime) and moment.tzinfo else moment


def replay(
    dir: Dir,
    known: Annotated[str | None, typer.Option(help="Som det var känt: datum, tid eller position.")] = None,
    true: Annotated[str | None, typer.Option("--true", help="Som det var: datum eller tid.")] = None,
    digest: Annotated[bool, typer.Option("--digest", help="Vik om loggen och jämför med de lagrade vyerna.")] = False,
    json: Json = False,
) -> None:
    """Spela upp loggen till en tidpunkt på två klockor och visa tillståndets kontrollsummor."""
    with handled(json):
        at, holds = _known(known), _local(true)
        with progress("Spelar upp") as done:
            result, differing = replay_(dir, at, holds, compare=digest, progress=done)

        def human() -> None:
            console.print(f"position       {result['position']}")
            console.print(f"sant vid       {result['true'] or 'nu'}")
            console.print(f"state digest   {result['state_digest']}")
            for name, value in result["views"].items():
                mark = " [red]skiljer sig från den lagrade[/red]" if name in differing else ""
                console.print(f"  {name:14} {value}{mark}")

        answer(_with(result, differing, digest), json, human)
        if differing:
            raise typer.Exit(Exit.BROKEN)


def _with(result: dict[str, Any], differing: list[str], compared: bool) -> dict[str, Any]:
    return result | ({"differing": differing} if compared else {})
