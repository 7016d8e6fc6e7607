"""Lerum's council through 2024: its adopted rules are real (KS23.276), the year and its people are made up.

Four meetings: an ordinary one; one called late, with the reason given afterwards; one that the members demanded; and
one with a dissent, a draft sent back and, later, a correction. All are sealed, sent and reported.

- The rules are the municipality's own; officials appear by their titles, everybody else has a name that nobody bears.
- What the rules ask for comes up somewhere: seats offered and answered (L3), experts from the administration (L4), the
  chair that follows from another office and the vice chair that the council chooses (L5), co-option and other actors
  (L6), picture and plan (L7), the standing items (L8), the demand (L11), a dissent entered after the meeting (L12), two
  signatures (L13), two ways out (L14), days of notice (L15).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from api.demo.council import Story
from api.demo.lerum_meetings import demanded, disputed, late, spring
from api.demo.people import PEOPLE, ROLES
from domain.messages import fresh_id


@dataclass(frozen=True)
class Year:
    """The whole year."""

    slug: str = "lerum"
    name: str = "Lerums kommun"
    starts: str = "2023-11-13T08:30"
    doing: str = "spelar upp året"

    def play(self, story: Story) -> None:
        set_up(story)
        spring(story)
        late(story)
        demanded(story)
        disputed(story)


def set_up(story: Story) -> None:
    """Bodies, people, rules, seats and mandates, entered in November 2023."""
    s = story.stage
    board = story.post("operator", "/bodies/establish-body", name="Kommunstyrelsen", kind="kommunstyrelse")
    council = story.post(
        "operator", "/bodies/establish-body", name="Trygghetsrådet", kind="trygghetsrad", parent=board
    )
    story.bodies = {"board": board, "council": council}
    for one in PEOPLE:
        body = {"name": one.name, "organisation": one.organisation} | (
            {"title": one.title} if one.title else {}
        )
        story.people[one.key] = story.post("operator", "/persons/register-person", **body)
    for key, role in ROLES.items():
        story.post(
            "operator", f"/persons/{story.people[key]}/grant-role", role=role, valid_from="2023-11-13",
            ground="Delegationsbeslut",
        )  # fmt: skip
    for one in PEOPLE:
        s.let_in(one.key, story.people[one.key], signs=one.signs)
    story.post("operator", "/registry/choose-diary", body=board, mode="external")
    story.post(
        "operator", f"/bodies/{council}/adopt-regulation", happened="2023-11-10", diarienummer="KS23.276",
        adopted_by=board, adopted_on="2023-11-10",
        profile=(files("domain.profiles") / "lerum.toml").read_text("utf-8"), part="trygghetsradet",
    )  # fmt: skip
    s.at("2023-11-20T10:00")
    for seat, organisation in (("polisen", "Polismyndigheten"), ("raddningstjansten", "Räddningstjänsten")):
        offer = fresh_id()
        story.post(
            "secretary", f"/bodies/{council}/offer-seat", offer=offer, seat=seat, organisation=organisation,
            to="Myndighetsbrevlådan",
        )  # fmt: skip
        s.at("2023-12-04T09:00" if seat == "polisen" else "2023-12-06T14:00")
        story.post("secretary", f"/bodies/{council}/answer-seat-offer", offer=offer, accepted=True)
    mandates(story, board, council)


def mandates(story: Story, board: str, council: str) -> None:
    """Who sits where from the new year."""
    story.stage.at("2023-12-11T13:00")
    people, year = story.people, {"valid_from": "2024-01-01"}

    def give(body: str, person: str, seat: str, capacity: str = "member", **more: Any) -> None:
        story.post(
            "secretary",
            f"/bodies/{body}/give-mandate",
            person=people[person],
            seat=seat,
            capacity=capacity,
            **more,
        )

    give(board, "chair", "ordforande", valid_from="2023-01-01", happened="2022-12-12")
    for person in ("chair", "vice", "second"):
        give(council, person, "presidium", **year)
    give(council, "police", "polisen", **year)
    give(council, "police-substitute", "polisen", "substitute", substitutes_for=people["police"], **year)
    give(council, "rescue", "raddningstjansten", **year)
    story.post(
        "secretary", f"/bodies/{council}/staff-body", duty="expertise", person=people["security"],
        organisation="Säkerhetsenheten", **year,
    )  # fmt: skip
    story.post(
        "chair", f"/bodies/{council}/staff-body", duty="other-actors", person=people["association"],
        organisation="Exempelföreningen", **year,
    )  # fmt: skip
    story.post(
        "chair", f"/bodies/{council}/co-opt", person=people["probation"], organisation="Kriminalvården",
        seat="adjungerad", valid_from="2024-05-01",
    )  # fmt: skip
