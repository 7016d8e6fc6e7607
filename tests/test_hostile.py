"""Every malformed or hostile artefact that is kept stops verification at the step it is meant for."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from signing.alone import verify_export, verify_file
from signing.export import ANCHOR, CHECKPOINTS
from signing.report import Report
from tests.golden_hostile import CASES, LOG, PLACE, SOUND

FIELDS = ("Ordforande", "Justerare", "Stampel")
ADDED = [f"{field}: what was added after the signature is not allowed" for field in FIELDS]
UNSTAMPED = "the signature's time stamp is missing"
# What is said of each paper: of pades and of time stamps, up to the validator's own words.
SAID = {
    "paper-truncated": (["the file cannot be read as a sealed PDF"], []),
    "paper-with-a-changed-byte": (
        [f"{field}: the signed bytes have been changed" for field in FIELDS],
        [
            "Tidsstampel: the archive time stamp is over other bytes",
            *(f"{field}: {UNSTAMPED}" for field in FIELDS),
        ],
    ),
    "paper-signed-after-the-seal": (
        [
            "the file does not end with an archive time stamp",
            "the last signature is not the seal in Stampel",
            ADDED[2],
        ],
        [],
    ),
    "paper-with-another-look": (ADDED, []),
    "paper-shadow-replaced": (ADDED, []),
    "paper-shadow-covered": (ADDED, []),
    "paper-sealed-by-another": (
        [
            "Ordforande: CERTIFICATE_CHAIN_GENERAL_FAILURE",
            "Justerare: CERTIFICATE_CHAIN_GENERAL_FAILURE",
            "Stampel: NO_CERTIFICATE_CHAIN_FOUND",
        ],
        [
            "Tidsstampel: the certificate is not issued by any of the given roots",
            *(f"{field}: {UNSTAMPED}" for field in FIELDS),
        ],
    ),
    "paper-with-a-forged-time-stamp": (
        ["Justerare: NO_CERTIFICATE_CHAIN_FOUND"],
        [f"Justerare: {UNSTAMPED}"],
    ),
    "paper-without-an-approval": (["unsigned fields: Justerare"], []),
}
EXPECTED = json.loads(CASES.read_text("utf-8"))
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def failed(report: Report) -> list[str]:
    return sorted(step for step, found in report.failures.items() if found)


def roots(folder: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((folder / ANCHOR).read_bytes())


@pytest.mark.parametrize("name", [name for name in EXPECTED if not name.startswith("paper-")])
def test_an_attack_on_the_log_is_stopped_where_it_must_be(name: str, tmp_path: Path) -> None:
    shutil.copytree(LOG, tmp_path / "out")
    (tmp_path / "out" / CHECKPOINTS).mkdir(exist_ok=True)
    for path in EXPECTED[name].get("removed", ()):
        (tmp_path / "out" / path).unlink()
    if (PLACE / name).is_dir():
        shutil.copytree(PLACE / name, tmp_path / "out", dirs_exist_ok=True)
    kept = tmp_path / "out" / EXPECTED[name].get("outside", "none")
    outside = [(kept.name, kept.read_bytes())] if kept.is_file() else []
    trusted = roots(tmp_path / "out")
    report = verify_export(tmp_path / "out", trusted, outside, NOW)
    assert failed(report) == sorted(EXPECTED[name]["steps"]), report.result()["checks"]
    assert not report.result()["ok"]


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith("paper-")])
def test_an_attack_on_the_paper_is_stopped_where_it_must_be(name: str) -> None:
    path = PLACE / f"{name}.pdf"
    report = verify_file(path.read_bytes(), path, roots(SOUND), NOW)
    assert set(EXPECTED[name]["steps"]) <= set(failed(report)) <= {"pades", "timestamps", "disclosures"}
    for step, said in zip(("pades", "timestamps"), SAID[name], strict=True):
        told = [str(one.values["reason"]) for one in report.failures[step]]
        assert [one[: len(known)] for one, known in zip(told, said, strict=True)] == said
        assert not any("None" in one for one in told)
    assert not report.result()["ok"]


def test_what_they_were_made_of_is_sound() -> None:
    for folder in (LOG, SOUND):
        report = verify_export(folder, roots(folder), [], NOW)
        assert not failed(report)
        assert report.result()["trusted"]


def test_nothing_is_kept_that_no_test_reads() -> None:
    kept = {path.name.removesuffix(".pdf") for path in PLACE.iterdir()} - {"sound", "log", "cases.json"}
    assert kept <= EXPECTED.keys()
    assert all("removed" in EXPECTED[name] for name in EXPECTED.keys() - kept)


def test_a_paper_signed_after_its_authority_had_ended_does_not_hold() -> None:
    path = next((SOUND / "minutes").glob("*.pdf"))
    report = verify_file(path.read_bytes(), path, roots(PLACE / "expired-authority"), NOW)
    said = report.result()["checks"][8]["detail"]
    for name in ("Ordforande", "Justerare", "Stampel"):
        assert f"{name}: the authority's certificate was not valid at" in said
