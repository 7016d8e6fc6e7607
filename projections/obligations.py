"""What a rule asks of a body in a stretch of time, and how it stands on a day (skyldighet).

- It is worked out from the rules in force and what happened, and from nothing else: the same question gives the same
  answer. What fulfils it is told by position in the log.
- Overdue is only what had a last day that has passed. Where the document gives no last day the days are told, and it is
  never late (L14). A rule that says how it ought to be, or may be, does not bind: what it asks for stays due (X3).
- Unknown is no failing: what lies before the registry was begun may have happened without being entered (Al9), a rule
  "when needed" asks for nothing unless somebody needed it, part of a period is not the whole of it, and a band that the
  chair may go outside says nothing by itself (L10).
- A thing done at a time that is not fully known counts where all of that time lies in the period.
- A deviation that somebody has accepted is shown as accepted, with the event that says so; what was done is done.
- Of an after-rule each occasion is an obligation of its own, told by the position of what set it off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, Literal, NamedTuple, get_args

from domain.body import Regulation
from domain.instrument_events import Kind as InstrumentKind
from domain.messages import TOPICS
from domain.regulation import Rule
from domain.rule_work import Due, Within
from domain.when import parse

Standing = Literal["due", "done", "overdue", "accepted-deviation", "unknown", "not-applicable"]
SOFT: Final = frozenset({"bor", "utgangspunkt", "kan"})
MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
LETTER: Final[Mapping[str, str]] = {"quarter": "Q", "half-year": "H"}
INSTRUMENTS: Final = frozenset(get_args(InstrumentKind))
YEARS: Final = 2  # at least every second year (husregel 86)


class Occurrence(NamedTuple):
    """Something that happened, as the log has it; a bound that is not known is None (händelse)."""

    position: int
    topic: str  # without its version
    body: str
    stream: str
    meeting: str | None
    first: date | None
    last: date | None
    about: tuple[
        str, ...
    ] = ()  # the kind of an instrument, the duty that it counts for; who was sent a decision


@dataclass(frozen=True, slots=True)
class Obligation:
    """One rule, one stretch of time, and how it stands (skyldighet)."""

    id: str
    body: str
    rule: Rule
    regulation: str
    period: str
    first: date | None
    last: date | None
    state: Standing
    reason: str = ""
    times: int = 1
    positions: tuple[int, ...] = ()
    after: int | None = None
    done_on: date | None = None
    days: int | None = None
    accepted_by: str = ""

    @property
    def late(self) -> bool:
        """Whether it was done after its last day."""
        return bool(self.state == "done" and self.done_on and self.last and self.done_on > self.last)


class InForce(NamedTuple):
    """A regulation and the days on which it is the one that applies (gällande bestämmelser)."""

    regulation: Regulation
    first: date
    last: date | None


class Asked(NamedTuple):
    """As of which day, since when the registry tells what happens, and until when what is to come is told."""

    day: date
    since: date
    until: date


def in_force(regulations: Iterable[Regulation]) -> list[InForce]:
    """Each regulation with its days; one that a later one replaced applies again when that has ended.

    On a day it is the one that Body.regulation_at gives.
    """
    every = sorted(regulations, key=lambda each: (each.valid_from, each.version))
    ended = (one.valid_to + timedelta(days=1) for one in every if one.valid_to)
    turns = sorted({*(one.valid_from for one in every), *ended})
    found: list[InForce] = []
    for first, following in pairwise([*turns, None]):
        assert first is not None, "only what follows the last turn is"
        last = following - timedelta(days=1) if following else None
        one = next((one for one in reversed(every) if one.applies(first)), None)
        if found and found[-1].regulation is one:
            found[-1] = found[-1]._replace(last=last)
        elif one:
            found.append(InForce(one, first, last))
    return found


def obligations_of(
    body: str,
    regulations: Iterable[Regulation],
    happened: Mapping[str, Sequence[Occurrence]],
    asked: Asked,
    others: Mapping[str, frozenset[str]],
) -> Iterator[Obligation]:
    """Everything that a body's rules ask of it; others: bodies by the code that rules call them by."""
    for standing in in_force(regulations):
        for rule in standing.regulation.rules:
            first = max(standing.first, rule.valid_from or date.min)
            last = _earliest(standing.last, rule.valid_to)
            if first > asked.until or (last is not None and last < first):
                continue
            span = _Span(body, standing.regulation, rule, first, last, asked)
            if rule.modality == "galler-inte":
                yield span.says("", first, last, "not-applicable")
            elif (due := rule.due) is not None:
                yield from span.due(due, happened, others)


class _Span(NamedTuple):
    """A rule of a body in the days on which it applies."""

    body: str
    regulation: Regulation
    rule: Rule
    first: date
    last: date | None
    asked: Asked

    def says(
        self, period: str, first: date | None, last: date | None, state: Standing, reason: str = ""
    ) -> Obligation:
        id = "/".join(one for one in (self.body, self.rule.id, period) if one)
        return Obligation(
            id, self.body, self.rule, self.regulation.regulation, period, first, last, state, reason
        )

    def due(
        self,
        due: Due,
        happened: Mapping[str, Sequence[Occurrence]],
        others: Mapping[str, frozenset[str]],
    ) -> Iterator[Obligation]:
        topics = [topic for topic in due.fulfilled_by if _can_happen(topic, happened)]
        bodies = {self.body}.union(*(others.get(code, frozenset()) for code in due.together_with))
        done = [
            one
            for topic in topics
            for one in happened.get(topic, ())
            if one.body in bodies and self._about(one) and self._so(one)
        ]
        done.sort(key=lambda one: (one.last or date.max, one.position))
        if not topics:
            yield self.says("", self.first, due.by or self.last, "unknown", "not-recorded-here")
        elif due.after:
            yield from self._after(due, happened, done)
        elif due.by or due.written:
            yield self._once(due, done)
        elif due.every == "two-years":
            yield from self._rolling(done)
        elif due.every == "term-of-office" and (terms := self._terms()):
            for first, last in terms:
                whole = self.first <= first and (self.last is None or self.last >= last)
                yield self._counted(f"term-{first.year}", first, last, due.times, done, "", whole=whole)
        elif due.every == "term-of-office":
            yield self._counted("term", self.first, self.last or date.max, 1, done, "unknown", whole=False)
        else:
            yield from self._every(due, done)

    def _about(self, one: Occurrence) -> bool:
        """Whether it is about what the rule is about: of instruments the kind, or the duty it counts for."""
        what = self.rule.value.get("what") if self.rule.kind == "activity" else None
        if not one.about:
            return True
        return self.rule.id in one.about or what in one.about or what not in INSTRUMENTS

    def _so(self, one: Occurrence) -> bool:
        return one.first is None or one.first <= self.asked.day

    # --- every period
    def _every(self, due: Due, done: Sequence[Occurrence]) -> Iterator[Obligation]:
        assert due.every is not None
        until = _earliest(self.last, self.asked.until) or self.asked.until
        for name, first, last in _periods(due.every, self.first, until):
            whole = self.first <= first and (self.last is None or self.last >= last)
            begins, ends = first, last
            if due.months:
                begins, ends = date(first.year, min(due.months), 1), _month_ends(last.year, max(due.months))
            yield self._counted(name, begins, ends, due.times, done, "", whole=whole)

    def _terms(self) -> list[tuple[date, date]]:
        """The first and last day of each term of office that begins by a day; none if it is not said when one did."""
        term = self.regulation.rules.term()
        if term is None or term.begun is None:
            return []
        until, first = _earliest(self.last, self.asked.until) or self.asked.until, term.begun
        while first > self.first:
            first = _years_after(first, -term.years)
        found = []
        while first <= until:
            following = _years_after(first, term.years)
            if following > self.first:
                found.append((first, following - timedelta(days=1)))
            first = following
        return found

    def _counted(
        self,
        name: str,
        first: date,
        last: date,
        times: int,
        done: Sequence[Occurrence],
        open_reason: str,
        *,
        whole: bool,
    ) -> Obligation:
        end = last if name.startswith("term") else _period_end(name)
        surely = [one for one in done if one.first and one.last and first <= one.first and one.last <= end]
        perhaps = [
            one
            for one in done
            if one not in surely and (one.first or first) <= end and (one.last or end) >= first
        ]
        said = self.says(name, first, None if name == "term" else last, "due")
        told = replace(said, times=times, positions=tuple(one.position for one in surely))
        if len(surely) >= times:
            return replace(told, state="done", done_on=surely[times - 1].last)
        if len(surely) + len(perhaps) >= times:
            positions = tuple(sorted(one.position for one in (*surely, *perhaps)))
            return replace(told, state="unknown", reason="time-not-known", positions=positions)
        if open_reason:
            return replace(told, state="unknown", reason="period-not-counted")
        return self._open(told, whole=whole)

    # --- at least every second year
    def _rolling(self, done: Sequence[Occurrence]) -> Iterator[Obligation]:
        dated = [one for one in done if one.last is not None]
        if not dated:
            reason = "time-not-known" if done else "nothing-entered"
            said = self.says("first", self.first, None, "unknown", reason)
            yield replace(said, positions=tuple(one.position for one in done))
            return
        for one, following in zip(dated, [*dated[1:], None], strict=True):
            assert one.last is not None
            since = min(one.last, self.asked.day)
            said = self.says(since.isoformat(), since, _years_after(since, YEARS), "due")
            if following is None:
                yield self._open(replace(said, after=one.position), whole=True)
            else:
                yield replace(
                    said,
                    state="done",
                    after=one.position,
                    positions=(following.position,),
                    done_on=following.last,
                )

    # --- once
    def _once(self, due: Due, done: Sequence[Occurrence]) -> Obligation:
        first, last = self.first, due.by
        if due.written is not None:
            read = parse(due.written)
            first = date.fromisoformat(read.earliest[:10]) if read.earliest else self.first
            last = _last_day(read.latest)
        said = self.says("once", first, last, "due")
        counts = [one for one in done if one.last is None or one.last >= self.first]
        if counts and self._several(due):
            positions = tuple(one.position for one in counts)
            return replace(said, state="unknown", reason="which-of-several", positions=positions)
        if counts:
            return replace(said, state="done", positions=(counts[0].position,), done_on=counts[0].last)
        return self._open(said, whole=True)

    def _several(self, due: Due) -> bool:
        """Whether several rules of the regulation are fulfilled once by the same kind of event."""
        once = [
            (other.value.get("what"), other.due.fulfilled_by)
            for other in self.regulation.rules
            if other.kind == "activity" and other.due and (other.due.by or other.due.written)
        ]
        what = self.rule.value.get("what") if self.rule.kind == "activity" else None
        return once.count((what, due.fulfilled_by)) > 1

    # --- after something
    def _after(
        self, due: Due, happened: Mapping[str, Sequence[Occurrence]], done: Sequence[Occurrence]
    ) -> Iterator[Obligation]:
        known = [topic for topic in due.after if _can_happen(topic, happened)]
        if not known:
            yield self.says("", self.first, self.last, "unknown", "occasion-not-recorded-here")
            return
        occasions = [
            one
            for topic in known
            for one in happened.get(topic, ())
            if one.body == self.body and self._so(one) and self._falls_in(one)
        ]
        linked: dict[str, list[Occurrence]] = {}
        loose: list[Occurrence] = []
        for one in done:
            for key in {one.stream, one.meeting} - {None, ""}:
                linked.setdefault(str(key), []).append(one)
            if not one.meeting:
                loose.append(one)
        for occasion in occasions:
            found = linked.get(occasion.stream) or linked.get(occasion.meeting or "") or loose
            yield self._one_after(occasion, due.within, [one for one in found if _not_before(one, occasion)])

    def _falls_in(self, one: Occurrence) -> bool:
        day = one.last or one.first or self.first
        return self.first <= day and (self.last is None or day <= self.last)

    def _one_after(self, occasion: Occurrence, within: Within | None, done: list[Occurrence]) -> Obligation:
        since, at = occasion.last, str(occasion.position)
        last = self._within(since, within) if since and within else None
        wanted = len(self.rule.value["to"]) if self.rule.kind == "dispatch" else 1
        if done and wanted > len(
            {one.about for one in done}
        ):  # of several that it names, not all for certain
            said = replace(
                self.says(at, since, last, "unknown", "not-all-recipients"), after=occasion.position
            )
            return replace(said, times=wanted, positions=tuple(one.position for one in done))
        if done:
            first = done[0]
            days = (first.last - since).days if first.last and since else None
            return Obligation(
                id=f"{self.body}/{self.rule.id}/{at}", body=self.body, rule=self.rule,
                regulation=self.regulation.regulation, period=at, first=since, last=last, state="done",
                positions=(first.position,), after=occasion.position, done_on=first.last, days=days,
            )  # fmt: skip
        said = replace(self.says(at, since, last, "due"), after=occasion.position)
        if within and since is None:
            return replace(said, state="unknown", reason="time-not-known")
        return self._open(said, whole=True)

    def _within(self, since: date, within: Within) -> date:
        day, left = since, within.length
        while left:
            day += timedelta(days=1)
            free = day.weekday() >= 5 or day in self.regulation.non_working_days
            left -= 0 if within.unit == "working-days" and free else 1
        return day

    # --- what is not done
    def _open(self, said: Obligation, *, whole: bool) -> Obligation:
        day, first, last = self.asked.day, said.first, said.last
        days = (day - first).days if first is not None and first <= day else None
        said = replace(said, days=days)
        if last is not None and day <= last:
            return said
        if (first or date.min) < self.asked.since:
            return replace(said, state="unknown", reason="before-registry")
        if self.rule.condition:
            return replace(said, state="unknown", reason="condition")
        if last is None:
            return replace(said, reason="no-deadline")
        if not whole:
            return replace(said, state="unknown", reason="part-of-period")
        if isinstance(self.rule.value, Mapping) and self.rule.value.get("otherwise"):
            return replace(said, state="unknown", reason="may-be-otherwise")
        if self.rule.modality in SOFT:
            return replace(said, reason="does-not-bind")
        return replace(said, state="overdue", days=(day - last).days)


def _can_happen(topic: str, happened: Mapping[str, Sequence[Occurrence]]) -> bool:
    """Whether it is an event here, or an occasion that somebody enters."""
    return f"{topic}.v1" in TOPICS or bool(happened.get(topic))


def _not_before(one: Occurrence, occasion: Occurrence) -> bool:
    """Whether it may have come after what set it off."""
    if one.last is None or occasion.first is None:
        return one.position > occasion.position
    return one.last >= occasion.first


def _periods(every: str, first: date, until: date) -> Iterator[tuple[str, date, date]]:
    """Each period that begins by a day, from the one that the first day lies in."""
    months = MONTHS[every]
    year, number = first.year, (first.month - 1) // months
    while (start := date(year, number * months + 1, 1)) <= until:
        part = f"-{number + 1:02d}" if months == 1 else f"-{LETTER.get(every)}{number + 1}"
        name = str(year) if months == 12 else f"{year}{part}"
        yield name, start, _month_ends(year, number * months + months)
        year, number = divmod(year * (12 // months) + number + 1, 12 // months)


def _period_end(name: str) -> date:
    """The last day of a period by its name."""
    year, _, part = name.partition("-")
    if not part:
        return date(int(year), 12, 31)
    months = {"Q": 3, "H": 6}.get(part[0], 1)
    return _month_ends(int(year), int(part.lstrip("QH")) * months)


def _month_ends(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _years_after(day: date, years: int) -> date:
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + years, day=28 if leap else day.day)


def _last_day(latest: str | None) -> date | None:
    """The last day of a written time; before a day means no later than the day before it."""
    if latest is None:
        return None
    day = date.fromisoformat(latest[:10])
    return day - timedelta(days=1) if latest.endswith("T00:00") else day


def _earliest(*days: date | None) -> date | None:
    return min((one for one in days if one is not None), default=None)
