"""The auditor's review of a body's year: what was observed, by which criterion, where that stands (granskning).

- A row tells what can be seen in the log about one step of one meeting, with the positions it rests on. What it is
  worth is the auditor's to say: the assessment is empty.
- A finding is what was recorded against a rule when it happened, or a last day that has passed. Where no last day
  exists the days are told, and that is no finding (L14).
- What nobody has entered is not known, which is no finding either (Al9).
- Every meeting is read by the rules that applied on its day. Where the document says nothing the criterion is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from domain.body import Body
from domain.regulation import Rule, Rules
from projections.audit import to_csv
from projections.obligations import Obligation
from projections.owed import owed
from projections.reading import rows
from projections.sentences import WORDS
from projections.view import Row
from registry.registry import Registry

COLUMNS = (
    *"meeting day step observation finding criterion source_document source_section fact positions".split(),
    "assessment",
)
STEPS: Mapping[str, str] = {
    "notice": "Kallelsetid",
    "agenda": "Kallelse med ärendelista",
    "attendance": "Närvaro",
    "justerare": "Justerare",
    "dissents": "Avvikande synpunkter",
    "approval": "Godkännande av rätt personer",
    "sending": "Utskick",
    "notification": "Anmälan",
    "dispatch": "Expediering",
    "follow-up": "Uppföljning av beslut",
    "year": "Årets skyldigheter",
}
NOT_ENTERED = "Inget är infört."


@dataclass(frozen=True, slots=True)
class Line:
    """What was observed of one step, by which criterion; nobody has assessed it (granskningsrad)."""

    meeting: str | None
    day: str
    step: str
    observation: str
    rule: Rule | None
    finding: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()


def review(
    registry: Registry, engine: sa.Engine, body: str, year: int, day: date, known: int | None = None
) -> list[Line]:
    """The steps of every meeting of a body's year, and then what the year's rules asked for, as of a day."""
    state = registry.world(known).get(Body, body)
    true = day.isoformat()
    held = [
        one
        for one in rows(engine, "meeting", known, true, {"body": body})
        if (one["starts"] or "")[:4] == str(year) and one["status"] != "cancelled"
    ]
    held.sort(key=lambda one: one["starts"])
    views = _Views(engine, known, true, [one["meeting"] for one in held])
    found: list[Line] = []
    for one in held:
        rules = state.rules_at(date.fromisoformat(one["starts"][:10]))
        found += _Meeting(one, rules, views).lines()
    asked = owed(registry, engine, day, known, [body])
    return [*found, *(_asked(one) for one in asked if not one.after and _of_year(one, year))]


class _Views:
    """What the views say of some meetings, by meeting."""

    NAMES = (
        *"kallelse recipient attendance office dissent reservation minutes delivery decision finding".split(),
        "approval",
    )

    def __init__(self, engine: sa.Engine, known: int | None, true: str, meetings: list[str]) -> None:
        self._of: dict[tuple[str, str], list[Row]] = {}
        for view in self.NAMES if meetings else ():
            for row in rows(engine, view, known, true, {"meeting": meetings}):
                self._of.setdefault((view, row["meeting"]), []).append(row)
        if meetings:
            signers = rows(engine, "signer", known, true)
            self.signers = {(row["minutes"], row["office"]): row["person"] for row in signers}
            for row in rows(engine, "assignment", known, true, {"given_meeting": meetings}):
                self._of.setdefault(("assignment", row["given_meeting"]), []).append(row)

    def of(self, view: str, meeting: str) -> list[Row]:
        return self._of.get((view, meeting), [])


class _Meeting:
    """One meeting, step by step."""

    def __init__(self, meeting: Row, rules: Rules | None, views: _Views) -> None:
        self._id, self._day = meeting["meeting"], meeting["starts"][:10]
        self._rules, self._views = rules, views

    def lines(self) -> Iterator[Line]:
        yield from self._called()
        yield self._attended()
        yield self._chosen()
        yield self._dissented()
        yield self._approved()
        yield self._delivered("sending", "send-minutes", "person", "mottagare")
        yield self._delivered("notification", "notify", "to_body", "organ")
        yield self._delivered("dispatch", "dispatch", "recipient", "mottagare")
        yield self._followed()

    def _of(self, view: str) -> list[Row]:
        return self._views.of(view, self._id)

    def _says(self, step: str, rule: str, observation: str, seen: Iterable[Row], *found: str) -> Line:
        """A line; what was found against the rule is added."""
        findings = [one for one in self._of("finding") if one["rule"] in (rule, *found)]
        told = dict.fromkeys(one["finding"] for one in findings)
        positions = sorted({one["position"] for one in (*seen, *findings)})
        criterion = self._rules.get(rule) if self._rules else None
        return Line(self._id, self._day, step, observation, criterion, tuple(told), tuple(positions))

    def _called(self) -> Iterator[Line]:
        sent = self._of("kallelse")
        first = sent[0] if sent else None
        counted = first["days"] if first else None
        days = "" if counted is None else f", {_dagar(counted)} före mötesdagen"
        told = f"Sänd {first['sent_on']}{days}." if first else NOT_ENTERED
        if first and first["reason_wanted"]:
            told += " Skälet är angivet." if first["reason"] else " Skälet är inte angivet."
        yield self._says("notice", "notice", told, sent)
        to = {one["person"] for one in self._of("recipient")}
        agenda = f"{len(first['agenda'] or ())} ärenden till {len(to)} mottagare." if first else NOT_ENTERED
        yield self._says("agenda", "kallelse", agenda, sent, "standing-items")

    def _attended(self) -> Line:
        seen = self._of("attendance")
        present = sum(one["status"] in ("present", "left") for one in seen)
        absent = sum(one["status"] not in (None, "present", "left") for one in seen)
        told = f"{present} närvarande, {absent} frånvarande införda." if seen else NOT_ENTERED
        return self._says("attendance", "quorum", told, seen)

    def _chosen(self) -> Line:
        chosen = [one for one in self._of("office") if one["office"].startswith("justerare")]
        return self._says("justerare", "justerare", _number(chosen, "vald", "valda"), chosen)

    def _dissented(self) -> Line:
        seen = [*self._of("dissent"), *self._of("reservation")]
        return self._says("dissents", "dissent", _number(seen, "antecknad", "antecknade"), seen)

    def _approved(self) -> Line:
        minutes = [one for one in self._of("minutes") if not one["corrects"]]
        done = self._of("approval")
        of = {one["minutes"]: one["version"] for one in minutes}
        valid = [one for one in done if of.get(one["minutes"]) == one["version"]]
        asked = {key: who for key, who in self._views.signers.items() if key[0] in of}
        right = [one for one in valid if asked.get((one["minutes"], one["office"])) == one["person"]]
        if not minutes:
            told = NOT_ENTERED
        elif not asked:
            told = f"Ingen underskrift krävs; anteckningarna är {_word(minutes[-1]['status'])}."
        else:
            last = max((one["approved"][:10] for one in valid), default="–")
            told = f"{len(right)} av {len(asked)} har godkänt samma version; senast {last}."
        return self._says("approval", "signers", told, valid or minutes, "approval")

    def _delivered(self, duty: str, rule: str, whom: str, word: str) -> Line:
        sent = [one for one in self._of("delivery") if one["duty"] == duty]
        if not sent:
            return self._says(duty, rule, NOT_ENTERED, sent)
        to = len({one[whom] for one in sent})
        days_sent = sorted((one["sent"] or "okänt")[:10] for one in sent)
        first, last = days_sent[0], days_sent[-1]
        when = first if first == last else f"{first}–{last}"
        approved = max((one["approved"][:10] for one in self._of("approval")), default="")
        days = _days(approved, last)
        since = f", {_dagar(days)} efter godkännandet" if days is not None else ""
        return self._says(duty, rule, f"Till {to} {word}, {when}{since}.", sent)

    def _followed(self) -> Line:
        decisions, given = self._of("decision"), self._of("assignment")
        status: dict[str, int] = {}
        for one in given:
            status[_word(one["status"])] = status.get(_word(one["status"]), 0) + 1
        told = ", ".join(f"{number} {word}" for word, number in status.items())
        seen = f"{len(decisions)} beslut; {len(given)} uppdrag" + (f": {told}." if told else ".")
        return self._says("follow-up", "follow-up", seen, [*decisions, *given])


def _asked(one: Obligation) -> Line:
    """What a rule asked for in the year; only a last day that has passed is a finding."""
    state = WORDS.get(one.state, one.state)
    done = f"{len(one.positions)} av {one.times}" if one.times > 1 else ""
    told = ", ".join(part for part in (done, state) if part)
    finding = ("overdue",) if one.state == "overdue" else ()
    day = one.last.isoformat() if one.last else ""
    return Line(None, day, "year", f"{told[:1].upper()}{told[1:]}.", one.rule, finding, one.positions)


def _of_year(one: Obligation, year: int) -> bool:
    first, last = one.first or date.min, one.last or date.max
    return one.state != "not-applicable" and first <= date(year, 12, 31) and last >= date(year, 1, 1)


def _number(seen: Sequence[object], one: str, several: str) -> str:
    return f"{len(seen)} {one if len(seen) == 1 else several}." if seen else NOT_ENTERED


def _dagar(number: int) -> str:
    return f"{number} {'dag' if number == 1 else 'dagar'}"


def _word(status: str | None) -> str:
    return WORDS.get(status or "unknown", status or "okänt")


def _days(first: str, last: str) -> int | None:
    try:
        return (date.fromisoformat(last) - date.fromisoformat(first)).days
    except ValueError:
        return None


# --- how it is shown
def row(line: Line) -> dict[str, Any]:
    """A line as it is listed."""
    rule = line.rule
    source = rule.source if rule else None
    return {
        "meeting": line.meeting,
        "day": line.day,
        "step": line.step,
        "observation": line.observation,
        "finding": line.finding,
        "criterion": (rule.text or rule.id) if rule else "",
        "source_document": source.document if source else "",
        "source_section": source.section if source else "",
        "fact": source.fact if source else "",
        "positions": line.positions,
        "assessment": "",
    }


def as_csv(lines: Iterable[Line]) -> bytes:
    """The review as a spreadsheet reads it, with an empty column for the assessment."""

    def cells(line: Line) -> dict[str, Any]:
        told = row(line)
        joined = {name: " ".join(map(str, told[name])) for name in ("finding", "positions")}
        return told | joined | {"step": STEPS[line.step]}

    return to_csv(map(cells, lines), COLUMNS)
