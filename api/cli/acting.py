"""do and sign: every command of the registry, and the signature, from the command line.

- Without a token the folder's operator acts, in the operator's own roles. With LIGGARE_TOKEN the token's person acts.
  Nobody acts for another: a chair's or a justerare's act needs that person's own token, and a signature the passphrase.
"""

from __future__ import annotations

import json as jsonlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import Dir, Json, opened
from api.cli.output import Exit, answer, console, handled, in_language, plain
from api.commands import ELSEWHERE
from api.faults import BadRequest
from api.reactions import Reactions, Undone
from api.signing_flow import SigningFlow
from api.wiring import Municipality
from domain.decider import COMMANDS
from domain.errors import Forbidden
from domain.sources import house
from registry.registry import Saved


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("do")(do)
    app.command()(sign)
    app.command()(passphrase)


def do(
    command: Annotated[
        str, typer.Argument(metavar="KOMMANDO", help="Till exempel record-dissent; `list` visar alla.")
    ],
    folder: Annotated[Path | None, typer.Option("--dir", metavar="MAPP", help="Registrets datamapp.")] = None,
    data: Annotated[str, typer.Option(help="Uppgifterna som JSON; - läser dem från stdin.")] = "{}",
    json: Json = False,
) -> None:
    """Ge ett av registrets kommandon. `liggare do list` visar alla, `--data '?'` visar ett kommandos uppgifter."""
    with handled(json):
        known = {name: one for name, one in COMMANDS.items() if not one.INTERNAL and one not in ELSEWHERE}
        if command == "list":
            names = {name: (one.__doc__ or "").strip().splitlines()[0] for name, one in sorted(known.items())}
            answer({"commands": names}, json, lambda: _table(names))
            return
        if command in (one.command_name() for one in ELSEWHERE):
            raise BadRequest("command-elsewhere", command=command)
        if command not in known:
            raise BadRequest("unknown-command", command=command)
        if data == "?":
            schema = known[command].model_json_schema()
            answer(schema, json, lambda: console.print_json(jsonlib.dumps(schema, ensure_ascii=False)))
            return
        if folder is None:
            raise BadRequest(
                "usage", reason=in_language("--dir saknas.", "--dir is missing."), command="liggare do"
            )
        asked = known[command].model_validate_json(sys.stdin.read() if data == "-" else data)
        with opened(folder) as municipality:
            person, assurance = acting(municipality)
            saved = municipality.execute(asked, person, assurance)
            with suppress(Undone):  # said in the log; what was asked for is done
                Reactions(municipality).run()
        result = result_of(saved)
        answer(result, json, lambda: told(result))


def acting(municipality: Municipality) -> tuple[str, str]:
    """Who acts: the person of LIGGARE_TOKEN, or the folder's operator."""
    token = os.environ.get("LIGGARE_TOKEN")
    if not token:
        return municipality.settings.operator, "operator"
    holder = municipality.vault.holder(token, municipality.registry.clock.now())
    if holder is None or holder.purpose != "access":
        raise Forbidden("unauthenticated", house(64))
    return holder.person, "token"


def result_of(saved: Saved) -> dict[str, Any]:
    """What a command led to, as it is answered."""
    events = [
        {"position": fact.position, "kind": fact.event.TOPIC, "stream": fact.stream, "version": fact.version}
        for fact in saved.facts
    ]
    findings = [each.model_dump() for fact in saved.facts for each in getattr(fact.event, "findings", ())]
    return {"position": saved.position, "events": events, "findings": findings}


def told(result: dict[str, Any]) -> None:
    """The same for a reader."""
    for event in result["events"]:
        console.print(f"{event['position']:>7}  {event['kind']:32} {event['stream']}")
    for finding in result["findings"]:
        source = finding["source"]
        noted = in_language(
            "iakttagelse {finding}: väntat {expected}, är {observed}",
            "finding {finding}: expected {expected}, is {observed}",
        ).format(**finding)
        console.print(plain(f"        {noted} ({source['document']} {source['section']})"))


def _table(names: dict[str, str]) -> None:
    for name, said in names.items():
        console.print(f"{name:28} {said}")


def passphrase(
    folder: Dir,
    link: Annotated[str, typer.Option(help="Engångskortet.")],
    json: Json = False,
) -> None:
    """Välj lösenfras för underskrift med ett engångskort; frasen läses från tangentbordet eller stdin."""
    with handled(json):
        with opened(folder) as municipality:
            person = SigningFlow(municipality).set_passphrase(link, _phrase(confirm=True))
        chosen = in_language("Lösenfrasen är vald.", "The passphrase is set.")
        answer({"person": person}, json, lambda: console.print(chosen))


def sign(
    minutes: Annotated[str, typer.Argument(metavar="ANTECKNINGAR", help="Anteckningarnas id.")],
    folder: Dir,
    version: Annotated[int, typer.Option(min=1, help="Den version som skrivs under.")],
    office: Annotated[str, typer.Option(help="Uppdraget: chair eller justerare.")],
    json: Json = False,
) -> None:
    """Skriv under anteckningar med den egna nyckeln (LIGGARE_TOKEN) och lösenfrasen."""
    with handled(json):
        with opened(folder) as municipality:
            person, _ = acting(municipality)
            flow = SigningFlow(municipality)
            begun = flow.begin(minutes, version, office, person)
            if not json:
                console.print(plain(begun["visible_text"]))
            result = flow.resume(begun["signing"], person, _phrase())
            with suppress(Undone):  # said in the log; what was asked for is done
                Reactions(municipality).run()
        done = in_language("Underskriften är gjord.", "It is signed.")
        failed = in_language("Underskriften blev inte gjord", "It was not signed")
        told = done if result["status"] == "done" else f"{failed}: {result.get('reason', result['status'])}"
        answer(result, json, lambda: console.print(plain(told)))
        if result["status"] == "failed":
            raise typer.Exit(Exit.REFUSED)


def _phrase(*, confirm: bool = False) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(
        typer.prompt(
            in_language("Lösenfras", "Passphrase"), hide_input=True, confirmation_prompt=confirm, err=True
        )
    )
