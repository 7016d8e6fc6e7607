"""Writing minutes: versions, circulation, comments, corrections.

- Minutes are begun once the meeting is opened, so that an item can be approved at once (omedelbar justering). An item
  stands in one set of minutes only (husregel 42).
- Facts of the meeting are not written here: they are folded from the events, anew in every version. What is written is
  free text beside them, for an item or in general ("0").
- A version is made from the newest one, and nobody writes over another's (husregel 43). It voids the approvals that
  the earlier version had. Once all have approved, no version is made (husregel 40).
- A stale draft is not circulated (husregel 44). A draft sent to somebody outside the authority may become a public
  document; the sending is recorded with that finding (TF 2 kap. 10 §; that we warn is husregel 45).
- Only those who are to approve a version send it back (husregel 47).
- A correction is a signed sheet of its own that shows original and corrected wording, only of sealed minutes (husregel
  52). It rests on nothing in förvaltningslagen.
"""

from datetime import datetime
from typing import Annotated, ClassVar, assert_never

from pydantic import Field

from domain import grounds, versions
from domain.body import Body
from domain.calling import CLERKS
from domain.errors import NotFound, Refused
from domain.lookup import existing, known, news, unused
from domain.meeting import Meeting
from domain.meeting_events import MinutesBegun, Number
from domain.messages import (
    Actor,
    Command,
    Event,
    Finding,
    Id,
    Known,
    New,
    Part,
    Prose,
    Role,
    Sealed,
    World,
    fresh_id,
)
from domain.minutes import Minutes
from domain.minutes_events import (
    ApprovalsVoided,
    Correction,
    MinutesCirculated,
    MinutesReturned,
    MinutesVersionMade,
)
from domain.person import Person
from domain.sources import house

CORRECTION = "Rättelse"

TextKey = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,4})$")]


class Entry(Part):
    """A wording to correct, beside the original (rättelse)."""

    item: Number | None = None
    original: Prose
    corrected: Prose
    reason: Prose | None = None


class DraftingCommand(Command):
    """The base of the commands that write minutes (anteckningar)."""

    STREAM: ClassVar[str] = "minutes"
    ROLES: ClassVar[frozenset[Role]] = CLERKS


class DraftMinutes(DraftingCommand):
    """Begin minutes of a meeting: of some items, or of all that no other minutes cover (påbörja anteckningar)."""

    minutes: Id = Field(default_factory=fresh_id)
    meeting: Id
    covers: list[Number] | None = Field(default=None, min_length=1)


class DraftSecretMinutes(DraftingCommand):
    """Begin the minutes of a meeting's secret items, which stand in them alone (påbörja sekretessprotokoll)."""

    minutes: Id = Field(default_factory=fresh_id)
    meeting: Id


class EditMinutes(DraftingCommand):
    """Write the free text of items, or the general text ("0"), in a new version; null takes a text away (redigera)."""

    minutes: Id
    base: Number
    texts: dict[TextKey, Prose | None] = Field(min_length=1)


class RedraftMinutes(DraftingCommand):
    """Make a new version with the meeting as it now stands; the free texts are kept (gör om utkastet)."""

    minutes: Id
    base: Number


class CirculateMinutes(DraftingCommand):
    """Send a version to those who are to approve it, or look at it (skicka ut utkast)."""

    minutes: Id
    version: Number
    recipients: list[Id] = Field(min_length=1)


class ReturnMinutes(DraftingCommand):
    """Send a version back with a comment, by one of those who are to approve it (återsänd)."""

    ROLES: ClassVar[frozenset[Role]] = frozenset({Role.SECRETARY, Role.CHAIR, Role.JUSTERARE})

    minutes: Id
    version: Number
    comment: Prose


class CorrectMinutes(DraftingCommand):
    """Correct sealed minutes by a sheet of its own, to be signed by the same offices (rättelse)."""

    minutes: Id = Field(default_factory=fresh_id)
    corrects: Id
    entries: list[Entry] = Field(min_length=1)


class EditCorrection(DraftingCommand):
    """Write the entries of a correction anew, in a new version (redigera rättelse)."""

    minutes: Id
    base: Number
    entries: list[Entry] = Field(min_length=1)


COMMANDS = (
    DraftMinutes,
    DraftSecretMinutes,
    EditMinutes,
    RedraftMinutes,
    CirculateMinutes,
    ReturnMinutes,
    CorrectMinutes,
    EditCorrection,
)


def decide(
    command: DraftMinutes
    | DraftSecretMinutes
    | EditMinutes
    | RedraftMinutes
    | CirculateMinutes
    | ReturnMinutes
    | CorrectMinutes
    | EditCorrection,
    world: World,
    actor: Actor,
    _now: datetime,
) -> list[New]:
    if isinstance(command, DraftMinutes):
        return _begun(command, world)
    if isinstance(command, DraftSecretMinutes):
        return _begun_secret(command, world)
    if isinstance(command, CorrectMinutes):
        return _corrected(command, world)
    minutes = existing(world, Minutes, command.minutes)
    versions.unsettled(minutes)
    match command:
        case EditMinutes():
            versions.newest(minutes, command.base)
            return _edited(command, minutes, world)
        case RedraftMinutes():
            versions.newest(minutes, command.base)
            if not versions.stale(minutes, world):
                return []
            return _next(minutes, _folded(minutes, world, dict(minutes.newest.texts)))
        case CirculateMinutes():
            versions.newest(minutes, command.version)
            versions.fresh(minutes, world)
            return news(Minutes, command.minutes, _circulated(command, world))
        case ReturnMinutes():
            versions.newest(minutes, command.version)
            if all(signer.person != actor.person for signer in minutes.signers):
                raise Refused("only-signers-return", house(47))
            returned = MinutesReturned(
                minutes=command.minutes,
                version=command.version,
                person=actor.person,
                comment=Known(command.comment),
            )
            return news(Minutes, command.minutes, returned)
        case EditCorrection():
            versions.newest(minutes, command.base)
            return _rewritten(command, minutes)
        case _:
            assert_never(command)


# --- minutes of a meeting
def _begun(command: DraftMinutes, world: World) -> list[New]:
    unused(world, Minutes, command.minutes)
    meeting = grounds.standing(world, command.meeting)
    grounds.opened(meeting)
    free = versions.free_items(meeting, world)
    rest = command.covers is None
    if rest and any(begun.rest for begun in meeting.minutes):
        raise Refused("minutes-already-begun", house(42), day=str(meeting.day))
    asked = free if command.covers is None else tuple(command.covers)
    for item in command.covers or ():
        if grounds.item_of(meeting, item).secrecy:
            raise Refused("item-is-secret", house(112), item=meeting.number(item))
        if item not in free:
            raise Refused("item-in-other-minutes", house(42), item=meeting.number(item))
    covers = tuple(item for item in free if item in asked)
    made = versions.version_of(command.minutes, meeting, world, covers, rest)
    begun = MinutesBegun(meeting=command.meeting, minutes=command.minutes, covers=covers, rest=rest)
    return [*news(Minutes, command.minutes, made), *news(Meeting, command.meeting, begun)]


def _begun_secret(command: DraftSecretMinutes, world: World) -> list[New]:
    unused(world, Minutes, command.minutes)
    meeting = grounds.standing(world, command.meeting)
    grounds.opened(meeting)
    covers = versions.free_items(meeting, world, secret=True)
    if not covers:
        raise Refused("nothing-secret", house(112), day=str(meeting.day))
    made = versions.version_of(command.minutes, meeting, world, covers, rest=False, secret=True)
    begun = MinutesBegun(meeting=command.meeting, minutes=command.minutes, covers=covers, rest=False)
    return [*news(Minutes, command.minutes, made), *news(Meeting, command.meeting, begun)]


def _folded(minutes: Minutes, world: World, texts: dict[str, Sealed]) -> MinutesVersionMade:
    meeting = world.get(Meeting, minutes.meeting)
    covers = versions.covered(minutes, meeting, world)
    rest, secret = minutes.newest.rest, minutes.secret
    return versions.version_of(minutes.minutes, meeting, world, covers, rest, minutes, texts, secret=secret)


def _edited(command: EditMinutes, minutes: Minutes, world: World) -> list[New]:
    if minutes.kind == "correction":
        raise Refused("edit-is-for-minutes", house(52))
    allowed = {"0", *map(str, minutes.covers)}
    for key in command.texts:
        if key not in allowed:
            raise NotFound("item", key)
    before = {key: str(text) for key, text in minutes.newest.texts.items()}
    after = {key: text for key, text in (before | command.texts).items() if text is not None}
    if after == before and not versions.stale(minutes, world):
        return []
    return _next(minutes, _folded(minutes, world, {key: Known(text) for key, text in after.items()}))


def _next(minutes: Minutes, made: MinutesVersionMade) -> list[New]:
    """The new version, and the approvals that fall with the old one."""
    events: list[Event] = [made]
    if minutes.approved_by:
        voided = ApprovalsVoided(
            minutes=minutes.minutes, version=minutes.newest.version, offices=tuple(minutes.approved_by)
        )
        events.insert(0, voided)
    return news(Minutes, minutes.minutes, *events)


def _circulated(command: CirculateMinutes, world: World) -> MinutesCirculated:
    grounds.person_of(world, *command.recipients)
    recipients = tuple(dict.fromkeys(command.recipients))
    minutes = world.get(Minutes, command.minutes)
    outside = sum(_outside(person, minutes, world) for person in recipients)
    findings: tuple[Finding, ...] = ()
    if outside:
        expected, observed = "inside the authority", f"{outside} outside"
        findings = (grounds.house_finding("draft-outside-authority", 45, expected, observed),)
    return MinutesCirculated(
        minutes=command.minutes, version=command.version, recipients=recipients, findings=findings
    )


def _outside(person: str, minutes: Minutes, world: World) -> bool:
    """Whether somebody belongs to another organisation: offered a seat, co-opted or staffed by the chair (L3, L6).

    Of somebody without a place in the body the organisation in the register tells.
    """
    meeting = world.get(Meeting, minutes.meeting)
    held = [one for one in world.get(Body, minutes.body).holdings_at(meeting.day) if one.person == person]
    if not held:
        return bool(world.get(Person, person).organisation)
    rules = grounds.rules_of(meeting, world)
    offered = {seat.seat for seat in rules.seats() if seat.duty != "part"} if rules else set()
    others = {one.duty for _, one in rules.staffing() if one.responsible == "chair"} if rules else set()
    return any(one.capacity == "co-opted" or one.seat in offered | others for one in held)


# --- corrections
def _entries(entries: list[Entry], covers: tuple[int, ...]) -> tuple[Correction, ...]:
    for entry in entries:
        if entry.item is not None and entry.item not in covers:
            raise NotFound("item", str(entry.item))
    return tuple(
        Correction(
            item=entry.item,
            original=Known(entry.original),
            corrected=Known(entry.corrected),
            reason=known(entry.reason),
        )
        for entry in entries
    )


def _corrected(command: CorrectMinutes, world: World) -> list[New]:
    unused(world, Minutes, command.minutes)
    original = existing(world, Minutes, command.corrects)
    if original.sealed is None or original.kind == "correction":
        raise Refused("correct-sealed-only", house(52))
    newest = original.newest
    made = MinutesVersionMade(
        minutes=command.minutes,
        version=1,
        meeting=original.meeting,
        body=original.body,
        kind="correction",
        corrects=command.corrects,
        covers=newest.covers,
        rest=False,
        secret=newest.secret,
        meeting_version=newest.meeting_version,
        word=CORRECTION,
        statements=(),
        texts={},
        corrections=_entries(command.entries, newest.covers),
        signers=original.signers,
    )
    return news(Minutes, command.minutes, made)


def _rewritten(command: EditCorrection, minutes: Minutes) -> list[New]:
    if minutes.kind != "correction":
        raise Refused("edit-is-for-corrections", house(52))
    newest = minutes.newest
    corrections = _entries(command.entries, newest.covers)
    if corrections == newest.corrections:
        return []
    made = MinutesVersionMade(
        minutes=command.minutes,
        version=newest.version + 1,
        base=newest.version,
        meeting=minutes.meeting,
        body=minutes.body,
        kind="correction",
        corrects=minutes.corrects,
        covers=newest.covers,
        rest=False,
        secret=newest.secret,
        meeting_version=newest.meeting_version,
        word=newest.word,
        statements=(),
        texts={},
        corrections=corrections,
        signers=minutes.signers,
    )
    return _next(minutes, made)
