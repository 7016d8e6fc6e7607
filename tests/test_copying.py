"""Copies: of minutes that are done, with each covering's provision, and nobody named on the web."""

from __future__ import annotations

from typing import Any

import pytest

from domain.copying import MakeCopy, covered
from domain.deliberating import RecordReport
from domain.document import CopyMade, Covering, Document, DocumentRegistered
from domain.drafting import EditMinutes
from domain.holding import RecordPresence
from domain.sources import house
from tests.council import CHAIR, MEETING, MINUTES, POLICE, SECRETARY, Session, seal
from tests.given import ident

pytestmark = pytest.mark.measured

COPY, PROVISION = ident(0xD8), "OSL 18 kap. 1 §"


def copied(**changes: Any) -> MakeCopy:
    said = {
        "document": COPY, "minutes": MINUTES, "purpose": "request", "title": "Maskad kopia", "size": 9,
        "file": "ab" * 32, "sha256": "cd" * 32, "root": "ef" * 32, "position": 40,
    }  # fmt: skip
    return MakeCopy.model_validate(said | changes)


def covering(**where: Any) -> Covering:
    return Covering(provision=PROVISION, **where)


def sealed() -> Session:
    """Sealed minutes with a report on the first item, and a text of the secretary's."""
    session = Session().opened()
    session.do(RecordPresence(meeting=MEETING, person=CHAIR, capacity="member"))
    session.do(RecordReport(meeting=MEETING, item=1, by=POLICE, text="Läget är lugnt."))
    session.closed_and_drafted()
    session.do(EditMinutes(minutes=MINUTES, base=1, texts={"1": "Punkten gicks igenom.", "0": "Allmänt."}))
    session.circulated().signed("chair").signed("justerare").system(seal(version=2))
    return session


def places(session: Session, *coverings: Covering, purpose: Any = "request") -> dict[str, str]:
    """What is covered, by the words that stand there."""
    version = session.minutes().newest
    found = covered(version, coverings, purpose)

    def at(path: str) -> str:
        kind, number, *rest = path.split("/")
        return str(
            version.texts[number] if kind == "texts" else version.statements[int(number)].fields[rest[1]]
        )

    return {at(path): provision for path, provision in found.items()}


def test_a_copy_is_a_document_that_says_what_it_was_taken_from_and_what_is_covered() -> None:
    session, one = sealed(), covering(item=1, kind="report", piece="text")
    answer = session.do(copied(coverings=[one], items=[1]))
    registered = answer.event(DocumentRegistered)
    assert (registered.kind, registered.direction, registered.date) == (
        "maskad kopia",
        "internal",
        session.now.date(),
    )
    made = answer.event(CopyMade)
    assert (made.items, made.coverings, made.version, made.person) == ((1,), (one,), 2, SECRETARY)
    state = session.scenario.world.get(Document, COPY)
    assert (state.extract_of, state.extracted) == (MINUTES, (1,))
    session.refuse(copied(), "id-taken", house(10))


def test_without_items_it_is_of_all_of_them() -> None:
    session = sealed()
    made = session.do(copied(purpose="web")).event(CopyMade)
    assert made.items == session.minutes().newest.covers


def test_only_what_is_done_and_covered_is_copied() -> None:
    Session().drafted().refuse(copied(), "extract-of-finished", house(111))
    sealed().refuse(copied(items=[9]), "not-found", house(1))


def test_a_covering_takes_an_item_a_kind_or_a_field() -> None:
    session = sealed()
    assert places(session, covering(item=1, kind="report", piece="text")) == {"Läget är lugnt.": PROVISION}
    assert set(places(session, covering(item=1, kind="report"))) == {
        "Läget är lugnt.",
        "Farida Noori",
        "Polismyndigheten",
    }
    whole = places(session, covering(item=1))
    assert {"Läget är lugnt.", "Punkten gicks igenom.", "Val av justerare"} <= set(whole)
    assert set(places(session, covering(kind="summary"))) == {"Allmänt."}
    assert set(places(session, covering(item=4, kind="item", piece="part"))) == {
        "Rapporter från externa myndigheter",
        "Rapporter från kommunens verksamheter",
    }


@pytest.mark.parametrize(
    "where",
    [{"item": 9}, {"item": 1, "kind": "dissent"}, {"item": 1, "kind": "item", "piece": "number"}],
    ids=str,
)
def test_a_covering_that_meets_nothing_is_refused(where: dict[str, Any]) -> None:
    sealed().refuse(copied(coverings=[covering(**where)]), "covers-nothing", house(135))


def test_on_the_web_nobody_is_named_and_what_is_covered_for_secrecy_says_so() -> None:
    session = sealed()
    found = places(session, covering(item=1, kind="report", piece="name"), purpose="web")
    names = {"Karin Lindqvist", "Per Ahlström", "Sofia Brandt", "Gunnar Öberg"}
    assert names <= set(found) and {found[name] for name in names} == {"Dataskydd"}
    version = session.minutes().newest
    hidden = covered(version, [covering(item=1, kind="report", piece="name")], "web")
    assert PROVISION in hidden.values()
    left = [
        str(value)
        for number, one in enumerate(version.statements)
        for name, value in one.fields.items()
        if f"statements/{number}/fields/{name}" not in hidden
    ]
    assert not names & set(left) and "Val av justerare" in left
