"""audit and replay: what happened, and the state of things as it was known and was true."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from api.cli.options import Dir, Json, opened
from api.cli.output import Exit, answer, console, handled, in_language, progress
from api.faults import BadRequest
from api.replaying import replay as replay_
from projections.audit import AuditQuery, query, timeline, to_csv
from registry.clock import local

SHOWN = 1000


class Form(StrEnum):
    """How the audit is written."""

    TIMELINE = "timeline"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(audit)
    app.command()(replay)


def audit(
    folder: Dir,
    body: Annotated[str | None, typer.Option(metavar="ORGAN", help="Id eller namn.")] = None,
    person: Annotated[str | None, typer.Option(metavar="PERSON", help="Id eller namn.")] = None,
    matter: Annotated[str | None, typer.Option(metavar="ÄRENDE", help="Id eller diarienummer.")] = None,
    meeting: Annotated[str | None, typer.Option(metavar="MÖTE", help="Id.")] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="SLAG", help="Slags händelse, till exempel dissent-recorded.v1.")
    ] = None,
    rule: Annotated[str | None, typer.Option(metavar="REGEL", help="Till exempel notice.")] = None,
    finding: Annotated[
        str | None, typer.Option(metavar="IAKTTAGELSE", help="Till exempel notice-short.")
    ] = None,
    text: Annotated[str | None, typer.Option(metavar="ORD", help="Ord i händelsens text.")] = None,
    known_from: Annotated[str | None, typer.Option(metavar="NÄR", help="Antecknat tidigast.")] = None,
    known_to: Annotated[str | None, typer.Option(metavar="NÄR", help="Antecknat senast.")] = None,
    true_from: Annotated[str | None, typer.Option(metavar="NÄR", help="Hände tidigast.")] = None,
    true_to: Annotated[str | None, typer.Option(metavar="NÄR", help="Hände senast.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Högst så många rader.")] = SHOWN,
    after: Annotated[int, typer.Option(min=0, help="Fortsätt efter denna händelse (next).")] = 0,
    form: Annotated[Form, typer.Option("--format", help="Läsbar tidslinje eller CSV.")] = Form.TIMELINE,
    json: Json = False,
) -> None:
    """Fråga händelseloggen: vem gjorde vad, på vilken grund, och vad bröt mot en regel?"""
    with handled(json):
        asked = AuditQuery(
            body=body, person=person, matter=matter, meeting=meeting, kind=kind, rule=rule, finding=finding, text=text,
            known_from=_known(known_from), known_to=_known(known_to), true_from=_local(true_from),
            true_to=_local(true_to), limit=limit, after=after,
        )  # fmt: skip
        with opened(folder) as municipality:
            municipality.projector.catch_up()
            page = query(municipality.shown(), asked)
            told = "" if json else timeline(municipality.views, page.rows)
        result = {"rows": [dict(row) for row in page.rows], "next": page.next}

        def human() -> None:
            if form is Form.CSV:
                typer.echo(to_csv(page.rows), nl=False)
                return
            typer.echo(told, nl=False)
            if not page.rows:
                console.print(in_language("Inga händelser svarar mot frågan.", "No events answer to that."))
            if page.next is not None:
                more = in_language("Fler rader finns; de följer med", "There are more; they follow with")
                console.print(f"{more} --after {page.next}")

        answer(result, json, human)


def _when(text: str | None) -> date | datetime | None:
    """A day or a moment; local time where no zone is given."""
    if text is None:
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
        clock = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
        if re.fullmatch(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{clock}", text):
            moment = datetime.fromisoformat(text)
            local(moment)  # a moment at the ends of time may have no local one
            return moment
    except (ValueError, OverflowError):
        raise BadRequest("not-a-time", text=text) from None
    raise BadRequest("not-a-time", text=text)


def _known(text: str | None) -> int | date | datetime | None:
    """A position, a day or a moment."""
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,15}", text) else _when(text)


def _local(text: str | None) -> date | datetime | None:
    """A day, or a moment on the municipality's wall clock: what happened is told in local time."""
    moment = _when(text)
    return local(moment).replace(tzinfo=None) if isinstance(moment, datetime) and moment.tzinfo else moment


def replay(
    folder: Dir,
    known: Annotated[
        str | None, typer.Option(metavar="NÄR", help="Som det var känt: datum, tid eller händelsens nummer.")
    ] = None,
    true: Annotated[
        str | None, typer.Option("--true", metavar="NÄR", help="Som det var: datum eller tid.")
    ] = None,
    digest: Annotated[bool, typer.Option("--digest", help="Jämför med de lagrade vyerna.")] = False,
    json: Json = False,
) -> None:
    """Spela upp loggen till en tidpunkt på två klockor och visa tillståndets kontrollsummor."""
    with handled(json):
        at, holds = _known(known), _local(true)
        with progress(in_language("Spelar upp loggen", "Replaying the log")) as done:
            result, differing = replay_(folder, at, holds, compare=digest, progress=done)
        if digest:
            result["differing"] = differing
        answer(result, json, lambda: _told(result))
        if differing:
            raise typer.Exit(Exit.BROKEN)


def _told(result: dict[str, Any]) -> None:
    differing = result.get("differing")
    now = in_language("utan tidsgräns", "no limit")
    console.print(f"{in_language('känt till position', 'known to position'):18} {result['position']}")
    console.print(f"{in_language('sant vid', 'true at'):18} {result['true'] or now}")
    console.print(f"{'state digest':18} {result['state_digest']}")
    wrong = in_language("skiljer sig från den lagrade vyn", "differs from the stored view")
    for name, value in result["views"].items():
        mark = f" [red]{wrong}[/red]" if name in (differing or ()) else ""
        console.print(f"  {name:16} {value}{mark}")
    if differing:
        names = ", ".join(differing)
        console.print(
            in_language(
                f"[bold red]{names} är inte vad händelserna ger.[/bold red] `liggare rebuild` gör om dem.",
                f"[bold red]{names}: not what the events give.[/bold red] `liggare rebuild` makes them anew.",
            )
        )
    elif differing is not None:
        console.print(
            in_language(
                "De lagrade vyerna är vad händelserna ger.", "The stored views are what the events give."
            )
        )
