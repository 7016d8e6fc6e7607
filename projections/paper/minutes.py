"""From a version of minutes, as its event has it, to what stands on the paper.

- Everything printed comes from the version's own event; names of bodies and signers come from the states as they were
  at its position. The same event gives the same sheet for ever, which is what makes a replay comparable byte by byte.
- What a statement does not say is not made up: an unknown is printed as unknown, what does not apply is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from domain.body import Body
from domain.meeting import Meeting
from domain.messages import Destroyed, Fact, Known, Sealed, World
from domain.minutes import Minutes as MinutesState
from domain.minutes_events import MinutesVersionMade, Statement
from domain.person import Person
from projections.paper import sheets
from projections.paper.words import day_in_words, moment_in_words, period_in_words

CAPACITY = {
    "member": "Ledamot",
    "substitute": "Ersättare",
    "co-opted": "Adjungerad",
    "expert": "Sakkunnig",
    "invited": "Inbjuden",
    "official": "Tjänsteperson",
    "secretary": "Sekreterare",
    "guest": "Gäst",
}
SUBSTITUTE, COOPTED = ("substitute",), ("co-opted",)
CHECK = "Äktheten kan prövas av vem som helst: se Äkthetskontroll."


def minutes_sheet(
    fact: Fact, world: World, municipality: str, *, example: bool, root: str, draft: bool = False
) -> sheets.Minutes | sheets.Correction:
    """The sheet of a version; world as of its position, root its minutes root (hex)."""
    event = fact.event
    assert isinstance(event, MinutesVersionMade)
    paper = _Paper(event, fact, world, municipality, example, root, draft)
    return paper.correction() if event.kind == "correction" else paper.minutes()


def short_code(root: str) -> str:
    """The code in the margin: the first eight digits of the minutes root, in two groups."""
    return f"{root[:4]}-{root[4:8]}".upper()


class _Paper:
    def __init__(
        self,
        event: MinutesVersionMade,
        fact: Fact,
        world: World,
        municipality: str,
        example: bool,
        root: str,
        draft: bool,
    ) -> None:
        self.event, self.fact, self.world = event, fact, world
        self.municipality, self.example, self.root, self.draft = municipality, example, root, draft
        self.body = world.get(Body, event.body).name
        self.day = world.get(Meeting, event.meeting).starts[:10]

    # --- the papers
    def minutes(self) -> sheets.Minutes:
        return sheets.Minutes(
            head=self.head(self.event.word),
            first_page=self.first_page(),
            items=tuple(self.items()),
            signers=self.signers(),
            stamp_label="Kommunens stämpel",
            qr=self.qr(),
            words=sheets.Words(dissents="Avvikande synpunkter"),
        )

    def correction(self) -> sheets.Correction:
        corrected = self.world.get(MinutesState, self.event.corrects or "")
        reasons = tuple(
            dict.fromkeys(text(one.reason) for one in self.event.corrections if one.reason is not None)
        )
        meeting = self.world.get(Meeting, self.event.meeting)
        rows = tuple(
            sheets.CorrectionRow(
                where=f"§ {meeting.number(one.item)}" if one.item else "Hela dokumentet",
                original=text(one.original),
                corrected=text(one.corrected),
            )
            for one in self.event.corrections
        )
        version = corrected.sealed.version if corrected.sealed else corrected.newest.version
        return sheets.Correction(
            head=self.head("Rättelse"),
            concerns=(
                sheets.Fact(label="Avser", value=f"{corrected.newest.word} från {day_in_words(self.day)}"),
                sheets.Fact(label="Rättad version", value=str(version)),
            ),
            rows=rows,
            reason=_joined(reasons) if reasons else "",
            recipients=tuple(self.name(person) for person, _ in corrected.sent) or None,
            signers=self.signers(),
            stamp_label="Kommunens stämpel",
            qr=self.qr(),
        )

    def head(self, kind: str) -> sheets.Head:
        return sheets.Head(
            letterhead=sheets.Letterhead(municipality=self.municipality, example=self.example),
            body=self.body,
            kind=kind,
            date=self.day,
            diarienummer=next((self.field(one, "diarienummer") for one in self.of("meeting")), ""),
            short_code=short_code(self.root),
            recorded_at=recorded(self.fact.recorded_at),
            draft=self.draft,
            check=CHECK,
        )

    def qr(self) -> str:
        return f"liggare:{self.event.minutes}:{self.event.version}:{self.root}"

    def signers(self) -> tuple[sheets.Signer, ...]:
        return tuple(
            sheets.Signer(
                name=self.name(one.person) if one.person else "",
                role=one.label,
                sections=f"§§ {_ranges(self.number(item) for item in one.items)}"
                if one.items
                else self.sections(),
            )
            for one in self.event.signers
        )

    # --- the first page
    def first_page(self) -> sheets.FirstPage:
        meeting = next(iter(self.of("meeting")), None)
        people = list(self.of("attendance"))
        present = [one for one in people if str(one.fields.get("capacity")) not in (*SUBSTITUTE, *COOPTED)]
        led = [self.leader(one) for one in (*self.of("chair"), *self.of("acting-chair"))]
        agreed = next(iter(self.of("justering")), None)
        return sheets.FirstPage(
            time_and_place=self.time_and_place(meeting) if meeting else None,
            present=tuple(map(self.attendee, present)) or None,
            substitutes=tuple(
                self.attendee(one) for one in people if str(one.fields["capacity"]) in SUBSTITUTE
            ),
            coopted=tuple(self.attendee(one) for one in people if str(one.fields["capacity"]) in COOPTED),
            hindered=tuple(map(self.absentee, self.of("hinder"))),
            justerare=tuple(self.field(one, "name") for one in self.of("justerare")) or None,
            justering=_joined((self.field(agreed, "place"), self.field(agreed, "time"))) if agreed else "",
            sections=_ranges(self.number(item) for item in self.event.covers),
            further=(
                *led,
                *(
                    sheets.Fact(label="Sekreterare", value=self.field(one, "name"))
                    for one in self.of("secretary")
                ),
                *(
                    sheets.Fact(label=self.gone(one), value=self.field(one, "name"))
                    for one in self.of("absence")
                ),
                *(
                    sheets.Fact(label="Ajournering", value=self.interrupted(one))
                    for one in self.of("adjourned")
                ),
                *(
                    sheets.Fact(label="Kallelsetid", value=self.field(one, "text"))
                    for one in self.of("notice-reason")
                ),
            ),
        )

    def time_and_place(self, meeting: Statement) -> sheets.Text:
        starts, closed = str(meeting.fields["starts"]), meeting.fields.get("closed")
        opened = meeting.fields.get("opened")
        began = str(opened) if isinstance(opened, Known) and "T" in opened.value else starts
        return _joined(
            (period_in_words(began, str(closed) if closed else ""), self.field(meeting, "place")), "\n"
        )

    def leader(self, one: Statement) -> sheets.Fact:
        acting = "acting" in one.fields or one.kind == "acting-chair"
        label = "Tjänstgörande ordförande" if acting else "Ordförande"
        if "from" in one.fields:
            label += f" fr.o.m. § {one.fields['from']}"
        if "to" in one.fields:
            label += f" t.o.m. § {one.fields['to']}"
        return sheets.Fact(label=label, value=self.field(one, "name"))

    def attendee(self, one: Statement) -> sheets.Attendee:
        capacity = str(one.fields.get("capacity", ""))
        notes = []
        if "from" in one.fields:
            notes.append(f"fr.o.m. § {one.fields['from']}")
        if "to" in one.fields:
            notes.append(f"t.o.m. § {one.fields['to']}")
        if "left" in one.fields:
            notes.append("lämnade mötet, tidpunkt okänd")
        if "distance" in one.fields:
            notes.append("på distans")
        note: sheets.Text = ", ".join(notes)
        if "for" in one.fields:
            note = _joined(("för", self.field(one, "for"), *notes))
        title = self.field(one, "title")
        return sheets.Attendee(
            name=self.field(one, "name"),
            organisation=self.field(one, "organisation"),
            role=_joined((CAPACITY.get(capacity, capacity), title), ", ")
            if title
            else CAPACITY.get(capacity, capacity),
            note=note,
        )

    def absentee(self, one: Statement) -> sheets.Attendee:
        instead = self.field(one, "substitute")
        return sheets.Attendee(
            name=self.field(one, "name"),
            organisation=self.field(one, "organisation"),
            role=self.field(one, "title"),
            note=_joined(("ersätts av", instead)) if instead else "",
        )

    @staticmethod
    def gone(one: Statement) -> str:
        return "Frånvarande" if str(one.fields.get("status")) == "absent" else "Närvaro okänd"

    def interrupted(self, one: Statement) -> sheets.Text:
        resumed = one.fields.get("resumed")
        again = f", återupptaget {moment_in_words(str(resumed))}" if resumed else ""
        return f"{moment_in_words(str(one.fields['at']))}{again}"

    # --- the items
    def items(self) -> Iterator[sheets.Item]:
        for item in self.event.covers:
            under = [one for one in self.event.statements if one.item == item]
            head = next((one for one in under if one.kind == "item"), None)
            if head is not None:
                yield self.item(item, head, under)

    def item(self, item: int, head: Statement, under: list[Statement]) -> sheets.Item:
        def of(kind: str) -> list[Statement]:
            return [one for one in under if one.kind == kind]

        decisions = of("decision")
        notes = []
        if "presenter" in head.fields:
            notes.append(sheets.Fact(label="Föredragande", value=self.field(head, "presenter")))
        chosen = [one for one in self.of("justerare") if str(one.fields.get("number", "")) == str(head.fields.get("number"))]
        notes += [sheets.Fact(label="Till justerare utses", value=self.field(one, "name")) for one in chosen]
        notes += [sheets.Fact(label="Utgår", value=self.field(one, "reason")) for one in of("withdrawn")]
        summary = self.event.texts.get(str(item))
        return sheets.Item(
            title=self.field(head, "title"),
            mark=f"§ {head.fields['number']}" if str(head.fields.get("number", "")) else "",
            diarienummer=self.field(head, "diarienummer"),
            notes=tuple(notes),
            summary=text(summary) if summary is not None else "",
            reports=tuple(self.said(one, "text") for one in of("report")),
            basis=tuple(self.document(one) for one in of("document")),
            proposals=tuple(self.said(one, "text") for one in of("proposal")),
            decisions=tuple(point for one in decisions for point in self.numbered(one, "point")),
            dissents=tuple(self.said(one, "view") for one in of("dissent")),
            statements=tuple(self.said(one, "text") for one in of("statement")),
            abstained=tuple(self.field(one, "name") for one in of("abstention")),
            postponed=next((self.postponed(one) for one in of("postponed")), ""),
            dispatch=tuple(to for one in decisions for to in self.numbered(one, "dispatch")),
        )

    def said(self, one: Statement, field: str) -> sheets.Statement:
        name = self.field(one, "participant") or self.field(one, "name")
        return sheets.Statement(
            text=self.field(one, field), who=_joined((name, self.field(one, "organisation")), ", ")
        )

    def document(self, one: Statement) -> sheets.Text:
        enclosed = "Bilaggs" if str(one.fields.get("enclosed")) == "yes" else "Bilaggs ej"
        return _joined((self.field(one, "title"), f"({enclosed.lower()})"))

    def postponed(self, one: Statement) -> sheets.Text:
        to = str(one.fields.get("to", ""))
        when = f"Ärendet bordläggs till sammanträdet {day_in_words(to)}." if to else "Ärendet bordläggs."
        return _joined((when, self.field(one, "reason")))

    def numbered(self, one: Statement, name: str) -> Iterator[sheets.Text]:
        number = 1
        while (value := one.fields.get(f"{name}-{number}")) is not None:
            yield text(value)
            number += 1

    # --- reading
    def of(self, kind: str) -> Iterator[Statement]:
        return (one for one in self.event.statements if one.kind == kind)

    @staticmethod
    def field(one: Statement, name: str) -> sheets.Text:
        value = one.fields.get(name)
        return text(value) if value is not None else ""

    def number(self, item: int) -> str:
        head = next((one for one in self.of("item") if one.item == item), None)
        return str(head.fields.get("number", item)) if head else str(item)

    def sections(self) -> str:
        found = _ranges(self.number(item) for item in self.event.covers)
        return f"§§ {found}" if found else ""

    def name(self, person: str) -> sheets.Text:
        found = self.world.get(Person, person).name
        return text(found) if found is not None else sheets.UNKNOWN


def text(value: Sealed) -> sheets.Text:
    """A sealed value as it is printed."""
    match value:
        case Known(value=words):
            return words
        case Destroyed():
            return sheets.DESTROYED


def _joined(parts: Iterable[sheets.Text], between: str = " ") -> sheets.Text:
    """Texts one after another; what is covered or destroyed among them stays so."""
    runs: list[sheets.Run] = []
    for part in parts:
        if part == "":
            continue
        if runs:
            runs.append(between)
        runs.extend(part.runs if isinstance(part, sheets.Mixed) else (part,))
    if all(isinstance(run, str) for run in runs):
        return "".join(str(run) for run in runs)
    return sheets.Mixed(tuple(runs))


def _ranges(numbers: Iterable[str]) -> str:
    """Numbers as they are printed: "1–9", "1–3, 5"."""
    spans: list[list[str]] = []
    for number in numbers:
        last = spans[-1][-1] if spans else ""
        if last.isdigit() and number.isdigit() and int(number) == int(last) + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(span[0] if len(span) == 1 else f"{span[0]}–{span[-1]}" for span in spans)


def recorded(stamp: str) -> datetime:
    """The moment of a recorded_at."""
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
