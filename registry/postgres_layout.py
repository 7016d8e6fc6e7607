"""Whether a log's schema holds what it must and nothing else, and what in it proves nothing.

- What the catalogues say of the tables of events and checkpoints is compared word for word with what they are made as
  (registry.postgres_schema): columns, constraints, indexes, and no more of anything. Whatever could put other rows
  before a reader, or write other ones than were handed in, is told: an inheriting table, a rule, a trigger, a policy,
  another function.
- A row that an index does not lead to would be read by some questions and not by others: so the rows are counted as
  they lie in the table, and by each index.
- The server's own files are not looked at: pages, free space and the versions of rows that VACUUM has yet to remove
  hold nothing that any reader is shown. Checksums of pages are the server's to keep (initdb, --data-checksums).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, LiteralString

from registry.postgres_schema import BODY, LOG_TABLES, compose, lock_key

EVIDENCE = ("checkpoint", "event")
COLUMNS = {
    "event": [
        "position bigint NOT NULL",
        'stream text COLLATE "C" NOT NULL',
        "version bigint NOT NULL",
        "topic text NOT NULL",
        "envelope bytea NOT NULL",
        "leaf bytea NOT NULL",
    ],
    "checkpoint": ["size bigint NOT NULL", "note bytea NOT NULL"],
}
CONSTRAINTS = {
    "event": ['PRIMARY KEY ("position")', "UNIQUE (stream, version)"],
    "checkpoint": ["PRIMARY KEY (size)"],
}
KINDS = {
    "r": "table",
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
    "f": "foreign table",
    "p": "table",
}

Ask = Callable[..., Sequence[tuple[Any, ...]]]  # a query about the schema {schema}, and its values

_RELATIONS: LiteralString = (
    "SELECT relname::text, relkind::text, relpersistence::text, relrowsecurity, pg_total_relation_size(oid) "
    "FROM pg_class WHERE relnamespace = to_regnamespace(%b) AND relkind NOT IN ('i', 'I', 't', 'c') ORDER BY 1"
)
_COLUMNS: LiteralString = (
    "SELECT attname::text || ' ' || format_type(atttypid, atttypmod) "
    "|| CASE WHEN attcollation NOT IN (0, 100) THEN ' COLLATE ' || quote_ident(collname) ELSE '' END "
    "|| CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END "
    "|| CASE WHEN atthasdef OR attidentity <> '' THEN ' with a value of its own' ELSE '' END "
    "FROM pg_attribute LEFT JOIN pg_collation AS c ON c.oid = attcollation "
    "WHERE attrelid = to_regclass(%b) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
_CONSTRAINTS: LiteralString = (
    "SELECT pg_get_constraintdef(oid) || CASE WHEN convalidated THEN '' ELSE ' NOT VALID' END "
    "FROM pg_constraint WHERE conrelid = to_regclass(%b) AND contype <> 'n' ORDER BY 1"
)
_INDEXES: LiteralString = (
    "SELECT i.indexrelid::regclass::text, i.indisvalid AND i.indisready AND i.indislive AND c.oid IS NOT NULL "
    "FROM pg_index AS i LEFT JOIN pg_constraint AS c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid "
    "WHERE i.indrelid = to_regclass(%b)"
)
_ADDED: LiteralString = (
    "SELECT 'the trigger ' || tgname FROM pg_trigger JOIN pg_class AS c ON c.oid = tgrelid "
    "WHERE relnamespace = to_regnamespace(%b) AND NOT tgisinternal UNION ALL "
    "SELECT 'the rule ' || rulename FROM pg_rewrite JOIN pg_class AS c ON c.oid = ev_class "
    "WHERE relnamespace = to_regnamespace(%b) AND rulename <> '_RETURN' UNION ALL "
    "SELECT 'the policy ' || polname FROM pg_policy JOIN pg_class AS c ON c.oid = polrelid "
    "WHERE relnamespace = to_regnamespace(%b) UNION ALL "
    "SELECT 'the table ' || inhrelid::regclass || ', which inherits from another' FROM pg_inherits "
    "JOIN pg_class AS c ON c.oid = inhparent WHERE relnamespace = to_regnamespace(%b) UNION ALL "
    "SELECT 'the function ' || proname FROM pg_proc "
    "WHERE pronamespace = to_regnamespace(%b) AND NOT (proname = 'append' AND prosrc = %b)"
)


def errors(ask: Ask, schema: str, others: Collection[str]) -> list[str]:
    """What in a schema is not as it must be, in sentences. others: the tables that it may hold beside the log's."""
    found = list[str]()
    relations = {
        name: (kind, lasting, secured) for name, kind, lasting, secured, _ in ask(_RELATIONS, schema)
    }
    for name, (kind, lasting, secured) in relations.items():
        if name not in LOG_TABLES and name not in others:
            found.append(f"it holds the {KINDS.get(kind, 'object')} {name}, which is none of this program's")
        elif (kind, lasting) != ("r", "p") or secured:
            found.append(f"{name} is not an ordinary table whose rows are all kept and all shown")
    for table in EVIDENCE:
        if table not in relations:
            found.append(f"the table {table} is missing")
            continue
        place = f"{schema}.{table}"
        if [row[0] for row in ask(_COLUMNS, place)] != COLUMNS[table]:
            found.append(f"the columns of {table} are not the expected ones, word for word")
        if [row[0] for row in ask(_CONSTRAINTS, place)] != CONSTRAINTS[table]:
            found.append(f"the constraints of {table} are not the expected ones, word for word")
        wrong = [name for name, sound in ask(_INDEXES, place) if not sound]
        found += [f"the index {name} of {table} is not in order, or none of this program's" for name in wrong]
    body = compose(BODY, schema, lock=lock_key(schema)).decode()
    found += [
        f"it holds {what}, which is none of this program's" for (what,) in ask(_ADDED, *[schema] * 5, body)
    ]
    return found or _counted(ask)


def _counted(ask: Ask) -> list[str]:
    """That every row is found by every way to it."""
    ways: dict[str, tuple[LiteralString, LiteralString]] = {
        "position": (
            "enable_seqscan",
            "SELECT count(*) FROM (SELECT position FROM {schema}.event ORDER BY 1) AS x",
        ),
        "stream": (
            "enable_seqscan",
            "SELECT count(*) FROM (SELECT stream, version FROM {schema}.event ORDER BY 1, 2) AS x",
        ),
        "table": ("enable_indexscan", "SELECT count(*) FROM {schema}.event WHERE envelope IS NOT NULL"),
    }
    counts = dict[str, int]()
    for way, (without, query) in ways.items():
        settings = {
            "enable_sort",
            "enable_bitmapscan",
            "enable_indexonlyscan",
            "enable_seqscan",
            "enable_indexscan",
        }
        for setting in settings:
            off = setting == without or (setting == "enable_sort" and way != "table")
            off = off or (way == "table" and setting != "enable_seqscan")
            ask("SELECT set_config(%b, %b, true)", setting, "off" if off else "on")
        counts[way] = int(ask(query)[0][0])
    ask("SELECT set_config('enable_seqscan', 'off', true)")
    if len(set(counts.values())) == 1:
        return []
    said = ", ".join(f"{count} by {way}" for way, count in counts.items())
    return [f"the events counted in several ways are not the same number: {said}"]


def loose(ask: Ask, schema: str) -> list[tuple[str, int]]:
    """The tables that prove nothing, with how many bytes they take."""
    return [
        (f"{schema}.{name}", int(size))
        for name, _, _, _, size in ask(_RELATIONS, schema)
        if name not in EVIDENCE
    ]
