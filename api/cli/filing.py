"""document: files into the registry and out of it, part by part.

- A file is read and written a piece at a time; what is declared of it (--sha256) is held to, and a file that is refused
  leaves nothing behind.
- A file that is fetched gets its name only when it is whole.
"""

from __future__ import annotations

import mimetypes
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from api.access import authorise
from api.cli.acting import acting, result_of, told
from api.cli.options import Dir, Json, opened
from api.cli.output import answer, console, handled, in_language, plain
from api.copies import make
from api.documents import version_of
from api.extracts import certify
from api.faults import BadRequest
from api.intake import Intake, bring
from api.problems import Refusal
from api.rights import KEEPERS, Rights
from api.tokens import Caller
from api.wiring import Municipality
from domain.document import AddDocumentVersion, Covering, Document, RegisterDocument
from domain.errors import Forbidden
from domain.lookup import existing
from domain.messages import Command, fresh_id
from domain.sources import house
from registry.clock import local

PIECE = 1 << 20


class Purpose(StrEnum):
    """What a copy is for."""

    REQUEST = "request"
    WEB = "web"


class Direction(StrEnum):
    """Where a document goes."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    INTERNAL = "internal"


File = Annotated[Path, typer.Argument(metavar="FIL", help="Filen.", exists=True, dir_okay=False)]
DocumentId = Annotated[str, typer.Argument(metavar="HANDLING", help="Handlingens id.")]
MediaType = Annotated[
    str | None, typer.Option("--type", metavar="TYP", help="Mediatyp; annars efter filens namn.")
]
Sha256 = Annotated[str | None, typer.Option(metavar="HEX", help="Kontrollsumma som filen måste ha.")]
Day = Annotated[
    datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Dag den kom in eller upprättades.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    documents = typer.Typer(help="Handlingar och deras filer.", no_args_is_help=True)
    documents.command()(add)
    documents.command()(version)
    documents.command()(get)
    app.add_typer(documents, name="document")
    app.command()(extract)
    app.command()(copy)


def extract(
    minutes: Annotated[str, typer.Argument(metavar="ANTECKNINGAR", help="Anteckningarnas id.")],
    folder: Dir,
    item: Annotated[list[int], typer.Option(min=1, help="Punkt, en eller flera gånger.")],
    place: Annotated[str, typer.Option(help="Ort där utdraget bestyrks.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FIL", help="Skriv också papperet hit.", dir_okay=False)
    ] = None,
    json: Json = False,
) -> None:
    """Bestyrk ett protokollsutdrag och registrera det som handling i ärendet."""
    with handled(json):
        if out is not None and out.exists():
            raise BadRequest("file-exists", path=out)
        with opened(folder) as municipality:
            person, assurance = acting(municipality)
            command, saved = certify(municipality, person, assurance, minutes, item, place)
            if out is not None:
                state = existing(municipality.registry.world(), Document, command.document)
                _write(municipality, state.newest.file, out)
        result = {"id": command.document} | result_of(saved)
        answer(result, json, lambda: told(result))


def copy(
    minutes: Annotated[str, typer.Argument(metavar="ANTECKNINGAR", help="Anteckningarnas id.")],
    folder: Dir,
    purpose: Annotated[Purpose, typer.Option("--for", help="request: för en begäran. web: utan personnamn.")],
    item: Annotated[list[int] | None, typer.Option(min=1, help="Punkt; annars alla.")] = None,
    cover: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VAD=BESTÄMMELSE",
            help="Maska PUNKT, PUNKT/SLAG eller PUNKT/SLAG/DEL, som 1/dissent/view='OSL 18 kap. 1 §'. "
            "Punkt 0 är mötet som helhet.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FIL", help="Skriv också papperet hit.", dir_okay=False)
    ] = None,
    json: Json = False,
) -> None:
    """Gör en maskad kopia av stämplade anteckningar, med bevis i filen, och registrera den som handling."""
    with handled(json):
        if out is not None and out.exists():
            raise BadRequest("file-exists", path=out)
        coverings = [_covering(one) for one in cover or []]
        with opened(folder) as municipality:
            person, assurance = acting(municipality)
            command, saved = make(
                municipality, person, assurance, minutes, purpose.value, item or [], coverings
            )
            if out is not None:
                state = existing(municipality.registry.world(), Document, command.document)
                _write(municipality, state.newest.file, out)
        result = {"id": command.document} | result_of(saved)
        answer(result, json, lambda: told(result))


def _covering(given: str) -> Covering:
    """What is to be covered, as it is written on the command line."""
    where, _, provision = given.partition("=")
    number, kind, piece = (*where.split("/", 2), None, None)[:3]
    item = int(number) or None if number and number.isdecimal() else number
    said = {"item": item, "kind": kind, "piece": piece, "provision": provision}
    return Covering.model_validate(said)


def add(
    file: File,
    folder: Dir,
    title: Annotated[str, typer.Option(help="Kort vad handlingen rör.")],
    direction: Annotated[Direction, typer.Option(help="Inkommen, utgående eller upprättad.")],
    matter: Annotated[str | None, typer.Option(metavar="ÄRENDE", help="Ärendets id.")] = None,
    designation: Annotated[str | None, typer.Option(help="Annan beteckning än ärendets nummer.")] = None,
    kind: Annotated[str | None, typer.Option(help="Slag av handling.")] = None,
    date: Day = None,
    sender: Annotated[str | None, typer.Option(help="Avsändare.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Mottagare.")] = None,
    secrecy: Annotated[str | None, typer.Option(help="Bestämmelse om sekretess, om den märks.")] = None,
    media_type: MediaType = None,
    sha256: Sha256 = None,
    json: Json = False,
) -> None:
    """Registrera en handling med dess fil."""
    said: dict[str, Any] = {
        "document": fresh_id(), "title": title, "direction": str(direction), "matter": matter, "kind": kind,
        "designation": designation, "date": date.date() if date else None, "sender": sender, "recipient": recipient,
        "secrecy": {"provision": secrecy} if secrecy else None, "media_type": media_type or _guessed(file),
    }  # fmt: skip
    _take(file, folder, lambda **more: RegisterDocument(**said, **more), sha256, as_json=json)


def version(
    document: DocumentId,
    file: File,
    folder: Dir,
    note: Annotated[str | None, typer.Option(help="Vad som är nytt.")] = None,
    media_type: MediaType = None,
    sha256: Sha256 = None,
    json: Json = False,
) -> None:
    """Lägg en ny version till en handling; de tidigare finns kvar."""
    said: dict[str, Any] = {"document": document, "note": note, "media_type": media_type or _guessed(file)}
    _take(file, folder, lambda **more: AddDocumentVersion(**said, **more), sha256, as_json=json)


def _guessed(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _take(
    file: Path, folder: Path, command: Callable[..., Command], sha256: str | None, *, as_json: bool
) -> None:
    with handled(as_json):
        with opened(folder) as municipality:
            person, assurance = acting(municipality)
            permitted = command(size=0, file="0" * 64)
            registry = municipality.registry
            authorise(permitted, person, assurance, registry.world(), local(registry.now()))
            id = getattr(permitted, "document", "")
            with file.open("rb") as source:
                intake = Intake(iter(lambda: source.read(PIECE), b""), file.stat().st_size, sha256)

                def named(address: str) -> Command:
                    return command(size=intake.size, sha256=intake.sha256, file=address)

                saved = bring(municipality, person, assurance, id, intake, named)
        result = {"id": id, "sha256": intake.sha256, "size": intake.size} | result_of(saved)
        answer(result, as_json, lambda: told(result))


def get(
    document: DocumentId,
    folder: Dir,
    out: Annotated[Path, typer.Option(metavar="FIL", help="Dit filen skrivs.", dir_okay=False)],
    number: Annotated[int | None, typer.Option("--version", min=1, help="Annars den senaste.")] = None,
    json: Json = False,
) -> None:
    """Hämta en handlings fil."""
    with handled(json):
        if out.exists():
            raise BadRequest("file-exists", path=out)
        with opened(folder) as municipality:
            person, assurance = acting(municipality)
            state = existing(municipality.registry.world(), Document, document)
            try:
                Rights(Caller(municipality, person, assurance)).document(state)
            except Refusal as refused:
                roles = ", ".join(sorted(KEEPERS))
                raise Forbidden("reading-not-permitted", house(5), roles=roles) from refused
            found = version_of(document, state, number)
            _write(municipality, found.file, out)
        path = str(out.resolve())
        done = in_language("Filen är hämtad", "The file is fetched")
        result = {"document": document, "version": found.version, "path": path, "size": found.size}
        answer(result, json, lambda: console.print(plain(f"{done}: {path}")))


def _write(municipality: Municipality, address: str, out: Path) -> None:
    """The file whole under its name, or nothing."""
    parts: Iterator[bytes] = municipality.files.read(address)
    handle, name = tempfile.mkstemp(dir=out.resolve().parent, prefix=f".{out.name}-")
    try:
        with os.fdopen(handle, "wb") as target:
            for part in parts:
                target.write(part)
        Path(name).rename(out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
