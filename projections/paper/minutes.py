"""From a version of minutes, as its event has it, to what stands on the paper.

- Everything printed comes from the version's own event; names of bodies and signers come from the states as they were
  at its position. The same event gives the same sheet for ever, which is what makes a replay comparable byte by byte.
- What a statement does not say is not made up: an unknown is printed as unknown, what does not apply is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from domain.body import Body
from domain.meeting import Meeting
from domain.messages import Fact, Known, World
from domain.minutes import Minutes as MinutesState
from domain.minutes_events import MinutesVersionMade, Statement
from domain.person import Person
from projections.paper import sheets
from projections.paper.words import (
    day_in_words,
    joined,
    moment_in_words,
    period_in_words,
    ranges,
    recorded,
    text,
)

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
METHOD = {
    "acclamation": "Acklamation",
    "open-vote": "Öppen omröstning",
    "closed-vote": "Sluten omröstning",
}
OFFICE = {"chair": "ordförande", "vice-chair": "vice ordförande"}
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
            head=self.head(self.event.word + self.part()),
            first_page=self.first_page(),
            items=tuple(self.items()),
            signers=self.signers(),
            stamp_label="Kommunens stämpel",
            qr=self.qr(),
            words=sheets.Words(proposals=self.proposals()),
        )

    def part(self) -> str:
        """Which part of the meeting's minutes it is, if they are not all in one."""
        if self.event.secret:
            return f", sekretessbelagd del, {self.sections()}"
        return "" if self.event.rest else f", omedelbar justering av {self.sections()}"

    def proposals(self) -> str:
        """What proposals made at the meeting are called: Yrkanden where the minutes must tell of them as such."""
        rules = self.world.get(Body, self.event.body).rules_at(date.fromisoformat(self.day))
        return "Yrkanden" if rules and rules.get("minutes-contents") else "Förslag"

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
            reason=joined(reasons, "\n"),
            recipients=tuple(dict.fromkeys(self.name(person) for person, _ in corrected.sent)),
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
                sections=section_marks(self.number(item) for item in one.items)
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
        agreed = next(iter(self.of("justering")), None)
        return sheets.FirstPage(
            time_and_place=self.time_and_place(meeting) if meeting else None,
            present=tuple(map(self.attendee, present)) or None,
            substitutes=tuple(
                self.attendee(one) for one in people if str(one.fields["capacity"]) in SUBSTITUTE
            ),
            coopted=tuple(self.attendee(one) for one in people if str(one.fields["capacity"]) in COOPTED),
            hindered=tuple(map(self.absentee, self.of("hinder"))),
            justerare=tuple(map(self.known_by, self.of("justerare"))) or None,
            justering=self.agreed(agreed) if agreed else "",
            sections=self.covered(),
            further=tuple(self.further(meeting)),
        )

    def covered(self) -> sheets.Text:
        """The numbers of the items, and which of the meeting's are kept apart."""
        apart = [str(one.fields["number"]) for one in self.of("kept-apart")]
        here = ranges(self.number(item) for item in self.event.covers)
        return joined((here, f"{section_marks(apart)} i särskilt protokoll" if apart else ""), "; ")

    def agreed(self, one: Statement) -> sheets.Text:
        """Where and when the minutes are to be approved."""
        time = self.field(one, "time")
        return joined(
            (self.field(one, "place"), moment_in_words(time) if isinstance(time, str) else time), ", "
        )

    def further(self, meeting: Statement | None) -> Iterator[sheets.Fact]:
        """What else is told of the meeting as a whole."""
        if meeting is not None:
            yield sheets.Fact(label="Möte", value=self.field(meeting, "title"))
            yield from self.times(meeting)
            if "demanded" in meeting.fields:
                yield sheets.Fact(label="Anledning", value="Mötet hölls på begäran av ledamöter.")
        yield from (self.leader(one) for kind in ("chair", "acting-chair") for one in self.of(kind))
        for one in self.of("secretary"):
            yield sheets.Fact(label="Sekreterare", value=self.known_by(one))
        for one in self.of("absence"):
            yield sheets.Fact(label=self.gone(one), value=self.known_by(one))
        for one in self.of("adjourned"):
            yield sheets.Fact(label="Ajournering", value=self.interrupted(one))
        for one in self.of("notice-reason"):
            issue = str(one.fields.get("issue", "1"))
            label = "Skäl för kort varsel" + (f", utskick {issue}" if issue != "1" else "")
            yield sheets.Fact(label=label, value=self.field(one, "text"))
        if (general := self.event.texts.get("0")) is not None:
            yield sheets.Fact(label="Allmänt", value=text(general))

    def time_and_place(self, meeting: Statement) -> sheets.Text:
        began, ended = self.moment(meeting, "opened"), self.moment(meeting, "closed")
        began = began or str(meeting.fields["starts"])
        place = self.field(meeting, "place") or f"Platsen: {sheets.UNKNOWN[0].lower()}{sheets.UNKNOWN[1:]}"
        return joined((period_in_words(began, ended), place), "\n")

    def times(self, meeting: Statement) -> Iterator[sheets.Fact]:
        """The times that the meeting was called for, where others were kept, and those not known to the minute."""
        fields = meeting.fields
        called = (str(fields["starts"]), str(fields.get("ends", "")))
        kept = (self.moment(meeting, "opened") or called[0], self.moment(meeting, "closed"))
        if called[0][:16] != kept[0][:16] or called[1][:16] not in ("", kept[1][:16]):
            yield sheets.Fact(label="Utlyst tid", value=period_in_words(*called))
        for field, label in (("opened", "Öppnades"), ("closed", "Avslutades")):
            if field in fields and not self.moment(meeting, field):
                value = text(fields[field])
                yield sheets.Fact(label=label, value=day_in_words(value) if isinstance(value, str) else value)

    @staticmethod
    def moment(one: Statement, field: str) -> str:
        """A time known to the minute, or nothing."""
        value = one.fields.get(field)
        return value.value if isinstance(value, Known) and "T" in value.value else ""

    def known_by(self, one: Statement) -> sheets.Text:
        """A name, with the title and organisation that the table of people does not say of it."""
        more = (
            self.field(one, part) for part in ("title", "organisation") if not self.told(one, "name", part)
        )
        return joined((self.field(one, "name"), *more), ", ")

    def told(self, one: Statement, name: str, part: str) -> bool:
        """Whether the table of people says this of somebody of that name."""
        return any(
            (other.fields.get("name"), other.fields.get(part)) == (one.fields.get(name), one.fields.get(part))
            for kind in ("attendance", "hinder")
            for other in self.of(kind)
        )

    def leader(self, one: Statement) -> sheets.Fact:
        acting = "acting" in one.fields or one.kind == "acting-chair"
        label = "Tjänstgörande ordförande" if acting else "Ordförande"
        reason = self.field(one, "reason")
        told = joined(("(", reason, ")"), "") if reason else ""
        return sheets.Fact(label=" ".join((label, *self.span(one))), value=joined((self.known_by(one), told)))

    @staticmethod
    def span(one: Statement) -> Iterator[str]:
        """From which item to which, when not for all."""
        for field, words in (("from", "fr.o.m."), ("to", "t.o.m.")):
            if field in one.fields:
                yield f"{words} § {one.fields[field]}"

    def attendee(self, one: Statement) -> sheets.Attendee:
        capacity, office = str(one.fields.get("capacity", "")), str(one.fields.get("office", ""))
        notes = list(self.span(one))
        if "left" in one.fields:
            notes.append("lämnade mötet, tidpunkt okänd")
        if "distance" in one.fields:
            notes.append("på distans")
        instead: tuple[sheets.Text, ...] = ()
        if "for" in one.fields:
            instead = (joined(("för", self.field(one, "for"))),)
        held, title = OFFICE.get(office, ""), self.field(one, "title")
        told = title if not held or str(one.fields.get("title", "")).lower() != held else ""
        return sheets.Attendee(
            name=self.field(one, "name"),
            organisation=self.field(one, "organisation"),
            role=joined((CAPACITY.get(capacity, capacity), held, told), ", "),
            note=joined((*instead, *notes), ", "),
        )

    def absentee(self, one: Statement) -> sheets.Attendee:
        instead = self.field(one, "substitute")
        return sheets.Attendee(
            name=self.field(one, "name"),
            organisation=self.field(one, "organisation"),
            role=self.field(one, "title"),
            note=joined(("ersätts av", instead)) if instead else "",
        )

    @staticmethod
    def gone(one: Statement) -> str:
        return "Frånvarande" if str(one.fields.get("status")) == "absent" else "Närvaro okänd"

    @staticmethod
    def interrupted(one: Statement) -> sheets.Text:
        resumed, until = one.fields.get("resumed"), one.fields.get("until")
        told = moment_in_words(str(one.fields["at"]))
        if until is not None and str(until)[:16] != str(resumed or "")[:16]:
            told += f", till {moment_in_words(str(until))}"
        return told + (f", återupptaget {moment_in_words(str(resumed))}" if resumed is not None else "")

    # --- the items
    def items(self) -> Iterator[sheets.Item]:
        for head in heads(self.event):
            if head.item is None:
                yield self.kept_apart(head)
            else:
                yield self.item(
                    head.item, head, [one for one in self.event.statements if one.item == head.item]
                )

    def kept_apart(self, one: Statement) -> sheets.Item:
        """A secret item, of which nothing stands here but that it is elsewhere, and by which provision."""
        return sheets.Item(
            title="Sekretessbelagd paragraf",
            mark=f"§ {one.fields['number']}",
            notes=(
                sheets.Fact(label="Sekretess", value=self.field(one, "provision")),
                sheets.Fact(label="Protokollförd", value="i ett särskilt protokoll"),
            ),
        )

    def item(self, item: int, head: Statement, under: list[Statement]) -> sheets.Item:
        def of(kind: str) -> list[Statement]:
            return [one for one in under if one.kind == kind]

        decisions, proposals = of("decision"), of("proposal")
        notes = [
            sheets.Fact(label=f"Del {number}", value=part)
            for number, part in enumerate(self.numbered(head, "part"), 1)
        ]
        if "late" in head.fields:
            notes.append(sheets.Fact(label="Tillkom", value="efter kallelsen"))
        if "secrecy" in head.fields:
            notes.append(sheets.Fact(label="Sekretess", value=self.field(head, "secrecy")))
        if "presenter" in head.fields:
            notes.append(sheets.Fact(label="Föredragande", value=self.field(head, "presenter")))
        chosen = [
            one
            for one in self.of("justerare")
            if str(one.fields.get("number", "")) == str(head.fields.get("number"))
        ]
        notes += [sheets.Fact(label="Till justerare utses", value=self.field(one, "name")) for one in chosen]
        notes += [
            sheets.Fact(label="Utgår", value=joined(("Ärendet utgår.", self.field(one, "reason"))))
            for one in of("withdrawn")
        ]
        notes += [
            sheets.Fact(label="Gäller från", value=day_in_words(str(one.fields["effective"])))
            for one in decisions
            if "effective" in one.fields
        ]
        notes += [
            sheets.Fact(label="Antaget förslag", value=self.followed(one))
            for one in decisions
            if self.followed(one)
        ]
        notes += [sheets.Fact(label="Jäv", value=self.conflict(one)) for one in of("conflict")]
        notes += [
            sheets.Fact(label="Propositionsordning", value=self.put(str(one.fields["order"])))
            for one in of("order")
        ]
        adopted = [str(one.fields["adopts"]) for one in decisions if "adopts" in one.fields]
        summary = self.event.texts.get(str(item))
        return sheets.Item(
            title=self.field(head, "title"),
            mark=f"§ {head.fields['number']}" if str(head.fields.get("number", "")) else "",
            diarienummer=self.field(head, "diarienummer"),
            notes=tuple(notes),
            summary=text(summary) if summary is not None else "",
            reports=tuple(self.said(one, "text") for one in of("report")),
            basis=tuple(self.document(one) for one in of("document")),
            proposals=tuple(self.proposed(one, proposals, adopted) for one in proposals),
            votes=tuple(self.vote(one) for one in of("vote")),
            decisions=tuple(point for one in decisions for point in self.numbered(one, "point")),
            dissents=tuple(self.said(one, "view") for one in of("dissent")),
            reservations=tuple(self.said(one, "text") for one in of("reservation")),
            statements=tuple(self.said(one, "text") for one in of("statement")),
            abstained=tuple(map(self.known_by, of("abstention"))),
            postponed=next((self.postponed(one) for one in of("postponed")), ""),
            dispatch=tuple(to for one in decisions for to in self.numbered(one, "dispatch")),
        )

    def said(self, one: Statement, field: str) -> sheets.Statement:
        name = "participant" if "participant" in one.fields else "name"
        title = "" if self.told(one, name, "title") else self.field(one, "title")
        who = joined((self.field(one, name), title, self.field(one, "organisation")), ", ")
        return sheets.Statement(text=self.field(one, field), who=who)

    def proposed(self, one: Statement, rivals: list[Statement], adopted: list[str]) -> sheets.Statement:
        """A proposal, with its number where there are several, and whether the decision follows it."""
        said, number = self.said(one, "text"), str(one.fields.get("number", ""))
        mark = f"Förslag {number}" if len(rivals) > 1 or self.voted(one.item) else ""
        follows = joined(("enligt", followed)) if (followed := self.followed(one)) else ""
        who = joined((mark, said.who, follows, "bifallet" if number in adopted else ""), ", ")
        return sheets.Statement(text=said.text, who=who)

    def conflict(self, one: Statement) -> sheets.Text:
        stayed = "är kvar i lokalen" if str(one.fields["left"]) == "no" else "lämnar lokalen"
        told = f"deltar inte i handläggningen och {stayed}"
        return joined((self.known_by(one), joined((told, self.field(one, "ground")), ": ")), " ")

    @staticmethod
    def put(order: str) -> str:
        """The order in which proposals were put, in words."""
        return ", därefter ".join(f"förslag {number}" for number in order.split(","))

    def vote(self, one: Statement) -> sheets.Statement:
        """A vote in words: what yes and no stand for, the numbers, the names, the result."""
        said: list[sheets.Text] = []
        for side, word in (("yes", "Ja"), ("no", "Nej")):
            if f"{side}-for" in one.fields:
                said.append(f"{word} för förslag {one.fields[f'{side}-for']}.")
        sides = (("yes", "ja"), ("no", "nej"), ("abstained", "avstår"))
        if counted := [f"{one.fields[side]} {word}" for side, word in sides if side in one.fields]:
            said.append(f"{', '.join(counted)}.")
        if "casting" in one.fields:
            word = "ja" if str(one.fields["casting"]) == "yes" else "nej"
            said.append(f"Ordförandens utslagsröst: {word}.")
        if "carried" in one.fields:
            said.append(f"Bifall till förslag {one.fields['carried']}.")
        paragraphs = [joined(said)]
        for side, word in (("yes", "Ja"), ("no", "Nej"), ("abstained", "Avstår")):
            if names := list(self.numbered(one, side)):
                paragraphs.append(joined((f"{word}:", joined(names, ", "))))
        method = METHOD.get(str(one.fields["method"]), "")
        return sheets.Statement(text=joined(paragraphs, "\n"), who=method)

    def followed(self, one: Statement) -> sheets.Text:
        """A proposal in the matter, and which version of it; where that is unclear, that it is."""
        title, version, may_be = (
            self.field(one, name) for name in ("proposal", "proposal-version", "may-be")
        )
        told = joined(("version", version)) if version else ""
        if isinstance(may_be, str) and may_be:
            may_be = f"det framgår inte om det är version {' eller '.join(may_be.split(','))}"
        return joined((title, told, may_be), ", ")

    def voted(self, item: int | None) -> bool:
        """Whether proposals of an item are told of by their numbers."""
        return any(one.item == item and one.kind in ("order", "vote") for one in self.event.statements)

    def document(self, one: Statement) -> sheets.Text:
        enclosed = "Bilaggs" if str(one.fields.get("enclosed")) == "yes" else "Bilaggs ej"
        return joined((self.field(one, "title"), f"({enclosed.lower()})"))

    def postponed(self, one: Statement) -> sheets.Text:
        to = str(one.fields.get("to", ""))
        when = f"Ärendet bordläggs till sammanträdet {day_in_words(to)}." if to else "Ärendet bordläggs."
        return joined((when, self.field(one, "reason")))

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
        return section_marks(self.number(item) for item in self.event.covers)

    def name(self, person: str) -> sheets.Text:
        found = self.world.get(Person, person).name
        return text(found) if found is not None else sheets.UNKNOWN


def heads(event: MinutesVersionMade) -> list[Statement]:
    """What begins each item on the paper, in printed order; of items kept apart it stands under no item."""
    return [one for one in event.statements if one.kind in ("item", "kept-apart")]


def section_marks(numbers: Iterable[str]) -> str:
    """Numbers of paragraphs with their sign: "§ 5", "§§ 1–3, 5"."""
    found = list(numbers)
    return f"{'§' if len(found) == 1 else '§§'} {ranges(found)}" if found else ""
