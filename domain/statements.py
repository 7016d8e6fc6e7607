"""What the paper says, made from the meeting's events and nothing else.

- A pure function of folded states: the same meeting and the same people give the same statements in the same order, so
  that anyone who folds to the same version can compare every one.
- The order is the paper's: the meeting as a whole, who led it, who wrote, who was there, who was not, who approves it
  and where; then each item in its printed order with what was said, proposed, decided and objected to under it.
- Each field is one thing that may have to be masked by itself: a name, an organisation, a view. A name that is not
  known is printed as unknown ("okänt"); a field that does not apply is absent. Dates, numbers and codes stand as they
  are; the paper words them.
- Of an item that is secret the minutes of the rest say its number and the provision, and nothing else.
- Minutes of some items only (omedelbar justering) say who was there for those items, and nothing about what came
  later.
- A dissent that was taken back is not printed. Findings are never printed in minutes: they belong to the review.
"""

from collections.abc import Iterable, Iterator

from domain.body import Body
from domain.matter import Matter
from domain.meeting import Meeting
from domain.meeting_parts import Item, Presence
from domain.messages import Destroyed, Known, Sealed, World, stream
from domain.minutes_events import Statement
from domain.person import Person
from domain.proposal import Proposal

UNKNOWN = "okänt"
CAPACITIES = ("member", "substitute", "co-opted", "expert", "invited", "official", "secretary", "guest")


def statements(meeting: Meeting, world: World, covers: tuple[int, ...], rest: bool) -> tuple[Statement, ...]:
    """What the minutes of these items say; rest says that they also tell of the meeting as a whole."""
    writer = _Writer(meeting, world, covers, rest)
    return (
        *writer.whole(),
        *(one for item in meeting.agenda for one in writer.under(item)),
    )


def same(one: Iterable[Statement], other: Iterable[Statement]) -> bool:
    """Whether two drafts say the same; a destroyed field says what blocks say."""
    return [_plain(statement) for statement in one] == [_plain(statement) for statement in other]


def _plain(statement: Statement) -> tuple[str, int | None, int, dict[str, str]]:
    fields = {name: str(value) for name, value in statement.fields.items()}
    return statement.kind, statement.item, statement.ref_version, fields


Value = Known | Destroyed | str | int | None


def sealed(value: Sealed | str) -> Known:
    """A value to seal anew; what has been destroyed is printed as blocks."""
    return Known(str(value))


class _Writer:
    def __init__(self, meeting: Meeting, world: World, covers: tuple[int, ...], rest: bool) -> None:
        self.meeting, self.world, self.covers, self.rest = meeting, world, covers, rest
        self.name = stream(Meeting, meeting.meeting)

    def say(self, kind: str, version: int, item: int | None = None, /, **fields: Value) -> Statement:
        said: dict[str, Sealed] = {
            key.replace("_", "-"): sealed(value if isinstance(value, Known | Destroyed) else str(value))
            for key, value in fields.items()
            if value is not None and value != ""
        }
        return Statement(kind=kind, item=item, ref_stream=self.name, ref_version=version, fields=said)

    def who(self, person: str | None) -> dict[str, Value]:
        """Name, title and organisation, each by itself."""
        found = self.world.get(Person, person) if person else Person()
        return {"name": found.name or UNKNOWN, "title": found.title, "organisation": found.organisation}

    def participant(self, person: str | None) -> dict[str, Value]:
        found = self.who(person)
        return {"participant": found["name"], "organisation": found["organisation"]}

    def named(self, person: str | None) -> Value:
        return self.who(person)["name"] if person else None

    # --- the meeting as a whole
    def whole(self) -> Iterator[Statement]:
        meeting = self.meeting
        yield self.say(
            "meeting",
            meeting.opened_version or 1,
            body=self.world.get(Body, meeting.body).name,
            title=meeting.title,
            diarienummer=self.diarienummer(meeting.matter),
            starts=meeting.starts,
            ends=meeting.ends,
            place=meeting.place,
            opened=meeting.opened.text if meeting.opened else None,
            closed=meeting.closed.text if meeting.closed and self.rest else None,
            demanded="yes" if meeting.demand else None,
            items=",".join(meeting.number(item.item) for item in meeting.agenda if item.item in self.covers),
        )
        yield from self.leading()
        if meeting.secretary:
            yield self.say("secretary", meeting.secretary.version, **self.who(meeting.secretary.person))
        yield from self.attendance()
        for one in meeting.offices.values():
            yield self.say(
                "justerare",
                one.version,
                office=one.office,
                number=meeting.number(one.item) if one.item else None,
                **self.who(one.person),
            )
        if meeting.justering:
            yield self.say(
                "justering",
                meeting.justering.version,
                place=meeting.justering.place,
                time=meeting.justering.time,
            )
        if self.rest:
            yield from self.course()

    def leading(self) -> Iterator[Statement]:
        meeting = self.meeting
        whole = [one for one in meeting.acting if one.whole]
        if whole:
            yield self.say(
                "chair",
                whole[-1].version,
                acting="yes",
                reason=whole[-1].reason,
                **self.who(whole[-1].person),
            )
        elif meeting.opened:
            yield self.say("chair", meeting.opened_version, **self.who(meeting.opened_by))
        for one in meeting.acting:
            if not one.whole and any(meeting.chair_of(item) == one.person for item in self.covers):
                yield self.say(
                    "acting-chair",
                    one.version,
                    **self.who(one.person),
                    **{"from": meeting.number(one.from_item) if one.from_item else None},
                    to=meeting.number(one.to_item) if one.to_item else None,
                    reason=one.reason,
                )

    def attendance(self) -> Iterator[Statement]:
        meeting = self.meeting
        vice_chair = self.world.get(Body, meeting.body).vice_chair_at(meeting.day)
        offices = {vice_chair: "vice-chair", meeting.led_by: "chair"}
        for one in sorted(meeting.presences, key=lambda one: (CAPACITIES.index(one.capacity), one.version)):
            if self.touches(one):
                yield self.say(
                    "attendance",
                    one.version,
                    **self.who(one.person),
                    capacity=one.capacity,
                    office=offices.get(one.person),
                    **{"from": self.from_number(one), "for": self.named(one.substitutes_for)},
                    to=self.to_number(one),
                    left=UNKNOWN if one.left and one.after_item is None and self.rest else None,
                    distance="yes" if one.distance else None,
                )
        for one_hinder in meeting.hinders:
            if not any(one.person == one_hinder.person for one in meeting.presences):
                substitutes = [
                    who for hindered, who, _ in meeting.substitutes if hindered == one_hinder.person
                ]
                yield self.say(
                    "hinder",
                    one_hinder.version,
                    **self.who(one_hinder.person),
                    substitute=self.named(substitutes[-1] if substitutes else None),
                )
        hindered = {one.person for one in meeting.hinders}
        for gone in meeting.absences:
            if gone.person not in hindered:
                yield self.say("absence", gone.version, **self.who(gone.person), status=gone.status)

    def touches(self, one: Presence) -> bool:
        """Whether somebody was there for any of the items; in minutes of the whole meeting, whether at all."""
        return self.rest or any(self.meeting.present_at(one, item) for item in self.covers)

    def from_number(self, one: Presence) -> str | None:
        """The first item somebody was there for, unless they were there from the beginning of what is told."""
        if one.from_item is None or not (self.rest or not self.meeting.present_at(one, self.first)):
            return None
        return self.meeting.number(one.from_item)

    def to_number(self, one: Presence) -> str | None:
        if (
            not one.left
            or one.after_item is None
            or not (self.rest or not self.meeting.present_at(one, self.last))
        ):
            return None
        return self.meeting.number(one.after_item)

    @property
    def first(self) -> int:
        return min(self.covers, key=self.meeting.place_of)

    @property
    def last(self) -> int:
        return max(self.covers, key=self.meeting.place_of)

    def course(self) -> Iterator[Statement]:
        """How the meeting was interrupted, and why it was called late."""
        for one in self.meeting.breaks:
            yield self.say(
                "adjourned",
                one.version,
                at=one.adjourned.text,
                until=one.until,
                resumed=one.resumed.text if one.resumed else None,
            )
        for issue in self.meeting.issues:
            if issue.reason is not None:
                yield self.say("notice-reason", issue.reason_version, issue=issue.issue, text=issue.reason)

    # --- an item
    def under(self, item: Item) -> Iterator[Statement]:
        """What stands under an item that these minutes cover; of a secret one that they do not, that it is elsewhere.

        That belongs to the meeting as a whole, so that whoever takes a copy of all the minutes gets it too.
        """
        if item.item in self.covers:
            yield from self.item(item)
        elif self.rest and item.secrecy:
            number = self.meeting.number(item.item)
            yield self.say("kept-apart", item.marked, number=number, provision=item.secrecy.provision)

    def item(self, item: Item) -> Iterator[Statement]:
        meeting, here = self.meeting, item.item
        yield self.say(
            "item",
            item.version,
            here,
            number=meeting.number(here),
            title=item.title,
            diarienummer=self.diarienummer(item.matter),
            presenter=item.presenter,
            standing=item.standing,
            late="yes" if item.late else None,
            secrecy=item.secrecy.provision if item.secrecy else None,
            **{f"part-{n}": part for n, part in enumerate(item.parts, 1)},
        )
        if item.withdrawn:
            yield self.say("withdrawn", item.withdrawn, here, reason=item.withdrawn_reason)
            return
        for document in item.documents:
            enclosed = "yes" if document.enclosed else "no"
            yield self.say("document", item.version, here, title=document.title, enclosed=enclosed)
        for said in meeting.reports:
            if said.item == here:
                told = self.who(said.person) if said.person else {}
                organisation = said.organisation or told.get("organisation")
                yield self.say(
                    "report",
                    said.version,
                    here,
                    **{**told, "organisation": organisation},
                    text=said.text,
                )
        for conflict in meeting.in_conflict:
            if conflict.item == here:
                yield self.say(
                    "conflict",
                    conflict.version,
                    here,
                    **self.who(conflict.person),
                    left="yes" if conflict.left else "no",
                    ground=conflict.ground,
                )
        for said in meeting.proposals:
            if said.item == here and said.number not in meeting.withdrawn:
                proposer = self.who(said.person) if said.person else {}
                follows = self.adopted(said.of_proposal, said.proposal_version, ())
                yield self.say(
                    "proposal", said.version, here, number=said.number, **proposer, text=said.text, **follows
                )
        yield from self.voting(here)
        for person in (person for where, person, _ in meeting.abstentions if where == here):
            version = next(at for where, who, at in meeting.abstentions if (where, who) == (here, person))
            yield self.say("abstention", version, here, **self.who(person))
        for decision in meeting.decisions:
            if decision.item == here:
                yield self.say(
                    "decision",
                    decision.version,
                    here,
                    adopts=decision.adopts,
                    effective=decision.effective.isoformat() if decision.effective else None,
                    **self.adopted(decision.of_proposal, decision.adopted_version, decision.may_adopt),
                    **{f"point-{n}": point for n, point in enumerate(decision.points, 1)},
                    **{f"dispatch-{n}": to for n, to in enumerate(decision.dispatch, 1)},
                )
        for dissent in meeting.dissents:
            if dissent.item == here and not dissent.retracted:
                yield self.say(
                    "dissent",
                    dissent.version,
                    here,
                    **self.participant(dissent.participant),
                    view=dissent.view,
                )
        for made in meeting.reservations:
            if made.item == here:
                said_by = self.participant(made.participant)
                yield self.say("reservation", made.version, here, **said_by, text=made.text)
        for said in meeting.statements:
            if said.item == here:
                yield self.say(
                    "statement", said.version, here, **self.participant(said.person), text=said.text
                )
        for postponed in meeting.postponed:
            if postponed.item == here:
                later = self.world.get(Meeting, postponed.to_meeting) if postponed.to_meeting else Meeting()
                yield self.say(
                    "postponed", postponed.version, here, to=later.starts[:10], reason=postponed.reason
                )

    def voting(self, here: int) -> Iterator[Statement]:
        """In which order the proposals were put, and how they were voted on."""
        meeting = self.meeting
        if here in meeting.proposal_order:
            order = ",".join(map(str, meeting.proposal_order[here]))
            yield self.say("order", meeting.order_versions[here], here, order=order)
        for vote in (one for one in meeting.votes if one.event.item == here):
            cast = vote.event
            counted = cast.method != "acclamation"
            names = {
                f"{side}-{number}": self.named(person)
                for side in ("yes", "no", "abstained")
                for number, person in enumerate((one.person for one in cast.ballots if one.vote == side), 1)
            }
            yield self.say(
                "vote",
                vote.version,
                here,
                method=cast.method,
                **{"yes-for": cast.yes_for, "no-for": cast.no_for},
                yes=cast.yes if counted else None,
                no=cast.no if counted else None,
                abstained=cast.abstained if counted else None,
                casting=cast.casting,
                carried=cast.carried,
                **names,
            )

    def adopted(self, proposal: str | None, version: int | None, may_be: tuple[int, ...]) -> dict[str, Value]:
        """The proposal in the matter that is followed, and its version, or those that it may be."""
        if proposal is None:
            return {}
        between = ",".join(map(str, may_be)) or None
        title = self.world.get(Proposal, proposal).title
        return {"proposal": title, "proposal-version": version, "may-be": between}

    def diarienummer(self, matter: str | None) -> str | None:
        return self.world.get(Matter, matter).diarienummer if matter else None
