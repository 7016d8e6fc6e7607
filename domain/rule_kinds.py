"""Every kind of rule whose value has a shape, and what the program does with it.

- enforced: a decision reads the value; it refuses, records what it found, or does as the rule says.
- watched: nothing is decided by it, but the rule says when it falls due, and that is followed.
- shown: it is told to whoever asks what applies.
- A rule has the kind that its id names, or the one it gives as its kind. Any other rule is the document's own: its
  value is free, it is shown, and it is watched if it says when it falls due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import TypeAdapter

from domain import rule_meetings as meetings
from domain import rule_minutes as minutes
from domain import rule_people as people
from domain import rule_work as work
from domain.messages import Code
from domain.rule_work import Due

T = TypeVar("T")
Use = Literal["enforced", "watched", "shown"]
ItemNumbering = Literal["paragraph-per-year", "point-per-meeting", "none"]


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of rule: its shape, its use, and when it is due where that follows from the value (regelslag)."""

    id: str
    shape: TypeAdapter[T]
    use: Use
    words: str
    due: Callable[[T], Due | None] | None = None

    def read(self, value: Any) -> T:
        return self.shape.validate_python(value)


def _band(band: meetings.Band) -> Due | None:
    return Due(every="year", times=band.least, fulfilled_by=("meeting-opened",)) if band.least else None


def _quota(quota: meetings.Quota) -> Due | None:
    if not quota.least:
        return None
    others = quota.together_with
    return Due(every=quota.per, times=quota.least, fulfilled_by=("meeting-opened",), together_with=others)


def _after_approval(*topics: str) -> Callable[[Any], Due]:
    return lambda _: Due(after=("minutes-approved",), fulfilled_by=topics)


def _announced(board: minutes.NoticeBoard) -> Due:
    return Due(after=("minutes-approved",), within=board.announce, fulfilled_by=("approval-announced",))


def _approved(approval: minutes.Approval) -> Due:
    return Due(after=("meeting-closed",), within=approval.within, fulfilled_by=("minutes-approved",))


# --- people
CHAIR: Final = Kind("chair", TypeAdapter(people.ChairRule), "enforced", "ordförande")
VICE_CHAIR: Final = Kind("vice-chair", TypeAdapter(people.ViceChairRule), "enforced", "vice ordförande")
SEATS: Final = Kind("seats", TypeAdapter(tuple[people.SeatRule, ...]), "enforced", "platser")
STAFFING: Final = Kind("staffing", TypeAdapter(people.Staffing), "enforced", "bemanning")
SUBSTITUTES: Final = Kind("substitutes", TypeAdapter(people.Substitutes), "enforced", "ersättare")
GUESTS: Final = Kind("guests", TypeAdapter(tuple[people.Guest, ...]), "shown", "närvarorätt för andra")
CO_OPT: Final = Kind("co-opt", TypeAdapter(people.CoOpting), "enforced", "adjungering")
SPOKESPERSONS: Final = Kind("spokespersons", TypeAdapter(tuple[Code, ...]), "shown", "talespersoner")
TERM: Final = Kind("term", TypeAdapter(people.Term), "shown", "mandattid")
WHO_COUNTS: Final = Kind("who-counts", TypeAdapter(people.WhoCounts), "enforced", "vilka som räknas")
# --- meetings
NOTICE: Final = Kind("notice", TypeAdapter(meetings.Notice), "enforced", "kallelsetid")
KALLELSE: Final = Kind("kallelse", TypeAdapter(meetings.Kallelse), "enforced", "kallelse")
STANDING_ITEMS: Final = Kind(
    "standing-items", TypeAdapter(tuple[meetings.StandingItem, ...]), "enforced", "stående ärenden"
)
ITEM_NUMBERING: Final[Kind[ItemNumbering]] = Kind(
    "item-numbering", TypeAdapter(ItemNumbering), "enforced", "numrering av ärenden"
)
AGENDA_TIMES: Final = Kind("agenda-times", TypeAdapter(meetings.AgendaTimes), "shown", "tider och pauser")
MEETINGS_PER_YEAR: Final = Kind(
    "meetings-per-year", TypeAdapter(meetings.Band), "watched", "sammanträden per år", _band
)
MEETING_QUOTA: Final = Kind(
    "meeting-quota", TypeAdapter(meetings.Quota), "watched", "sammanträden per period", _quota
)
DEMAND: Final = Kind("demand", TypeAdapter(meetings.Demand), "enforced", "begäran om sammanträde")
QUORUM: Final = Kind("quorum", TypeAdapter(meetings.Quorum), "enforced", "beslutsförhet")
NOT_APPLICABLE: Final = Kind("not-applicable", TypeAdapter(meetings.NotApplicable), "shown", "gäller inte")
# --- minutes
MINUTES: Final = Kind("minutes", TypeAdapter(minutes.MinutesWord), "enforced", "anteckningar")
JUSTERARE: Final = Kind("justerare", TypeAdapter(minutes.JusterareRule), "enforced", "justerare")
SIGNERS: Final = Kind("signers", TypeAdapter(tuple[minutes.SignerOffice, ...]), "enforced", "underskrifter")
APPROVAL: Final = Kind("approval", TypeAdapter(minutes.Approval), "enforced", "tid för justering", _approved)
NOTICE_BOARD: Final = Kind("notice-board", TypeAdapter(minutes.NoticeBoard), "watched", "anslag", _announced)
DISSENT: Final = Kind("dissent", TypeAdapter(minutes.DissentRule), "enforced", "avvikande synpunkt")
SEND_MINUTES: Final = Kind(
    "send-minutes", TypeAdapter(minutes.Recipients), "enforced", "utskick", _after_approval("minutes-sent")
)
NOTIFY: Final = Kind(
    "notify", TypeAdapter(minutes.Recipients), "watched", "anmälan", _after_approval("notification-sent")
)
DISPATCH: Final = Kind(
    "dispatch",
    TypeAdapter(minutes.Dispatching),
    "watched",
    "expediering",
    _after_approval("decision-dispatched"),
)
# --- work
ACTIVITY: Final = Kind("activity", TypeAdapter(work.Activity), "shown", "uppgift")
REPORT_SECTIONS: Final = Kind(
    "report-sections", TypeAdapter(work.ReportSections), "enforced", "tjänsteskrivelsens avsnitt"
)
DIARY: Final = Kind("diary", TypeAdapter(work.Diary), "enforced", "diarienummer")
DOCUMENT_KINDS: Final = Kind(
    "document-kinds", TypeAdapter(tuple[work.DocumentKind, ...]), "shown", "dokumenttyper"
)

KINDS: Final[Mapping[str, Kind[Any]]] = {
    kind.id: kind
    for kind in (
        CHAIR, VICE_CHAIR, SEATS, STAFFING, SUBSTITUTES, GUESTS, CO_OPT, SPOKESPERSONS, TERM, WHO_COUNTS,
        NOTICE, KALLELSE, STANDING_ITEMS, ITEM_NUMBERING, AGENDA_TIMES, MEETINGS_PER_YEAR, MEETING_QUOTA, DEMAND,
        QUORUM, NOT_APPLICABLE, MINUTES, JUSTERARE, SIGNERS, APPROVAL, NOTICE_BOARD, DISSENT, SEND_MINUTES, NOTIFY,
        DISPATCH, ACTIVITY, REPORT_SECTIONS, DIARY, DOCUMENT_KINDS,
    )
}  # fmt: skip
# Ids that rules are looked up by although their values are free; a profile's other ids are its own.
KNOWN: Final = (*KINDS, "picture-and-plan", "basis")
