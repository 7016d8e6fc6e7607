"""verify: can it be shown, without us, that nothing has been changed?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.checking import verify as check
from api.cli.output import AsJson, Exit, answer, console, handled, progress

MEANING = {
    "envelope": "händelserna är i föreskriven form",
    "columns": "databasens kolumner stämmer med händelserna",
    "leaves": "varje händelses hash är rätt",
    "tree": "händelserna bildar ett träd utan luckor",
    "checkpoints": "loggens undertecknade kontrollpunkter gäller",
    "outside-checkpoint": "kontrollpunkter utanför databasen gäller",
    "inclusion": "det stämplade finns i loggen",
    "consistency": "varje kontrollpunkt fortsätter den förra",
    "pades": "underskrifter och stämpel i PDF gäller",
    "timestamps": "tidsstämplarna gäller",
    "cms": "fristående underskrifter gäller",
    "statements": "anteckningarna säger vad händelserna säger",
    "rerender": "utskriften blir densamma igen",
    "digest": "vyerna är vad händelserna ger",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    path: Annotated[Path, typer.Argument(help="En datamapp, en export eller en stämplad PDF.")],
    trust: Annotated[Path | None, typer.Option(help="Kommunens certifikat (PEM), hämtat på annat håll.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="En kontrollpunkt som förvarats på annat håll.")] = None,
    json: Annotated[bool, AsJson] = False,
) -> None:
    """Kontrollera att inget har ändrats, steg för steg, utan nät och utan att ändra något."""
    with handled(json):
        with progress("Kontrollerar händelser") as done:
            result = check(path, trust=trust, checkpoint=checkpoint, progress=done)
        answer(result, json, lambda: _told(result))
        if not result["ok"]:
            raise typer.Exit(Exit.BROKEN)


def _told(result: dict[str, Any]) -> None:
    for number, step in enumerate(result["checks"], 1):
        mark = {True: "[green]stämmer [/green]", False: "[red]STÄMMER INTE[/red]", None: "[dim]inte prövat[/dim]"}[step["ok"]]
        console.print(f"{number:>2} {mark} {MEANING[step['step']]}\n     [dim]{step['detail'].replace('[', chr(92) + '[')}[/dim]")
    loose = sum(each["length"] for each in result["unprotected"])
    console.print(f"\nOskyddade byte: {loose} (i {len({each['file'] for each in result['unprotected']})} filer; --json räknar upp dem)")
    if result["clock"] == "simulated":
        console.print("Klockan är simulerad: detta är ett exempel.")
    verdict = "Allt som prövats stämmer." if result["ok"] else "[bold red]Något stämmer inte.[/bold red]"
    basis = "mot det certifikat som angavs" if result["trusted"] else "mot kommunens egen uppgift om sitt certifikat; ange --trust"
    console.print(f"[bold]{verdict}[/bold] Prövat {basis}.")
