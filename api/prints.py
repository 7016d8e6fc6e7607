"""The prints of minutes that are signed: rendered once, pinned in the log, and what has been signed on top.

- A version is rendered once. The event names what made the bytes, and the bytes themselves lie among the files.
- The next signature goes into the newest file of the version: the one last signed, or the pinned print with its empty
  fields. A file's address says which, so that nothing has to be made anew to be compared.
- The same print gives the same fields, byte for byte: what is prepared need not be kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from api.wiring import SYSTEM, Municipality
from domain.approving import PinRender
from domain.errors import NotFound
from domain.messages import Event, Fact, stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesApproved, MinutesVersionMade, Render
from projections.paper import sheets
from projections.paper.boxes import sheet_boxes
from projections.paper.minutes import minutes_sheet
from projections.paper.render import render
from registry.mapper import read_envelope
from registry.registry import StoredWorld
from signing import seal
from signing.commitments import version_root

E = TypeVar("E", bound=Event)
SEAL_FIELD, SEAL_LABEL = "Stampel", "Kommunens stämpel"


class _Done(Exception):
    """Somebody else has pinned the version meanwhile."""


@dataclass(frozen=True)
class Pinned:
    """A version's render as it is signed: where its bytes lie, its minutes root, its digest."""

    file: str
    root: str
    output: str


class Prints:
    """The prints of one registry's minutes."""

    def __init__(self, municipality: Municipality) -> None:
        self.m = municipality

    def pin(self, minutes: str, version: int) -> bool:
        """Render a version and record the exact bytes; False if that has been done."""
        if self._found(minutes, version):
            return False
        fact, root = self.version(minutes, version)
        rendered = render(self.sheet(fact, root))
        file = self.m.files.put(f"{stream(Minutes, minutes)}/render-{version}", "working", rendered.pdf)
        made = Render(
            typst=rendered.renderer["typst"],
            template=rendered.renderer["template"],
            font=rendered.renderer["fonts"],
            data=rendered.renderer["data"],
            output=rendered.renderer["output"],
        )

        def not_yet(world: StoredWorld) -> None:
            if any(pin.version == version for pin in world.get(Minutes, minutes).pins):
                raise _Done

        command = PinRender(minutes=minutes, version=version, root=root, render=made, file=file)
        try:
            self.m.execute_as(command, SYSTEM, check=not_yet)
        except _Done:
            self.m.files.path(file).unlink(missing_ok=True)  # no event names it
            return False
        return True

    def pinned(self, minutes: str, version: int) -> Pinned:
        """What was pinned for a version; raises NotFound."""
        if (found := self._found(minutes, version)) is None:
            raise NotFound("render", f"{minutes}/{version}")
        return found

    def newest(self, minutes: str, version: int) -> str:
        """The address of the file that the next signature goes on top of."""
        approved = self.last(minutes, MinutesApproved, version)
        return approved.file if approved else self.pinned(minutes, version).file

    def signed(self, minutes: str, version: int) -> bytes:
        """The PDF with the signatures made so far, and empty fields for the others."""
        approved = self.last(minutes, MinutesApproved, version)
        return self.m.files.get(approved.file) if approved else self.prepared(minutes, version)

    def prepared(self, minutes: str, version: int) -> bytes:
        """The pinned render with its empty signature fields."""
        fact, root = self.version(minutes, version)
        pdf = self.m.files.get(self.pinned(minutes, version).file)
        *boxes, stamp_box = sheet_boxes(self.sheet(fact, root))
        fields = self.m.registry.get(Minutes, minutes).signers
        specs = [
            seal.FieldSpec(field.field, field.label, box) for field, box in zip(fields, boxes, strict=True)
        ]
        return seal.prepare(pdf, [*specs, seal.FieldSpec(SEAL_FIELD, SEAL_LABEL, stamp_box, locks=True)])

    def sheet(self, fact: Fact, root: str) -> sheets.Minutes | sheets.Correction:
        """What a version's event puts on the paper."""
        world = self.m.registry.world(fact.position)
        return minutes_sheet(fact, world, self.m.name, example=self.m.settings.example, root=root)

    def last(self, minutes: str, kind: type[E], version: int) -> E | None:
        """The last event of a kind about a version."""
        found = None
        for fact in events(self.m, minutes, kind):
            assert isinstance(fact.event, kind)
            if getattr(fact.event, "version", None) == version:
                found = fact.event
        return found

    def _found(self, minutes: str, version: int) -> Pinned | None:
        pins = self.m.registry.get(Minutes, minutes).pins
        return next(
            (Pinned(pin.file, pin.root, pin.render.output) for pin in pins if pin.version == version), None
        )

    def version(self, minutes: str, version: int) -> tuple[Fact, str]:
        """The event that made a version, and the version's root."""
        for notification in self.m.registry.recorder.select_stream(stream(Minutes, minutes)):
            if notification.topic == MinutesVersionMade.TOPIC:
                envelope = read_envelope(notification)
                if envelope["data"]["version"] == version:
                    return self.m.registry.fact(notification), version_root(envelope)
        raise NotFound("version", f"{minutes}/{version}")


def events(municipality: Municipality, minutes: str, *kinds: type[Event]) -> list[Fact]:
    """The events of some kinds in the stream of minutes; no other is opened."""
    topics = {kind.TOPIC for kind in kinds}
    stored = municipality.registry.recorder.select_stream(stream(Minutes, minutes))
    return [municipality.registry.fact(one) for one in stored if one.topic in topics]
