"""What may happen to minutes: the events of the stream minutes-<id>, from the first draft to the last dispatch.

- Every version carries all its statements and texts under a key of its own: drafts are working material and their keys
  go when the minutes are finished, while the approved version's key is kept.
- A statement is what the paper says about one event, field by field, so that each name and each view can be masked by
  itself; it points at the event it was made from.
- An approval names the one version it is for. A later version voids it, and says so.
- A correction is minutes of its own, signed by the same offices, and points at the sealed minutes it corrects.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.meeting_events import Channel, Number, Recipient, Text, Working
from domain.messages import Code, Diarienummer, Digest, Event, Finding, Id, Part, PublicName, SourcePart

Size = Annotated[int, Field(ge=0)]
FieldName = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,39}$")]


class Statement(Part):
    """What the paper says about one event (uppgift).

    kind tells what it is about, item is the item it stands under (None: the meeting as a whole), ref_stream and
    ref_version name the event, and fields hold the words to be printed: one for each thing that can be masked.
    """

    kind: Code
    item: Number | None = None
    ref_stream: Annotated[str, Field(pattern=r"^[a-z]+-[0-9a-f]{16}$")]
    ref_version: Number
    fields: dict[Code, Working]


class SignerField(Part):
    """A place for a signature: the office, the field in the PDF, its printed label and who is to sign (underskrift).

    items is empty when the signature is for everything that the minutes cover.
    """

    office: Code
    field: FieldName
    label: PublicName
    person: Id | None = None
    items: tuple[Number, ...] = ()


class Correction(Part):
    """One corrected wording beside the original (rättelse)."""

    item: Number | None = None
    original: Working
    corrected: Working
    reason: Working | None = None


class Render(Part):
    """How a version was turned into bytes: the renderer's version and the digests of all that went in and came out."""

    typst: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,40}$")]
    template: Digest
    font: Digest
    data: Digest
    output: Digest


class MinutesEvent(Event):
    """The base of the minutes stream's events (anteckningar, protokoll)."""

    STREAM: ClassVar[str] = "minutes"

    minutes: Id


# --- versions
class MinutesVersionMade(MinutesEvent):
    """A version of the minutes, whole and unchangeable (version).

    covers are the items, in printed order; rest says that new items of the meeting come along at a redraft.
    meeting_version is the version of the meeting's stream that the statements were folded from. secret: these are the
    minutes of secret items, and nothing else stands in them.
    """

    TOPIC: ClassVar[str] = "minutes-version-made.v1"

    version: Number
    base: Number | None = None
    meeting: Id
    body: Id
    kind: Literal["minutes", "correction"] = "minutes"
    corrects: Id | None = None
    covers: tuple[Number, ...]
    rest: bool = True
    secret: bool = False
    meeting_version: Annotated[int, Field(ge=0)]
    word: PublicName
    statements: tuple[Statement, ...]
    texts: dict[Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,4})$")], Working]
    corrections: tuple[Correction, ...] = ()
    signers: tuple[SignerField, ...]
    source: SourcePart | None = None


class MinutesCirculated(MinutesEvent):
    """A version was sent to those who are to approve or look at it (utskickat för godkännande)."""

    TOPIC: ClassVar[str] = "minutes-circulated.v1"

    version: Number
    recipients: tuple[Id, ...]
    findings: tuple[Finding, ...] = ()


class MinutesReturned(MinutesEvent):
    """Somebody who is to approve a version sent it back with a comment (återsänd med kommentar)."""

    TOPIC: ClassVar[str] = "minutes-returned.v1"

    version: Number
    person: Id
    comment: Working


# --- approval
class RenderPinned(MinutesEvent):
    """The exact bytes that are to be signed for a version (låst utskrift)."""

    TOPIC: ClassVar[str] = "render-pinned.v1"

    version: Number
    root: Digest
    render: Render
    file: Digest


class SigningBegun(MinutesEvent):
    """Somebody began to sign a version (signering påbörjad)."""

    TOPIC: ClassVar[str] = "signing-begun.v1"

    version: Number
    office: Code
    signing: Id
    person: Id


class SigningAbandoned(MinutesEvent):
    """A signing was given up or failed, and leaves nothing behind (signering avbruten)."""

    TOPIC: ClassVar[str] = "signing-abandoned.v1"

    signing: Id
    reason: Code


class MinutesApproved(MinutesEvent):
    """An office approved a version by signing it: the approval is the signature (godkänt, justerat).

    cms and certificate are digests of the detached signature and the signer's certificate; cms_file and file are the
    encrypted files (signature; the PDF with the signatures so far).
    """

    TOPIC: ClassVar[str] = "minutes-approved.v1"

    version: Number
    office: Code
    person: Id
    signing: Id
    method: Code
    level: Code
    root: Digest
    render_output: Digest
    cms: Digest
    certificate: Digest
    file: Digest
    cms_file: Digest
    findings: tuple[Finding, ...] = ()


class PaperApprovalRecorded(MinutesEvent):
    """An office signed a print of a version by hand; the scanned print is a document of the registry (på papper).

    scan is the document's encrypted file as it was then.
    """

    TOPIC: ClassVar[str] = "paper-approval-recorded.v1"

    version: Number
    office: Code
    person: Id
    document: Id
    scan: Digest
    root: Digest
    findings: tuple[Finding, ...] = ()


class ApprovalsVoided(MinutesEvent):
    """A new version made the approvals of an earlier one void (godkännanden som faller)."""

    TOPIC: ClassVar[str] = "approvals-voided.v1"

    version: Number
    offices: tuple[Code, ...]


class SignerReplaced(MinutesEvent):
    """Somebody else is to sign for an office, by a recorded decision (ersättare för hindrad)."""

    TOPIC: ClassVar[str] = "signer-replaced.v1"

    office: Code
    person: Id
    replaced: Id | None = None
    reason: Text


class DisagreementNoted(MinutesEvent):
    """Those who were to approve did not agree, and this is the way out that was taken (oenighet om anteckningarna)."""

    TOPIC: ClassVar[str] = "disagreement-noted.v1"

    exit: Literal["both-versions", "next-meeting", "finished-without-approval"]
    versions: tuple[Number, ...]
    meeting: Id | None = None
    reason: Text


class MinutesSealed(MinutesEvent):
    """The municipality sealed the approved version (stämplat).

    file is the digest of the encrypted file, pdf that of the sealed PDF itself. secret: they are those of secret items,
    and whoever is given the log need not have been given the file.
    """

    TOPIC: ClassVar[str] = "minutes-sealed.v1"

    version: Number
    file: Digest
    pdf: Digest
    size: Size
    certificate: Digest | None = None
    secret: bool = False


class MinutesRestamped(MinutesEvent):
    """The sealed file got one more archive time stamp at its end, which holds until that day (omstämplat).

    Everything before the addition is the file as it was; file, pdf and size are of the whole, as in MinutesSealed.
    """

    TOPIC: ClassVar[str] = "minutes-restamped.v1"

    version: Number
    file: Digest
    pdf: Digest
    size: Size
    until: date
    secret: bool = False


# --- afterwards
class MinutesSent(MinutesEvent):
    """The sealed minutes were sent; remaining are members not yet sent to (utskick, delges)."""

    TOPIC: ClassVar[str] = "minutes-sent.v1"

    sending: Number
    version: Number
    recipients: tuple[Recipient, ...]
    remaining: tuple[Id, ...] = ()
    source: SourcePart | None = None


class ReceiptRecorded(MinutesEvent):
    """A recipient confirmed that the minutes came (kvittens)."""

    TOPIC: ClassVar[str] = "receipt-recorded.v1"

    person: Id


class NotificationSent(MinutesEvent):
    """The minutes were reported to another body (anmälan)."""

    TOPIC: ClassVar[str] = "notification-sent.v1"

    notification: Number
    to_body: Id
    channel: Channel
    version: Number
    source: SourcePart | None = None


class NotificationNumbered(MinutesEvent):
    """The diary number that the notification got from the body it was sent to (anmälans diarienummer)."""

    TOPIC: ClassVar[str] = "notification-numbered.v1"

    notification: Number
    diarienummer: Diarienummer


class NotificationNoted(MinutesEvent):
    """Where the body took note of the notification: its paragraph and day (anmäld, paragraf)."""

    TOPIC: ClassVar[str] = "notification-noted.v1"

    notification: Number
    paragraph: PublicName
    meeting_day: date


class DecisionDispatched(MinutesEvent):
    """An item's decision, or the minutes whole, was sent to somebody it concerns (expediering).

    recipient is as written, perhaps a group; bodies are those of the register that it was that day.
    """

    TOPIC: ClassVar[str] = "decision-dispatched.v1"

    item: Number | None
    recipient: Text
    channel: Channel
    bodies: tuple[Id, ...] = ()


class WorkingPurged(MinutesEvent):
    """The working material of minutes that are done is to go: all versions but those kept (arbetsmaterial rensat).

    meeting: the meeting whose working texts go too, if these minutes cover the rest of it.
    """

    TOPIC: ClassVar[str] = "working-purged.v1"

    kept: tuple[Number, ...]
    meeting: Id | None = None
    source: SourcePart


EVENTS = (
    MinutesVersionMade
    | MinutesCirculated
    | MinutesReturned
    | RenderPinned
    | SigningBegun
    | SigningAbandoned
    | MinutesApproved
    | PaperApprovalRecorded
    | ApprovalsVoided
    | SignerReplaced
    | DisagreementNoted
    | MinutesSealed
    | MinutesRestamped
    | MinutesSent
    | ReceiptRecorded
    | NotificationSent
    | NotificationNumbered
    | NotificationNoted
    | DecisionDispatched
    | WorkingPurged
)
