"""witness: cosign another registry's checkpoints, and keep what others have cosigned of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Dir, Json, opened
from api.cli.output import Exit, answer, console, handled, in_language, stop
from api.witnessing import NotWitnessed, attach, cosign, own_keys
from registry.files import write_synced

Keys = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FIL", help="Första gången: nycklarna, hämtade på annat håll."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Bevittna ett annat registers logg, och ta emot andras bevittnanden.")
    group.command()(keys)
    group.command("cosign")(cosign_)
    group.command("attach")(attach_)
    app.add_typer(group, name="witness")


def keys(folder: Dir, json: Json = False) -> None:
    """Visa nycklarna som det här registret bevittnar med, att lämna till den som bevittnas."""
    with handled(json), opened(folder) as m:
        lines = [str(key) for key in own_keys(m)]
        answer({"keys": lines}, json, lambda: console.print("\n".join(lines), markup=False))


def cosign_(
    source: Annotated[
        str, typer.Argument(metavar="LOGG", help="Adressen till den andra loggen (…/log), eller en export.")
    ],
    folder: Dir,
    known: Keys = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FIL", help="Var den bevittnade kontrollpunkten skrivs.")
    ] = None,
    json: Json = False,
) -> None:
    """Bevittna den andra loggens senaste kontrollpunkt, om loggen bara har vuxit sedan förra gången."""
    with handled(json), opened(folder) as m:
        try:
            note, seen = cosign(m, source, known.read_bytes() if known else None)
        except NotWitnessed as error:
            if error.code in {"rolled-back", "forked"}:  # the other log is broken evidence
                stop(Exit.BROKEN, error.code, error.values, json)
            raise
        if out:
            write_synced(out, note)
        origin, size = seen["origin"], seen["size"]
        told = in_language(f"{origin}: {size} händelser bevittnade.", f"{origin}: {size} events witnessed.")
        answer(
            seen | {"note": note.decode()},
            json,
            lambda: console.print(told if out else note.decode(), markup=False),
        )


def attach_(
    note: Annotated[Path, typer.Argument(metavar="FIL", help="Den bevittnade kontrollpunkten.")],
    folder: Dir,
    known: Keys = None,
    json: Json = False,
) -> None:
    """Ta emot en kontrollpunkt som ett annat register har bevittnat, och publicera den så."""
    with handled(json), opened(folder) as m:
        result = attach(m, note.read_bytes(), known.read_bytes() if known else None)
        names = ", ".join(result["witnesses"])
        told = in_language(
            f"Kontrollpunkt {result['size']} är bevittnad av {names}.",
            f"Checkpoint {result['size']} is witnessed by {names}.",
        )
        answer(result, json, lambda: console.print(told, markup=False))
