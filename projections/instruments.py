"""Views of instruments: pictures, plans and the like with their versions and lineage, parts, decisions and follow-ups.

- Who made a version (compiled it, say) and who decided are in rows of their own; without a row nothing is known (Å5).
- What several documents say of one thing in different words are several rows (V6, V10).
- A duty that is counted for is one row a year, so that one dialogue shows under each of its years (V6).
"""

from __future__ import annotations

from collections.abc import Iterator

from domain import instrument_events as e
from projections.assignments import DECIDED, decided_values, due_values
from projections.view import Assert, Record, View, listed, number, says, text

STREAMS = frozenset({"instrument"})


def _instrument(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, e.InstrumentBegun):
        yield says(
            event.instrument,
            instrument=event.instrument,
            body=event.body,
            kind=event.kind,
            title=event.title,
            level=event.level,
            parties=event.parties,
            matter=event.matter,
        )


INSTRUMENT = View(
    "instrument",
    1,
    STREAMS,
    [
        text("instrument"),
        text("body"),
        text("kind"),
        text("title"),
        text("level"),
        listed("parties"),
        text("matter"),
    ],
    _instrument,
    identity=("instrument",),
    indexed=("body",),
)


def _edition(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, e.InstrumentVersionMade):
        yield says(
            f"{event.instrument}/{event.version}",
            instrument=event.instrument,
            version=event.version,
            made=event.made,
            made_by=event.made_by,
            document=event.document,
            builds_on=event.builds_on,
            valid_from=event.valid_from,
            valid_to=event.valid_to,
            day=record.fact.happened.text,
        )


EDITION = View(
    "instrument-version",
    1,
    STREAMS,
    [
        text("instrument"),
        number("version"),
        text("made"),
        text("made_by"),
        text("document"),
        listed("builds_on"),
        text("valid_from"),
        text("valid_to"),
        text("day"),
    ],
    _edition,
    identity=("instrument", "version"),
)


def _part(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, e.InstrumentPartAdded):
        yield says(
            f"{event.instrument}/{event.part}",
            instrument=event.instrument,
            part=event.part,
            kind=event.kind,
            place=event.place,
            what=event.what,
            owners=event.owners,
            under=event.under,
            assignment=event.assignment,
            **due_values(event.due),
        )


PART = View(
    "instrument-part",
    1,
    STREAMS,
    [
        text("instrument"),
        number("part"),
        text("kind"),
        text("place"),
        text("what"),
        listed("owners"),
        number("under"),
        text("assignment"),
        text("due_written"),
        text("due_first"),
        text("due_last"),
        text("read_by"),
    ],
    _part,
    identity=("instrument", "part"),
)


def _decision(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, e.InstrumentDecided):
        yield says(
            f"{event.instrument}/{event.number}",
            instrument=event.instrument,
            number=event.number,
            act=event.act,
            version=event.version,
            part=event.part,
            organisation=event.organisation,
            by_municipality=event.by_municipality,
            effective=event.effective,
            **decided_values(event.decided),
        )


DECISION = View(
    "instrument-decision",
    1,
    STREAMS,
    [
        text("instrument"),
        number("number"),
        text("act"),
        number("version"),
        number("part"),
        text("organisation"),
        number("by_municipality"),
        text("effective"),
        *map(text, DECIDED),
        number("given_decision"),
    ],
    _decision,
    identity=("instrument",),
)


def _followed(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, e.InstrumentFollowedUp):
        yield says(
            f"{event.instrument}/{event.number}",
            instrument=event.instrument,
            number=event.number,
            version=event.version,
            text=event.text,
            document=event.document,
            day=record.fact.happened.text,
        )


FOLLOWED = View(
    "instrument-follow-up",
    1,
    STREAMS,
    [
        text("instrument"),
        number("number"),
        number("version"),
        text("text"),
        text("document"),
        text("day"),
    ],
    _followed,
    identity=("instrument",),
)


def _counted(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, e.InstrumentCounted):
        for year in event.years:
            key = f"{event.instrument}/{event.duty}/{year}"
            yield says(key, instrument=event.instrument, duty=event.duty, year=year)


COUNTED = View(
    "instrument-year",
    1,
    STREAMS,
    [text("instrument"), text("duty"), number("year")],
    _counted,
    identity=("instrument", "duty", "year"),
)

VIEWS = (INSTRUMENT, EDITION, PART, DECISION, FOLLOWED, COUNTED)
