"""What stands on each paper: plain frozen values, no Typst, no database.

- A sheet is data in Swedish words as they are to be printed; the renderer turns it into bytes and knows
  nothing else (evidence.md 2, format.md 18). Whoever builds a sheet folds the events.
- A `Text` is ordinary wording (a line break starts a new paragraph), or says why wording is not shown:
  `Destroyed` prints as full blocks (format.md 19), `Masked` as a black bar with its provision (TF 2:20).
  `Mixed` joins such pieces in one text.
- `None` is *unknown* and prints "Framgår inte av underlaget"; an empty text or tuple means that the row
  does not apply, and it is left out. The two are never confused: silence is not a finding.
- Words that differ between municipalities (the name of the minutes, § or Punkt, Avvikande synpunkt or
  Reservation, Godkänn or Justera) are values here, never in the templates.
- What Kommunallagen alone asks for (5:65-67, 8:12) is optional: `KlNotice` (anslag/bevis).
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeAlias

UNKNOWN = "Framgår inte av underlaget"


@dataclass(frozen=True, slots=True)
class Destroyed:
    """The wording was destroyed by a recorded decision (gallrad)."""


@dataclass(frozen=True, slots=True)
class Masked:
    """The wording is covered in this copy; `provision` says by what (maskad)."""

    provision: str
    reason: str = ""


Run: TypeAlias = str | Destroyed | Masked


@dataclass(frozen=True, slots=True)
class Mixed:
    """One text of several pieces, some of them covered or destroyed."""

    runs: tuple[Run, ...]


Text: TypeAlias = Run | Mixed

DESTROYED = Destroyed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """The municipality's head of paper (brevhuvud); `example` stamps EXEMPEL on every page."""

    municipality: str
    unit: str = ""
    contact: tuple[str, ...] = ()
    example: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every page of every paper carries.

    `recorded_at` is the recorded time of the version printed: it becomes the PDF's only date, so that a
    later rendering gives the same bytes. `check` is a line on where authenticity can be checked.
    """

    letterhead: Letterhead
    body: str
    kind: str
    date: Text | None
    diarienummer: Text | None
    short_code: str
    recorded_at: datetime
    draft: bool = False
    draft_text: str = "UTKAST – ej godkänt"
    check: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A labelled value; the value None is unknown."""

    label: str
    value: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """A person on the first page; `note` as in "t.o.m. punkt 4"."""

    name: Text
    organisation: Text = ""
    role: Text = ""
    note: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One signature field: `sections` is the range the signature covers ("§§ 1–9")."""

    name: Text
    role: str
    sections: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KlNotice:
    """Notice of approval for bodies under Kommunallagen (anslag/bevis)."""

    body: str
    meeting_date: str
    posted: Text = ""
    removed: Text = ""
    kept_at: Text = ""
    clerk: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The profile's own words on the minutes."""

    number: str = "§"
    sections: str = "Paragrafer"
    list_title: str = "Ärendelista"
    present: str = "Närvarande"
    substitutes: str = "Ersättare"
    coopted: str = "Adjungerade"
    hindered: str = "Anmält förhinder"
    organisation: str = "Organisation eller parti"
    justerare: str = "Utsedd justerare"
    justering: str = "Justeringens plats och tid"
    proposals: str = "Förslag"
    dissents: str = "Avvikande synpunkter"
    signatures: str = "Underskrifter"


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPage:
    """The facts of the meeting, printed first in minutes and repeated in extracts."""

    time_and_place: Text | None
    present: tuple[Attendee, ...] | None
    substitutes: tuple[Attendee, ...] | None = ()
    coopted: tuple[Attendee, ...] | None = ()
    hindered: tuple[Attendee, ...] | None = ()
    justerare: tuple[Text, ...] | None = ()
    justering: Text | None = ""
    sections: Text | None = ""
    further: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Somebody's wording: a dissent, a proposal, a statement, a report."""

    text: Text
    who: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An assignment given at the meeting (uppdrag)."""

    what: Text
    owner: Text | None
    due: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One § or punkt. `mark` is the whole number as printed ("§ 146", "Punkt 4") or empty."""

    title: Text
    mark: str = ""
    diarienummer: Text = ""
    notes: tuple[Fact, ...] = ()
    summary: Text = ""
    reports: tuple[Statement, ...] = ()
    basis: tuple[Text, ...] = ()
    proposals: tuple[Statement, ...] = ()
    votes: tuple[Statement, ...] = ()
    decisions: tuple[Text, ...] = ()
    tasks: tuple[Task, ...] = ()
    dissents: tuple[Statement, ...] = ()
    reservations: tuple[Statement, ...] = ()
    statements: tuple[Statement, ...] = ()
    abstained: tuple[Text, ...] = ()
    postponed: Text = ""
    dispatch: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaRow:
    """One row of the agenda of a kallelse."""

    number: str
    title: Text
    diarienummer: Text = ""
    presenter: Text = ""
    time: Text = ""
    enclosure: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A document named by a paper; `status` as in "Bilaggs" or "Bilaggs ej"."""

    number: str
    title: Text
    status: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kallelse:
    """The call to a meeting (kallelse)."""

    TEMPLATES: ClassVar[tuple[str, ...]] = ("shared.v1.typ", "kallelse.v1.typ")
    head: Head
    time: Text | None
    place: Text | None
    called: tuple[Attendee, ...] | None
    agenda: tuple[AgendaRow, ...]
    lead: Text = ""
    further: tuple[Fact, ...] = ()
    other_matters: Text = "Övriga frågor anmäls vid mötets början."
    enclosures: tuple[Enclosure, ...] = ()
    hinder: Text = ""
    signed_place: Text | None = None
    signed_date: Text | None = None
    chair: Text | None = None
    secretary: Text | None = None
    chair_title: str = "Ordförande"
    secretary_title: str = "Sekreterare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """The record of a meeting, under the profile's own name (mötesanteckningar, protokoll)."""

    TEMPLATES: ClassVar[tuple[str, ...]] = (
        "shared.v1.typ",
        "items.v1.typ",
        "signatures.v1.typ",
        "minutes.v1.typ",
    )
    head: Head
    first_page: FirstPage
    items: tuple[Item, ...]
    signers: tuple[Signer, ...] = ()
    stamp_label: str = "Kommunens stämpel"
    qr: str = ""
    words: Words = field(default_factory=Words)
    kl_notice: KlNotice | None = None
    web: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """Whole §§ of the minutes with the facts of the first page (protokollsutdrag)."""

    TEMPLATES: ClassVar[tuple[str, ...]] = (
        "shared.v1.typ",
        "items.v1.typ",
        "signatures.v1.typ",
        "extract.v1.typ",
    )
    head: Head
    source: str
    first_page: FirstPage
    items: tuple[Item, ...]
    certified_place: Text | None
    certified_date: Text | None
    certifier: Signer
    certified: str = "Utdraget bestyrks"
    stamp_label: str = "Kommunens stämpel"
    qr: str = ""
    words: Words = field(default_factory=Words)
    web: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRow:
    """Where, what stood there, and what it shall be."""

    where: str
    original: Text
    corrected: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """An own signed sheet that shows original and corrected wording (rättelseblad)."""

    TEMPLATES: ClassVar[tuple[str, ...]] = ("shared.v1.typ", "signatures.v1.typ", "correction.v1.typ")
    head: Head
    concerns: tuple[Fact, ...]
    rows: tuple[CorrectionRow, ...]
    reason: Text | None
    recipients: tuple[Text, ...] | None
    further: tuple[Fact, ...] = ()
    signers: tuple[Signer, ...] = ()
    stamp_label: str = "Kommunens stämpel"
    qr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifiedDocument:
    """A document handed over with a notification."""

    title: Text
    file_name: str
    pages: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The letter that follows the record to the board's registrar (anmälan)."""

    TEMPLATES: ClassVar[tuple[str, ...]] = ("shared.v1.typ", "notification.v1.typ")
    head: Head
    recipient: tuple[str, ...]
    subject: Text
    text: Text
    facts: tuple[Fact, ...] = ()
    documents: tuple[NotifiedDocument, ...] = ()
    request: Text = ""
    signed_place: Text | None = None
    signed_date: Text | None = None
    sender: Text | None = None
    sender_title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an office writes to a body that is to decide (tjänsteskrivelse).

    A consequence with the value None is not known; that there is none is said in words.
    """

    TEMPLATES: ClassVar[tuple[str, ...]] = ("shared.v1.typ", "report.v1.typ")
    head: Head
    subject: Text
    facts: tuple[Fact, ...] = ()
    proposal: tuple[Text, ...] = ()
    sections: tuple[Fact, ...] = ()
    consequences: tuple[Fact, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    dispatch: tuple[Text, ...] = ()
    signed: str = ""
    signatories: tuple[Attendee, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """A step, what was observed, and by which criterion; the assessment is written in by hand."""

    step: str
    observation: Text
    finding: str = ""
    criterion: Text = ""
    source: str = ""
    positions: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPart:
    """The rows of one meeting, or of the year."""

    title: str
    rows: tuple[ReviewRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What can be seen of a body's year, for an auditor to assess (granskning)."""

    TEMPLATES: ClassVar[tuple[str, ...]] = ("shared.v1.typ", "review.v1.typ")
    head: Head
    facts: tuple[Fact, ...]
    explanation: Text
    parts: tuple[ReviewPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Minutes, or some items of them, with some wording covered (maskad kopia, webbkopia)."""

    TEMPLATES: ClassVar[tuple[str, ...]] = (
        "shared.v1.typ",
        "items.v1.typ",
        "signatures.v1.typ",
        "copy.v1.typ",
    )
    head: Head
    concerns: tuple[Fact, ...]
    first_page: FirstPage
    items: tuple[Item, ...]
    certified: str = "Kopian är stämplad av kommunen"
    stamp_label: str = "Kommunens stämpel"
    qr: str = ""
    words: Words = field(default_factory=Words)


Sheet: TypeAlias = Kallelse | Minutes | Extract | Copy | Correction | Notification | Report | Review
