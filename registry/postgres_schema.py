"""One municipality's place in a PostgreSQL database: a schema with the log's tables and the one function that appends.

- The schema is named after the municipality's slug. Whoever runs the database may make it beforehand, empty, and own
  it; otherwise it is made here, which takes the right CREATE on the database.
- A comment on the table of events names the layout. A schema with another one is refused, never changed.
- Appending is one call, and its transaction holds the schema's advisory lock from the first statement to the end of
  the commit: positions become visible in their order, so a reader that sees one has seen all before it. The lock is
  no lock on a table; VACUUM and readers pass it by.
- Under READ COMMITTED every statement of the function sees what was committed before it, hence all that the lock's
  former holder did (PostgreSQL documentation, 13.2.1 and 38.7 on volatile functions).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

MARK = "liggare event log, layout 1"
COLUMNS = "position, stream, version, topic, envelope, leaf"
LOG_TABLES = frozenset({"event", "receipt", "checkpoint"})
SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}")
TABLES = """
CREATE TABLE {schema}.event (
    position bigint PRIMARY KEY,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    topic text NOT NULL,
    envelope bytea NOT NULL,
    leaf bytea NOT NULL,
    UNIQUE (stream, version)
);
CREATE TABLE {schema}.receipt (
    key text PRIMARY KEY,
    request bytea NOT NULL,
    expires text COLLATE "C" NOT NULL,
    first bigint NOT NULL,
    count bigint NOT NULL
);
CREATE TABLE {schema}.checkpoint (size bigint PRIMARY KEY, note bytea NOT NULL);
COMMENT ON TABLE {schema}.event IS {mark};
"""
PARAMETERS = (
    "streams text[], versions bigint[], topics text[], envelopes bytea[], leaves bytea[], last bigint[], "
    "read_streams text[], read_versions bigint[], last_read bigint[], "
    "faults text[], stamps text[], resets boolean[], keys text[], requests bytea[], lasting text[], "
    "purge boolean, again boolean, OUT outcome text, OUT detail text, OUT first bigint"
)
# Several appends in one call, one after the other: last and last_read say where each one's events and expected streams
# end. Each gets its answer as a row and not as an error, so that one's refusal spoils no other.
BODY = """
DECLARE
    head bigint;
    head_stamp text;
    stands bigint;
    low int := 1;  -- where an append's events begin
    read_low int := 1;
    high int;
BEGIN
    PERFORM pg_advisory_xact_lock({lock});
    SELECT e.position, convert_from(e.envelope, 'UTF8')::json ->> 'recorded_at' INTO head, head_stamp
        FROM {schema}.event AS e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    <<appends>>
    FOR one IN 1..cardinality(stamps) LOOP
        high := last[one];
        outcome := 'appended';
        detail := NULL;
        first := CASE WHEN high >= low THEN head + 1 ELSE 0 END;
        IF again THEN  -- the salt in an envelope makes its leaf unique: this row is this very append
            SELECT e.position INTO stands FROM {schema}.event AS e
                WHERE e.stream = streams[low] AND e.version = versions[low] AND e.leaf = leaves[low] AND high >= low;
            IF FOUND THEN
                first := stands;
                low := high + 1;
                read_low := last_read[one] + 1;
                RETURN NEXT;
                CONTINUE appends;
            END IF;
        END IF;
        IF keys[one] IS NOT NULL THEN
            PERFORM 1 FROM {schema}.receipt AS r WHERE r.key = keys[one] AND r.expires > stamps[one];
            IF FOUND THEN
                outcome := 'done';
            END IF;
        END IF;
        WHILE outcome = 'appended' AND read_low <= last_read[one] LOOP
            SELECT coalesce(max(e.version), 0) INTO stands
                FROM {schema}.event AS e WHERE e.stream = read_streams[read_low];
            IF stands <> read_versions[read_low] THEN
                outcome := 'conflict';
                detail := format('%s stands at %s, not %s', read_streams[read_low], stands, read_versions[read_low]);
            END IF;
            read_low := read_low + 1;
        END LOOP;
        IF outcome = 'appended' AND faults[one] IS NOT NULL THEN
            outcome := 'conflict';
            detail := faults[one];
        END IF;
        IF outcome = 'appended' AND stamps[one] COLLATE "C" < head_stamp AND NOT resets[one] AND high >= low THEN
            outcome := 'behind';
            detail := head_stamp;
        END IF;
        IF outcome = 'appended' THEN
            IF high >= low THEN
                INSERT INTO {schema}.event (position, stream, version, topic, envelope, leaf)
                    SELECT head + new.number, new.stream, new.version, new.topic, new.envelope, new.leaf
                    FROM unnest(
                        streams[low:high], versions[low:high], topics[low:high], envelopes[low:high], leaves[low:high]
                    ) WITH ORDINALITY AS new (stream, version, topic, envelope, leaf, number);
                head := head + high - low + 1;
                head_stamp := stamps[one];
            END IF;
            IF keys[one] IS NOT NULL THEN
                IF purge THEN
                    DELETE FROM {schema}.receipt AS r WHERE r.expires <= stamps[one];
                END IF;
                INSERT INTO {schema}.receipt AS r
                    VALUES (keys[one], requests[one], lasting[one], first, high - low + 1)
                    ON CONFLICT (key) DO UPDATE
                    SET request = excluded.request, expires = excluded.expires,
                        first = excluded.first, count = excluded.count;
            END IF;
        END IF;
        low := high + 1;
        read_low := last_read[one] + 1;
        RETURN NEXT;
    END LOOP;
END
"""


class NotALog(Exception):
    """The database cannot hold a log, or its schema holds something else; the message says what."""


def schema_name(slug: str) -> str:
    """The schema of a municipality; two slugs never share one, for a slug has no underscore."""
    if not SLUG.fullmatch(slug):
        raise ValueError(f"{slug!r} is not a municipality's slug")
    return f"liggare_{slug.replace('-', '_')}"


@lru_cache(256)
def compose(text: LiteralString, schema: str, **values: str | int) -> bytes:
    """A statement about one schema; as bytes it is the key by which a session finds it prepared."""
    parts = {name: Literal(value) for name, value in values.items()}
    return SQL(text).format(schema=Identifier(schema), columns=SQL(COLUMNS), **parts).as_bytes(None)


def lock_key(schema: str) -> int:
    """The advisory lock of a schema: 64 bits of its name's hash."""
    return int.from_bytes(hashlib.sha256(f"liggare {schema}".encode()).digest()[:8], "big", signed=True)


def check(connection: Connection[Any], schema: str) -> None:
    """That this database can keep what it acknowledges, and that the schema is a log of ours; raises NotALog."""
    encoding, fsync = _row(connection, b"SELECT current_setting('server_encoding'), current_setting('fsync')")
    if encoding != "UTF8":
        raise NotALog(f"the database's encoding is {encoding}; a log needs UTF8")
    if fsync != "on":
        raise NotALog("the server runs with fsync off: what it acknowledges can be lost")
    mark = _mark(connection, schema)
    if mark != MARK:
        found = (
            "no event log"
            if mark is None
            else f"another layout ({mark})"
            if mark
            else "a table of another kind"
        )
        raise NotALog(f"the schema {schema} holds {found}")


def prepare(connection: Connection[Any], schema: str) -> None:
    """Make the schema's tables if there are none, and its function if it is not this version's; then check them."""
    lock = lock_key(schema)
    function = "{schema}.append(" + PARAMETERS + ")"
    body = compose(BODY, schema, lock=lock).decode()
    with connection.transaction():
        connection.execute(b"SELECT pg_advisory_xact_lock(%b::bigint)", (lock,))
        if _row(connection, b"SELECT to_regnamespace(%b)", (schema,))[0] is None:
            connection.execute(compose("CREATE SCHEMA {schema}", schema))
        if _mark(connection, schema) is None:
            connection.execute(compose(TABLES, schema, mark=MARK))
        check(connection, schema)
        known = connection.execute(
            b"SELECT 1 FROM pg_proc WHERE pronamespace = to_regnamespace(%b) AND proname = 'append' AND prosrc = %b",
            (schema, body),
        ).fetchone()
        if known is None:
            create = (
                "CREATE OR REPLACE FUNCTION " + function + " RETURNS SETOF record LANGUAGE plpgsql AS {body}"
            )
            connection.execute(compose(create, schema, body=body))


def _mark(connection: Connection[Any], schema: str) -> str | None:
    """The comment on the schema's table of events, "" if it has none; None if there is no such table."""
    mark = _row(
        connection,
        b"SELECT CASE WHEN there.oid IS NOT NULL THEN coalesce(obj_description(there.oid, 'pg_class'), '') END "
        b"FROM to_regclass(%b) AS there (oid)",
        (f"{schema}.event",),
    )[0]
    assert mark is None or isinstance(mark, str)
    return mark


def _row(connection: Connection[Any], query: bytes, values: tuple[object, ...] = ()) -> tuple[Any, ...]:
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return tuple(row)
