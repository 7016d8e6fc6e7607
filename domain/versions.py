"""How a version of minutes is made, and whether it still says what the meeting's events say.

- Every version is folded from the meeting as it stands when the version is made. Minutes of the rest cover each item
  that no other minutes of the meeting have taken for themselves, so that items entered later come along (husregel 42).
- Secret items stand in minutes of their own, which hold nothing else; the minutes of the rest say where each of them
  is, and by which provision (husregel 112).
- A draft is stale when the meeting's events would now give another text: it is neither circulated nor signed until it
  is drafted again (husregel 44). Nothing that was noted can be lost between a draft and its approval.
- The places for signatures follow the body's rules (L13). Where none are adopted the minutes are called Anteckningar
  and are finished by the secretary, as minutes are for which the rules name nobody who signs (husregel 46). Where
  somebody else led some of the items, both who led sign, each for their own items, unless the one signs already.
"""

from domain import grounds
from domain.errors import Refused
from domain.meeting import Meeting
from domain.messages import Sealed, World
from domain.minutes import Minutes
from domain.minutes_events import MinutesVersionMade, SignerField
from domain.rule_minutes import SignerOffice
from domain.sources import house
from domain.statements import same, sealed, statements

WORD = "Anteckningar"
SECRETARY = SignerOffice(office="secretary", field="Sekreterare", label="Sekreterare")


def version_of(
    minutes: str,
    meeting: Meeting,
    world: World,
    covers: tuple[int, ...],
    rest: bool,
    before: Minutes | None = None,
    texts: dict[str, Sealed] | None = None,
    *,
    secret: bool = False,
) -> MinutesVersionMade:
    """The next version of minutes of a meeting, with the texts given as far as they belong to an item covered."""
    rules = grounds.rules_of(meeting, world)
    word = rules.minutes() if rules else None
    kept = {"0", *map(str, covers)}
    return MinutesVersionMade(
        minutes=minutes,
        version=before.newest.version + 1 if before else 1,
        base=before.newest.version if before else None,
        meeting=meeting.meeting,
        body=meeting.body,
        covers=covers,
        rest=rest,
        secret=secret,
        meeting_version=meeting.version,
        word=word.title if word else WORD,
        statements=statements(meeting, world, covers, rest),
        texts={key: sealed(text) for key, text in (texts or {}).items() if key in kept},
        signers=_signers(meeting, world, covers, dict(before.replacements) if before else {}),
        source=grounds.source_part(rules, "minutes"),
    )


def free_items(meeting: Meeting, world: World, minutes: str = "", *, secret: bool = False) -> tuple[int, ...]:
    """The items, those that are secret or the others, that no other minutes have taken for themselves, in printed
    order. A mark moves an item from the one kind of minutes to the other until either is approved."""
    taken: set[int] = set()
    for begun in meeting.minutes:
        if begun.minutes != minutes:
            other = world.get(Minutes, begun.minutes)
            if other.secret and secret:
                taken |= set(other.covers)
            else:
                taken |= set(other.approved_items if begun.rest or secret or other.secret else begun.covers)
    return tuple(
        item.item
        for item in meeting.agenda
        if item.item not in taken and (item.secrecy is not None) == secret
    )


def covered(minutes: Minutes, meeting: Meeting, world: World) -> tuple[int, ...]:
    """The items that a version made now would cover."""
    newest = minutes.newest
    if newest.rest or newest.secret:
        return free_items(meeting, world, minutes.minutes, secret=newest.secret)
    return tuple(item.item for item in meeting.agenda if item.item in newest.covers and item.secrecy is None)


def stale(minutes: Minutes, world: World) -> bool:
    """Whether the newest version no longer says what the events say."""
    if minutes.kind == "correction":
        return False
    meeting = world.get(Meeting, minutes.meeting)
    covers = covered(minutes, meeting, world)
    if covers != minutes.newest.covers:
        return True
    now = statements(meeting, world, covers, minutes.newest.rest)
    signers = _signers(meeting, world, covers, dict(minutes.replacements))
    return not same(now, minutes.newest.statements) or signers != minutes.signers


def fresh(minutes: Minutes, world: World) -> None:
    """Refuse what is asked of a stale draft."""
    if stale(minutes, world):
        raise Refused("draft-stale", house(44), version=minutes.newest.version)


def newest(minutes: Minutes, version: int) -> None:
    """Refuse what is asked of a version that is not the newest."""
    if version != minutes.newest.version:
        raise Refused("newer-version", house(43), version=version, newest=minutes.newest.version)


def unsettled(minutes: Minutes) -> None:
    """Refuse a change of minutes that are approved or finished."""
    if minutes.settled:
        raise Refused("minutes-settled", house(40), version=minutes.newest.version)


def _signers(
    meeting: Meeting, world: World, covers: tuple[int, ...], instead: dict[str, str]
) -> tuple[SignerField, ...]:
    rules = grounds.rules_of(meeting, world)
    offices = (rules.signers() if rules else ()) or (SECRETARY,)
    persons: dict[str, str | None] = {one.office: one.person for one in meeting.offices.values()}
    persons["secretary"] = meeting.secretary.person if meeting.secretary else None
    led = {
        meeting.chair_of(item): [one for one in covers if meeting.chair_of(one) == meeting.chair_of(item)]
        for item in covers
    }
    chairs = sorted(led, key=lambda person: person != meeting.led_by) or [meeting.led_by]
    persons["chair"] = chairs[0]
    signers: list[SignerField] = []
    for one in offices:
        items = tuple(led[chairs[0]]) if one.office == "chair" and len(led) > 1 else ()
        person = instead.get(one.office, persons.get(one.office))
        signers.append(
            SignerField(office=one.office, field=one.field, label=one.label, person=person, items=items)
        )
        if one.office == "chair":
            signing = {persons.get(other.office) for other in offices}
            for number, chair in enumerate(chairs[1:], 2):
                if chair not in signing:
                    office = f"chair-{number}"
                    signers.append(
                        SignerField(
                            office=office,
                            field=f"{one.field}{number}",
                            label=one.label,
                            person=instead.get(office, chair),
                            items=tuple(led[chair]),
                        )
                    )
    return tuple(signers)
