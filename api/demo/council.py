"""The words in which a council's story is told: schedule, call, hold, write, approve, send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from api.demo.stage import Stage


class Agenda(NamedTuple):
    """An own item on the agenda."""

    title: str
    matter: str | None
    presenter: str
    starts: str
    documents: tuple[str, ...] = ()


@dataclass
class Held:
    """A meeting as it was held: who was there, and when."""

    meeting: str
    opens: str
    closes: str
    present: list[str]
    justerare: str
    substitutes: dict[str, str] = field(default_factory=dict)
    coopted: list[str] = field(default_factory=list)
    experts: list[str] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)
    invited: list[str] = field(default_factory=list)


@dataclass
class Story:
    """A story under way: its stage, and the ids it has learnt."""

    stage: Stage
    people: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)

    def post(self, who: str, path: str, **body: Any) -> str:
        """Give a command; the id of what it is about."""
        return str(self.stage.post(who, path, body)["id"])

    def matter(self, title: str, number: str) -> str:
        return self.post(
            "registrar", "/matters/open-matter", body=self.bodies["board"], title=title, diarienummer=number,
            given_by="Kommunens diarium",
        )  # fmt: skip

    # --- before
    def schedule(self, starts: str, ends: str, place: str, **more: Any) -> str:
        return self.post(
            "secretary", "/meetings/schedule-meeting", body=self.bodies["council"], starts=starts, ends=ends,
            place=place, **more,
        )  # fmt: skip

    def add(self, meeting: str, *items: Agenda) -> None:
        for item in items:
            body: dict[str, Any] = {"title": item.title, "presenter": item.presenter, "starts": item.starts}
            if item.matter:
                body["matter"] = item.matter
            if item.documents:
                body["documents"] = [{"title": title, "enclosed": True} for title in item.documents]
            self.post("secretary", f"/meetings/{meeting}/add-item", **body)

    def call(self, meeting: str, when: str, people: list[str]) -> None:
        self.stage.at(when)
        recipients = [{"person": self.people[key], "channel": "e-mail"} for key in people]
        self.post(
            "secretary", f"/meetings/{meeting}/issue-kallelse", recipients=recipients, sent_on=when[:10]
        )

    # --- the meeting
    @contextmanager
    def holding(self, held: Held) -> Iterator[Holding]:
        """The meeting from its opening to its closing, with the standing items as they always come."""
        hold = Holding(self, held.meeting)
        self.stage.at(held.opens)
        hold.do("open-meeting", happened=held.opens)
        hold.do("record-secretary", person=self.people["secretary"])
        for key in held.present:
            hold.there(key, "member")
        for key, instead_of in held.substitutes.items():
            hold.there(key, "substitute", substitutes_for=self.people[instead_of])
        for key in held.coopted:
            hold.there(key, "co-opted")
        for key in held.experts:
            hold.there(key, "expert")
        for key in held.guests:
            hold.there(key, "guest")
        for key in held.invited:
            hold.there(key, "invited")
        hold.do("take-up-item", item=1)
        hold.do("elect-justerare", person=self.people[held.justerare], item=1)
        hold.do("set-justering-place", place="Digital underskrift")
        hold.do("take-up-item", item=2)
        hold.decide(2, ["Dagordningen fastställs."])
        hold.do("take-up-item", item=3)
        hold.decide(3, ["Föregående mötesanteckningar läggs till handlingarna."])
        yield hold
        self.stage.at(held.closes)
        hold.do("close-meeting", happened=held.closes)

    # --- the minutes
    def minutes(self, held: Held, when: str, texts: dict[int, str]) -> str:
        """Draft, write and circulate; the minutes' id. The circulated version is the second."""
        self.stage.at(when)
        minutes = self.post("secretary", "/minutes/draft-minutes", meeting=held.meeting)
        written = {str(item): text for item, text in texts.items()}
        self.post("secretary", f"/minutes/{minutes}/edit-minutes", base=1, texts=written)
        self.circulate(minutes, 2, held)
        return minutes

    def circulate(self, minutes: str, version: int, held: Held) -> None:
        recipients = [self.people["chair"], self.people[held.justerare]]
        self.post(
            "secretary", f"/minutes/{minutes}/circulate-minutes", version=version, recipients=recipients
        )

    def approve(
        self, minutes: str, version: int, chair_at: str, chair: str, justerare_at: str, justerare: str
    ) -> None:
        """Both sign the same version, and the registry seals it."""
        self.stage.at(chair_at)
        self.stage.sign(chair, minutes, version, "chair")
        self.stage.at(justerare_at)
        self.stage.sign(justerare, minutes, version, "justerare")
        self.stage.react()

    # --- afterwards
    def send(self, minutes: str) -> None:
        members = [self.people[key] for key in ("chair", "vice", "second", "police", "rescue")]
        recipients = [{"person": person, "channel": "e-mail"} for person in members]
        self.post("secretary", f"/minutes/{minutes}/send-minutes", recipients=recipients)

    def afterwards(
        self,
        minutes: str,
        when: str,
        *,
        number: str,
        paragraph: str,
        noted: str,
        dispatched: list[tuple[int, str]],
    ) -> None:
        """Sent to the members, reported to the board in its stages, dispatched."""
        self.stage.at(when)
        self.send(minutes)
        self.post("police", f"/minutes/{minutes}/record-receipt")
        self.post(
            "registrar",
            f"/minutes/{minutes}/send-notification",
            to_body=self.bodies["board"],
            channel="e-mail",
        )
        self.post("registrar", f"/minutes/{minutes}/record-notification-number", diarienummer=number)
        for item, recipient in dispatched:
            self.post(
                "secretary",
                f"/minutes/{minutes}/record-dispatch",
                item=item,
                recipient=recipient,
                channel="e-mail",
            )
        self.stage.at(f"{noted}T16:00")
        self.post(
            "registrar",
            f"/minutes/{minutes}/record-notification-noted",
            paragraph=paragraph,
            meeting_day=noted,
        )


@dataclass
class Holding:
    """What is recorded while a meeting is held."""

    story: Story
    meeting: str
    taken_up: set[int] = field(default_factory=lambda: {1, 2, 3})

    def do(self, command: str, **body: Any) -> None:
        self.story.post("secretary", f"/meetings/{self.meeting}/{command}", **body)

    def there(self, key: str, capacity: str, **more: Any) -> None:
        self.do("record-presence", person=self.story.people[key], capacity=capacity, **more)

    def _on(self, item: int) -> None:
        if item not in self.taken_up:
            self.taken_up.add(item)
            self.do("take-up-item", item=item)

    def report(self, item: int, key: str, text: str) -> None:
        self._on(item)
        self.do("record-report", item=item, by=self.story.people[key], text=text)

    def propose(self, item: int, key: str, text: str) -> None:
        self._on(item)
        self.do("make-proposal", item=item, proposer=self.story.people[key], text=text)

    def decide(
        self, item: int, points: list[str], dispatch: list[str] | None = None, adopts: int | None = None
    ) -> None:
        self._on(item)
        more: dict[str, Any] = {"dispatch": dispatch} if dispatch else {}
        self.do("record-decision", item=item, points=points, **more, **({"adopts": adopts} if adopts else {}))

    def abstain(self, item: int, key: str) -> None:
        self.do("record-abstention", item=item, person=self.story.people[key])

    def leaves(self, key: str, after: int) -> None:
        self.do("record-departure", person=self.story.people[key], after_item=after)
