"""Commands that let people in: token, passphrase-link."""

from __future__ import annotations

from typing import Annotated

import typer

from api.admission import Admission
from api.cli.options import Dir, Json, Who, opened
from api.cli.output import answer, console, handled, in_language


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(token)
    app.command("passphrase-link")(passphrase_link)


def token(
    folder: Dir,
    person: Who,
    label: Annotated[str, typer.Option(help="Vad nyckeln är till för.")] = "kommandoraden",
    days: Annotated[int, typer.Option(min=1, max=400, help="Hur många dagar den gäller.")] = 90,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Återkalla i stället alla personens nycklar.")
    ] = False,
    json: Json = False,
) -> None:
    """Ge en person en nyckel till gränssnittet. Den visas bara nu."""
    with handled(json), opened(folder) as municipality:
        admission = Admission(municipality, municipality.settings.operator, "operator")
        if revoke:
            gone = admission.revoke(person)
            revoked = in_language(f"{gone} nycklar återkallades.", f"{gone} tokens were revoked.")
            answer({"person": person, "revoked": gone}, json, lambda: console.print(revoked))
            return
        issued, expires = admission.token(person, label, days)
        lasts = in_language(
            f"Gäller {days} dagar och visas bara nu.", f"Good for {days} days, and shown only now."
        )
        result = {"person": person, "token": issued, "expires": expires.isoformat()}
        answer(result, json, lambda: console.print(f"{issued}\n{lasts}"))


def passphrase_link(folder: Dir, person: Who, json: Json = False) -> None:
    """Ge en person ett engångskort att välja lösenfras för underskrift med. Det visas bara nu."""
    with handled(json), opened(folder) as municipality:
        link = Admission(municipality, municipality.settings.operator, "operator").link(person)
        lasts = in_language(
            "Gäller en gång, i sju dagar, och visas bara nu.",
            "Good once, for seven days, and shown only now.",
        )
        answer({"person": person, "link": link}, json, lambda: console.print(f"{link}\n{lasts}"))
