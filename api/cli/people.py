"""Commands about people: token, passphrase-link, and all that is held on somebody: held-on."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.admission import Admission
from api.cli.acting import acting
from api.cli.options import Dir, Json, Who, opened
from api.cli.output import answer, console, handled, in_language, plain
from api.personal import held
from api.problems import Refusal
from api.rights import KEEPERS, Rights
from api.tokens import Caller
from domain.errors import Forbidden
from domain.sources import house


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(token)
    app.command("passphrase-link")(passphrase_link)
    app.command("held-on")(held_on)


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


def held_on(folder: Dir, person: Who, json: Json = False) -> None:
    """Visa allt som finns om en person i registret (registerutdrag)."""
    with handled(json), opened(folder) as municipality:
        asking, assurance = acting(municipality)
        try:
            Rights(Caller(municipality, asking, assurance)).held_on(person)
        except Refusal as refused:
            roles = ", ".join(sorted(KEEPERS))
            raise Forbidden("reading-not-permitted", house(5), roles=roles) from refused
        result = held(municipality, person)
        answer(result, json, lambda: _told(result))


def _told(result: dict[str, Any]) -> None:
    console.print(", ".join(result["names"]) or "█████")
    for name, value in result["register"].items():
        if value:
            console.print(plain(f"  {name}: {value}"))
    for one in result["events"]:
        console.print(
            f"{one['position']:>7}  {one['happened']:16} {one['kind']:32} {', '.join(one['about'])}"
        )
        for path, words in one["fields"].items():
            console.print(plain(f"{'':9}{path}: {words}"))
    if drafts := result["drafts"]:
        console.print(
            in_language(
                f"Dessutom {drafts} utkast och kommentarer, som inte är färdiga.",
                f"Besides, {drafts} drafts and comments, which are not final.",
            )
        )
