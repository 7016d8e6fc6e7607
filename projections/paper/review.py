"""From the lines of a review to what stands on the paper (granskning).

- One table a meeting, and one for what the year's rules asked for. The column for the assessment is left empty: it is
  filled in by whoever reviews.
- The paper says as of which day and which position it was made, so that it can be made again. Its code is taken from
  the last event it takes in.
- Where no source is given, the document says nothing, and the criterion is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby

from projections.paper import sheets
from projections.paper.words import day_in_words, recorded
from projections.review import STEPS, Line

EXPLANATION = (
    "Granskningen är gjord av registrets händelser. Där ingen sista dag finns anges dagar, och det är ingen brist. "
    "Det som inte är infört är inte känt. Bedömningen görs av den som granskar."
)
FINDINGS = {"overdue": "Försenat."}


def review_sheet(
    lines: Iterable[Line],
    *,
    municipality: str,
    body: str,
    year: int,
    day: date,
    position: int,
    recorded_at: str,
    code: str,
    example: bool,
    findings: Mapping[str, str] = {},
) -> sheets.Review:
    """The sheet of a review; recorded_at and code are those of the event at the position.

    findings: the sentence of each finding, by its code.
    """
    facts = (
        ("Organ", body),
        ("År", str(year)),
        ("Per den dag", day_in_words(day.isoformat())),
        ("Känt till och med händelse", str(position)),
    )
    parts = tuple(
        sheets.ReviewPart(
            title=f"Sammanträdet {day_in_words(several[0].day)}" if meeting else "Årets skyldigheter",
            rows=tuple(_row(one, findings) for one in several),
        )
        for meeting, several in (
            (key, list(group)) for key, group in groupby(lines, key=lambda one: one.meeting)
        )
    )
    return sheets.Review(
        head=sheets.Head(
            letterhead=sheets.Letterhead(municipality=municipality, example=example),
            body=body,
            kind="Granskning",
            date=str(year),
            diarienummer="",
            short_code=code,
            recorded_at=recorded(recorded_at),
        ),
        facts=tuple(sheets.Fact(label=label, value=value) for label, value in facts),
        explanation=EXPLANATION,
        parts=parts,
    )


def _row(line: Line, findings: Mapping[str, str]) -> sheets.ReviewRow:
    rule = line.rule
    fact = f" ({rule.source.fact})" if rule and rule.source.fact else ""
    found = " ".join(findings.get(one) or FINDINGS.get(one, one) for one in line.finding)
    return sheets.ReviewRow(
        step=STEPS[line.step] if line.meeting else line.day or "Utan sista dag",
        observation=line.observation,
        finding=f"Iakttaget: {found}" if found else "",
        criterion=(rule.text or rule.id) if rule else "–",
        source=f"{rule.source}{fact}" if rule else "",
        positions=", ".join(map(str, line.positions)) or "–",
    )
