"""Commands that let people in: user, token, passphrase."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import AsJson, answer, console, handled
from api.passphrases import Passphrases
from api.wiring import open_folder
from domain.lookup import existing
from domain.person import Person

Dir = Annotated[Path, typer.Option("--dir", help="Registrets datamapp.")]
Who = Annotated[str, typer.Argument(metavar="PERSON", help="Personens id i registret.")]
Json = Annotated[bool, AsJson]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(token)
    app.command("passphrase-link")(passphrase_link)


def token(
    dir: Dir,
    person: Who,
    label: Annotated[str, typer.Option(help="Vad kortet är till för.")] = "kommandoraden",
    days: Annotated[int, typer.Option(min=1, max=400, help="Hur många dagar det gäller.")] = 90,
    revoke: Annotated[bool, typer.Option("--revoke", help="Återkalla i stället alla personens kort.")] = False,
    json: Json = False,
) -> None:
    """Ge en person en nyckel till gränssnittet. Den visas bara nu."""
    with handled(json):
        municipality = open_folder(dir)
        try:
            existing(municipality.registry.world(), Person, person)
            if revoke:
                gone = municipality.vault.revoke(person)
                answer({"person": person, "revoked": gone}, json, lambda: console.print(f"{gone} nycklar återkallades."))
                return
            expires = municipality.registry.clock.now() + timedelta(days=days)
            issued = municipality.vault.issue_token(person, "access", label, expires)
        finally:
            municipality.close()
        result = {"person": person, "token": issued, "expires": expires.isoformat()}
        answer(result, json, lambda: console.print(f"{issued}\nGäller {days} dagar och visas bara nu."))


def passphrase_link(dir: Dir, person: Who, json: Json = False) -> None:
    """Ge en person ett engångskort att välja lösenfras för underskrift med. Det visas bara nu."""
    with handled(json):
        municipality = open_folder(dir)
        try:
            existing(municipality.registry.world(), Person, person)
            link = Passphrases(municipality.vault).link(person, municipality.registry.clock.now())
        finally:
            municipality.close()
        result = {"person": person, "link": link}
        answer(result, json, lambda: console.print(f"{link}\nGäller en gång, i sju dagar, och visas bara nu."))
