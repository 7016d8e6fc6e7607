"""Views of minutes: their versions, who is to approve and has approved, and the seal.

- The text of a version is working text until it is sealed, and is read from its own stream; here stand its number, what
  it covers and what it was made of.
- An approval is for one version by one office (L13), under the rules its envelope names, with what had been found
  against a rule in the meeting and the minutes up to then. A later version makes it void: it is retracted.
- What was sent afterwards is in afterwards.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, assert_never

from domain import minutes_events as n
from projections.belonging import signer_of
from projections.meetings import codes
from projections.view import Assert, Change, Record, Retract, View, gone, listed, number, says, text

MINUTES_STREAM = frozenset({"minutes"})


def _minutes(record: Record) -> Iterator[Assert]:
    event = record.event
    assert isinstance(event, n.MinutesEvent)  # the view folds no other stream
    id = event.minutes
    match event:
        case n.MinutesVersionMade():
            yield says(
                id,
                minutes=id,
                meeting=event.meeting,
                body=event.body,
                form=event.kind,
                corrects=event.corrects,
                word=event.word,
                secret=event.secret,
                version=event.version,
                covers=event.covers,
                status="draft",
            )
        case n.MinutesCirculated():
            yield says(id, minutes=id, status="circulated")
        case n.MinutesReturned():
            yield says(id, minutes=id, status="returned")
        case n.SigningBegun():
            yield says(id, minutes=id, status="signing")
        case n.MinutesApproved() | n.PaperApprovalRecorded():
            approved = all_approved(record, id, event.version)
            yield says(id, minutes=id, status="approved" if approved else "signing")
        case n.DisagreementNoted():
            finished = "finished" if event.exit == "finished-without-approval" else None
            yield says(
                id, minutes=id, status=finished, exit=event.exit, both=event.versions, reason=event.reason
            )
        case n.MinutesSealed():
            yield says(
                id,
                minutes=id,
                status="sealed",
                sealed=event.version,
                file=event.file,
                pdf=event.pdf,
                size=event.size,
                certificate=event.certificate,
            )
        case n.MinutesRestamped():
            yield says(id, minutes=id, file=event.file, pdf=event.pdf, size=event.size)
        case _:
            pass


def all_approved(record: Record, minutes: str, version: int) -> bool:
    """Whether every office of the newest version has approved it, this event included."""
    offices = json.loads(record.linked(f"minutes-{minutes}", "offices") or "[]")
    if version != record.linked(f"minutes-{minutes}", "version"):
        return False
    approved = {row["office"] for row in record.links.all(f"approved-{minutes}/{version}", record.position)}
    return bool(offices) and set(offices) <= approved


MINUTES = View(
    "minutes",
    1,
    MINUTES_STREAM,
    [
        text("minutes"),
        text("meeting"),
        text("body"),
        text("form"),
        text("corrects"),
        text("word"),
        number("secret"),
        number("version"),
        listed("covers"),
        text("status"),
        text("exit"),
        listed("both"),
        text("reason"),
        number("sealed"),
        text("file"),
        text("pdf"),
        number("size"),
        text("certificate"),
    ],
    _minutes,
    identity=("minutes",),
    indexed=("meeting", "body"),
)


def _version(record: Record) -> Iterator[Assert]:
    event = record.event
    if not isinstance(event, n.MinutesVersionMade | n.MinutesCirculated | n.MinutesReturned | n.RenderPinned):
        return
    key = f"{event.minutes}/{event.version}"
    here = {"minutes": event.minutes, "version": event.version}
    match event:
        case n.MinutesVersionMade():
            yield says(
                key,
                **here,
                base=event.base,
                meeting=event.meeting,
                meeting_version=event.meeting_version,
                covers=event.covers,
                statements=len(event.statements),
                corrections=len(event.corrections),
                source_document=event.source.document if event.source else None,
                source_section=event.source.section if event.source else None,
                fact=event.source.fact if event.source else None,
            )
        case n.MinutesCirculated():
            yield says(
                key,
                **here,
                circulated=record.fact.happened.text,
                circulated_to=event.recipients,
                findings=codes(record),
            )
        case n.MinutesReturned():
            yield says(key, **here, returned_by=event.person, returned=record.fact.happened.text)
        case n.RenderPinned():
            yield says(key, **here, root=event.root, render=event.render, file=event.file)
        case _:
            assert_never(event)


VERSION = View(
    "version",
    1,
    MINUTES_STREAM,
    [
        text("minutes"),
        number("version"),
        number("base"),
        text("meeting"),
        number("meeting_version"),
        listed("covers"),
        number("statements"),
        number("corrections"),
        text("source_document"),
        text("source_section"),
        text("fact"),
        text("circulated"),
        listed("circulated_to"),
        listed("findings"),
        text("returned_by"),
        text("returned"),
        text("root"),
        listed("render"),
        text("file"),
    ],
    _version,
    identity=("minutes", "version"),
)


def _signer(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case n.MinutesVersionMade():
            for one in event.signers:
                yield says(
                    f"{event.minutes}/{one.office}",
                    minutes=event.minutes,
                    office=one.office,
                    field=one.field,
                    label=one.label,
                    items=one.items,
                    person=signer_of(record, event.minutes, one),
                )
        case n.SignerReplaced():
            yield says(
                f"{event.minutes}/{event.office}",
                minutes=event.minutes,
                office=event.office,
                person=event.person,
                replaced=gone(event.replaced),
                reason=event.reason,
            )
        case _:
            pass


SIGNER = View(
    "signer",
    1,
    MINUTES_STREAM,
    [
        text("minutes"),
        text("office"),
        text("field"),
        text("label"),
        listed("items"),
        text("person"),
        text("replaced"),
        text("reason"),
    ],
    _signer,
    identity=("minutes", "office"),
    indexed=("person",),
)


def _signing(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case n.SigningBegun():
            yield says(
                event.signing,
                signing=event.signing,
                minutes=event.minutes,
                version=event.version,
                office=event.office,
                person=event.person,
                status="begun",
            )
        case n.SigningAbandoned():
            key = event.signing
            yield says(key, signing=key, minutes=event.minutes, status="abandoned", reason=event.reason)
        case n.MinutesApproved():
            yield says(event.signing, signing=event.signing, minutes=event.minutes, status="done")
        case _:
            pass


SIGNING = View(
    "signing",
    1,
    MINUTES_STREAM,
    [
        text("signing"),
        text("minutes"),
        number("version"),
        text("office"),
        text("person"),
        text("status"),
        text("reason"),
    ],
    _signing,
    identity=("signing", "minutes"),
)


def _approval(record: Record) -> Iterator[Change]:
    event = record.event
    if isinstance(event, n.ApprovalsVoided):
        for office in event.offices:
            yield Retract(f"{event.minutes}/{event.version}/{office}")
        return
    match event:
        case n.MinutesApproved():
            how: dict[str, Any] = {
                "method": event.method,
                "level": event.level,
                "root": event.root,
                "render_output": event.render_output,
                "cms": event.cms,
                "certificate": event.certificate,
            }
        case n.PaperApprovalRecorded():
            how = {"method": "paper", "level": "paper", "root": event.root, "document": event.document}
        case _:
            return
    meeting = record.linked(f"minutes-{event.minutes}", "meeting")
    found = (row["finding"] for row in record.links.all(f"findings-{meeting}", record.position))
    yield says(
        f"{event.minutes}/{event.version}/{event.office}",
        minutes=event.minutes,
        version=event.version,
        office=event.office,
        person=event.person,
        meeting=meeting,
        body=record.linked(f"minutes-{event.minutes}", "body"),
        approved=record.fact.happened.text,
        rules=record.rules,
        findings=list(dict.fromkeys(found)),
        event_hash=record.leaf.hex(),
        **how,
    )


APPROVAL = View(
    "approval",
    1,
    MINUTES_STREAM,
    [
        text("minutes"),
        number("version"),
        text("office"),
        text("person"),
        text("meeting"),
        text("body"),
        text("approved"),
        text("rules"),
        listed("findings"),
        text("method"),
        text("level"),
        text("root"),
        text("render_output"),
        text("cms"),
        text("certificate"),
        text("document"),
        text("event_hash"),
    ],
    _approval,
    identity=("minutes", "version", "office"),
    indexed=("meeting", "person"),
    retracts=True,
)


VIEWS = (MINUTES, VERSION, SIGNER, SIGNING, APPROVAL)
