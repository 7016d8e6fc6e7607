"""proof: that an event is in the log, or that the log of today continues that of an earlier day."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli.options import Dir, Json, opened
from api.cli.output import answer, console, handled, in_language
from api.faults import BadRequest
from api.proofs import as_text, grown, proven


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(proof)


def proof(
    folder: Dir,
    position: Annotated[
        int | None, typer.Argument(metavar="NR", min=1, help="Händelsen som ska bevisas finnas i loggen.")
    ] = None,
    old: Annotated[
        int | None, typer.Option("--from", metavar="ANTAL", min=0, help="Så många händelser hade loggen då.")
    ] = None,
    new: Annotated[
        int | None, typer.Option("--to", metavar="ANTAL", min=0, help="Och så många senare; annars nu.")
    ] = None,
    json: Json = False,
) -> None:
    """Ge ett bevis ur loggen: att en händelse finns i den, eller att den bara har vuxit sedan dess."""
    with handled(json):
        if (position is None) == (old is None):
            raise BadRequest("proof-of-what")
        with opened(folder) as m:
            m.projector.catch_up()
            if position is not None:
                found = proven(m, position)
                answer(found, json, lambda: console.print(as_text(found), markup=False, end=""))
                return
            assert old is not None, "one of the two is given"
            growth = grown(m, old, m.registry.recorder.head().position if new is None else new)
        answer(growth, json, lambda: _grown(growth))


def _grown(found: dict[str, Any]) -> None:
    old, new = found["old"], found["new"]
    console.print(in_language(
        f"De första {old} av loggens {new} händelser är oförändrade (RFC 9162, 2.1.4).",
        f"The first {old} of the log's {new} events are unchanged (RFC 9162, 2.1.4).",
    ))  # fmt: skip
    console.print(f"{old} {found['old_root']}\n{new} {found['new_root']}")
    for each in found["path"]:
        console.print(f"  {each}")
