"""What must not stand in the log: wrapped keys, and the secrets that let people in.

- Sealed fields are encrypted under keys per (subject, retention class). A key's id is random and never reused; the key
  is on disk before an event uses it, wrapped by the root key, which lies outside the data folder.
- Destroying a key leaves a tombstone that names the decision. A key that is missing without one is an error: it must
  never look like a lawful destruction. refresh() notices what another process has destroyed.
- Keys put aside (retire) open what they closed and close nothing more; which key is the live one of a class that may be
  destroyed while its subject lives is therefore asked of the database each time.
- What is destroyed is told first (on_destroy), so that a list outside the database names it before it is gone.
- A file is kept in rollback mode, so that at rest it is the whole of it, with a journal that is truncated and synced
  rather than removed: a commit then stands even if the power fails right after it
  (https://sqlite.org/pragma.html#pragma_synchronous, on EXTRA). Freed pages are overwritten. In PostgreSQL the keys lie
  in the log's schema, and a destruction writes their table anew (registry.postgres_engine).
- Tokens and one-time links are stored hashed; passphrases as argon2id. All are compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.messages import Destroyed
from registry.clock import stamp
from registry.postgres_engine import is_postgres, make_alone, shut, unsampled, write_anew
from registry.turnover import Turnover

MOST_OPEN = 10_000
REMEMBERED = frozenset(
    {"preserved", "working"}
)  # classes whose live keys are not put aside under somebody's hands

metadata = sa.MetaData()
meta = sa.Table(
    "meta", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.LargeBinary)
)
keys = sa.Table(
    "key",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("keep", sa.Text, nullable=False),
    sa.Column("wrapped", sa.LargeBinary),  # null after destruction
    sa.Column("destroyed_by", sa.Text),  # the decision; the tombstone
)
sa.Index(
    "one_live_key", keys.c.subject, keys.c.keep, unique=True,
    sqlite_where=keys.c.wrapped.is_not(None), postgresql_where=keys.c.wrapped.is_not(None),
)  # fmt: skip


@sa.event.listens_for(keys, "after_create")
def _unsampled(table: sa.Table, db: sa.Connection, **_: object) -> None:
    if is_postgres(db):
        unsampled(db, [table.c.wrapped])


tokens = sa.Table(
    "token",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),  # access, passphrase-link, setup-link
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("expires", sa.Text, nullable=False),
    sa.Column("last_used", sa.Text),
)
passphrases = sa.Table(
    "passphrase",
    metadata,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("blocked_until", sa.Text),
)
pending = sa.Table(
    "pending",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("state", sa.LargeBinary, nullable=False),
)


class WrongRootKey(Exception):
    """The root key given is not the one this registry was made with."""


class KeyMissing(Exception):
    """A key is gone though no decision destroyed it: the store is incomplete or damaged."""


class Tombstone(NamedTuple):
    """A destroyed key: whose it was, of which class, and what decided it, None where nothing says (gravsten)."""

    key: str
    subject: str
    keep: str
    decision: str | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a token lets in (innehavare)."""

    person: str
    purpose: str
    expires: str


class Vault:
    """Keys and secrets of one registry, on the given database, under the given root key (32 bytes)."""

    def __init__(self, engine: sa.Engine, root: bytes, *, readonly: bool = False) -> None:
        if len(root) != 32:
            raise WrongRootKey("a root key is 32 bytes")
        self.engine, self._root = engine, root
        self._wrapper = AESGCM(root)
        self._open: dict[str, AESGCM | Destroyed] = {}
        self._live: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        self.readonly = readonly
        self.on_destroy: Callable[[Sequence[str], str], None] | None = None
        self._check_root()
        self._turnover = Turnover(engine, meta)
        self._generation = self._turnover.read()

    @classmethod
    def file(cls, path: Path, root: bytes) -> Vault:
        """The vault of a data folder: a database file of its own, every commit synced, freed pages overwritten."""
        return cls(sqlite_engine(path, journal="TRUNCATE", secure=True), root)

    @classmethod
    def postgres(cls, engine: sa.Engine, root: bytes) -> Vault:
        """The vault in a municipality's schema, on an engine of registry.postgres_engine."""
        return cls(engine, root)

    @classmethod
    def reading(cls, path: Path, root: bytes) -> Vault:
        """The vault of a data folder at rest, without touching a byte of it."""
        return cls(readonly_engine(path), root, readonly=True)

    def _check_root(self) -> None:
        mine = hmac.digest(self._root, b"liggare root key check", "sha256")
        with self.engine.begin() as db:
            if not self.readonly:
                self._alone(db)
                metadata.create_all(db)
            stored = db.execute(sa.select(meta.c.value).where(meta.c.name == "root-check")).scalar()
            if stored is None and not self.readonly:
                db.execute(meta.insert().values(name="root-check", value=mine))
        if stored is not None and not hmac.compare_digest(stored, mine):
            raise WrongRootKey("this root key does not open this registry")

    def _alone(self, db: sa.Connection, table: sa.Table | None = None) -> None:
        """Keep every other process from what is done next, until the transaction ends."""
        if not is_postgres(db):
            db.exec_driver_sql("BEGIN IMMEDIATE")
        elif table is None:
            make_alone(db)
        else:
            shut(db, table)

    @property
    def root_key(self) -> bytes:
        """The key that everything here is under, for whoever opens a copy of it."""
        return self._root

    def derive(self, purpose: str) -> bytes:
        """A 32-byte secret for one purpose, from the root key (HKDF, RFC 5869)."""
        return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(self._root)

    # --- keys of sealed fields

    def refresh(self) -> bool:
        """Forget opened keys if one was destroyed or moved since the last time, by any process; whether it was."""
        generation = self._turnover.read()
        with self._lock:
            if generation == self._generation:
                return False
            self._generation = generation
            self._open.clear()
            self._live.clear()
        return True

    def key_for(self, subject: str, keep: str) -> tuple[str, AESGCM]:
        """The id and key under which new fields of a subject are sealed; made, and on disk, at its first use."""
        with self._lock:
            if (id := self._live.get((subject, keep))) is None:
                id = self._find(subject, keep) or self._make(subject, keep)
                if len(self._live) >= MOST_OPEN:
                    self._live.clear()
                if keep in REMEMBERED:
                    self._live[subject, keep] = id
        key = self.key(id)
        assert isinstance(key, AESGCM)
        return id, key

    def _find(self, subject: str, keep: str) -> str | None:
        query = sa.select(keys.c.id).where(
            keys.c.subject == subject, keys.c.keep == keep, keys.c.wrapped.is_not(None)
        )
        with self.engine.connect() as db:
            return db.execute(query).scalar()

    def _make(self, subject: str, keep: str) -> str:
        id, key = secrets.token_hex(16), AESGCM.generate_key(256)
        nonce = secrets.token_bytes(12)
        wrapped = nonce + self._wrapper.encrypt(nonce, key, id.encode())
        try:
            with self.engine.begin() as db:
                db.execute(keys.insert().values(id=id, subject=subject, keep=keep, wrapped=wrapped))
        except sa.exc.IntegrityError:  # another process made it first
            if (found := self._find(subject, keep)) is None:  # or nobody may any more
                raise
            return found
        self._open[id] = AESGCM(key)
        return id

    def key(self, id: str) -> AESGCM | Destroyed:
        """The key of an id, or Destroyed if a recorded decision destroyed it; otherwise KeyMissing."""
        if (found := self._open.get(id)) is not None:
            return found
        generation = self._generation
        with self.engine.connect() as db:
            row = db.execute(sa.select(keys.c.wrapped, keys.c.destroyed_by).where(keys.c.id == id)).first()
        if row is None or (row.wrapped is None and row.destroyed_by is None):
            raise KeyMissing(f"the key {id} is missing, and no decision has destroyed it")
        if row.wrapped is None:
            return self._remember(id, Destroyed(), generation)
        try:
            key = AESGCM(self._wrapper.decrypt(row.wrapped[:12], row.wrapped[12:], id.encode()))
        except InvalidTag:
            raise KeyMissing(f"the key {id} is damaged: its wrapping does not open") from None
        return self._remember(id, key, generation)

    def _remember(self, id: str, key: AESGCM | Destroyed, generation: bytes) -> AESGCM | Destroyed:
        """Keep what was read since a generation, unless keys were destroyed meanwhile; a bounded number of them."""
        with self._lock:
            if generation != self._generation:
                return key
            if len(self._open) >= MOST_OPEN:
                self._open.clear()
            return self._open.setdefault(id, key)

    def keep_as(self, subject: str, old: str, new: str) -> None:
        """Move a subject's keys to another retention class, as when an approved draft becomes the minutes."""
        with self._lock, self.engine.begin() as db:
            # Destroyed keys stay in the class that they were destroyed in.
            rows = keys.c.subject == subject, keys.c.keep == old, keys.c.wrapped.is_not(None)
            if db.execute(keys.update().where(*rows).values(keep=new)).rowcount:
                self._turnover.turn(db)
            self._live.pop((subject, old), None)
        self._turnover.forget()

    def retire(self, subject: str, keep: str) -> None:
        """Put a subject's key of one class aside: from here on another closes what is new."""
        with self._lock, self.engine.begin() as db:
            rows = keys.c.subject == subject, keys.c.keep == keep, keys.c.wrapped.is_not(None)
            if db.execute(keys.update().where(*rows).values(keep=keys.c.keep + "/" + keys.c.id)).rowcount:
                self._turnover.turn(db)
            self._live.pop((subject, keep), None)
        self._turnover.forget()

    def destroy(self, subject: str, keep: str, decision: str, *, under: bool = False) -> int:
        """Destroy a subject's keys of one class by a decision (its event's position or reference); how many.

        under: also those of subjects under it, as a version is under its minutes.
        """
        of = keys.c.subject == subject
        if under:
            of = sa.or_(of, keys.c.subject.startswith(f"{subject}/", autoescape=True))
        return self._destroy(sa.and_(of, keys.c.keep == keep), decision)

    def destroy_retired(self, subject: str, keep: str, decision: str) -> int:
        """Destroy those keys of a subject's class that were put aside; how many."""
        aside = keys.c.keep.startswith(f"{keep}/", autoescape=True)
        return self._destroy(sa.and_(keys.c.subject == subject, aside), decision)

    def _destroy(self, which: sa.ColumnElement[bool], decision: str) -> int:
        with self._lock, self.engine.begin() as db:
            self._alone(db, keys)
            rows = which, keys.c.wrapped.is_not(None)
            gone = db.execute(sa.select(keys.c.id).where(*rows)).scalars().all()
            if gone and self.on_destroy:
                self.on_destroy(gone, decision)
            told = keys.c.id.in_(gone), keys.c.wrapped.is_not(None)  # no key that came to be meanwhile
            db.execute(keys.update().where(*told).values(wrapped=None, destroyed_by=decision))
            if gone:
                self._turnover.turn(db)
                if is_postgres(db):
                    write_anew(db, keys.c.wrapped)
            self._live.clear()
            for id in gone:
                self._open[id] = Destroyed()
        self._turnover.forget()
        return len(gone)

    def tombstones(self, decision: str | None = None) -> list[Tombstone]:
        """Every destroyed key, or those that one decision destroyed."""
        gone = sa.select(keys.c.id, keys.c.subject, keys.c.keep, keys.c.destroyed_by)
        gone = gone.where(keys.c.wrapped.is_(None)).order_by(keys.c.id)
        if decision is not None:
            gone = gone.where(keys.c.destroyed_by == decision)
        with self.engine.connect() as db:
            return [Tombstone(*row) for row in db.execute(gone)]

    # --- tokens and one-time links

    def issue_token(self, person: str, purpose: str, label: str, expires: datetime) -> str:
        """A new secret, returned once; only its hash is kept. Prefixed, so that a leaked one is recognised."""
        token = f"liggare_{secrets.token_urlsafe(32)}"
        with self.engine.begin() as db:
            db.execute(
                tokens.insert().values(
                    hash=_hash(token),
                    person=person,
                    purpose=purpose,
                    label=label,
                    expires=stamp(expires),
                )
            )
        return token

    def holder(self, token: str, now: datetime) -> Holder | None:
        """Whom a token lets in now, or None. The look-up is by hash, so its timing tells nothing about the token."""
        with self.engine.begin() as db:
            row = db.execute(sa.select(tokens).where(tokens.c.hash == _hash(token))).first()
            if row is None or row.expires <= stamp(now):
                return None
            today = stamp(now)[:10]
            if row.last_used != today:  # by day: a record of use, not a log of a person's habits
                db.execute(tokens.update().where(tokens.c.hash == row.hash).values(last_used=today))
        return Holder(row.person, row.purpose, row.expires)

    def use_link(self, db: sa.Connection, token: str, purpose: str, now: datetime) -> str | None:
        """The person of a one-time link, used up by this if the transaction is; None if unknown, used or expired."""
        row = db.execute(
            tokens.delete()
            .where(tokens.c.hash == _hash(token), tokens.c.purpose == purpose)
            .returning(tokens.c.person, tokens.c.expires)
        ).first()
        return row.person if row is not None and row.expires > stamp(now) else None

    def revoke(self, person: str) -> int:
        """End every token of a person; how many."""
        with self.engine.begin() as db:
            return db.execute(tokens.delete().where(tokens.c.person == person)).rowcount

    # --- pending signings: plain state that survives a restart

    def put_pending(self, id: str, state: bytes) -> None:
        nonce = secrets.token_bytes(12)
        sealed = nonce + self._wrapper.encrypt(nonce, state, b"pending" + id.encode())
        with self.engine.begin() as db:
            if not db.execute(pending.update().where(pending.c.id == id).values(state=sealed)).rowcount:
                db.execute(pending.insert().values(id=id, state=sealed))

    def get_pending(self, id: str) -> bytes | None:
        with self.engine.connect() as db:
            sealed = db.execute(sa.select(pending.c.state).where(pending.c.id == id)).scalar()
        return self._wrapper.decrypt(sealed[:12], sealed[12:], b"pending" + id.encode()) if sealed else None

    def pendings(self) -> list[str]:
        """The ids of all that is kept."""
        with self.engine.connect() as db:
            return list(db.execute(sa.select(pending.c.id).order_by(pending.c.id)).scalars())

    def drop_pending(self, id: str) -> None:
        with self.engine.begin() as db:
            db.execute(pending.delete().where(pending.c.id == id))

    def close(self) -> None:
        self._turnover.close()
        self.engine.dispose()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def sqlite_engine(path: Path, *, journal: str = "WAL", secure: bool = False) -> sa.Engine:
    """An engine on a SQLite file, with every commit synced to disk. The file is made now, if at all: when it has been
    put away, whoever has it open does not begin another in its place."""
    path.touch()
    address = f"{path.absolute().as_uri()}?mode=rw"
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, timeout=30, check_same_thread=False),
        poolclass=sa.QueuePool,
    )

    def configure(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # the driver's own connection
        cursor.execute(f"PRAGMA journal_mode={journal}")
        cursor.execute("PRAGMA synchronous=FULL")
        if secure:
            cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    sa.event.listen(engine, "connect", configure)
    return engine


def readonly_engine(path: Path) -> sa.Engine:
    """An engine on a SQLite file at rest; it takes no locks and makes no side files."""
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    return sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, check_same_thread=False),
        poolclass=sa.StaticPool,
    )
