"""A copy of minutes on a paper of its own: what it shows, and over what it does not show, by which provision.

- Everything printed comes from the version's own event, as on the original; covered wording is exchanged for its
  provision before anything is laid out, so that nothing of it can come on the paper by another way.
- A copy carries no signatures. It says by whom the original was approved only where names may stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from domain.messages import Fact, World
from domain.minutes_events import MinutesVersionMade
from projections.paper import sheets
from projections.paper.minutes import heads, minutes_sheet
from projections.paper.words import Covered, day_in_words, recorded

KINDS = {"request": "Maskad kopia", "web": "Kopia för webben"}
CHECK = "Beviset ligger i filen och på adressen i QR-koden: den som vill kan pröva att kopian hör till originalet."


def covering(event: MinutesVersionMade, covered: Mapping[str, str]) -> MinutesVersionMade:
    """A version's event with what is covered exchanged for its provision; covered is by place in the event."""
    statements = tuple(
        one.model_copy(
            update={
                "fields": {
                    name: _shown(value, f"statements/{number}/fields/{name}", covered)
                    for name, value in one.fields.items()
                }
            }
        )
        for number, one in enumerate(event.statements)
    )
    texts = {item: _shown(value, f"texts/{item}", covered) for item, value in event.texts.items()}
    return event.model_copy(update={"statements": statements, "texts": texts})


def _shown(value: object, path: str, covered: Mapping[str, str]) -> object:
    return Covered(provision=covered[path]) if path in covered else value


def copy_sheet(
    fact: Fact,
    items: Sequence[int],
    covered: Mapping[str, str],
    purpose: str,
    world: World,
    municipality: str,
    *,
    example: bool,
    root: str,
    qr: str,
    made_at: str,
) -> sheets.Copy:
    """The sheet of a copy of some items of a version; made_at is the recorded_at at which it is made."""
    event = fact.event
    assert isinstance(event, MinutesVersionMade)
    whole = minutes_sheet(
        replace(fact, event=covering(event, covered)), world, municipality, example=example, root=root
    )
    assert isinstance(whole, sheets.Minutes), "a correction is not copied"
    wanted = {*items, None} if set(event.covers) <= set(items) else set(items)
    chosen = tuple(item for head, item in zip(heads(event), whole.items, strict=True) if head.item in wanted)
    marks = ", ".join(item.mark for item in chosen if item.mark)
    part = "" if len(chosen) == len(whole.items) else f", {marks or f'{len(chosen)} punkter'}"
    provisions = tuple(dict.fromkeys(covered.values()))
    first = whole.first_page if not part else replace(whole.first_page, sections=marks.replace("§ ", ""))
    return sheets.Copy(
        head=replace(whole.head, kind=KINDS[purpose], recorded_at=recorded(made_at), check=CHECK),
        concerns=(
            sheets.Fact(
                label="Kopia av",
                value=f"{whole.head.kind} från {day_in_words(str(whole.head.date))}{part}"
                f" (kortkod {whole.head.short_code})",
            ),
            sheets.Fact(label="Maskat enligt", value="; ".join(provisions)),
        ),
        first_page=first,
        items=chosen,
        qr=qr,
        words=whole.words,
    )
