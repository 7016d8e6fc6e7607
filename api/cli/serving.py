"""serve: the HTTP API of one or several registries, with their reactions and views running.

- glibc gives each thread a heap of its own (M_ARENA_MAX in mallopt(3)), and what is left between the pieces in each
  makes a long-lived server grow: by a tenth in an hour. All of this one's threads share two.
"""

from __future__ import annotations

import ctypes
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from api.app import create_app
from api.cli.options import Json
from api.cli.output import answer, console, error_console, handled, in_language
from api.faults import BadRequest
from api.reactions import Reactions
from api.settings import NAME, NotAFolder
from api.wiring import Municipality, clock_declared, open_folder

ARENA_MAX = -8  # M_ARENA_MAX in <malloc.h>


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    folder: Annotated[
        Path, typer.Option("--dir", metavar="MAPP", help="En datamapp, eller en mapp med flera.")
    ],
    host: Annotated[str, typer.Option(help="Adress att lyssna på.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port att lyssna på; 0 tar en ledig.")] = 8000,
    json: Json = False,
) -> None:
    """Öppna registret över HTTP."""
    with handled(json):
        run(folders(folder), host, port, as_json=json)


def folders(place: Path) -> list[Path]:
    """The data folders at a path: itself, or those right below it."""
    found = [place] if (place / NAME).is_file() else sorted(path.parent for path in place.glob(f"*/{NAME}"))
    if not found:
        raise NotAFolder("no-folders", folder=place)
    return found


def run(places: list[Path], host: str, port: int, *, as_json: bool = False, quiet: bool = False) -> None:
    """Serve until stopped; everything is closed on the way out. quiet: the command has answered already."""
    _share_heaps()
    with _listening(host, port) as door:
        opened: list[Municipality] = []
        reacting: list[Reactions] = []
        try:
            for place in places:
                municipality = open_folder(place)
                opened.append(municipality)
                municipality.projector.start()
                reactions = Reactions(municipality)
                reactions.start()
                reacting.append(reactions)
            address = f"http://{host}:{door.getsockname()[1]}"
            if not as_json or not quiet:
                _tell(opened, address, as_json=as_json)
            app = create_app({one.slug: one for one in opened})
            with _until_told():
                uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[door])
        finally:
            for reactions in reacting:
                reactions.stop()
            for municipality in opened:
                municipality.close()


def _share_heaps() -> None:
    """Let the threads to come share two heaps, where the C library knows how."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(ARENA_MAX, 2)


@contextmanager
def _until_told() -> Iterator[None]:
    """Being told to stop is how serving ends: the server, when it has stopped, raises the signal again for us."""
    kept = {told: signal.signal(told, lambda *_: None) for told in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for told, handler in kept.items():
            signal.signal(told, handler)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen()  # whoever reads the address may come at once, and waits until the server is up
    except OSError as error:
        door.close()
        raise BadRequest("port-taken", host=host, port=port, reason=error.strerror or str(error)) from error
    return door


def _tell(opened: list[Municipality], address: str, *, as_json: bool) -> None:
    served: list[dict[str, Any]] = [
        {"name": one.name, "slug": one.slug, "dir": str(one.dir), "clock": clock_declared(one)}
        for one in opened
    ]

    def human() -> None:
        for one in served:
            example = in_language(", exempel på simulerad klocka", ", an example on a simulated clock")
            note = example if one["clock"] == "simulated" else ""
            console.print(f"{one['name']}: {address}/v1/{one['slug']}{note}")
        about = in_language("Gränssnittets beskrivning", "The interface's description")
        console.print(f"{about}: {address}/openapi.json")
        error_console.print(in_language("Ctrl+C avslutar.", "Ctrl+C ends it."))

    answer({"address": address, "municipalities": served}, as_json, human)
