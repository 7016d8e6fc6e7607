"""What several commands ask for, and a registry opened for as long as a command lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import AsJson
from api.wiring import Municipality, open_folder

Dir = Annotated[Path, typer.Option("--dir", metavar="MAPP", help="Registrets datamapp.")]
Json = Annotated[bool, AsJson]
Who = Annotated[str, typer.Argument(metavar="PERSON", help="Personens id i registret.")]


@contextmanager
def opened(folder: Path) -> Iterator[Municipality]:
    """The registry of a data folder; closed on the way out."""
    municipality = open_folder(folder)
    try:
        yield municipality
    finally:
        municipality.close()
