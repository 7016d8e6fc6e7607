"""Whole items of sealed minutes on a paper of their own (protokollsutdrag).

- An item is taken whole, as it stands in the sealed version, with the facts of the first page: nothing is left out of
  it, so that nobody reads a decision without the dissent under it.
- Who certifies the extract, where and when, is said on it. It names the minutes it was taken from by the code that
  stands on every page of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.messages import Fact, World
from domain.minutes_events import MinutesVersionMade
from projections.paper import sheets
from projections.paper.minutes import heads, minutes_sheet
from projections.paper.words import day_in_words, recorded
from registry.clock import local


class NoSuchItem(Exception):
    """The minutes do not cover an item that was asked for."""


def extract_sheet(
    fact: Fact,
    items: Sequence[int],
    world: World,
    municipality: str,
    *,
    example: bool,
    root: str,
    certifier: sheets.Signer,
    place: str,
    certified_at: str,
) -> sheets.Extract:
    """The sheet of an extract of some items from a version; certified_at is the recorded_at of the certifying."""
    event = fact.event
    assert isinstance(event, MinutesVersionMade)
    whole = minutes_sheet(fact, world, municipality, example=example, root=root)
    if not isinstance(whole, sheets.Minutes) or not items or set(items) - set(event.covers):
        raise NoSuchItem(", ".join(map(str, items)))
    chosen = tuple(item for head, item in zip(heads(event), whole.items, strict=True) if head.item in items)
    moment = recorded(certified_at)
    head = replace(whole.head, kind="Protokollsutdrag", recorded_at=moment)
    marks = ", ".join(item.mark for item in chosen if item.mark)
    return sheets.Extract(
        head=head,
        source=f"{whole.head.kind} från {day_in_words(str(whole.head.date))}"
        + (f", {marks}" if marks else "")
        + f" (kortkod {whole.head.short_code})",
        first_page=replace(whole.first_page, sections=marks.replace("§ ", "")),
        items=chosen,
        certified_place=place,
        certified_date=day_in_words(local(moment).date().isoformat()),
        certifier=certifier,
        qr=whole.qr,
        words=whole.words,
    )
