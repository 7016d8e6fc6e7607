"""serve: the HTTP API of one or several registries, with their reactions and views running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from api.app import create_app
from api.cli.output import AsJson, console, handled
from api.reactions import Reactions
from api.settings import NAME, NotAFolder
from api.wiring import Municipality, clock_declared, open_folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    dir: Annotated[Path, typer.Option("--dir", help="En datamapp, eller en mapp med flera.")],
    host: Annotated[str, typer.Option(help="Adress att lyssna på.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port att lyssna på.")] = 8000,
    json: Annotated[bool, AsJson] = False,
) -> None:
    """Öppna registret över HTTP."""
    with handled(json):
        run(folders(dir), host, port)


def folders(dir: Path) -> list[Path]:
    """The data folders at a path: itself, or those right below it."""
    found = [dir] if (dir / NAME).is_file() else sorted(path.parent for path in dir.glob(f"*/{NAME}"))
    if not found:
        raise NotAFolder(f"{dir} is no data folder and holds none")
    return found


def run(dirs: list[Path], host: str, port: int) -> None:
    """Serve until stopped; everything is closed on the way out."""
    opened: list[Municipality] = []
    reacting: list[Reactions] = []
    try:
        for dir in dirs:
            municipality = open_folder(dir)
            opened.append(municipality)
            municipality.projector.start()
            reactions = Reactions(municipality)
            reactions.start()
            reacting.append(reactions)
        for municipality in opened:
            example = ", exempel på simulerad klocka" if clock_declared(municipality) == "simulated" else ""
            console.print(f"{municipality.name}: http://{host}:{port}/v1/{municipality.slug}{example}")
        console.print(f"Gränssnittets beskrivning: http://{host}:{port}/openapi.json   (Ctrl+C avslutar)")
        uvicorn.run(create_app({one.slug: one for one in opened}), host=host, port=port, log_level="warning")
    finally:
        for reactions in reacting:
            reactions.stop()
        for municipality in opened:
            municipality.close()
