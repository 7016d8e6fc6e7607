"""rules: check a profile, give its schema to an editor, and say what applies to a body on a day."""

from __future__ import annotations

import json as json_
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api import profiles
from api.cli.options import Dir, Json, opened
from api.cli.output import LANGUAGE, Exit, answer, console, handled, in_language, plain
from api.sentences import sentence
from domain.body import Body
from domain.errors import NotFound, Refused
from domain.profile import Fault
from domain.sources import house
from projections.reading import rows
from registry.clock import local

DAY = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Regler som data: kontrollera en profil, och visa vad som gäller.")
    group.command()(check)
    group.command()(explain)
    group.command()(schema)
    app.add_typer(group, name="rules")


def check(
    file: Annotated[Path, typer.Argument(metavar="FIL", help="Profilen, i TOML.")], json: Json = False
) -> None:
    """Kontrollera en profil: varje fel med rad, plats och vad som väntades."""
    with handled(json):
        faults, bodies = profiles.check(file.read_text("utf-8"))
        found = [
            {"code": one.code, "line": one.line, "place": one.place}
            | {"detail": _said(one, ""), "what_to_do": _said(one, "do_")}
            for one in faults
        ]
        result: dict[str, Any] = {"file": str(file), "bodies": bodies, "faults": found}
        answer(result, json, lambda: _checked(result))
        if found:
            raise typer.Exit(Exit.REFUSED)


def _said(fault: Fault, key: str) -> str:
    values = {"line": fault.line, "place": fault.place, **fault.values}
    return sentence("refusals", fault.code, LANGUAGE, values, key)


def _checked(result: dict[str, Any]) -> None:
    for one in result["faults"]:
        console.print(plain(f"{one['detail']}\n  {one['what_to_do']}"))
    for body, count in result["bodies"].items():
        console.print(plain(f"{body or result['file']}: {count} {in_language('regler', 'rules')}"))


def explain(
    body: Annotated[str, typer.Argument(metavar="ORGAN", help="Id eller namn.")],
    folder: Dir,
    true: Annotated[
        datetime | None,
        typer.Option("--true", metavar="DAG", formats=DAY, help="Den dag det gäller; annars i dag."),
    ] = None,
    json: Json = False,
) -> None:
    """Visa vad som gäller för ett organ en dag, med källor, och vad som inte gäller eller är okänt."""
    with handled(json):
        with opened(folder) as municipality:
            municipality.projector.catch_up()
            day = (true or local(municipality.registry.now())).date()
            named = {row["body"]: row["name"] for row in rows(municipality.views, "body")}
            wanted = body.strip().casefold()
            id = next((id for id, name in named.items() if wanted in (id, (name or "").casefold())), None)
            if id is None:
                raise NotFound("body", body)
            regulation = municipality.registry.world().get(Body, id).regulation_at(day)
        if regulation is None:
            raise Refused("no-regulation", house(11), body=named[id], day=str(day))
        result = profiles.explained(named[id], regulation, day)
        answer(result, json, lambda: typer.echo("\n".join(profiles.told(result))))


def schema() -> None:
    """Skriv profilens JSON Schema, för den som skriver profiler i en editor."""
    typer.echo(json_.dumps(profiles.schema(), ensure_ascii=False, indent=1, sort_keys=True))
