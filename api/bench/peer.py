"""The peer: the same act in a plain service layer over SQLAlchemy, as it is usually and properly written.

- Rows for persons, roles, meetings, what was reported, and an audit table that says who did what, when, with what
  before and after; no events, no envelope, no hashes, no sealed fields.
- The same command class validates what comes in. The service checks the role and that the meeting is under way, numbers
  the report, moves the meeting's version on (SQLAlchemy's own optimistic lock) and writes the audit row in the same
  transaction. Commits are synced as the registry's are: WAL and FULL, or PostgreSQL with synchronous_commit on.
- In SQLite a transaction begins by taking the writer's lock, as SQLAlchemy's manual tells one to. Each client has a
  session and a pooled connection of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from api.bench.synthetic import OpenMeeting
from domain.deliberating import RecordReport

SCHEMA = "liggare_bench_peer"


class Denied(Exception):
    """The peer's refusal."""


class Base(DeclarativeBase):
    """The peer's tables."""


class Grant(Base):
    """Who may do what."""

    __tablename__ = "peer_grant"
    person: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)


class Meeting(Base):
    """A meeting as it stands now."""

    __tablename__ = "peer_meeting"
    id: Mapped[str] = mapped_column(primary_key=True)
    under_way: Mapped[bool]
    reports: Mapped[int]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # as SQLAlchemy asks for it


class Report(Base):
    """What somebody told a meeting."""

    __tablename__ = "peer_report"
    meeting: Mapped[str] = mapped_column(sa.ForeignKey("peer_meeting.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[int]
    by: Mapped[str | None]
    text: Mapped[str]


class Audit(Base):
    """Who did what, and when."""

    __tablename__ = "peer_audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str]
    actor: Mapped[str]
    action: Mapped[str]
    entity: Mapped[str] = mapped_column(index=True)
    before: Mapped[str]
    after: Mapped[str]


class Service:
    """The plain service."""

    def __init__(self, engine: sa.Engine) -> None:
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    def prepare(self, meetings: Sequence[OpenMeeting]) -> None:
        """Enter the meetings and their secretaries."""
        with self._sessions.begin() as session:
            for person in {meeting.secretary for meeting in meetings}:
                session.add(Grant(person=person, role="secretary"))
            for meeting in meetings:
                session.add(Meeting(id=meeting.id, under_way=True, reports=0))

    def record_report(self, command: RecordReport, person: str) -> int:
        """Record a report; done again if another got in between."""
        return self.record_reports([command], person)

    def record_reports(self, commands: Sequence[RecordReport], person: str) -> int:
        """Record several at once, in one transaction; the number of the last."""
        while True:
            try:
                with self._sessions.begin() as session:
                    return [self._record(session, command, person) for command in commands][-1]
            except (StaleDataError, IntegrityError):
                continue

    def _record(self, session: Session, command: RecordReport, person: str) -> int:
        if session.get(Grant, (person, "secretary")) is None:
            raise Denied("not a secretary")
        meeting = session.get(Meeting, command.meeting)
        if meeting is None or not meeting.under_way:
            raise Denied("no meeting under way")
        before, number = meeting.reports, meeting.reports + 1
        meeting.reports = number
        told = {"item": command.item, "by": command.by, "text": command.text}
        session.add(Report(meeting=meeting.id, number=number, **told))
        session.add(
            Audit(
                at=datetime.now(UTC).isoformat(),
                actor=person,
                action="record-report",
                entity=f"meeting/{meeting.id}",
                before=json.dumps({"reports": before}),
                after=json.dumps({"reports": number} | told, ensure_ascii=False),
            )
        )
        return number


@contextmanager
def service(folder: Path, url: str | None, clients: int) -> Iterator[Service]:
    """The service on a new database, which is gone afterwards."""
    path = folder / "peer.db"
    engine = _postgres(url, clients) if url else _sqlite(path, clients)
    try:
        with engine.begin() as db:
            if url:
                db.execute(sa.schema.DropSchema(SCHEMA, cascade=True, if_exists=True))
                db.execute(sa.schema.CreateSchema(SCHEMA))
            Base.metadata.create_all(db)
        yield Service(engine)
    finally:
        if url:
            with engine.begin() as db:
                db.execute(sa.schema.DropSchema(SCHEMA, cascade=True, if_exists=True))
        engine.dispose()
        for side in ("", "-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)


def _sqlite(path: Path, clients: int) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}", pool_size=clients, connect_args={"timeout": 60, "check_same_thread": False}
    )

    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    sa.event.listen(engine, "connect", connect)
    sa.event.listen(engine, "begin", begin)
    return engine


def _postgres(url: str, clients: int) -> sa.Engine:
    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, options="-c synchronous_commit=on")

    return sa.create_engine(
        "postgresql+psycopg://", creator=connect, pool_size=clients,
        execution_options={"schema_translate_map": {None: SCHEMA}},
    )  # fmt: skip
