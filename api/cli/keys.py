"""keys: what there is and until when; what is due; a new key; a key that somebody else may have had."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from api.cli.options import Dir, Json, opened
from api.cli.output import answer, console, handled, in_language, progress
from api.faults import Fault
from api.keykeeping import compromised as report
from api.keykeeping import listed, renew_all
from api.keykeeping import rotate as replace
from registry.clock import ZONE

Name = Annotated[
    Literal["ca", "seal", "timestamp", "log"], typer.Argument(metavar="NYCKEL", help="seal, timestamp, log")
]
NAMES = {
    "ca": ("utfärdaren", "authority"),
    "seal": ("stämpeln", "seal"),
    "timestamp": ("tidsstämplingen", "time stamps"),
    "log": ("loggen", "log"),
}
STATES = {
    "in-use": ("används", "in use"),
    "replaced": ("ersatt", "replaced"),
    "compromised": ("röjd", "compromised"),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Nycklar: vad som finns, vad som ska förnyas, och om en nyckel har röjts.")
    group.command("list")(list_)
    for command in (renew, rotate, compromised):
        group.command()(command)
    app.add_typer(group, name="keys")


def list_(folder: Dir, json: Json = False) -> None:
    """Visa nycklarna: fingeravtryck, hur länge de gäller och hur de står."""
    with handled(json), opened(folder) as municipality:
        rows = listed(municipality)

        def human() -> None:
            for row in rows:
                name, state = in_language(*NAMES[row["key"]]), in_language(*STATES[row["state"]])
                since = f" {row['compromised_since'][:10]}" if row["compromised_since"] else ""
                until = (
                    in_language("gäller t.o.m.", "valid until") + f" {row['until'][:10]}"
                    if row["until"]
                    else ""
                )
                console.print(f"{name:16} {state + since:22} {row['fingerprint'][:16]}  {until}")

        answer({"keys": rows}, json, human)


def renew(
    folder: Dir,
    every: Annotated[
        bool, typer.Option("--all", help="Stämpla om alla, inte bara dem som snart går ut.")
    ] = False,
    json: Json = False,
) -> None:
    """Gör det som behövs: spärrlista, nya certifikat, nya arkivstämplar. Kan köras varje år, och om när som helst."""
    with handled(json):
        with opened(folder) as municipality, progress(in_language("Stämplar om", "Stamping again")) as done:
            result = renew_all(municipality, every, done)
        answer(result, json, lambda: _renewed(result))


def _renewed(result: dict[str, Any]) -> None:
    if result["crl"]:
        console.print(in_language("Spärrlistan gjordes om.", "The revocation list was made anew."))
    for one in result["replaced"]:
        _replaced(one)
    told = in_language(
        "{done} av {all} stämplade handlingar fick en ny arkivstämpel.",
        "{done} of {all} sealed documents got a new archive time stamp.",
    )
    console.print(told.format(done=len(result["restamped"]), all=result["sealed"]))


def rotate(folder: Dir, key: Name, json: Json = False) -> None:
    """Ge stämpeln, tidsstämplingen eller loggen en ny nyckel."""
    with handled(json), opened(folder) as municipality:
        if key == "ca":
            raise Fault("ca-not-replaced")
        result = replace(municipality, key)
        answer(result, json, lambda: _replaced(result))


def _replaced(one: dict[str, Any]) -> None:
    told = in_language("En ny nyckel för {key} gäller: {new}", "A new key for the {key} counts: {new}")
    console.print(told.format(key=in_language(*NAMES[one["key"]]), new=one["new"][:16]))


def compromised(
    folder: Dir,
    key: Name,
    since: Annotated[
        str,
        typer.Option(metavar="TID", help="När någon annan tidigast kan ha haft nyckeln."),
    ],
    json: Json = False,
) -> None:
    """Anmäl att någon annan kan ha haft en nyckel: den spärras från den tiden, och en ny tar vid."""
    with handled(json), opened(folder) as municipality:
        if key == "ca":
            raise Fault("ca-not-replaced")
        result = report(municipality, key, _moment(since))

        def human() -> None:
            told = in_language(
                "Nyckeln {old} är spärrad från {since}. Det som bevisligen är äldre står kvar.",
                "The key {old} is revoked from {since}. What is proven to be older stands.",
            )
            console.print(told.format(old=result["old"][:16], since=result["since"]))
            _replaced(result)

        answer(result, json, human)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Fault("bad-moment", text=text) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
