"""verify: can it be shown, without us, that nothing has been changed?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.checking import verify as check
from api.cli.options import Json
from api.cli.output import LANGUAGE, Exit, answer, console, handled, in_language, plain, progress

MEANING = {
    "envelope": ("händelserna är i föreskriven form", "the events are in the prescribed form"),
    "columns": (
        "databasens kolumner stämmer med händelserna",
        "the database's columns agree with the events",
    ),
    "leaves": ("varje händelses hash är rätt", "each event's hash is right"),
    "tree": ("händelserna bildar ett träd utan luckor", "the events form a tree without gaps"),
    "checkpoints": ("loggens undertecknade kontrollpunkter gäller", "the log's signed checkpoints hold"),
    "outside-checkpoint": (
        "kontrollpunkter utanför databasen gäller",
        "checkpoints kept outside the database hold",
    ),
    "inclusion": (
        "det undertecknade och stämplade finns i loggen",
        "what was signed and sealed is in the log",
    ),
    "consistency": (
        "varje kontrollpunkt fortsätter den förra",
        "each checkpoint continues the one before it",
    ),
    "pades": ("underskrifter och stämpel i PDF gäller", "signatures and seal in PDFs hold"),
    "timestamps": ("tidsstämplarna gäller", "the time stamps hold"),
    "cms": ("fristående underskrifter gäller", "the detached signatures hold"),
    "statements": ("anteckningarna säger vad händelserna säger", "the minutes say what the events say"),
    "rerender": ("utskriften blir densamma igen", "rendered again, the paper is the same"),
    "digest": ("vyerna är vad händelserna ger", "the views are what the events give"),
}
WORK = {
    "events": ("Räknar om händelsernas hashar", "Hashing the events again"),
    "documents": ("Prövar underskrifter", "Checking signatures"),
    "facts": ("Läser händelserna", "Reading the events"),
    "statements": ("Jämför anteckningarna", "Comparing the minutes"),
    "rerender": ("Skriver ut igen", "Rendering again"),
    "digest": ("Räknar tillståndet", "Folding the state"),
}
MARKS = {True: ("green", "stämmer", "holds"), False: ("red", "STÄMMER INTE", "DOES NOT")}


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
    left: dict[str, list[str]] = {}
    for number, step in enumerate(result["checks"], 1):
        if step["ok"] is None:
            left.setdefault(step["detail"], []).append(f"{number} {in_language(*MEANING[step['step']])}")
            continue
        colour, *words = MARKS[step["ok"]]
        mark = in_language(words[0], words[1])
        console.print(f"{number:>2} [{colour}]{mark:12}[/{colour}] {in_language(*MEANING[step['step']])}")
        console.print(f"                [dim]{plain(step['detail'])}[/dim]")
    for detail, steps in left.items():
        console.print(f"\n{plain(detail[0].upper() + detail[1:])}")
        for name in steps:
            console.print(f"   [dim]{name}[/dim]")
    loose = result["unprotected"]
    count, files = sum(each["length"] for each in loose), len({each["file"] for each in loose})
    console.print()
    console.print(
        in_language(
            f"Oskyddade byte: {count} (i {files} filer, som inget bevisar; --json räknar upp dem)",
            f"Unprotected bytes: {count} (in {files} files, which prove nothing; --json lists them)",
        )
        if count
        else in_language("Oskyddade byte: 0", "Unprotected bytes: 0")
    )
    if result["clock"] == "simulated":
        console.print(
            in_language(
                "Klockan är simulerad: detta är ett exempel.", "The clock is simulated: this is an example."
            )
        )
    console.print(f"{_verdict(result)} {_basis(result)}")


def _verdict(result: dict[str, Any]) -> str:
    if result["ok"]:
        return in_language(
            "[bold]Allt som prövats stämmer.[/bold]", "[bold]Everything that was run holds.[/bold]"
        )
    wrong = ", ".join(str(number) for number, step in enumerate(result["checks"], 1) if step["ok"] is False)
    if not wrong:
        return in_language(
            "[bold red]Inget kunde prövas.[/bold red]", "[bold red]Nothing could be run.[/bold red]"
        )
    return in_language(
        f"[bold red]Något stämmer inte: se punkt {wrong}.[/bold red]",
        f"[bold red]Something does not hold: see {wrong}.[/bold red]",
    )


def _basis(result: dict[str, Any]) -> str:
    if result["trusted"]:
        return in_language("Prövat mot det certifikat som angavs.", "Held to the certificate that was given.")
    return in_language(
        "Kommunens certifikat är taget ur det som prövades; ange --trust med ett som du har fått på annat håll.",
        "The municipality's certificate was taken from what was verified; give --trust one that you got another way.",
    )
