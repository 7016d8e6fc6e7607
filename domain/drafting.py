"""Writing minutes: versions, circulation, comments, corrections."""

from typing import Annotated, ClassVar

from pydantic import Field

from domain.calling import CLERKS
from domain.meeting_events import Number
from domain.messages import Command, Id, Part, Prose, Role, fresh_id

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


COMMANDS = (DraftMinutes, EditMinutes, RedraftMinutes, CirculateMinutes, ReturnMinutes, CorrectMinutes)
