"""backup, restore, upgrade, move: what keeps a registry through the loss of a disk and through the years."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from api.backup import back_up
from api.cli.options import Dir, Json
from api.cli.output import answer, console, handled, in_language, progress
from api.moving import move as carry
from api.moving import undo
from api.restore import restore as bring_back
from api.settings import DATABASE, WrongDatabase, checked_database, given_database
from api.upgrading import upgrade as bring_up

DID = {
    "views-of-another-version": (
        "Vyer av en annan version gjordes om: {changed}.",
        "Views of another version were made anew: {changed}.",
    ),
    "new-views": ("Nya vyer gjordes: {added}.", "New views were made: {added}."),
    "views-that-differed": (
        "Vyerna stämde inte med händelserna och gjordes om.",
        "The views did not agree with the events and were made anew.",
    ),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (backup, restore, upgrade, move):
        app.command()(command)


def backup(
    folder: Dir,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="MAPP", help="Ny mapp för kopian; får inte finnas eller ska vara tom."),
    ],
    json: Json = False,
) -> None:
    """Ta en säkerhetskopia medan registret är i drift. Rotnyckeln följer aldrig med."""
    with handled(json):
        with progress(in_language("Säkerhetskopierar", "Backing up")) as done:
            result = back_up(folder, out, done)
        answer(result, json, lambda: _backed_up(result))


def _backed_up(result: dict[str, Any]) -> None:
    path, position, files = result["path"], result["position"], result["files"]
    console.print(
        in_language(
            f"Säkerhetskopian ligger i {path}: {position} händelser, {files} filer.\n"
            "Rotnyckeln ingår inte. Den behövs för att återställa och förvaras på ett annat ställe.\n"
            f"Återställ: liggare restore --from {path} --dir NY-MAPP --root-key NYCKELFIL",
            f"The backup is in {path}: {position} events, {files} files.\n"
            "The root key is not part of it. It is needed to restore, and is kept somewhere else.\n"
            f"To restore: liggare restore --from {path} --dir NEW-FOLDER --root-key KEY-FILE",
        )
    )


def restore(
    source: Annotated[Path, typer.Option("--from", metavar="MAPP", help="Säkerhetskopian.")],
    folder: Annotated[
        Path, typer.Option("--dir", metavar="MAPP", help="Ny datamapp; får inte finnas eller ska vara tom.")
    ],
    root_key: Annotated[
        Path | None, typer.Option("--root-key", metavar="FIL", help="Rotnyckelns fil.")
    ] = None,
    destroyed: Annotated[
        list[Path] | None,
        typer.Option(
            "--destroyed",
            metavar="FIL",
            help="Förteckning över förstörda nycklar, destroyed.jsonl (kan upprepas).",
        ),
    ] = None,
    into: Annotated[
        Literal["sqlite", "postgresql"] | None,
        typer.Option(
            "--into", help="Vilken databas; annars den som kopian togs ur. Adressen: LIGGARE_DATABASE."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Återställ en säkerhetskopia till en ny datamapp, som prövas innan något öppnas."""
    with handled(json):
        with progress(in_language("Återställer", "Restoring")) as done:
            result = bring_back(source, folder, root_key, destroyed or [], done, into)
        answer(result, json, lambda: _restored(result))


def _restored(result: dict[str, Any]) -> None:
    name, folder, position = result["name"], result["dir"], result["position"]
    _say(
        f"{name} är återställt i {folder} till och med position {position}.",
        f"{name} is restored in {folder} up to position {position}.",
    )
    if again := result["destroyed_again"]:
        _say(
            f"Nycklar som förstörts efter säkerhetskopian och nu är förstörda igen: {again}.",
            f"Keys destroyed after the backup, and now destroyed again: {again}.",
        )
    if not result["lists"]:
        _say(
            "Ingen förteckning över förstörda nycklar fanns utanför säkerhetskopian.",
            "There was no list of destroyed keys outside the backup.",
        )
    if lost := result["lost"]:
        span = f"{lost['from']}–{lost['to']}" if lost["from"] < lost["to"] else f"{lost['to']}"
        _say(
            f"[bold red]Förlorade positioner: {span}.[/bold red] {lost['checkpoint']} visar att de har funnits.",
            f"[bold red]Lost positions: {span}.[/bold red] {lost['checkpoint']} shows that they were there.",
        )
        if outside := result["outside_checkpoints"]:
            _say(
                f"Nya kontrollpunkter skrivs till {outside}. De gamla står kvar som bevis.",
                f"New checkpoints are written to {outside}. The old ones stay, as the proof.",
            )
    _say(
        "Kort och lösenfras är som när kopian togs: dra in på nytt det som dragits in sedan dess.",
        "Tokens and passphrases are as they were in the backup: revoke again what was revoked since.",
    )


def _say(swedish: str, english: str) -> None:
    console.print(in_language(swedish, english))


def upgrade(folder: Dir, json: Json = False) -> None:
    """Gör datamappen färdig för denna version av programmet; kan köras om när som helst."""
    with handled(json):
        with progress(in_language("Gör om vyer", "Making views anew")) as done:
            result = bring_up(folder, done)
        answer(result, json, lambda: _upgraded(result))


def _upgraded(result: dict[str, Any]) -> None:
    folder, number = result["dir"], result["format"]
    console.print(
        in_language(
            f"{folder} har format {number}. Händelserna är orörda.",
            f"{folder} has format {number}. The events are untouched.",
        )
    )
    names = {kind: ", ".join(views) for kind, views in result["views"].items()}
    for what in result["did"]:
        console.print("  " + in_language(*DID[what]).format(**names))
    if not result["did"]:
        console.print(in_language("  Ingenting behövde göras.", "  Nothing needed to be done."))
    console.print(in_language("Allt som prövats stämmer.", "Everything that was checked holds."))


WORK = {"events": ("Händelser", "Events"), "comparing": ("Jämför", "Comparing")}


def move(
    folder: Dir,
    to: Annotated[
        str | None,
        typer.Argument(
            metavar="[ADRESS]",
            help="Databasens adress. Hellre i LIGGARE_DATABASE: ett argument syns i listan över processer.",
        ),
    ] = None,
    give_up: Annotated[
        bool, typer.Option("--undo", help="Ge upp en avbruten flytt: mappens filer går att skriva i igen.")
    ] = False,
    json: Json = False,
) -> None:
    """Flytta registret från mappens filer till PostgreSQL; alla nummer och bevis följer med. Kan köras om."""
    with handled(json):
        if give_up:
            undo(folder)
            told = in_language(
                "Registret ligger kvar i mappens filer.", "The registry stays in the folder's files."
            )
            answer({"moved": False}, json, lambda: _say(told, told))
            return
        url = checked_database(to, "ADRESS") if to else given_database()
        if url is None:
            raise WrongDatabase("database-missing", variable=DATABASE)
        with progress(in_language("Flyttar", "Moving")) as done:
            result = carry(folder, url, lambda at, of, what: done(at, of, in_language(*WORK[what])))
        answer(result, json, lambda: _moved(result, bool(to)))


def _moved(result: dict[str, Any], given: bool) -> None:
    if result["moved"]:
        position = result["account"]["head"].split()[0]
        _say(
            f"{result['municipality']} ligger nu i PostgreSQL: {position} händelser. Allt som jämförts är lika.",
            f"{result['municipality']} now lies in PostgreSQL: {position} events. All that was compared is the same.",
        )
    else:
        _say(
            "Registret är redan flyttat till PostgreSQL.",
            "The registry has already been moved to PostgreSQL.",
        )
    if result["put_aside"]:
        _say(
            f"De gamla filerna heter nu {', '.join(result['put_aside'])}. De går inte att skriva i.",
            f"The old files are now called {', '.join(result['put_aside'])}. They cannot be written to.",
        )
    if given:
        _say(
            "Adressen stod på kommandoraden, där andra på datorn kan se den. Lägg den i LIGGARE_DATABASE, och byt "
            "lösenordet om den innehöll ett.",
            "The address stood on the command line, where others on this machine can see it. Put it in "
            "LIGGARE_DATABASE, and change the password if it held one.",
        )
    _say(
        "Starta om tjänsten, nu med LIGGARE_DATABASE satt.",
        "Start the service again, now with LIGGARE_DATABASE set.",
    )
