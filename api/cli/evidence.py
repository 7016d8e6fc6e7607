"""verify: can it be shown, without us, that nothing has been changed?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.checking import verify as check
from api.cli.options import Json
from api.cli.output import LANGUAGE, Exit, answer, console, handled, in_language, progress
from signing.page import lines

WORK = {
    "events": ("Räknar om händelsernas hashar", "Hashing the events again"),
    "documents": ("Prövar underskrifter", "Checking signatures"),
    "facts": ("Läser händelserna", "Reading the events"),
    "statements": ("Jämför anteckningarna", "Comparing the minutes"),
    "rerender": ("Skriver ut igen", "Rendering again"),
    "digest": ("Räknar tillståndet", "Folding the state"),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    path: Annotated[
        Path, typer.Argument(metavar="SÖKVÄG", help="En datamapp, en export eller en stämplad PDF.")
    ],
    trust: Annotated[
        Path | None, typer.Option(metavar="PEM", help="Kommunens certifikat, hämtat på annat håll.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FIL", help="En kontrollpunkt som förvarats på annat håll.")
    ] = None,
    json: Json = False,
) -> None:
    """Kontrollera att inget har ändrats, steg för steg, utan nät och utan att ändra något."""
    with handled(json):
        with progress(in_language("Kontrollerar", "Verifying")) as moved:

            def done(what: str, count: int, of: int) -> None:
                moved(count, of or None, in_language(*WORK[what]))

            result = check(path, trust=trust, checkpoint=checkpoint, progress=done, language=LANGUAGE)
        answer(result, json, lambda: _told(result))
        if not result["ok"]:
            raise typer.Exit(Exit.BROKEN)


def _told(result: dict[str, Any]) -> None:
    for line in lines(result, LANGUAGE):
        console.print(line, markup=False)
