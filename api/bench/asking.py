"""Asking: the audit's queries and the as-of reads of the daily views, beside the limits they are held to.

- Each query asks by one or two of what people ask by: a body, a person, a matter, a meeting, a kind of event, a rule, a
  finding, when it was recorded or happened; whom and what is drawn from the log at random, a page of 100 rows. A search
  in the words stands apart: it finds by reading.
- The obligations of so many bodies are worked out, from the database. They are listed a page at a time, on one of the
  last days, while every tenth time something has happened to a body before; and those of one body on any day.
- Daily reads are a body's meetings, mandates and what is to be done, and one meeting's items, attendance and decisions,
  each as known at a position and true on a day.
- An inclusion proof reads the tiles on its way from a leaf drawn at random to the root. All tiles have been read once
  before, as a service that runs has them in memory; the first read of one from a disk takes longer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from statistics import median

import sqlalchemy as sa

from api.bench.figures import Figure, Tell, percentile, seconds, within
from api.bench.scales import Scale
from api.bench.synthetic import SEED, YEARS, Log
from api.obligations import QUESTIONS, Kept
from api.wiring import Municipality, open_folder
from domain.body_events import BodySteers
from domain.messages import Actor, Mandate, New, Role
from projections.audit import AuditQuery, query
from projections.evidence import inclusion, tiles
from projections.owed import owed, row
from projections.reading import rows
from projections.trail import AUDIT, CONCERN
from projections.view import Row
from registry.registry import Decision

AUDIT_LIMIT, AS_OF_LIMIT, PROOF_LIMIT, LISTED_LIMIT = 50.0, 100.0, 0.5, 100.0
WORKED_OUT_LIMIT = 1.0
LAST = date(2024, 12, 31)
KINDS = ("decision-recorded", "minutes-approved", "kallelse-issued", "dissent-recorded")
BODY_VIEWS, MEETING_VIEWS = ("meeting", "mandate", "todo"), ("item", "attendance", "decision")
Question = Callable[[], object]


def measure(log: Log, scale: Scale, tell: Tell) -> Iterator[Figure]:
    """Over the whole log, its views up to date."""
    of = f"{log.size:,} events".replace(",", " ")
    tell(f"audit queries over {of}")
    municipality = open_folder(log.dir)
    engine, pick = municipality.views, random.Random(SEED)  # noqa: S311  # draws questions; not secrets
    try:
        municipality.projector.catch_up()
        found = _Found(engine, log.size, pick)
        audit = [partial(query, engine, found.query()) for _ in range(scale.questions)]
        yield from _times(f"audit query over {of}", audit, AUDIT_LIMIT)
        searches = [
            partial(query, engine, AuditQuery(text=found.words())) for _ in range(scale.questions // 10)
        ]
        yield from _times(f"search in the words of {of}", searches, AUDIT_LIMIT)
        tell("reads of the daily views, as of")
        reads = [_read(engine, found) for _ in range(scale.questions)]
        yield from _times(f"as-of read of the daily views, {of}", reads, AS_OF_LIMIT)
        tell("inclusion proofs")
        registry, size = municipality.registry, log.size
        proofs = [
            partial(inclusion, engine, registry, pick.randint(1, size), size) for _ in range(scale.questions)
        ]
        with engine.connect() as db:  # a service that runs has them in memory: 32 MB of a million leaves
            sum(map(len, db.execute(sa.select(tiles.c.hashes)).scalars()))
        yield next(_times(f"inclusion proof by SQL, {of}", proofs, PROOF_LIMIT))
        tell("obligations")
        yield from _obligations(municipality, found, scale)
    finally:
        municipality.close()


def _obligations(municipality: Municipality, found: _Found, scale: Scale) -> Iterator[Figure]:
    registry, engine = municipality.registry, municipality.views
    bodies = [one["body"] for one in rows(engine, "regulation")]
    some = bodies[: scale.bodies]
    of = f"obligations of {len(some)} bod{'ies' if len(some) > 1 else 'y'} over {YEARS} years"
    worked_out = partial(owed, registry, engine, LAST, None, some)
    worked_out()  # a service that runs has read the bodies' rules before
    taken = [seconds(worked_out) for _ in range(scale.turns)]
    yield within(f"{of}: worked out", median(taken), "s", "limit", WORKED_OUT_LIMIT)
    kept, system = Kept(), Actor("system", Mandate(Role.SYSTEM), "system")

    def page(day: date) -> list[Row]:
        listed = [one for one in kept.of(municipality, day, None, None) if one.state != "done"]
        return [row(one) for one in listed[:20]]

    def something_happens() -> None:
        body = found.pick.choice(bodies)
        steers = BodySteers.model_validate(
            {"body": body, "project": "X", "assignment": None, "valid_from": None, "valid_to": None}
        )
        registry.save(Decision(system, [New(f"body-{body}", steers)]), {})
        municipality.projector.catch_up()

    days = [LAST - timedelta(days=number) for number in range(QUESTIONS)]
    pages = [partial(page, days[number % QUESTIONS]) for number in range(scale.questions)]
    all_of = f"page of the obligations of {len(bodies)} bod{'ies' if len(bodies) > 1 else 'y'}"
    yield from _times(all_of, pages, LISTED_LIMIT, something_happens)
    single = [
        partial(owed, registry, engine, found.day(), None, [found.pick.choice(bodies)])
        for _ in range(scale.questions)
    ]
    yield from _times("obligations of one of them on any day", single, LISTED_LIMIT)


def _times(
    name: str, questions: Sequence[Question], limit: float, between: Question | None = None
) -> Iterator[Figure]:
    for question in questions[:5]:
        question()
    taken = []
    for number, question in enumerate(questions):
        if between and number % 10 == 0:
            between()
        begun = time.perf_counter()
        question()
        taken.append(1000 * (time.perf_counter() - begun))
    for share in (0.5, 0.99):
        yield within(f"{name}: p{share * 100:.0f}", percentile(taken, share), "ms", "limit", limit)


class _Found:
    """Whom and what there is to ask about."""

    def __init__(self, engine: sa.Engine, size: int, pick: random.Random) -> None:
        self.pick, self.size, c = pick, size, CONCERN.table.c
        self._of: dict[str, list[str]] = {}
        with engine.connect() as db:
            for name in ("body", "person", "matter", "meeting", "rule", "finding"):
                asked = sa.select(c.value).where(c.dimension == name).distinct().limit(20_000)
                self._of[name] = list(db.execute(asked).scalars())
            places = [pick.randint(1, size) for _ in range(50)]
            a = AUDIT.table.c
            said = sa.select(a.words).where(a.position.in_(places), a.words != "")
            self._words: list[str] = [
                word for text in db.execute(said).scalars() for word in text.split() if len(word) > 5
            ]
            numbered = sa.select(a.words).where(a.kind == "external-number-recorded.v1").limit(1000)
            self._words += [text.split(" ")[0] for text in db.execute(numbered).scalars()]

    def one(self, name: str) -> str:
        return self.pick.choice(self._of[name])

    def words(self) -> str:
        return self.pick.choice(self._words)

    def day(self) -> date:
        return date(self.pick.randint(2015, 2024), self.pick.randint(1, 12), self.pick.randint(1, 28))

    def query(self) -> AuditQuery:
        """A query by one or two of the things that people ask by."""
        asked = [name for name, values in self._of.items() if values] + ["kind", "known", "true"]
        given: dict[str, object] = {}
        for name in self.pick.sample(asked, self.pick.randint(1, 2)):
            if name == "kind":
                given["kind"] = self.pick.choice(KINDS)
            elif name == "known":
                given["known_from"] = self.pick.randint(1, self.size)
            elif name == "true":
                day = self.day()
                given |= {"true_from": day, "true_to": date(day.year, 12, 31)}
            else:
                given[name] = self.one(name)
        return AuditQuery(**given)  # type: ignore[arg-type]  # each name has its own kind of value


def _read(engine: sa.Engine, found: _Found) -> Question:
    pick = found.pick
    known, true = pick.randint(found.size // 2, found.size), found.day().isoformat()
    if pick.random() < 0.5:
        return partial(rows, engine, pick.choice(BODY_VIEWS), known, true, {"body": found.one("body")})
    return partial(rows, engine, pick.choice(MEETING_VIEWS), known, true, {"meeting": found.one("meeting")})
