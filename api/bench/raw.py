"""The bare work of an append: the same rows into the same table, synced as often, and nothing else.

- The rows are those that the registry itself has just appended. The table is made by the registry's own DDL.
- One client has a connection; many share one behind a lock in SQLite, where only one can write at a time, and have a
  connection each in PostgreSQL, where several commits can share a sync.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from registry import sqlite as ours
from registry.postgres_schema import prepare
from registry.postgres_sessions import SETTINGS

Row = tuple[Any, ...]
Write = Callable[[int, Sequence[Row]], None]  # for one of the clients, one transaction
_INSERT = "INSERT INTO {} (position, stream, version, topic, envelope, leaf) VALUES "


@contextmanager
def sqlite_rows(folder: Path) -> Iterator[Write]:
    """Rows into a SQLite file as the registry sets it up."""
    path = folder / "raw.db"
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA journal_mode=WAL")
    for statement in ours.DDL.values():
        db.execute(statement)
    insert, turn = _INSERT.format("event") + "(?, ?, ?, ?, ?, ?)", threading.Lock()

    def write(_: int, rows: Sequence[Row]) -> None:
        with turn:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(insert, rows)
            db.execute("COMMIT")

    try:
        yield write
    finally:
        db.close()
        for side in ("", "-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)


@contextmanager
def postgres_rows(url: str, clients: int) -> Iterator[Write]:
    """Rows into a table of the registry's making in a schema of their own; dropped afterwards."""
    schema = "liggare_bench_raw"
    connections = [psycopg.connect(url, autocommit=True) for _ in range(clients)]
    for connection in connections:
        connection.execute(SETTINGS)
    table = sql.Identifier(schema, "event").as_string(connections[0])
    insert = (_INSERT.format(table) + "(%b, %b, %b, %b, %b, %b)").encode()

    def write(client: int, rows: Sequence[Row]) -> None:
        connection = connections[client]
        if len(rows) == 1:
            connection.execute(insert, rows[0])
            return
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(insert, rows)

    drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
    connections[0].execute(drop)
    try:
        prepare(connections[0], schema)
        yield write
    finally:
        connections[0].execute(drop)
        for connection in connections:
            connection.close()


def together(clients: int, count: int, work: Callable[[int, int], object]) -> Callable[[], None]:
    """Let so many clients do so many pieces of work between them: work(client, number), each number once."""

    def run() -> None:
        numbers, failures = itertools.count(), list[BaseException]()

        def client(which: int) -> None:
            try:
                while (number := next(numbers)) < count:
                    work(which, number)
            except BaseException as error:  # noqa: BLE001  # raised again below, in the thread that measures
                failures.append(error)

        if clients == 1:
            client(0)
        else:
            threads = [threading.Thread(target=client, args=(which,)) for which in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]

    return run


def one_by_one(work: Sequence[Callable[[], object]]) -> Callable[[], None]:
    """Pieces of work after each other."""

    def run() -> None:
        for piece in work:
            piece()

    return run
