"""Commands about a whole data folder: init, doctor, rebuild, export."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Dir, Json, opened
from api.cli.output import Exit, answer, console, handled, in_language, progress
from api.doctor import examine
from api.exporting import export
from api.faults import BadRequest
from api.rebuilding import forget as forget_
from api.rebuilding import rebuild as rebuild_
from api.rebuilding import take_back
from api.settings import NotAFolder
from api.wiring import create_folder

SETUP_LASTS = timedelta(hours=24)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (init, doctor, rebuild):
        app.command()(command)
    app.command("export")(export_)


def init(
    folder: Annotated[
        Path, typer.Option("--dir", metavar="MAPP", help="Ny datamapp; får inte finnas eller ska vara tom.")
    ],
    name: Annotated[str, typer.Option(metavar="NAMN", help="Kommunens namn.")],
    slug: Annotated[
        str | None, typer.Option(metavar="ORD", help="Kortnamn i adresser; annars tas det ur namnet.")
    ] = None,
    root_key: Annotated[
        Path | None, typer.Option(metavar="FIL", help="Var rotnyckeln skrivs; utanför datamappen.")
    ] = None,
    json: Json = False,
) -> None:
    """Lägg upp ett register: datamapp, nycklar, en tom logg och en nyckel för uppläggningen som gäller ett dygn."""
    with handled(json):
        empty(folder)
        short = slug or _slug(name)
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", short):
            raise BadRequest("bad-slug", slug=short)
        key = (root_key or folder.absolute().parent / "keys" / f"{short}.key").absolute()
        if key.resolve().is_relative_to(folder.resolve()):
            raise NotAFolder("key-inside", file=key)
        if key.exists():
            raise NotAFolder("key-exists", file=key)
        municipality = create_folder(folder, short, name, key)
        try:
            now = municipality.registry.clock.now()
            token = municipality.vault.issue_token(
                municipality.settings.operator, "access", "uppläggning", now + SETUP_LASTS
            )
        finally:
            municipality.close()
        place = folder.absolute()
        result = {"dir": str(place), "slug": short, "root_key": str(key), "setup_token": token}
        answer(result, json, lambda: console.print(_set_up(name, result)))


def _set_up(name: str, made: dict[str, str]) -> str:
    return in_language(
        f"Registret [bold]{name}[/bold] ligger i {made['dir']}\n"
        f"Rotnyckeln ligger i {made['root_key']}. Utan den går inget att läsa: ta en kopia till ett säkert ställe.\n"
        f"Nyckel för uppläggningen, visas bara nu och gäller ett dygn: {made['setup_token']}\n"
        f"Starta med: liggare serve --dir {made['dir']}",
        f"The registry of [bold]{name}[/bold] lies in {made['dir']}\n"
        f"The root key lies in {made['root_key']}. Without it nothing can be read: keep a copy in a safe place.\n"
        f"Token for setting up, shown only now and good for a day: {made['setup_token']}\n"
        f"Start it with: liggare serve --dir {made['dir']}",
    )


def _slug(name: str) -> str:
    word = name.lower().split()[0] if name.split() else ""
    for sign, letter in zip("åäöé", "aaoe", strict=True):
        word = word.replace(sign, letter)
    short = re.sub(r"[^a-z0-9-]", "", word)
    return short.removesuffix("s") if name.lower().endswith(" kommun") else short


def empty(folder: Path) -> None:
    """Refuse a folder that is there and holds anything."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotAFolder("not-empty", folder=folder)


def doctor(folder: Dir, json: Json = False) -> None:
    """Se efter att registret mår bra: nycklar, klocka, filer, vyer, och vad som går ut när."""
    with handled(json):
        result = examine(folder, in_language)

        def human() -> None:
            for check in result["checks"]:
                yes, no = in_language("ja ", "yes"), in_language("NEJ", "NO ")
                mark = {True: f"[green]{yes}[/green]", False: f"[red]{no}[/red]", None: "–  "}[check["ok"]]
                console.print(f"{mark} {check['check']:14} {check['detail']}")

        answer(result, json, human)
        if not result["ok"]:
            raise typer.Exit(Exit.BROKEN)


def rebuild(
    folder: Dir,
    view: Annotated[
        list[str] | None, typer.Option("--view", metavar="VY", help="Bara denna vy (kan upprepas).")
    ] = None,
    back: Annotated[
        bool,
        typer.Option("--back", help="Ta tillbaka senaste omgörningen: det som visades före den visas igen."),
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Ta bort det som visades före senaste omgörningen.")
    ] = False,
    json: Json = False,
) -> None:
    """Gör om vyerna från händelserna."""
    with handled(json):
        if back or forget:
            if (back and forget) or view:
                raise typer.BadParameter("--back, --forget, --view: ett i taget (one at a time)")
            result = take_back(folder) if back else forget_(folder)
            count = len(result["views"])
            told = in_language(
                f"{count} vyer togs tillbaka till före sin omgörning."
                if back
                else f"{count} vyers tidigare rader togs bort.",
                f"{count} views were taken back to before their rebuild."
                if back
                else f"The earlier rows of {count} views were removed.",
            )
            answer(result, json, lambda: console.print(told))
            return
        with progress(in_language("Gör om vyerna", "Making the views again")) as done:
            result = rebuild_(folder, view, done)
        count, head = len(result["views"]), result["position"]
        told = in_language(
            f"{count} vyer gjordes om från {head} händelser.",
            f"{count} views were made again from {head} events.",
        )
        answer(result, json, lambda: console.print(told))


def export_(
    folder: Dir,
    out: Annotated[Path, typer.Option("--out", metavar="MAPP", help="Ny mapp att exportera till.")],
    first: Annotated[int, typer.Option("--from", min=1, help="Första händelsens nummer.")] = 1,
    last: Annotated[
        int | None, typer.Option("--to", min=1, help="Sista händelsens nummer; annars loggens sista.")
    ] = None,
    secret: Annotated[
        bool, typer.Option("--secret", help="Ta med sekretessbelagda protokoll, som annars utelämnas.")
    ] = False,
    json: Json = False,
) -> None:
    """Exportera loggen, eller en del av den, som filer som går att kontrollera för sig."""
    with handled(json):
        empty(out)
        with opened(folder) as municipality, progress(in_language("Exporterar", "Exporting")) as done:
            result = export(municipality, out, first, last, done, secret=secret)
        counts = {"events": result["events"], "documents": result["documents"]}
        told = in_language(
            "{events} händelser och {documents} handlingar finns i {path}\nKontrollera: liggare verify {path}",
            "{events} events and {documents} documents are in {path}\nVerify them: liggare verify {path}",
        )
        answer(result, json, lambda: console.print(told.format(**counts, path=result["path"])))
