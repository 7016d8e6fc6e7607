"""The views behind the audit: one row an event, what each can be found by, and every finding.

- audit: what the event was, when, by whom and for whom, and the words that can be read in it. Its leaf hash ties the
  row to the log, where its inclusion is proved.
- concern: one row for each person, body, matter, meeting, rule and finding that an event concerns.
- finding: what was observed against a rule, with the rule's modality, what was expected and what was seen, and its
  source: recorded beside what happened, never instead of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from projections.belonging import findings_of, value_of
from projections.concerns import Concerns, details
from projections.view import Assert, Record, View, listed, number, says, text


def _audit(record: Record) -> Iterator[Assert]:
    fact, about = record.fact, Concerns.of(record)
    words = " · ".join(about.words)
    yield says(
        str(record.position),
        kind=fact.event.TOPIC,
        stream=fact.stream,
        version=fact.version,
        event_hash=record.leaf.hex(),
        recorded_at=fact.recorded_at,
        happened=fact.happened.text,
        precision=fact.happened.precision,
        municipality=record.municipality,
        actor=fact.actor,
        role=fact.mandate.role,
        role_body=fact.mandate.body,
        assurance=record.assurance,
        rules=record.rules,
        body=about.body,
        meeting=about.meeting,
        matter=" ".join(about["matter"]) or None,
        rule=" ".join(about["rule"]) or None,
        finding=" ".join(about["finding"]) or None,
        details=details(fact.event),
        words=words,
        searched=words.casefold(),
    )


AUDIT = View(
    "audit",
    1,
    frozenset(),
    [
        text("kind"),
        text("stream"),
        number("version"),
        text("event_hash"),
        text("recorded_at"),
        text("happened"),
        text("precision"),
        text("municipality"),
        text("actor"),
        text("role"),
        text("role_body"),
        text("assurance"),
        text("rules"),
        text("body"),
        text("meeting"),
        text("matter"),
        text("rule"),
        text("finding"),
        listed("details"),
        text("words"),
        text("searched"),
    ],
    _audit,
    indexed=("kind",),
)


def _concern(record: Record) -> Iterator[Assert]:
    for dimension, value in Concerns.of(record).findable():
        yield says(f"{dimension}/{value}", dimension=dimension, value=value)


CONCERN = View("concern", 1, frozenset(), [text("dimension"), text("value")], _concern)


def _finding(record: Record) -> Iterator[Assert]:
    findings = findings_of(record.event)
    if not findings:
        return
    about = Concerns.of(record)
    for index, one in enumerate(findings):
        yield says(
            f"{record.position}/{index}",
            kind=record.event.TOPIC,
            finding=one.finding,
            rule=one.rule,
            modality=one.modality,
            expected=one.expected,
            observed=one.observed,
            source_document=one.source.document,
            source_section=one.source.section,
            fact=one.source.fact,
            body=about.body,
            meeting=about.meeting,
            minutes=value_of(record.event, "minutes"),
            matter=" ".join(about["matter"]) or None,
            persons=about["person"],
            rules=record.rules,
            event_hash=record.leaf.hex(),
        )


FINDING = View(
    "finding",
    1,
    frozenset(),
    [
        text("kind"),
        text("finding"),
        text("rule"),
        text("modality"),
        text("expected"),
        text("observed"),
        text("source_document"),
        text("source_section"),
        text("fact"),
        text("body"),
        text("meeting"),
        text("minutes"),
        text("matter"),
        listed("persons"),
        text("rules"),
        text("event_hash"),
    ],
    _finding,
    indexed=("finding", "rule", "meeting", "body"),
)

VIEWS = (AUDIT, CONCERN, FINDING)
