"""Views: as of a position, as of a day, and true to the log to the last cell."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from domain import matter, person
from domain.messages import TOPICS, Fact, Known
from domain.when import Truth, at
from projections.evidence import tiles
from projections.links import Links
from projections.reading import assertions, fresh_digests, holder, position_at, rows, stored_digests
from projections.runner import Projector
from projections.view import Assert, Record, Retract, View, says, text
from projections.views import BY_NAME, PROJECTIONS, VIEWS
from registry.clock import unstamp
from registry.registry import Registry
from tests.given import NOW
from tests.places import Place
from tests.stories import (
    ANNA,
    BERTIL,
    BOARD,
    CAMERAS,
    CECILIA,
    COUNCIL,
    DAVID,
    MINUTES,
    RULES,
    SPRING,
    Saved,
    mixture,
    registry,
    saver,
    year,
)


class Council:
    """A registry after its year, with its views."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.registry: Registry = registry(folder, url)
        self.saved: Saved = year(self.registry)
        self.views = Place(folder, url).views()
        self.projector = Projector(self.registry, self.views)
        self.projector.catch_up()

    def rows(self, view: str, **where: Any) -> list[dict[str, Any]]:
        return rows(self.views, view, where=where)

    def only(self, view: str, **where: Any) -> dict[str, Any]:
        (row,) = self.rows(view, **where)
        return row

    def close(self) -> None:
        self.views.dispose()
        self.registry.close()


@pytest.fixture(scope="module")
def council(tmp_path_factory: pytest.TempPathFactory, database_url: str | None) -> Iterator[Council]:
    made = Council(tmp_path_factory.mktemp("council"), database_url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, database_url: str | None) -> Iterator[Council]:
    """A registry in which every kind of event has happened, and every view has rows."""
    made = Council(tmp_path_factory.mktemp("full"), database_url)
    save = saver(made.registry)
    save(person.ContactChanged(person=ANNA, email=Known("anna@example.se")), after=400)
    mixture(made.registry, random.Random(7), 400)  # the same mixture at every run
    made.projector.catch_up()
    yield made
    made.close()


# --- true to the log
def test_every_kind_of_event_is_in_the_mixture_and_every_view_has_rows(full: Council) -> None:
    assert {fact.event.TOPIC for fact in full.registry.facts()} == set(TOPICS)
    for view in VIEWS:
        assert full.rows(view.name), view.name


def test_what_is_stored_is_what_a_fresh_fold_gives(full: Council) -> None:
    stored = stored_digests(full.views)
    assert stored == fresh_digests(full.registry)
    assert len(set(stored.values())) == len(stored)


CELLS = [(view.table, column.name) for view in VIEWS for column in view.table.columns] + [
    (tiles, column.name) for column in tiles.columns
]


@pytest.mark.parametrize(
    ("table", "column"), CELLS, ids=[f"{table.name}-{column}" for table, column in CELLS]
)
def test_no_cell_can_be_changed_unseen(full: Council, table: sa.Table, column: str) -> None:
    (projection,) = [one for one in PROJECTIONS if one.table is table]
    with full.views.connect() as db:
        before = projection.stored_digest(db, None)
        row = db.execute(sa.select(table).order_by(*table.primary_key).limit(1)).mappings().one()
        same = sa.and_(*(table.c[key.name] == row[key.name] for key in table.primary_key))
        db.execute(table.update().where(same).values({column: _other(row[column], table.c[column])}))
        assert projection.stored_digest(db, None) != before
        db.rollback()
        assert projection.stored_digest(db, None) == before


def _other(value: Any, column: sa.Column[Any]) -> Any:
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, int) or (value is None and isinstance(column.type, sa.Integer)):
        return (value or 0) + 1_000_000
    return f"{value}x"


@pytest.mark.parametrize("name", ["audit", "todo", "tile"])
def test_no_row_can_be_taken_away_or_put_in_unseen(full: Council, name: str) -> None:
    (projection,) = [one for one in PROJECTIONS if one.table.name == name]
    table = projection.table
    with full.views.connect() as db:
        before = projection.stored_digest(db, None)
        row = dict(db.execute(sa.select(table).limit(1)).mappings().one())
        same = sa.and_(*(table.c[key.name] == row[key.name] for key in table.primary_key))
        db.execute(table.delete().where(same))
        assert projection.stored_digest(db, None) != before
        db.rollback()
        first = next(iter(table.primary_key)).name
        db.execute(table.insert().values(row | {first: row[first] + 1_000_000}))
        assert projection.stored_digest(db, None) != before
        db.rollback()


def test_a_cell_that_no_fold_could_write_has_a_digest_too(council: Council) -> None:
    table, before = BY_NAME["person"].table, stored_digests(council.views)
    here = table.c.position == 2
    with council.views.connect() as db:
        name = db.execute(sa.select(table.c.name).where(here)).scalar_one()
        # PostgreSQL itself takes nothing but text in UTF-8.
        for damaged in ("A\u030a", b"\xff") if db.dialect.name == "sqlite" else ("A\u030a",):
            db.execute(table.update().where(here).values(name=damaged))
            db.commit()
            assert stored_digests(council.views)["person"] != before["person"]
        db.execute(table.update().where(here).values(name=name))
        db.commit()
    assert stored_digests(council.views) == before


def test_what_is_to_be_destroyed_soon_is_in_no_view(full: Council) -> None:
    held = "\n".join(
        json.dumps(assertions(full.views, view.name), ensure_ascii=False, default=str) for view in VIEWS
    )
    for working in ("hemligt utkast", "ska rensas", "Sjukdom i familjen", "fel namn", "anna@example.se"):
        assert working not in held
    assert "ÖVERVAKNING är fel väg" in held


def test_a_destroyed_name_is_gone_from_the_views_after_a_rebuild(
    tmp_path: Path, database_url: str | None
) -> None:
    council = Council(tmp_path, database_url)
    assert "David Asp" in str(council.rows("audit"))
    council.registry.vault.destroy(f"person-{DAVID}", "register", "beslut 1")
    council.projector.rebuild()
    assert council.only("person", person=DAVID)["name"] == "█████"
    assert "David Asp" not in str([council.rows(view.name) for view in VIEWS])
    assert "█████" in council.only("audit", position=5)["words"]
    assert stored_digests(council.views) == fresh_digests(council.registry)
    council.close()


# --- as known at a position
def test_a_dissent_taken_back_still_stands_as_of_before(council: Council) -> None:
    before, after = council.saved.retracted - 1, council.saved.retracted
    assert [row["dissent"] for row in rows(council.views, "dissent", known=before)] == [1, 2]
    assert {row["retracted_at"] for row in rows(council.views, "dissent", known=before)} == {None}
    assert [row["dissent"] for row in rows(council.views, "dissent", known=after)] == [1]
    assert [row["dissent"] for row in council.rows("dissent")] == [1]


def test_an_approval_is_void_from_the_new_version_on(council: Council) -> None:
    first = rows(council.views, "approval", known=council.saved.voided - 2)
    assert [(row["version"], row["office"]) for row in first] == [(1, "chair")]
    now = council.rows("approval")
    assert [(row["version"], row["office"], row["person"]) for row in now] == [
        (2, "chair", BERTIL),
        (2, "justerare", CECILIA),
    ]
    for row in now:
        assert row["rules"] == RULES.hash and row["findings"] == ["notice-short", "member-not-called"]


def test_tasks_come_and_go(council: Council) -> None:
    def tasks(known: int | None = None) -> list[str]:
        found = rows(council.views, "todo", known=known)
        return sorted(row["task"] for row in found if row["task"] != "offer-seat")

    saved = council.saved
    assert tasks(20) == ["call"]
    assert tasks(21) == ["notice-reason"]
    assert tasks(22) == []
    assert tasks(saved.first_approval) == ["dispatch", "sign"]
    assert tasks(saved.voided) == ["circulate", "dispatch"]
    assert tasks(saved.second_approval - 1) == ["dispatch", "sign"]
    assert tasks(saved.second_approval) == ["dispatch", "seal"]
    assert tasks(saved.sealed) == ["dispatch", "finish", "notify", "send"]
    assert tasks() == ["dispatch", "finish", "send"]
    (seat,) = rows(council.views, "todo", where={"task": "offer-seat"})
    assert seat["office"] == "raddningstjansten", "the police were offered theirs"
    (left,) = rows(council.views, "todo", known=saved.second_approval - 1, where={"task": "sign"})
    assert (left["office"], left["person"], left["version"]) == ("justerare", CECILIA, 2)


# --- as true on a day
def test_a_january_election_entered_after_march_does_not_end_the_march_chair(council: Council) -> None:
    def chair(day: str, known: int | None = None) -> tuple[str | None, Truth]:
        row, truth = holder(council.views, COUNCIL, "ordforande", day, known)
        return (row["person"] if row else None), truth

    assert chair("2024-04-01") == (BERTIL, Truth.YES)
    assert chair("2024-02-01") == (CECILIA, Truth.YES)
    assert chair("2023-12-31") == (None, Truth.NO)
    assert chair("2024-02-01", council.saved.elected_in_march) == (None, Truth.NO)


def test_the_name_that_began_last_is_read_whichever_was_entered_last(
    tmp_path: Path, database_url: str | None
) -> None:
    council = Council(tmp_path, database_url)
    save = saver(council.registry)
    for name, since in (("Anna Björk", "2026-05-01"), ("Anna Dahl", "2025-02-01")):
        save(person.PersonRenamed(person=ANNA, name=Known(name)), happened=since, after=1000)
    council.projector.catch_up()
    assert council.only("person", person=ANNA)["name"] == "Anna Björk"
    for day, name in (("2024-06-01", "Anna Ek"), ("2025-06-01", "Anna Dahl"), ("2026-06-01", "Anna Björk")):
        (row,) = rows(council.views, "person", true=day, where={"person": ANNA})
        assert row["name"] == name
        assert row["organisation"] == (
            "Kommunen" if name == "Anna Ek" else None
        )  # taken away by the renaming
    council.close()


def test_an_unknown_time_gives_perhaps(council: Council) -> None:
    (dissent,) = rows(council.views, "dissent", true="2024-01-01")
    assert (dissent["dissent"], dissent["valid"]) == (1, "perhaps")
    assert not rows(council.views, "decision", true="2024-03-04")
    assert rows(council.views, "decision", true="2024-03-05T12:00")[0]["valid"] == "perhaps"
    assert rows(council.views, "decision", true="2024-03-05")[0]["valid"] == "yes"


def test_a_meeting_on_a_day_is_told_as_it_then_was(council: Council) -> None:
    def status(when: str) -> str:
        (row,) = rows(council.views, "meeting", true=when)
        return str(row["status"])

    assert status("2024-02-20") == "scheduled"
    assert status("2024-03-05T14:00") == "open"
    assert status("2024-03-05") == "closed"
    assert rows(council.views, "meeting", true="2024-01-10") == []
    with pytest.raises(ValueError, match="isoformat"):
        rows(council.views, "meeting", true="i våras")


# --- what each view tells
def test_every_rule_of_the_regulation_is_stored_and_shown(council: Council) -> None:
    regulation = council.only("regulation", body=COUNCIL)
    assert (regulation["diarienummer"], regulation["adopted_on"]) == ("KS23.276", "2023-11-10")
    assert regulation["valid_from"] is None and "giltighetstid" in regulation["unknown"]
    shown = {row["rule"]: row for row in council.rows("rule", body=COUNCIL)}
    assert {rule.id: (rule.value, rule.modality) for rule in RULES} == {
        id: (row["value"], row["modality"]) for id, row in shown.items()
    }
    assert {row["fact"] for row in shown.values()} >= {f"L{number}" for number in range(2, 16)}
    assert shown["not-applicable"]["value"]["subjects"] == ["working-forms", "quorum"]
    # It has no first day of its own: in force from its adoption, as far as anybody knows.
    assert rows(council.views, "rule", true="2023-11-09") == []
    assert len(rows(council.views, "rule", true="2023-11-10")) == len(shown)


def test_seats_offers_and_numbers(council: Council) -> None:
    seat = council.only("seat", body=COUNCIL)
    assert (seat["organisation"], seat["status"], seat["fact"]) == ("Polisen", "accepted", "L15")
    number = council.only("number", number="ks23.276")
    assert (number["matter"], number["given_by"], number["external"]) == (CAMERAS, "Diariet", 1)
    found = council.only("matter", diarienummer="KS23.276")
    assert (found["title"], found["status"], found["body"]) == ("Kameror vid skolan", "open", BOARD)


def test_the_kallelse_and_who_came(council: Council) -> None:
    kallelse = council.only("kallelse", meeting=SPRING)
    assert kallelse["days"] == 5 and kallelse["findings"] == ["notice-short", "member-not-called"]
    assert kallelse["reason"] == "Sekreteraren var sjuk" and kallelse["not_called"] == [DAVID]
    assert [entry["title"] for entry in kallelse["agenda"]] == ["Val av justerare", "Kameror"]
    came = {
        row["person"]: (row["status"], row["after_item"])
        for row in council.rows("attendance", meeting=SPRING)
    }
    assert came == {DAVID: (None, None), BERTIL: ("present", None), CECILIA: ("left", 1)}
    assert council.only("attendance", person=DAVID)["hindered"] == 1
    assert council.only("office", office="justerare")["person"] == CECILIA


def test_the_minutes_and_what_became_of_them(council: Council) -> None:
    minutes = council.only("minutes", minutes=MINUTES)
    assert (minutes["status"], minutes["version"], minutes["sealed"], minutes["covers"]) == (
        "sealed",
        2,
        2,
        [1, 2],
    )
    sending = council.only("delivery", duty="sending")
    assert (sending["person"], sending["stage"], sending["channel"]) == (BERTIL, "received", "post")
    notified = council.only("delivery", duty="notification")
    assert (notified["stage"], notified["diarienummer"], notified["paragraph"]) == (
        "noted",
        "KS24.77",
        "§ 12",
    )
    assert [row["version"] for row in council.rows("version", minutes=MINUTES)] == [1, 2]


def test_findings_are_rows_with_their_source(council: Council) -> None:
    short = council.only("finding", finding="notice-short")
    assert (short["expected"], short["observed"], short["modality"]) == ("7 days", "5 days", "utgangspunkt")
    assert (short["source_document"], short["fact"], short["meeting"]) == ("KS23.276", "L15", SPRING)


def test_rows_are_chosen_and_paged(council: Council) -> None:
    assert len(council.rows("person", person=[ANNA, BERTIL])) == 2
    assert [row["person"] for row in rows(council.views, "person", limit=2, offset=1)] == [BERTIL, CECILIA]
    assert council.rows("meeting", status="scheduled") == []  # it was, and is not
    assert council.rows("meeting", status="closed", title=None)
    assert len(assertions(council.views, "meeting", where={"meeting": SPRING})) == 3


# --- the base
def _record(position: int = 1) -> Record:
    event = matter.MatterClosed(matter=CAMERAS)
    return Record(Fact(event, f"matter-{CAMERAS}", 1, position, happened=at(NOW)), bytes(32), Links())


def test_a_fold_that_says_what_its_view_has_no_column_for_is_an_error() -> None:
    view = View("strange", 1, frozenset(), [text("a")], lambda _: [says("k", b=1)])
    with pytest.raises(TypeError, match="no column b"):
        view.rows(_record())


def test_a_retraction_must_be_declared_and_come_first() -> None:
    changes: list[Assert | Retract] = [says("k", c="1"), Retract("k")]
    late = View("late", 1, frozenset(), [text("c")], lambda _: changes, retracts=True)
    with pytest.raises(TypeError, match="comes after"):
        late.rows(_record())
    undeclared = View("undeclared", 1, frozenset(), [text("c")], lambda _: [Retract("k")])
    with pytest.raises(TypeError, match="not declared"):
        undeclared.rows(_record())


def test_links_remember_each_thing_once_and_answer_as_of_a_position() -> None:
    links = Links()
    said = [
        {"position": 1, "seq": 0, "key": "k", "name": "a"},
        {"position": 3, "seq": 0, "key": "k", "name": "b"},
        {"position": 3, "seq": 1, "key": "k", "name": None},
    ]
    links.add(said)
    links.add(said)
    assert len(list(links.all("k", 9))) == 3
    assert [links.latest("k", "name", at) for at in (0, 1, 2, 3)] == [None, "a", "a", "b"]


def test_positions_by_time(council: Council) -> None:
    reg, last = council.registry, council.saved.last
    facts = list(reg.facts())
    assert position_at(reg, 10_000) == last and position_at(reg, -1) == 0 and position_at(reg, 7) == 7
    day = NOW.replace(year=2023)
    assert position_at(reg, day) == 0 and position_at(reg, day.date()) == 0
    for fact in (facts[0], facts[20], facts[-1]):
        assert position_at(reg, _utc(fact.recorded_at)) >= fact.position
    assert facts[position_at(reg, _utc(facts[20].recorded_at)) - 1].recorded_at == facts[20].recorded_at


def _utc(recorded: str) -> Any:
    return unstamp(recorded)
