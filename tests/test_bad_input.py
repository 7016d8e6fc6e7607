"""What cannot be so is refused with its place and a remedy, in both languages, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from api.intake import Intake
from api.sentences import texts
from domain.assigning import GiveAssignment, StageAsked
from domain.calling import ScheduleMeeting
from domain.constituting import AdoptRegulation, GiveMandate
from domain.deliberating import RecordDecision
from domain.errors import DomainError
from domain.matter import OpenMatter
from domain.messages import Command
from domain.municipality import ChooseDiary, OpenRegistry
from domain.organising import PlaceBody
from domain.preparing import PointGiven, PutProposal
from domain.readings import Due
from domain.stated import Assignee
from tests.council import BOARD, CHAIR, COUNCIL, LOOSE, MEETING
from tests.given import ident
from tests.log_session import LogSession, Reached

HEAD = '[profile]\nid = "p"\ntitle = "T"\n[documents.d]\nname = "D 1"\n'
RULE = 'modality = "ska"\nsection = "1"\n'
TWICE = f"[[rules.a]]\n{RULE}valid_to = 2024-06-30\n[[rules.a]]\n{RULE}valid_from = 2024-06-30\n"
DIARY = '[rules.diary]\nmodality = "presens"\nsection = "1"\nvalue = {{ pattern = "{}", also = ["{}"] }}\n'
ACT = '[rules.a]\nmodality = "ska"\ndocument = "SFS 2017:725"\nsection = "6 kap. 27 §"\nvalid_from = 2017-12-31\n'
OWN = '[bodies.b]\ntitle = "B"\nparent = "c"\n[bodies.c]\ntitle = "C"\nparent = "b"\n'
# A profile, what is wrong with it, on which line, at which place.
PROFILES = [
    ("an unknown key", f"[rules.a]\n{RULE}moood = 1\n", "profile-unknown-key", 9, "rules.a.moood"),
    ("overlapping validity", TWICE, "profile-overlap", 13, "rules.a.1.valid_from"),
    ("a missing source", '[rules.a]\nmodality = "ska"\n', "profile-source", 6, "rules.a"),
    ("two series", DIARY.format("KS{yyyy}{n}", "KS{yy}{n}"), "profile-diaries", 9, "rules.diary.value"),
    ("a statute too early", ACT, "profile-statute-early", 10, "rules.a.valid_from"),
    ("its own ancestor", OWN, "profile-circle", 8, "bodies.b.parent"),
    ("ends before it starts", f"[rules.a]\n{RULE}valid_from = 2024-02-01\nvalid_to = 2024-01-31\n",
     "profile-ends-before", 10, "rules.a.valid_to"),
]  # fmt: skip


@pytest.fixture(scope="module")
def s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogSession]:
    session = LogSession(tmp_path_factory.mktemp("bad"), Reached())
    session.do(OpenRegistry(name="Provkommun", slug="provkommun"))
    session.opened()
    matter: Any = {"matter": ident(1), "body": BOARD, "title": "Belysning", "given_by": "arkivet"}
    session.do(OpenMatter(**matter, diarienummer="KS23.276"))
    points = [PointGiven(text="Antas.", verb="antas")]
    session.do(PutProposal(proposal=ident(2), matter=ident(1), title="Ljus", points=points, by="Kontoret"))
    session.do(ChooseDiary(body=BOARD, mode="own", pattern="KS{yy}.{n}"))
    session.do(PlaceBody(body=LOOSE, parent=COUNCIL))
    yield session
    session.look()
    session.close()


def told(error: DomainError) -> None:
    """The refusal says what happened, with every value, and what to do now."""
    said = texts("refusals")[error.code]
    for key in ("sv", "en", "do_sv", "do_en"):
        assert said[key].format(**error.values).strip()
    assert str(error.source)


@pytest.mark.parametrize(
    ("text", "code", "line", "place"), [one[1:] for one in PROFILES], ids=[one[0] for one in PROFILES]
)
def test_a_bad_profile_is_not_adopted(s: LogSession, text: str, code: str, line: int, place: str) -> None:
    asked = AdoptRegulation(body=LOOSE, adopted_on=date(2024, 1, 1), profile=HEAD + text)
    error = s.refuse(asked, code)
    assert (error.values["line"], error.values["place"]) == (line, place)
    told(error)


BACKWARDS = Due(written="hösten", first=date(2024, 9, 1), last=date(2024, 8, 31))
# A command that cannot be so, why, and what its refusal names.
COMMANDS: list[tuple[str, Command, str, str]] = [
    ("a version that does not exist",
     RecordDecision(meeting=MEETING, item=2, points=["Antas."], of_proposal=ident(2), version=7),
     "proposal-version-missing", "7"),
    ("its own ancestor", PlaceBody(body=COUNCIL, parent=LOOSE), "own-ancestor", "Rådet utan regler"),
    ("a series that another writes", ChooseDiary(body=COUNCIL, mode="own", pattern="KS{yy}.{n}"),
     "pattern-taken", "KS{yy}.{n}"),
    ("a meeting that ends before it starts",
     ScheduleMeeting(body=COUNCIL, starts="2024-03-12T13:00", ends="2024-03-12T12:00", place="Eken"),
     "ends-before-it-begins", "2024-03-12T12:00"),
    ("a mandate that does",
     GiveMandate(body=COUNCIL, person=CHAIR, seat="x", valid_from=date(2024, 2, 1), valid_to=date(2024, 1, 31)),
     "ends-before-it-begins", "2024-01-31"),
    ("a time that does",
     GiveAssignment(body=COUNCIL, what="Ljus", to=[Assignee(function="Kansliet")],
                    stages=[StageAsked(what="Ljus", due=BACKWARDS)]),
     "ends-before-it-begins", "2024-08-31"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "code", "named"), [one[1:] for one in COMMANDS], ids=[one[0] for one in COMMANDS]
)
def test_what_cannot_be_so_is_not_recorded(s: LogSession, asked: Command, code: str, named: str) -> None:
    error = s.refuse(asked, code)
    assert named in map(str, error.values.values())
    told(error)


@pytest.mark.parametrize("declared", [{"sha256": "0" * 64}, {"size": 9}], ids=["sha256", "size"])
def test_bytes_that_are_not_those_declared_leave_no_file(s: LogSession, declared: dict[str, Any]) -> None:
    files, head = s.registry.files, s.registry.recorder.head()
    with pytest.raises(DomainError) as caught:
        files.put("document-x", "preserved", Intake([b"en", b"annan"], **declared))
    told(caught.value)
    assert s.registry.recorder.head() == head
    assert not [one for one in files.folder.rglob("*") if one.is_file()]
