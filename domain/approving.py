"""Approving minutes: the pinned render, the signatures, what happens when somebody cannot or will not sign, the seal.

- The chair and the justerare approve together: two persons, the same version (L13). The approval is the signature: it
  is recorded only when a signature is complete, for exactly the bytes that were pinned (husregel 49).
- What is signed is the newest version, circulated, pinned, and still saying what the meeting's events say (husregel 47
  and 44). Each signs only for the office that is theirs, once, and nobody for two offices (husregel 48).
- A signature on paper is recorded with the scanned print, whose very file the event names, and with the short code
  that stands on it, so that it is this version's print that was signed (husregel 71). The scan is the only proof of it
  and stays as long as the minutes do (husregel 137); that of secret minutes is marked as secret itself (husregel 115).
- Somebody hindered is replaced by a recorded decision before signing (husregel 55).
- Those who do not agree may have both versions noted, leave it to the next meeting, or the minutes are finished
  without approval, with a reason: that ends the process (husregel 51).
- Where the rules set a time for the approval (kommunallagen 5:69), a later one is recorded as found.
- The municipality seals the version that every office approved, once (husregel 50). Before the archive time stamp on a
  sealed file ends, one more is added at the end of it (husregel 140).
"""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, assert_never

from pydantic import Field

from domain import grounds, versions
from domain.body import Body
from domain.calling import CLERKS
from domain.document import Document, DocumentAttests
from domain.errors import NotFound, Refused
from domain.grounds import kept_apart
from domain.lookup import existing, news
from domain.meeting import Meeting
from domain.meeting_events import Number
from domain.messages import Actor, Code, Command, Digest, Event, Finding, Id, Known, New, Prose, Role, World
from domain.minutes import Minutes, Pin
from domain.minutes_events import (
    DisagreementNoted,
    MinutesApproved,
    MinutesRestamped,
    MinutesSealed,
    PaperApprovalRecorded,
    Render,
    RenderPinned,
    SignerReplaced,
    SigningAbandoned,
    SigningBegun,
    Size,
)
from domain.rule_kinds import APPROVAL
from domain.sources import house
from domain.when import parse

SIGNERS = frozenset({Role.SECRETARY, Role.CHAIR, Role.JUSTERARE})
SYSTEM = frozenset({Role.SYSTEM})
SCANS = ("application/pdf", "image/")


class ApprovingCommand(Command):
    """The base of the commands about the approval of minutes (justering)."""

    STREAM: ClassVar[str] = "minutes"
    ROLES: ClassVar[frozenset[Role]] = CLERKS

    minutes: Id


class PinRender(ApprovingCommand):
    """Record the exact bytes that are to be signed for a version (lås utskrift)."""

    ROLES: ClassVar[frozenset[Role]] = SYSTEM
    INTERNAL: ClassVar[bool] = True

    version: Number
    root: Digest
    render: Render
    file: Digest


class BeginSigning(ApprovingCommand):
    """Begin to sign a version for an office (börja signera)."""

    ROLES: ClassVar[frozenset[Role]] = SIGNERS

    version: Number
    office: Code
    signing: Id


class AbandonSigning(ApprovingCommand):
    """Give a begun signing up (avbryt signering)."""

    ROLES: ClassVar[frozenset[Role]] = SIGNERS | SYSTEM

    signing: Id
    reason: Code


class ApproveMinutes(ApprovingCommand):
    """Record a completed signature: the approval is the signature (godkänn, justera)."""

    ROLES: ClassVar[frozenset[Role]] = SYSTEM
    INTERNAL: ClassVar[bool] = True

    version: Number
    office: Code
    signing: Id
    method: Code
    level: Code
    root: Digest
    render_output: Digest
    cms: Digest
    certificate: Digest
    file: Digest
    cms_file: Digest


class RecordPaperApproval(ApprovingCommand):
    """Record that an office signed a print of a version by hand, with the scanned print (underskrift på papper).

    code is the short code as it stands on the print that was signed (kortkod).
    """

    version: Number
    office: Code
    document: Id
    code: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}$")]


class ReplaceSigner(ApprovingCommand):
    """Let somebody else sign for an office whose holder is hindered (ersätt hindrad)."""

    office: Code
    person: Id
    reason: Prose


class NoteDisagreement(ApprovingCommand):
    """Note that those who were to approve did not agree, and which way out was taken (oenighet)."""

    exit: Literal["both-versions", "next-meeting", "finished-without-approval"]
    versions: list[Number]
    meeting: Id | None = None
    reason: Prose


class SealMinutes(ApprovingCommand):
    """Record the municipality's seal on the version that all have approved (stämpla)."""

    ROLES: ClassVar[frozenset[Role]] = SYSTEM
    INTERNAL: ClassVar[bool] = True

    version: Number
    file: Digest
    pdf: Digest
    size: Size
    certificate: Digest | None = None


class RestampMinutes(ApprovingCommand):
    """Record one more archive time stamp at the end of the sealed file (stämpla om)."""

    ROLES: ClassVar[frozenset[Role]] = SYSTEM
    INTERNAL: ClassVar[bool] = True

    version: Number
    file: Digest
    pdf: Digest
    size: Size
    until: date


COMMANDS = (
    PinRender,
    BeginSigning,
    AbandonSigning,
    ApproveMinutes,
    RecordPaperApproval,
    ReplaceSigner,
    NoteDisagreement,
    SealMinutes,
    RestampMinutes,
)


def decide(
    command: PinRender
    | BeginSigning
    | AbandonSigning
    | ApproveMinutes
    | RecordPaperApproval
    | ReplaceSigner
    | NoteDisagreement
    | SealMinutes
    | RestampMinutes,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    minutes = existing(world, Minutes, command.minutes)
    beside: list[New] = []
    if minutes.finished:
        raise Refused("finished-without-approval", house(51))
    match command:
        case PinRender():
            event: Event | None = _pinned(command, minutes, world)
        case BeginSigning():
            event = _began(command, minutes, world, actor)
        case AbandonSigning():
            signing = next((one for one in minutes.signings if one.signing == command.signing), None)
            if signing is None:
                raise Refused("signing-not-under-way", house(49))
            if actor.mandate.role != Role.SYSTEM and actor.person != signing.person:
                raise Refused("not-your-signature", house(48), office=signing.office)
            event = SigningAbandoned(minutes=command.minutes, signing=command.signing, reason=command.reason)
        case ApproveMinutes():
            event = _approved(command, minutes, world, now)
        case RecordPaperApproval():
            event = _on_paper(command, minutes, world, now)
            beside = _attested(command, minutes, world)
        case ReplaceSigner():
            event = _replaced(command, minutes, world)
        case NoteDisagreement():
            event = _disagreed(command, minutes, world)
        case SealMinutes():
            event = _sealed(command, minutes)
        case RestampMinutes():
            event = _restamped(command, minutes)
        case _:
            assert_never(command)
    return [] if event is None else [*news(Minutes, command.minutes, event), *beside]


def _attested(command: RecordPaperApproval, minutes: Minutes, world: World) -> list[New]:
    """That the scanned print is the proof of the approval, noted with the document; of secret minutes it is secret."""
    if kept_apart(minutes, world) and world.get(Document, command.document).secrecy is None:
        raise Refused("scan-not-marked", house(115))
    attests = DocumentAttests(
        document=command.document, minutes=command.minutes, version=command.version, office=command.office
    )
    return news(Document, command.document, attests)


def _pinned(command: PinRender, minutes: Minutes, world: World) -> RenderPinned | None:
    versions.newest(minutes, command.version)
    pinned = RenderPinned(
        minutes=command.minutes,
        version=command.version,
        root=command.root,
        render=command.render,
        file=command.file,
    )
    if minutes.pin == Pin(command.version, command.root, command.render, command.file):
        return None
    if minutes.approved_by or minutes.signings:
        raise Refused("render-in-use", house(49), version=command.version)
    versions.fresh(minutes, world)
    return pinned


def _signable(
    command: BeginSigning | RecordPaperApproval | ApproveMinutes, minutes: Minutes, world: World
) -> tuple[Pin, Id]:
    """The pinned render and the person who signs it for the office, or why it cannot be signed."""
    versions.newest(minutes, command.version)
    signer = minutes.signer(command.office)
    if signer is None:
        raise NotFound("office", command.office)
    if signer.person is None:
        raise Refused("signer-unknown", house(48), office=signer.label)
    if command.office in minutes.approved_by:
        raise Refused("already-signed", house(48), office=signer.label)
    if any(one.person == signer.person for one in minutes.approved_by.values()):
        raise Refused("same-person-signs-twice", house(48), office=signer.label)
    if command.version not in minutes.circulated:
        raise Refused("not-circulated", house(47), version=command.version)
    if minutes.pin is None:
        raise Refused("not-pinned", house(47), version=command.version)
    versions.fresh(minutes, world)
    return minutes.pin, signer.person


def _began(command: BeginSigning, minutes: Minutes, world: World, actor: Actor) -> SigningBegun:
    _, person = _signable(command, minutes, world)
    if actor.person != person:
        raise Refused("not-your-signature", house(48), office=command.office)
    if command.signing in minutes.signing_ids:
        raise Refused("id-taken", house(10), what="signing", id=command.signing)
    return SigningBegun(
        minutes=command.minutes,
        version=command.version,
        office=command.office,
        signing=command.signing,
        person=person,
    )


def _approved(command: ApproveMinutes, minutes: Minutes, world: World, now: datetime) -> MinutesApproved:
    versions.newest(minutes, command.version)
    signing = next((one for one in minutes.signings if one.signing == command.signing), None)
    if signing is None or signing.office != command.office:
        raise Refused("signing-not-under-way", house(49))
    pin, person = _signable(command, minutes, world)
    if signing.person != person:
        raise Refused("not-your-signature", house(48), office=command.office)
    if (pin.root, pin.render.output) != (command.root, command.render_output):
        raise Refused("signed-something-else", house(49), version=command.version)
    return MinutesApproved(
        minutes=command.minutes,
        version=command.version,
        office=command.office,
        person=person,
        signing=command.signing,
        method=command.method,
        level=command.level,
        root=command.root,
        render_output=command.render_output,
        cms=command.cms,
        certificate=command.certificate,
        file=command.file,
        cms_file=command.cms_file,
        findings=_late(command, minutes, world, now),
    )


def _on_paper(
    command: RecordPaperApproval, minutes: Minutes, world: World, now: datetime
) -> PaperApprovalRecorded:
    pin, person = _signable(command, minutes, world)
    document = existing(world, Document, command.document)
    if document.disposed or not document.newest.media_type.startswith(SCANS):
        raise Refused("not-a-scan", house(71), document=command.document)
    if command.code.replace("-", "").lower() != pin.root[:8]:
        raise Refused("another-print", house(71), version=command.version)
    return PaperApprovalRecorded(
        minutes=command.minutes,
        version=command.version,
        office=command.office,
        person=person,
        document=command.document,
        scan=document.newest.file,
        root=pin.root,
        findings=_late(command, minutes, world, now),
    )


def _late(
    command: ApproveMinutes | RecordPaperApproval, minutes: Minutes, world: World, now: datetime
) -> tuple[Finding, ...]:
    """What is found if the rules set a time for the approval and it has gone; nothing where a day is not known."""
    meeting = world.get(Meeting, minutes.meeting)
    regulation = world.get(Body, meeting.body).regulation_at(meeting.day)
    rules = regulation.rules.on(meeting.day) if regulation else None
    rule = rules.read(APPROVAL) if rules else None
    held = (meeting.closed and meeting.closed.day()) or meeting.day
    done = parse(command.happened).day() if command.happened else now.date()
    if regulation is None or rules is None or rule is None or done is None or minutes.kind == "correction":
        return ()
    unit, length = rule.within.unit, rule.within.length
    free = regulation.non_working_days
    passed = grounds.working_days(held, done, free) if unit == "working-days" else (done - held).days
    if passed <= length:
        return ()
    return (grounds.finding("approved-late", rules, "approval", f"{length} {unit}", f"{passed} {unit}"),)


def _replaced(command: ReplaceSigner, minutes: Minutes, world: World) -> SignerReplaced:
    grounds.person_of(world, command.person)
    signer = minutes.signer(command.office)
    if signer is None:
        raise NotFound("office", command.office)
    if command.office in minutes.approved_by or minutes.settled:
        raise Refused("already-signed", house(48), office=signer.label)
    if any(one.person == command.person for one in minutes.signers):
        raise Refused("same-person-signs-twice", house(48), office=signer.label)
    return SignerReplaced(
        minutes=command.minutes,
        office=command.office,
        person=command.person,
        replaced=signer.person,
        reason=Known(command.reason),
    )


def _disagreed(command: NoteDisagreement, minutes: Minutes, world: World) -> DisagreementNoted:
    versions.unsettled(minutes)
    made = {version.version for version in minutes.versions}
    for version in command.versions:
        if version not in made:
            raise NotFound("version", str(version))
    if command.exit == "both-versions" and len(set(command.versions)) < 2:
        raise Refused("both-versions-needed", house(51))
    if command.meeting is not None:
        existing(world, Meeting, command.meeting)
    items = world.get(Meeting, minutes.meeting).items
    exposes = not minutes.secret and any(one.secrecy and one.item in minutes.covers for one in items)
    if command.exit == "finished-without-approval" and exposes:
        raise Refused("draft-stale", house(44), version=minutes.newest.version)
    return DisagreementNoted(
        minutes=command.minutes,
        exit=command.exit,
        versions=tuple(dict.fromkeys(command.versions)),
        meeting=command.meeting,
        reason=Known(command.reason),
    )


def _sealed(command: SealMinutes, minutes: Minutes) -> MinutesSealed:
    if minutes.sealed is not None:
        raise Refused("already-sealed", house(50), version=minutes.sealed.version)
    versions.newest(minutes, command.version)
    if not minutes.approved:
        missing = [one.label for one in minutes.signers if one.office not in minutes.approved_by]
        raise Refused("approvals-missing", house(50), offices=", ".join(missing))
    return MinutesSealed(
        minutes=command.minutes,
        version=command.version,
        file=command.file,
        pdf=command.pdf,
        size=command.size,
        certificate=command.certificate,
        secret=minutes.secret,
    )


def _restamped(command: RestampMinutes, minutes: Minutes) -> MinutesRestamped:
    sealed = minutes.sealed
    if sealed is None or sealed.version != command.version or command.size <= sealed.size:
        raise Refused("not-the-sealed-file", house(140), version=command.version)
    return MinutesRestamped(
        minutes=command.minutes,
        version=command.version,
        file=command.file,
        pdf=command.pdf,
        size=command.size,
        until=command.until,
        secret=minutes.secret,
    )
