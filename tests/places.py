"""Where a test's registry lies: in files of its folder, or in a schema of a PostgreSQL, named after the folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psycopg
import sqlalchemy as sa

from registry.clock import Clock
from registry.files import Files
from registry.postgres import PostgresRecorder
from registry.postgres_engine import postgres_engine
from registry.recorder import LogRecorder
from registry.registry import Registry
from registry.sqlite import SQLiteRecorder
from registry.vault import Vault, sqlite_engine

ROOT = bytes(32)


@dataclass(frozen=True)
class Place:
    """A folder, and the address of a database if the registry lies there; opened twice it stands for two processes."""

    folder: Path
    url: str | None = None

    @property
    def slug(self) -> str:
        """The schema is named after the folder, so that many share a database."""
        return f"p{sha256(str(self.folder).encode()).hexdigest()[:12]}"

    def recorder(self) -> LogRecorder:
        self.folder.mkdir(parents=True, exist_ok=True)
        return (
            PostgresRecorder(self.url, self.slug) if self.url else SQLiteRecorder(self.folder / "events.db")
        )

    def vault(self, root: bytes = ROOT) -> Vault:
        """The vault; in PostgreSQL the recorder has made its schema."""
        if self.url is None:
            return Vault.file(self.folder / "keys.db", root)
        engine = postgres_engine(self.url, self.slug)
        try:
            return Vault.postgres(engine, root)
        except BaseException:
            engine.dispose()
            raise

    def views(self) -> sa.Engine:
        return postgres_engine(self.url, self.slug) if self.url else sqlite_engine(self.folder / "views.db")

    def registry(self, municipality: str, clock: Clock) -> Registry:
        recorder = self.recorder()
        vault = self.vault()
        return Registry(municipality, recorder, vault, Files(self.folder / "files", vault), clock)

    @contextmanager
    def by_hand(self) -> Iterator[sa.Connection]:
        """The log's tables, to change what stands in them."""
        log = self.folder / "events.db"
        engine = postgres_engine(self.url, self.slug) if self.url else sqlite_engine(log)
        with engine.begin() as db:
            if self.url is not None:
                db.exec_driver_sql(f"SET LOCAL search_path TO liggare_{self.slug}")
            yield db
        engine.dispose()

    def stored(self) -> bytes:
        """Every byte of every file that the database has."""
        if self.url is None:
            return b"".join(path.read_bytes() for path in self.folder.glob("*.db*"))
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute("CHECKPOINT")
            (data,) = db.execute("SHOW data_directory").fetchone() or ("",)
        return b"".join(path.read_bytes() for path in Path(data, "base").rglob("*") if path.is_file())
