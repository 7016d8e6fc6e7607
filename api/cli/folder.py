"""Commands about a whole data folder: init, demo, doctor, rebuild, export."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import AsJson, Exit, answer, console, handled, progress, tell
from api.demo.show import play
from api.doctor import examine
from api.exporting import export
from api.settings import NotAFolder
from api.wiring import create_folder, open_folder

Dir = Annotated[Path, typer.Option("--dir", help="Registrets datamapp.")]
Json = Annotated[bool, AsJson]
SETUP_LASTS = timedelta(hours=24)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (init, demo, doctor, rebuild):
        app.command()(command)
    app.command("export")(export_)


def init(
    dir: Annotated[Path, typer.Option("--dir", help="Ny datamapp; får inte finnas eller ska vara tom.")],
    name: Annotated[str, typer.Option(help="Kommunens namn.")],
    slug: Annotated[str | None, typer.Option(help="Kortnamn i adresser, till exempel lerum.")] = None,
    root_key: Annotated[Path | None, typer.Option(help="Var rotnyckeln skrivs; utanför datamappen.")] = None,
    json: Json = False,
) -> None:
    """Lägg upp ett register: datamapp, nycklar, en tom logg och ett uppläggskort som gäller ett dygn."""
    with handled(json):
        short = slug or _slug(name)
        key = root_key or dir.absolute().parent / "keys" / f"{short}.key"
        if key.absolute().is_relative_to(dir.absolute()):
            raise NotAFolder(f"rotnyckeln {key} ligger i datamappen; den ska ligga utanför")
        if key.exists():
            raise NotAFolder(f"{key} finns redan och skrivs aldrig över")
        municipality = create_folder(dir, short, name, key)
        try:
            now = municipality.registry.clock.now()
            token = municipality.vault.issue_token(
                municipality.settings.operator, "access", "uppläggning", now + SETUP_LASTS
            )
        finally:
            municipality.close()
        result = {"dir": str(dir.absolute()), "slug": short, "root_key": str(key.absolute()), "setup_token": token}

        def human() -> None:
            console.print(f"Registret [bold]{name}[/bold] ligger i {dir.absolute()}")
            console.print(f"Rotnyckeln ligger i {key.absolute()}. Utan den går inget att läsa: ta en kopia till ett säkert ställe.")
            console.print(f"Uppläggningskort, visas bara nu och gäller ett dygn: {token}")
            console.print(f"Starta med: liggare serve --dir {dir}")

        answer(result, json, human)


def _slug(name: str) -> str:
    word = name.lower().split()[0] if name.split() else ""
    for sign, plain in zip("åäöé", "aaoe", strict=True):
        word = word.replace(sign, plain)
    short = re.sub(r"[^a-z0-9-]", "", word)
    return short.removesuffix("s") if name.lower().endswith(" kommun") else short


def demo(
    dir: Annotated[Path, typer.Option("--dir", help="Ny mapp för exemplet; får inte finnas eller ska vara tom.")] = Path("demo"),
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Visa exemplet på den egna datorn efteråt.")] = True,
    port: Annotated[int, typer.Option(help="Port att lyssna på.")] = 8000,
    json: Json = False,
) -> None:
    """Spela upp ett rådsår genom det öppna gränssnittet, på en simulerad klocka, och visa det."""
    with handled(json):
        if dir.exists() and (not dir.is_dir() or any(dir.iterdir())):
            raise NotAFolder(f"{dir} finns och är inte tom")
        result = play(dir, tell)

        def human() -> None:
            for one in result["municipalities"]:
                console.print(f"\n[bold]{one['name']}[/bold]  (exempel på simulerad klocka)")
                console.print(f"  datamapp   {one['dir']}")
                for meeting in one["meetings"]:
                    console.print(f"  möte {meeting['date']}   {meeting['minutes_pdf'] or 'inte stämplat'}")
                console.print(f"\n  Kontrollera allt:      liggare verify {one['dir']}")
                pdf = next((each["minutes_pdf"] for each in one["meetings"] if each["minutes_pdf"]), None)
                console.print(f"  Kontrollera ett papper: liggare verify {pdf} --trust {one['trust_anchor']}")
                console.print(f"  Händelselogg:          liggare audit --dir {one['dir']}")
                console.print("  Nycklar att prova gränssnittet med:")
                for role, token in one["tokens"].items():
                    console.print(f"    {role:14} {token}")

        answer(result, json, human)
    if serve:
        from api.cli.serving import run

        run([Path(one["dir"]) for one in result["municipalities"]], "127.0.0.1", port)


def doctor(dir: Dir, json: Json = False) -> None:
    """Se efter att registret mår bra: nycklar, klocka, filer, vyer, och vad som går ut när."""
    with handled(json):
        result = examine(dir)

        def human() -> None:
            for check in result["checks"]:
                mark = {True: "[green]ja [/green]", False: "[red]NEJ[/red]", None: "– "}[check["ok"]]
                console.print(f"{mark} {check['check']:14} {check['detail']}")

        answer(result, json, human)
        if not result["ok"]:
            raise typer.Exit(Exit.BROKEN)


def rebuild(
    dir: Dir,
    view: Annotated[list[str] | None, typer.Option("--view", help="Bara denna vy (kan upprepas).")] = None,
    json: Json = False,
) -> None:
    """Gör om vyerna från händelserna."""
    with handled(json):
        municipality = open_folder(dir)
        try:
            head = municipality.registry.recorder.head().position
            with progress("Gör om vyerna", head) as done:
                municipality.projector.rebuild(view, done)
            names = sorted(view or municipality.projector.lag())
        finally:
            municipality.close()
        result = {"position": head, "views": names}
        answer(result, json, lambda: console.print(f"{len(names)} vyer gjordes om från {head} händelser."))


def export_(
    dir: Dir,
    out: Annotated[Path, typer.Option("--out", help="Ny mapp att exportera till.")],
    first: Annotated[int, typer.Option("--from", min=1, help="Första position.")] = 1,
    last: Annotated[int | None, typer.Option("--to", min=1, help="Sista position.")] = None,
    json: Json = False,
) -> None:
    """Exportera loggen, eller en del av den, som filer som går att kontrollera för sig."""
    with handled(json):
        municipality = open_folder(dir)
        try:
            with progress("Exporterar", municipality.registry.recorder.head().position) as done:
                result = export(municipality, out, first, last, done)
        finally:
            municipality.close()

        def human() -> None:
            console.print(f"{result['events']} händelser och {result['documents']} handlingar finns i {result['path']}")
            console.print(f"Kontrollera: liggare verify {result['path']}")

        answer(result, json, human)


