"""Appending: from a command to its acknowledgement, beside the bare rows and beside a plain service.

- A command goes through Municipality.execute: role, rules, decision, sealing, envelope, leaf, synced append. Before the
  clients begin, the meetings they work in are under way and have been read, as a secretary's page reads what it shows;
  each takes the next in turn, so that streams stay as long as real ones.
- The rows that it appended are then written bare (api/bench/raw.py), and the peer (api/bench/peer.py) carries out the
  same commands. All take turns.
- Bare rows need next to no Python, and clients are threads of one process. What Python must do for a command whatever
  the log is like (permission, decision, sealing, envelope, leaf), each followed by its bare row, stands beside it too.
- Batches of 100 events are one save of the registry. They stand beside sealing, encoding and inserting the same
  events, beside the bare rows, and beside the peer's one transaction.
"""

from __future__ import annotations

import dataclasses
import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import psycopg
from eventsourcing.persistence import StoredEvent
from psycopg import sql

from api.access import authorise, rules_hash
from api.bench.figures import Figure, Tell, rates, seconds
from api.bench.machine import syncs
from api.bench.peer import service
from api.bench.raw import Row, Write, one_by_one, postgres_rows, sqlite_rows, together
from api.bench.scales import Scale
from api.bench.synthetic import Log, OpenMeeting
from api.wiring import Municipality, open_folder
from domain import decider
from domain.deliberating import RecordReport
from domain.meeting import Meeting
from domain.meeting_events import ReportRecorded
from domain.messages import Actor, Known, Mandate, New, Role
from domain.when import at
from registry.clock import local, stamp
from registry.mapper import Draft
from registry.postgres import PostgresRecorder
from registry.postgres_schema import schema_name
from registry.registry import Decision, Registry, StoredWorld
from signing.log import leaf_hash

SHARE, BATCH_SHARE = 0.6, 0.8
BATCH = 100
A_MEETING_TAKES = 20
UNUSED = 1_000_000  # a version that no row has yet
LEAST = "decide, seal, encode, bare rows"
TEXT = (
    "Polisen redogjorde för läget: färre inbrott i bostäder än förra våren, fler bedrägerier mot äldre. "
    "Belysningen vid två gångstråk är åtgärdad, och en trygghetsvandring planeras i april."
)


def measure(log: Log, scale: Scale, postgres: str | None, tell: Tell) -> Iterator[Figure]:
    """All of it on SQLite, and on PostgreSQL if there is one."""
    for url in (None, postgres) if postgres else (None,):
        where = "PostgreSQL" if url else "SQLite"
        for clients in (1, 32):
            tell(f"{where}: append, {clients} clients")
            with log.copied() as copy:
                yield from _commands(copy, scale, url, clients)
        tell(f"{where}: append, batches of {BATCH}")
        with log.copied() as copy:
            yield from _batches(copy, scale, url)


# --- one command at a time


def _commands(log: Log, scale: Scale, url: str | None, clients: int) -> Iterator[Figure]:
    count = scale.commands * (1 if clients == 1 else 4)
    each = max(2 * clients, -(-count // A_MEETING_TAKES))
    turns = scale.turns + 1  # the first warms up and is not counted
    meetings = log.open_meetings(each * turns)
    mine, least, bare, peers, synced = (list[float]() for _ in range(5))
    with opened(log, url) as municipality, service(log.dir, url, clients) as peer:
        peer.prepare(meetings)
        for turn in range(turns):
            part = meetings[turn * each : (turn + 1) * each]
            commands = _reports(part, count)
            for one in part:
                municipality.registry.get(Meeting, one.id)
            before = municipality.registry.recorder.head().position

            def command(_: int, number: int, given: Sequence[tuple[RecordReport, str]] = commands) -> None:
                municipality.execute(*given[number], "token")

            def serve(_: int, number: int, given: Sequence[tuple[RecordReport, str]] = commands) -> None:
                peer.record_report(*given[number])

            mine.append(count / seconds(together(clients, count, command)))
            rows, places = _rows(municipality.registry, before), itertools.count(1)
            with bare_rows(log.dir, url, clients) as write:

                def make(
                    client: int,
                    number: int,
                    given: Sequence[tuple[RecordReport, str]] = commands,
                    places: Iterator[int] = places,
                ) -> None:
                    decision = _decided(municipality.registry, *given[number])
                    write(client, _made(municipality.registry, decision, UNUSED + number, places))

                least.append(count / seconds(together(clients, count, make)))
            with bare_rows(log.dir, url, clients) as write:

                def insert(client: int, number: int, given: Sequence[Row] = rows) -> None:
                    write(client, [given[number]])

                bare.append(len(rows) / seconds(together(clients, len(rows), insert)))
            peers.append(count / seconds(together(clients, count, serve)))
            synced.append(syncs(log.dir, scale.syncs))
    name = f"append, {clients} client{'s' if clients > 1 else ''}, {'PostgreSQL' if url else 'SQLite'}"
    yield rates(name, "commands/s", mine[1:], "bare rows", bare[1:], SHARE)
    yield rates(name, "commands/s", mine[1:], LEAST, least[1:])
    yield rates(name, "commands/s", mine[1:], "plain service with audit table", peers[1:])
    yield rates(name, "commands/s", mine[1:], "syncs of one page, one after the other", synced[1:])


def _decided(registry: Registry, command: RecordReport, person: str) -> Decision:
    """A command decided on the states that are kept, and not saved."""
    world, now = StoredWorld(registry, kept=True), local(registry.clock.now())
    actor = authorise(command, person, "token", world, now)
    return Decision(actor, decider.decide(command, world, actor, now), rules_hash(command, world, now))


def _reports(meetings: Sequence[OpenMeeting], count: int) -> list[tuple[RecordReport, str]]:
    """As many commands as asked for, the meetings in turn, validated as they would be when they come in."""
    commands = []
    for number in range(count):
        one = meetings[number % len(meetings)]
        asked = RecordReport(meeting=one.id, item=one.item, by=one.reporter, text=f"{number}. {TEXT}")
        commands.append((RecordReport.model_validate_json(asked.model_dump_json()), one.secretary))
    return commands


# --- a hundred events at a time


def _batches(log: Log, scale: Scale, url: str | None) -> Iterator[Figure]:
    turns = scale.turns + 1
    meetings = log.open_meetings(turns * scale.batches)
    mine, made, bare, peers = list[float](), list[float](), list[float](), list[float]()
    events = BATCH * scale.batches
    with opened(log, url) as municipality, service(log.dir, url, 1) as peer:
        peer.prepare(meetings)
        registry = municipality.registry
        for turn in range(turns):
            part = meetings[turn * scale.batches : (turn + 1) * scale.batches]
            batches = [_decision(one) for one in part]
            before = registry.recorder.head().position
            saves = [
                partial(registry.save, decision, {stream: stands}) for decision, stream, stands in batches
            ]
            mine.append(events / seconds(one_by_one(saves)))
            rows = _rows(registry, before)
            with bare_rows(log.dir, url, 1) as write:
                places = itertools.count(1)
                making = [
                    partial(_made, registry, decision, stands, places) for decision, _, stands in batches
                ]
                made.append(events / seconds(one_by_one([partial(_write, write, make) for make in making])))
            with bare_rows(log.dir, url, 1) as write:
                parts = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
                bare.append(events / seconds(one_by_one([partial(write, 0, each) for each in parts])))
            asked = [[command for command, _ in _reports([one], BATCH)] for one in part]
            serving = [partial(peer.record_reports, of, part[0].secretary) for of in asked]
            peers.append(events / seconds(one_by_one(serving)))
    name = f"append, batches of {BATCH}, {'PostgreSQL' if url else 'SQLite'}"
    yield rates(name, "events/s", mine[1:], "seal, encode, bare rows", made[1:], BATCH_SHARE)
    yield rates(name, "events/s", mine[1:], "bare rows", bare[1:])
    yield rates(name, "events/s", mine[1:], "plain service with audit table", peers[1:])


def _write(write: Write, make: Callable[[], list[Row]]) -> None:
    write(0, make())


def _decision(meeting: OpenMeeting) -> tuple[Decision, str, int]:
    """A hundred reports to one meeting, its stream, and where that stands."""
    stream = f"meeting-{meeting.id}"
    new = [
        New(
            stream,
            ReportRecorded(
                meeting=meeting.id, item=meeting.item, report=number, by=meeting.reporter, text=Known(TEXT)
            ),
        )
        for number in range(1, BATCH + 1)
    ]
    return Decision(Actor(meeting.secretary, Mandate(Role.SECRETARY), "token"), new), stream, meeting.version


def _made(registry: Registry, decision: Decision, version: int, places: Iterator[int]) -> list[Row]:
    """The rows of a decision: sealed and encoded as a save does it, without looking anything up."""
    now = registry.clock.now()
    command, happened = secrets.token_hex(8), at(local(now))
    drafts = [
        Draft(new.event, new.stream, number, stamp(now), happened, decision.actor, command, decision.rules)
        for number, new in enumerate(decision.new, version + 1)
    ]
    return [_row(registry.mapper.to_stored_event(draft), next(places)) for draft in drafts]


def _row(stored: StoredEvent, position: int) -> Row:
    return (
        position, stored.originator_id, stored.originator_version, stored.topic, stored.state,
        leaf_hash(stored.state),
    )  # fmt: skip


def _rows(registry: Registry, after: int) -> list[Row]:
    """What the log has taken since a position, as rows."""
    return [_row(one, int(one.id)) for one in registry.recorder.scan(after)]


# --- where


@contextmanager
def opened(log: Log, url: str | None) -> Iterator[Municipality]:
    """The log's registry; with a URL its events moved into a schema of their own there, dropped afterwards."""
    municipality = open_folder(log.dir)
    try:
        if url is None:
            yield municipality
        else:
            with _moved(municipality, url) as registry:
                yield dataclasses.replace(municipality, registry=registry)
    finally:
        municipality.close()


@contextmanager
def _moved(municipality: Municipality, url: str) -> Iterator[Registry]:
    slug = "bench"
    _drop(url, slug)
    recorder = PostgresRecorder(url, slug)
    old = municipality.registry
    registry = Registry(old.municipality, recorder, old.vault, old.files, old.clock)
    try:
        registry.adopt(one.state for one in old.recorder.scan())
        yield registry
    finally:
        recorder.close()
        _drop(url, slug)


def _drop(url: str, slug: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema_name(slug))))


def bare_rows(folder: Path, url: str | None, clients: int) -> AbstractContextManager[Write]:
    """Where bare rows go."""
    return postgres_rows(url, clients) if url else sqlite_rows(folder)
