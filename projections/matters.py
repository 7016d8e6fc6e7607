"""Views of matters: what is dealt with, the numbers it is known under, and the documents registered in it.

- A voided matter keeps its number and stays here, marked as voided (husregel 20).
- A document's row has its newest file, its secrecy mark as it now stands and its list of enclosures.
- How a matter was prepared is a row a step, and a proposal a row a version. What is unclear is a row with the last
  reading of it; the earlier readings are its earlier assertions.
- Every number a matter is known under is a row, also in the form without spaces and capitals that it is looked up by.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain import document as d
from domain import matter as t
from domain import unclarity as u
from domain.disposal_events import DocumentDisposed
from domain.grammar import normalised
from domain.messages import SecrecyMark
from domain.numbering import ExternalNumberRecorded, SeriesOpened
from domain.proposal import Origin, ProposalAmended, ProposalPut
from projections.view import GONE_TEXT, Assert, Record, View, gone, listed, number, says, text


def _matter(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case t.MatterOpened():
            yield says(
                event.matter,
                matter=event.matter,
                body=event.body,
                diarienummer=event.diarienummer,
                title=event.title,
                external=event.external,
                status="open",
            )
        case t.MatterClassified():
            yield says(event.matter, matter=event.matter, classification=event.classification)
        case t.MatterVoided():
            yield says(event.matter, matter=event.matter, status="voided", reason=event.reason)
        case t.MatterClosed():
            yield says(event.matter, matter=event.matter, status="closed")
        case _:
            pass


MATTER = View(
    "matter",
    1,
    frozenset({"matter"}),
    [
        text("matter"),
        text("body"),
        text("diarienummer"),
        text("classification"),
        text("title"),
        number("external"),
        text("status"),
        text("reason"),
    ],
    _matter,
    identity=("matter",),
    indexed=("body", "diarienummer"),
)


def _number(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case t.MatterOpened():
            diarienummer = event.diarienummer
            values: dict[str, object] = {"external": event.external, "alias": False}
        case t.AliasAdded():
            diarienummer, values = event.diarienummer, {"alias": True}
        case t.MatterClassified():  # no number of its own: found by as it was written
            diarienummer, values = event.written, {"classification": event.classification}
        case ExternalNumberRecorded():
            diarienummer, values = event.number, {"external": True, "given_by": event.given_by}
        case _:
            return
    looked_up = normalised(diarienummer)
    # What a number and its code look like without the space may be another matter's number.
    key = f"{looked_up} {values['classification']}" if "classification" in values else looked_up
    yield says(key, number=looked_up, diarienummer=diarienummer, matter=event.matter, **values)


NUMBER = View(
    "number",
    1,
    frozenset({"matter", "external"}),
    [
        text("number"),
        text("diarienummer"),
        text("matter"),
        number("external"),
        number("alias"),
        text("classification"),
        text("given_by"),
    ],
    _number,
    identity=("number", "matter"),
)


def _series(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, SeriesOpened):
        yield says(
            record.fact.stream, body=event.body, year=event.year, pattern=event.pattern, first=event.first
        )


SERIES = View(
    "series",
    1,
    frozenset({"series"}),
    [text("body"), number("year"), text("pattern"), number("first")],
    _series,
    identity=("body",),
)


def _document(record: Record) -> Iterator[Assert]:
    event = record.event
    assert isinstance(event, d.EVENTS)  # the view folds no other stream
    id = event.document
    match event:
        case d.DocumentRegistered():
            yield says(
                id,
                document=id,
                matter=event.matter,
                designation=event.designation,
                kind=event.kind,
                title=event.title,
                direction=event.direction,
                date=event.date,
                sender=event.sender,
                recipient=event.recipient,
                **_mark(event.secrecy),
                **_file(1, event),
            )
        case d.RegistrationCompleted():
            yield says(
                id,
                document=id,
                matter=event.matter,
                designation=event.designation,
                kind=event.kind,
                date=event.date,
                sender=event.sender,
                recipient=event.recipient,
            )
        case d.DocumentVersionAdded():
            yield says(id, document=id, **_file(event.version, event))
        case d.SecrecyMarked():
            yield says(id, document=id, **_mark(event.mark))
        case d.SecrecyLifted():
            gone_mark = dict.fromkeys(("secrecy", "secrecy_date", "secrecy_authority"), GONE_TEXT)
            yield says(id, document=id, **gone_mark, lifted_because=event.reason)
        case d.ExtractCertified():
            extracted = {"extract_of": event.minutes, "items": event.items, "certified_by": event.person}
            yield says(id, document=id, **extracted)
        case d.CopyMade():
            yield says(id, document=id, extract_of=event.minutes, items=event.items)
        case d.EnclosuresListed():
            yield says(id, document=id, enclosures=event.enclosures)
        case DocumentDisposed():
            yield says(id, document=id, disposed=True)
        case _:
            pass


def _mark(mark: SecrecyMark | None) -> dict[str, object]:
    if mark is None:
        return {}
    return {
        "secrecy": mark.provision,
        "secrecy_date": gone(mark.date),
        "secrecy_authority": gone(mark.authority),
    }


def _file(version: int, event: d.DocumentRegistered | d.DocumentVersionAdded) -> dict[str, object]:
    said = {name: getattr(event, name) for name in ("media_type", "size", "file")}
    return said | {"version": version, "sha256": gone(event.sha256)}


DOCUMENT = View(
    "document",
    1,
    frozenset({"document"}),
    [
        text("document"),
        text("matter"),
        text("designation"),
        text("kind"),
        text("title"),
        number("version"),
        text("media_type"),
        number("size"),
        text("file"),
        text("sha256"),
        text("direction"),
        text("date"),
        text("sender"),
        text("recipient"),
        text("secrecy"),
        text("secrecy_date"),
        text("secrecy_authority"),
        text("lifted_because"),
        listed("enclosures"),
        number("disposed"),
        text("extract_of"),
        listed("items"),
        text("certified_by"),
    ],
    _document,
    identity=("document",),
    indexed=("matter",),
)


def _preparation(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, t.MatterPrepared):
        yield says(
            f"{event.matter}/{event.number}",
            matter=event.matter,
            number=event.number,
            step=event.step,
            day=record.fact.happened.text,
            proposal=event.of_proposal,
            version=event.version,
            note=event.note,
            **_origin(event.origin),
        )


def _origin(origin: Origin) -> dict[str, object]:
    """Where it comes from."""
    return {
        "by": origin.by,
        "body": origin.body,
        "meeting": origin.meeting,
        "paragraph": origin.paragraph,
        "document": origin.document,
    }


ORIGIN = ("by", "body", "meeting", "paragraph", "document")
PREPARATION = View(
    "preparation",
    1,
    frozenset({"matter"}),
    [
        text("matter"),
        number("number"),
        text("step"),
        text("day"),
        text("proposal"),
        number("version"),
        text("note"),
        *map(text, ORIGIN),
    ],
    _preparation,
    identity=("matter", "number"),
)


def _version(record: Record) -> Iterator[Assert]:
    event = record.event
    match event:
        case ProposalPut():
            version, base, how = 1, None, "original"
        case ProposalAmended():
            version, base, how = event.version, event.base, event.how
        case _:
            return
    yield says(
        f"{event.proposal}/{version}",
        proposal=event.proposal,
        version=version,
        base=base,
        how=how,
        matter=event.matter,
        title=event.title if isinstance(event, ProposalPut) else None,
        points=event.points,
        **_origin(event.origin),
    )


PROPOSAL_VERSION = View(
    "proposal-version",
    1,
    frozenset({"proposal"}),
    [
        text("proposal"),
        number("version"),
        number("base"),
        text("how"),
        text("matter"),
        text("title"),
        listed("points"),
        *map(text, ORIGIN),
    ],
    _version,
    identity=("proposal", "version", "matter"),
)


def _unclarity(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case u.UnclarityNoted():
            yield says(
                event.unclarity,
                unclarity=event.unclarity,
                body=event.body,
                matter=event.matter,
                meeting=event.meeting,
                decision=event.decision,
                question=event.question,
                passages=event.passages,
                possible=event.readings,
            )
        case u.ReadingRecorded():
            yield says(
                event.unclarity,
                unclarity=event.unclarity,
                reading=event.reading,
                read_by=event.person,
                ground=event.ground,
                version=event.version,
            )
        case _:
            pass


UNCLARITY = View(
    "unclarity",
    1,
    frozenset({"unclarity"}),
    [
        text("unclarity"),
        text("body"),
        text("matter"),
        text("meeting"),
        number("decision"),
        text("question"),
        listed("passages"),
        listed("possible"),
        text("reading"),
        text("read_by"),
        text("ground"),
        number("version"),
    ],
    _unclarity,
    identity=("unclarity",),
    indexed=("body", "matter"),
)

VIEWS = (MATTER, NUMBER, SERIES, PREPARATION, PROPOSAL_VERSION, UNCLARITY, DOCUMENT)
