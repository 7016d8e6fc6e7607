"""What came out of a verification, step by step, and how it is told: as plain JSON, as lines, and as a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from signing.page import STYLE, html, lines, shown
from signing.report import SHOWN, STEPS, Report, Said
from tests.signing_kit import stranger


def told(report: Report) -> dict[str, tuple[bool | None, str]]:
    """What is said of each step."""
    return {one["step"]: (one["ok"], one["detail"]) for one in report.checks()}


NOT_RUN = (None, "not run: nothing here to check")


def test_a_step_holds_fails_or_was_not_run() -> None:
    report = Report()
    assert told(report) == dict.fromkeys(STEPS, NOT_RUN)
    report.skip("columns", "no-columns")
    report.skip("digest", "tile-missing", tile="z")
    report.ok("tree", "tile-missing", tile="a")
    report.add("tree", "tile-missing", tile="b")
    report.add("tree", "tile-missing", tile="c")
    report.ok("leaves", "leaves-ok", count=1)
    for number in range(SHOWN + 2):
        report.fail("leaves", "tile-missing", tile=number)
    for number in range(SHOWN):
        report.fail("cms", "tile-missing", tile=number)
    found = told(report)
    assert found["columns"][0] is None and found["columns"][1].startswith("not run: ")
    a, b, c = (f"the published tile {name} is missing or has another length than it should" for name in "abc")
    assert found["digest"] == (None, f"not run: {a.replace(' a ', ' z ', 1)}")
    assert found["tree"] == (True, f"{a}; {b}; {c}"), "a remark is told after what holds"
    named = [a.replace(" a ", f" {number} ", 1) for number in range(SHOWN)]
    assert found["leaves"] == (False, "; ".join([*named, "and 2 more"])), "one failure outweighs what holds"
    assert found["cms"] == (False, "; ".join(named)), "no more than are named"
    assert (report.failed("cms"), report.failed("tree"), report.failed("tree", "cms")) == (True, False, True)
    assert not report.failed() and not report.failed("digest")


def test_the_step_of_copies_is_told_of_copies_only() -> None:
    assert list(told(Report())) == list(STEPS)
    for tell in (Report.ok, Report.fail):
        report = Report()
        tell(report, "disclosures", "tile-missing", tile="x")
        assert list(told(report)) == [*STEPS, "disclosures"]


@pytest.mark.parametrize(
    ("passed", "failed", "trusted", "outcome"),
    [
        (False, False, True, (False, False)),
        (True, False, False, (True, False)),
        (True, False, True, (True, True)),
        (True, True, True, (False, False)),
        (False, True, True, (False, False)),
    ],
)
def test_the_whole_holds_if_something_was_run_and_nothing_failed(
    passed: bool, failed: bool, trusted: bool, outcome: tuple[bool, bool]
) -> None:
    report = Report(trusted=trusted, clock="simulated", events=7, unprotected=[("f", 3, 4)])
    if passed:
        report.ok("tree", "tile-missing", tile="x")
    if failed:
        report.fail("cms", "tile-missing", tile="x")
    result = report.result()
    assert result == {
        "ok": outcome[0],
        "trusted": outcome[1],
        "anchor": None,
        "clock": "simulated",
        "events": 7,
        "checks": report.checks(),
        "unprotected": [{"file": "f", "offset": 3, "length": 4}],
    }
    assert report.result(lambda code, _: code)["checks"][0]["detail"] == "not-run"


def test_what_another_report_says_stands_beside_what_this_one_says() -> None:
    report, other = Report(), Report()
    for one, tile in ((report, "a"), (other, "b")):
        one.fail("tree", "tile-missing", tile=tile)
        one.ok("cms", "tile-missing", tile=tile)
        one.add("cms", "tile-missing", tile=tile)
        one.skip("pades", "tile-missing", tile=tile)
    report.ok("leaves", "tile-missing", tile="a")
    report.skip("columns", "tile-missing", tile="a")
    report.take(other)

    def tiles(said: Iterable[Said]) -> list[object]:
        return [one.values["tile"] for one in said]

    assert (tiles(report.failures["tree"]), tiles(report.remarks["cms"])) == (["a", "b"], ["a", "b"])
    assert {step: one.values["tile"] for step, one in report.passed.items()} == {"cms": "b", "leaves": "a"}
    assert {step: one.values["tile"] for step, one in report.skipped.items()} == {
        "pades": "b",
        "columns": "a",
    }


def test_the_authority_is_shown_where_the_whole_holds() -> None:
    report = Report(anchor=stranger().ca.certificate)
    assert report.result()["anchor"] is None
    report.ok("tree", "tile-missing", tile="x")
    fingerprint = stranger().ca.certificate.fingerprint(SHA256()).hex()
    assert report.result()["anchor"] == {
        "subject": stranger().ca.certificate.subject.rfc4514_string(),
        "sha256": fingerprint,
    }
    report.fail("cms", "tile-missing", tile="x")
    assert report.result()["anchor"] is None


def result(**changes: Any) -> dict[str, Any]:
    return {
        "ok": False,
        "trusted": True,
        "anchor": {"subject": "CN=Exempelkommun \x1b", "sha256": "ab" * 32},
        "clock": "simulated",
        "events": 2,
        "checks": [
            {"step": "tree", "ok": True, "detail": "<tree>"},
            {"step": "leaves", "ok": False, "detail": "broken & bent"},
            {"step": "cms", "ok": None, "detail": "not run: alone"},
            {"step": "pades", "ok": False, "detail": "torn"},
            {"step": "digest", "ok": None, "detail": "not run: alone"},
            {"step": "rerender", "ok": None, "detail": "not run: else"},
        ],
        "unprotected": [
            {"file": "a<b", "offset": 1, "length": 2},
            {"file": "a<b", "offset": 5, "length": 3},
            {"file": "c", "offset": 0, "length": 4},
        ],
    } | changes


def test_a_result_as_lines() -> None:
    assert list(lines(result(), "en")) == [
        " 1 holds        the events form a tree without gaps",
        "                <tree>",
        " 2 DOES NOT     each event's hash is right",
        "                broken & bent",
        " 4 DOES NOT     signatures and seal in PDFs hold",
        "                torn",
        "",
        "Not run: alone",
        "   3 the detached signatures hold",
        "   5 the views are what the events give",
        "",
        "Not run: else",
        "   6 rendered again, the paper is the same",
        "",
        "Unprotected bytes: 9 (in 2 files, which prove nothing; --json lists them)",
        "The clock is simulated: this is an example.",
        "Something does not hold: see 2, 4.",
        "Held to the certificate that was given.",
        f"It stands under CN=Exempelkommun \\x1b (SHA-256 of the certificate: {'ab' * 32}).",
    ]
    sound = result(
        ok=True, trusted=False, anchor=None, clock=None, checks=result()["checks"][:1], unprotected=[]
    )
    assert list(lines(sound, "sv"))[2:5] == ["", "Oskyddade byte: 0", "Allt som prövats stämmer."]
    assert list(lines(sound, "sv"))[5].startswith("Resultatet vilar inte på ett certifikat som angavs")
    nothing = sound | {"ok": False, "checks": result()["checks"][2:3]}
    assert list(lines(nothing, "sv"))[-1] == "Inget kunde prövas."
    torn = sound | {"ok": False, "checks": result()["checks"][1:2]}
    assert list(lines(torn, "sv"))[-1] == "Något stämmer inte: se punkt 1.", "and not that none was given"


PAGE = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Verification of &lt;i&gt;&amp;</title><style>{STYLE}</style></head>
<body>
<main>
<h1>Verification of &lt;i&gt;&amp;</h1>
<p>The clock is simulated: this is an example.</p>
<p>Something does not hold: see 2, 4.</p>
<p>Held to the certificate that was given.</p>
<p>It stands under CN=Exempelkommun \\x1b (SHA-256 of the certificate: {"ab" * 32}).</p>
<p>Checked today, offline, and nothing was changed.</p>
<table>
<thead><tr><th scope="col">No.</th><th scope="col">Outcome</th><th scope="col">What the step shows</th>\
<th scope="col">What was found</th></tr></thead>
<tbody>
<tr><td>1</td><td>holds</td><td>the events form a tree without gaps</td><td>&lt;tree&gt;</td></tr>
<tr><td>2</td><td>DOES NOT</td><td>each event's hash is right</td><td>broken &amp; bent</td></tr>
<tr><td>3</td><td>not run</td><td>the detached signatures hold</td><td>not run: alone</td></tr>
<tr><td>4</td><td>DOES NOT</td><td>signatures and seal in PDFs hold</td><td>torn</td></tr>
<tr><td>5</td><td>not run</td><td>the views are what the events give</td><td>not run: alone</td></tr>
<tr><td>6</td><td>not run</td><td>rendered again, the paper is the same</td><td>not run: else</td></tr>
</tbody>
</table>
<p>Unprotected bytes: 9 (in 2 files, which prove nothing; --json lists them)</p>
<ul>
<li>a&lt;b, from byte 1: 2 bytes</li>
<li>a&lt;b, from byte 5: 3 bytes</li>
<li>c, from byte 0: 4 bytes</li>
</ul>
</main>
</body>
</html>
"""


def test_a_result_as_a_page() -> None:
    assert html(result(), "en", "<i>&", "today") == PAGE
    sound = html(result(unprotected=[]), "sv", "x", "idag")
    assert "<p>Oskyddade byte: 0</p>\n</main>" in sound and '<html lang="sv">' in sound


def test_what_would_move_a_terminal_is_shown_as_what_it_is() -> None:
    assert shown("Å–b\x1b[2J\n\u202e\ud800") == "Å–b\\x1b[2J\\n\\u202e\\ud800"
