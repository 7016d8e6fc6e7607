"""demo: a year of an example council played, four more entered from what their documents tell, and all served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.folder import empty
from api.cli.options import Json
from api.cli.output import answer, console, handled, in_language, tell
from api.cli.serving import run
from api.demo.show import AFTERWARDS, YEAR, play
from api.faults import BadRequest

TALES = {tale.slug: tale for tale in (YEAR, *AFTERWARDS)}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    folder: Annotated[
        Path,
        typer.Option(
            "--dir", metavar="MAPP", help="Ny mapp för exemplet; får inte finnas eller ska vara tom."
        ),
    ] = Path("demo"),
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Visa exemplet på den egna datorn efteråt.")
    ] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port att lyssna på; 0 tar en ledig.")] = 8000,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="KOMMUN", help=f"Bara den kommunen; kan upprepas. En av: {', '.join(TALES)}."),
    ] = None,
    json: Json = False,
) -> None:
    """Spela upp ett rådsår, för in vad fyra andra kommuners handlingar säger, på simulerad klocka, och visa det."""
    with handled(json):
        for name in only or ():
            if name not in TALES:
                raise BadRequest("no-such-tale", name=name, names=", ".join(TALES))
        empty(folder)
        result = play(folder, tell, [tale for name, tale in TALES.items() if not only or name in only])
        answer(result, json, lambda: _played(result))
        if serve:
            run(
                [Path(one["dir"]) for one in result["municipalities"]],
                "127.0.0.1",
                port,
                as_json=json,
                quiet=True,
            )


def _played(result: dict[str, Any]) -> None:
    words = {
        "clock": in_language("exempel på simulerad klocka", "an example on a simulated clock"),
        "dir": in_language("datamapp", "data folder"),
        "meeting": in_language("möte", "meeting"),
        "none": in_language("infört i efterhand, utan anteckningar", "entered afterwards, without minutes"),
        "all": in_language("Kontrollera allt:       ", "Verify everything:      "),
        "one": in_language("Kontrollera ett papper: ", "Verify one paper:       "),
        "log": in_language("Händelselogg:           ", "What happened:          "),
        "tokens": in_language("Nycklar att prova gränssnittet med:", "Tokens to try the interface with:"),
    }
    for one in result["municipalities"]:
        console.print(f"\n[bold]{one['name']}[/bold]  ({words['clock']})")
        console.print(f"  {words['dir']}  {one['dir']}")
        bodies = {body["id"]: body["name"] for body in one["bodies"]}
        for meeting in one["meetings"]:
            told = meeting["minutes_pdf"] or f"{bodies[meeting['body']]}, {words['none']}"
            console.print(f"  {words['meeting']} {meeting['date']}  {told}")
        console.print(f"\n  {words['all']}liggare verify {one['dir']}")
        pdf = next((each["minutes_pdf"] for each in one["meetings"] if each["minutes_pdf"]), None)
        if pdf:
            console.print(f"  {words['one']}liggare verify {pdf} --trust {one['trust_anchor']}")
        console.print(f"  {words['log']}liggare audit --dir {one['dir']}")
        console.print(f"  {words['tokens']}")
        for role, token in one["tokens"].items():
            console.print(f"    {role:14} {token}")
