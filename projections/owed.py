"""The obligations of the bodies as of a day and a position: the rules adopted, and what happened by then.

- What happened is read from the trail: whatever kind of event a rule names, one query finds it. Approval is the moment
  when the last office approved, or when minutes that nobody signs were finished; a version made void has none.
- Minutes are sent when they have gone to everyone who is to have them; dispatched, when they have gone to as many as
  the rules name, a group as one.
- What an instrument was said to count for counts in those years, wherever the instrument belongs (V6). What somebody
  said that an event counts for is done by it, if nothing else fulfils that.
- An occasion that is no event of its own is one by the name under which it was entered.
- Before the day on which the registry was begun nothing had to be entered here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from domain.body import Body, Regulation
from domain.messages import TOPICS
from domain.regulation import Rules
from projections.audit import to_csv
from projections.collecting import rarely_collected
from projections.instruments import COUNTED, INSTRUMENT
from projections.minutes import MINUTES
from projections.obligations import Asked, Obligation, Occurrence, obligations_of
from projections.organisation import OCCASION
from projections.reading import rows
from projections.register import REGULATION
from projections.trail import AUDIT, CONCERN
from projections.view import Row
from registry.clock import local, unstamp
from registry.registry import Registry

APPROVED, COUNTS, SENT, DISPATCHED, ADOPTED = (
    "minutes-approved", "instrument-counted", "minutes-sent", "decision-dispatched", "regulation-adopted"
)  # fmt: skip
FEW = 8  # bodies of which it is quicker to look through all that concerns them
COLUMNS = (
    *"state reason first last period body rule text modality condition times done after done_on late days".split(),
    *"accepted_by positions source_document source_section fact regulation id".split(),
)


@rarely_collected()
def owed(
    registry: Registry,
    engine: sa.Engine,
    day: date,
    known: int | None = None,
    bodies: Iterable[str] | None = None,
    until: date | None = None,
) -> list[Obligation]:
    """What is asked of the bodies, all if none are named, on a day; until: and what begins by then. By last day."""
    world, adopted = registry.world(known), _adopted(engine, known)
    some = set(adopted if bodies is None else bodies)
    wanted = [id for id in adopted if id in some]
    rules = {id: world.get(Body, id).regulations for id in wanted}
    dues = [due for one in _distinct(rules) for _, due in one.watched()]
    together = any(due.together_with for due in dues)
    if together and bodies is not None:
        rules = {id: world.get(Body, id).regulations for id in adopted}
    others: dict[str, frozenset[str]] = {}
    for id, regulations in rules.items() if together else ():
        for regulation in regulations:
            code = regulation.rules.id.rpartition("/")[2]
            others[code] = others.get(code, frozenset()) | {id}
    topics = {topic for due in dues for topic in (*due.after, *due.fulfilled_by)}
    happened = occurrences(engine, topics, known, None if bodies is None or together else wanted)
    asked = Asked(day, begun(engine), max(day, until or day))
    by_body = {} if together else apart(happened)
    found: list[Obligation] = []
    for id in wanted:
        own = happened if together else by_body.get(id, {})
        found += obligations_of(id, rules[id], own, asked, others)
    counted = {one["key"]: one["counted"] for one in rows(engine, "fulfilment", known, day.isoformat())}
    if counted:
        days = _days(engine, {position for each in counted.values() for position in each})
        found = [_fulfilled(one, counted[one.id], days) if one.id in counted else one for one in found]
    accepted = {one["key"]: one for one in rows(engine, "deviation", known, day.isoformat())}
    found = [_accepted(one, accepted[one.id]) if one.id in accepted else one for one in found]
    return sorted(found, key=order)


def order(one: Obligation) -> tuple[date, date, str]:
    """By last day; what has none comes last."""
    return one.last or date.max, one.first or date.min, one.id


def moved(engine: sa.Engine, after: int, upto: int) -> set[str]:
    """The bodies that something happened to between two positions."""
    c = AUDIT.table.c
    asked = sa.select(c.body).distinct().where(c.position > after, c.position <= upto, c.body.is_not(None))
    with engine.connect() as db:
        return set(db.execute(asked).scalars())


def _adopted(engine: sa.Engine, known: int | None) -> list[str]:
    """The bodies that have rules, in the order in which they got them."""
    c = REGULATION.table.c
    asked = sa.select(c.body).group_by(c.body).order_by(sa.func.min(c.position))
    if known is not None:
        asked = asked.where(c.position <= known)
    with engine.connect() as db:
        return list(db.execute(asked).scalars())


def _distinct(rules: Mapping[str, Iterable[Regulation]]) -> Iterable[Rules]:
    """The rules of some bodies, those that several have once."""
    return {id(one.rules): one.rules for several in rules.values() for one in several}.values()


def _accepted(one: Obligation, deviation: Row) -> Obligation:
    if one.state in ("done", "not-applicable"):
        return one
    positions, by = (*one.positions, deviation["position"]), deviation["accepted_by"]
    return replace(
        one, state="accepted-deviation", reason=deviation["reason"], positions=positions, accepted_by=by
    )


def _fulfilled(one: Obligation, counted: Iterable[int], days: Mapping[int, date | None]) -> Obligation:
    """What somebody said counts for it, where nothing else fulfils it."""
    positions = tuple(counted)
    if one.state in ("done", "not-applicable"):
        return one
    if len(positions) < one.times:
        return replace(one, positions=positions)
    last = [days.get(position) for position in positions]
    done_on = max((day for day in last if day), default=None) if None not in last else None
    return replace(one, state="done", reason="", positions=positions, done_on=done_on, days=None)


def _days(engine: sa.Engine, positions: Iterable[int]) -> dict[int, date | None]:
    """The last day on which each may have happened."""
    c = AUDIT.table.c
    with engine.connect() as db:
        asked = sa.select(c.position, c.happened_to).where(c.position.in_(positions))
        return {position: _day(last) for position, last in db.execute(asked)}


def apart(happened: Mapping[str, Iterable[Occurrence]]) -> dict[str, dict[str, list[Occurrence]]]:
    """What happened by body, so that none has to look through what is others'."""
    found: dict[str, dict[str, list[Occurrence]]] = {}
    for topic, several in happened.items():
        for one in several:
            found.setdefault(one.body, {}).setdefault(topic, []).append(one)
    return found


def begun(engine: sa.Engine) -> date:
    """The day on which the registry was begun."""
    with engine.connect() as db:
        first = db.execute(sa.select(AUDIT.table.c.recorded_at).where(AUDIT.table.c.position == 1)).scalar()
    return local(unstamp(first)).date() if first else date.min


def occurrences(
    engine: sa.Engine, topics: Iterable[str], known: int | None = None, bodies: Iterable[str] | None = None
) -> dict[str, list[Occurrence]]:
    """What happened of some kinds, by kind and in the order it was entered; of some bodies or all."""
    wanted = set(topics)
    found: dict[str, list[Occurrence]] = {topic: [] for topic in wanted}
    kinds = {f"{topic}.v1" for topic in wanted - {COUNTS, APPROVED}} & TOPICS.keys()
    a, c = AUDIT.table.c, CONCERN.table.c
    told = sa.case((a.kind == f"{SENT}.v1", a.details), (a.kind == f"{DISPATCHED}.v1", a.searched))
    named = a.position, a.kind, a.body, a.stream, a.meeting, a.happened_from, a.happened_to, told
    some = None if bodies is None else list(bodies)
    # Of a few bodies the database is to begin with what concerns them, and not with the index of kinds.
    few = some is not None and len(some) <= FEW
    asked = sa.select(*named).where((a.kind.concat("") if few else a.kind).in_(kinds)).order_by(a.position)
    if known is not None:
        asked = asked.where(a.position <= known)
    if some is not None:
        asked = asked.where(a.body.in_(some))
    if few:
        concerned = sa.select(c.position).where(c.key.in_([f"body/{body}" for body in some or ()]))
        asked = asked.where(a.position.in_(concerned))
    with engine.connect() as db:
        about = _instruments(db) if any(one.startswith("instrument-") for one in wanted) else {}
        told_rows = [(kind[:-3], row) for kind, row in ((one[1], one) for one in db.execute(asked).all())]
        if APPROVED in wanted:
            approved = sa.select(*named).where(a.position.in_(_complete(known, bodies)))
            told_rows += [(APPROVED, row) for row in db.execute(approved.order_by(a.position)).all()]
        adopted = _adoptions(db) if ADOPTED in wanted else {}
        apart_from = {f"minutes-{id}" for id in db.execute(_secret()).scalars()} if SENT in wanted else ()
        for topic, (position, _, body, stream, meeting, begun, ended, details) in told_rows:
            if stream in apart_from:
                continue
            # What was adopted was adopted when it was decided, whenever that was entered.
            first, last = (adopted.get(position, day) if topic == ADOPTED else day for day in (begun, ended))
            if details and '"remaining":["' in details.replace(" ", ""):
                continue
            kinds_of = about.get(stream.partition("-")[2], ()) if stream.startswith("instrument-") else ()
            if topic == DISPATCHED:
                kinds_of = (details or "",)  # to whom
            found[topic].append(
                Occurrence(position, topic, body or "", stream, meeting, _day(first), _day(last), kinds_of)
            )
        if COUNTS in wanted:
            found[COUNTS] = list(_counted(db, about, known, bodies))
        for one in _occasions(db, wanted, known, bodies):
            found[one.topic].append(one)
    return found


@lru_cache(maxsize=10_000)
def _day(minute: str | None) -> date | None:
    return date.fromisoformat(minute[:10]) if minute else None


def _complete(known: int | None, bodies: Iterable[str] | None) -> sa.Select[Any]:
    """Where the last approval of each minutes stands, or where they were finished or sealed without one."""
    c = MINUTES.table.c
    last = sa.func.max(sa.case((c.status != "sealed", c.position)))
    asked = sa.select(sa.func.coalesce(last, sa.func.min(c.position))).group_by(c.minutes)
    asked = asked.where(c.status.in_(("approved", "finished", "sealed")), c.minutes.not_in(_secret()))
    if known is not None:
        asked = asked.where(c.position <= known)
    if bodies is not None:
        asked = asked.where(c.minutes.in_(sa.select(c.minutes).where(c.body.in_(list(bodies)))))
    return asked


def _adoptions(db: sa.Connection) -> dict[int, str]:
    c = REGULATION.table.c
    asked = sa.select(c.position, c.adopted_on).where(c.adopted_on.is_not(None))
    return {row.position: row.adopted_on for row in db.execute(asked)}


def _secret() -> sa.Select[Any]:
    """Minutes of secret items: no rule about minutes is fulfilled by them alone."""
    c = MINUTES.table.c
    return sa.select(c.minutes).where(c.secret == 1)


def _instruments(db: sa.Connection) -> dict[str, tuple[str, ...]]:
    c = INSTRUMENT.table.c
    asked = sa.select(c.instrument, c.kind, c.body).where(c.kind.is_not(None))
    return {instrument: (kind, body) for instrument, kind, body in db.execute(asked)}


def _counted(
    db: sa.Connection,
    about: Mapping[str, tuple[str, ...]],
    known: int | None,
    bodies: Iterable[str] | None,
) -> Iterable[Occurrence]:
    c = COUNTED.table.c
    asked = sa.select(c.position, c.instrument, c.duty, c.year).order_by(c.position, c.year)
    if known is not None:
        asked = asked.where(c.position <= known)
    for position, instrument, duty, year in db.execute(asked):
        kind, body = about.get(instrument, ("", ""))
        if bodies is None or body in bodies:
            first, last = date(year, 1, 1), date(year, 12, 31)
            stream = f"instrument-{instrument}"
            yield Occurrence(position, COUNTS, body, stream, None, first, last, (duty, kind))


def _occasions(
    db: sa.Connection, wanted: Iterable[str], known: int | None, bodies: Iterable[str] | None
) -> Iterable[Occurrence]:
    """What happened that is no event of its own, under the names that rules give it."""
    named = [topic for topic in wanted if f"{topic}.v1" not in TOPICS]
    c = OCCASION.table.c
    asked = sa.select(c.position, c.occasion, c.body, c.meeting, c.happened_from, c.happened_to)
    if known is not None:
        asked = asked.where(c.position <= known)
    if bodies is not None:
        asked = asked.where(c.body.in_(list(bodies)))
    for position, occasion, body, meeting, first, last in db.execute(
        asked.where(c.occasion.in_(named)).order_by(c.position)
    ):
        yield Occurrence(position, occasion, body, "", meeting, _day(first), _day(last))


# --- how it is shown
def row(one: Obligation) -> Row:
    """An obligation as it is listed."""
    source = one.rule.source
    return {
        "id": one.id,
        "body": one.body,
        "rule": one.rule.id,
        "text": one.rule.text,
        "modality": one.rule.modality,
        "condition": one.rule.condition,
        "period": one.period,
        "first": one.first,
        "last": one.last,
        "state": one.state,
        "reason": one.reason,
        "times": one.times,
        "done": len(one.positions) if one.state != "unknown" else None,
        "positions": one.positions,
        "after": one.after,
        "done_on": one.done_on,
        "late": one.late,
        "days": one.days,
        "accepted_by": one.accepted_by,
        "source_document": source.document,
        "source_section": source.section,
        "fact": source.fact,
        "regulation": one.regulation,
    }


def as_csv(found: Iterable[Obligation]) -> bytes:
    """The list as a spreadsheet reads it."""

    def cells(one: Obligation) -> dict[str, Any]:
        told = row(one)
        return told | {"positions": " ".join(map(str, told["positions"])), "late": int(told["late"])}

    return to_csv(map(cells, found), COLUMNS)
