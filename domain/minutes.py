"""Minutes as their events add up: versions, who has approved which, the seal, and what came afterwards.

- An approval counts for the one version that it names, and the minutes are approved when every office has approved the
  newest version (L13: two persons, the same version). A new version makes earlier approvals void.
- An item is settled when the minutes that cover it are approved, or are finished without approval: from then on the
  meeting's record of it stands, and only a correction can put it right.
- A correction settles nothing: it stands beside the minutes that it corrects.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, assert_never

from domain import minutes_events as e
from domain.meeting_events import Channel
from domain.messages import Diarienummer, Fact, Sealed, State
from domain.when import Happened


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the minutes (version)."""

    version: int
    base: int | None
    covers: tuple[int, ...]
    rest: bool
    secret: bool
    meeting_version: int
    statements: tuple[e.Statement, ...]
    texts: dict[str, Sealed]
    corrections: tuple[e.Correction, ...]
    signers: tuple[e.SignerField, ...]
    word: str


@dataclass(frozen=True, slots=True)
class Pin:
    """The bytes that a version is signed as (låst utskrift)."""

    version: int
    root: str
    render: e.Render
    file: str


@dataclass(frozen=True, slots=True)
class Signing:
    """A signature under way (pågående signering)."""

    signing: str
    version: int
    office: str
    person: str


@dataclass(frozen=True, slots=True)
class Approval:
    """An office's approval of a version (godkännande)."""

    office: str
    person: str
    version: int
    method: str
    level: str


@dataclass(frozen=True, slots=True)
class Return:
    """A version sent back (återsändning)."""

    version: int
    person: str
    comment: Sealed


@dataclass(frozen=True, slots=True)
class Disagreement:
    """That those who were to approve did not agree (oenighet)."""

    exit: str
    versions: tuple[int, ...]
    meeting: str | None
    reason: Sealed


@dataclass(frozen=True, slots=True)
class SealedAs:
    """What the municipality sealed (stämplad version)."""

    version: int
    file: str
    pdf: str
    size: int


@dataclass(frozen=True, slots=True)
class Notified:
    """A notification to another body, and what became of it there (anmälan)."""

    notification: int
    to_body: str
    channel: Channel
    sent: Happened
    diarienummer: Diarienummer | None = None
    paragraph: str | None = None
    meeting_day: str | None = None


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A decision sent to somebody it concerns (expediering)."""

    item: int | None  # the minutes whole, if None
    recipient: Sealed
    channel: Channel
    bodies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Minutes(State):
    """The minutes of a meeting, or a correction of them (anteckningar, protokoll, rättelse)."""

    STREAM: ClassVar[str] = "minutes"

    version: int = 0
    minutes: str = ""
    meeting: str = ""
    body: str = ""
    kind: str = "minutes"
    corrects: str | None = None
    versions: tuple[Version, ...] = ()
    circulated: tuple[int, ...] = ()
    returned: tuple[Return, ...] = ()
    pins: tuple[Pin, ...] = ()
    signings: tuple[Signing, ...] = ()  # under way
    signing_ids: frozenset[str] = frozenset()  # ever used
    approvals: tuple[Approval, ...] = ()  # not voided
    replacements: tuple[tuple[str, str], ...] = ()  # office, person
    disagreement: Disagreement | None = None
    differing: tuple[int, ...] = ()  # versions ever noted as differing
    sealed: SealedAs | None = None
    sent: tuple[tuple[str, Channel], ...] = ()
    sendings: int = 0
    purged: bool = False
    receipts: tuple[str, ...] = ()
    notifications: tuple[Notified, ...] = ()
    dispatched: tuple[Dispatched, ...] = ()

    @property
    def exists(self) -> bool:
        return self.version > 0

    @property
    def newest(self) -> Version:
        return self.versions[-1]

    @property
    def covers(self) -> tuple[int, ...]:
        return self.newest.covers

    @property
    def secret(self) -> bool:
        """Whether these are the minutes of secret items, or a correction of such."""
        return self.newest.secret

    @property
    def pin(self) -> Pin | None:
        """The pinned render of the newest version."""
        return next((pin for pin in reversed(self.pins) if pin.version == self.newest.version), None)

    @property
    def signers(self) -> tuple[e.SignerField, ...]:
        """The places for signatures, with those who replace a hindered signer."""
        instead = dict(self.replacements)
        return tuple(
            signer.model_copy(update={"person": instead.get(signer.office, signer.person)})
            for signer in self.newest.signers
        )

    def signer(self, office: str) -> e.SignerField | None:
        return next((signer for signer in self.signers if signer.office == office), None)

    @property
    def approved_by(self) -> dict[str, Approval]:
        """The offices that have approved the newest version."""
        return {one.office: one for one in self.approvals if one.version == self.newest.version}

    @property
    def approved(self) -> bool:
        """Whether every office has approved the newest version."""
        offices = {signer.office for signer in self.newest.signers}
        return bool(offices) and offices == self.approved_by.keys()

    @property
    def finished(self) -> bool:
        """Whether the minutes were finished without approval."""
        return self.disagreement is not None and self.disagreement.exit == "finished-without-approval"

    @property
    def done(self) -> bool:
        """Whether the minutes may leave the council: sealed, or finished without approval."""
        return self.sealed is not None or self.finished

    @property
    def kept(self) -> tuple[int, ...]:
        """The versions that stay when minutes that are done are purged: the newest, and those noted as differing."""
        return tuple(sorted({self.newest.version, *self.differing}))

    @property
    def settled(self) -> bool:
        """Whether no further version can be made."""
        return self.approved or self.done

    @property
    def approved_items(self) -> tuple[int, ...]:
        """The items whose record in the meeting now stands."""
        return self.covers if self.exists and self.kind == "minutes" and self.settled else ()

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, e.EVENTS):
            return self
        return self._fold(event, fact)._with(version=fact.version)

    def _fold(self, event: e.EVENTS, fact: Fact) -> Self:
        match event:
            case e.MinutesVersionMade():
                return self._made(event)
            case e.MinutesCirculated():
                return self._with(circulated=(*self.circulated, event.version))
            case e.MinutesReturned():
                back = Return(event.version, event.person, event.comment)
                return self._with(returned=(*self.returned, back))
            case e.RenderPinned():
                pin = Pin(event.version, event.root, event.render, event.file)
                return self._with(pins=(*self.pins, pin))
            case e.SigningBegun():
                signing = Signing(event.signing, event.version, event.office, event.person)
                return self._with(
                    signings=(*self.signings, signing), signing_ids=self.signing_ids | {event.signing}
                )
            case e.SigningAbandoned():
                return self._with(
                    signings=tuple(one for one in self.signings if one.signing != event.signing)
                )
            case e.MinutesApproved():
                approval = Approval(event.office, event.person, event.version, event.method, event.level)
                return self._approve(approval)
            case e.PaperApprovalRecorded():
                return self._approve(Approval(event.office, event.person, event.version, "paper", "paper"))
            case e.ApprovalsVoided():
                return self._with(
                    approvals=tuple(one for one in self.approvals if one.version != event.version)
                )
            case e.SignerReplaced():
                instead = dict(self.replacements) | {event.office: event.person}
                return self._with(replacements=tuple(instead.items()))
            case e.DisagreementNoted():
                noted = Disagreement(event.exit, event.versions, event.meeting, event.reason)
                return self._with(disagreement=noted, differing=(*self.differing, *event.versions))
            case e.MinutesSealed():
                return self._with(sealed=SealedAs(event.version, event.file, event.pdf, event.size))
            case e.MinutesRestamped():
                return self._with(sealed=SealedAs(event.version, event.file, event.pdf, event.size))
            case e.MinutesSent():
                sent = tuple((one.person, one.channel) for one in event.recipients)
                return self._with(sent=(*self.sent, *sent), sendings=event.sending)
            case e.ReceiptRecorded():
                return self._with(receipts=(*self.receipts, event.person))
            case e.NotificationSent():
                notified = Notified(event.notification, event.to_body, event.channel, fact.happened)
                return self._with(notifications=(*self.notifications, notified))
            case e.NotificationNumbered():
                return self._notified(event.notification, diarienummer=event.diarienummer)
            case e.NotificationNoted():
                return self._notified(
                    event.notification, paragraph=event.paragraph, meeting_day=event.meeting_day.isoformat()
                )
            case e.WorkingPurged():
                return self._with(purged=True)
            case e.DecisionDispatched():
                dispatched = Dispatched(event.item, event.recipient, event.channel, event.bodies)
                return self._with(dispatched=(*self.dispatched, dispatched))
            case _:
                assert_never(event)

    def _made(self, event: e.MinutesVersionMade) -> Self:
        version = Version(
            version=event.version,
            base=event.base,
            covers=event.covers,
            rest=event.rest,
            secret=event.secret,
            meeting_version=event.meeting_version,
            statements=event.statements,
            texts=event.texts,
            corrections=event.corrections,
            signers=event.signers,
            word=event.word,
        )
        return self._with(
            minutes=event.minutes,
            meeting=event.meeting,
            body=event.body,
            kind=event.kind,
            corrects=event.corrects,
            versions=(*self.versions, version),
            signings=(),
        )

    def _approve(self, approval: Approval) -> Self:
        others = tuple(one for one in self.signings if one.office != approval.office)
        return self._with(approvals=(*self.approvals, approval), signings=others)

    def _notified(self, notification: int, **changes: Any) -> Self:
        return self._with(
            notifications=tuple(
                replace(one, **changes) if one.notification == notification else one
                for one in self.notifications
            )
        )
