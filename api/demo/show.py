"""`liggare demo`: make the registries, play their stories, and say where to look.

- The first is a council's year, signed and sealed; the others are what documents of theirs tell, entered afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from api.demo import entered, lerum
from api.demo.council import Story
from api.demo.stage import staged
from api.papers import kallelse_pdf, report_pdf
from api.reactions import Reactions
from api.wiring import Municipality, create_folder
from domain.body import Body
from domain.meeting import Meeting
from domain.minutes import Minutes
from domain.report import Report
from registry.clock import ZONE, SimulatedClock, SystemClock
from registry.files import write_synced


class Tale(Protocol):
    """One municipality's part of the demo: when its clock starts, and what is done while it is played."""

    @property
    def slug(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def starts(self) -> str: ...
    @property
    def doing(self) -> str: ...
    def play(self, story: Story) -> None: ...


YEAR: Tale = lerum.Year()
AFTERWARDS: Sequence[Tale] = tuple(map(entered.Entered, entered.NAMES))
TOKENS_LAST = timedelta(days=90)
ROLES = ("secretary", "chair", "justerare", "member", "registrar", "auditor", "archivist", "administrator")
HOLDERS = {"justerare": "police", "member": "rescue"}


def play(
    folder: Path, tell: Callable[[str], None], tales: Sequence[Tale] = (YEAR, *AFTERWARDS)
) -> dict[str, Any]:
    """Play every tale into folder, which is absent or empty; what the command prints."""
    folder.mkdir(parents=True, exist_ok=True)
    return {"municipalities": [_play(tale, folder.absolute(), tell) for tale in tales]}


def _play(tale: Tale, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    clock = SimulatedClock(datetime.fromisoformat(tale.starts).replace(tzinfo=ZONE))
    tell(f"{tale.name}: lägger upp registret")
    municipality = create_folder(
        folder / tale.slug,
        tale.slug,
        tale.name,
        folder / "keys" / f"{tale.slug}.key",
        clock=clock,
        simulated=True,
    )
    try:
        with staged(municipality, clock) as stage:
            told = Story(stage)
            tell(f"{tale.name}: {tale.doing}")
            tale.play(told)
            Reactions(municipality).run()
            municipality.checkpoints.sign(clock.now())
            municipality.projector.catch_up()
        return _shown(municipality, told, folder)
    finally:
        municipality.close()


def _shown(m: Municipality, told: Story, folder: Path) -> dict[str, Any]:
    bodies, meetings = list[dict[str, str]](), list[dict[str, str]]()
    sealed: dict[str, Path] = {}
    for name in sorted({fact.stream for fact in m.registry.facts()}):
        kind, _, id = name.partition("-")
        if kind == "body":
            bodies.append({"id": id, "name": str(m.registry.get(Body, id).name)})
        if kind == "minutes":
            minutes = m.registry.get(Minutes, id)
            if minutes.sealed and minutes.kind == "minutes" and not minutes.secret:
                sealed[minutes.meeting] = _paper(m, minutes, folder)
            elif minutes.sealed and minutes.kind == "correction":
                _paper(m, minutes, folder)
        if kind == "report":
            _report(m, id, folder)
        if kind == "meeting":
            meeting = m.registry.get(Meeting, id)
            meetings.append({"id": id, "body": meeting.body, "date": meeting.starts[:10]})
    meetings.sort(key=lambda one: one["date"])
    for one in meetings:
        _kallelser(m, one["id"], folder)
    shown = [
        {**one, "minutes_pdf": str(sealed[one["id"]]) if one["id"] in sealed else None} for one in meetings
    ]
    return {
        "name": m.name,
        "slug": m.slug,
        "dir": str(m.dir),
        "bodies": bodies,
        "meetings": shown,
        "trust_anchor": str(m.keys.trust_anchor),
        "database": m.database,
        "tokens": {role: _token(m, person) for role in ROLES if (person := _holder(m, told, role))},
    }


def _holder(m: Municipality, told: Story, role: str) -> str | None:
    """The person to look around as in a role; None where nobody is known to have it."""
    return m.settings.operator if role == "administrator" else told.people.get(HOLDERS.get(role, role))


def _token(m: Municipality, person: str) -> str:
    """A token to look around with, on today's clock: the story's own have run out with its year."""
    return m.vault.issue_token(person, "access", "exempel", SystemClock().now() + TOKENS_LAST)


def _paper(m: Municipality, minutes: Minutes, folder: Path) -> Path:
    """A sealed paper in the clear, for people to open."""
    assert minutes.sealed
    day = m.registry.get(Meeting, minutes.meeting).starts[:10]
    kind = "anteckningar" if minutes.kind == "minutes" else "rattelse"
    return _write(m, folder, f"{day}-{kind}.pdf", m.files.get(minutes.sealed.file))


def _report(m: Municipality, id: str, folder: Path) -> None:
    """A report as it was sent."""
    version = len(m.registry.get(Report, id).versions)
    _write(m, folder, "tjansteskrivelse.pdf", report_pdf(m, id, version, None))


def _kallelser(m: Municipality, meeting: str, folder: Path) -> None:
    """Every kallelse as it went out."""
    state = m.registry.get(Meeting, meeting)
    for issue in state.issues:
        number = f"-{issue.issue}" if issue.issue > 1 else ""
        pdf = kallelse_pdf(m, meeting, issue.issue, None, {})
        _write(m, folder, f"{state.starts[:10]}-kallelse{number}.pdf", pdf)


def _write(m: Municipality, folder: Path, name: str, pdf: bytes) -> Path:
    path = folder / "papers" / m.slug / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_synced(path, pdf)
    return path
