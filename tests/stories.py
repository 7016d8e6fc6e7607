"""Logs to fold: a registry in a folder, a council's year told event by event, and any mixture of events at all.

- `registry(folder)` is a real one: SQLite, vault and files, with a clock that is moved by hand.
- `year(registry)` saves what a year of a council leaves behind, with its odd cases: a late entry, a dissent taken back,
  a version that voids an approval, short notice, an unknown time.
- `example(cls, rng)` makes an event of any class from its fields, with ids from small pools so that events hang
  together by chance; `mixture(registry, rng, n)` saves such events in any order. Projections must take them all.
"""

from __future__ import annotations

import random
import types
import typing
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import domain.meeting_events as m
import domain.minutes_events as n
from domain import body_events as b
from domain import document  # noqa: F401  # every topic is known once its module is read
from domain import matter as t
from domain import municipality as u
from domain import numbering as x
from domain import person as p
from domain.messages import TOPICS, Actor, Event, Finding, Known, Mandate, New, Part, Seal, SourcePart
from domain.regulation import parse as parse_profile
from domain.when import parse
from registry.clock import SimulatedClock
from registry.registry import Decision, Registry
from tests.given import ident
from tests.places import Place

START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
SLUG = "provkommun"
PROFILE = (files("domain") / "profiles" / "lerum.toml").read_text("utf-8").replace("\r\n", "\n")
RULES = parse_profile(PROFILE, "trygghetsradet")
SOURCE = SourcePart(document="KS23.276", section="2.3", fact="L15")


def registry(folder: Path, url: str | None = None) -> Registry:
    """A registry in a folder, or in a schema of a database, on a clock that stands until it is moved."""
    return Place(folder, url).registry(SLUG, SimulatedClock(START))


# --- the year
ANNA, BERTIL, CECILIA, DAVID = (ident(number) for number in (0xA1, 0xB1, 0xC1, 0xD1))
COUNCIL, BOARD = ident(0x10), ident(0x11)
SPRING, MINUTES, CORRECTION = ident(0x20), ident(0x30), ident(0x31)
CAMERAS = ident(0x40)
HEX = "ab" * 32


class Saved(NamedTuple):
    """Where some events of the year stand."""

    elected_in_march: int
    dissent: int
    retracted: int
    first_approval: int
    voided: int
    second_approval: int
    sealed: int
    last: int


def saver(reg: Registry, start: datetime = START) -> Any:
    """save(*events, happened=…, actor=…, after=days): the next save, after some days."""
    clock = reg.clock
    assert isinstance(clock, SimulatedClock)
    now = [start]

    def save(
        *events: Event, happened: str | None = None, actor: str = ANNA, body: str = "", after: int = 0
    ) -> int:
        now[0] += timedelta(days=after, minutes=1)
        clock.move_to(now[0])
        role = "system" if actor == "system" else "secretary"
        new = [New(stream_of(event), event) for event in events]
        decision = Decision(Actor(actor, Mandate(role, body), "token"), new, RULES.hash)
        return reg.save(decision, {}, happened=parse(happened) if happened else None).position

    return save


def year(reg: Registry) -> Saved:
    """A year of a council."""
    save = saver(reg)
    save(u.RegistryOpened(name="Provkommun", slug=SLUG, clock="simulated"), actor="system")
    for person, name in (
        (ANNA, "Anna Ek"),
        (BERTIL, "Bertil Alm"),
        (CECILIA, "Cecilia Rönn"),
        (DAVID, "David Asp"),
    ):
        save(p.PersonRegistered(person=person, name=Known(name), organisation="Kommunen"))
    save(
        b.BodyEstablished(body=BOARD, name="Kommunstyrelsen", kind="kommunstyrelse", parent=None),
        b.BodyEstablished(body=COUNCIL, name="Trygghetsrådet", kind="trygghetsrad", parent=BOARD),
        b.RegulationAdopted(
            body=COUNCIL, regulation=ident(0x12), diarienummer="KS23.276", adopted_by=BOARD,
            adopted_on=date(2023, 11, 10), valid_from=None, valid_to=None, content=dict(RULES.content),
            content_hash=RULES.hash, non_working_days=(date(2024, 5, 1),),
        ),
    )  # fmt: skip
    march = save(mandate(0x50, BERTIL, "ordforande", date(2024, 3, 1)))
    save(mandate(0x51, CECILIA, "ordforande", date(2024, 1, 1)), after=1)
    for number, person in ((0x52, BERTIL), (0x53, CECILIA), (0x54, DAVID)):
        save(mandate(number, person, "presidium", date(2024, 1, 1)))
    offer = ident(0x55)
    save(b.SeatOffered(body=COUNCIL, offer=offer, seat="polisen", organisation="Polisen", source=SOURCE))
    save(b.SeatAccepted(body=COUNCIL, offer=offer))
    save(
        x.ExternalNumberRecorded(number="KS23.276", matter=CAMERAS, given_by=Known("Diariet")),
        t.MatterOpened(
            matter=CAMERAS,
            body=BOARD,
            title=Known("Kameror vid skolan"),
            diarienummer="KS23.276",
            external=True,
        ),
    )
    save(
        m.MeetingScheduled(meeting=SPRING, body=COUNCIL, starts="2024-03-05T13:30", place=Known("Sal 1")),
        m.ItemAdded(
            meeting=SPRING,
            item=1,
            title=Known("Val av justerare"),
            standing="val-av-justerare",
            source=SOURCE,
        ),
        m.ItemAdded(meeting=SPRING, item=2, title=Known("Kameror"), matter=CAMERAS),
        after=20,
    )
    save(kallelse(), after=10)
    save(m.NoticeReasonGiven(meeting=SPRING, issue=1, reason=Known("Sekreteraren var sjuk")))
    save(m.HinderNotified(meeting=SPRING, person=DAVID, reason=Known("Sjukdom i familjen")))
    dissent = held(save)
    retracted = save(m.DissentRetracted(meeting=SPRING, item=2, dissent=2))
    first, voided, second = approved(save)
    sealed = save(n.MinutesSealed(minutes=MINUTES, version=2, file=HEX, pdf=HEX, size=12_345), actor="system")
    last = sent(save)
    return Saved(march, dissent, retracted, first, voided, second, sealed, last)


def mandate(number: int, person: str, seat: str, start: date) -> b.MandateGiven:
    return b.MandateGiven(
        body=COUNCIL, mandate=ident(number), person=person, seat=seat, capacity="member", valid_from=start,
        valid_to=None, substitutes_for=None,
    )  # fmt: skip


def kallelse() -> m.KallelseIssued:
    short = Finding(
        finding="notice-short",
        rule="notice",
        modality="utgangspunkt",
        expected="7 days",
        observed="5 days",
        source=SOURCE,
    )
    left_out = Finding(
        finding="member-not-called",
        rule="kallelse",
        modality="ska",
        expected="4",
        observed="3",
        source=SOURCE,
    )
    return m.KallelseIssued(
        meeting=SPRING,
        issue=1,
        agenda=(
            m.AgendaEntry(item=1, number="1", title=Known("Val av justerare")),
            m.AgendaEntry(item=2, number="2", title=Known("Kameror"), diarienummer="KS23.276"),
        ),
        recipients=(
            m.Recipient(person=BERTIL, channel="e-mail"),
            m.Recipient(person=CECILIA, channel="portal"),
        ),
        not_called=(DAVID,),
        sent_on=date(2024, 2, 29),
        meeting_day=date(2024, 3, 5),
        days=5,
        starts="2024-03-05T13:30",
        place=Known("Sal 1"),
        findings=(short, left_out),
        reason_wanted=True,
    )


def held(save: Any) -> int:
    """The meeting, entered afterwards; the position of the dissent that stands."""
    at = "2024-03-05T13:30"
    save(m.MeetingOpened(meeting=SPRING, chair=BERTIL), happened=at, after=27)
    save(m.PresenceRecorded(meeting=SPRING, person=BERTIL, capacity="member"), happened=at)
    save(m.PresenceRecorded(meeting=SPRING, person=CECILIA, capacity="member"), happened=at)
    save(m.DepartureRecorded(meeting=SPRING, person=CECILIA, after_item=1), happened="2024-03-05")
    save(m.JusterareElected(meeting=SPRING, person=CECILIA, item=1), happened=at)
    save(
        m.ItemTakenUp(meeting=SPRING, item=2),
        m.ProposalMade(meeting=SPRING, item=2, proposal=1, proposer=CECILIA, text=Known("Två kameror")),
        m.DecisionRecorded(
            meeting=SPRING, item=2, decision=1, points=(Known("Rådet förordar två kameror."),), adopts=1,
            dispatch=(Known("Tekniska nämnden"),),
        ),
        happened="2024-03-05",
    )  # fmt: skip
    dissent = save(
        m.DissentRecorded(
            meeting=SPRING, item=2, dissent=1, participant=CECILIA, view=Known("ÖVERVAKNING är fel väg 100 %")
        ),
        happened="okänt",
    )
    save(
        m.DissentRecorded(
            meeting=SPRING, item=2, dissent=2, participant=BERTIL, view=Known("Jag ångrar mig")
        ),
        m.MeetingClosed(meeting=SPRING),
        happened="2024-03-05T15:00",
    )
    return int(dissent)


def version(number: int) -> n.MinutesVersionMade:
    view = n.Statement(
        kind="dissent",
        item=2,
        ref_stream=f"meeting-{SPRING}",
        ref_version=9,
        fields={"view": Known("hemligt utkast")},
    )
    return n.MinutesVersionMade(
        minutes=MINUTES,
        version=number,
        base=number - 1 or None,
        meeting=SPRING,
        body=COUNCIL,
        covers=(1, 2),
        meeting_version=12,
        word="anteckningar",
        statements=(view,),
        texts={"0": Known("ett utkast som ska rensas")},
        signers=(
            n.SignerField(office="chair", field="Ordforande", label="Ordförande", person=BERTIL),
            n.SignerField(office="justerare", field="Justerare", label="Justerare", person=CECILIA),
        ),
        source=SOURCE,
    )


def pinned(number: int, minutes: str = MINUTES) -> n.RenderPinned:
    render = n.Render(typst="0.15.2", template=HEX, font=HEX, data=HEX, output=HEX)
    return n.RenderPinned(minutes=minutes, version=number, root=HEX, render=render, file=HEX)


def approval(number: int, office: str, person: str, minutes: str = MINUTES) -> n.MinutesApproved:
    return n.MinutesApproved(
        minutes=minutes, version=number, office=office, person=person, signing=ident(0x60 + number), method="local",
        level="own-ca", root=HEX, render_output=HEX, cms=HEX, certificate=HEX, file=HEX, cms_file=HEX,
    )  # fmt: skip


def approved(save: Any) -> tuple[int, int, int]:
    """Two versions, the first approved in vain."""
    save(m.MinutesBegun(meeting=SPRING, minutes=MINUTES, covers=(1, 2), rest=True), version(1), after=2)
    save(n.MinutesCirculated(minutes=MINUTES, version=1, recipients=(BERTIL, CECILIA)))
    save(pinned(1), actor="system")
    save(
        n.SigningBegun(minutes=MINUTES, version=1, office="chair", signing=ident(0x61), person=BERTIL),
        actor=BERTIL,
    )
    first = save(approval(1, "chair", BERTIL), actor="system")
    save(
        n.MinutesReturned(minutes=MINUTES, version=1, person=CECILIA, comment=Known("fel namn")),
        actor=CECILIA,
    )
    voided = save(version(2), n.ApprovalsVoided(minutes=MINUTES, version=1, offices=("chair",)))
    save(n.MinutesCirculated(minutes=MINUTES, version=2, recipients=(BERTIL, CECILIA)))
    save(pinned(2), actor="system")
    save(approval(2, "chair", BERTIL), actor="system")
    second = save(approval(2, "justerare", CECILIA), actor="system")
    return first, voided, second


def sent(save: Any) -> int:
    save(
        n.MinutesSent(
            minutes=MINUTES, sending=1, version=2, recipients=(m.Recipient(person=BERTIL, channel="post"),),
            remaining=(CECILIA, DAVID),
        )
    )  # fmt: skip
    save(n.ReceiptRecorded(minutes=MINUTES, person=BERTIL), actor=BERTIL)
    save(n.NotificationSent(minutes=MINUTES, notification=1, to_body=BOARD, channel="e-mail", version=2))
    save(n.NotificationNumbered(minutes=MINUTES, notification=1, diarienummer="KS24.77"))
    return int(
        save(
            n.NotificationNoted(
                minutes=MINUTES, notification=1, paragraph="§ 12", meeting_day=date(2024, 5, 14)
            ),
            after=60,
        )
    )


# --- any mixture
FINDINGS = (kallelse().findings[0],)
TEXTS = ("Åtgärder vid torget", "två\nrader", "100 % trygga_barn", "█", "Ærø")
POOL = 3


def stream_of(event: Event) -> str:
    """The stream that an event belongs to."""
    match event.STREAM:
        case "municipality" | "secrets" as kind:
            return f"{kind}-{u.REGISTRY}"
        case "series":
            return f"series-{ident(1)}-2024"
        case "paragraphs":
            return f"paragraphs-{ident(1)}-2024"
        case "external":
            return f"external-{ident(2)}"
        case kind:
            return f"{kind}-{getattr(event, kind)}"


def example(cls: type[Event], rng: random.Random) -> Event:
    """An event of a class, from the kinds of its fields."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return cls(**{name: _value(name, hints[name], rng) for name in cls.model_fields})


def _value(name: str, hint: Any, rng: random.Random) -> Any:
    if name in _FIXED:
        return _FIXED[name](rng)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        kinds = get_args(hint)
        if type(None) in kinds and rng.random() < 0.4:
            return None
        return _value(name, next(kind for kind in kinds if kind is not type(None)), rng)
    if origin is Annotated:
        inner, *marks = get_args(hint)
        if any(isinstance(mark, Seal) for mark in marks):
            return Known(rng.choice(TEXTS))
        if any("[01]" in str(getattr(mark, "metadata", "")) for mark in marks):
            return "13:30"
        if any("{32}" in str(getattr(mark, "metadata", "")) for mark in marks):
            return ident(rng.randrange(POOL)) * 2
        return _value(name, inner, rng)
    if origin is Literal:
        return rng.choice(get_args(hint))
    if origin is tuple:
        return tuple(_value(name, get_args(hint)[0], rng) for _ in range(rng.randrange(3)))
    if origin is dict:
        return {str(key): _value("text", get_args(hint)[1], rng) for key in range(rng.randrange(3))}
    if hint is bool:
        return rng.random() < 0.5
    if hint is int:
        return rng.randint(1, POOL)
    if hint is date:
        return date(2024, rng.randint(1, 12), 1)
    if isinstance(hint, type) and issubclass(hint, Part):
        inner_hints = typing.get_type_hints(hint, include_extras=True)
        return hint(**{field: _value(field, inner_hints[field], rng) for field in hint.model_fields})
    if isinstance(hint, type) and issubclass(hint, str) and hint is not str:
        return rng.choice(list(hint))  # type: ignore[call-overload]  # the words of an enumeration
    return _text(name, rng)


def _text(name: str, rng: random.Random) -> str:
    if name in (
        "root",
        "file",
        "pdf",
        "cms",
        "cms_file",
        "certificate",
        "render_output",
        "content_hash",
        "scan",
    ) or (name in ("template", "font", "data", "output", "old", "new")):
        return HEX
    if name in ("starts", "ends", "until", "time", "since"):
        return "2024-05-07T13:30"
    if name == "organisation":
        return "Polisen"
    if name == "number" or name == "diarienummer":
        return f"KS24.{rng.randint(1, POOL)}"
    if name in _WORDS:
        return _WORDS[name]
    return ident(rng.randint(1, POOL))  # an id: the same few for all, so that events hang together by chance


_WORDS = {
    "office": "chair", "seat": "polisen", "duty": "expertise", "capacity": "member", "finding": "notice-short",
    "rule": "notice", "modality": "ska", "method": "local", "level": "own-ca", "slug": SLUG, "kind": "trygghetsrad",
    "reason": "gave-up", "field": "Ordforande", "label": "Ordförande", "name": "Trygghetsrådet", "standing": "aktuellt",
    "media_type": "application/pdf", "secrecy": "OSL 21 kap. 1 §", "pattern": "KS{yy}.{n}", "word": "anteckningar",
    "verb": "noterar", "verbs": "godkänns",
    "paragraph": "§ 12", "offices": "chair", "typst": "0.15.2", "ref_stream": f"meeting-{ident(1)}",
    "decided_by": "Kommunstyrelsen", "function": "Säkerhetschefen",
    "document": "KS23.276", "section": "2.3", "fact": "L15", "expected": "7 days", "observed": "5 days",
}  # fmt: skip
_FIXED: dict[str, Any] = {
    "years": lambda _: (2017, 2018),
    "content": lambda _: dict(RULES.content),
    "content_hash": lambda _: RULES.hash,
    "findings": lambda rng: FINDINGS if rng.random() < 0.3 else (),
    "documents": lambda rng: (
        (m.Enclosure(title=Known("Bilaga"), document=ident(1)),) if rng.random() < 0.3 else ()
    ),
    "source": lambda _: SOURCE,
    "document": lambda _: ident(1),
    "agenda": lambda _: kallelse().agenda,
    "render": lambda _: pinned(1).render,
}
HAPPENED = (
    "2024-03-05T13:30",
    "2024-03-05",
    "mars 2024",
    "våren 2024",
    "före 2024-06-01",
    "efter 2024",
    "okänt",
    "2030",
)


def mixture(reg: Registry, rng: random.Random, size: int) -> int:
    """Save any events in any order, in saves of some events each; the last position."""
    kinds = [kind for _, kind in sorted(TOPICS.items())]
    save = saver(reg)
    last = 0
    left = rng.sample(kinds, len(kinds))  # each kind once, and then any
    while last < size:
        events = [example(left.pop() if left else rng.choice(kinds), rng) for _ in range(rng.randint(1, 6))]
        last = save(*events, happened=rng.choice(HAPPENED), actor=rng.choice((ANNA, ident(1), "system")))
    return last
