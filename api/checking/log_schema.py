"""What is verified of a log that lies in PostgreSQL, while others go on writing it.

- Log, checkpoints, views and the shape of the schema are read as of one moment. The keys are read as they are: what was
  destroyed meanwhile is destroyed.
- How the server lays its own files out is not looked at (registry.postgres_layout), and the result says so. Every table
  that proves nothing is listed, with how many bytes it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import sqlalchemy as sa

from api.checking.parts import DAMAGED, Missing
from projections.runner import reached
from projections.view import metadata as views
from registry.postgres_engine import postgres_engine
from registry.postgres_layout import errors, loose
from registry.postgres_snapshot import Snapshot
from registry.recorder import LogRecorder
from registry.vault import Vault
from registry.vault import metadata as vault
from signing.verify import Record, SourceDamaged

PAGE = 2000
# A rebuild that goes on, or that was broken off, has a table beside each view's.
OTHERS = {*vault.tables, *(name + made for name in views.tables for made in ("", "_beside", "_before"))}


class SchemaLog:
    """The log of a municipality's schema, with the keys and the views beside it. Raises NotALog or LogUnavailable."""

    shown = "columns-schema"

    def __init__(self, url: str, slug: str, stack: ExitStack) -> None:
        self._url, self._slug, self._stack = url, slug, stack
        self._log = Snapshot(url, slug)
        stack.callback(self._log.close)
        self.name = self._log.schema
        # A right that is missing is told as such, here, and not as evidence that cannot be read.
        self._log.ask("SELECT FROM {schema}.event, {schema}.checkpoint LIMIT 0")

    def records(self) -> Iterator[Record]:
        """Every row as it is stored."""
        after = -(2**63)
        query = (
            "SELECT position, envelope, leaf, stream, version, topic FROM {schema}.event "
            "WHERE position > %b ORDER BY position LIMIT %b"
        )
        try:
            while page := self._log.ask(query, after, PAGE):
                yield from map(Record._make, page)
                after = page[-1][0]
        except psycopg.Error as error:
            raise SourceDamaged(str(error)) from error

    def notes(self) -> list[tuple[int, object]]:
        """The stored checkpoints."""
        return [
            (size, note)
            for size, note in self._log.ask("SELECT size, note FROM {schema}.checkpoint ORDER BY size")
        ]

    def recorder(self) -> LogRecorder:
        return self._log

    def no_keys(self) -> Missing | None:
        """Why there are no keys to try, if there are none."""
        return None

    def vault(self, root: bytes) -> Vault:
        engine = postgres_engine(self._url, self._slug, readonly=True)
        self._stack.callback(engine.dispose)
        found = Vault(engine, root, readonly=True)
        self._stack.callback(found.close)
        return found

    def views(self) -> sa.Engine | None:
        """The stored views, if there are any."""
        engine = self._log.engine()
        self._stack.callback(engine.dispose)
        return engine if sa.inspect(engine).has_table(reached.name, self._log.schema) else None

    def structure(self) -> list[str]:
        """What is wrong with the schema."""
        try:
            return errors(self._log.ask, self._log.schema, OTHERS)
        except DAMAGED as error:
            return [str(error)]

    def loose(self) -> list[tuple[str, int, int]]:
        """The tables that hold no evidence."""
        try:
            return [(name, 0, size) for name, size in loose(self._log.ask, self._log.schema)]
        except DAMAGED:
            return [(self.name, 0, 0)]
