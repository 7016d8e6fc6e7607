"""Asking the trail: who did what, when, for whom, on which grounds, and what broke a rule.

- A query's filters are joined by "and". body, person, matter and meeting take an id; body and person also a name,
  matter any diary number it is known under. An event that concerns several is found by each, and a rule also by its
  number in the list of facts (L15).
- known_from and known_to bound when it was recorded, true_from and true_to when it happened; what may have happened in
  that time, because its time is not fully known, is found too.
- Rows come in order of position; `next` is the position to go on after, or None when there is no more.
- Cells that may hold several values (matter, rule, finding) hold them with a blank between; none of them has blanks.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from domain.grammar import normalised
from domain.messages import TOPICS
from projections.minutes import APPROVAL
from projections.reading import instant, rows
from projections.register import RULE
from projections.sentences import SENTENCES, WORDS
from projections.trail import AUDIT, CONCERN
from registry.clock import local, unstamp

COLUMNS = "position event_hash recorded_at happened kind actor body matter meeting rule finding proof".split()
SHOWN = 300  # signs of an event's words in the timeline; the search reads them all
APPROVED = (
    "position", "minutes", "version", "office", "person", "meeting", "body", "approved", "method", "level", "rules",
    "findings", "event_hash",
)  # fmt: skip
When = int | date | datetime
_ID = re.compile(r"[0-9a-f]{16}")
MANY = 5000  # events that are counted to see what is rare


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What is asked; a filter that is None does not filter (granskningsfråga)."""

    body: str | None = None
    person: str | None = None
    matter: str | None = None
    meeting: str | None = None
    kind: str | None = None
    rule: str | None = None
    finding: str | None = None
    text: str | None = None
    known_from: When | None = None
    known_to: When | None = None
    true_from: date | datetime | None = None
    true_to: date | datetime | None = None
    limit: int = 100
    after: int = 0


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of the trail, and the position to go on after."""

    rows: Sequence[Mapping[str, Any]]
    next: int | None


def query(engine: sa.Engine, q: AuditQuery) -> AuditPage:
    """The rows that match, in order of position."""
    keys = _keys(engine, q)
    with engine.connect() as db:
        found = db.execute(_asked(q, keys, _rarest(db, q, keys))).mappings().all()
    shown = found[: q.limit]
    return AuditPage(
        [_shown(dict(row)) for row in shown], shown[-1]["position"] if len(found) > q.limit else None
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    proof = f"/v1/{row['municipality']}/proofs/{row['position']}"
    return {name: proof if name == "proof" else row[name] for name in COLUMNS}


def _asked(q: AuditQuery, keys: Sequence[Sequence[str]], first: int | None) -> sa.Select[Any]:
    """The rows, read in order of position along the index of what is rarest, so that it ends when a page is full."""
    a, c = AUDIT.table.c, CONCERN.table.c
    source: sa.FromClause = AUDIT.table
    place, matching = a.position, [*_known(q), *_true(q)]
    if first is not None:
        source = CONCERN.table.join(AUDIT.table, a.position == c.position)
        place = c.position
        matching.append(c.key == keys[first][0])
    for number, several in enumerate(keys):
        if number != first:
            also = CONCERN.table.alias()
            matching.append(sa.exists().where(also.c.key.in_(several), also.c.position == place))
    if q.kind is not None:
        # Where another index leads, SQLite may still read all events of the kind for each row of it, unless it is asked
        # for something that the kind's index does not hold.
        kind = a.kind if first is None else sa.func.coalesce(a.kind, "")
        matching.append(kind.in_(_kinds(q.kind)))
    if q.text is not None:
        matching.append(a.searched.like(f"%{_like(q.text.casefold())}%", escape="\\"))
    rows = sa.select(AUDIT.table).select_from(source).where(place > q.after, *matching)
    return rows.order_by(place).limit(q.limit + 1)


def _rarest(db: sa.Connection, q: AuditQuery, keys: Sequence[Sequence[str]]) -> int | None:
    """Which of what is asked for has the fewest events; None if that is the kind, or nothing is asked for alone."""

    def count(column: sa.ColumnElement[str], values: Sequence[str], place: sa.ColumnElement[int]) -> int:
        some = sa.select(place).where(column.in_(values), place > q.after).limit(MANY).subquery()
        return int(db.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())

    a, c = AUDIT.table.c, CONCERN.table.c
    counted = {
        number: count(c.key, several, c.position) for number, several in enumerate(keys) if len(several) == 1
    }
    first = min(counted, key=counted.__getitem__, default=None)
    if (
        first is not None
        and q.kind is not None
        and count(a.kind, _kinds(q.kind), a.position) < counted[first]
    ):
        return None
    return first


def _kinds(kind: str) -> list[str]:
    """A kind of event with its version, or all versions of one named without."""
    return [topic for topic in TOPICS if kind in (topic, topic.rpartition(".v")[0])]


def _keys(engine: sa.Engine, q: AuditQuery) -> list[list[str]]:
    """What events must concern: each of these, by one of its keys."""
    asked = {
        "body": q.body and _ids(engine, "body", q.body),
        "person": q.person and _ids(engine, "person", q.person),
        "matter": q.matter and _matters(engine, q.matter),
        "meeting": q.meeting and [q.meeting],
        "rule": q.rule and [q.rule],
        "finding": q.finding and [q.finding],
    }
    return [[f"{name}/{value}" for value in values] for name, values in asked.items() if values]


def _ids(engine: sa.Engine, view: str, wanted: str) -> list[str]:
    """The ids of a body or a person by id or by name, whichever case it is written in."""
    if _ID.fullmatch(wanted):
        return [wanted]
    name = wanted.strip().casefold()
    return [row[view] for row in rows(engine, view) if (row["name"] or "").casefold() == name] or [wanted]


def _matters(engine: sa.Engine, wanted: str) -> list[str]:
    if _ID.fullmatch(wanted):
        return [wanted]
    found = rows(engine, "number", where={"number": normalised(wanted)})
    return [row["matter"] for row in found] or [wanted]


def _known(q: AuditQuery) -> list[sa.ColumnElement[bool]]:
    a = AUDIT.table.c
    bounds: list[sa.ColumnElement[bool]] = []
    if q.known_from is not None:
        earlier = isinstance(q.known_from, int)
        bounds.append(a.position >= q.known_from if earlier else a.recorded_at >= _stamp(q.known_from, False))
    if q.known_to is not None:
        later = isinstance(q.known_to, int)
        bounds.append(a.position <= q.known_to if later else a.recorded_at <= _stamp(q.known_to, True))
    return bounds


def _stamp(when: When, end: bool) -> str:
    assert not isinstance(when, int)
    return instant(when, end)


def _true(q: AuditQuery) -> list[sa.ColumnElement[bool]]:
    a = AUDIT.table.c
    bounds: list[sa.ColumnElement[bool]] = []
    if q.true_from is not None:
        bounds.append(sa.or_(a.happened_to.is_(None), a.happened_to >= _minute(q.true_from, "T00:00")))
    if q.true_to is not None:
        bounds.append(sa.or_(a.happened_from.is_(None), a.happened_from <= _minute(q.true_to, "T23:59")))
    return bounds


def _minute(when: date | datetime, of_day: str) -> str:
    return when.strftime("%Y-%m-%dT%H:%M") if isinstance(when, datetime) else f"{when}{of_day}"


def _like(text: str) -> str:
    """Text that stands for itself in LIKE."""
    return re.sub(r"([\\%_])", r"\\\1", text)


# --- who approved what, on which grounds
def approvals(
    engine: sa.Engine,
    known: int | None = None,
    *,
    body: str | None = None,
    meeting: str | None = None,
    person: str | None = None,
) -> list[dict[str, Any]]:
    """Every approval that stood at a position, with the rule it rests on and what had been found by then: one query.

    The rule is that of the regulation whose hash the approval's envelope names.
    """
    a, r = APPROVAL.table, RULE.table
    grounds = r.alias("grounds")
    standing: sa.ColumnElement[bool] = a.c.retracted_at.is_(None)
    if known is not None:
        standing = sa.and_(a.c.position <= known, sa.or_(standing, a.c.retracted_at > known))
    rule = sa.and_(
        grounds.c.content_hash == a.c.rules,
        grounds.c.body == a.c.body,
        grounds.c.rule == "signers",
        grounds.c.position <= a.c.position,
    )
    asked = (
        sa.select(
            *(a.c[name] for name in APPROVED),
            grounds.c.rule,
            grounds.c.modality,
            grounds.c.source_document,
            grounds.c.source_section,
            grounds.c.fact,
        )
        .select_from(a.outerjoin(grounds, rule))
        .where(standing)
        .order_by(a.c.position)
    )
    for column, wanted in ((a.c.body, body), (a.c.meeting, meeting), (a.c.person, person)):
        asked = asked if wanted is None else asked.where(column == wanted)
    with engine.connect() as db:
        found = {row["position"]: dict(row) for row in db.execute(asked).mappings()}
    return [row | {"findings": json.loads(row["findings"])} for row in found.values()]


# --- for people
def to_csv(found: Iterable[Mapping[str, Any]], columns: Sequence[str] = COLUMNS) -> bytes:
    """The rows as a spreadsheet reads them in Sweden: semicolons, UTF-8 with a byte order mark."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    for row in found:
        writer.writerow([_safe(row[name]) for name in columns])
    return out.getvalue().encode("utf-8-sig")


def _safe(value: Any) -> str:
    text = "" if value is None else str(value)
    # A spreadsheet would run a cell that begins like a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def timeline(engine: sa.Engine, found: Iterable[Mapping[str, Any]]) -> str:
    """The rows told in Swedish, one line an event, with the names as they now stand."""
    positions = [row["position"] for row in found]
    a = AUDIT.table
    names = _names(engine)
    with engine.connect() as db:
        stored = {
            row["position"]: dict(row)
            for first in range(0, len(positions), 500)
            for row in db.execute(
                sa.select(a).where(a.c.position.in_(positions[first : first + 500]))
            ).mappings()
        }
    return "".join(_line(stored[position], names) + "\n" for position in positions if position in stored)


def _names(engine: sa.Engine) -> dict[str, str]:
    names = {"system": "Systemet"}
    for view, column in (("person", "name"), ("body", "name"), ("matter", "diarienummer")):
        names |= {row[view]: row[column] for row in rows(engine, view) if row[column]}
    meetings = rows(engine, "meeting")
    return names | {row["meeting"]: f"sammanträdet {row['starts']}" for row in meetings if row["starts"]}


def _line(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    told = json.loads(row["details"])
    about = {"actor": row["actor"], "body": row["body"], "meeting": row["meeting"]} | told
    sentence = _said(SENTENCES[row["kind"]], about).format_map(_Values(about, names))
    words = f": {_shortened(row['words'])}" if row["words"] else ""
    finding = f" [iakttagelse: {row['finding']}]" if row["finding"] else ""
    when = row["happened"].replace("T", " ")
    recorded = local(unstamp(row["recorded_at"])).date().isoformat()
    late = "" if row["happened"][:10] == recorded else f", antecknat {recorded}"
    return f"{row['position']:>6}  {when}{late}  {sentence[0].upper()}{sentence[1:]}{words}{finding}".replace(
        "\n", " "
    )


def _said(sentence: str, about: Mapping[str, Any]) -> str:
    """The sentence without what its brackets ask for and is not there."""

    def kept(part: re.Match[str]) -> str:
        there = all(about.get(name) not in (None, "", []) for name in _NAMES.findall(part[1]))
        return part[1] if there else ""

    return _PART.sub(kept, sentence)


def _shortened(words: str) -> str:
    return words if len(words) <= SHOWN else f"{words[:SHOWN].rstrip()} …"


class _Values(dict[str, str]):
    """What a sentence asks for, in words."""

    def __init__(self, about: Mapping[str, Any], names: Mapping[str, str]) -> None:
        super().__init__()
        self._about, self._names = about, names

    def __missing__(self, name: str) -> str:
        value = self._about.get(name)
        parts = [self._word(one) for one in (value if isinstance(value, list) else [value])]
        if not parts:
            return "ingen"
        return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} och {parts[-1]}"

    def _word(self, value: Any) -> str:
        if value is None or value == "":
            return "okänt"
        text = str(value)
        return (
            self._names.get(text)
            or WORDS.get(text)
            or (text.replace("T", " ") if _MOMENT.fullmatch(text) else text)
        )


_PART, _NAMES = re.compile(r"\[([^]]+)\]"), re.compile(r"\{(\w+)\}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
