"""Approving minutes: the pinned render, the signatures, what happens when somebody cannot or will not sign, the seal."""

from typing import ClassVar, Literal

from domain.calling import CLERKS
from domain.meeting_events import Number
from domain.messages import Code, Command, Digest, Id, Prose, Role
from domain.minutes_events import Render, Size

SIGNERS = frozenset({Role.SECRETARY, Role.CHAIR, Role.JUSTERARE})
SYSTEM = frozenset({Role.SYSTEM})


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
    """Record that an office signed a print of a version by hand, with the scanned print (underskrift på papper)."""

    version: Number
    office: Code
    document: Id


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


COMMANDS = (
    PinRender,
    BeginSigning,
    AbandonSigning,
    ApproveMinutes,
    RecordPaperApproval,
    ReplaceSigner,
    NoteDisagreement,
    SealMinutes,
)
