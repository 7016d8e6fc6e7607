"""The parts of a meeting's state: each remembers the version of its event, so that the paper can point at it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.meeting_events import Enclosure, Recipient, VoteRecorded
from domain.messages import Sealed, SecrecyMark
from domain.sources import Source
from domain.when import UNKNOWN, Happened


class Attendance(StrEnum):
    """Whether somebody took part, as far as it was noted (närvaro)."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Item:
    """An item on the agenda (punkt)."""

    item: int
    version: int
    title: Sealed
    parts: tuple[Sealed, ...] = ()
    matter: str | None = None
    presenter: Sealed | None = None
    starts: str | None = None
    documents: tuple[Enclosure, ...] = ()
    standing: str | None = None
    late: bool = False
    called: bool = False
    withdrawn: int = 0  # the version of the withdrawal
    withdrawn_reason: Sealed | None = None
    taken_up: bool = False
    secrecy: SecrecyMark | None = None
    marked: int = 0  # the version of the mark

    @property
    def numbered(self) -> bool:
        """Whether it has a place on the agenda."""
        return not self.withdrawn or self.called


@dataclass(frozen=True, slots=True)
class Issue:
    """A kallelse that went out (utsänd kallelse)."""

    issue: int
    version: int
    sent_on: date | None
    meeting_day: date
    days: int | None
    recipients: tuple[Recipient, ...]
    short: bool
    reason_wanted: bool
    reason: Sealed | None = None
    reason_version: int = 0


@dataclass(frozen=True, slots=True)
class Presence:
    """An interval of items during which somebody was present (närvaro)."""

    person: str
    version: int
    capacity: str
    substitutes_for: str | None = None
    from_item: int | None = None
    distance: bool = False
    left: bool = False
    after_item: int | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """A person and where something was noted about them (anteckning om person)."""

    person: str
    version: int
    status: str = ""


@dataclass(frozen=True, slots=True)
class ActingChair:
    """Somebody who led some items, or the whole meeting when both ends are open (tjänstgörande ordförande)."""

    person: str
    version: int
    from_item: int | None
    to_item: int | None
    reason: Sealed | None

    @property
    def whole(self) -> bool:
        return self.from_item is None and self.to_item is None


@dataclass(frozen=True, slots=True)
class Elected:
    """Who was chosen justerare, for an office of signing, and under which item (vald justerare)."""

    person: str
    version: int
    office: str
    item: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """Something said under an item: a report, a proposal or a statement, by its own number (yttrat)."""

    number: int
    version: int
    item: int
    text: Sealed
    person: str | None = None
    organisation: str | None = None
    of_proposal: str | None = None
    proposal_version: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision with every wording it has had (beslut)."""

    number: int
    version: int
    item: int
    points: tuple[Sealed, ...]
    adopts: int | None
    dispatch: tuple[Sealed, ...]
    verbs: tuple[str, ...] = ()
    of_proposal: str | None = None
    adopted_version: int | None = None
    may_adopt: tuple[int, ...] = ()
    effective: date | None = None
    earlier: tuple[tuple[Sealed, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Dissent:
    """A dissenting view (avvikande synpunkt)."""

    number: int
    version: int
    item: int
    participant: str
    view: Sealed
    retracted: bool = False


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote as it was recorded (omröstning)."""

    version: int
    event: VoteRecorded


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody's conflict of interest in an item, and whether they left (jäv)."""

    version: int
    item: int
    person: str
    left: bool
    ground: Sealed | None
    source: Source


@dataclass(frozen=True, slots=True)
class Reservation:
    """A reservation against a decision (reservation)."""

    number: int
    version: int
    item: int
    participant: str
    text: Sealed | None
    made: Happened = UNKNOWN


@dataclass(frozen=True, slots=True)
class Break:
    """An adjournment and, if it came, the resumption (ajournering)."""

    version: int
    adjourned: Happened
    until: str | None
    resumed: Happened | None = None


@dataclass(frozen=True, slots=True)
class Postponement:
    """An item left for later (bordläggning)."""

    version: int
    item: int
    to_meeting: str | None
    reason: Sealed | None


@dataclass(frozen=True, slots=True)
class Justering:
    """Where and when the minutes are to be approved (justeringens plats och tid)."""

    version: int
    place: Sealed | None
    time: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """Minutes that were begun: of these items, or (rest) of whatever no other minutes take (påbörjade anteckningar)."""

    minutes: str
    covers: tuple[int, ...]
    rest: bool
